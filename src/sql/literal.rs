//! A value's text → a literal that has exactly the column's type.
//!
//! If the literal had another type, Trino would cast the column, and then the connector would not
//! get the condition.

use super::ident::Text;
use crate::types::TrinoType;

/// The literal for a value of type `ty`. `text` is the value's text from [`exact_text`].
pub(crate) fn literal(text: &str, ty: &TrinoType) -> String {
    match ty {
        TrinoType::Varchar(None) => Text(text).to_string(),
        TrinoType::Tinyint | TrinoType::Smallint | TrinoType::Integer | TrinoType::Bigint
            if is_integer(text) =>
        {
            text.to_owned()
        }
        TrinoType::Real => format!("CAST(CAST({} AS double) AS real)", Text(text)),
        // Trino has no cast from text to this type.
        other if other.is_object_id() => format!("ObjectId({})", Text(text)),
        _ => format!("CAST({} AS {ty})", Text(text)),
    }
}

/// An expression for the text of `expression`, a value of type `ty`, from which [`literal`] makes
/// the same value again.
pub(crate) fn exact_text(expression: &str, ty: &TrinoType) -> String {
    match ty {
        TrinoType::TimestampWithTimeZone { .. } => {
            format!("CAST({expression} AT TIME ZONE 'UTC' AS varchar)")
        }
        // The text of a real has too few digits (seen on 476); the text of the same value as a
        // double has enough.
        TrinoType::Real => format!("CAST(CAST({expression} AS double) AS varchar)"),
        _ => format!("CAST({expression} AS varchar)"),
    }
}

/// The condition that an expression is NaN, for types that have NaN.
pub(crate) fn is_nan(expression: &str, ty: &TrinoType) -> Option<String> {
    matches!(ty, TrinoType::Real | TrinoType::Double).then(|| format!("is_nan({expression})"))
}

/// The lowest and the highest value that may be the end of a sync: for days and instants those of
/// the years 1 to 9999, for floating-point numbers those that are finite. After `infinity` nothing
/// would ever be new. Not every source accepts days outside of these years: PostgreSQL refuses such
/// literals.
pub(crate) fn finite_ends(ty: &TrinoType) -> Option<(String, String)> {
    let (precision, zone) = match ty {
        TrinoType::Date => return Some(("0001-01-01".to_owned(), "9999-12-31".to_owned())),
        TrinoType::Double => return Some((format!("{:e}", f64::MIN), format!("{:e}", f64::MAX))),
        TrinoType::Real => return Some((format!("{:e}", f32::MIN), format!("{:e}", f32::MAX))),
        TrinoType::Timestamp { precision } => (*precision, ""),
        TrinoType::TimestampWithTimeZone { precision } => (*precision, " UTC"),
        _ => return None,
    };
    let nines = "9".repeat(usize::try_from(precision).unwrap_or_default());
    let point = if nines.is_empty() { "" } else { "." };
    Some((
        format!("0001-01-01 00:00:00{zone}"),
        format!("9999-12-31 23:59:59{point}{nines}{zone}"),
    ))
}

/// Whether the text of a value lies between the [`finite_ends`] of its type; true for types without
/// them.
pub(crate) fn is_finite(text: &str, ty: &TrinoType) -> bool {
    if matches!(ty, TrinoType::Real | TrinoType::Double) {
        return !text.ends_with("Infinity");
    }
    if !ty.is_point_in_time() {
        return true;
    }
    let year = text.split('-').next().unwrap_or_default();
    year.len() == 4 && year != "0000" && year.bytes().all(|byte| byte.is_ascii_digit())
}

