//! The slices of a stream as its state keeps them: by which column they are cut, and where.
//!
//! If the bounds lie evenly between two values, only these two values and the number of slices are
//! written. Other bounds are sorted texts. Each is written as the number of bytes that it shares
//! with the bound before, and the rest. So a bound between the files of a table takes some ten
//! bytes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::read::spread::spread;
use crate::read::version::Version;
use crate::sql::literal::literal;
use crate::sql::slices;
use crate::types::TrinoType;

/// The most slices of one stream. Trino plans a query for each, and each STATE describes all of
/// them.
pub(crate) const MOST_SLICES: u64 = 250;

/// How many slices of `slice_rows` rows are needed for a number of rows.
pub(crate) fn slices_for(rows: u64, slice_rows: u64) -> u64 {
    rows.div_ceil(slice_rows).min(MOST_SLICES)
}

/// Disjoint parts of a table that together are the whole table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub(crate) struct Slices {
    /// The version of the table that all slices read, if it has versions.
    pub(crate) version: Option<Version>,
    /// The column whose ranges the slices are; empty for one slice.
    pub(crate) column: String,
    /// The type of that column.
    pub(crate) column_type: String,
    /// The lowest values of all slices but the first.
    pub(crate) bounds: Vec<String>,
    /// The range that is divided evenly by the bounds, if it is.
    range: Option<Range>,
}

/// A range of a column's values, and the number of slices that it is divided into.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Range {
    low: String,
    high: String,
    slices: u64,
}

/// [`Slices`] as a state has them.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    column: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    column_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "front_coded")]
    bounds: Vec<String>,
}

impl From<Slices> for Written {
    fn from(slices: Slices) -> Self {
        let bounds = match slices.range {
            Some(_) => Vec::new(),
            None => slices.bounds,
        };
        Self {
            version: slices.version,
            column: slices.column,
            column_type: slices.column_type,
            range: slices.range,
            bounds,
        }
    }
}

impl TryFrom<Written> for Slices {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let bounds = match &written.range {
            Some(Range { slices, .. }) if *slices > 4 * MOST_SLICES => {
                return Err("there are more slices than any release makes");
            }
            Some(Range { low, high, slices }) => {
                spread(low, high, &TrinoType::parse(&written.column_type), *slices)
            }
            None => written.bounds,
        };
        // If the bounds could not be computed, the finished slices would be taken for the whole
        // table.
        if written.range.is_some() && bounds.is_empty() {
            return Err("there are no bounds between the ends of its slices");
        }
        Ok(Self {
            version: written.version,
            column: written.column,
            column_type: written.column_type,
            bounds,
            range: written.range,
        })
    }
}

impl Slices {
    /// One slice.
    pub(crate) fn whole(version: Option<Version>) -> Self {
        Self {
            version,
            ..Self::default()
        }
    }

    /// Slices of a column's ranges.
    pub(crate) fn by(
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
            range: None,
        }
    }

    /// Up to so many slices of a column, divided evenly between two of its values.
    pub(crate) fn between(
        column: &str,
        ty: &TrinoType,
        (low, high): (&str, &str),
        slices: u64,
        version: Option<Version>,
    ) -> Self {
        let bounds = spread(low, high, ty, slices);
        let is_cut = !bounds.is_empty();
        Self {
            range: is_cut.then(|| Range {
                low: low.to_owned(),
                high: high.to_owned(),
                slices,
            }),
            ..Self::by(column, ty, bounds, version)
        }
    }

    /// One condition per slice; `None` for a slice that is the whole table.
    pub(crate) fn conditions(&self) -> Vec<Option<String>> {
        let ty = TrinoType::parse(&self.column_type);
        let bounds: Vec<String> = self.bounds.iter().map(|text| literal(text, &ty)).collect();
        let conditions = slices::ranges(&self.column, &bounds);
        if conditions.is_empty() {
            vec![None]
        } else {
            conditions.into_iter().map(Some).collect()
        }
    }

    /// A description of the slices for the log.
    pub(crate) fn describe(&self) -> String {
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

/// The shortest text that is above `before` and not above `path`. A state keeps this in place of
/// the path.
pub(crate) fn separator(before: &str, path: &str) -> String {
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

    pub(crate) fn serialize<S: Serializer>(
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

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
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
mod tests;
