//! What a person sees of a read: a line while it runs, a table at its end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::tally::Tally;
use super::{Kind, Reader};

/// How often the line is drawn again.
const TICK: Duration = Duration::from_millis(200);

/// What is shown of a read; cheap to clone. Does nothing if nobody looks.
#[derive(Clone)]
pub(crate) struct Progress(Option<Arc<Shown>>);

struct Shown {
    tally: Mutex<Tally>,
    /// The line. Hidden if it would mix with what somebody else draws.
    bar: ProgressBar,
}

impl Progress {
    /// For a read of `streams` streams. The line is drawn if it is `asked` for, or if stdout is a
    /// file: behind a pipe, `less` or `jq` may use the same terminal.
    pub(crate) fn new(streams: usize, asked: bool) -> Self {
        if super::reader() != Reader::Person {
            return Self(None);
        }
        let target = if asked || super::stdout_is_file() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        let tally = Mutex::new(Tally::new(streams, Instant::now()));
        Self(Some(Arc::new(Shown { tally, bar })))
    }

    /// Shows that a stream has begun, and how it is read.
    pub(crate) fn start(&self, stream: &str, how: &str) {
        self.change(|tally| tally.start(stream, how, Instant::now()));
    }

    /// Notes how many rows a stream has by its statistics.
    pub(crate) fn expect(&self, stream: &str, rows: u64) {
        self.change(|tally| tally.expect(stream, rows));
    }

    /// Counts the rows and bytes of a page.
    pub(crate) fn add(&self, stream: &str, rows: u64, bytes: usize) {
        self.change(|tally| tally.add(stream, rows, bytes));
    }

    /// Shows that a stream has ended, and how.
    pub(crate) fn finish(&self, stream: &str, failed: bool) {
        self.change(|tally| tally.finish(stream, failed, Instant::now()));
    }

    /// Stops drawing and leaves a table.
    pub(crate) fn end(&self) {
        if let Some(shown) = &self.0 {
            let tally = shown.lock();
            shown.bar.finish_and_clear();
            super::tell(Kind::Plain, &tally.table());
            super::tell(Kind::Plain, &tally.line(Instant::now()));
        }
    }

    fn change(&self, change: impl FnOnce(&mut Tally)) {
        if let Some(shown) = &self.0 {
            let mut tally = shown.lock();
            change(&mut tally);
            shown.bar.set_message(tally.line(Instant::now()));
        }
    }
}

impl Shown {
    /// A poisoned lock only means that another thread panicked while it counted.
    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shown {
    /// Leaves the line as it is when the read is interrupted, and begins a new one.
    fn drop(&mut self) {
        if !self.bar.is_finished() {
            self.bar.abandon();
        }
    }
}
