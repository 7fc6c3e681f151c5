//! Dates and times: from Trino's text to Airbyte's.
//!
//! | Trino | record |
//! |---|---|
//! | `2020-02-29` | `"2020-02-29"` |
//! | `-0044-03-15` (45 BC: Trino counts a year 0) | `"0045-03-15 BC"` |
//! | `+10000-01-01`, and before 9999 BC | nothing: [`Fidelity::Unrepresentable`] |
//! | `2020-01-02 03:04:05.123456` | `"2020-01-02T03:04:05.123456"` |
//! | `2020-01-02 03:04:05.123456789012` | `"2020-01-02T03:04:05.123456789"`, [`Fidelity::Truncated`] |
//! | `2020-01-02 03:04:05.1 UTC` | `"2020-01-02T03:04:05.1Z"` |
//! | `2020-01-02 03:04:05.1 +05:30` or a region | `"2020-01-01T21:34:05.1Z"` |
//! | `03:04:05.1-08:00` | `"03:04:05.1-08:00"` |
//!
//! Digits are copied, never rounded. The functions take the text without its quotes and write a
//! whole JSON string, or nothing if they return [`Fidelity::Unrepresentable`].

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Fraction digits of a second in a record: nanoseconds are the finest that destinations read.
const MAX_FRACTION: usize = 9;

/// What became of a value on its way into the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fidelity {
    /// All of it is there.
    Exact,
    /// Digits other than 0 were cut.
    Truncated,
    /// It has no form in a record. Nothing was written.
    Unrepresentable,
}

/// Writes a `date`.
pub(super) fn write_date(text: &str, out: &mut Vec<u8>) -> Fidelity {
    match Date::split(text.as_bytes()) {
        Some((date, [])) if date.is_representable() => {
            out.push(b'"');
            date.write(out);
            date.write_era(out);
            out.push(b'"');
            Fidelity::Exact
        }
        _ => Fidelity::Unrepresentable,
    }
}

/// Writes a `time`, with or without a zone.
pub(super) fn write_time(text: &str, out: &mut Vec<u8>) -> Fidelity {
    match Clock::split(text.as_bytes()) {
        Some((clock, offset)) if offset.is_empty() || offset_seconds(offset).is_some() => {
            out.push(b'"');
            out.extend_from_slice(clock.time);
            let fidelity = write_fraction(clock.fraction, out);
            out.extend_from_slice(offset);
            out.push(b'"');
            fidelity
        }
        _ => Fidelity::Unrepresentable,
    }
}

/// Writes a `timestamp`.
pub(super) fn write_timestamp(text: &str, out: &mut Vec<u8>) -> Fidelity {
    match split_timestamp(text.as_bytes()) {
        Some((date, clock, [])) => write_parts(&date, clock.time, clock.fraction, "", out),
        _ => Fidelity::Unrepresentable,
    }
}

/// Writes a `timestamp with time zone`, in UTC.
///
/// The query asks for UTC. If a value comes in another zone, it is converted. If a clock was set
/// back, so that the text may mean either of two hours, it is taken as the earlier one.
pub(super) fn write_timestamp_with_time_zone(text: &str, out: &mut Vec<u8>) -> Fidelity {
    let Some((date, clock, zone)) = split_timestamp(text.as_bytes()) else {
        return Fidelity::Unrepresentable;
    };
    if zone == b" UTC" {
        return write_parts(&date, clock.time, clock.fraction, "Z", out);
    }
    match to_utc(&date, &clock, zone) {
        Some(utc) => {
            let month_day = format!("-{:02}-{:02}", utc.month(), utc.day());
            let date = Date {
                year: utc.year().into(),
                month_day: month_day.as_bytes(),
            };
            let time = format!("{:02}:{:02}:{:02}", utc.hour(), utc.minute(), utc.second());
            write_parts(&date, time.as_bytes(), clock.fraction, "Z", out)
        }
        None => Fidelity::Unrepresentable,
    }
}

fn write_parts(
    date: &Date,
    time: &[u8],
    fraction: &[u8],
    zone: &str,
    out: &mut Vec<u8>,
) -> Fidelity {
    if !date.is_representable() {
        return Fidelity::Unrepresentable;
    }
    out.push(b'"');
    date.write(out);
    out.push(b'T');
    out.extend_from_slice(time);
    let fidelity = write_fraction(fraction, out);
    out.extend_from_slice(zone.as_bytes());
    date.write_era(out);
    out.push(b'"');
    fidelity
}

