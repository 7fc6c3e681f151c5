//! The text of a type, as Trino displays it, read into a [`TrinoType`].
//!
//! Texts come from `information_schema.columns.data_type`, `DESCRIBE` and the `type` member of a
//! result's columns. Reading never fails: a text that is not understood becomes
//! [`TrinoType::Other`], whose values the connector takes as text.

use super::{DEFAULT_PRECISION, MAX_DEPTH, RowField, TrinoType};

/// The length by which Trino says "no limit" in the signature of a `varchar`.
pub(super) const UNBOUNDED_VARCHAR: u32 = i32::MAX as u32;

/// An unquoted field is searched for the start of its type up to this many words, so that reading
/// stays linear.
const MAX_WORDS: usize = 32;

/// Base names that stand for a type but have no variant of their own. They are needed to tell `x
/// hyperloglog` (a field and its type) from a type of two words.
const TEXT_TYPES: &[&str] = &[
    "interval year to month",
    "interval day to second",
    "uuid",
    "ipaddress",
    "geometry",
    "sphericalgeography",
    "bingtile",
    "kdbtree",
    "hyperloglog",
    "p4hyperloglog",
    "setdigest",
    "qdigest",
    "tdigest",
    "color",
    "objectid",
    "json2016",
    "jsonpath",
    "function",
];

impl TrinoType {
    /// Reads a type's text. Never fails; see the [module](self) for what becomes of unknown texts.
    pub fn parse(text: &str) -> Self {
        parse_at(text, 0)
    }
}

fn parse_at(text: &str, depth: usize) -> TrinoType {
    known_type(text, depth).unwrap_or_else(|| TrinoType::Other(text.trim().to_owned()))
}

/// The type that `text` as a whole stands for, if its name is one we know.
fn known_type(text: &str, depth: usize) -> Option<TrinoType> {
    if depth >= MAX_DEPTH {
        return None;
    }
    let Shape { base, arguments } = Shape::parse(text)?;
    let numbers = || arguments.as_deref().map_or(Some(Vec::new()), parse_numbers);
    let plain = |ty: TrinoType| arguments.is_none().then_some(ty);
    let precision = || match numbers()?.as_slice() {
        [] => Some(DEFAULT_PRECISION),
        [precision] => Some(*precision),
        _ => None,
    };
    match base.as_str() {
        "boolean" => plain(TrinoType::Boolean),
        "tinyint" => plain(TrinoType::Tinyint),
        "smallint" => plain(TrinoType::Smallint),
        "integer" | "int" => plain(TrinoType::Integer),
        "bigint" => plain(TrinoType::Bigint),
        "real" => plain(TrinoType::Real),
        "double" | "double precision" => plain(TrinoType::Double),
        "number" => plain(TrinoType::Number),
        "varbinary" => plain(TrinoType::Varbinary),
        "date" => plain(TrinoType::Date),
        "json" => plain(TrinoType::Json),
        "variant" => plain(TrinoType::Variant),
        "unknown" => plain(TrinoType::Unknown),
        "decimal" => match numbers()?.as_slice() {
            [] => Some(TrinoType::Decimal {
                precision: 38,
                scale: 0,
            }),
            [precision] => Some(TrinoType::Decimal {
                precision: *precision,
                scale: 0,
            }),
            [precision, scale] => Some(TrinoType::Decimal {
                precision: *precision,
                scale: *scale,
            }),
            _ => None,
        },
        "varchar" => match numbers()?.as_slice() {
            [] | [UNBOUNDED_VARCHAR] => Some(TrinoType::Varchar(None)),
            [length] => Some(TrinoType::Varchar(Some(*length))),
            _ => None,
        },
        "char" => match numbers()?.as_slice() {
            [] => Some(TrinoType::Char(1)),
            [length] => Some(TrinoType::Char(*length)),
            _ => None,
        },
        "time" => Some(TrinoType::Time {
            precision: precision()?,
        }),
        "time with time zone" => Some(TrinoType::TimeWithTimeZone {
            precision: precision()?,
        }),
        "timestamp" => Some(TrinoType::Timestamp {
            precision: precision()?,
        }),
        "timestamp with time zone" => Some(TrinoType::TimestampWithTimeZone {
            precision: precision()?,
        }),
        "array" => match arguments?.as_slice() {
            [element] => Some(TrinoType::Array(Box::new(parse_at(element, depth + 1)))),
            _ => None,
        },
        "map" => match arguments?.as_slice() {
            [key, value] => Some(TrinoType::Map(
                Box::new(parse_at(key, depth + 1)),
                Box::new(parse_at(value, depth + 1)),
            )),
            _ => None,
        },
        "row" => Some(TrinoType::Row(
            arguments?
                .iter()
                .map(|text| field(text, depth + 1))
                .collect(),
        )),
        other => TEXT_TYPES
            .contains(&other)
            .then(|| TrinoType::Other(text.trim().to_owned())),
    }
}

