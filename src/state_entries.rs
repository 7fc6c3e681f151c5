//! The entries of a state file, kept as text so that they can be written again unchanged: numbers
//! above 2^53 and members that this version does not know stay as they are.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The stream that a state belongs to. No namespace, null and an empty one mean the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// The stream's name.
    pub(crate) name: String,
    /// The stream's namespace, never empty.
    pub(crate) namespace: Option<String>,
}

/// One entry of a state file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The stream that the state belongs to; `None` if it is not the state of a stream.
    pub(crate) key: Option<Key>,
    /// Whether it is a GLOBAL or LEGACY state, which is not read.
    pub(crate) is_other_kind: bool,
    /// Whether it holds no state: it is null or `{}`, or the stream's state in it is.
    pub(crate) is_empty: bool,
    /// The text of the STREAM state (without the message around it), or of whatever else was there.
    pub(crate) json: String,
}

/// All entries of a state file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Entries {
    /// The entries, in the file's order.
    pub(crate) list: Vec<Entry>,
    /// Whether the last line was cut off, as happens when a process is killed.
    pub(crate) is_cut: bool,
}

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(borrow)]
    state: Option<&'a RawValue>,
    #[serde(borrow)]
    stream: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Stream<'a> {
    stream_descriptor: Descriptor,
    #[serde(borrow)]
    stream_state: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Descriptor {
    name: String,
    namespace: Option<String>,
}

