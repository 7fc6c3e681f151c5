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
    /// For rows whose commit has this `value` and which must be above all that was sent.
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChangesState {
    /// The table's version whose rows, or the changes up to which, are written. `None` for a table
    /// that had no version yet.
    pub(crate) table_version: Option<Version>,
    /// The snapshot of that version, while it is not written whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) progress: Option<Progress>,
    /// What was sent before.
    #[serde(default)]
    pub(crate) rising: Rising,
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
