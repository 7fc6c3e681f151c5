//! What was read of each stream so far. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount};

use super::table::{self, Column};
use crate::amounts::grouped_amount;

/// Stream names shown at once.
const NAMED: usize = 3;

/// What was read so far.
#[derive(Debug)]
pub(super) struct Tally {
    began: Instant,
    /// How many streams there are.
    streams: usize,
    /// The streams that have begun, by name.
    begun: BTreeMap<String, Stream>,
}

/// What was read of one stream.
#[derive(Debug)]
struct Stream {
    began: Instant,
    /// How it is read.
    how: String,
    /// Rows by Trino's statistics.
    expected: Option<u64>,
    rows: u64,
    /// Bytes that came from Trino.
    bytes: u64,
    ended: Option<Ended>,
}

#[derive(Debug, Clone, Copy)]
struct Ended {
    after: Duration,
    failed: bool,
}

impl Tally {
    pub(super) fn new(streams: usize, now: Instant) -> Self {
        Self {
            began: now,
            streams,
            begun: BTreeMap::new(),
        }
    }

    pub(super) fn start(&mut self, stream: &str, how: &str, now: Instant) {
        let begun = Stream {
            began: now,
            how: how.to_owned(),
            expected: None,
            rows: 0,
            bytes: 0,
            ended: None,
        };
        self.begun.insert(stream.to_owned(), begun);
    }

    pub(super) fn expect(&mut self, stream: &str, rows: u64) {
        if let Some(stream) = self.begun.get_mut(stream) {
            stream.expected = Some(rows);
        }
    }

    pub(super) fn add(&mut self, stream: &str, rows: u64, bytes: usize) {
        if let Some(stream) = self.begun.get_mut(stream) {
            stream.rows += rows;
            stream.bytes += bytes as u64;
        }
    }

    pub(super) fn finish(&mut self, stream: &str, failed: bool, now: Instant) {
        if let Some(stream) = self.begun.get_mut(stream) {
            let after = now.duration_since(stream.began);
            stream.ended = Some(Ended { after, failed });
        }
    }

    /// One line about everything.
    pub(super) fn line(&self, now: Instant) -> String {
        let elapsed = now.duration_since(self.began);
        let rows = self.begun.values().map(|stream| stream.rows).sum();
        let bytes = self.begun.values().map(|stream| stream.bytes).sum();
        let ended = self.begun.values().filter_map(|stream| stream.ended);
        let (failed, finished): (Vec<Ended>, Vec<Ended>) = ended.partition(|ended| ended.failed);
        let mut parts = vec![
            match failed.len() {
                0 => format!("{}/{} streams", finished.len(), self.streams),
                failed => format!(
                    "{}/{} streams, {failed} failed",
                    finished.len(),
                    self.streams
                ),
            },
            grouped_amount(rows, "row"),
            HumanBytes(bytes).to_string(),
            clock(elapsed),
            format!("{} rows/s", HumanCount(per_second(rows, elapsed))),
        ];
        parts.extend(self.rest(elapsed));
        let running = self.begun.iter().filter(|(_, one)| one.ended.is_none());
        let names: Vec<&str> = running.take(NAMED).map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            parts.push(names.join(", "));
        }
        parts.join(" · ")
    }

    /// How much of all rows was read, and how long the rest will take. `None` unless all streams
    /// have begun and the statistics tell their rows.
    fn rest(&self, elapsed: Duration) -> Option<String> {
        if self.begun.len() < self.streams {
            return None;
        }
        let (mut expected, mut rows) = (0, 0);
        for stream in self.begun.values() {
            expected += match stream.ended {
                // What is over needs no estimate.
                Some(_) => stream.rows,
                None => stream.expected?.max(stream.rows),
            };
            rows += stream.rows;
        }
        if rows == 0 || rows >= expected {
            return None;
        }
        let percent = 100 * u128::from(rows) / u128::from(expected);
        if percent == 0 {
            // So few rows say nothing of the time that the others will take.
            return None;
        }
        let left = elapsed.as_millis() * u128::from(expected - rows) / u128::from(rows);
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(u64::MAX));
        Some(format!("{percent} %, about {} left", clock(left)))
    }

    /// A table with one line a stream.
    pub(super) fn table(&self) -> String {
        let columns = [
            Column::Text("stream"),
            Column::Number("rows"),
            Column::Number("received"),
            Column::Number("time"),
            Column::Number("rows/s"),
            Column::Text("read"),
        ];
        let rows = self.begun.iter().map(|(name, stream)| {
            let (after, end) = match stream.ended {
                Some(Ended { after, failed }) => (after, failed.then_some("failed")),
                None => (Duration::ZERO, Some("not finished")),
            };
            // A stream for which there is no plan is read in no way.
            let how = Some(stream.how.as_str()).filter(|how| !how.is_empty());
            let how: Vec<&str> = how.into_iter().chain(end).collect();
            vec![
                name.clone(),
                HumanCount(stream.rows).to_string(),
                HumanBytes(stream.bytes).to_string(),
                clock(after),
                HumanCount(per_second(stream.rows, after)).to_string(),
                how.join(", "),
            ]
        });
        table::lines(&columns, rows)
    }
}

/// Minutes and seconds, and hours if there are any.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

fn per_second(rows: u64, time: Duration) -> u64 {
    let millis = time.as_millis().max(1);
    u64::try_from(u128::from(rows) * 1000 / millis).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(began: Instant, seconds: u64) -> Instant {
        began + Duration::from_secs(seconds)
    }

    #[test]
    fn the_rest_is_told_when_the_rows_of_all_streams_are_expected() {
        let began = Instant::now();
        let mut tally = Tally::new(2, began);
        tally.start("a", "whole", began);
        tally.expect("a", 1000);
        tally.add("a", 250, 5000);
        assert_eq!(
            tally.line(after(began, 10)),
            "0/2 streams · 250 rows · 4.88 KiB · 0:10 · 25 rows/s · a"
        );
        tally.start("b", "whole", began);
        tally.finish("b", false, after(began, 1));
        assert_eq!(
            tally.line(after(began, 10)),
            "1/2 streams · 250 rows · 4.88 KiB · 0:10 · 25 rows/s · 25 %, about 0:30 left · a"
        );
    }

    #[test]
    fn more_rows_than_expected_leave_no_rest() {
        let began = Instant::now();
        let mut tally = Tally::new(1, began);
        tally.start("a", "whole", began);
        tally.expect("a", 10);
        tally.add("a", 11, 0);
        assert!(!tally.line(after(began, 1)).contains('%'));
    }

    #[test]
    fn the_table_has_a_line_for_each_stream_that_has_begun() {
        let began = Instant::now();
        let mut tally = Tally::new(3, began);
        tally.start("s.orders", "by cursor \"id\"", began);
        tally.add("s.orders", 15_000, 1 << 20);
        tally.finish("s.orders", false, after(began, 3));
        tally.start("s.customer", "whole", began);
        tally.finish("s.customer", true, after(began, 70));
        tally.start("s.gone", "", began);
        tally.finish("s.gone", true, began);
        let table = tally.table();
        let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
        assert_eq!(
            lines,
            [
                "stream        rows  received  time  rows/s  read",
                "s.customer       0       0 B  1:10       0  whole, failed",
                "s.gone           0       0 B  0:00       0  failed",
                "s.orders    15,000  1.00 MiB  0:03   5,000  by cursor \"id\"",
            ]
        );
    }

    #[test]
    fn long_times_have_hours() {
        assert_eq!(clock(Duration::from_secs(59)), "0:59");
        assert_eq!(clock(Duration::from_secs(3661)), "1:01:01");
    }
}
