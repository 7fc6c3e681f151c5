//! Trino's types: from their text or signature, to SQL text and to JSON schema.
//!
//! * [`parse`]: the text that `information_schema`, `DESCRIBE` and a result's `type` member show;
//! * [`signature`]: the structured `typeSignature` of a result's columns;
//! * [`airbyte`]: the JSON schema of a column in an Airbyte stream;
//! * [`expected`]: the type that a destination takes a property of a schema for.
//!
//! Which values each type has on the wire is written down in [`crate::encode`].

pub mod airbyte;
pub mod expected;
pub mod parse;
pub mod signature;

use std::collections::HashSet;
use std::fmt;

pub use airbyte::{json_schema, record_schema};
pub use signature::column_type;

/// Types nested deeper than this are read as [`TrinoType::Other`], so that no text can exhaust the
/// stack.
///
/// Trino itself refuses expressions long before; real schemas stay below ten.
pub const MAX_DEPTH: usize = 64;

/// The fraction digits of `time` and `timestamp` when a type text does not name them.
pub const DEFAULT_PRECISION: u32 = 3;

/// A type of Trino, as far as the connector treats it differently from text.
///
/// Everything else (intervals, `uuid`, `ipaddress`, geometry, sketches, types of plugins yet to be
/// written) is [`Other`](Self::Other): its values are taken as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrinoType {
    /// `boolean`
    Boolean,
    /// `tinyint`, 8 bits
    Tinyint,
    /// `smallint`, 16 bits
    Smallint,
    /// `integer`, 32 bits
    Integer,
    /// `bigint`, 64 bits
    Bigint,
    /// `real`, 32-bit floating point
    Real,
    /// `double`, 64-bit floating point
    Double,
    /// `decimal(precision, scale)`
    Decimal {
        /// All digits, 1 to 38.
        precision: u32,
        /// Digits after the point, 0 to `precision`.
        scale: u32,
    },
    /// `number`: decimal of any size (Trino 480 and later)
    Number,
    /// `varchar(n)`, `None` without a limit
    Varchar(Option<u32>),
    /// `char(n)`, padded with blanks
    Char(u32),
    /// `varbinary`
    Varbinary,
    /// `date`
    Date,
    /// `time(precision)`
    Time {
        /// Fraction digits, 0 to 12.
        precision: u32,
    },
    /// `time(precision) with time zone`
    TimeWithTimeZone {
        /// Fraction digits, 0 to 12.
        precision: u32,
    },
    /// `timestamp(precision)`
    Timestamp {
        /// Fraction digits, 0 to 12.
        precision: u32,
    },
    /// `timestamp(precision) with time zone`
    TimestampWithTimeZone {
        /// Fraction digits, 0 to 12.
        precision: u32,
    },
    /// `json`
    Json,
    /// `variant` (Trino 481 and later)
    Variant,
    /// `array(element)`
    Array(Box<TrinoType>),
    /// `map(key, value)`
    Map(Box<TrinoType>, Box<TrinoType>),
    /// `row(field, …)`
    Row(Vec<RowField>),
    /// `unknown`, the type of a bare `NULL`
    Unknown,
    /// Any other type, by its text.
    Other(String),
}

/// One field of a [`TrinoType::Row`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowField {
    /// The field's name, without quotes; `None` for an anonymous field.
    pub name: Option<String>,
    /// The field's type.
    pub ty: TrinoType,
}

impl RowField {
    /// A named field.
    pub fn named(name: impl Into<String>, ty: TrinoType) -> Self {
        Self {
            name: Some(name.into()),
            ty,
        }
    }

    /// A field without a name.
    pub fn anonymous(ty: TrinoType) -> Self {
        Self { name: None, ty }
    }
}

impl TrinoType {
    /// Whether `test` holds for this type or for any type inside it, map keys included.
    pub fn any(&self, test: &dyn Fn(&Self) -> bool) -> bool {
        test(self)
            || match self {
                Self::Array(element) => element.any(test),
                Self::Map(key, value) => key.any(test) || value.any(test),
                Self::Row(fields) => fields.iter().any(|field| field.ty.any(test)),
                _ => false,
            }
    }

    /// Whether a column of this type can be a cursor: its values have an order, and a text from
    /// which the same value can be made again.
    pub fn is_cursor(&self) -> bool {
        match self {
            Self::Tinyint
            | Self::Smallint
            | Self::Integer
            | Self::Bigint
            | Self::Real
            | Self::Double
            | Self::Decimal { .. }
            | Self::Varchar(_)
            | Self::Char(_)
            | Self::Date
            | Self::Time { .. }
            | Self::TimeWithTimeZone { .. }
            | Self::Timestamp { .. }
            | Self::TimestampWithTimeZone { .. } => true,
            Self::Other(text) => ["uuid", "ipaddress", "ObjectId"]
                .iter()
                .any(|known| text.eq_ignore_ascii_case(known)),
            _ => false,
        }
    }