/// One field of a row: `"x" bigint`, `x bigint` or only `bigint`.
fn field(text: &str, depth: usize) -> RowField {
    let text = text.trim();
    if let Some((name, rest)) = quoted_identifier(text) {
        let rest = rest.trim();
        if !rest.is_empty() {
            return RowField::named(name, parse_at(rest, depth));
        }
    }
    if let Some(ty) = known_type(text, depth) {
        return RowField::anonymous(ty);
    }
    let blanks = top_level(text, |byte| byte.is_ascii_whitespace());
    let splits = || blanks.iter().take(MAX_WORDS).map(|at| text.split_at(*at));
    if let Some(named) = splits()
        .find_map(|(name, rest)| Some(RowField::named(name.trim(), known_type(rest, depth)?)))
    {
        return named;
    }
    // A name and a type of one word that we do not know, rather than an unknown type of two words.
    match splits().next() {
        Some((name, rest))
            if is_word(name) && Shape::parse(rest).is_some_and(|shape| is_word(&shape.base)) =>
        {
            RowField::named(name, TrinoType::Other(rest.trim().to_owned()))
        }
        _ => RowField::anonymous(TrinoType::Other(text.to_owned())),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

/// The leading `"…"` of a text, with `""` read as `"`, and what follows it.
fn quoted_identifier(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut from = 0;
    loop {
        let quote = from + inner[from..].find('"')?;
        let rest = &inner[quote + 1..];
        if !rest.starts_with('"') {
            return Some((inner[..quote].replace("\"\"", "\""), rest));
        }
        from = quote + 2;
    }
}

/// A type's text taken apart: `timestamp(6) with time zone` is the base `timestamp with time zone`
/// and the argument `6`.
struct Shape<'a> {
    /// Lower case, single blanks.
    base: String,
    /// What stands between the parentheses, at commas of the first level; `None` without
    /// parentheses.
    arguments: Option<Vec<&'a str>>,
}

impl<'a> Shape<'a> {
    /// `None` if parentheses or quotes do not match, or there is no name.
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let (head, arguments, tail) = match text.find('(') {
            None => (text, None, ""),
            Some(open) => {
                let close = *top_level(&text[open + 1..], |byte| byte == b')').first()? + open + 1;
                (
                    &text[..open],
                    Some(split_arguments(&text[open + 1..close])),
                    &text[close + 1..],
                )
            }
        };
        if head.contains(['"', ')']) || tail.contains(['"', '(', ')']) {
            return None;
        }
        let words: Vec<&str> = head
            .split_ascii_whitespace()
            .chain(tail.split_ascii_whitespace())
            .collect();
        (!words.is_empty()).then(|| Self {
            base: words.join(" ").to_ascii_lowercase(),
            arguments,
        })
    }
}

fn split_arguments(text: &str) -> Vec<&str> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let mut parts = Vec::new();
    let mut from = 0;
    for comma in top_level(text, |byte| byte == b',') {
        parts.push(&text[from..comma]);
        from = comma + 1;
    }
    parts.push(&text[from..]);
    parts
}

fn parse_numbers(arguments: &[&str]) -> Option<Vec<u32>> {
    arguments
        .iter()
        .map(|argument| argument.trim().parse().ok())
        .collect()
}

/// The places of all bytes that satisfy `wanted`, outside parentheses and double quotes.
fn top_level(text: &str, wanted: impl Fn(u8) -> bool) -> Vec<usize> {
    let mut places = Vec::new();
    let mut level = 0_usize;
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        if quoted {
            quoted = byte != b'"';
        } else if level == 0 && wanted(byte) {
            places.push(at);
        } else {
            match byte {
                b'"' => quoted = true, // a doubled quote closes and opens again, which is the same
                b'(' => level += 1,
                b')' => level = level.saturating_sub(1),
                _ => {}
            }
        }
    }
    places
}

#[cfg(test)]
pub(crate) mod tests;
