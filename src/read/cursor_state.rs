//! What a STATE holds for a stream that is read by cursor.

use serde::{Deserialize, Serialize};

use super::boundary::{Checksum, Seen};
use super::progress::Progress;
use super::safe_text;
use super::version::Version;
use crate::sql::cursor::{Comparison, Cursor, Pushdown};

/// How far a read by cursor has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CursorState {
    /// The cursor's path, as the configured catalog has it.
    pub(crate) cursor_field: Vec<String>,
    /// The type of the value in `cursor`.
    pub(crate) cursor_type: String,
    /// Whether a sync was ever finished. If so, the rows without a value are written.
    #[serde(default)]
    pub(crate) synced: bool,
    /// The highest value whose rows are written; `None` if there was none yet.
    #[serde(default, with = "safe_text::option")]
    pub(crate) cursor: Option<String>,
    /// The rows with that value.
    #[serde(default)]
    pub(crate) seen: Seen,
    /// The written rows outside of the years 1 to 9999, if there was ever such a row. They are in
    /// no range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outside: Option<Seen>,
    /// What the source behind Trino may evaluate.
    #[serde(default, skip_serializing_if = "is_everything")]
    pub(crate) pushdown: Pushdown,
    /// The table's version up to which rows are written, if the table has versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) table_version: Option<Version>,
    /// Whether all rows of that version are written, so that neither `cursor_lag` nor
    /// `exclude_todays_data` held rows back. States of earlier releases do not tell this.
    #[serde(default)]
    pub(crate) unlimited: bool,
    /// The sync that is not finished, if there is one. During the first sync there is no `cursor`
    /// yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sync: Option<CursorSync>,
}

/// A sync by cursor that is under way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says of one part of the sync whether it is read; they are independent"
)]
pub(crate) struct CursorSync {
    /// Whether this is the first sync, which also reads the rows without a cursor value.
    pub(crate) first: bool,
    /// The highest value, fixed at the start.
    #[serde(default, with = "safe_text::option")]
    pub(crate) until: Option<String>,
    /// Whether the rows with the value `cursor` are read again, to find new ones.
    pub(crate) late: bool,
    /// Whether the rows outside of the years 1 to 9999 are read, to find new ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) outside: bool,
    /// Whether the slices contain the rows with the value `until`, because there are many of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) inclusive: bool,
    /// As in [`CursorState`].
    #[serde(default)]
    pub(crate) unlimited: bool,
    /// How far it is.
    pub(crate) progress: Progress,
    /// The rows with the value `until`, once they are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seen_until: Option<Seen>,
    /// Trino's checksums of the rows at the boundaries, from before they were read.
    #[serde(default, rename = "told")]
    pub(crate) checksums: BoundaryChecksums,
    /// How many rows this sync has to read, counted before. States of earlier releases do not tell
    /// this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) counted: Option<u64>,
    /// Rows that were read so far.
    #[serde(default)]
    pub(crate) came: u64,
}

/// Trino's checksums of the rows at each boundary.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct BoundaryChecksums {
    /// The rows with the value that the last sync ended with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<Checksum>,
    /// The rows with the highest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Checksum>,
    /// The rows outside of the years 1 to 9999.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outside: Option<Checksum>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde gives fields by reference"
)]
fn is_everything(pushdown: &Pushdown) -> bool {
    *pushdown == Pushdown::Everything
}

impl CursorState {
    /// The state of a stream that was not read yet.
    pub(crate) fn new(cursor: &Cursor) -> Self {
        Self {
            cursor_field: vec![cursor.column.clone()],
            cursor_type: cursor.ty.to_string(),
            ..Self::default()
        }
    }

    /// The values of the cursor that the state has.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        let until = self.sync.as_ref().and_then(|sync| sync.until.as_deref());
        self.cursor.as_deref().into_iter().chain(until)
    }

    /// How values of the cursor are compared.
    pub(crate) fn comparison<'a>(&self, cursor: &'a Cursor) -> Comparison<'a> {
        Comparison {
            cursor,
            pushdown: self.pushdown,
            only_finite: self.outside.is_some(),
        }
    }
}

impl CursorSync {
    /// What can be kept of the sync if its version of the table is lost. A first sync has read
    /// files of that version, so it begins anew. A later sync has read ranges of the cursor, so it
    /// reads the remaining ranges in the present version, as with tables that have no versions.
    pub(crate) fn without_version(mut self) -> Option<Self> {
        if self.first {
            return None;
        }
        self.progress.slices.version = None;
        Some(self)
    }
}
