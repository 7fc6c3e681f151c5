//! The `typeSignature` of a result's columns read into a [`TrinoType`].
//!
//! ```json
//! {"rawType":"row","arguments":[{"kind":"NAMED_TYPE","value":{"fieldName":{"name":"a"},
//!   "typeSignature":{"rawType":"timestamp","arguments":[{"kind":"LONG","value":6}]}}}]}
//! ```
//!
//! It is exact where the displayed text is not (field names with blanks), so it comes first; the
//! text serves where the signature is missing or has something new in it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::parse::UNBOUNDED_VARCHAR;
use super::{DEFAULT_PRECISION, MAX_DEPTH, RowField, TrinoType};

/// The type of a result's column: by its signature if that is understood as a whole, else by its
/// text.
pub fn column_type(type_text: &str, signature: Option<&RawValue>) -> TrinoType {
    signature
        .and_then(|signature| from_signature(signature.get()))
        .filter(|ty| !matches!(ty, TrinoType::Other(_))) // the text says it as Trino displays it
        .unwrap_or_else(|| TrinoType::parse(type_text))
}

/// Reads the JSON text of a `typeSignature`; `None` if anything in it is not understood.
pub fn from_signature(json: &str) -> Option<TrinoType> {
    serde_json::from_str::<Signature>(json).ok()?.to_type(0)
}

#[derive(Debug, Deserialize)]
struct Signature {
    #[serde(rename = "rawType")]
    raw_type: String,
    #[serde(default)]
    arguments: Vec<Argument>,
}

/// An argument; the second name of each kind is the one of servers before 321.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", content = "value")]
enum Argument {
    #[serde(rename = "TYPE", alias = "TYPE_SIGNATURE")]
    Type(Signature),
    #[serde(rename = "NAMED_TYPE", alias = "NAMED_TYPE_SIGNATURE")]
    NamedType(NamedSignature),
    #[serde(rename = "LONG", alias = "LONG_LITERAL")]
    Long(u32),
}

#[derive(Debug, Deserialize)]
struct NamedSignature {
    #[serde(rename = "fieldName")]
    field_name: Option<FieldName>,
    #[serde(rename = "typeSignature")]
    signature: Signature,
}

#[derive(Debug, Deserialize)]
struct FieldName {
    name: String,
}

