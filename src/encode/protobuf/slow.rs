//! The patient way to a value: from its JSON text in the record, which is exact. So what is sent as
//! Protobuf is what the JSON record says, and the fast path is tested against that.

use super::super::changes::Change;
use super::super::{json_text, number};
use super::calendar;
use super::plan::Form;
use super::wire::{push_bytes, push_number, push_varint, tag, zigzag};

/// Appends the value whose JSON text in the record is `raw`. If it is not the same, the result says
/// how it differs.
///
/// `value` is memory for the value alone, whose length stands before it.
pub(super) fn push_value(
    form: Form,
    raw: &str,
    value: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Option<Change> {
    if form == Form::LeftOut {
        return None;
    }
    value.clear();
    let change = match raw {
        "null" => None,
        _ => write(form, raw, value),
    };
    push_bytes(out, tag::VALUE, value);
    change
}

/// Writes the case of the value, or nothing where it has none.
fn write(form: Form, raw: &str, out: &mut Vec<u8>) -> Option<Change> {
    let text = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
    let written = match (form, text) {
        (Form::Boolean, None) => write_boolean(raw, out),
        (Form::Integer, None) => write_integer(raw, out),
        (Form::Double, None) => write_double(raw, out),
        (Form::Decimal, None) => {
            push_bytes(out, tag::BIG_DECIMAL, raw.as_bytes());
            Some(())
        }
        (Form::Text | Form::TextOfJson, Some(_)) => return write_text(raw, out),
        (Form::TextOfJson, None) => {
            push_bytes(out, tag::STRING, raw.as_bytes());
            Some(())
        }
        (Form::Json, _) => {
            push_bytes(out, tag::JSON, raw.as_bytes());
            Some(())
        }
        (Form::Date, Some(text)) => write_date(text, out),
        (Form::Time, Some(text)) => write_time(text, out),
        (Form::TimeWithTimeZone, Some(text)) => write_time_with_time_zone(text, out),
        (Form::Timestamp, Some(text)) => write_timestamp(text, out),
        (Form::TimestampWithTimeZone, Some(text)) => write_instant(text, out),
        _ => None,
    };
    written.is_none().then_some(Change::Nulled)
}

fn write_boolean(raw: &str, out: &mut Vec<u8>) -> Option<()> {
    let value = match raw {
        "true" => 1,
        "false" => 0,
        _ => return None,
    };
    out.extend([tag::BOOLEAN, value]);
    Some(())
}

fn write_integer(raw: &str, out: &mut Vec<u8>) -> Option<()> {
    if let Ok(integer) = raw.parse::<i64>() {
        out.push(tag::INTEGER);
        push_varint(out, zigzag(integer));
    } else if number::is_integer(raw.as_bytes()) {
        push_bytes(out, tag::BIG_INTEGER, raw.as_bytes());
    } else {
        return None;
    }
    Some(())
}

fn write_double(raw: &str, out: &mut Vec<u8>) -> Option<()> {
    let double: f64 = raw.parse().ok()?;
    if !double.is_finite() {
        return None;
    }
    out.push(tag::NUMBER);
    out.extend(double.to_le_bytes());
    Some(())
}

/// Protobuf has no half of a surrogate pair, which JSON can have.
fn write_text(raw: &str, out: &mut Vec<u8>) -> Option<Change> {
    match json_text::unescape(raw) {
        Some(text) => {
            push_bytes(out, tag::STRING, text.as_bytes());
            None
        }
        None => match unescape_with_replacements(raw) {
            Some(text) => {
                push_bytes(out, tag::STRING, text.as_bytes());
                Some(Change::Truncated)
            }
            None => Some(Change::Nulled),
        },
    }
}

/// The characters of a JSON string, U+FFFD for each half of a surrogate pair.
fn unescape_with_replacements(raw: &str) -> Option<String> {
    let mut rest = raw.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let unit = |rest: &str| {
        let digits = rest.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(first) = unit(rest) {
            let second = unit(rest.get(6..)?);
            let pair = second.map(|second| char::decode_utf16([first, second]).next());
            let (character, length) = match pair {
                Some(Some(Ok(pair))) if pair > '\u{ffff}' => (pair, 12),
                _ => {
                    let one = char::from_u32(first.into());
                    (one.unwrap_or(char::REPLACEMENT_CHARACTER), 6)
                }
            };
            text.push(character);
            rest = rest.get(length..)?;
        } else {
            let escape = rest.get(..2)?;
            text.push(serde_json::from_str(&format!("\"{escape}\"")).ok()?);
            rest = &rest[2..];
        }
    }
    text.push_str(rest);
    Some(text)
}

fn write_date(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (text, is_before_christ) = without_era(text);
    let (days, rest) = split_date(text.as_bytes(), is_before_christ)?;
    if !rest.is_empty() {
        return None;
    }
    out.push(tag::DATE);
    push_varint(out, zigzag(days));
    Some(())
}

fn write_time(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (clock, rest) = split_clock(text.as_bytes())?;
    if !rest.is_empty() {
        return None;
    }
    out.push(tag::TIME);
    push_varint(out, clock.nanoseconds_of_day());
    Some(())
}

fn write_time_with_time_zone(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (clock, offset) = split_clock(text.as_bytes())?;
    let offset = offset_seconds(offset)?;
    let mut time = Vec::new();
    push_number(&mut time, tag::FIRST, clock.nanoseconds_of_day());
    push_number(&mut time, tag::SECOND, zigzag(offset));
    push_bytes(out, tag::TIME_WITH_TIME_ZONE, &time);
    Some(())
}

fn write_timestamp(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (days, clock, zone) = split_timestamp(text)?;
    if !zone.is_empty() {
        return None;
    }
    let mut timestamp = Vec::new();
    push_number(&mut timestamp, tag::FIRST, zigzag(days));
    push_number(&mut timestamp, tag::SECOND, clock.nanoseconds_of_day());
    push_bytes(out, tag::TIMESTAMP, &timestamp);
    Some(())
}

fn write_instant(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (days, clock, zone) = split_timestamp(text)?;
    if zone != b"Z" {
        return None;
    }
    let mut instant = Vec::new();
    let seconds = days * 86_400 + i64::from(clock.seconds);
    push_number(&mut instant, tag::FIRST, zigzag(seconds));
    push_number(&mut instant, tag::SECOND, clock.nanoseconds.into());
    push_bytes(out, tag::TIMESTAMP_WITH_TIME_ZONE, &instant);
    Some(())
}

/// A time of day.
struct Clock {
    seconds: u32,
    nanoseconds: u32,
}

impl Clock {
    fn nanoseconds_of_day(&self) -> u64 {
        u64::from(self.seconds) * 1_000_000_000 + u64::from(self.nanoseconds)
    }
}

/// The text without Airbyte's mark of years before 1, and whether it was there.
fn without_era(text: &str) -> (&str, bool) {
    match text.strip_suffix(" BC") {
        Some(text) => (text, true),
        None => (text, false),
    }
}

/// Days since 1970, time of day, and the zone's text.
fn split_timestamp(text: &str) -> Option<(i64, Clock, &[u8])> {
    let (text, is_before_christ) = without_era(text);
    let (days, rest) = split_date(text.as_bytes(), is_before_christ)?;
    let (clock, zone) = split_clock(rest.strip_prefix(b"T")?)?;
    Some((days, clock, zone))
}

fn split_date(text: &[u8], is_before_christ: bool) -> Option<(i64, &[u8])> {
    let (date, rest) = text.split_at_checked(10)?;
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = date else {
        return None;
    };
    if ![y1, y2, y3, y4, m1, m2, d1, d2]
        .iter()
        .all(u8::is_ascii_digit)
    {
        return None;
    }
    let year = i32::try_from(calendar::two(y1, y2) * 100 + calendar::two(y3, y4)).ok()?;
    let year = if is_before_christ { 1 - year } else { year };
    let days = calendar::days(year, calendar::two(m1, m2), calendar::two(d1, d2))?;
    Some((days, rest))
}

fn split_clock(text: &[u8]) -> Option<(Clock, &[u8])> {
    let (time, rest) = text.split_at_checked(8)?;
    let &[h1, h2, b':', m1, m2, b':', s1, s2] = time else {
        return None;
    };
    if ![h1, h2, m1, m2, s1, s2].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let two = calendar::two;
    let seconds = calendar::seconds(two(h1, h2), two(m1, m2), two(s1, s2))?;
    let fraction = rest.strip_prefix(b".").unwrap_or_default();
    let length = fraction
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let nanoseconds = calendar::nanoseconds(&fraction[..length])?;
    let rest = if length > 0 {
        &fraction[length..]
    } else {
        rest
    };
    Some((
        Clock {
            seconds,
            nanoseconds,
        },
        rest,
    ))
}

/// The value of `+HH:MM` or `-HH:MM`, as far as Java has such an offset.
fn offset_seconds(text: &[u8]) -> Option<i64> {
    let &[sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] = text else {
        return None;
    };
    if ![h1, h2, m1, m2].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let seconds = calendar::two(h1, h2) * 3600 + calendar::two(m1, m2) * 60;
    let seconds = i64::from(seconds);
    (seconds <= 18 * 3600).then_some(if sign == b'-' { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_pair_of_surrogates_is_replaced_and_the_rest_is_kept() {
        for (raw, expected) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ude00\ud83d\ude00\n""#, "\u{fffd}😀\n"),
            (r#""\ud83dx\u00e9\"""#, "\u{fffd}xé\""),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
        ] {
            assert_eq!(
                unescape_with_replacements(raw).as_deref(),
                Some(expected),
                "{raw}"
            );
        }
    }
}
