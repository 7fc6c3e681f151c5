//! The JSON schema of a column, in Airbyte's vocabulary.
//!
//! Every schema admits `null`: Trino does not tell reliably which columns cannot be null, and
//! values without a JSON form become null. There is no `oneOf`, `anyOf`, `allOf`, `not` or `$ref`
//! anywhere. What the records hold for each type is described in [`crate::encode`].

use serde_json::{Map, Value, json};

use super::{TrinoType, field_names};

/// The JSON schema of a column of type `ty`.
///
/// `decimal` without fraction digits is an integer; `json` and `variant` admit any JSON; unknown
/// types are strings.
pub fn json_schema(ty: &TrinoType) -> Value {
    match ty {
        TrinoType::Boolean => json!({"type": ["null", "boolean"]}),
        TrinoType::Tinyint
        | TrinoType::Smallint
        | TrinoType::Integer
        | TrinoType::Bigint
        | TrinoType::Decimal { scale: 0, .. } => {
            json!({"type": ["null", "number"], "airbyte_type": "integer"})
        }
        TrinoType::Real | TrinoType::Double | TrinoType::Decimal { .. } | TrinoType::Number => {
            json!({"type": ["null", "number"]})
        }
        TrinoType::Varchar(_) | TrinoType::Char(_) | TrinoType::Unknown | TrinoType::Other(_) => {
            json!({"type": ["null", "string"]})
        }
        TrinoType::Varbinary => json!({"type": ["null", "string"], "contentEncoding": "base64"}),
        TrinoType::Date => json!({"type": ["null", "string"], "format": "date"}),
        TrinoType::Time { .. } => temporal("time", "time_without_timezone"),
        TrinoType::TimeWithTimeZone { .. } => temporal("time", "time_with_timezone"),
        TrinoType::Timestamp { .. } => temporal("date-time", "timestamp_without_timezone"),
        TrinoType::TimestampWithTimeZone { .. } => temporal("date-time", "timestamp_with_timezone"),
        TrinoType::Json | TrinoType::Variant => {
            json!({"type": ["null", "object", "array", "string", "number", "boolean"]})
        }
        TrinoType::Array(element) => {
            json!({"type": ["null", "array"], "items": json_schema(element)})
        }
        TrinoType::Map(_, value) => {
            json!({"type": ["null", "object"], "additionalProperties": json_schema(value)})
        }
        TrinoType::Row(fields) => {
            let schemas = fields.iter().map(|field| json_schema(&field.ty));
            let properties: Map<String, Value> =
                field_names(fields).into_iter().zip(schemas).collect();
            json!({"type": ["null", "object"], "properties": properties})
        }
    }
}

/// The JSON schema of a stream's records, from those of its columns.
pub fn record_schema(properties: Map<String, Value>) -> Value {
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
    });
    schema["properties"] = Value::Object(properties);
    schema
}

fn temporal(format: &str, airbyte_type: &str) -> Value {
    json!({"type": ["null", "string"], "format": format, "airbyte_type": airbyte_type})
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::types::parse::tests::any_type;

    #[test]
    fn every_type_has_the_schema_of_the_type_table() {
        let integer = json!({"type": ["null", "number"], "airbyte_type": "integer"});
        let number = json!({"type": ["null", "number"]});
        let string = json!({"type": ["null", "string"]});
        let any = json!({"type": ["null", "object", "array", "string", "number", "boolean"]});
        for (text, expected) in [
            ("boolean", json!({"type": ["null", "boolean"]})),
            ("tinyint", integer.clone()),
            ("smallint", integer.clone()),
            ("integer", integer.clone()),
            ("bigint", integer.clone()),
            ("decimal(38, 0)", integer.clone()),
            ("decimal(38, 1)", number.clone()),
            ("real", number.clone()),
            ("double", number.clone()),
            ("number", number.clone()),
            ("varchar", string.clone()),
            ("char(3)", string.clone()),
            ("uuid", string.clone()),
            ("INTERVAL DAY TO SECOND", string.clone()),
            ("unknown", string.clone()),
            ("brandnew", string.clone()),
            (
                "varbinary",
                json!({"type": ["null", "string"], "contentEncoding": "base64"}),
            ),
            (
                "date",
                json!({"type": ["null", "string"], "format": "date"}),
            ),
            (
                "time(6)",
                json!({"type": ["null", "string"], "format": "time", "airbyte_type": "time_without_timezone"}),
            ),
            (
                "time(6) with time zone",
                json!({"type": ["null", "string"], "format": "time", "airbyte_type": "time_with_timezone"}),
            ),
            (
                "timestamp(6)",
                json!({"type": ["null", "string"], "format": "date-time", "airbyte_type": "timestamp_without_timezone"}),
            ),
            (
                "timestamp(6) with time zone",
                json!({"type": ["null", "string"], "format": "date-time", "airbyte_type": "timestamp_with_timezone"}),
            ),
            ("json", any.clone()),
            ("variant", any.clone()),
            (
                "array(bigint)",
                json!({"type": ["null", "array"], "items": integer}),
            ),
            (
                "map(date, json)",
                json!({"type": ["null", "object"], "additionalProperties": any}),
            ),
            (
                "row(a varchar, double, a double)",
                json!({"type": ["null", "object"], "properties": {"a": string, "field1": number, "a_2": number}}),
            ),
            (
                "row()",
                json!({"type": ["null", "object"], "properties": {}}),
            ),
        ] {
            assert_eq!(json_schema(&TrinoType::parse(text)), expected, "{text}");
        }
    }

    fn assert_plain_and_nullable(schema: &Value) {
        let types = schema["type"].as_array().unwrap();
        assert!(types.contains(&json!("null")), "{schema}");
        for (keyword, value) in schema.as_object().unwrap() {
            match keyword.as_str() {
                "type" | "format" | "airbyte_type" | "contentEncoding" => {}
                "items" | "additionalProperties" => assert_plain_and_nullable(value),
                "properties" => value
                    .as_object()
                    .unwrap()
                    .values()
                    .for_each(assert_plain_and_nullable),
                _ => panic!("{keyword} in {schema}"),
            }
        }
    }

    proptest! {
        #[test]
        fn schemas_admit_null_at_every_level_and_use_plain_keywords(ty in any_type()) {
            assert_plain_and_nullable(&json_schema(&ty));
        }
    }
}