impl Signature {
    fn to_type(&self, depth: usize) -> Option<TrinoType> {
        if depth >= MAX_DEPTH {
            return None;
        }
        let nested = |signature: &Self| signature.to_type(depth + 1);
        let precision = || match self.arguments.as_slice() {
            [] => Some(DEFAULT_PRECISION),
            [Argument::Long(precision)] => Some(*precision),
            _ => None,
        };
        match (
            self.raw_type.to_ascii_lowercase().as_str(),
            self.arguments.as_slice(),
        ) {
            ("decimal", [Argument::Long(precision), Argument::Long(scale)]) => {
                Some(TrinoType::Decimal {
                    precision: *precision,
                    scale: *scale,
                })
            }
            // Without arguments: a `number` shown to a client that does not know the type.
            ("varchar", [] | [Argument::Long(UNBOUNDED_VARCHAR)]) => Some(TrinoType::Varchar(None)),
            ("varchar", [Argument::Long(length)]) => Some(TrinoType::Varchar(Some(*length))),
            ("char", [Argument::Long(length)]) => Some(TrinoType::Char(*length)),
            ("time", _) => Some(TrinoType::Time {
                precision: precision()?,
            }),
            ("time with time zone", _) => Some(TrinoType::TimeWithTimeZone {
                precision: precision()?,
            }),
            ("timestamp", _) => Some(TrinoType::Timestamp {
                precision: precision()?,
            }),
            ("timestamp with time zone", _) => Some(TrinoType::TimestampWithTimeZone {
                precision: precision()?,
            }),
            ("array", [Argument::Type(element)]) => {
                Some(TrinoType::Array(Box::new(nested(element)?)))
            }
            ("map", [Argument::Type(key), Argument::Type(value)]) => Some(TrinoType::Map(
                Box::new(nested(key)?),
                Box::new(nested(value)?),
            )),
            ("row", fields) => fields
                .iter()
                .map(|field| match field {
                    Argument::NamedType(field) => Some(RowField {
                        name: field.field_name.as_ref().map(|name| name.name.clone()),
                        ty: nested(&field.signature)?,
                    }),
                    Argument::Type(signature) => Some(RowField::anonymous(nested(signature)?)),
                    Argument::Long(_) => None,
                })
                .collect::<Option<_>>()
                .map(TrinoType::Row),
            ("decimal" | "char" | "array" | "map", _) => None,
            (_, []) => Some(TrinoType::parse(&self.raw_type)),
            ("qdigest", [Argument::Type(value)]) => {
                Some(TrinoType::Other(format!("qdigest({})", nested(value)?)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn signatures_of_a_server_give_the_same_type_as_their_texts() {
        let row = r#"{"rawType":"row","arguments":[
            {"kind":"NAMED_TYPE","value":{"fieldName":{"name":"a"},"typeSignature":{"rawType":"bigint","arguments":[]}}},
            {"kind":"NAMED_TYPE","value":{"fieldName":{"name":"F g"},"typeSignature":{"rawType":"timestamp","arguments":[{"kind":"LONG","value":6}]}}}]}"#;
        let anonymous = r#"{"rawType":"row","arguments":[
            {"kind":"NAMED_TYPE","value":{"typeSignature":{"rawType":"integer","arguments":[]}}},
            {"kind":"NAMED_TYPE","value":{"fieldName":null,"typeSignature":{"rawType":"varchar","arguments":[{"kind":"LONG","value":1}]}}}]}"#;
        let old = r#"{"rawType":"map","typeArguments":[],"literalArguments":[],"arguments":[
            {"kind":"TYPE_SIGNATURE","value":{"rawType":"varchar","arguments":[{"kind":"LONG_LITERAL","value":2147483647}]}},
            {"kind":"TYPE_SIGNATURE","value":{"rawType":"array","arguments":[{"kind":"TYPE_SIGNATURE","value":{"rawType":"uuid","arguments":[]}}]}}]}"#;
        for (signature, text) in [
            (
                r#"{"rawType":"varchar","arguments":[{"kind":"LONG","value":2147483647}]}"#,
                "varchar",
            ),
            (r#"{"rawType":"varchar","arguments":[]}"#, "varchar"),
            (
                r#"{"rawType":"varchar","arguments":[{"kind":"LONG","value":5}]}"#,
                "varchar(5)",
            ),
            (
                r#"{"rawType":"char","arguments":[{"kind":"LONG","value":5}]}"#,
                "char(5)",
            ),
            (
                r#"{"rawType":"decimal","arguments":[{"kind":"LONG","value":38},{"kind":"LONG","value":10}]}"#,
                "decimal(38, 10)",
            ),
            (r#"{"rawType":"timestamp","arguments":[]}"#, "timestamp"),
            (
                r#"{"rawType":"timestamp with time zone","arguments":[{"kind":"LONG","value":12}]}"#,
                "timestamp(12) with time zone",
            ),
            (
                r#"{"rawType":"time with time zone","arguments":[]}"#,
                "time with time zone",
            ),
            (
                r#"{"rawType":"time","arguments":[{"kind":"LONG","value":6}]}"#,
                "time(6)",
            ),
            (
                r#"{"rawType":"interval day to second","arguments":[]}"#,
                "INTERVAL DAY TO SECOND",
            ),
            (r#"{"rawType":"HyperLogLog","arguments":[]}"#, "HyperLogLog"),
            (
                r#"{"rawType":"qdigest","arguments":[{"kind":"TYPE","value":{"rawType":"bigint","arguments":[]}}]}"#,
                "qdigest(bigint)",
            ),
            (row, "row(a bigint, \"F g\" timestamp(6))"),
            (anonymous, "row(integer, varchar(1))"),
            (old, "map(varchar, array(uuid))"),
        ] {
            let expected = TrinoType::parse(text);
            assert_eq!(column_type(text, Some(&raw(signature))), expected, "{text}");
            if !matches!(expected, TrinoType::Other(_)) {
                assert_eq!(from_signature(signature), Some(expected), "{text}");
            }
        }
    }

    #[test]
    fn the_raw_type_tells_a_time_that_an_old_server_announces_as_a_timestamp() {
        let signature = raw(r#"{"rawType":"time with time zone","arguments":[]}"#);
        assert_eq!(
            column_type("timestamp with time zone", Some(&signature)),
            TrinoType::TimeWithTimeZone { precision: 3 }
        );
    }

    #[test]
    fn the_text_serves_where_the_signature_does_not() {
        for signature in [
            "null",
            "{}",
            "[]",
            r#"{"rawType":"array","arguments":[{"kind":"VARIABLE","value":"T"}]}"#,
            r#"{"rawType":"array","arguments":[{"kind":"LONG","value":-1}]}"#,
            r#"{"rawType":"array","arguments":[]}"#,
            r#"{"rawType":"row","arguments":[{"kind":"LONG","value":3}]}"#,
            r#"{"rawType":"brandnew","arguments":[{"kind":"LONG","value":3}]}"#,
            r#"{"rawType":7}"#,
        ] {
            assert_eq!(from_signature(signature), None, "{signature}");
            assert_eq!(
                column_type("array(bigint)", Some(&raw(signature))),
                TrinoType::parse("array(bigint)")
            );
        }
        assert_eq!(column_type("bigint", None), TrinoType::Bigint);
    }

    #[test]
    #[cfg_attr(miri, ignore = "large")]
    fn deep_signatures_end_in_the_text() {
        let deep = |levels: usize| {
            format!(
                "{}{}{}",
                r#"{"rawType":"array","arguments":[{"kind":"TYPE","value":"#.repeat(levels),
                r#"{"rawType":"bigint","arguments":[]}"#,
                "}]}".repeat(levels)
            )
        };
        assert_eq!(
            from_signature(&deep(20)).map(|ty| ty.to_string().len()),
            Some(20 * 7 + 6)
        );
        assert_eq!(from_signature(&deep(10_000)), None);
    }
}