    /// Whether values are UUIDs.
    pub fn is_uuid(&self) -> bool {
        matches!(self, Self::Other(text) if text.eq_ignore_ascii_case("uuid"))
    }

    /// Whether values are ids of `MongoDB`, which rise with the time of their making.
    pub fn is_object_id(&self) -> bool {
        matches!(self, Self::Other(text) if text.eq_ignore_ascii_case("ObjectId"))
    }

    /// Whether values are days or instants, which can be compared with the present time.
    pub fn is_point_in_time(&self) -> bool {
        matches!(
            self,
            Self::Date | Self::Timestamp { .. } | Self::TimestampWithTimeZone { .. }
        )
    }
}

/// Writes SQL text that Trino accepts in a `CAST`; [`TrinoType::parse`] reads it as the same type.
impl fmt::Display for TrinoType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::Tinyint => f.write_str("tinyint"),
            Self::Smallint => f.write_str("smallint"),
            Self::Integer => f.write_str("integer"),
            Self::Bigint => f.write_str("bigint"),
            Self::Real => f.write_str("real"),
            Self::Double => f.write_str("double"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision}, {scale})"),
            Self::Number => f.write_str("number"),
            Self::Varchar(None) => f.write_str("varchar"),
            Self::Varchar(Some(length)) => write!(f, "varchar({length})"),
            Self::Char(length) => write!(f, "char({length})"),
            Self::Varbinary => f.write_str("varbinary"),
            Self::Date => f.write_str("date"),
            Self::Time { precision } => write!(f, "time({precision})"),
            Self::TimeWithTimeZone { precision } => write!(f, "time({precision}) with time zone"),
            Self::Timestamp { precision } => write!(f, "timestamp({precision})"),
            Self::TimestampWithTimeZone { precision } => {
                write!(f, "timestamp({precision}) with time zone")
            }
            Self::Json => f.write_str("json"),
            Self::Variant => f.write_str("variant"),
            Self::Array(element) => write!(f, "array({element})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Row(fields) => {
                f.write_str("row(")?;
                for (index, field) in fields.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    if let Some(name) = &field.name {
                        write!(f, "\"{}\" ", name.replace('"', "\"\""))?;
                    }
                    write!(f, "{}", field.ty)?;
                }
                f.write_str(")")
            }
            Self::Unknown => f.write_str("unknown"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// The names under which columns or row fields appear in a JSON object: every one different.
///
/// A name that was there before gets `_2`, `_3`, …; a field without a name is `field0`, `field1`, …
/// by its place. No made-up name takes the place of a real one further on. The schema and the
/// records use this same function.
pub fn unique_names<'a>(names: impl Iterator<Item = Option<&'a str>> + Clone) -> Vec<String> {
    let given: HashSet<&str> = names.clone().flatten().collect();
    let mut used: HashSet<String> = HashSet::new();
    let mut unique = Vec::new();
    for (index, name) in names.enumerate() {
        let base = name.map_or_else(|| format!("field{index}"), str::to_owned);
        let real = name.is_some();
        let mut candidate = base.clone();
        let mut number = 2;
        while used.contains(&candidate)
            || (given.contains(candidate.as_str()) && !(real && candidate == base))
        {
            candidate = format!("{base}_{number}");
            number += 1;
        }
        used.insert(candidate.clone());
        unique.push(candidate);
    }
    unique
}

/// [`unique_names`] of a row type's fields.
pub fn field_names(fields: &[RowField]) -> Vec<String> {
    unique_names(fields.iter().map(|field| field.name.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_unique_without_taking_real_ones() {
        let cases: &[(&[Option<&str>], &[&str])] = &[
            (&[], &[]),
            (&[Some("a"), Some("b")], &["a", "b"]),
            (&[Some("a"), Some("a"), Some("a")], &["a", "a_2", "a_3"]),
            (&[Some("a"), Some("a"), Some("a_2")], &["a", "a_3", "a_2"]),
            (&[None, None], &["field0", "field1"]),
            (&[Some("field1"), None], &["field1", "field1_2"]),
            (&[None, Some("field0")], &["field0_2", "field0"]),
            (&[Some("A"), Some("a")], &["A", "a"]),
            (&[Some(""), Some("")], &["", "_2"]),
        ];
        for (given, expected) in cases {
            assert_eq!(unique_names(given.iter().copied()), *expected, "{given:?}");
        }
    }

    #[test]
    fn zones_are_found_at_any_depth() {
        let is_zoned = |ty: &TrinoType| matches!(ty, TrinoType::TimestampWithTimeZone { .. });
        for (text, expected) in [
            ("timestamp(3) with time zone", true),
            ("array(map(timestamp(6) with time zone, integer))", true),
            ("row(a row(b array(timestamp(0) with time zone)))", true),
            ("row(a timestamp(3), b time(3) with time zone)", false),
            ("varchar", false),
        ] {
            assert_eq!(TrinoType::parse(text).any(&is_zoned), expected, "{text}");
        }
    }
}
