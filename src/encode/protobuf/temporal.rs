//! Dates and times of the page as numbers, for those that lie within one block.

use super::super::changes::{Change, Changes};
use super::super::simd;
use super::calendar::{self, two};
use super::digits;
use super::room::{Block, Lengths, Room, put_number, put_pair};
use super::wire::{tag, zigzag};
use crate::encode::short::{NON_DIGITS_OF_TIMESTAMP, non_digits_32, non_digits_48};

/// Days since 1970 of `YYYY-MM-DD`, whose digits were looked at.
#[inline]
fn days(date: &[u8; 10]) -> Option<i64> {
    let [y1, y2, y3, y4, _, m1, m2, _, d1, d2] = *date;
    let year = two(y1, y2) * 100 + two(y3, y4);
    calendar::days_after_christ(year, two(m1, m2), two(d1, d2))
}

/// Seconds of the day of `HH:MM:SS`, whose digits were looked at.
#[inline]
fn seconds(clock: [u8; 8]) -> Option<u32> {
    let [h1, h2, _, m1, m2, _, s1, s2] = clock;
    calendar::seconds(two(h1, h2), two(m1, m2), two(s1, s2))
}

/// `"2020-02-29"`
#[inline]
pub(super) fn write_date(value: &Block, room: &mut Room) -> Lengths {
    let [b'"', _, _, _, _, b'-', _, _, b'-', _, _, b'"'] = &value[..12] else {
        return None;
    };
    let (bytes, _) = value.split_first_chunk()?;
    if simd::non_digits(bytes) & 0xfff != 0b1001_0010_0001 {
        return None;
    }
    let days = days(value.get(1..)?.first_chunk()?)?;
    Some((12, put_number(room, tag::DATE, zigzag(days))?))
}

/// A timestamp of the page: days, seconds of the day, nanoseconds, and what it ends with, from `end`.
struct Timestamp {
    days: i64,
    seconds: u32,
    nanoseconds: u32,
    end: usize,
}

/// `"2020-01-02 03:04:05.123456`
#[inline]
fn timestamp(value: &Block, changes: &mut Changes) -> Option<Timestamp> {
    let [
        b'"',
        _,
        _,
        _,
        _,
        b'-',
        _,
        _,
        b'-',
        _,
        _,
        b' ',
        _,
        _,
        b':',
        _,
        _,
        b':',
        _,
        _,
        after,
    ] = &value[..21]
    else {
        return None;
    };
    let marks = non_digits_48(value);
    if marks & 0xf_ffff != NON_DIGITS_OF_TIMESTAMP {
        return None;
    }
    let (end, nanoseconds) = match after {
        b'.' => {
            let end = (marks >> 21 << 21).trailing_zeros() as usize;
            (end, fraction(value, 21, end, changes)?)
        }
        _ => (20, 0),
    };
    Some(Timestamp {
        days: days(value.get(1..)?.first_chunk()?)?,
        seconds: seconds(*value.get(12..)?.first_chunk()?)?,
        nanoseconds,
        end,
    })
}

/// Nanoseconds of the digits in `start..end`; digits beyond the ninth are cut.
#[inline]
fn fraction(value: &Block, start: usize, end: usize, changes: &mut Changes) -> Option<u32> {
    const KEPT: usize = 9;
    /// What so many digits are multiplied with to become nanoseconds.
    const SCALES: [u32; 9] = [
        0,
        100_000_000,
        10_000_000,
        1_000_000,
        100_000,
        10_000,
        1_000,
        100,
        10,
    ];
    if end <= start || end > start + 12 {
        return None;
    }
    let length = (end - start).min(8);
    let digits = digits::up_to_eight(*value.get(start..)?.first_chunk()?, length);
    let nanoseconds = u32::try_from(digits).ok()? * SCALES.get(length)?;
    if end < start + KEPT {
        return Some(nanoseconds);
    }
    let cut = value.get(start + KEPT..end)?;
    if cut.iter().any(|digit| *digit != b'0') {
        changes.note(Change::Truncated);
    }
    Some(nanoseconds + u32::from(value.get(start + 8)? & 15))
}

#[inline]
fn nanoseconds_of_day(seconds: u32, nanoseconds: u32) -> u64 {
    u64::from(seconds) * 1_000_000_000 + u64::from(nanoseconds)
}

#[inline]
pub(super) fn write_timestamp(value: &Block, room: &mut Room, changes: &mut Changes) -> Lengths {
    let found = timestamp(value, changes)?;
    let nanoseconds = nanoseconds_of_day(found.seconds, found.nanoseconds);
    let written = put_pair(room, tag::TIMESTAMP, zigzag(found.days), nanoseconds)?;
    (value.get(found.end) == Some(&b'"')).then_some((found.end + 1, written))
}

#[inline]
pub(super) fn write_instant(value: &Block, room: &mut Room, changes: &mut Changes) -> Lengths {
    let found = timestamp(value, changes)?;
    let seconds = found.days * 86_400 + i64::from(found.seconds);
    let nanoseconds = found.nanoseconds.into();
    let written = put_pair(
        room,
        tag::TIMESTAMP_WITH_TIME_ZONE,
        zigzag(seconds),
        nanoseconds,
    )?;
    let rest: &[u8; 5] = value.get(found.end..)?.first_chunk()?;
    (rest == b" UTC\"").then_some((found.end + 5, written))
}

/// Nanoseconds of the day of `"03:04:05.123456`, and where that ends.
#[inline]
fn time(value: &Block, changes: &mut Changes) -> Option<(u64, usize)> {
    let [b'"', _, _, b':', _, _, b':', _, _, after] = &value[..10] else {
        return None;
    };
    let (bytes, _) = value.split_first_chunk()?;
    let marks = non_digits_32(bytes);
    if marks & 0x1ff != 0b0_0100_1001 {
        return None;
    }
    let (end, nanoseconds) = match after {
        b'.' => {
            let end = (marks >> 10 << 10).trailing_zeros() as usize;
            (end, fraction(value, 10, end, changes)?)
        }
        _ => (9, 0),
    };
    let seconds = seconds(*value.get(1..)?.first_chunk()?)?;
    Some((nanoseconds_of_day(seconds, nanoseconds), end))
}

#[inline]
pub(super) fn write_time(value: &Block, room: &mut Room, changes: &mut Changes) -> Lengths {
    let (nanoseconds, end) = time(value, changes)?;
    let written = put_number(room, tag::TIME, nanoseconds)?;
    (value.get(end) == Some(&b'"')).then_some((end + 1, written))
}

/// The same with `+05:30` before the last quote.
pub(super) fn write_time_with_time_zone(
    value: &Block,
    room: &mut Room,
    changes: &mut Changes,
) -> Lengths {
    let (nanoseconds, end) = time(value, changes)?;
    let [sign, h1, h2, b':', m1, m2, b'"'] = *value.get(end..)?.first_chunk()? else {
        return None;
    };
    let digits = [h1, h2, m1, m2];
    let offset = i64::from(two(h1, h2) * 3600 + two(m1, m2) * 60);
    // Java has no offset beyond.
    if !digits.iter().all(u8::is_ascii_digit) || offset > 18 * 3600 {
        return None;
    }
    let offset = match sign {
        b'+' => offset,
        b'-' => -offset,
        _ => return None,
    };
    let written = put_pair(room, tag::TIME_WITH_TIME_ZONE, nanoseconds, zigzag(offset))?;
    Some((end + 7, written))
}
