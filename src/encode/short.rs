//! Values that lie within one block of the page, as nearly all values do. Within a block of
//! constant size, no index needs a check.
//!
//! Each function takes the block that begins with the value and the room for it, and returns the
//! lengths of what it read and wrote; `None` if it is not sure of the value. It may write more of
//! the room than it says. All are inlined: a call would cost as much as most values.

use std::hint::cold_path;
use std::num::NonZero;

use super::plan::Short;
use super::simd::{self, Level, Pattern};

/// Bytes of a block: enough for most texts, and for a `timestamp(12)` with its zone.
pub(super) const BLOCK: usize = 64;

type Block = [u8; BLOCK];

/// Bytes read and bytes written; both are less than a block.
type Lengths = Option<(usize, usize)>;

/// Writes the value that `value` begins with, all of it.
#[inline(always)]
pub(super) fn write<L: Level>(level: L, kind: Short, value: &Block, room: &mut Block) -> Lengths {
    match kind {
        Short::Integer => write_number::<_, false>(level, value, room),
        Short::Float => write_number::<_, true>(level, value, room),
        Short::Text => write_string(level, value, room),
        Short::Decimal => write_decimal(level, value, room),
        Short::Date => write_date(level, value, room),
        Short::Boolean => write_boolean(value, room),
        Short::Timestamp | Short::TimestampWithTimeZone | Short::Time => {
            let (lengths, is_cut) = write_time_or_null(level, kind, value, room)?;
            (!is_cut).then_some(lengths)
        }
        Short::None => None,
    }
}

/// Writes a time, and says whether digits were cut.
#[inline(always)]
pub(super) fn write_time_or_null<L: Level>(
    level: L,
    kind: Short,
    value: &Block,
    room: &mut Block,
) -> Option<((usize, usize), bool)> {
    let written = match kind {
        Short::Timestamp => write_timestamp::<_, false>(level, value, room),
        Short::TimestampWithTimeZone => write_timestamp::<_, true>(level, value, room),
        _ => write_time(level, value, room),
    };
    written.or_else(|| Some((write_null(value, room)?, false)))
}

#[inline(always)]
fn copied(length: usize) -> (usize, usize) {
    (length, length)
}

/// The first half of a block.
#[inline(always)]
pub(super) fn first_half(block: &Block) -> &simd::Bytes {
    &block.as_chunks().0[0]
}

#[inline(always)]
fn write_null(value: &Block, room: &mut Block) -> Lengths {
    if value.starts_with(b"null") {
        room[..4].copy_from_slice(b"null");
        Some(copied(4))
    } else {
        None
    }
}

#[inline(always)]
fn write_boolean(value: &Block, room: &mut Block) -> Lengths {
    room[..8].copy_from_slice(&value[..8]);
    match value {
        [b't', b'r', b'u', b'e', ..] | [b'n', b'u', b'l', b'l', ..] => Some(copied(4)),
        [b'f', b'a', b'l', b's', b'e', ..] => Some(copied(5)),
        _ => None,
    }
}

#[inline(always)]
fn write_string<L: Level>(level: L, value: &Block, room: &mut Block) -> Lengths {
    if value[0] != b'"' {
        return write_null(value, room);
    }
    let ([first, second], _) = value.as_chunks() else {
        return None;
    };
    let ([first_room, second_room], _) = room.as_chunks_mut() else {
        return None;
    };
    let marks = level.string_marks(first) & !1; // without the opening quote
    if marks != 0 {
        let mark = marks.trailing_zeros() as usize % 32;
        let is_end = first[mark] == b'"';
        *first_room = *first;
        return is_end.then_some(copied(mark + 1));
    }
    let marks = level.string_marks(second);
    let mark = marks.trailing_zeros() as usize % 32;
    let is_end = marks != 0 && mark < 31 && second[mark] == b'"';
    *first_room = *first;
    *second_room = *second;
    is_end.then_some(copied(32 + mark + 1))
}

#[inline(always)]
fn write_number<L: Level, const FRACTION: bool>(
    level: L,
    value: &Block,
    room: &mut Block,
) -> Lengths {
    let bytes = first_half(value);
    match number_length::<_, FRACTION>(level, bytes) {
        Some(length) => {
            room[..32].copy_from_slice(bytes);
            Some(copied(length))
        }
        None => write_null(value, room),
    }
}

#[inline(always)]
fn write_decimal<L: Level>(level: L, value: &Block, room: &mut Block) -> Lengths {
    let [b'"', digits @ ..] = value else {
        return write_number::<_, true>(level, value, room);
    };
    let (bytes, _) = digits.split_first_chunk()?;
    let length = number_length::<_, true>(level, bytes)?;
    room[..32].copy_from_slice(bytes);
    (bytes[length % 32] == b'"').then_some((length + 2, length))
}

/// The length of the JSON number that the bytes begin with, if it ends within them.
///
/// What follows the number is not looked at. An exponent begins with `E`, as Trino writes it:
/// before an `e`, the number seems to end.
#[inline(always)]
pub(super) fn number_length<L: Level, const FRACTION: bool>(
    level: L,
    bytes: &simd::Bytes,
) -> Option<usize> {
    let negative = bytes[0] == b'-';
    let start = usize::from(negative);
    // Bits of the bytes that are not digits, the sign left out.
    let mut marks = NonZero::new(level.non_digits(bytes) & !u32::from(negative))?;
    let mut end = marks.trailing_zeros() as usize;
    let digits = end - start;
    if digits == 0 {
        return None;
    }
    if bytes[start] == b'0' {
        cold_path(); // says only that a branch is better than doing without
        if digits != 1 {
            return None;
        }
    }
    if FRACTION && bytes[end] == b'.' {
        let fraction = end + 1;
        marks = NonZero::new(marks.get() & (marks.get() - 1))?;
        end = marks.trailing_zeros() as usize;
        if end == fraction {
            cold_path();
            return None;
        }
    }
    if FRACTION && bytes[end] == b'E' {
        end = exponent_end(bytes, marks.get(), end + 1)?;
    }
    Some(end)
}

