//! What a STATE holds for a stream whose changes are read.

use serde::{Deserialize, Serialize};

use super::progress::Progress;
use super::version::Version;

/// How `_ab_cdc_cursor` is made from a commit's version or time. It must always rise, even if the
/// table was rolled back or made anew, because otherwise a destination would keep older rows.
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
    /// The offset for rows whose commits have this `value` or a higher one, so that they are above
    /// everything that was sent. The clock of a writer may be behind the clock of the writer
    /// before.
    pub(crate) fn above_all(self, value: i64) -> Self {
        let offset = match self.sent {
            Some(sent) if value.saturating_add(self.offset) <= sent => {
                sent.saturating_add(1).saturating_sub(value)
            }
            _ => self.offset,
        };
        Self { offset, ..self }
    }

    /// The offset after rows up to this `value` were sent.
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
    /// The table's version up to which everything is written, as rows or as changes. It stays the
    /// same while a snapshot of a later version is being written, so that the changes since then
    /// can still be told if that snapshot is not finished. `None` for a table that had no version
    /// yet.
    pub(crate) table_version: Option<Version>,
    /// The version up to which the changes since `table_version` are being written. Rows of them
    /// may have left without a state after them, so they are told up to exactly there first: a row
    /// that was deleted later would not be in the changes up to a newer version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_version: Option<Version>,
    /// The snapshot that is being written. Its version is that of its slices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) progress: Option<Progress>,
    /// The `_ab_cdc_cursor` of the rows of that snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot_cursor: Option<i64>,
    /// How the cursor values continue after those that were sent.
    #[serde(default)]
    pub(crate) rising: Rising,
    /// Shows whether one of the selected names stands for another column now: a hash of the names,
    /// and of the ids that the table's format gives to columns, if Trino shows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<String>,
    /// The ids of the key's columns under whose values the rows were told, if Trino shows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) key: Vec<i64>,
    /// Whether the rows were told under other names than their version has: `ALTER TABLE` makes no
    /// version.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) is_renamed: bool,
    /// Whether a name stands for another column and an interrupted sync had begun to tell all rows
    /// again. It may have sent deletions without a state after them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) is_read_again: bool,
    /// The id of the table's schema at `table_version`, if a selected column has fields that only
    /// the schema's id tells apart: those of rows within arrays or maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schema_id: Option<i64>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
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
