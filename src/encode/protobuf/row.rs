//! The fast path: one pass over a row's bytes, which finds the cells and writes their values.
//!
//! The values are written one after the other in the order of the query's columns; whoever puts the
//! record together brings them into the order of the schema. At anything unusual it stops, and the
//! slow path writes the row.

use super::super::changes::Changes;
use super::super::place::{Place, Step, Stop, accept, block, put, room};
use super::super::short::BLOCK;
use super::super::{rows, simd};
use super::plan::{Form, ProtobufPlan};
use super::short;
use super::wire::{put_varint, tag, varint_length};

/// Bytes of a row in the page. The record of a longer one may be too large for a line of JSON, which
/// the slow path decides.
const LONGEST: usize = 8 * 1024 * 1024;

/// Bytes before the content of a short value.
const HEADER: usize = 4;

/// Writes the values of the row at `start` of the page to `out`, and to `ends` where each column's
/// value ends. Returns where the row ends in the page.
pub(super) fn write_values(
    plan: &ProtobufPlan,
    page: &[u8],
    start: usize,
    out: &mut [u8],
    ends: &mut [usize],
    changes: &mut Changes,
) -> Result<usize, Stop> {
    changes.start_record();
    let mut place = Place {
        page: start,
        out: 0,
    };
    let mut before = b'[';
    for (column, (form, end)) in plan.forms.iter().zip(ends).enumerate() {
        changes.start_column(column);
        let [found, value @ ..]: &[u8; 1 + BLOCK] = block(page, place.page)?;
        if *found != before {
            return Err(Stop::Odd);
        }
        before = b',';
        place.page += 1;
        let written = short::write(*form, value, room(out, place.out)?, changes);
        place = match written {
            Some((read, written)) => place.step(read, written),
            None => write_long(plan, column, *form, page, out, place, changes)?,
        };
        *end = place.out;
    }
    // A row without columns stays with the slow path.
    if before == b'[' {
        return Err(Stop::Odd);
    }
    let end = accept(page, place, b']')?.page;
    if end - start > LONGEST {
        return Err(Stop::Odd);
    }
    Ok(end)
}

/// Writes a value that is not short. Not inlined, so that the short ones keep the registers.
#[inline(never)]
fn write_long(
    plan: &ProtobufPlan,
    column: usize,
    form: Form,
    page: &[u8],
    out: &mut [u8],
    place: Place,
    changes: &mut Changes,
) -> Step {
    let content = place.step(0, HEADER);
    if form == Form::Text {
        let end = unescape(page, out, content)?;
        return close(out, place.out, end, tag::STRING);
    }
    if matches!(form, Form::TextOfJson | Form::TimeWithTimeZone) {
        return Err(Stop::Odd);
    }
    // The value as JSON is its content, or shows that there is none.
    let kind = plan.json_kind(column).ok_or(Stop::Odd)?;
    let end = rows::write_cell(kind, page, out, content, changes)?;
    let json = out.get(content.out..end.out).ok_or(Stop::Full)?;
    match (form, json) {
        (Form::LeftOut, _) => Ok(Place {
            page: end.page,
            out: place.out,
        }),
        (_, b"null") => {
            put(out, place.out, &[tag::VALUE, 0])?;
            Ok(Place {
                page: end.page,
                out: place.out + 2,
            })
        }
        (Form::Json, _) => close(out, place.out, end, tag::JSON),
        (Form::Decimal, _) => close(out, place.out, end, tag::BIG_DECIMAL),
        // Shorter ones may have 64 bits.
        (Form::Integer, [_, ..])
            if json.len() > 20 && json.iter().skip(1).all(u8::is_ascii_digit) =>
        {
            close(out, place.out, end, tag::BIG_INTEGER)
        }
        _ => Err(Stop::Odd),
    }
}

/// Writes what stands before the content of a value, which begins `HEADER` bytes after `start`, and
/// moves the content if that needs more room.
fn close(out: &mut [u8], start: usize, end: Place, case: u8) -> Step {
    let content = start + HEADER;
    let length = end.out - content;
    let value = 1 + varint_length(length as u64) + length;
    let header = 2 + varint_length(value as u64) + varint_length(length as u64);
    if header != HEADER {
        if start + header + length > out.len() {
            return Err(Stop::Full);
        }
        out.copy_within(content..end.out, start + header);
    }
    let room = out.get_mut(start..).ok_or(Stop::Full)?;
    let written = put_header(room, case, value as u64, length as u64);
    written.ok_or(Stop::Full)?;
    Ok(Place {
        page: end.page,
        out: start + header + length,
    })
}

fn put_header(room: &mut [u8], case: u8, value: u64, length: u64) -> Option<usize> {
    *room.first_mut()? = tag::VALUE;
    let at = put_varint(room, 1, value)?;
    *room.get_mut(at)? = case;
    put_varint(room, at + 1, length)
}

/// Writes the characters of a string.
fn unescape(page: &[u8], out: &mut [u8], place: Place) -> Step {
    let mut place = accept(page, place, b'"')?;
    loop {
        let bytes: &[u8; 16] = block(page, place.page)?;
        put(out, place.out, bytes)?;
        let marks = simd::string_marks(bytes);
        if marks == 0 {
            place = place.copied(16);
            continue;
        }
        place = place.copied(marks.trailing_zeros() as usize);
        let (length, character) = match &page[place.page..] {
            [b'"', ..] => return Ok(place.step(1, 0)),
            [b'\\', escape @ ..] => escaped(escape).ok_or(Stop::Odd)?,
            _ => return Err(Stop::Odd),
        };
        let room: &mut [u8; 4] = room(out, place.out)?;
        let written = character.encode_utf8(room).len();
        place = place.step(length, written);
    }
}

/// The character of an escape sequence, which follows its backslash, and the length of the sequence.
fn escaped(escape: &[u8]) -> Option<(usize, char)> {
    let character = match escape.first()? {
        byte @ (b'"' | b'\\' | b'/') => char::from(*byte),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(escape),
        _ => return None,
    };
    Some((2, character))
}

/// The character of `uXXXX`, or of a pair of them; half a pair is left to the slow path.
fn unicode(escape: &[u8]) -> Option<(usize, char)> {
    let first = unit(escape.get(1..5)?)?;
    if let Some(character) = char::from_u32(first) {
        return Some((6, character));
    }
    let second = escape.get(5..11)?.strip_prefix(b"\\u")?;
    let second = unit(second)?;
    let is_pair = (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(&second);
    let pair = 0x10000 + ((first & 0x3ff) << 10) + (second & 0x3ff);
    is_pair.then_some((12, char::from_u32(pair)?))
}

fn unit(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |unit, digit| {
        Some(unit << 4 | char::from(*digit).to_digit(16)?)
    })
}
