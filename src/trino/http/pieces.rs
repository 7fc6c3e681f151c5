//! Answers in fewer and larger pieces.
//!
//! Trino sends a page of a megabyte in pieces of 32 KiB, as it makes them. To wake up a thread for
//! each one costs more than to copy it. So a thread that has taken a piece sleeps a moment before
//! it waits for the next one, if the rest of the answer takes much longer: several come at once
//! then. Network cards gather packets in the same way before they interrupt.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

/// How long a thread sleeps.
const MOMENT: Duration = Duration::from_millis(1);

/// How long the rest of an answer has to take for that. A thread must not sleep over the end of an
/// answer, because the next one is only asked for after it; and a quick server sends a whole page
/// within a moment.
const LONG: Duration = Duration::from_micros(1500);

thread_local! {
    static MORE_IS_COMING: Cell<bool> = const { Cell::new(false) };
}

/// An answer that is taken piece by piece.
pub(crate) struct Pieces {
    /// How many bytes are expected still.
    left: usize,
    /// When the first piece was taken.
    since: Option<Instant>,
    /// How many bytes have come since then.
    came: usize,
}

impl Pieces {
    /// An answer that has about `expected` bytes; 0 if nobody knows.
    pub(crate) fn new(expected: usize) -> Self {
        Self {
            left: expected,
            since: None,
            came: 0,
        }
    }

    /// Notes that this thread has taken a piece.
    pub(crate) fn taken(&mut self, bytes: usize) {
        MORE_IS_COMING.set(self.is_far_from_its_end(bytes, Instant::now()));
    }

    /// Whether the rest takes long, after another piece.
    fn is_far_from_its_end(&mut self, bytes: usize, now: Instant) -> bool {
        self.left = self.left.saturating_sub(bytes);
        let Some(since) = self.since else {
            self.since = Some(now);
            return false;
        };
        self.came += bytes;
        let elapsed = now.duration_since(since).as_nanos();
        // elapsed / came × left ≥ LONG
        elapsed * self.left as u128 >= LONG.as_nanos() * self.came as u128
    }
}

/// Sleeps a moment if this thread has taken a piece since it was here last, and the rest of the
/// answer takes long. Called by each thread that receives when it has nothing else to do.
pub fn gather() {
    if MORE_IS_COMING.take() {
        thread::sleep(MOMENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1 << 10;

    /// After which pieces of a page of 1,024 KiB a thread sleeps, if they have 32 KiB each and come
    /// with a `pause` between them.
    fn slept_after(expected: usize, pause: Duration) -> Vec<bool> {
        let start = Instant::now();
        let mut pieces = Pieces::new(expected);
        let times = (0..32).map(|at| start + at * pause);
        times
            .map(|now| pieces.is_far_from_its_end(32 * KIB, now))
            .collect()
    }

    #[test]
    fn it_sleeps_as_long_as_the_rest_takes_longer() {
        let slept = slept_after(1024 * KIB, Duration::from_micros(300));
        // Five pieces take one and a half milliseconds. The first one tells nothing of the speed.
        let wanted = (0..32).map(|at| (1..=26).contains(&at));
        assert_eq!(slept, wanted.collect::<Vec<_>>());
    }

    #[test]
    fn it_never_sleeps_where_the_server_is_quick() {
        let slept = slept_after(1024 * KIB, Duration::from_micros(45));
        assert!(!slept.contains(&true));
    }

    #[test]
    fn it_never_sleeps_if_nobody_knows_how_much_will_come() {
        let slept = slept_after(0, Duration::from_secs(1));
        assert!(!slept.contains(&true));
    }

    #[test]
    fn it_does_not_sleep_over_what_is_longer_than_expected() {
        let slept = slept_after(64 * KIB, Duration::from_millis(1));
        assert!(!slept[2..].contains(&true));
    }

    #[test]
    fn a_thread_sleeps_once_for_a_piece() {
        for _ in 0..3 {
            MORE_IS_COMING.set(true);
            let start = Instant::now();
            gather();
            assert!(start.elapsed() >= MOMENT);
            assert!(!MORE_IS_COMING.get());
        }
    }
}
