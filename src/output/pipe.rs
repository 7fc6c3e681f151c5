//! Writes to stdout until everything is written, even if stdout does not block.
//!
//! A pipe holds 64 KiB unless somebody wants more. With a buffer of 256 KiB to write, this process
//! and the reader would wake each other up again and again: 1.6 times the CPU time of writing to
//! `/dev/null` (docs/performance.md).

use std::io::{self, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat, major, minor};
use rustix::io::Errno;
use rustix::pipe::fcntl_setpipe_size;

/// Bytes that a pipe should hold: as many as Linux gives to everybody.
const SIZE: usize = 1 << 20;

/// The device `/dev/null`, which is the same on every Linux.
const NULL_DEVICE: (u32, u32) = (1, 3);

/// Whether a process was started without this end.
///
/// Before `main`, Rust's standard library opens `/dev/null` in place of each standard stream that
/// is closed, for reading and writing. The shell's `> /dev/null` opens it for writing only, so
/// whoever wants the output to be thrown away can still say so.
pub fn was_closed(end: impl AsFd) -> bool {
    let (Ok(stat), Ok(flags)) = (fstat(&end), fcntl_getfl(&end)) else {
        return false;
    };
    FileType::from_raw_mode(stat.st_mode).is_char_device()
        && (major(stat.st_rdev), minor(stat.st_rdev)) == NULL_DEVICE
        && flags.contains(OFlags::RDWR)
}

/// A file, pipe, socket or terminal without a buffer of its own.
///
/// The flag `O_NONBLOCK` belongs to the pipe and not to this process, so any other process that has
/// the pipe may have set it. It makes no difference here: if the pipe is full, we wait.
pub struct Pipe<F>(F);

impl<F: AsFd> Pipe<F> {
    /// Writes to `end`.
    pub fn new(end: F) -> Self {
        // What is no pipe, and a system that gives no more, are as good as before.
        if let Err(error) = fcntl_setpipe_size(&end, SIZE) {
            tracing::trace!(%error, "stdout keeps its size");
        }
        Self(end)
    }

    fn wait(&self) -> io::Result<()> {
        let mut waits = [PollFd::new(&self.0, PollFlags::OUT)];
        match poll(&mut waits, None) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl<F: AsFd> Write for Pipe<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::write(&self.0, bytes) {
                Err(Errno::AGAIN) => self.wait()?,
                Err(Errno::INTR) => {}
                written => return Ok(written?),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_pipe_that_does_not_block_is_waited_for() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let text: Vec<u8> = (0..4 << 20).map(|n: u32| n.to_le_bytes()[1]).collect();
        let expected = text.clone();
        let writer = std::thread::spawn(move || Pipe::new(ours).write_all(&text));
        std::thread::sleep(Duration::from_millis(50));
        let mut read = Vec::new();
        theirs.read_to_end(&mut read).unwrap();
        writer.join().unwrap().unwrap();
        assert!(read == expected, "{} of {}", read.len(), expected.len());
    }

    #[test]
    fn a_pipe_is_made_larger() {
        let (theirs, ours) = rustix::pipe::pipe().unwrap();
        let _pipe = Pipe::new(ours);
        assert_eq!(rustix::pipe::fcntl_getpipe_size(&theirs).unwrap(), SIZE);
    }

    #[test]
    fn a_reader_that_is_gone_ends_the_waiting() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let writer = std::thread::spawn(move || Pipe::new(ours).write_all(&vec![0; 4 << 20]));
        std::thread::sleep(Duration::from_millis(50));
        drop(theirs);
        let error = writer.join().unwrap().unwrap_err();
        assert!(
            matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
            ),
            "{error}"
        );
    }
}