fn write_fraction(digits: &[u8], out: &mut Vec<u8>) -> Fidelity {
    if digits.is_empty() {
        return Fidelity::Exact;
    }
    let (kept, cut) = digits.split_at(digits.len().min(MAX_FRACTION));
    out.push(b'.');
    out.extend_from_slice(kept);
    if cut.iter().all(|digit| *digit == b'0') {
        Fidelity::Exact
    } else {
        Fidelity::Truncated
    }
}

/// A date in the proleptic Gregorian calendar.
struct Date<'a> {
    /// Year 0 is 1 BC.
    year: i32,
    /// `-MM-DD`
    month_day: &'a [u8],
}

impl<'a> Date<'a> {
    /// Takes `[+-]YYYY[Y…]-MM-DD` from the start of a text.
    fn split(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (negative, unsigned) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let length = unsigned
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (year, rest) = unsigned.split_at(length);
        let year: i32 = if length < 4 {
            None
        } else {
            str::from_utf8(year).ok()?.parse().ok()
        }?;
        let (month_day, rest) = rest.split_at_checked(6)?;
        let [b'-', month @ .., b'-', _, _] = month_day else {
            return None;
        };
        if !month.iter().chain(&month_day[4..]).all(u8::is_ascii_digit) {
            return None;
        }
        Some((
            Self {
                year: if negative { -year } else { year },
                month_day,
            },
            rest,
        ))
    }

    /// Years 9999 BC to 9999.
    fn is_representable(&self) -> bool {
        (-9998..=9999).contains(&self.year)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let year_of_era = if self.year > 0 {
            self.year
        } else {
            1 - self.year
        };
        for place in [1000, 100, 10, 1] {
            let digit = year_of_era / place % 10;
            out.extend(u8::try_from(digit).map(|digit| b'0' + digit));
        }
        out.extend_from_slice(self.month_day);
    }

    /// Airbyte's mark of years before 1, at the very end of the text.
    fn write_era(&self, out: &mut Vec<u8>) {
        if self.year <= 0 {
            out.extend_from_slice(b" BC");
        }
    }
}

/// A time of day.
struct Clock<'a> {
    /// `HH:MM:SS`
    time: &'a [u8],
    /// The digits after the point, none without a point.
    fraction: &'a [u8],
}

impl<'a> Clock<'a> {
    /// Takes `HH:MM:SS[.digits]` from the start of a text.
    fn split(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (time, rest) = text.split_at_checked(8)?;
        let well_formed = time.iter().enumerate().all(|(at, byte)| match at {
            2 | 5 => *byte == b':',
            _ => byte.is_ascii_digit(),
        });
        if !well_formed {
            return None;
        }
        let Some(fraction) = rest.strip_prefix(b".") else {
            return Some((
                Self {
                    time,
                    fraction: &[],
                },
                rest,
            ));
        };
        let length = fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (fraction, rest) = fraction.split_at(length);
        (length > 0).then_some((Self { time, fraction }, rest))
    }
}

fn split_timestamp(text: &[u8]) -> Option<(Date<'_>, Clock<'_>, &[u8])> {
    let (date, rest) = Date::split(text)?;
    let (clock, rest) = Clock::split(rest.strip_prefix(b" ")?)?;
    Some((date, clock, rest))
}

/// The value of `+HH:MM` or `-HH:MM`.
fn offset_seconds(text: &[u8]) -> Option<i64> {
    let &[sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] = text else {
        return None;
    };
    let two = |tens: u8, ones: u8| {
        (tens.is_ascii_digit() && ones.is_ascii_digit())
            .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
    };
    let seconds = two(h1, h2)? * 3600 + two(m1, m2)? * 60;
    Some(if sign == b'-' { -seconds } else { seconds })
}

/// `zone` begins with its blank. `None` for unknown zones and for what has no date in the calendar.
fn to_utc(date: &Date, clock: &Clock, zone: &[u8]) -> Option<DateTime> {
    let two = |digits: &[u8]| str::from_utf8(digits).ok()?.parse::<i8>().ok();
    let local = DateTime::new(
        i16::try_from(date.year).ok()?,
        two(&date.month_day[1..3])?,
        two(&date.month_day[4..6])?,
        two(&clock.time[..2])?,
        two(&clock.time[3..5])?,
        two(&clock.time[6..])?,
        0,
    )
    .ok()?;
    let zone = zone.strip_prefix(b" ")?;
    let seconds = if let Some(seconds) = offset_seconds(zone) {
        seconds
    } else {
        let zone = TimeZone::get(str::from_utf8(zone).ok()?).ok()?;
        let offset = match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
        };
        i64::from(offset.seconds())
    };
    local.checked_sub(SignedDuration::from_secs(seconds)).ok()
}

#[cfg(test)]
mod tests;
