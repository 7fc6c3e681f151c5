//! The thread that keeps STATEs in their file, so that records do not wait for the disk.

use std::fs::File;
use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::protocol::message::StreamState;
use crate::state_file::StateFile;

/// After the file was replaced, it is not replaced again for this many times as long as that took.
///
/// The file is replaced as a whole, so without a pause a read of very many streams would do little
/// else: the file grows with each stream, and each stream has a STATE. A killed read reads again
/// what came during the pause.
const PAUSE: u32 = 9;

/// The longest pause, for disks that are very slow at times.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Keeps the newest STATE of each stream. When it is dropped, everything that it was given is kept.
#[derive(Debug)]
pub(super) struct Keeper {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Order {
    Keep(StreamState),
    /// Somebody waits until every STATE before it is kept.
    Mark(oneshot::Sender<()>),
}

impl Keeper {
    /// Starts the thread. Before it replaces the file, it waits until `records` is on the disk, so
    /// that a power failure loses no record that a kept STATE covers; `None` if the records go to
    /// no file. The thread calls `tell` if a STATE cannot be kept. Then it keeps no further one,
    /// because the file would have a new state of one stream and an old state of another.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub(super) fn start(
        file: StateFile,
        records: Option<File>,
        tell: impl FnOnce(io::Error) + Send + 'static,
    ) -> io::Result<Self> {
        let (orders, receiver) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("state file".to_owned())
            .spawn(move || keep_all(Kept::new(file, records), &receiver, tell))?;
        Ok(Self {
            orders: Some(orders),
            thread: Some(thread),
        })
    }

    /// Keeps a STATE that has reached its reader.
    pub(super) fn keep(&self, stream: StreamState) {
        self.order(Order::Keep(stream));
    }