impl Key {
    /// The key of a stream.
    pub(crate) fn new(name: &str, namespace: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            namespace: namespace.filter(|text| !text.is_empty()).map(str::to_owned),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl Entries {
    /// Parses a text: an array of states, one state, or the lines of a connector's output, of which
    /// the last STATE of each stream counts.
    ///
    /// # Errors
    ///
    /// When the text is not JSON. If there are several lines, it is no error that the last one is
    /// cut off.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let mut entries = Self::default();
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        for value in &mut values {
            let value = match value {
                Ok(value) => value.get(),
                Err(error) if error.is_eof() && !entries.list.is_empty() => {
                    entries.is_cut = true;
                    break;
                }
                Err(error) => return Err(error),
            };
            if value.starts_with('[') {
                let inside: Vec<&RawValue> = serde_json::from_str(value)?;
                let inside = inside.into_iter().map(RawValue::get);
                entries.list.extend(inside.filter_map(Entry::parse));
            } else if let Some(entry) = Entry::parse(value) {
                entries.put(entry);
            }
        }
        Ok(entries)
    }

    /// Replaces the entry of the same stream, or adds the entry at the end. Returns whether
    /// anything has changed.
    pub(crate) fn put(&mut self, entry: Entry) -> bool {
        let has_key = |known: &&mut Entry| entry.key.is_some() && known.key == entry.key;
        match self.list.iter_mut().find(has_key) {
            Some(known) if *known == entry => return false,
            Some(known) => *known = entry,
            None => self.list.push(entry),
        }
        true
    }

    /// All entries as one JSON array, with one entry per line.
    pub(crate) fn to_json(&self) -> String {
        let mut text = String::from("[");
        for (number, entry) in self.list.iter().enumerate() {
            text.push_str(if number == 0 { "\n" } else { ",\n" });
            text.push_str(&entry.json);
        }
        text.push_str("\n]\n");
        text
    }
}

impl Entry {
    /// The entry for a JSON value; `None` for other messages of a connector's output.
    fn parse(json: &str) -> Option<Self> {
        let other = |is_empty, is_other_kind| Self {
            key: None,
            is_other_kind,
            is_empty,
            json: json.to_owned(),
        };
        if json == "null" {
            return Some(other(true, false));
        }
        let Ok(outer) = serde_json::from_str::<Outer>(json) else {
            return Some(other(false, false));
        };
        if let Some(state) = outer.state.map(RawValue::get)
            && state.starts_with('{')
        {
            return Self::parse(state);
        }
        let kind = outer.kind.unwrap_or_default();
        if ["RECORD", "LOG", "TRACE", "CONTROL", "SPEC", "CATALOG"].contains(&kind.as_str()) {
            return None;
        }
        let stream = outer.stream.map(RawValue::get);
        let stream = stream.and_then(|stream| serde_json::from_str::<Stream>(stream).ok());
        let Some(stream) = stream else {
            let is_empty = is_empty_object(json);
            let is_other_kind = ["GLOBAL", "LEGACY"].contains(&kind.as_str());
            return Some(other(is_empty, is_other_kind));
        };
        let Descriptor { name, namespace } = stream.stream_descriptor;
        let state = stream.stream_state.map_or("null", RawValue::get);
        Some(Self {
            key: Some(Key::new(&name, namespace.as_deref())),
            is_other_kind: false,
            is_empty: state == "null" || is_empty_object(state),
            json: json.to_owned(),
        })
    }
}

/// Whether the text of a JSON value is an object without members.
fn is_empty_object(json: &str) -> bool {
    let inside = json.strip_prefix('{');
    inside.is_some_and(|inside| inside.trim_start().starts_with('}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = r#"{"type":"STREAM","stream":{"stream_descriptor":{"name":"t","namespace":"s"},"stream_state":{"id":7769510365661554395}}}"#;

    fn message() -> String {
        format!(r#"{{"type":"STATE","state":{STATE}}}"#)
    }

    fn parse(text: &str) -> Entries {
        Entries::parse(text).unwrap()
    }

    #[test]
    fn every_form_gives_the_same_state_unchanged() {
        let lines = format!("{}\n{{\"type\":\"LOG\",\"log\":{{}}}}\n", message());
        for text in [
            format!("[{STATE}]"),
            STATE.to_owned(),
            message(),
            lines,
            format!("[{}]", message()),
        ] {
            let entries = parse(&text);
            assert_eq!(entries.list.len(), 1, "{text}");
            assert_eq!(entries.list[0].json, STATE, "{text}");
            assert_eq!(entries.list[0].key, Some(Key::new("t", Some("s"))));
            assert!(entries.to_json().contains("7769510365661554395"));
        }
    }

    #[test]
    fn no_namespace_null_and_an_empty_one_are_the_same() {
        for namespace in ["", r#","namespace":null"#, r#","namespace":"""#] {
            let text = format!(
                r#"{{"stream":{{"stream_descriptor":{{"name":"t"{namespace}}},"stream_state":{{}}}}}}"#
            );
            assert_eq!(parse(&text).list[0].key, Some(Key::new("t", None)));
        }
    }

    #[test]
    fn empty_entries_are_told_from_others() {
        for (text, expected) in [
            ("", vec![]),
            ("[]", vec![]),
            ("null", vec![true]),
            ("{ }", vec![true]),
            ("[{}, null]", vec![true, true]),
            (r#"{"type":"GLOBAL"}"#, vec![false]),
            ("[5, \"x\", [1]]", vec![false, false, false]),
            (
                r#"[{"stream":{"stream_descriptor":{"name":"t"},"stream_state":null}}]"#,
                vec![true],
            ),
            (
                r#"[{"stream":{"stream_descriptor":{"name":"t"},"stream_state":{ }}}]"#,
                vec![true],
            ),
            (
                r#"[{"stream":{"stream_descriptor":{"name":"t"}},"global_":null,"global_":null}]"#,
                vec![true],
            ),
        ] {
            let empty: Vec<bool> = parse(text).list.iter().map(|e| e.is_empty).collect();
            assert_eq!(empty, expected, "{text}");
        }
    }

    #[test]
    fn of_several_lines_the_last_one_of_a_stream_counts() {
        let later = message().replace("7769510365661554395", "1");
        let entries = parse(&format!("{}\n{later}\n", message()));
        assert_eq!(entries.list.len(), 1);
        assert!(entries.list[0].json.contains("{\"id\":1}"));
        // Twice in one array is no output of ours, and not decided here.
        assert_eq!(parse(&format!("[{STATE},{STATE}]")).list.len(), 2);
    }

    #[test]
    fn a_last_line_that_is_cut_is_passed_over_but_not_a_cut_array() {
        let whole = message();
        let entries = parse(&format!("{whole}\n{}", &whole[..40]));
        assert_eq!((entries.list.len(), entries.is_cut), (1, true));
        assert!(!parse(&whole).is_cut);
        assert!(Entries::parse(&whole[..40]).is_err());
        assert!(Entries::parse(&format!("[{STATE},")).is_err());
        assert!(Entries::parse(&format!("{whole}\nx")).is_err());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let entries = parse(&format!("[{STATE}, null, {STATE}]"));
        assert_eq!(parse(&entries.to_json()), entries);
        assert_eq!(Entries::default().to_json(), "[\n]\n");
    }
}
