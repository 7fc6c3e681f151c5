//! What a stream's STATE holds, and how a given state is understood.
//!
//! ```json
//! {"version":4,"mode":"full_refresh","progress":{"slices":{…},"done":[[0,5],[7,7]]}}
//! {"version":4,"mode":"full_refresh","finished_at_ms":1764000000000,"job":"42","generation":7}
//! {"version":4,"mode":"cursor","cursor_field":["c"],"cursor_type":"bigint","cursor":"17","seen":{…},…}
//! {"version":4,"mode":"changes","table_version":"7769510365661554395",…}
//! ```
//!
//! A later sync must not take the state of a finished full refresh for "already done". Only another
//! attempt of the same job, in the same generation, does.
//!
//! A state keeps its meaning if it passes through a program that reads numbers as doubles: no
//! number is above 2^53, and `5.0` means 5.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::changes_state::ChangesState;
use super::cursor_state::{CursorState, CursorSync};
use super::progress::Progress;
use crate::protocol::message::StreamDescriptor;

/// The version that is written; every version up to it is read.
const VERSION: u64 = 4;

/// The content of a STATE.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "a stream has one or two of them, and a box would stand in every match"
)]
pub(crate) enum Content {
    /// The state of a stream that is read whole.
    FullRefresh {
        /// How far the read is; `None` when it is finished.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        progress: Option<Progress>,
        /// When it was finished. Only people need this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        finished_at_ms: Option<i64>,
        /// The attempt that finished the read.
        #[serde(flatten)]
        attempt: Attempt,
    },
    /// The state of a stream that is read by cursor.
    Cursor(CursorState),
    /// The state of a stream whose changes are read.
    Changes(ChangesState),
}

/// What all attempts of a job have in common. The platform runs a job again, with the states of the
/// attempts before, until all of its streams are complete.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// The platform's id of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<String>,
    /// The generation of the stream in the destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) generation: Option<i64>,
}

impl Attempt {
    /// Whether both certainly belong to the same job and to the same generation.
    pub(crate) fn is_of_the_job(&self, other: &Self) -> bool {
        self.job.is_some() && self.generation.is_some() && self == other
    }
}

impl Content {
    /// A finished full refresh.
    pub(crate) fn finished(now_ms: i64, attempt: Attempt) -> Self {
        Self::FullRefresh {
            progress: None,
            finished_at_ms: Some(now_ms),
            attempt,
        }
    }

    /// Reads the state of a stream. A state that is not understood is dropped with a WARN, so that
    /// the stream starts anew.
    pub(crate) fn from_state(stream: &StreamDescriptor, state: &Value) -> Option<Self> {
        Self::parse(state).unwrap_or_else(|why| {
            tracing::warn!("stream \"{stream}\" starts anew: its state {why}");
            None
        })
    }

    /// Reads the state of a stream; `None` for an empty one.
    ///
    /// # Errors
    ///
    /// Why it is not understood, as the end of a sentence.
    fn parse(state: &Value) -> Result<Option<Self>, String> {
        let state = with_whole_numbers(state);
        match state.get("version").and_then(Value::as_u64) {
            Some(version @ 1..=VERSION) => match serde_json::from_value::<Self>(state) {
                Ok(content) => Ok(Some(content.upgraded_from(version))),
                Err(error) => {
                    // Its words are for those who know the code.
                    tracing::debug!("a state cannot be read: {error}");
                    Err("is damaged: it is not as source-trino writes it".to_owned())
                }
            },
            Some(version @ 1..) => Err(format!(
                "was written by a later version of source-trino (version {version} of the state, \
                 and this one reads up to {VERSION})"
            )),
            Some(version) => Err(format!(
                "is not one of this connector (it has the version {version})"
            )),
            None if state.as_object().is_some_and(serde_json::Map::is_empty) => Ok(None),
            None => Err("is not one of this connector (it has no version)".to_owned()),
        }
    }

    /// The same state in its present form, if it was written in an earlier `version`.
    fn upgraded_from(self, version: u64) -> Self {
        match self {
            // Up to version 3, the table version of an unfinished snapshot was written in place of
            // the position.
            Self::Changes(state) if version <= 3 && state.progress.is_some() => {
                Self::Changes(ChangesState {
                    table_version: None,
                    ..state
                })
            }
            content => content,
        }
    }

    /// The slices that were being read.
    pub(crate) fn progress(&self) -> Option<&Progress> {
        match self {
            Self::FullRefresh { progress, .. } => progress.as_ref(),
            Self::Cursor(state) => state.sync.as_ref().map(|sync| &sync.progress),
            Self::Changes(state) => state.progress.as_ref(),
        }
    }

    /// What can be kept if the version of the table that was being read is lost.
    pub(crate) fn without_version(self) -> Option<Self> {
        match self {
            Self::FullRefresh { .. } => None,
            Self::Cursor(state) => Some(Self::Cursor(CursorState {
                sync: state.sync.and_then(CursorSync::without_version),
                ..state
            })),
            Self::Changes(state) => Some(Self::Changes(ChangesState {
                progress: None,
                ..state
            })),
        }
    }

    /// The content as it is written.
    pub(crate) fn write(&self) -> Value {
        let mut state = json!(self);
        state["version"] = json!(VERSION);
        state
    }
}

