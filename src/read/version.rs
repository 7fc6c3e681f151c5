//! The version of a table, as a state keeps it.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

/// A version of a table. Equal versions have the same rows, even if a table was dropped and made
/// anew under the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Version {
    /// A snapshot of an Iceberg table. Its id is random, and most are above 2^53.
    Snapshot(#[serde(with = "exact")] i64),
    /// A version of a Delta Lake table. Every table counts its versions from 0, so the time of the
    /// commit is needed as well.
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

/// A whole number, written as text: programs that store a state may read its numbers as doubles,
/// which are not exact above 2^53. Numbers in older states are read as well.
pub(super) mod exact {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Number(i64),
        Text(String),
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands a field over by reference"
    )]
    pub(crate) fn serialize<S: Serializer>(number: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        number.to_string().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        match Given::deserialize(deserializer)? {
            Given::Number(number) => Ok(number),
            Given::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_written_as_text_and_read_as_text_or_number() {
        let version = Version::Snapshot(7_769_510_365_661_554_395);
        let text = serde_json::to_string(&version).unwrap();
        assert_eq!(text, "\"7769510365661554395\"");
        for text in [text.as_str(), "7769510365661554395"] {
            assert_eq!(serde_json::from_str::<Version>(text).unwrap(), version);
        }
        assert!(serde_json::from_str::<Version>("\"7x\"").is_err());
    }
}
