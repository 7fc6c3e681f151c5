//! Values that lie within one block of the page, as nearly all values do: no index needs a check
//! that the compiler cannot leave out.
//!
//! Each function takes the block that begins with the value and the room for its message, and
//! returns the lengths of what it read and wrote; `None` if it is not sure of the value. It may
//! write more of the room than it says.

use std::hint::cold_path;

use super::super::short::{first_half, number_length};
use super::super::simd::{self, Level};
use super::plan::Form;
use super::room::{Block, Lengths, Room, put_header, put_number};
use super::wire::{tag, zigzag};
use super::{digits, temporal};

/// Writes the value that `value` begins with, as one field `data` of the record.
#[inline(always)]
pub(super) fn write<L: Level>(level: L, form: Form, value: &Block, room: &mut Room) -> Lengths {
    let written = match form {
        Form::Integer => write_integer(level, value, room),
        Form::Double => write_double(level, value, room),
        Form::Decimal => write_decimal(level, value, room),
        Form::Text => write_text(level, value, room),
        Form::Date => temporal::write_date(level, value, room),
        Form::Boolean => write_boolean(value, room),
        Form::Time | Form::TimeWithTimeZone | Form::Timestamp | Form::TimestampWithTimeZone => {
            match temporal::write(level, form, value, room) {
                Some((lengths, false)) => Some(lengths),
                Some((_, true)) | None => None,
            }
        }
        Form::TextOfJson | Form::Json => None,
        Form::LeftOut => return value.starts_with(b"null").then_some((4, 0)),
    };
    written.or_else(|| write_null(value, room))
}

/// A value without a case.
#[inline(always)]
fn write_null(value: &Block, room: &mut Room) -> Lengths {
    if !value.starts_with(b"null") {
        return None;
    }
    [room[0], room[1]] = [tag::VALUE, 0];
    Some((4, 2))
}

#[inline(always)]
fn write_boolean(value: &Block, room: &mut Room) -> Lengths {
    let (length, boolean) = match value {
        [b't', b'r', b'u', b'e', ..] => (4, 1),
        [b'f', b'a', b'l', b's', b'e', ..] => (5, 0),
        _ => return None,
    };
    [room[0], room[1], room[2], room[3]] = [tag::VALUE, 2, tag::BOOLEAN, boolean];
    Some((length, 4))
}

#[inline(always)]
fn write_integer<L: Level>(level: L, value: &Block, room: &mut Room) -> Lengths {
    if let Some(lengths) = write_plain_integer(level, value, room) {
        return Some(lengths);
    }
    let quotes = usize::from(value[0] == b'"');
    let bytes: &[u8; 32] = value.get(quotes..)?.first_chunk()?;
    let length = number_length::<_, false>(level, bytes)?;
    let written = put_number(
        room,
        tag::INTEGER,
        zigzag(parse_integer(level, bytes, length)?),
    )?;
    let is_closed = quotes == 0 || bytes.get(length) == Some(&b'"');
    is_closed.then_some((length + 2 * quotes, written))
}

/// An integer of one to eight digits without a sign.
#[inline(always)]
fn write_plain_integer<L: Level>(level: L, value: &Block, room: &mut Room) -> Lengths {
    let bytes = first_half(value);
    let length = level.non_digits(bytes).trailing_zeros() as usize;
    if !(1..=8).contains(&length) || bytes[0] == b'0' && length != 1 {
        return None;
    }
    let number = level.number(bytes.first_chunk()?, length, 0);
    Some((length, put_number(room, tag::INTEGER, number << 1)?))
}

/// A number of 64 bits. The bytes begin with a JSON number of this length without fraction and
/// exponent.
#[inline(always)]
fn parse_integer<L: Level>(level: L, bytes: &simd::Bytes, length: usize) -> Option<i64> {
    let is_negative = bytes[0] == b'-';
    let start = usize::from(is_negative);
    let length = length - start;
    let number = if length <= 16 {
        level.number(bytes.get(start..)?.first_chunk()?, length, 0)
    } else {
        digits::up_to_nineteen(bytes.get(start..start + length)?)?
    };
    if is_negative {
        0_i64.checked_sub_unsigned(number)
    } else {
        i64::try_from(number).ok()
    }
}

