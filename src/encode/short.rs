//! Values that lie within one block of the page, as nearly all values do. Within a block of constant size, no index
//! needs a check.
//!
//! Each function takes the block that begins with the value and the room for it, and returns the lengths of what it read and
//! wrote; `None` if it is not sure of the value. It may write more of the room than it says.

use super::changes::{Change, Changes};
use super::plan::CellKind;
use super::simd;

/// Bytes of a block: enough for a `timestamp(12)` with its zone.
pub(super) const BLOCK: usize = 48;

type Block = [u8; BLOCK];

/// Bytes read and bytes written.
type Lengths = Option<(usize, usize)>;

/// Writes the value that `value` begins with.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "the innermost loop; a call would cost as much as most values"
)]
pub(super) fn write(
    kind: &CellKind,
    value: &Block,
    room: &mut Block,
    changes: &mut Changes,
) -> Lengths {
    match kind {
        CellKind::Integer => write_number::<false>(value, room),
        CellKind::Float => write_number::<true>(value, room),
        CellKind::Text => write_string(value, room),
        CellKind::Decimal => write_decimal(value, room),
        CellKind::Date => write_date(value, room),
        CellKind::Timestamp => write_timestamp::<false>(value, room, changes),
        CellKind::TimestampWithTimeZone => write_timestamp::<true>(value, room, changes),
        CellKind::Time => write_time(value, room, changes),
        CellKind::Boolean => write_boolean(value, room),
        CellKind::Json
        | CellKind::Variant
        | CellKind::Array(_)
        | CellKind::Map(_)
        | CellKind::Row(_) => None,
    }
}

#[inline]
fn copied(length: usize) -> (usize, usize) {
    (length, length)
}

#[inline]
fn write_null(value: &Block, room: &mut Block) -> Lengths {
    if value.starts_with(b"null") {
        room[..4].copy_from_slice(b"null");
        Some(copied(4))
    } else {
        None
    }
}

#[inline]
fn write_boolean(value: &Block, room: &mut Block) -> Lengths {
    room[..8].copy_from_slice(&value[..8]);
    match value {
        [b't', b'r', b'u', b'e', ..] | [b'n', b'u', b'l', b'l', ..] => Some(copied(4)),
        [b'f', b'a', b'l', b's', b'e', ..] => Some(copied(5)),
        _ => None,
    }
}

#[inline]
fn write_string(value: &Block, room: &mut Block) -> Lengths {
    if value[0] != b'"' {
        return write_null(value, room);
    }
    let mut known = 1; // the opening quote
    let blocks = value
        .as_chunks::<16>()
        .0
        .iter()
        .zip(room.as_chunks_mut::<16>().0);
    for (index, (bytes, room)) in blocks.enumerate() {
        *room = *bytes;
        let marks = simd::string_marks(bytes) & !known;
        if marks != 0 {
            let mark = marks.trailing_zeros() as usize % 16;
            return if bytes[mark] == b'"' {
                Some(copied(index * 16 + mark + 1))
            } else {
                None
            };
        }
        known = 0;
    }
    None
}

#[inline]
fn write_number<const FRACTION: bool>(value: &Block, room: &mut Block) -> Lengths {
    let (bytes, _) = value.split_first_chunk()?;
    match number_length::<FRACTION>(bytes) {
        Some(length) => {
            room[..32].copy_from_slice(bytes);
            Some(copied(length))
        }
        None => write_null(value, room),
    }
}

#[inline]
fn write_decimal(value: &Block, room: &mut Block) -> Lengths {
    let [b'"', digits @ ..] = value else {
        return write_number::<true>(value, room);
    };
    let (bytes, _) = digits.split_first_chunk()?;
    let length = number_length::<true>(bytes)?;
    room[..32].copy_from_slice(bytes);
    (bytes[length % 32] == b'"').then_some((length + 2, length))
}

/// The length of the JSON number that the block begins with, if it ends within the block.
///
/// What follows the number is not looked at.
#[inline]
pub(super) fn number_length<const FRACTION: bool>(bytes: &[u8; 32]) -> Option<usize> {
    let negative = bytes[0] == b'-';
    let start = usize::from(negative);
    // Bits of the bytes that are not digits, the sign left out.
    let mut marks = non_digits_32(bytes) & !u32::from(negative);
    let mut end = marks.trailing_zeros() as usize;
    if end == start || (bytes[start] == b'0' && end != start + 1) {
        return None;
    }
    if FRACTION {
        if *bytes.get(end)? == b'.' {
            marks &= marks.wrapping_sub(1);
            let fraction = end + 1;
            end = marks.trailing_zeros() as usize;
            if end == fraction {
                return None;
            }
        }
        if *bytes.get(end)? | 0x20 == b'e' {
            marks &= marks.wrapping_sub(1);
            let mut exponent = end + 1;
            if matches!(bytes.get(exponent)?, b'+' | b'-') {
                marks &= marks.wrapping_sub(1);
                exponent += 1;
            }
            end = marks.trailing_zeros() as usize;
            if end == exponent {
                return None;
            }
        }
    }
    (end < bytes.len()).then_some(end)
}