    /// Says when everything so far is kept, or it was told that it cannot be.
    pub(super) fn mark(&self, reached: oneshot::Sender<()>) {
        self.order(Order::Mark(reached));
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // It fails only if the thread has panicked; whoever waits for a mark notices that.
            let _ = orders.send(order);
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // The thread ends when there is nobody left who could give it an order.
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Keeps what comes until something cannot be kept, which it tells. Ends when nothing can come any
/// more.
fn keep_all(mut kept: Kept, orders: &Receiver<Order>, tell: impl FnOnce(io::Error)) {
    let mut tell = Some(tell);
    let mut is_last = false;
    while !is_last {
        let mut mark = None;
        let step = match kept.next_order(orders) {
            Ok(Order::Keep(stream)) => kept.put(&stream),
            Ok(Order::Mark(reached)) => {
                mark = Some(reached);
                kept.catch_up()
            }
            Err(RecvTimeoutError::Timeout) => kept.catch_up(),
            Err(RecvTimeoutError::Disconnected) => {
                is_last = true;
                kept.catch_up()
            }
        };
        if let Err(error) = step
            && let Some(tell) = tell.take()
        {
            tell(error);
        }
        if let Some(mark) = mark {
            // Somebody who has stopped waiting needs no answer.
            let _ = mark.send(());
        }
    }
}

/// The file, and how far it is behind.
struct Kept {
    /// `None` after a failure.
    file: Option<StateFile>,
    /// What the records before the states are written to, if it is a file.
    records: Option<File>,
    /// Whether there is a state that the file does not have yet.
    is_behind: bool,
    /// The end of the pause.
    next: Instant,
}

impl Kept {
    fn new(file: StateFile, records: Option<File>) -> Self {
        Self {
            file: Some(file),
            records,
            is_behind: false,
            next: Instant::now(),
        }
    }

    /// Waits for an order. If the file is behind, only until the pause is over.
    fn next_order(&self, orders: &Receiver<Order>) -> Result<Order, RecvTimeoutError> {
        if self.is_behind {
            let pause = self.next.saturating_duration_since(Instant::now());
            return orders.recv_timeout(pause);
        }
        orders.recv().map_err(|_| RecvTimeoutError::Disconnected)
    }

    /// Takes a state, and replaces the file unless there is a pause.
    fn put(&mut self, stream: &StreamState) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        match file.put(stream) {
            Ok(is_new) => self.is_behind |= is_new,
            Err(error) => return self.fail(error),
        }
        if Instant::now() < self.next {
            return Ok(());
        }
        self.catch_up()
    }

    /// Replaces the file if it is behind.
    fn catch_up(&mut self) -> io::Result<()> {
        let (true, Some(file)) = (self.is_behind, &self.file) else {
            return Ok(());
        };
        let began = Instant::now();
        let records = self.records.as_ref();
        let replaced = records.map_or(Ok(()), flush).and_then(|()| file.replace());
        if let Err(error) = replaced {
            return self.fail(error);
        }
        self.next = Instant::now() + (began.elapsed() * PAUSE).min(LONGEST_PAUSE);
        self.is_behind = false;
        Ok(())
    }

    fn fail(&mut self, error: io::Error) -> io::Result<()> {
        self.file = None;
        self.is_behind = false;
        Err(error)
    }
}

/// Waits until the records are on the disk.
fn flush(records: &File) -> io::Result<()> {
    records.sync_data().map_err(|error| {
        let problem = format!("the records before it cannot be flushed to their disk: {error}");
        io::Error::new(error.kind(), problem)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use serde_json::json;

    use super::*;
    use crate::protocol::message::StreamDescriptor;

    fn state(stream: usize, n: usize) -> StreamState {
        StreamState {
            stream_descriptor: StreamDescriptor {
                name: format!("t{stream}"),
                namespace: None,
            },
            stream_state: json!({ "n": n }),
        }
    }

    /// A keeper that must not fail, its file, and what removes the file in the end.
    fn start() -> (Keeper, PathBuf, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let fails = |error: io::Error| panic!("{error}");
        let keeper = Keeper::start(StateFile::open(&path).unwrap(), None, fails).unwrap();
        (keeper, path, directory)
    }

    #[test]
    fn a_state_is_kept_without_another_one_after_it() {
        let (keeper, path, _directory) = start();
        for n in 1..=3 {
            keeper.keep(state(1, n));
            let expected = format!("{{\"n\":{n}}}");
            let is_kept = || fs::read_to_string(&path).is_ok_and(|text| text.contains(&expected));
            let limit = Instant::now() + Duration::from_secs(20);
            while !is_kept() {
                assert!(Instant::now() < limit, "state {n} is not kept");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        drop(keeper);
    }

    #[test]
    fn a_mark_comes_after_what_is_before_it_is_kept() {
        let (keeper, path, _directory) = start();
        for n in 1..=100 {
            keeper.keep(state(n, n));
            let (mark, reached) = oneshot::channel();
            keeper.mark(mark);
            reached.blocking_recv().unwrap();
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(&format!("{{\"n\":{n}}}")), "{text}");
        }
    }

    #[test]
    fn the_last_states_are_kept_though_there_was_a_pause() {
        let (keeper, path, _directory) = start();
        for n in 1..=1000 {
            keeper.keep(state(n % 500, n));
        }
        drop(keeper);
        let text = fs::read_to_string(&path).unwrap();
        for n in 501..=1000 {
            assert!(text.contains(&format!("{{\"n\":{n}}}")), "{n}");
        }
    }

    #[test]
    fn a_state_that_cannot_be_kept_is_told_and_nobody_waits_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let inside = directory.path().join("inside");
        fs::create_dir(&inside).unwrap();
        let file = StateFile::open(&inside.join("state.json")).unwrap();
        fs::remove_dir(&inside).unwrap();
        let is_told = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_told);
        let tell = move |_| told.store(true, Ordering::SeqCst);
        let keeper = Keeper::start(file, None, tell).unwrap();
        for n in 1..=3 {
            keeper.keep(state(1, n));
            let (mark, reached) = oneshot::channel();
            keeper.mark(mark);
            reached.blocking_recv().unwrap();
            assert!(is_told.load(Ordering::SeqCst), "before the mark");
        }
    }

    #[test]
    fn a_state_is_not_kept_before_its_records_are_on_the_disk() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let file = StateFile::open(&path).unwrap();
        // There is no disk behind a device, so that waiting for it fails.
        let records = File::open("/dev/null").unwrap();
        let (told, why) = mpsc::channel();
        let keeper = Keeper::start(file, Some(records), move |error| {
            told.send(error).unwrap();
        });
        keeper.unwrap().keep(state(1, 1));
        let error = why.recv().unwrap();
        assert!(
            error.to_string().contains("the records before it"),
            "{error}"
        );
        assert!(!path.exists());
    }
}
