//! What ends the process from outside, and the death by it.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::{Pid, Signal as Number, getppid, set_parent_process_death_signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGTERM};
use signal_hook::low_level::emulate_default_handler;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Added to a signal's number by shells.
const SHELL_CODE: i32 = 128;

/// The platform's wrapper looks for this file in the working directory every ten seconds. Once it
/// is there the wrapper kills the shell around the connector, and a moment later the container is
/// gone: too soon for a query to be cancelled. So the connector looks for it itself.
const MARKER: &str = "TERMINATED";

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// Why a process that was not let finish ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The terminal is gone.
    Hangup,
    /// A person has stopped it.
    Interrupt,
    /// Somebody or something has stopped it.
    Terminate,
    /// The platform has no use for it any more.
    Withdrawn,
    /// The reader of stdout is gone.
    ClosedPipe,
}

impl Ending {
    fn signal(self) -> i32 {
        match self {
            Self::Hangup => SIGHUP,
            Self::Interrupt => SIGINT,
            Self::Terminate | Self::Withdrawn => SIGTERM,
            Self::ClosedPipe => SIGPIPE,
        }
    }

    /// Dies by the signal, as if it had never been caught: whoever started this process sees what
    /// has really happened, and a shell makes 128 and the signal's number of it.
    ///
    /// The first process of a container cannot die by a signal of its own, and no signal came from
    /// the platform, whose shell would print a line about it. They end with the code that a shell
    /// shows, which is the result.
    pub fn die(self) -> ExitCode {
        if std::process::id() != 1 && self != Self::Withdrawn {
            let _ = emulate_default_handler(self.signal());
        }
        ExitCode::from(u8::try_from(SHELL_CODE + self.signal()).unwrap_or(u8::MAX))
    }
}

/// The shell of the platform that has started this process.
#[derive(Debug, Clone, Copy)]
pub struct Parent(Pid);

impl Parent {
    /// The present parent. To be asked for as early as possible: a parent that has died before
    /// cannot be told from another one.
    pub fn present() -> Option<Self> {
        // A parent outside of the container has no number here.
        getppid().map(Self)
    }

    fn is_gone(self) -> bool {
        getppid() != Some(self.0)
    }
}

/// The signals that end a process.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
    orphaned: Option<(Parent, Signal)>,
}

impl Signals {
    /// Begins to listen. Below the platform's shell, which is `parent`, its death counts as SIGTERM,
    /// and so does the platform's marker: the platform ends a read by a signal to that shell, which
    /// dies and passes nothing on.
    ///
    /// For the main thread, inside of the runtime.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn listen(parent: Option<Parent>) -> io::Result<Self> {
        let hangup = if is_ignored(SIGHUP) {
            // `nohup` has been asked to keep this process alive.
            None
        } else {
            Some(signal(SignalKind::hangup())?)
        };
        let orphaned = match parent {
            None => None,
            Some(parent) => {
                let died = signal(SignalKind::user_defined1())?;
                set_parent_process_death_signal(Some(Number::USR1))?;
                Some((parent, died))
            }
        };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup,
            orphaned,
        })
    }

    /// Waits for the first of them.
    pub async fn next(&mut self) -> Ending {
        tokio::select! {
            _ = self.interrupt.recv() => Ending::Interrupt,
            _ = self.terminate.recv() => Ending::Terminate,
            () = received(self.hangup.as_mut()) => Ending::Hangup,
            () = withdrawn(self.orphaned.as_mut()) => Ending::Withdrawn,
        }
    }
}

async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Waits until the platform's shell is dead or about to die. The signal alone does not tell: it
/// also comes when only the thread has ended that started this process.
async fn withdrawn(parent: Option<&mut (Parent, Signal)>) {
    let Some((parent, signal)) = parent else {
        return std::future::pending().await;
    };
    while !parent.is_gone() && !Path::new(MARKER).exists() {
        tokio::select! {
            _ = signal.recv() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Whether whoever started this process wants it to survive a signal.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // Where nothing can be known, nothing is changed.
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_none_or(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_ignores_a_closed_pipe_and_nothing_else() {
        assert!(is_ignored(SIGPIPE));
        assert!(!is_ignored(SIGTERM));
    }

    #[test]
    fn the_parent_of_a_test_is_there() {
        assert!(!Parent::present().unwrap().is_gone());
        assert!(Parent(Pid::INIT).is_gone());
    }
}