/// The non-digits among the first twenty bytes of `"2020-01-02 03:04:05`.
pub(super) const NON_DIGITS_OF_TIMESTAMP: u64 = 0b0010_0100_1001_0010_0001;

#[inline]
pub(super) fn non_digits_48(value: &Block) -> u64 {
    let (blocks, _) = value.as_chunks();
    u64::from(simd::non_digits(&blocks[0]))
        | u64::from(simd::non_digits(&blocks[1])) << 16
        | u64::from(simd::non_digits(&blocks[2])) << 32
}

#[inline]
pub(super) fn non_digits_32(bytes: &[u8; 32]) -> u32 {
    let (halves, _) = bytes.as_chunks();
    simd::non_digits(&halves[0]) | simd::non_digits(&halves[1]) << 16
}

/// `"2020-02-29"`
#[inline]
fn write_date(value: &Block, room: &mut Block) -> Lengths {
    let [b'"', year @ .., b'-', _, _, b'-', _, _, b'"'] = &value[..12] else {
        return write_null(value, room);
    };
    let (bytes, _) = value.split_first_chunk()?;
    room[..16].copy_from_slice(bytes);
    let digits_in_place = simd::non_digits(bytes) & 0xfff == 0b1001_0010_0001;
    (digits_in_place && year != b"0000").then_some((12, 12))
}

/// `"2020-01-02 03:04:05.123456"`, with ` UTC` before the last quote if `ZONE`.
#[inline]
fn write_timestamp<const ZONE: bool>(
    value: &Block,
    room: &mut Block,
    changes: &mut Changes,
) -> Lengths {
    let [
        b'"',
        year @ ..,
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
        return write_null(value, room);
    };
    let marks = non_digits_48(value);
    if marks & 0xf_ffff != NON_DIGITS_OF_TIMESTAMP || year == b"0000" {
        return None;
    }
    let (end, kept) = if *after == b'.' {
        let end = (marks >> 21 << 21).trailing_zeros() as usize;
        (end, kept_length(value, 21, end, changes)?)
    } else {
        (20, 20)
    };
    *room = *value;
    room[11] = b'T';
    let rest: &[u8; 5] = value.get(end..)?.first_chunk()?;
    if ZONE {
        *room.get_mut(kept..)?.first_chunk_mut()? = *b"Z\"";
        (rest == b" UTC\"").then_some((end + 5, kept + 2))
    } else {
        *room.get_mut(kept)? = b'"';
        (rest[0] == b'"').then_some((end + 1, kept + 1))
    }
}

/// `"03:04:05.123456"`, with `+05:30` before the last quote or not.
#[inline]
fn write_time(value: &Block, room: &mut Block, changes: &mut Changes) -> Lengths {
    let [b'"', _, _, b':', _, _, b':', _, _, after] = &value[..10] else {
        return write_null(value, room);
    };
    let (bytes, _) = value.split_first_chunk()?;
    let marks = non_digits_32(bytes);
    if marks & 0x1ff != 0b0_0100_1001 {
        return None;
    }
    let (end, kept) = if *after == b'.' {
        let end = (marks >> 10 << 10).trailing_zeros() as usize;
        (end, kept_length(value, 10, end, changes)?)
    } else {
        (9, 9)
    };
    *room = *value;
    let rest: &[u8; 7] = value.get(end..)?.first_chunk()?;
    *room.get_mut(kept..)?.first_chunk_mut()? = *rest;
    match rest {
        [b'"', ..] => Some((end + 1, kept + 1)),
        [b'+' | b'-', h1, h2, b':', m1, m2, b'"']
            if [h1, h2, m1, m2].iter().all(|digit| digit.is_ascii_digit()) =>
        {
            Some((end + 7, kept + 7))
        }
        _ => None,
    }
}

/// Where the record's fraction ends, whose digits in the page are at `start..end`; nine of them are kept.
#[inline]
fn kept_length(value: &Block, start: usize, end: usize, changes: &mut Changes) -> Option<usize> {
    const KEPT: usize = 9;
    if end == start || end > start + 12 {
        return None;
    }
    let cut = value.get(start + KEPT..end).unwrap_or_default();
    if cut.iter().any(|digit| *digit != b'0') {
        changes.note(Change::Truncated);
    }
    Some(end.min(start + KEPT))
}
