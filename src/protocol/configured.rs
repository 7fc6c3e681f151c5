//! The configured catalog: what `discover --configured` writes and what `read` is given.
//!
//! Catalogs come from the platform, from other clients and from people, who write null, text for a
//! list, and members that no source has heard of. So each stream is parsed separately and by hand:
//! a member that `read` does not need cannot be wrong, and a mistake in one stream does not stop
//! the others.

mod hints;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::catalog::SyncMode;
use super::message::StreamDescriptor;

/// The streams that a person selected.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ConfiguredAirbyteCatalog {
    /// In the order in which they are read.
    pub(crate) streams: Vec<ConfiguredAirbyteStream>,
    /// The entries that cannot be understood; they are not written.
    #[serde(skip)]
    pub(crate) problems: Vec<StreamProblem>,
    /// Sentences about members that are not known and look like known ones; they are not written.
    #[serde(skip)]
    pub(crate) hints: Vec<String>,
}

/// One selected stream. Only `stream.name` and `sync_mode` are needed: catalogs are also
/// written by hand.
#[derive(Debug, Serialize)]
pub(crate) struct ConfiguredAirbyteStream {
    /// The stream as `discover` described it, reduced to the selected columns.
    pub(crate) stream: SelectedStream,
    /// How to read it.
    pub(crate) sync_mode: SyncMode,
    /// Only the destination needs it, so any text is accepted.
    pub(crate) destination_sync_mode: String,
    /// Path of the cursor column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cursor_field: Option<Vec<String>>,
    /// Paths of the key columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) primary_key: Option<Vec<Vec<String>>>,
    /// Rises each time that the stream begins anew in the destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) generation_id: Option<i64>,
}

/// What a configured catalog says about a stream.
#[derive(Debug, Serialize)]
pub(crate) struct SelectedStream {
    /// Table name, as the catalog has it.
    pub(crate) name: String,
    /// Schema name, as the catalog has it; see [`SelectedStream::schema`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    /// Its `properties` are the selected columns.
    pub(crate) json_schema: Value,
    /// Kept for `discover --configured`; not looked at by `read`.
    pub(crate) supported_sync_modes: Vec<SyncMode>,
    /// Kept for `discover --configured`; not looked at by `read`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source_defined_primary_key: Option<Vec<Vec<String>>>,
}

/// Why a stream of a configured catalog cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamProblem {
    /// Which entry of the catalog it is, from 1.
    pub(crate) entry: usize,
    /// Its name, if that could be read.
    pub(crate) stream: Option<StreamDescriptor>,
    /// Path of the field in the entry, for example `stream.name`; empty for the whole entry.
    pub(crate) field: String,
    /// What is wrong and what is expected.
    pub(crate) text: String,
}

/// The field, and what is wrong with it.
impl fmt::Display for StreamProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            entry,
            stream,
            field,
            text,
        } = self;
        let place = match stream {
            Some(_) => "",
            None => &format!("stream {entry} of the configured catalog: "),
        };
        match field.as_str() {
            "" => write!(f, "{place}{text}"),
            field if place.is_empty() => write!(f, "\"{field}\" of the configured catalog {text}"),
            field => write!(f, "{place}\"{field}\" {text}"),
        }
    }
}

impl ConfiguredAirbyteCatalog {
    /// The names of all streams, also of those that cannot be read.
    pub(crate) fn descriptors(&self) -> Vec<StreamDescriptor> {
        let readable = self.streams.iter().map(|stream| stream.stream.descriptor());
        let problems = self.problems.iter();
        let others = problems.filter_map(|problem| problem.stream.clone());
        readable.chain(others).collect()
    }
}

impl SelectedStream {
    /// The stream's name as messages carry it.
    pub(crate) fn descriptor(&self) -> StreamDescriptor {
        StreamDescriptor {
            name: self.name.clone(),
            namespace: self.namespace.clone(),
        }
    }

    /// The schema, or catalog and schema, that the configured catalog names. `None`, also for an
    /// empty namespace, means the schema of the configuration.
    pub(crate) fn schema(&self) -> Option<&str> {
        let namespace = self.namespace.as_deref();
        namespace.filter(|namespace| !namespace.is_empty())
    }

