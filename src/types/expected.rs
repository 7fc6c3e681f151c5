//! The type that a destination takes a property of a configured schema for.
//!
//! In the speed mode's Protobuf, a value of another type ends the sync, so this follows
//! `JsonSchemaToAirbyteType` of Airbyte's destinations, not our own `discover`: a catalog may be
//! older than the table, or written by hand.

use std::cmp::Ordering;

use serde_json::Value;

/// The type that the destination expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedType {
    /// `true` and `false`.
    Boolean,
    /// Whole numbers of any size.
    Integer,
    /// Any number.
    Number,
    /// Text.
    String,
    /// A date.
    Date,
    /// A time of day.
    Time,
    /// A time of day with an offset.
    TimeWithTimeZone,
    /// A date and a time of day.
    Timestamp,
    /// An instant.
    TimestampWithTimeZone,
    /// Arrays, objects, and whatever may have several types.
    Json,
    /// The schema says nothing that the destination understands, so it takes every value.
    Any,
}

/// A property of a stream's schema.
pub type Property = (String, ExpectedType);

impl ExpectedType {
    /// The type of a property with this schema.
    pub fn from_json_schema(schema: &Value) -> Self {
        match schema.get("type") {
            Some(Value::String(one)) => Self::named(one, schema),
            Some(Value::Array(several)) => {
                let names = several.iter().filter_map(Value::as_str);
                let mut names = names.filter(|name| *name != "null");
                match (names.next(), names.next()) {
                    (Some(one), None) => Self::named(one, schema),
                    (Some(_), Some(_)) => Self::Json,
                    (None, _) => Self::Any,
                }
            }
            Some(_) => Self::Any,
            None => {
                let says = |keyword| schema.get(keyword).is_some();
                if ["oneOf", "anyOf", "allOf", "properties", "items"]
                    .into_iter()
                    .any(says)
                {
                    Self::Json
                } else {
                    Self::Any
                }
            }
        }
    }

    fn named(name: &str, schema: &Value) -> Self {
        let text = |keyword| schema.get(keyword).and_then(Value::as_str);
        let is = |airbyte_type| text("airbyte_type") == Some(airbyte_type);
        match (name, text("format")) {
            ("boolean", _) => Self::Boolean,
            ("integer" | "int", _) => Self::Integer,
            ("number", _) if is("integer") => Self::Integer,
            ("number", _) => Self::Number,
            ("string", Some("date")) => Self::Date,
            ("string", Some("time")) if is("time_without_timezone") => Self::Time,
            ("string", Some("time")) => Self::TimeWithTimeZone,
            ("string", Some("date-time")) if is("timestamp_without_timezone") => Self::Timestamp,
            ("string", Some("date-time")) => Self::TimestampWithTimeZone,
            ("string", _) => Self::String,
            ("array" | "object", _) => Self::Json,
            _ => Self::Any,
        }
    }
}

/// The properties of a stream's schema, in the order in which their values are sent: by the UTF-16
/// code units of their names, as Java sorts texts.
pub fn properties_in_order(json_schema: &Value) -> Vec<Property> {
    let Some(Value::Object(properties)) = json_schema.get("properties") else {
        return Vec::new();
    };
    let mut sorted: Vec<Property> = properties
        .iter()
        .map(|(name, schema)| (name.clone(), ExpectedType::from_json_schema(schema)))
        .collect();
    sorted.sort_by(|(one, _), (other, _)| in_order_of_java(one, other));
    sorted
}

/// How Java sorts two texts: by their UTF-16 code units.
pub fn in_order_of_java(one: &str, other: &str) -> Ordering {
    one.encode_utf16().cmp(other.encode_utf16())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::types::{TrinoType, json_schema};

    #[test]
    fn schemas_are_taken_as_destinations_take_them() {
        use ExpectedType::{
            Any, Boolean, Date, Integer, Json, Number, String, Time, TimeWithTimeZone, Timestamp,
            TimestampWithTimeZone,
        };
        for (ty, expected) in [
            ("boolean", Boolean),
            ("bigint", Integer),
            ("decimal(38, 0)", Integer),
            ("decimal(38, 1)", Number),
            ("double", Number),
            ("varchar", String),
            ("varbinary", String),
            ("uuid", String),
            ("date", Date),
            ("time(3)", Time),
            ("time(3) with time zone", TimeWithTimeZone),
            ("timestamp(6)", Timestamp),
            ("timestamp(6) with time zone", TimestampWithTimeZone),
            ("json", Json),
            ("array(bigint)", Json),
            ("map(varchar, bigint)", Json),
            ("row(a bigint)", Json),
        ] {
            let schema = json_schema(&TrinoType::parse(ty));
            assert_eq!(ExpectedType::from_json_schema(&schema), expected, "{ty}");
        }
        for (schema, expected) in [
            (json!({"type": "string"}), String),
            (json!({"type": "integer"}), Integer),
            (
                json!({"type": "string", "format": "date-time"}),
                TimestampWithTimeZone,
            ),
            (
                json!({"type": "string", "format": "time"}),
                TimeWithTimeZone,
            ),
            (json!({"type": ["string", "number"]}), Json),
            (json!({"oneOf": []}), Json),
            (json!({"type": ["null"]}), Any),
            (json!({"type": "file"}), Any),
            (json!({}), Any),
            (json!(true), Any),
        ] {
            assert_eq!(
                ExpectedType::from_json_schema(&schema),
                expected,
                "{schema}"
            );
        }
    }

    #[test]
    fn names_are_sorted_as_java_sorts_them() {
        // An astral character begins with a surrogate, which is below the private use area.
        let schema =
            json!({"properties": {"\u{e000}": {}, "\u{1f600}": {}, "b": {}, "B": {}, "é": {}}});
        let names: Vec<String> = properties_in_order(&schema)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["B", "b", "é", "\u{1f600}", "\u{e000}"]);
        for none in [json!({}), json!(null), json!({"properties": null})] {
            assert_eq!(properties_in_order(&none), []);
        }
    }
}
