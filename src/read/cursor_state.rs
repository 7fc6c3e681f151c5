//! What a STATE holds of a stream that is read by cursor.

use serde::{Deserialize, Serialize};

use super::boundary::{Seen, Told};
use super::progress::Progress;
use super::safe_text;
use super::version::Version;
use crate::sql::cursor::{Comparison, Cursor, Pushdown};

/// How far a read by cursor has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CursorState {
    /// The cursor's path, as the configured catalog has it.
    pub(crate) cursor_field: Vec<String>,
    /// The type that `cursor` is of.
    pub(crate) cursor_type: String,
    /// Whether a sync was ever finished, so that the rows without a value are written.
    #[serde(default)]
    pub(crate) synced: bool,
    /// The highest value whose rows are written; `None` while there was none.
    #[serde(default, with = "safe_text::option")]
    pub(crate) cursor: Option<String>,
    /// The rows with that value.
    #[serde(default)]
    pub(crate) seen: Seen,
    /// The rows outside of the years 1 to 9999 that are written, once there was such a row: they
    /// are in no range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outside: Option<Seen>,
    /// What the source behind Trino may evaluate.
    #[serde(default, skip_serializing_if = "is_everything")]
    pub(crate) pushdown: Pushdown,
    /// The table's version up to which that holds, where it has versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) table_version: Option<Version>,
    /// Whether all rows of that version are written: no `cursor_lag` and no `exclude_todays_data`
    /// held rows back. States of earlier releases do not say so.
    #[serde(default)]
    pub(crate) unlimited: bool,
    /// A sync that is not finished; the first one has no `cursor` yet.
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
    /// Rows without a cursor value belong to it, too.
    pub(crate) first: bool,
    /// The highest value, fixed at the start.
    #[serde(default, with = "safe_text::option")]
    pub(crate) until: Option<String>,
    /// Whether rows with the value `cursor` are read again, for those that are new.
    pub(crate) late: bool,
    /// Whether the rows outside of the years 1 to 9999 are read, for those that are new.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) outside: bool,
    /// Whether the slices hold the rows with the value `until`, because these are many.
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
    /// What Trino said of boundary rows before they were read.
    #[serde(default)]
    pub(crate) told: BoundariesTold,
    /// Rows that were counted for this sync before they were read; states of earlier releases do
    /// not say how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) counted: Option<u64>,
    /// Rows that have come.
    #[serde(default)]
    pub(crate) came: u64,
}

/// What Trino said of the rows at each boundary.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct BoundariesTold {
    /// Those with the value that the last sync ended with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<Told>,
    /// Those with the highest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Told>,
    /// Those outside of the years 1 to 9999.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outside: Option<Told>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde gives fields by reference"
)]
fn is_everything(pushdown: &Pushdown) -> bool {
    *pushdown == Pushdown::Everything
}

impl CursorState {
    /// Of a stream that was not read yet.
    pub(crate) fn new(cursor: &Cursor) -> Self {
        Self {
            cursor_field: vec![cursor.column.clone()],
            cursor_type: cursor.ty.to_string(),
            ..Self::default()
        }
    }

    /// How values of the cursor are compared.
    pub(crate) fn comparison<'a>(&self, cursor: &'a Cursor) -> Comparison<'a> {
        Comparison {
            cursor,
            pushdown: self.pushdown,
            within_years: self.outside.is_some(),
        }
    }
}

impl CursorSync {
    /// What is left of the sync when its version of the table is gone. The first one has read files
    /// of that version, and begins anew. Later ones have read ranges of the cursor: they go on with
    /// the others in the present version, as they do where tables have no versions.
    pub(crate) fn without_version(mut self) -> Option<Self> {
        if self.first {
            return None;
        }
        self.progress.slices.version = None;
        Some(self)
    }
}