    /// The table's name in lower case, as Trino has all names.
    pub(crate) fn table(&self) -> String {
        self.name.to_lowercase()
    }

    /// The selected columns. `None` if the schema names none, which means all columns.
    pub(crate) fn selected_columns(&self) -> Option<Vec<&str>> {
        let properties: &Map<String, Value> = self.json_schema.get("properties")?.as_object()?;
        (!properties.is_empty()).then(|| properties.keys().map(String::as_str).collect())
    }
}

impl<'de> Deserialize<'de> for ConfiguredAirbyteCatalog {
    /// Only a text that is no catalog at all is an error.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = |text: &str| Err(serde::de::Error::custom(text));
        let Value::Object(mut map) = Value::deserialize(deserializer)? else {
            return wrong("it is not an object with \"streams\"");
        };
        let given = match take(&mut map, "streams") {
            Value::Array(streams) => streams,
            Value::Null => return wrong("it has no \"streams\""),
            _ => return wrong("its \"streams\" are no list"),
        };
        // For a catalog of `discover` there is one error and not one for each of its streams.
        let has_stream = |entry: &Value| entry.get("stream").is_some_and(|inner| !inner.is_null());
        if !given.is_empty() && !given.iter().any(has_stream) {
            return wrong("none of its streams has a \"stream\"");
        }
        let mut catalog = Self::default();
        for (entry, stream) in (1..).zip(given) {
            catalog.hints.extend(hints::hints(entry, &stream));
            match configured(entry, stream) {
                Ok(stream) => catalog.streams.push(stream),
                Err(problem) => catalog.problems.push(problem),
            }
        }
        Ok(catalog)
    }
}

