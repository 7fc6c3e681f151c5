//! The signals and events that end the process from outside, and how it then dies.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::{Pid, Signal as Number, getppid, set_parent_process_death_signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM};
use signal_hook::low_level::emulate_default_handler;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Added to a signal's number by shells.
const SHELL_CODE: i32 = 128;

/// The platform's wrapper looks for this file in the working directory every ten seconds. When the
/// file is there, the wrapper kills the shell around the connector, and a moment later the
/// container ends. That is too soon for cancelling queries, so the connector looks for the file
/// itself.
const MARKER: &str = "TERMINATED";

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// Why a process ends before it has finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The terminal was closed.
    Hangup,
    /// A person has stopped it.
    Interrupt,
    /// A person has stopped it by Ctrl-\.
    Quit,
    /// Somebody or something has stopped it.
    Terminate,
    /// The platform does not need it any more.
    Withdrawn,
    /// The reader of stdout has closed it.
    ClosedPipe,
}

impl Ending {
    fn signal(self) -> i32 {
        match self {
            Self::Hangup => SIGHUP,
            Self::Interrupt => SIGINT,
            Self::Quit => SIGQUIT,
            Self::Terminate | Self::Withdrawn => SIGTERM,
            Self::ClosedPipe => SIGPIPE,
        }
    }

    /// Dies by the signal, as if it had never been caught. So the caller sees what has really
    /// happened; a shell shows it as 128 plus the signal's number.
    ///
    /// There are two cases in which it does not die by a signal but returns the code that a shell
    /// would show: the first process of a container cannot kill itself by a signal, and after the
    /// platform's marker file no signal came, and the platform's shell would print a line about
    /// one.
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
    /// The present parent. This must be called as early as possible: if the parent has died before,
    /// another process is taken for it.
    pub fn present() -> Option<Self> {
        // A parent outside of the container has no process id here.
        getppid().map(Self)
    }

    fn has_died(self) -> bool {
        getppid() != Some(self.0)
    }
}

/// The signals that end a process.
pub struct Signals {
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
    orphaned: Option<(Parent, Signal)>,
}

impl Signals {
    /// Begins to listen. If the platform's shell has started us, it is `parent`. Its death counts
    /// as SIGTERM, and so does the platform's marker file: the platform ends a read by a signal to
    /// that shell, which dies and does not pass it on.
    ///
    /// Must be called on the main thread, inside of the runtime.
    ///
    /// # Errors
    ///
    /// When the system refuses to register a signal.
    pub fn listen(parent: Option<Parent>) -> io::Result<Self> {
        let hangup = if is_ignored(SIGHUP) {
            // The signal is ignored because somebody used `nohup` to keep this process alive.
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
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hangup,
            orphaned,
        })
    }

    /// Waits for the first of these events.
    pub async fn next(&mut self) -> Ending {
        tokio::select! {
            _ = self.interrupt.recv() => Ending::Interrupt,
            _ = self.quit.recv() => Ending::Quit,
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

/// Waits until the platform's shell is dead or about to die. The signal alone is no proof: it also
/// comes when only the thread of the parent ends that has started this process.
async fn withdrawn(parent: Option<&mut (Parent, Signal)>) {
    let Some((parent, signal)) = parent else {
        return std::future::pending().await;
    };
    while !parent.has_died() && !Path::new(MARKER).exists() {
        tokio::select! {
            _ = signal.recv() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Whether the caller wants this process to survive a signal.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // If this cannot be found out, the signal is treated as usual.
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
        assert!(!Parent::present().unwrap().has_died());
        assert!(Parent(Pid::INIT).has_died());
    }
}
