//! What a STATE holds of a stream whose changes are read.

use serde::{Deserialize, Serialize};

use super::progress::Progress;
use super::version::Version;

/// What makes `_ab_cdc_cursor` of what the commits of a table count by: it must rise, also where the
/// table was rolled back or made anew, or a destination keeps what is older.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rising {
    /// The highest value that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent: Option<i64>,
    /// Added to every value.
    #[serde(default)]
    pub(crate) offset: i64,
}

impl Rising {
    /// For rows whose commits have this `value` and higher ones, and which must be above all that
    /// was sent: the clock of a writer may be behind that of the one before.
    pub(crate) fn above_all(self, value: i64) -> Self {
        let offset = match self.sent {
            Some(sent) if value.saturating_add(self.offset) <= sent => sent + 1 - value,
            _ => self.offset,
        };
        Self { offset, ..self }
    }

    /// After rows up to this `value` were sent.
    pub(crate) fn sent(self, value: i64) -> Self {
        Self {
            sent: Some(value.saturating_add(self.offset)),
            ..self
        }
    }
}

/// How far a read of changes has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChangesState {
    /// The table's version up to which everything is written: its rows, or the changes up to it.
    /// It stays while a snapshot of a later version is being written, so that the changes since
    /// are told if that snapshot comes to nothing. `None` for a table that had no version yet.
    pub(crate) table_version: Option<Version>,
    /// The snapshot that is being written. Its version is that of its slices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) progress: Option<Progress>,
    /// The `_ab_cdc_cursor` of the rows of that snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot_cursor: Option<i64>,
    /// What was sent before.
    #[serde(default)]
    pub(crate) rising: Rising,
    /// Tells whether a selected column is another one now: a hash of their names and of the ids
    /// that the table's format has given them, where Trino shows these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_of_changes_rises_over_a_rollback() {
        let before = Rising::default().above_all(100).sent(100);
        assert_eq!(before.above_all(101).offset, 0);
        let rolled_back = before.above_all(40);
        assert_eq!(40 + rolled_back.offset, 101);
        let after = rolled_back.sent(40).above_all(41);
        assert_eq!(41 + after.offset, 102);
    }
}
