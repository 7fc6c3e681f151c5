//! Values that lie within one block of the page, as nearly all values do: no index needs a check
//! that the compiler cannot leave out.
//!
//! Each function takes the block that begins with the value and the room for its message, and returns
//! the lengths of what it read and wrote; `None` if it is not sure of the value. It may write more of
//! the room than it says.

use super::super::changes::{Change, Changes};
use super::super::short::{BLOCK, non_digits_32, number_length};
use super::super::simd;
use super::calendar::{self, two};
use super::digits;
use super::plan::Form;
use super::wire::{put_varint, tag, zigzag};

/// Bytes that a value of this file has at most, with what is written beyond it.
pub(super) const ROOM: usize = 64;

type Block = [u8; BLOCK];
type Room = [u8; ROOM];

/// Bytes read and bytes written.
type Lengths = Option<(usize, usize)>;

/// Writes the value that `value` begins with, as one field `data` of the record.
#[inline]
pub(super) fn write(form: Form, value: &Block, room: &mut Room, changes: &mut Changes) -> Lengths {
    if value[0] == b'n' {
        return write_null(form, value, room);
    }
    match form {
        Form::Integer => write_integer(value, room),
        Form::Double => write_double(value, room),
        Form::Decimal => write_decimal(value, room),
        Form::Text => write_text(value, room),
        Form::Date => write_date(value, room),
        Form::Timestamp => write_timestamp(value, room, changes),
        Form::TimestampWithTimeZone => write_instant(value, room, changes),
        Form::Time => write_time(value, room, changes),
        Form::Boolean => write_boolean(value, room),
        Form::TimeWithTimeZone | Form::TextOfJson | Form::Json | Form::LeftOut => None,
    }
}

/// A value without a case.
#[inline]
fn write_null(form: Form, value: &Block, room: &mut Room) -> Lengths {
    if !value.starts_with(b"null") {
        return None;
    }
    [room[0], room[1]] = [tag::VALUE, 0];
    Some((4, if form == Form::LeftOut { 0 } else { 2 }))
}

#[inline]
fn write_boolean(value: &Block, room: &mut Room) -> Lengths {
    let (length, boolean) = match value {
        [b't', b'r', b'u', b'e', ..] => (4, 1),
        [b'f', b'a', b'l', b's', b'e', ..] => (5, 0),
        _ => return None,
    };
    [room[0], room[1], room[2], room[3]] = [tag::VALUE, 2, tag::BOOLEAN, boolean];
    Some((length, 4))
}

/// Writes a field with one number as the whole value.
#[inline]
fn put_number(room: &mut Room, case: u8, number: u64) -> Option<usize> {
    [room[0], room[2]] = [tag::VALUE, case];
    let end = put_varint(room, 3, number)?;
    room[1] = byte(end - 2);
    Some(end)
}

/// A length that fits into a byte, as all lengths within a room do.
#[inline]
fn byte(length: usize) -> u8 {
    length.to_le_bytes()[0]
}

#[inline]
fn write_integer(value: &Block, room: &mut Room) -> Lengths {
    let quotes = usize::from(value[0] == b'"');
    let bytes: &[u8; 32] = value.get(quotes..)?.first_chunk()?;
    let length = number_length::<false>(bytes)?;
    let written = put_number(room, tag::INTEGER, zigzag(parse_integer(bytes, length)?))?;
    let is_closed = quotes == 0 || bytes.get(length) == Some(&b'"');
    is_closed.then_some((length + 2 * quotes, written))
}

/// A number of 64 bits. `digits` is a JSON number without fraction and exponent, and what follows.
#[inline]
fn parse_integer(bytes: &[u8; 32], length: usize) -> Option<i64> {
    let is_negative = bytes[0] == b'-';
    let start = usize::from(is_negative);
    let length = length - start;
    let number = if length <= 8 {
        digits::up_to_eight(*bytes.get(start..)?.first_chunk()?, length)
    } else {
        digits::up_to_nineteen(bytes.get(start..start + length)?)?
    };
    if is_negative {
        0_i64.checked_sub_unsigned(number)
    } else {
        i64::try_from(number).ok()
    }
}

#[inline]
fn write_double(value: &Block, room: &mut Room) -> Lengths {
    let (bytes, _) = value.split_first_chunk()?;
    let (length, double) = match plain_double(bytes) {
        Some(found) => found,
        None => any_double(bytes)?,
    };
    [room[0], room[1], room[2]] = [tag::VALUE, 9, tag::NUMBER];
    room[3..11].copy_from_slice(&double.to_le_bytes());
    Some((length, 11))
}

