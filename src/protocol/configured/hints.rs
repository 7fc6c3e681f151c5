//! What is said of members of a configured catalog that are not known and look like known ones.

use serde_json::{Map, Value};

use crate::near;

/// The members of an entry that are read, and those of its `stream`.
const OF_ENTRY: [&str; 6] = [
    "stream",
    "sync_mode",
    "cursor_field",
    "primary_key",
    "destination_sync_mode",
    "generation_id",
];
const OF_STREAM: [&str; 3] = ["name", "namespace", "json_schema"];

/// How similar a member must be to a known one to be taken for it (0 to 1, Jaro-Winkler).
const ALIKE: f64 = 0.9;

/// What is said of members that an entry of the catalog has instead of known ones. All others are
/// passed over, because programs write their own.
pub(super) fn hints(entry: usize, given: &Value) -> Vec<String> {
    let stream = given.get("stream").unwrap_or(&Value::Null);
    let schema = stream.get("json_schema").unwrap_or(&Value::Null);
    let name = stream.get("name").and_then(Value::as_str);
    let place = match name {
        Some(name) => format!("stream \"{name}\" of the configured catalog"),
        None => format!("stream {entry} of the configured catalog"),
    };
    let mut hints = Vec::new();
    for (object, known) in [
        (given, &OF_ENTRY[..]),
        (stream, &OF_STREAM),
        (schema, &["properties"]),
    ] {
        for member in object.as_object().into_iter().flat_map(Map::keys) {
            if let Some(meant) = meant_member(member, known)
                && object.get(meant).is_none_or(Value::is_null)
            {
                hints.push(format!(
                    "{place}: \"{member}\" is not known and has no effect; did you mean \"{meant}\"?"
                ));
            }
        }
        for flag in ["selected", "is_selected"] {
            if object.get(flag) == Some(&Value::Bool(false)) {
                hints.push(format!(
                    "{place}: \"{flag}\" has no effect, so it is read; remove it from the catalog to leave it out"
                ));
            }
        }
    }
    hints
}

/// The known member that an unknown one looks like: written in another way, or misspelt.
fn meant_member(member: &str, known: &[&'static str]) -> Option<&'static str> {
    if known.contains(&member) {
        return None;
    }
    if near::plain(member) == "cursor" && known.contains(&"cursor_field") {
        return Some("cursor_field");
    }
    near::nearest(member, known.iter().copied(), ALIKE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_the_protocol_are_never_taken_for_others() {
        let entry = [
            "sync_id",
            "minimum_generation_id",
            "destination_object_name",
            "include_files",
            "mappers",
            "fields",
            "alias_name",
            "hashed_fields",
        ];
        let stream = [
            "supported_sync_modes",
            "source_defined_cursor",
            "default_cursor_field",
            "source_defined_primary_key",
            "is_resumable",
            "is_file_based",
        ];
        for member in entry {
            assert_eq!(meant_member(member, &OF_ENTRY), None, "{member}");
        }
        for member in stream {
            assert_eq!(meant_member(member, &OF_STREAM), None, "{member}");
        }
    }
}
