//! A value's text → a literal of exactly its column's type.
//!
//! Exactly, because a literal of another type makes Trino cast the column, and then the connector
//! behind it does not see the condition (trino-facts 5.4).

use super::ident::{Ident, Text};
use crate::types::TrinoType;

/// The literal of a value of type `ty`, from its text as [`text_of`] gives it.
pub(crate) fn literal(text: &str, ty: &TrinoType) -> String {
    match ty {
        TrinoType::Varchar(None) => Text(text).to_string(),
        TrinoType::Tinyint | TrinoType::Smallint | TrinoType::Integer | TrinoType::Bigint
            if is_integer(text) =>
        {
            text.to_owned()
        }
        TrinoType::Real => format!("CAST(CAST({} AS double) AS real)", Text(text)),
        _ => format!("CAST({} AS {ty})", Text(text)),
    }
}

/// An expression for the text of `expression`, a value of type `ty`, from which [`literal`] makes
/// the same value again.
pub(crate) fn text_of(expression: &str, ty: &TrinoType) -> String {
    match ty {
        TrinoType::TimestampWithTimeZone { .. } => {
            format!("CAST({expression} AT TIME ZONE 'UTC' AS varchar)")
        }
        // The text of a real has fewer digits than it takes (seen on 476); a double holds every one.
        TrinoType::Real => format!("CAST(CAST({expression} AS double) AS varchar)"),
        _ => format!("CAST({expression} AS varchar)"),
    }
}

/// A condition that `column` is no number; for types that have such values.
pub(crate) fn is_nan(column: &str, ty: &TrinoType) -> Option<String> {
    matches!(ty, TrinoType::Real | TrinoType::Double).then(|| format!("is_nan({})", Ident(column)))
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_have_the_type_of_their_column() {
        for (text, ty, expected) in [
            ("it's", "varchar", "'it''s'"),
            ("a", "varchar(3)", "CAST('a' AS varchar(3))"),
            ("-5", "bigint", "-5"),
            ("1) OR (1=1", "bigint", "CAST('1) OR (1=1' AS bigint)"),
            ("1.10", "decimal(10, 2)", "CAST('1.10' AS decimal(10, 2))"),
            ("1.0E10", "double", "CAST('1.0E10' AS double)"),
            ("2020-02-29", "date", "CAST('2020-02-29' AS date)"),
            (
                "2020-01-01 00:00:00.123 UTC",
                "timestamp(3) with time zone",
                "CAST('2020-01-01 00:00:00.123 UTC' AS timestamp(3) with time zone)",
            ),
            (
                "12151fd2-7586-11e9-8f9e-2a86e4085a59",
                "uuid",
                "CAST('12151fd2-7586-11e9-8f9e-2a86e4085a59' AS uuid)",
            ),
        ] {
            assert_eq!(literal(text, &TrinoType::parse(ty)), expected, "{ty}");
        }
    }
}