#[inline(always)]
fn write_double<L: Level>(level: L, value: &Block, room: &mut Room) -> Lengths {
    let bytes = first_half(value);
    let (length, double) = match plain_double(level, bytes) {
        Some(found) => found,
        None => other_double(level, value)?,
    };
    [room[0], room[1], room[2]] = [tag::VALUE, 9, tag::NUMBER];
    room[3..11].copy_from_slice(&double.to_le_bytes());
    Some((length, 11))
}

/// The length and value of a number with a point and up to 15 digits, without a sign. Of two
/// numbers that doubles have exactly, the quotient is the nearest double.
#[inline(always)]
fn plain_double<L: Level>(level: L, bytes: &simd::Bytes) -> Option<(usize, f64)> {
    /// The powers of ten, which doubles have exactly.
    const POWERS: [f64; 16] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let marks = level.non_digits(bytes);
    let whole = marks.trailing_zeros() as usize;
    let end = (marks & marks.wrapping_sub(1)).trailing_zeros() as usize;
    #[expect(
        clippy::needless_bitwise_bool,
        reason = "a branch would make the code behind it twice"
    )]
    let is_plain = whole > 0
        && end > whole + 1
        && end <= 16
        && bytes[whole % simd::BYTES] == b'.'
        && bytes[end % simd::BYTES] != b'E'
        && (bytes[0] != b'0') | (whole == 1);
    if !is_plain {
        return None;
    }
    let fraction = end - whole - 1;
    let digits = level.number(bytes.first_chunk()?, whole, fraction);
    // Processors without AVX-512 have an instruction for numbers with a sign only.
    #[expect(clippy::cast_precision_loss, reason = "15 digits are less than 2^53")]
    let quotient = digits.cast_signed() as f64 / POWERS[fraction % POWERS.len()];
    Some((end, quotient))
}

/// The same of a number that is not plain by itself.
#[inline(always)]
fn other_double<L: Level>(level: L, value: &Block) -> Option<(usize, f64)> {
    cold_path();
    if let [b'-', unsigned @ ..] = value
        && let Some((length, double)) = plain_double(level, unsigned.first_chunk()?)
    {
        return Some((length + 1, -double));
    }
    any_double(level, first_half(value))
}

/// The length and value of any number that ends within the block.
#[cold]
fn any_double<L: Level>(level: L, bytes: &simd::Bytes) -> Option<(usize, f64)> {
    let length = number_length::<_, true>(level, bytes)?;
    let text = str::from_utf8(bytes.get(..length)?).ok()?;
    let double: f64 = text.parse().ok()?;
    double.is_finite().then_some((length, double))
}

#[inline(always)]
fn write_decimal<L: Level>(level: L, value: &Block, room: &mut Room) -> Lengths {
    let quotes = usize::from(value[0] == b'"');
    let bytes: &[u8; 32] = value.get(quotes..)?.first_chunk()?;
    let length = number_length::<_, true>(level, bytes)?;
    room[4..36].copy_from_slice(bytes);
    put_header(room, tag::BIG_DECIMAL, length);
    let is_closed = quotes == 0 || bytes.get(length) == Some(&b'"');
    is_closed.then_some((length + 2 * quotes, length + 4))
}

#[inline(always)]
fn write_text<L: Level>(level: L, value: &Block, room: &mut Room) -> Lengths {
    if value[0] != b'"' {
        return None;
    }
    let ([first, second], _) = value.as_chunks() else {
        return None;
    };
    // The opening quote is at 3, where the header ends that is written last.
    let (first_room, second_room) = room[3..].split_first_chunk_mut()?;
    *first_room = *first;
    let marks = level.string_marks(first) & !1;
    let length = if marks != 0 {
        let mark = marks.trailing_zeros() as usize % simd::BYTES;
        if first[mark] != b'"' {
            return None;
        }
        mark - 1
    } else {
        *second_room.first_chunk_mut()? = *second;
        let marks = level.string_marks(second);
        let mark = marks.trailing_zeros() as usize % simd::BYTES;
        if marks == 0 || second[mark] != b'"' {
            return None;
        }
        simd::BYTES + mark - 1
    };
    put_header(room, tag::STRING, length);
    Some((length + 2, length + 4))
}
