//! The states that a read begins with, and whether it can use them.

use std::path::Path;

use crate::amounts;
use crate::cli::ReadArgs;
use crate::error::ConnectorError;
use crate::files;
use crate::platform;
use crate::protocol::message::StreamDescriptor;
use crate::protocol::state::InputState;
use crate::state_entries::{Entries, Key};
use crate::state_file::{StateFile, StateFileError};

/// How many streams a message names.
const NAMED: usize = 5;

/// Members that only PyAirbyte writes. It passes the states of all streams in its cache, even of
/// streams that are not selected.
const OF_PYAIRBYTE: &[&str] = &["\"global_\":", "\"data\":null", "\"destinationStats\":null"];

/// What a read begins with.
#[derive(Default)]
pub(super) struct Input {
    /// The states of the streams.
    pub(super) state: InputState,
    /// The file that keeps the new states, if there is one.
    pub(super) file: Option<StateFile>,
}

/// Reads the states of `--state` or `--state-file`.
///
/// # Errors
///
/// When the file cannot be read or cannot be kept. If a person started us, also when there are
/// states but none of them belongs to a stream that is read.
pub(super) async fn input(
    args: &ReadArgs,
    configured: &[StreamDescriptor],
) -> Result<Input, ConnectorError> {
    if let Some(path) = &args.state_file {
        let file = open(path, [&args.config.config, &args.catalog]).await?;
        let state = parsed(path, file.entries())?;
        let file = Some(file);
        return Ok(Input { state, file });
    }
    let Some(path) = &args.state else {
        return Ok(Input::default());
    };
    let text = super::text(path, "state").await?;
    let entries = Entries::parse(&text).map_err(|error| not_usable(path, &error))?;
    let state = parsed(path, &entries)?;
    if entries.is_cut {
        tracing::warn!("the last line of the state file is cut and was ignored");
    }
    if let Some(problem) = useless(&entries, configured) {
        let path = path.display();
        let message = format!("Nothing in the state file {path} can be used: {problem}.");
        if platform::reports_to_person() {
            return Err(ConnectorError::config(format!(
                "{message} Without --state everything is read."
            )));
        }
        tracing::warn!("{message} Everything is read.");
    }
    Ok(Input { state, file: None })
}

/// The error for a state that could not be kept, with what a person can do.
pub(super) fn not_kept(path: &Path, error: &std::io::Error) -> ConnectorError {
    let path = path.display();
    ConnectorError::config(format!(
        "The state file {path} cannot be written: {error}. It holds the last state that could be; a \
         read with it goes on from there."
    ))
}

async fn open(path: &Path, others: [&Path; 2]) -> Result<StateFile, ConnectorError> {
    let same = |other: &&&Path| {
        let places = (path.canonicalize(), other.canonicalize());
        matches!(places, (Ok(ours), Ok(theirs)) if ours == theirs)
    };
    let shown = path.display();
    if let Some(other) = others.iter().find(same) {
        let other = other.display();
        return Err(ConnectorError::config(format!(
            "The state file {shown} is also the input {other}, which would be replaced. Name another one."
        )));
    }
    let file = path.to_owned();
    let opened = tokio::task::spawn_blocking(move || StateFile::open(&file)).await;
    let opened = opened.map_err(|error| ConnectorError::system(error.to_string()))?;
    opened.map_err(|error| {
        let hint = match error {
            StateFileError::Unwritable(_) => {
                " It is replaced as a whole, so its directory must be writable, too."
            }
            _ => "",
        };
        ConnectorError::config(format!("The state file {shown} {error}.{hint}"))
    })
}

fn parsed(path: &Path, entries: &Entries) -> Result<InputState, ConnectorError> {
    InputState::parse(&entries.to_json()).map_err(|error| not_usable(path, &error))
}

fn not_usable(path: &Path, error: &serde_json::Error) -> ConnectorError {
    let (path, problem) = (path.display(), files::json_problem(error));
    ConnectorError::config(format!("The state file {path} cannot be used: {problem}."))
}

/// Why none of the states can be used. `None` if some can be used, or if there are none.
fn useless(entries: &Entries, configured: &[StreamDescriptor]) -> Option<String> {
    let key = |stream: &StreamDescriptor| Key::new(&stream.name, stream.namespace.as_deref());
    let configured: Vec<Key> = configured.iter().map(key).collect();
    let mut filled = entries
        .list
        .iter()
        .filter(|entry| !entry.is_empty)
        .peekable();
    filled.peek()?;
    if filled.clone().all(|entry| entry.key.is_none()) {
        return Some("it has no state of a stream".to_owned());
    }
    let is_used = filled
        .clone()
        .filter_map(|entry| entry.key.as_ref())
        .any(|key| configured.contains(key));
    let is_by_program = filled.clone().any(|entry| {
        OF_PYAIRBYTE
            .iter()
            .any(|member| entry.json.contains(member))
    });
    if is_used || is_by_program || configured.is_empty() {
        return None;
    }
    let filled: Vec<&Key> = filled.filter_map(|entry| entry.key.as_ref()).collect();
    let states = amounts::names(&filled, NAMED);
    let streams = amounts::names(&configured, NAMED);
    Some(format!(
        "it has states of {states}, but the configured streams are {streams}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str) -> Option<String> {
        let stream = |name: &str, namespace: Option<&str>| StreamDescriptor {
            name: name.to_owned(),
            namespace: namespace.map(str::to_owned),
        };
        let configured = [stream("t", Some("s")), stream("u", None)];
        useless(&Entries::parse(text).unwrap(), &configured)
    }

    fn state(name: &str, more: &str) -> String {
        format!(
            r#"{{"stream":{{"stream_descriptor":{{"name":"{name}"}},"stream_state":{{"version":1}}}}{more}}}"#
        )
    }

    #[test]
    fn states_of_which_one_is_of_a_stream_that_is_read_are_of_use() {
        assert_eq!(
            judged(&format!("[{},{}]", state("u", ""), state("x", ""))),
            None
        );
    }

    #[test]
    fn no_state_is_of_no_use_and_no_problem() {
        for text in ["", "[]", "{}", "null", "[{}, null]"] {
            assert_eq!(judged(text), None, "{text}");
        }
        let null = r#"[{"stream":{"stream_descriptor":{"name":"x"},"stream_state":null}}]"#;
        assert_eq!(judged(null), None);
    }

    #[test]
    fn states_of_which_none_can_be_used_are_named() {
        let problem = judged(&state("t", "")).unwrap();
        assert!(
            problem.contains("\"t\"") && problem.contains("\"s.t\", \"u\""),
            "{problem}"
        );
        for text in [
            r#"{"t":{"cursor":"5"}}"#,
            r#"[{"type":"GLOBAL","global":{}}]"#,
            "5",
        ] {
            assert!(
                judged(text).unwrap().contains("no state of a stream"),
                "{text}"
            );
        }
    }

    #[test]
    fn pyairbyte_passes_states_of_streams_that_are_not_selected() {
        let more = r#","global_":null,"global_":null"#;
        assert_eq!(judged(&format!("[{}]", state("x", more))), None);
    }
}
