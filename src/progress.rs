//! A line on a terminal's stderr while `read` runs: streams, rows, bytes, rate.
//!
//! It is shown only if a person sees it and it does not mix with the output: stderr is a terminal
//! and stdout is not.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the line is drawn again.
const TICK: Duration = Duration::from_millis(200);

/// Stream names shown at once.
const NAMED: usize = 3;

/// The state of the line; cheap to clone. Does nothing if there is no terminal.
#[derive(Clone)]
pub(crate) struct Progress(Option<Arc<Line>>);

struct Line {
    bar: ProgressBar,
    started: Instant,
    streams: usize,
    finished: AtomicUsize,
    failed: AtomicUsize,
    rows: AtomicU64,
    bytes: AtomicU64,
    running: Mutex<BTreeSet<String>>,
}

impl Progress {
    /// A line for a read of `streams` streams, or nothing.
    pub(crate) fn new(streams: usize) -> Self {
        if !std::io::stderr().is_terminal() || std::io::stdout().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Self(Some(Arc::new(Line {
            bar,
            started: Instant::now(),
            streams,
            finished: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            running: Mutex::default(),
        })))
    }

    /// Shows that a stream has begun.
    pub(crate) fn start(&self, stream: &str) {
        self.change(|line| {
            line.running
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(stream.to_owned());
        });
    }

    /// Counts the rows and bytes of a page.
    pub(crate) fn add(&self, rows: u64, bytes: usize) {
        self.change(|line| {
            line.rows.fetch_add(rows, Ordering::Relaxed);
            line.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        });
    }

    /// Shows that a stream has ended, and how.
    pub(crate) fn finish(&self, stream: &str, failed: bool) {
        self.change(|line| {
            let ended = if failed { &line.failed } else { &line.finished };
            ended.fetch_add(1, Ordering::Relaxed);
            line.running
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(stream);
        });
    }

    /// Leaves a last line and stops drawing.
    pub(crate) fn end(&self) {
        if let Some(line) = &self.0 {
            line.bar.finish_with_message(line.text());
        }
    }

    fn change(&self, change: impl FnOnce(&Line)) {
        if let Some(line) = &self.0 {
            change(line);
            line.bar.set_message(line.text());
        }
    }
}

impl Drop for Line {
    /// Leaves the line as it is when the read is interrupted, and begins a new one.
    fn drop(&mut self) {
        if !self.bar.is_finished() {
            self.bar.abandon();
        }
    }
}

impl Line {
    fn text(&self) -> String {
        let rows = self.rows.load(Ordering::Relaxed);
        let bytes = self.bytes.load(Ordering::Relaxed);
        let millis = u64::try_from(self.started.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<&str> = running.iter().take(NAMED).map(String::as_str).collect();
        let failed = match self.failed.load(Ordering::Relaxed) {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        let names = if names.is_empty() {
            String::new()
        } else {
            format!(" · {}", names.join(", "))
        };
        format!(
            "{}/{} streams{failed} · {} rows · {} · {} rows/s · {}/s{names}",
            self.finished.load(Ordering::Relaxed),
            self.streams,
            HumanCount(rows),
            HumanBytes(bytes),
            HumanCount(rows.saturating_mul(1000) / millis),
            HumanBytes(bytes.saturating_mul(1000) / millis),
        )
    }
}
