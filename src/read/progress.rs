//! How far a read of several slices has come.

use serde::{Deserialize, Serialize};

use xxhash_rust::xxh3::xxh3_64;

use super::slices::Slices;

/// A read of several slices that is under way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// All slices.
    pub(crate) slices: Slices,
    /// The numbers of the slices whose rows are written, sorted.
    #[serde(with = "ranges")]
    pub(crate) done: Vec<u32>,
    /// The generation of the stream in the destination that the rows belong to, if the platform
    /// tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) generation: Option<i64>,
    /// What the slices are read of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) terms: Option<Terms>,
}

/// What all slices of one read have in common.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// The time of `as_of`, if it was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) as_of: Option<String>,
    /// A hash of the names of the selected columns.
    pub(crate) columns: String,
}

impl Terms {
    /// The terms of a read of these columns, in any order.
    pub(crate) fn new<'a>(as_of: Option<&str>, columns: impl IntoIterator<Item = &'a str>) -> Self {
        let mut columns: Vec<&str> = columns.into_iter().collect();
        columns.sort_unstable();
        let columns = format!("{:016x}", xxh3_64(columns.join("\n").as_bytes()));
        let as_of = as_of.map(str::to_owned);
        Self { as_of, columns }
    }

    /// Why a read with these terms cannot go on with the `present` ones; `None` if it can.
    pub(crate) fn why_other(&self, present: &Self) -> Option<&'static str> {
        if self.as_of != present.as_of {
            Some("‹as_of› is another time than when the read began")
        } else if self.columns != present.columns {
            Some("other columns are selected than when the read began")
        } else {
            None
        }
    }
}

impl Progress {
    /// The begin of a read: none of the `slices` is finished.
    pub(crate) fn new(slices: Slices, generation: Option<i64>) -> Self {
        Self {
            slices,
            done: Vec::new(),
            generation,
            terms: None,
        }
    }

    /// Notes that a slice is finished.
    pub(crate) fn finish(&mut self, slice: u32) {
        if let Err(at) = self.done.binary_search(&slice) {
            self.done.insert(at, slice);
        }
    }

    /// Whether a slice is finished.
    pub(crate) fn is_done(&self, slice: u32) -> bool {
        self.done.binary_search(&slice).is_ok()
    }
}

/// Sorted numbers as ranges with both ends, `[[0,5],[7,7]]`. States before version 4 list them all.
mod ranges {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        One(u32),
        Range(u32, u32),
    }

    /// More slices than any release has made, so a state with a longer range is not ours.
    const LONGEST: u32 = 100_000;

    pub(crate) fn serialize<S: Serializer>(
        numbers: &[u32],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for &number in numbers {
            match ranges.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
                _ => ranges.push((number, number)),
            }
        }
        ranges.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u32>, D::Error> {
        let mut numbers = Vec::new();
        for given in Vec::<Given>::deserialize(deserializer)? {
            match given {
                Given::One(number) => numbers.push(number),
                Given::Range(first, last) if last.saturating_sub(first) < LONGEST => {
                    numbers.extend(first..=last);
                }
                Given::Range(..) => {
                    return Err(serde::de::Error::custom("a range of slices is too long"));
                }
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finished_slices_are_kept_as_ranges() {
        let mut progress = Progress::default();
        for slice in [7, 2, 0, 1, u32::MAX, u32::MAX - 1, 2] {
            progress.finish(slice);
        }
        let written = json!(progress);
        let last = u64::from(u32::MAX);
        assert_eq!(written["done"], json!([[0, 2], [7, 7], [last - 1, last]]));
        assert_eq!(
            serde_json::from_value::<Progress>(written).unwrap(),
            progress
        );
        assert!(progress.is_done(7) && !progress.is_done(3));
    }

    #[test]
    fn a_read_goes_on_only_with_the_same_columns_and_the_same_time() {
        let terms = Terms::new(Some("2020"), ["a", "b"]);
        let why = |as_of, columns: [&str; 2]| terms.why_other(&Terms::new(as_of, columns));
        assert_eq!(why(Some("2020"), ["b", "a"]), None);
        assert!(why(Some("2021"), ["a", "b"]).unwrap().contains("as_of"));
        assert!(why(None, ["a", "b"]).unwrap().contains("as_of"));
        assert!(why(Some("2020"), ["a", "c"]).unwrap().contains("columns"));
    }

    #[test]
    fn lists_of_older_states_are_read() {
        let read = |done| serde_json::from_value::<Progress>(json!({"slices": {}, "done": done}));
        assert_eq!(read(json!([3, 0, 1])).unwrap().done, [0, 1, 3]);
        assert!(read(json!([[0, 4_000_000_000_u32]])).is_err());
    }
}
