//! The rows at a cursor's boundary, which all have one value: which of them were sent, and which
//! are new.
//!
//! The lower bound of a read by cursor is inclusive, because rows with the same value may be
//! written or changed after the value was read. Trino's checksum of these rows tells whether that
//! happened, without reading them. If it differs, the rows are read again. Those that were sent
//! before are recognised by a hash of the record's data and are not sent again. A state keeps up to
//! [`LIMIT`] hashes. If there are more rows, it keeps only their number and checksum, and when that
//! differs, all rows with the value are sent again, so that none is missing.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use memchr::memmem;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use xxhash_rust::xxh3::xxh3_64;

use crate::lines::Lines;
use crate::sql::checksum::RowChecksum;

/// Hashes in one state: 8 bytes each, 3.2 kB as base64. States of earlier releases may have up to
/// 4,000, which are still used.
pub(crate) const LIMIT: usize = 300;

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
    /// Trino's checksum of them from before they were read.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    checksum: Option<Checksum>,
}

/// Trino's checksum of rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    /// As Trino has told it.
    #[serde(rename = "checksum")]
    sum: String,
    /// A hash of what it was made of. Checksums of different columns cannot be compared.
    #[serde(rename = "checksum_of")]
    columns: String,
    /// Whether it leaves out a column, so that equal checksums do not prove equal rows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
}

impl Checksum {
    /// A checksum that Trino has computed. `None` if there are no rows, or if no column can be
    /// hashed.
    pub(crate) fn new(aggregate: Option<&RowChecksum>, sum: Option<String>) -> Option<Self> {
        let (aggregate, sum) = (aggregate?, sum?);
        Some(Self {
            sum,
            columns: format!("{:x}", xxh3_64(aggregate.aggregate.as_bytes())),
            partial: !aggregate.is_complete,
        })
    }
}

impl Seen {
    /// Too many rows to keep their hashes.
    pub(crate) fn counted(rows: u64, checksum: Option<Checksum>) -> Self {
        Self {
            rows,
            hashes: Vec::new(),
            checksum,
        }
    }

    /// The same rows, with Trino's checksum from before they were read.
    pub(crate) fn with_checksum(self, checksum: Option<Checksum>) -> Self {
        Self { checksum, ..self }
    }

    /// Whether the rows can be recognised.
    pub(crate) fn has_all_hashes(&self) -> bool {
        self.hashes.len() as u64 == self.rows
    }

    /// Whether there may be rows with the value that were not sent. There are `rows` now, with this
    /// checksum.
    pub(crate) fn may_differ(&self, rows: u64, checksum: Option<&Checksum>) -> bool {
        if rows == 0 {
            return false;
        }
        match (&self.checksum, checksum) {
            (Some(before), Some(now)) if before.columns == now.columns => {
                before.sum != now.sum || (now.partial && self.has_all_hashes())
            }
            // Other columns are selected than before, so the hashes would recognise no row.
            (Some(_), Some(_)) => self.rows != rows,
            // The state is of an earlier release, or no column can be hashed. The hashes will tell.
            _ => self.has_all_hashes() || self.rows != rows,
        }
    }

    /// What is kept if nothing differs: the present checksum, and no hashes of other columns.
    pub(crate) fn confirmed(self, checksum: Option<Checksum>) -> Self {
        match (&self.checksum, &checksum) {
            (Some(before), Some(now)) if before.columns != now.columns => {
                Self::counted(self.rows, checksum)
            }
            (None, Some(_)) => self.with_checksum(checksum),
            _ => self,
        }
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
    /// The hashes of the rows that were sent and did not come yet, with the number of rows of each
    /// hash.
    sent: HashMap<u64, u32>,
    hashes: Vec<u64>,
    rows: u64,
}

impl Boundary {
    /// Looks at rows of which some were `seen` before.
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

    /// Whether a record was not sent before. `line` is its line of JSON.
    pub(crate) fn is_new(&mut self, line: &[u8]) -> bool {
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
            checksum: None,
        }
    }
}

/// The part of a RECORD line that comes from the row. The first `"data":` and the last
/// `"emitted_at":` are the record's own: before the data there are names only, whose quotes are
/// escaped, and after it no JSON of the row.
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
        assert!(!seen.has_all_hashes());
        let (sent, _) = pass(&seen, &rows, 1);
        assert_eq!(sent.lines().count(), LIMIT + 1);
        let (_, full) = pass(&Seen::default(), &rows[1..], 1);
        assert!(full.has_all_hashes());
        assert!(serde_json::to_string(&full).unwrap().len() < 3_500);
    }

    #[test]
    fn what_was_seen_is_written_and_read() {
        let (_, seen) = pass(&Seen::default(), &[r#"{"a":1}"#, r#"{"a":2}"#], 1);
        let text = serde_json::to_string(&seen).unwrap();
        assert_eq!(serde_json::from_str::<Seen>(&text).unwrap(), seen);
        assert!(serde_json::from_str::<Seen>(r#"{"rows":1,"hashes":"AAAA"}"#).is_err());
    }
    #[test]
    fn as_many_hashes_as_earlier_releases_kept_are_used() {
        let hashes: Vec<u64> = (0..4_000).collect();
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        let text = STANDARD_NO_PAD.encode(bytes);
        let state = serde_json::json!({"rows": 4_000, "hashes": text});
        let seen: Seen = serde_json::from_value(state).unwrap();
        assert!(seen.has_all_hashes());
        assert_eq!(Boundary::new(&seen).sent.len(), 4_000);
    }

    fn checksum(sum: &str, aggregate: &str, is_complete: bool) -> Option<Checksum> {
        let aggregate = RowChecksum {
            aggregate: aggregate.to_owned(),
            is_complete,
        };
        Checksum::new(Some(&aggregate), Some(sum.to_owned()))
    }

    #[test]
    fn rows_are_compared_by_checksum_and_by_number_only_where_there_is_none() {
        let (_, two) = pass(&Seen::default(), &[r#"{"a":1}"#, r#"{"a":2}"#], 1);
        let many = Seen::counted(5_000, None);
        let x = || checksum("x", "of a", true);
        for (seen, rows, now, expected) in [
            (two.clone().with_checksum(x()), 2, x(), false),
            (
                two.clone().with_checksum(x()),
                2,
                checksum("y", "of a", true),
                true,
            ),
            (two.clone().with_checksum(x()), 0, None, false),
            // Other columns.
            (
                two.clone().with_checksum(x()),
                2,
                checksum("y", "of a, b", true),
                false,
            ),
            (
                two.clone().with_checksum(x()),
                3,
                checksum("y", "of a, b", true),
                true,
            ),
            // A column that cannot be hashed may have changed.
            (
                two.clone().with_checksum(checksum("x", "of a", false)),
                2,
                checksum("x", "of a", false),
                true,
            ),
            // Earlier releases.
            (two.clone(), 2, x(), true),
            (many.clone(), 5_000, x(), false),
            (many.clone(), 5_001, x(), true),
            (
                many.clone().with_checksum(x()),
                5_000,
                checksum("y", "of a", true),
                true,
            ),
        ] {
            assert_eq!(
                seen.may_differ(rows, now.as_ref()),
                expected,
                "{seen:?} {now:?}"
            );
        }
        assert!(
            !two.with_checksum(x())
                .confirmed(checksum("y", "of b", true))
                .has_all_hashes()
        );
        assert_eq!(many.clone().confirmed(x()), many.with_checksum(x()));
    }
}
