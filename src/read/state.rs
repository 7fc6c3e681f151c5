//! What a stream's STATE holds, and what is made of one that is given.
//!
//! ```json
//! {"version":3,"mode":"full_refresh","progress":{"slices":{…},"done":[0,2]}}
//! {"version":3,"mode":"full_refresh","finished_at_ms":1764000000000}
//! {"version":3,"mode":"cursor","cursor_field":["c"],"cursor_type":"bigint","cursor":"17","seen":{…},…}
//! {"version":3,"mode":"changes","table_version":{"number":42,"at_ms":…},…}
//! ```
//!
//! A finished full refresh holds nothing that a later sync could take for "already done".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::boundary::Seen;
use super::version::Version;
use crate::protocol::message::StreamDescriptor;
use crate::read::slices::Slices;

/// The version that is written; every version up to it is read.
const VERSION: u64 = 3;

/// The content of a STATE.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub(crate) enum Content {
    /// Of a stream that is read whole.
    FullRefresh {
        /// How far the read is; `None` when it is finished.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        progress: Option<Progress>,
        /// For people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        finished_at_ms: Option<i64>,
    },
    /// Of a stream that is read by cursor.
    Cursor(CursorState),
    /// Of a stream whose changes are read.
    Changes(ChangesState),
}

/// A read of several slices that is under way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// All slices.
    pub(crate) slices: Slices,
    /// The numbers of those whose rows are written, sorted.
    pub(crate) done: Vec<u32>,
}

impl Progress {
    /// Notes that a slice is finished.
    pub(crate) fn finish(&mut self, slice: u32) {
        if let Err(at) = self.done.binary_search(&slice) {
            self.done.insert(at, slice);
        }
    }

    /// Whether a slice is finished.
    pub(crate) fn is_done(&self, slice: u32) -> bool {
        self.done.binary_search(&slice).is_ok()
    }
}

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

impl Content {
    /// A finished full refresh.
    pub(crate) fn finished(now_ms: i64) -> Self {
        Self::FullRefresh {
            progress: None,
            finished_at_ms: Some(now_ms),
        }
    }

    /// Reads the state of a stream. One that is not understood is said in a WARN and dropped, so
    /// that the stream starts anew.
    pub(crate) fn read(stream: &StreamDescriptor, state: &Value) -> Option<Self> {
        let why = match state.get("version").and_then(Value::as_u64) {
            Some(1..=VERSION) => match serde_json::from_value(state.clone()) {
                Ok(content) => return Some(content),
                Err(error) => error.to_string(),
            },
            Some(version) => format!("its version {version} is of a later release"),
            None if state.as_object().is_some_and(serde_json::Map::is_empty) => return None,
            None => "it has no version".to_owned(),
        };
        tracing::warn!(
            "stream \"{stream}\" starts anew: its state is not one of this connector ({why})"
        );
        None
    }

    /// The content as it is written.
    pub(crate) fn write(&self) -> Value {
        let mut state = json!(self);
        state["version"] = json!(VERSION);
        state
    }

    /// What is left when the version of the table that was being read is gone.
    pub(crate) fn without_version(self) -> Option<Self> {
        match self {
            Self::Cursor(state) if state.sync.as_ref().is_some_and(|sync| !sync.first) => {
                Some(Self::Cursor(CursorState {
                    sync: None,
                    table_version: None,
                    ..state
                }))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> StreamDescriptor {
        StreamDescriptor {
            name: "t".into(),
            namespace: None,
        }
    }

    fn read(state: &Value) -> Option<Content> {
        Content::read(&stream(), state)
    }

    #[test]
    fn what_is_written_is_read() {
        let mut progress = Progress::default();
        progress.finish(2);
        progress.finish(0);
        progress.finish(2);
        assert_eq!(progress.done, [0, 2]);
        assert!(progress.is_done(0) && !progress.is_done(1));
        for content in [
            Content::finished(5),
            Content::FullRefresh {
                progress: Some(progress.clone()),
                finished_at_ms: None,
            },
            Content::Changes(ChangesState {
                table_version: Some(Version::Snapshot(-3)),
                progress: Some(progress),
                rising: Rising::default().sent(7),
            }),
            Content::Cursor(CursorState {
                cursor_field: vec!["c".into()],
                cursor_type: "bigint".into(),
                synced: true,
                cursor: None,
                seen: Seen::default(),
                table_version: Some(Version::Commit {
                    number: 4,
                    at_ms: 5,
                }),
                sync: None,
            }),
        ] {
            assert_eq!(read(&content.write()), Some(content));
        }
    }

    #[test]
    fn the_cursor_of_changes_rises_over_a_rollback() {
        let before = Rising::default().above_all(100).sent(100);
        assert_eq!(before.above_all(101).offset, 0);
        let rolled_back = before.above_all(40);
        assert_eq!(40 + rolled_back.offset, 101);
        let after = rolled_back.sent(40).above_all(41);
        assert_eq!(41 + after.offset, 102);
    }

    #[test]
    fn every_earlier_version_is_read() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/state");
        let mut files = 0;
        for file in std::fs::read_dir(directory).unwrap() {
            let path = file.unwrap().path();
            let state: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            assert!(read(&state).is_some(), "{}", path.display());
            files += 1;
        }
        assert!(files >= 11, "{files} fixtures");
    }

    #[test]
    fn what_is_not_understood_is_no_state() {
        for state in [
            json!(null),
            json!({}),
            json!({"version": 1}),
            json!({"version": 99, "mode": "full_refresh"}),
            json!({"version": 2, "mode": "cursor", "cursor": 7}),
            json!({"cursor": "2020"}),
            json!([1]),
        ] {
            assert_eq!(read(&state), None, "{state}");
        }
    }

    #[test]
    fn keys_of_later_releases_are_ignored() {
        assert!(
            read(&json!({"version": 2, "mode": "changes", "table_version": 1, "x": {}})).is_some()
        );
    }
}