impl<'de> Deserialize<'de> for ConfiguredAirbyteStream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        configured(1, Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Reads an entry of the catalog.
fn configured(entry: usize, given: Value) -> Result<ConfiguredAirbyteStream, StreamProblem> {
    let mut problem = StreamProblem {
        entry,
        stream: None,
        field: String::new(),
        text: String::new(),
    };
    configured_stream(given, &mut problem.stream).map_err(|(field, text)| {
        field.clone_into(&mut problem.field);
        problem.text = text;
        problem
    })
}

/// A field, and what is wrong with it.
type Wrong = (&'static str, String);

fn configured_stream(
    given: Value,
    descriptor: &mut Option<StreamDescriptor>,
) -> Result<ConfiguredAirbyteStream, Wrong> {
    let mut entry = object("", given)?;
    let mut stream = object("stream", take(&mut entry, "stream"))?;
    let namespace = text("stream.namespace", take(&mut stream, "namespace"));
    let name = match take(&mut stream, "name") {
        Value::String(name) if !name.is_empty() => name,
        Value::Null => return Err(missing("stream.name")),
        Value::String(_) => return Err(("stream.name", "is empty".to_owned())),
        other => return Err(wrong("stream.name", "text", &other)),
    };
    *descriptor = Some(StreamDescriptor {
        name: name.clone(),
        namespace: namespace.clone().unwrap_or_default(),
    });
    let sync_mode = sync_mode(take(&mut entry, "sync_mode"))?;
    let json_schema = json_schema(take(&mut stream, "json_schema"))?;
    let (cursor_field, primary_key) = (
        names("cursor_field", take(&mut entry, "cursor_field")),
        paths("primary_key", take(&mut entry, "primary_key")),
    );
    // A stream that is read whole needs neither of them, so they cannot be wrong.
    let is_needed = sync_mode == SyncMode::Incremental;
    let (cursor_field, primary_key) = if is_needed {
        (cursor_field?, primary_key?)
    } else {
        (
            cursor_field.unwrap_or_default(),
            primary_key.unwrap_or_default(),
        )
    };
    let supported = take(&mut stream, "supported_sync_modes");
    let supported = supported.as_array().into_iter().flatten();
    Ok(ConfiguredAirbyteStream {
        stream: SelectedStream {
            name,
            namespace: namespace?,
            json_schema,
            supported_sync_modes: supported
                .filter_map(|mode| SyncMode::named(mode.as_str()?))
                .collect(),
            source_defined_primary_key: paths("", take(&mut stream, "source_defined_primary_key"))
                .unwrap_or_default(),
        },
        sync_mode,
        destination_sync_mode: match take(&mut entry, "destination_sync_mode") {
            Value::String(mode) => mode,
            _ => "append".to_owned(),
        },
        cursor_field,
        primary_key,
        generation_id: whole_number(&take(&mut entry, "generation_id")),
    })
}

/// A whole number, also as a text or as `1.0`, as other programs write them.
fn whole_number(given: &Value) -> Option<i64> {
    let text = match given {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.strip_suffix(".0").unwrap_or(&text).parse().ok()
}

fn take(map: &mut Map<String, Value>, name: &str) -> Value {
    map.remove(name).unwrap_or_default()
}

fn object(field: &'static str, given: Value) -> Result<Map<String, Value>, Wrong> {
    match given {
        Value::Object(map) => Ok(map),
        Value::Null if !field.is_empty() => Err(missing(field)),
        other => Err(wrong(field, "an object", &other)),
    }
}

fn text(field: &'static str, given: Value) -> Result<Option<String>, Wrong> {
    match given {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        other => Err(wrong(field, "text", &other)),
    }
}

fn sync_mode(given: Value) -> Result<SyncMode, Wrong> {
    const FIELD: &str = "sync_mode";
    const CHOICE: &str = "choose \"full_refresh\" or \"incremental\"";
    match given {
        Value::String(word) if !word.is_empty() => SyncMode::named(&word).ok_or_else(|| {
            (
                FIELD,
                format!("is \"{word}\", which this version does not know; {CHOICE}"),
            )
        }),
        Value::Null | Value::String(_) => Err((FIELD, format!("is missing; {CHOICE}"))),
        other => Err(wrong(FIELD, "text", &other)),
    }
}

/// The schema of the records; an empty list is what some languages write for an empty object.
fn json_schema(given: Value) -> Result<Value, Wrong> {
    const FIELD: &str = "stream.json_schema";
    match given {
        Value::Null => Ok(Value::Null),
        Value::Array(list) if list.is_empty() => Ok(Value::Null),
        Value::Object(map) => match map.get("properties") {
            None | Some(Value::Null | Value::Object(_)) => Ok(Value::Object(map)),
            Some(Value::Array(list)) if list.is_empty() => Ok(Value::Object(map)),
            Some(other) => Err(wrong("stream.json_schema.properties", "an object", other)),
        },
        other => Err(wrong(FIELD, "an object", &other)),
    }
}

/// A list of names. A single name is a list of one name, and empty names are left out.
fn names(field: &'static str, given: Value) -> Result<Option<Vec<String>>, Wrong> {
    let expected = "a list of column names";
    let list = match given {
        Value::Null => return Ok(None),
        Value::Array(list) => list,
        Value::String(name) => vec![Value::String(name)],
        other => return Err(wrong(field, expected, &other)),
    };
    let mut names = Vec::with_capacity(list.len());
    for name in list {
        match name {
            Value::Null => {}
            Value::String(name) if name.is_empty() => {}
            Value::String(name) => names.push(name),
            other => return Err(wrong(field, expected, &other)),
        }
    }
    Ok(Some(names))
}

/// A list of paths. A single name is a path of one name.
fn paths(field: &'static str, given: Value) -> Result<Option<Vec<Vec<String>>>, Wrong> {
    let list = match given {
        Value::Null => return Ok(None),
        Value::Array(list) => list,
        Value::String(name) => vec![Value::String(name)],
        other => return Err(wrong(field, "a list of column names", &other)),
    };
    let mut paths = Vec::with_capacity(list.len());
    for path in list {
        let path = names(field, path)?.unwrap_or_default();
        if !path.is_empty() {
            paths.push(path);
        }
    }
    Ok(Some(paths))
}

fn missing(field: &'static str) -> Wrong {
    (field, "is missing".to_owned())
}

fn wrong(field: &'static str, expected: &str, given: &Value) -> Wrong {
    let kind = match given {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let text = if field.is_empty() {
        format!("it must be {expected}, not {kind}")
    } else {
        format!("must be {expected}, not {kind}")
    };
    (field, text)
}

#[cfg(test)]
mod tests;
