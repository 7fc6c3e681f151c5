//! Rows with the cursor's boundary value: which of them were sent, and which came late.
//!
//! The lower bound of a read by cursor is inclusive, since rows with the same value may be
//! written after it was read. Those that were sent are recognised by a hash of the record's data
//! and not sent again. A state keeps up to [`LIMIT`] hashes. Of more rows it keeps only their
//! number: while that stays the same, nothing came late; when it changes, all rows with the value
//! are sent again, so that none is missing.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use memchr::memmem;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use xxhash_rust::xxh3::xxh3_64;

use crate::lines::Lines;

/// Hashes in one state: 8 bytes each, 43 kB as base64.
pub(crate) const LIMIT: usize = 4_000;

/// Rows with one cursor value that were sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Their number.
    pub(crate) rows: u64,
    /// Their hashes, sorted; none if there are more than [`LIMIT`].
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "encode",
        deserialize_with = "decode"
    )]
    hashes: Vec<u64>,
}

impl Seen {
    /// Whether the rows can be recognised.
    pub(crate) fn is_known(&self) -> bool {
        self.hashes.len() as u64 == self.rows
    }
}

fn encode<S: Serializer>(hashes: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
    let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
    STANDARD_NO_PAD.encode(bytes).serialize(serializer)
}

fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = STANDARD_NO_PAD
        .decode(text)
        .map_err(serde::de::Error::custom)?;
    let (hashes, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(serde::de::Error::custom("a hash is cut off"));
    }
    Ok(hashes
        .iter()
        .map(|bytes| u64::from_le_bytes(*bytes))
        .collect())
}

/// Looks at all rows with one cursor value as they are read.
#[derive(Debug, Default)]
pub(crate) struct Boundary {
    /// Rows that were sent and not met yet: how many of each hash.
    sent: HashMap<u64, u32>,
    hashes: Vec<u64>,
    rows: u64,
}

impl Boundary {
    /// For rows of which some were `seen`.
    pub(crate) fn new(seen: &Seen) -> Self {
        let mut sent = HashMap::new();
        for hash in &seen.hashes {
            *sent.entry(*hash).or_default() += 1;
        }
        Self {
            sent,
            ..Self::default()
        }
    }

    /// Removes the records that were sent from `lines` and returns how many.
    pub(crate) fn filter(&mut self, lines: &mut Lines) -> u64 {
        lines.retain(|line| self.is_new(line))
    }

    fn is_new(&mut self, line: &[u8]) -> bool {
        let hash = xxh3_64(data(line));
        self.rows += 1;
        if self.rows <= LIMIT as u64 {
            self.hashes.push(hash);
        } else {
            self.hashes = Vec::new();
        }
        match self.sent.get_mut(&hash) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        }
    }

    /// All rows with the value, now that they are read.
    pub(crate) fn seen(mut self) -> Seen {
        self.hashes.sort_unstable();
        Seen {
            rows: self.rows,
            hashes: self.hashes,
        }
    }
}

/// The part of a RECORD line that comes from the row. The texts that it lies between have quotes
/// that are not escaped, so they cannot be part of a name or a value before or behind it.
fn data(line: &[u8]) -> &[u8] {
    let start = memmem::find(line, b"\"data\":").unwrap_or(0);
    let end = memmem::rfind(line, b"\"emitted_at\":").unwrap_or(line.len());
    line.get(start..end).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(data: &[&str], emitted_at: u32) -> Lines {
        let mut lines = Lines::default();
        for data in data {
            let line = format!(
                "{{\"type\":\"RECORD\",\"record\":{{\"stream\":\"t\",\"data\":{data},\"emitted_at\":{emitted_at}}}}}\n"
            );
            lines.push(line.as_bytes());
        }
        lines
    }

    fn pass(seen: &Seen, data: &[&str], emitted_at: u32) -> (String, Seen) {
        let mut boundary = Boundary::new(seen);
        let mut lines = lines(data, emitted_at);
        boundary.filter(&mut lines);
        let text = String::from_utf8(lines.as_bytes().to_vec());
        (text.unwrap(), boundary.seen())
    }

    #[test]
    fn rows_that_were_sent_are_not_sent_again_and_late_ones_are() {
        let (sent, seen) = pass(&Seen::default(), &[r#"{"a":1}"#, r#"{"a":2}"#], 1);
        assert_eq!(sent.lines().count(), 2);
        let (sent, seen) = pass(&seen, &[r#"{"a":2}"#, r#"{"a":3}"#, r#"{"a":1}"#], 22);
        assert_eq!(sent.as_bytes(), lines(&[r#"{"a":3}"#], 22).as_bytes());
        assert_eq!(seen.rows, 3);
    }

    #[test]
    fn equal_rows_are_counted() {
        let (_, seen) = pass(&Seen::default(), &[r#"{"a":1}"#], 1);
        let (sent, _) = pass(&seen, &[r#"{"a":1}"#, r#"{"a":1}"#], 1);
        assert_eq!(sent.lines().count(), 1);
    }

    #[test]
    fn data_that_looks_like_the_end_of_a_record_is_data() {
        let tricky = r#"{"j":{},"emitted_at":1}"#;
        let (_, seen) = pass(&Seen::default(), &[tricky], 1);
        let (sent, _) = pass(&seen, &[tricky, r#"{"j":{},"emitted_at":2}"#], 9);
        assert_eq!(sent.lines().count(), 1);
    }

    #[test]
    fn of_too_many_rows_only_the_number_is_kept() {
        let rows = vec![r#"{"a":1}"#; LIMIT + 1];
        let (_, seen) = pass(&Seen::default(), &rows, 1);
        assert_eq!(seen.rows, LIMIT as u64 + 1);
        assert!(!seen.is_known());
        let (sent, _) = pass(&seen, &rows, 1);
        assert_eq!(sent.lines().count(), LIMIT + 1);
        let (_, full) = pass(&Seen::default(), &rows[1..], 1);
        assert!(full.is_known());
        assert!(serde_json::to_string(&full).unwrap().len() < 48_000);
    }

    #[test]
    fn what_was_seen_is_written_and_read() {
        let (_, seen) = pass(&Seen::default(), &[r#"{"a":1}"#, r#"{"a":2}"#], 1);
        let text = serde_json::to_string(&seen).unwrap();
        assert_eq!(serde_json::from_str::<Seen>(&text).unwrap(), seen);
        assert!(serde_json::from_str::<Seen>(r#"{"rows":1,"hashes":"AAAA"}"#).is_err());
    }
}
