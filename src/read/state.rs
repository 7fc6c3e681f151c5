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

use super::changes_state::ChangesState;
use super::cursor_state::CursorState;
use super::progress::Progress;
use crate::protocol::message::StreamDescriptor;

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
    use crate::read::boundary::Seen;
    use crate::read::changes_state::Rising;
    use crate::read::version::Version;

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
                ..CursorState::default()
            }),
        ] {
            assert_eq!(read(&content.write()), Some(content));
        }
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