/// The length and value of a number with up to eight digits on each side of its point. Of two numbers
/// that doubles have exactly, the quotient is the nearest double.
#[inline]
fn plain_double(bytes: &[u8; 32]) -> Option<(usize, f64)> {
    /// The powers of ten, which doubles have exactly.
    const POWERS: [(u64, f64); 9] = [
        (1, 1e0),
        (10, 1e1),
        (100, 1e2),
        (1_000, 1e3),
        (10_000, 1e4),
        (100_000, 1e5),
        (1_000_000, 1e6),
        (10_000_000, 1e7),
        (100_000_000, 1e8),
    ];
    let is_negative = bytes[0] == b'-';
    let start = usize::from(is_negative);
    let marks = non_digits_32(bytes) & !u32::from(is_negative);
    let point = marks.trailing_zeros() as usize;
    let end = (marks & marks.wrapping_sub(1)).trailing_zeros() as usize;
    let (whole, fraction) = (point.wrapping_sub(start), end.wrapping_sub(point + 1));
    let is_plain = (1..=8).contains(&whole)
        && (1..=8).contains(&fraction)
        && bytes.get(point) == Some(&b'.')
        && bytes.get(end)? | 0x20 != b'e'
        && (bytes[start] != b'0' || whole == 1);
    if !is_plain {
        return None;
    }
    let before = digits::up_to_eight(*bytes.get(start..)?.first_chunk()?, whole);
    let after = digits::up_to_eight(*bytes.get(point + 1..)?.first_chunk()?, fraction);
    let (power, divisor) = POWERS.get(fraction)?;
    let all = before * power + after;
    if all > 1 << 53 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "it is at most 2^53")]
    let quotient = all as f64 / divisor;
    Some((end, if is_negative { -quotient } else { quotient }))
}

/// The length and value of any number that ends within the block.
#[cold]
fn any_double(bytes: &[u8; 32]) -> Option<(usize, f64)> {
    let length = number_length::<true>(bytes)?;
    let text = str::from_utf8(bytes.get(..length)?).ok()?;
    let double: f64 = text.parse().ok()?;
    double.is_finite().then_some((length, double))
}

#[inline]
fn write_decimal(value: &Block, room: &mut Room) -> Lengths {
    let quotes = usize::from(value[0] == b'"');
    let bytes: &[u8; 32] = value.get(quotes..)?.first_chunk()?;
    let length = number_length::<true>(bytes)?;
    room[4..36].copy_from_slice(bytes);
    put_header(room, tag::BIG_DECIMAL, length);
    let is_closed = quotes == 0 || bytes.get(length) == Some(&b'"');
    is_closed.then_some((length + 2 * quotes, length + 4))
}

/// Writes what stands before the bytes of a value, which are at 4.
#[inline]
fn put_header(room: &mut Room, case: u8, length: usize) {
    [room[0], room[1], room[2], room[3]] = [tag::VALUE, byte(length + 2), case, byte(length)];
}

#[inline]
fn write_text(value: &Block, room: &mut Room) -> Lengths {
    if value[0] != b'"' {
        return None;
    }
    // The opening quote is at 3, where the header ends that is written last.
    room[3..3 + BLOCK].copy_from_slice(value);
    let mut passed = 1;
    for (index, bytes) in value.as_chunks::<16>().0.iter().enumerate() {
        let marks = simd::string_marks(bytes) & !passed;
        if marks != 0 {
            let mark = marks.trailing_zeros() as usize % 16;
            if bytes[mark] != b'"' {
                return None;
            }
            let length = index * 16 + mark - 1;
            put_header(room, tag::STRING, length);
            return Some((length + 2, length + 4));
        }
        passed = 0;
    }
    None
}

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
fn write_date(value: &Block, room: &mut Room) -> Lengths {
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
    let (blocks, _) = value.as_chunks();
    let marks = u64::from(simd::non_digits(&blocks[0]))
        | u64::from(simd::non_digits(&blocks[1])) << 16
        | u64::from(simd::non_digits(&blocks[2])) << 32;
    if marks & 0xf_ffff != 0b0010_0100_1001_0010_0001 {
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

/// Writes a message of two numbers as the whole value; zeros are not written.
#[inline]
fn put_pair(room: &mut Room, case: u8, first: u64, second: u64) -> Option<usize> {
    let mut end = 4;
    if first != 0 {
        room[end] = tag::FIRST;
        end = put_varint(room, end + 1, first)?;
    }
    if second != 0 {
        *room.get_mut(end)? = tag::SECOND;
        end = put_varint(room, end + 1, second)?;
    }
    put_header(room, case, end - 4);
    Some(end)
}

#[inline]
fn write_timestamp(value: &Block, room: &mut Room, changes: &mut Changes) -> Lengths {
    let found = timestamp(value, changes)?;
    let nanoseconds = nanoseconds_of_day(found.seconds, found.nanoseconds);
    let written = put_pair(room, tag::TIMESTAMP, zigzag(found.days), nanoseconds)?;
    (value.get(found.end) == Some(&b'"')).then_some((found.end + 1, written))
}

#[inline]
fn write_instant(value: &Block, room: &mut Room, changes: &mut Changes) -> Lengths {
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

/// `"03:04:05.123456"`
#[inline]
fn write_time(value: &Block, room: &mut Room, changes: &mut Changes) -> Lengths {
    let [b'"', _, _, b':', _, _, b':', _, _, after] = &value[..10] else {
        return None;
    };
    let (blocks, _) = value.as_chunks();
    let marks = simd::non_digits(&blocks[0]) | simd::non_digits(&blocks[1]) << 16;
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
    let written = put_number(room, tag::TIME, nanoseconds_of_day(seconds, nanoseconds))?;
    (value.get(end) == Some(&b'"')).then_some((end + 1, written))
}
