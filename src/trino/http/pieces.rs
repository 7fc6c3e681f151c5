//! Answers in fewer and larger pieces.
//!
//! Trino sends a page of a megabyte in pieces of 32 KiB, as it makes them. To wake up a thread for
//! each one costs more than to copy it. So a thread that has taken a piece sleeps a moment before it
//! waits for the next one, if much more is expected: several come at once then. Network cards gather
//! packets in the same way before they interrupt.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

/// How long a thread sleeps. A page takes several times as long, even from a quick server.
const MOMENT: Duration = Duration::from_millis(1);

/// How many bytes have to be expected still. A thread does not sleep over the end of an answer,
/// because the next one is only asked for after it.
const MUCH: usize = 100 << 10;

thread_local! {
    static MORE_IS_EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Notes that this thread has taken a piece of an answer of which `left` bytes are expected still.
pub(crate) fn taken(left: usize) {
    MORE_IS_EXPECTED.set(left > MUCH);
}

/// Sleeps a moment if this thread has taken a piece since it was here last, and much more is
/// expected. Called by each thread that receives when it has nothing else to do.
pub fn gather() {
    if MORE_IS_EXPECTED.take() {
        thread::sleep(MOMENT);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_thread_sleeps_once_for_each_piece_after_which_much_is_expected() {
        for _ in 0..3 {
            taken(MUCH + 1);
            let start = Instant::now();
            gather();
            assert!(start.elapsed() >= MOMENT);
            assert!(!MORE_IS_EXPECTED.get());
        }
    }

    #[test]
    fn the_end_of_an_answer_is_not_slept_over() {
        taken(MUCH + 1);
        taken(MUCH);
        assert!(!MORE_IS_EXPECTED.get());
    }

    #[test]
    fn what_another_thread_has_taken_lets_this_one_not_sleep() {
        thread::spawn(|| taken(MUCH + 1)).join().unwrap();
        assert!(!MORE_IS_EXPECTED.get());
    }
}