/// Where the exponent of a number ends that begins at `start`. `marks` are the bytes that are not
/// digits, from the `e` before it.
#[cold]
fn exponent_end(bytes: &simd::Bytes, marks: u32, start: usize) -> Option<usize> {
    let has_sign = matches!(bytes.get(start)?, b'+' | b'-');
    let digits = start + usize::from(has_sign);
    let before = if has_sign { 2 } else { 1 };
    let marks = (0..before).fold(marks, |marks, _| marks & marks.wrapping_sub(1));
    let end = marks.trailing_zeros() as usize;
    (digits + 1..simd::BYTES).contains(&end).then_some(end)
}

pub(super) static DATE: Pattern = Pattern::new(b"\"9999-99-99\"????????????????????");
/// What follows is compared with digits, which tells the length of a fraction.
pub(super) static TIMESTAMP: Pattern = Pattern::new(b"\"9999-99-99 99:99:99");
pub(super) static TIME: Pattern = Pattern::new(b"\"99:99:99");

/// `"2020-02-29"`
#[inline(always)]
fn write_date<L: Level>(level: L, value: &Block, room: &mut Block) -> Lengths {
    let bytes = first_half(value);
    if level.unlike(&DATE, bytes) != 0 {
        return write_null(value, room);
    }
    room[..16].copy_from_slice(&bytes[..16]);
    (bytes[1..5] != *b"0000").then_some((12, 12))
}

/// `"2020-01-02 03:04:05.123456"`, with ` UTC` before the last quote if `ZONE`.
#[inline(always)]
fn write_timestamp<L: Level, const ZONE: bool>(
    level: L,
    value: &Block,
    room: &mut Block,
) -> Option<((usize, usize), bool)> {
    let bytes = first_half(value);
    let unlike = level.unlike(&TIMESTAMP, bytes);
    if unlike.trailing_zeros() < 20 {
        return None;
    }
    if bytes[1..5] == *b"0000" {
        return None;
    }
    room[..32].copy_from_slice(bytes);
    room[11] = b'T';
    let (end, kept, is_cut) = fraction::<20>(unlike, value)?;
    let rest: &[u8; 5] = value.get(end..)?.first_chunk()?;
    if ZONE {
        *room.get_mut(kept..)?.first_chunk_mut()? = *b"Z\"";
        (rest == b" UTC\"").then_some(((end + 5, kept + 2), is_cut))
    } else {
        *room.get_mut(kept)? = b'"';
        (rest[0] == b'"').then_some(((end + 1, kept + 1), is_cut))
    }
}

/// `"03:04:05.123456"`, with `+05:30` before the last quote or not.
#[inline(always)]
fn write_time<L: Level>(
    level: L,
    value: &Block,
    room: &mut Block,
) -> Option<((usize, usize), bool)> {
    let bytes = first_half(value);
    let unlike = level.unlike(&TIME, bytes);
    if unlike.trailing_zeros() < 9 {
        return None;
    }
    room[..32].copy_from_slice(bytes);
    let (end, kept, is_cut) = fraction::<9>(unlike, value)?;
    let rest: &[u8; 7] = value.get(end..)?.first_chunk()?;
    *room.get_mut(kept..)?.first_chunk_mut()? = *rest;
    match rest {
        [b'"', ..] => Some(((end + 1, kept + 1), is_cut)),
        [b'+' | b'-', h1, h2, b':', m1, m2, b'"']
            if [h1, h2, m1, m2].iter().all(|digit| digit.is_ascii_digit()) =>
        {
            Some(((end + 7, kept + 7), is_cut))
        }
        _ => None,
    }
}

/// Where the fraction of a second that may be at `START` ends in the page, where in the record,
/// which has nine of its digits, and whether other digits than 0 were cut. `unlike` are the bytes
/// that are no digits.
#[inline(always)]
fn fraction<const START: usize>(unlike: u32, value: &Block) -> Option<(usize, usize, bool)> {
    /// Nanoseconds are the finest that destinations read.
    const KEPT: usize = 9;
    if value[START] != b'.' {
        return Some((START, START, false));
    }
    let start = START + 1;
    let end = fraction_end(unlike, start, value)?;
    if end <= start + KEPT {
        return Some((end, end, false));
    }
    let cut = value.get(start + KEPT..end)?;
    let is_cut = cut.iter().any(|digit| *digit != b'0');
    Some((end, start + KEPT, is_cut))
}

/// Where the one to twelve digits from `start` end. `unlike` are the bytes that are no digits.
#[inline(always)]
pub(super) fn fraction_end(unlike: u32, start: usize, value: &Block) -> Option<usize> {
    let mut end = (unlike >> start << start).trailing_zeros() as usize;
    if end == simd::BYTES {
        end = digits_end(value);
    }
    (end > start && end <= start + 12).then_some(end)
}

/// Where digits end that go on in the second half of a block.
#[cold]
fn digits_end(value: &Block) -> usize {
    let digits = value.iter().skip(simd::BYTES);
    simd::BYTES + digits.take_while(|byte| byte.is_ascii_digit()).count()
}