/// The state with every whole number as an integer, because JavaScript, jq and others may turn 5
/// into 5.0.
fn with_whole_numbers(state: &Value) -> Value {
    match state {
        Value::Number(number) => match number.as_f64() {
            Some(double) if number.is_f64() => {
                whole(double).map_or_else(|| state.clone(), Value::from)
            }
            _ => state.clone(),
        },
        Value::Array(items) => items.iter().map(with_whole_numbers).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), with_whole_numbers(value)))
            .collect(),
        other => other.clone(),
    }
}

fn whole(double: f64) -> Option<i64> {
    // 2^63 is the first double that does not fit into an i64.
    let is_whole = double.fract() == 0.0 && double.abs() < 2_f64.powi(63);
    // The text of such a double has no exponent and no fraction.
    is_whole
        .then(|| format!("{double:.0}").parse().ok())
        .flatten()
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

    fn attempt(job: &str, generation: i64) -> Attempt {
        Attempt {
            job: Some(job.into()),
            generation: Some(generation),
        }
    }

    fn read(state: &Value) -> Option<Content> {
        Content::from_state(&stream(), state)
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
            Content::finished(5, attempt("42", 7)),
            Content::finished(5, Attempt::default()),
            Content::FullRefresh {
                progress: Some(progress.clone()),
                finished_at_ms: None,
                attempt: attempt("42", 7),
            },
            Content::Changes(ChangesState {
                table_version: Some(Version::Snapshot(-3)),
                next_version: Some(Version::Snapshot(i64::MAX)),
                progress: Some(progress),
                snapshot_cursor: Some(7),
                rising: Rising::default().sent(7),
                columns: Some("0011223344556677".into()),
                key: vec![1, 7],
                is_renamed: true,
                is_read_again: true,
                schema_id: Some(3),
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
            json!({"version": 4.5, "mode": "full_refresh"}),
            json!({"version": 2, "mode": "cursor", "cursor": 7}),
            json!({"cursor": "2020"}),
            json!([1]),
        ] {
            assert_eq!(read(&state), None, "{state}");
        }
    }

    #[test]
    fn it_is_said_why_a_state_is_not_understood() {
        for (state, expected) in [
            (
                json!({"version": 99, "mode": "full_refresh"}),
                "was written by a later version of source-trino (version 99 of the state, and this \
                 one reads up to 4)",
            ),
            (
                json!({"cursor": "2020"}),
                "is not one of this connector (it has no version)",
            ),
            (
                json!({"version": 4, "mode": "cursor", "cursor": true}),
                "is damaged: it is not as source-trino writes it",
            ),
        ] {
            assert_eq!(Content::parse(&state).unwrap_err(), expected, "{state}");
        }
    }

    #[test]
    fn a_cursor_that_is_a_number_is_its_text() {
        for (given, text) in [(json!(24), "24"), (json!(-2.5), "-2.5")] {
            let state = json!({"version": 4, "mode": "cursor", "cursor_field": ["c"],
                "cursor_type": "bigint", "cursor": given});
            match read(&state) {
                Some(Content::Cursor(state)) => assert_eq!(state.cursor.as_deref(), Some(text)),
                other => panic!("{other:?}"),
            }
        }
    }

    /// As jq 1.6 and JavaScript read and write numbers.
    fn through_doubles(value: &Value) -> Value {
        match value {
            Value::Number(number) => json!(number.as_f64().unwrap()),
            Value::Array(items) => items.iter().map(through_doubles).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), through_doubles(value)))
                .collect(),
            other => other.clone(),
        }
    }

    fn numbers(value: &Value) -> Vec<f64> {
        match value {
            Value::Number(number) => vec![number.as_f64().unwrap()],
            Value::Array(items) => items.iter().flat_map(numbers).collect(),
            Value::Object(members) => members.values().flat_map(numbers).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_state_that_went_through_doubles_means_the_same() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/state");
        for file in std::fs::read_dir(directory).unwrap() {
            let path = file.unwrap().path();
            let state: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let content = read(&state).unwrap();
            let written = content.write();
            assert_eq!(read(&through_doubles(&written)), Some(content), "{written}");
            for number in numbers(&written) {
                assert!(number.abs() < 9e15, "{number} in {written}");
            }
        }
    }

    #[test]
    fn the_version_of_an_unfinished_snapshot_is_no_position() {
        let state = |version: u64| {
            read(
                &json!({"version": version, "mode": "changes", "table_version": 42,
                "progress": {"slices": {"version": 42}, "done": []}}),
            )
        };
        let position = |version| match state(version) {
            Some(Content::Changes(state)) => (state.table_version, state.progress.is_some()),
            other => panic!("{other:?}"),
        };
        assert_eq!(position(3), (None, true));
        assert_eq!(position(4), (Some(Version::Snapshot(42)), true));
    }

    #[test]
    fn only_attempts_that_say_their_job_and_generation_are_of_one_job() {
        assert!(attempt("42", 7).is_of_the_job(&attempt("42", 7)));
        for (one, other) in [
            (attempt("42", 7), attempt("43", 7)),
            (attempt("42", 7), attempt("42", 8)),
            (attempt("42", 7), Attempt::default()),
            (Attempt::default(), Attempt::default()),
        ] {
            assert!(!one.is_of_the_job(&other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn keys_of_later_releases_are_ignored() {
        assert!(
            read(&json!({"version": 2, "mode": "changes", "table_version": 1, "x": {}})).is_some()
        );
    }
}
