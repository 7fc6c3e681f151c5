//! The `--state` file, in every form that it arrives in.
//!
//! The platform sends an array of STREAM states or no file at all; PyAirbyte always sends one, with
//! `[]`, nulls and the key `global_` twice; people send `{}`, an empty file, or the STATE lines of
//! an earlier run as they stand. None of this is an error: an entry that is not a state of a stream
//! is skipped and counted.

use std::collections::{HashMap, HashSet};

use serde_json::{Deserializer, Value};

use super::message::StreamDescriptor;

/// The states of the streams at the start of a read.
#[derive(Debug, Default)]
pub(crate) struct InputState {
    streams: HashMap<StreamDescriptor, Value>,
    /// Entries that are no state of a stream (GLOBAL, LEGACY, anything else).
    pub(crate) ignored: usize,
    /// Streams that occur more than once in an array; the last entry counts.
    pub(crate) repeated: Vec<StreamDescriptor>,
}

impl InputState {
    /// Reads the content of a state file: one JSON value, or one value per line. If a stream occurs
    /// several times, its last state counts, because the lines are in the order in which they were
    /// written.
    ///
    /// # Errors
    ///
    /// When the text is not JSON. Going on without a state would read everything again, which
    /// nobody asked for.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let mut state = Self::default();
        for value in Deserializer::from_str(text).into_iter() {
            match value? {
                Value::Array(entries) => {
                    let mut given = HashMap::new();
                    for entry in entries {
                        let Some((descriptor, content)) = state.stream_and_state(entry) else {
                            continue;
                        };
                        if given.insert(descriptor.clone(), content).is_some()
                            && !state.repeated.contains(&descriptor)
                        {
                            state.repeated.push(descriptor);
                        }
                    }
                    state.streams.extend(given);
                }
                entry @ Value::Object(_) => {
                    let read = state.stream_and_state(entry);
                    state.streams.extend(read);
                }
                Value::Null => {}
                _ => state.ignored += 1,
            }
        }
        Ok(state)
    }

    /// The state of a stream. `None` if there is none, or if it is null.
    pub(crate) fn of_stream(&self, stream: &StreamDescriptor) -> Option<&Value> {
        self.streams.get(stream).filter(|state| !state.is_null())
    }

    /// Whether no stream has a state.
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// The streams with a state that are not `configured`, sorted by their names.
    pub(crate) fn unused<'a>(
        &self,
        configured: impl IntoIterator<Item = &'a StreamDescriptor>,
    ) -> Vec<&StreamDescriptor> {
        let configured: HashSet<&StreamDescriptor> = configured.into_iter().collect();
        let has_state = self.streams.iter().filter(|(_, state)| !state.is_null());
        let mut unused: Vec<&StreamDescriptor> = has_state
            .map(|(stream, _)| stream)
            .filter(|stream| !configured.contains(stream))
            .collect();
        unused.sort_by_key(ToString::to_string);
        unused
    }

    /// The stream and the state of an entry. An entry that is not the state of a stream is counted.
    fn stream_and_state(&mut self, entry: Value) -> Option<(StreamDescriptor, Value)> {
        // A whole STATE message is accepted too: people paste lines of an earlier run.
        let mut entry = match entry {
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
            return None;
        };
        let state = entry.pointer_mut("/stream/stream_state");
        Some((descriptor, state.map(Value::take).unwrap_or_default()))
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
        assert_eq!(state.of_stream(&users()).unwrap()["version"], 1);
    }

    #[test]
    fn the_last_of_repeated_entries_counts() {
        let entry = |n| {
            format!(
                r#"{{"stream":{{"stream_descriptor":{{"name":"users"}},"stream_state":{{"n":{n}}}}}}}"#
            )
        };
        let state = InputState::parse(&format!("[{},{}]", entry(1), entry(2))).unwrap();
        assert_eq!(state.of_stream(&users()).unwrap()["n"], 2);
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
        assert!(
            InputState::parse(text)
                .unwrap()
                .of_stream(&users())
                .is_some()
        );
    }

    #[test]
    fn a_null_state_is_no_state() {
        let text = r#"[{"stream":{"stream_descriptor":{"name":"users"},"stream_state":null}}]"#;
        assert!(
            InputState::parse(text)
                .unwrap()
                .of_stream(&users())
                .is_none()
        );
    }

    #[test]
    fn text_that_is_not_json_is_an_error() {
        for text in ["{", "[] x", "{} {", "state"] {
            assert!(InputState::parse(text).is_err(), "{text}");
        }
    }

    fn stream(name: &str, namespace: Option<&str>) -> StreamDescriptor {
        StreamDescriptor {
            name: name.into(),
            namespace: namespace.map(str::to_owned),
        }
    }

    #[test]
    fn of_several_state_lines_the_last_of_a_stream_counts() {
        let line = |name: &str, n: u32| {
            format!(
                r#"{{"type":"STATE","state":{{"type":"STREAM","stream":{{"stream_descriptor":{{"name":"{name}"}},"stream_state":{{"n":{n}}}}},"sourceStats":{{"recordCount":1.0}}}}}}"#
            )
        };
        let lines = [line("a", 1), line("b", 1), line("a", 2), line("a", 3)];
        let arrays = format!("[{}]\n[{}]", lines[..2].join(","), lines[2..].join(","));
        for text in [
            lines.join("\n"),
            lines.join("\r\n\r\n") + "\n",
            lines.concat(),
            arrays,
        ] {
            let state = InputState::parse(&text).unwrap();
            assert_eq!(
                state.of_stream(&stream("a", None)).unwrap()["n"],
                3,
                "{text}"
            );
            assert_eq!(
                state.of_stream(&stream("b", None)).unwrap()["n"],
                1,
                "{text}"
            );
            assert_eq!(state.ignored, 0);
        }
        let state = InputState::parse(&lines.join("\n")).unwrap();
        assert_eq!(state.repeated, [], "lines are states one after the other");
    }

    #[test]
    fn empty_null_and_absent_namespaces_are_one() {
        let forms = ["", r#","namespace":null"#, r#","namespace":"""#];
        for given in forms {
            let text = format!(
                r#"[{{"stream":{{"stream_descriptor":{{"name":"t"{given}}},"stream_state":{{"a":1}}}}}}]"#
            );
            let state = InputState::parse(&text).unwrap();
            for configured in [stream("t", None), stream("t", Some(""))] {
                assert!(state.of_stream(&configured).is_some(), "{given}");
                assert!(state.unused([&configured]).is_empty(), "{given}");
            }
            assert!(
                state.of_stream(&stream("t", Some("s"))).is_none(),
                "{given}"
            );
        }
    }

    #[test]
    fn a_state_of_a_stream_that_is_not_configured_is_unused() {
        let entry = |namespace: &str, name: &str, content: &str| {
            format!(
                r#"{{"stream":{{"stream_descriptor":{{"name":"{name}","namespace":"{namespace}"}},"stream_state":{content}}}}}"#
            )
        };
        let entries = [
            entry("s", "t", "{}"),
            entry("r", "t", "{}"),
            entry("q", "t", "null"),
        ];
        let state = InputState::parse(&format!("[{}]", entries.join(","))).unwrap();
        let unused = state.unused([&stream("t", Some("s")), &stream("t", None)]);
        assert_eq!(unused, [&stream("t", Some("r"))]);
    }
}