/// The decimal that is smaller by one unit of the last digit; `None` for other types and for the
/// lowest one.
pub(crate) fn just_below(text: &str, ty: &TrinoType) -> Option<String> {
    let TrinoType::Decimal { precision, scale } = ty else {
        return None;
    };
    let scale = usize::try_from(*scale).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    // The column may have had more digits when the value was written.
    let (fraction, rest) = fraction.split_at_checked(scale).unwrap_or((fraction, ""));
    if rest.bytes().any(|digit| digit != b'0') {
        return None;
    }
    let unscaled: i128 = format!("{whole}{fraction:0<scale$}").parse().ok()?;
    let below = unscaled - 1;
    if below < -10_i128.checked_pow(*precision)? + 1 {
        return None;
    }
    let sign = if below < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", below.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if scale == 0 { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// Whether a value that was written for another precision of a type is a value of this one: it has
/// no more digits after the point, but for zeros. Trino would round it.
pub(crate) fn is_exact(text: &str, ty: &TrinoType) -> bool {
    let digits = match ty {
        TrinoType::Decimal { scale, .. } => *scale,
        TrinoType::Time { precision }
        | TrinoType::TimeWithTimeZone { precision }
        | TrinoType::Timestamp { precision }
        | TrinoType::TimestampWithTimeZone { precision } => *precision,
        _ => return true,
    };
    let Some((_, fraction)) = text.split_once('.') else {
        return true;
    };
    let fraction = fraction.bytes().take_while(u8::is_ascii_digit);
    fraction
        .skip(usize::try_from(digits).unwrap_or(usize::MAX))
        .all(|digit| digit == b'0')
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_finer_type_are_exact_only_if_their_last_digits_are_zeros() {
        for (text, ty, expected) in [
            ("10.00", "decimal(10, 0)", true),
            ("10.50", "decimal(10, 1)", true),
            ("10.50", "decimal(10, 0)", false),
            ("2024-01-01 00:00:00.600000", "timestamp(0)", false),
            ("2024-01-01 00:00:00.600000", "timestamp(1)", true),
            (
                "2024-01-01 00:00:00.600 UTC",
                "timestamp(0) with time zone",
                false,
            ),
            ("a.b", "varchar", true),
        ] {
            let ty = TrinoType::parse(ty);
            assert_eq!(is_exact(text, &ty), expected, "{text} {ty}");
        }
        let below = |text| just_below(text, &TrinoType::parse("decimal(10, 0)"));
        assert_eq!(below("10.00").as_deref(), Some("9"));
        assert_eq!(below("10.50"), None);
    }

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
    #[test]
    fn the_years_1_to_9999_end_with_the_last_value_of_the_type() {
        for (ty, first, last) in [
            ("date", "0001-01-01", "9999-12-31"),
            ("timestamp(0)", "0001-01-01 00:00:00", "9999-12-31 23:59:59"),
            (
                "timestamp(3) with time zone",
                "0001-01-01 00:00:00 UTC",
                "9999-12-31 23:59:59.999 UTC",
            ),
        ] {
            let ends = Some((first.to_owned(), last.to_owned()));
            assert_eq!(finite_ends(&TrinoType::parse(ty)), ends, "{ty}");
        }
        assert_eq!(finite_ends(&TrinoType::Bigint), None);
        for (text, ty, expected) in [
            ("2024-01-01", "date", true),
            ("+10000-01-01", "date", false),
            ("-0044-03-15", "date", false),
            ("0000-03-15", "date", false),
            ("-171979-09-22 11:55:57.185023", "timestamp(6)", false),
            ("-5", "bigint", true),
            ("1.7976931348623157E308", "double", true),
            ("Infinity", "double", false),
            ("-Infinity", "real", false),
        ] {
            assert_eq!(is_finite(text, &TrinoType::parse(ty)), expected, "{text}");
        }
    }

    #[test]
    fn the_decimal_just_below_differs_in_the_last_digit() {
        for (text, ty, expected) in [
            ("2.00", "decimal(5, 2)", Some("1.99")),
            ("0.00", "decimal(5, 2)", Some("-0.01")),
            ("-0.99", "decimal(5, 2)", Some("-1.00")),
            ("1700000006", "decimal(38, 0)", Some("1700000005")),
            ("-9.99", "decimal(3, 2)", None),
            ("2", "bigint", None),
        ] {
            let below = just_below(text, &TrinoType::parse(ty));
            assert_eq!(below.as_deref(), expected, "{text}");
        }
    }
}
