//! The version of a table, as a state keeps it.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

/// A version of a table. Equal versions have the same rows, also where a table was dropped and
/// made anew under the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Version {
    /// A snapshot of an Iceberg table. Its id is random.
    Snapshot(i64),
    /// A version of a Delta Lake table. Every table counts them from 0, so the time of the commit
    /// belongs to it.
    Commit {
        /// The version.
        number: i64,
        /// Milliseconds since 1970.
        at_ms: i64,
    },
}

impl Version {
    /// What `FOR VERSION AS OF` takes.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Snapshot(number) | Self::Commit { number, .. } => number,
        }
    }
}

impl Display for Version {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}
