//! The `--state` file, in every form that it arrives in.
//!
//! The platform sends an array of STREAM states or no file at all; PyAirbyte always sends one,
//! with `[]`, nulls and the key `global_` twice; people send `{}` or an empty file. None of
//! that is an error: what is not a state of a stream is passed over, and counted.

use std::collections::HashMap;

use serde_json::Value;

use super::message::StreamDescriptor;

/// The states of the streams at the start of a read.
#[derive(Debug, Default)]
pub(crate) struct InputState {
    streams: HashMap<StreamDescriptor, Value>,
    /// Entries that are no state of a stream (GLOBAL, LEGACY, anything else).
    pub(crate) ignored: usize,
    /// Streams that occur more than once; the last entry counts.
    pub(crate) repeated: Vec<StreamDescriptor>,
}

impl InputState {
    /// Reads the content of a state file.
    ///
    /// # Errors
    ///
    /// When the text is not JSON at all; going on would read everything again unasked.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let mut state = Self::default();
        if text.trim().is_empty() {
            return Ok(state);
        }
        match serde_json::from_str(text)? {
            Value::Array(entries) => entries.into_iter().for_each(|entry| state.take(entry)),
            Value::Object(entry) if entry.is_empty() => {}
            entry @ Value::Object(_) => state.take(entry),
            Value::Null => {}
            _ => state.ignored += 1,
        }
        Ok(state)
    }

    /// The state of one stream, `None` when there is none or it is null.
    pub(crate) fn of(&self, stream: &StreamDescriptor) -> Option<&Value> {
        self.streams.get(stream).filter(|state| !state.is_null())
    }

    /// Whether no stream has a state.
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    fn take(&mut self, entry: Value) {
        // A whole STATE message is accepted too: people paste lines of an earlier run.
        let entry = match entry {
            Value::Object(mut message) if message.get("state").is_some_and(Value::is_object) => {
                message.remove("state").unwrap_or_default()
            }
            other => other,
        };
        let Some(descriptor) = entry
            .pointer("/stream/stream_descriptor")
            .and_then(descriptor)
        else {
            let empty = entry.as_object().is_some_and(serde_json::Map::is_empty);
            self.ignored += usize::from(!empty && !entry.is_null());
            return;
        };
        let state = entry
            .pointer("/stream/stream_state")
            .cloned()
            .unwrap_or_default();
        if self.streams.insert(descriptor.clone(), state).is_some() {
            self.repeated.push(descriptor);
        }
    }
}

fn descriptor(value: &Value) -> Option<StreamDescriptor> {
    let text = |key| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(StreamDescriptor {
        name: text("name")?,
        namespace: text("namespace"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> StreamDescriptor {
        StreamDescriptor {
            name: "users".into(),
            namespace: None,
        }
    }

    #[test]
    fn empty_inputs_mean_no_state() {
        for text in ["", "  \n", "[]", "{}", "null", "[{}]", "[null]"] {
            let state = InputState::parse(text).unwrap();
            assert!(state.is_empty(), "{text}");
            assert_eq!(state.ignored, 0, "{text}");
        }
    }

    #[test]
    fn pyairbyte_entries_with_nulls_and_double_keys_are_read() {
        let text = r#"[{"type":"STREAM","stream":{"stream_descriptor":{"name":"users","namespace":null},
            "stream_state":{"version":1}},"global_":null,"global_":null,"data":null,"destinationStats":null}]"#;
        let state = InputState::parse(text).unwrap();
        assert_eq!(state.of(&users()).unwrap()["version"], 1);
    }

    #[test]
    fn the_last_of_repeated_entries_counts() {
        let entry = |n| {
            format!(
                r#"{{"stream":{{"stream_descriptor":{{"name":"users"}},"stream_state":{{"n":{n}}}}}}}"#
            )
        };
        let state = InputState::parse(&format!("[{},{}]", entry(1), entry(2))).unwrap();
        assert_eq!(state.of(&users()).unwrap()["n"], 2);
        assert_eq!(state.repeated, [users()]);
    }

    #[test]
    fn global_and_legacy_entries_are_passed_over_and_counted() {
        let state =
            InputState::parse(r#"[{"type":"GLOBAL","global":{}},{"data":{"a":1}}]"#).unwrap();
        assert!(state.is_empty());
        assert_eq!(state.ignored, 2);
    }

    #[test]
    fn whole_state_messages_are_read() {
        let text = r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"a":1}}}}"#;
        assert!(InputState::parse(text).unwrap().of(&users()).is_some());
    }

    #[test]
    fn a_null_state_is_no_state() {
        let text = r#"[{"stream":{"stream_descriptor":{"name":"users"},"stream_state":null}}]"#;
        assert!(InputState::parse(text).unwrap().of(&users()).is_none());
    }

    #[test]
    fn text_that_is_not_json_is_an_error() {
        assert!(InputState::parse("{").is_err());
    }
}
