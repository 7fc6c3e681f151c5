//! The slices of a stream as its state keeps them: what they are cut by, and where.
//!
//! The bounds are texts that follow each other in order, so each is written as the number of
//! bytes that it shares with the one before and the rest: 1,000 bounds within the files of one
//! table take some ten bytes each.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::version::Version;
use crate::sql::literal::literal;
use crate::sql::slices;
use crate::types::TrinoType;

/// Disjoint parts of a table that together are the whole table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Cuts {
    /// The version of the table that all slices read, where it has versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<Version>,
    /// The column whose ranges the slices are; empty for one slice.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) column: String,
    /// The type of that column.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) column_type: String,
    /// The lowest values of all slices but the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "front_coded")]
    pub(super) bounds: Vec<String>,
}

impl Cuts {
    /// One slice.
    pub(super) fn whole(version: Option<Version>) -> Self {
        Self {
            version,
            ..Self::default()
        }
    }

    /// Slices of a column's ranges.
    pub(super) fn by(
        column: &str,
        ty: &TrinoType,
        bounds: Vec<String>,
        version: Option<Version>,
    ) -> Self {
        if bounds.is_empty() {
            return Self::whole(version);
        }
        Self {
            version,
            column: column.to_owned(),
            column_type: ty.to_string(),
            bounds,
        }
    }

    /// One condition per slice; `None` for a slice that is everything.
    pub(super) fn conditions(&self) -> Vec<Option<String>> {
        let ty = TrinoType::parse(&self.column_type);
        let bounds: Vec<String> = self.bounds.iter().map(|text| literal(text, &ty)).collect();
        let conditions = slices::ranges(&self.column, &bounds);
        if conditions.is_empty() {
            vec![None]
        } else {
            conditions.into_iter().map(Some).collect()
        }
    }

    /// The choice in words.
    pub(super) fn describe(&self) -> String {
        let pinned = self.version.map(|version| format!(" of version {version}"));
        let pinned = pinned.unwrap_or_default();
        if self.bounds.is_empty() {
            format!("one query{pinned}")
        } else {
            let slices = self.bounds.len() + 1;
            let by = if self.column == "$path" {
                "files"
            } else {
                &self.column
            };
            format!("{slices} slices by {by}{pinned}")
        }
    }
}

/// The shortest text that is above `before` and not above `path`: what a state keeps of a path.
pub(super) fn separator(before: &str, path: &str) -> String {
    let shared = before
        .bytes()
        .zip(path.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let end = path.len().min(shared + 1);
    path[..path.ceil_char_boundary(end)].to_owned()
}

mod front_coded {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        texts: &[String],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut before = "";
        let mut coded = Vec::with_capacity(texts.len());
        for text in texts {
            let shared = text
                .bytes()
                .zip(before.bytes())
                .take_while(|(a, b)| a == b)
                .count();
            let shared = text.floor_char_boundary(shared);
            coded.push((shared, &text[shared..]));
            before = text;
        }
        coded.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<String>, D::Error> {
        let coded: Vec<(usize, String)> = Vec::deserialize(deserializer)?;
        let mut texts: Vec<String> = Vec::with_capacity(coded.len());
        for (shared, rest) in coded {
            let before = texts.last().map_or("", String::as_str);
            let shared = before.get(..shared).ok_or_else(|| {
                serde::de::Error::custom("a bound shares more with the one before than there is")
            })?;
            texts.push(format!("{shared}{rest}"));
        }
        Ok(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_written_as_what_is_new_in_them() {
        let bounds = ["s3://b/é1", "s3://b/é2x", "s3://b/ê"].map(str::to_owned);
        let cuts = Cuts::by(
            "$path",
            &TrinoType::Varchar(None),
            bounds.to_vec(),
            Some(Version::Snapshot(5)),
        );
        let text = serde_json::to_string(&cuts).unwrap();
        assert_eq!(
            text,
            r#"{"version":5,"column":"$path","column_type":"varchar","bounds":[[0,"s3://b/é1"],[9,"2x"],[7,"ê"]]}"#
        );
        assert_eq!(serde_json::from_str::<Cuts>(&text).unwrap(), cuts);
    }

    #[test]
    fn bounds_that_do_not_fit_together_are_refused() {
        for text in [r#"{"bounds":[[1,"a"]]}"#, r#"{"bounds":[[0,"é"],[1,"a"]]}"#] {
            assert!(serde_json::from_str::<Cuts>(text).is_err(), "{text}");
        }
    }

    /// The largest state that there is: as many slices as there may be, of 100,000 files with names
    /// as Trino gives them, in partitions.
    #[test]
    fn the_bounds_of_a_table_of_100_000_files_stay_small() {
        let mut paths: Vec<String> = (0_u64..100_000)
            .map(|n| {
                let random = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let (day, insert) = (n % 365, n / 400);
                format!(
                    "s3://warehouse/sales/orders-0a1b2c3d4e5f/data/day={day:03}/20251124_{insert:06}_00012_abcde-{random:016x}.parquet"
                )
            })
            .collect();
        paths.sort();
        let bounds = paths
            .windows(2)
            .step_by(100)
            .map(|pair| separator(&pair[0], &pair[1]))
            .collect();
        let cuts = Cuts::by(
            "$path",
            &TrinoType::Varchar(None),
            bounds,
            Some(Version::Snapshot(i64::MAX)),
        );
        let text = serde_json::to_string(&cuts).unwrap();
        assert!(text.len() < 48_000, "{} bytes", text.len());
        assert_eq!(serde_json::from_str::<Cuts>(&text).unwrap(), cuts);
    }

    #[test]
    fn one_slice_has_no_condition() {
        assert_eq!(Cuts::whole(None).conditions(), [None]);
        let cuts = Cuts::by("k", &TrinoType::Bigint, vec!["7".into()], None);
        assert_eq!(cuts.conditions().len(), 2);
        assert_eq!(cuts.conditions()[1].as_deref(), Some("\"k\" >= 7"));
    }

    proptest::proptest! {
        #[test]
        fn a_separator_is_above_the_one_and_not_above_the_other(a in ".{0,9}", b in ".{0,9}") {
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            let separator = separator(&low, &high);
            proptest::prop_assert!(low == high || low < separator);
            proptest::prop_assert!(separator <= high);
        }
    }
}
