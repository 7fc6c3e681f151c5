//! Dates and times of the page as numbers, for those that lie within one block.

use super::super::simd::Level;
use super::calendar::{self, two};
use super::digits;
use super::plan::Form;
use super::room::{Block, Lengths, Room, put_number, put_pair};
use super::wire::{tag, zigzag};
use crate::encode::short::{DATE, TIME, TIMESTAMP, first_half, fraction_end};

/// Days since 1970 of `"YYYY-MM-DD`, whose digits were looked at.
#[inline(always)]
fn days<L: Level>(level: L, value: &Block) -> Option<i64> {
    let [number, month, day] = level.date(value[1..].first_chunk()?);
    calendar::usual_days(number, month, day)
}

/// Seconds of the day of `HH:MM:SS`, whose digits were looked at.
#[inline(always)]
fn seconds(clock: [u8; 8]) -> Option<u32> {
    let [hour, minute, second] = digits::pairs(clock, [0, 3, 6]);
    calendar::seconds(hour, minute, second)
}

/// `"2020-02-29"`
#[inline(always)]
pub(super) fn write_date<L: Level>(level: L, value: &Block, room: &mut Room) -> Lengths {
    if level.unlike(&DATE, first_half(value)) != 0 {
        return None;
    }
    let days = days(level, value)?;
    Some((12, put_number(room, tag::DATE, zigzag(days))?))
}

/// Writes a time, and says whether digits were cut.
#[inline(always)]
pub(super) fn write<L: Level>(
    level: L,
    form: Form,
    value: &Block,
    room: &mut Room,
) -> Option<((usize, usize), bool)> {
    match form {
        Form::Timestamp => write_timestamp(level, value, room),
        Form::TimestampWithTimeZone => write_instant(level, value, room),
        Form::TimeWithTimeZone => write_time_with_time_zone(level, value, room),
        _ => write_time(level, value, room),
    }
}

/// A timestamp of the page: days, seconds of the day, nanoseconds, and what it ends with, from
/// `end`.
struct Timestamp {
    days: i64,
    seconds: u32,
    nanoseconds: u32,
    end: usize,
    is_cut: bool,
}

/// `"2020-01-02 03:04:05.123456`
#[inline(always)]
fn timestamp<L: Level>(level: L, value: &Block) -> Option<Timestamp> {
    let unlike = level.unlike(&TIMESTAMP, first_half(value));
    if unlike.trailing_zeros() < 20 {
        return None;
    }
    let (end, nanoseconds, is_cut) = fraction::<_, 20>(level, unlike, value)?;
    Some(Timestamp {
        days: days(level, value)?,
        seconds: seconds(*value.get(12..)?.first_chunk()?)?,
        nanoseconds,
        end,
        is_cut,
    })
}

/// Where the fraction of a second that may be at `START` ends, and its nanoseconds; digits beyond
/// the ninth are cut.
#[inline(always)]
fn fraction<L: Level, const START: usize>(
    level: L,
    unlike: u32,
    value: &Block,
) -> Option<(usize, u32, bool)> {
    const KEPT: usize = 9;
    /// What so many digits are multiplied with to become nanoseconds.
    const SCALES: [u32; 10] = [
        0,
        100_000_000,
        10_000_000,
        1_000_000,
        100_000,
        10_000,
        1_000,
        100,
        10,
        1,
    ];
    if value[START] != b'.' {
        return Some((START, 0, false));
    }
    let start = START + 1;
    let end = fraction_end(unlike, start, value)?;
    let length = (end - start).min(KEPT);
    let digits = level.number(value.get(start..)?.first_chunk()?, length, 0);
    let nanoseconds = u32::try_from(digits).ok()? * SCALES.get(length)?;
    let cut = value.get(start + length..end)?;
    let is_cut = cut.iter().any(|digit| *digit != b'0');
    Some((end, nanoseconds, is_cut))
}

#[inline(always)]
fn nanoseconds_of_day(seconds: u32, nanoseconds: u32) -> u64 {
    u64::from(seconds) * 1_000_000_000 + u64::from(nanoseconds)
}

#[inline(always)]
fn write_timestamp<L: Level>(
    level: L,
    value: &Block,
    room: &mut Room,
) -> Option<((usize, usize), bool)> {
    let found = timestamp(level, value)?;
    let nanoseconds = nanoseconds_of_day(found.seconds, found.nanoseconds);
    let written = put_pair(room, tag::TIMESTAMP, zigzag(found.days), nanoseconds)?;
    (value.get(found.end) == Some(&b'"')).then_some(((found.end + 1, written), found.is_cut))
}

#[inline(always)]
fn write_instant<L: Level>(
    level: L,
    value: &Block,
    room: &mut Room,
) -> Option<((usize, usize), bool)> {
    let found = timestamp(level, value)?;
    let seconds = found.days * 86_400 + i64::from(found.seconds);
    let nanoseconds = found.nanoseconds.into();
    let written = put_pair(
        room,
        tag::TIMESTAMP_WITH_TIME_ZONE,
        zigzag(seconds),
        nanoseconds,
    )?;
    let rest: &[u8; 5] = value.get(found.end..)?.first_chunk()?;
    (rest == b" UTC\"").then_some(((found.end + 5, written), found.is_cut))
}

/// Nanoseconds of the day of `"03:04:05.123456`, and where that ends.
#[inline(always)]
fn time<L: Level>(level: L, value: &Block) -> Option<(u64, usize, bool)> {
    let unlike = level.unlike(&TIME, first_half(value));
    if unlike.trailing_zeros() < 9 {
        return None;
    }
    let (end, nanoseconds, is_cut) = fraction::<_, 9>(level, unlike, value)?;
    let seconds = seconds(*value.get(1..)?.first_chunk()?)?;
    Some((nanoseconds_of_day(seconds, nanoseconds), end, is_cut))
}

#[inline(always)]
fn write_time<L: Level>(
    level: L,
    value: &Block,
    room: &mut Room,
) -> Option<((usize, usize), bool)> {
    let (nanoseconds, end, is_cut) = time(level, value)?;
    let written = put_number(room, tag::TIME, nanoseconds)?;
    (value.get(end) == Some(&b'"')).then_some(((end + 1, written), is_cut))
}

/// The same with `+05:30` before the last quote.
fn write_time_with_time_zone<L: Level>(
    level: L,
    value: &Block,
    room: &mut Room,
) -> Option<((usize, usize), bool)> {
    let (nanoseconds, end, is_cut) = time(level, value)?;
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
    Some(((end + 7, written), is_cut))
}
