//! What a STATE holds of a stream that is read by cursor.

use serde::{Deserialize, Serialize};

use super::boundary::Seen;
use super::progress::Progress;
use super::version::Version;

/// How far a read by cursor has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CursorState {
    /// The cursor's path, as the configured catalog has it.
    pub(crate) cursor_field: Vec<String>,
    /// The type that `cursor` is of.
    pub(crate) cursor_type: String,
    /// Whether a sync was ever finished, so that the rows without a value are written.
    #[serde(default)]
    pub(crate) synced: bool,
    /// The highest value whose rows are written; `None` while there was none.
    pub(crate) cursor: Option<String>,
    /// The rows with that value.
    #[serde(default)]
    pub(crate) seen: Seen,
    /// The table's version up to which that holds, where it has versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) table_version: Option<Version>,
    /// A sync that is not finished; the first one has no `cursor` yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sync: Option<CursorSync>,
}

/// A sync by cursor that is under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CursorSync {
    /// Rows without a cursor value belong to it, too.
    pub(crate) first: bool,
    /// The highest value, fixed at the start.
    pub(crate) until: Option<String>,
    /// Whether rows with the value `cursor` are read again, for those that came late.
    pub(crate) late: bool,
    /// How far it is.
    pub(crate) progress: Progress,
    /// The rows with the value `until`, once they are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seen_until: Option<Seen>,
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
