//! Values that do not lie within one block of the page: long strings, JSON, and numbers with many
//! digits or none.
//!
//! As in [`rows`](super::rows), `place` is where the value begins, and what is not of the usual
//! form is left.

use super::changes::{Change, Changes};
use super::json_scan::{self, Unfit};
use super::number;
use super::place::{Place, Step, Stop, accept, block, put, put_bytes, room};
use super::simd::{self, Level};

#[inline(always)]
pub(super) fn write_null(page: &[u8], out: &mut [u8], place: Place) -> Step {
    let null: &[u8; 4] = block(page, place.page)?;
    if null != b"null" {
        return Err(Stop::Odd);
    }
    put(out, place.out, null)?;
    Ok(place.copied(4))
}

/// `null` in place of a value with `length` bytes in the page.
fn write_nulled(length: usize, out: &mut [u8], place: Place, changes: &mut Changes) -> Step {
    put(out, place.out, b"null")?;
    changes.note(Change::Nulled);
    Ok(place.step(length, 4))
}

/// Copies a string with its quotes. The page has a quote here.
#[inline(always)]
pub(super) fn write_string<L: Level>(
    level: L,
    page: &[u8],
    out: &mut [u8],
    mut place: Place,
) -> Step {
    let mut passed = 1; // bytes at the start of the block that are read already
    loop {
        let bytes: &simd::Bytes = block(page, place.page)?;
        put(out, place.out, bytes)?;
        let marks = level.string_marks(bytes) >> passed << passed;
        if marks == 0 {
            place = place.copied(simd::BYTES);
            passed = 0;
            continue;
        }
        let mark = marks.trailing_zeros() as usize;
        place = place.copied(mark);
        match bytes[mark % simd::BYTES] {
            b'"' => return Ok(place.copied(1)),
            b'\\' => passed = json_scan::escape_length(&page[place.page..]).ok_or(Stop::Odd)?,
            _ => return Err(Stop::Odd),
        }
    }
}

/// Embeds the JSON in a string.
#[inline(always)]
pub(super) fn write_json_text<L: Level>(
    level: L,
    page: &[u8],
    out: &mut [u8],
    place: Place,
) -> Step {
    let mut has_line_ends = false;
    let end = unescape(level, page, out, place, |escape| {
        let character = match escape.first()? {
            byte @ (b'"' | b'\\' | b'/') => char::from(*byte),
            b't' => '\t',
            b'n' => '\n',
            b'r' => '\r',
            // `\b`, `\f` and `\u…` do not occur in JSON.
            _ => return None,
        };
        has_line_ends |= matches!(character, '\n' | '\r');
        Some((2, character))
    })?;
    let json = &mut out[place.out..end.out];
    match json_scan::is_json(level, json) {
        Ok(()) => {
            if has_line_ends {
                blank_line_ends(json);
            }
            Ok(end)
        }
        Err(Unfit::NotJson) => write_string(level, page, out, place),
        Err(Unfit::TooDeep) => Err(Stop::Odd),
    }
}

/// Writes the characters of a string. `escaped` gives the character of an escape sequence, which it
/// is given from behind its backslash on, and the length of the sequence; `None` leaves the value.
#[inline(always)]
pub(super) fn unescape<L: Level>(
    level: L,
    page: &[u8],
    out: &mut [u8],
    place: Place,
    mut escaped: impl FnMut(&[u8]) -> Option<(usize, char)>,
) -> Step {
    let mut place = accept(page, place, b'"')?;
    loop {
        let bytes: &simd::Bytes = block(page, place.page)?;
        put(out, place.out, bytes)?;
        let marks = level.string_marks(bytes);
        if marks == 0 {
            place = place.copied(simd::BYTES);
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

/// Embeds JSON that is no string.
#[inline(always)]
pub(super) fn write_json<L: Level>(level: L, page: &[u8], out: &mut [u8], place: Place) -> Step {
    let end = json_scan::value_end(level, page, place.page).map_err(|_| Stop::Odd)?;
    let json = &page[place.page..end];
    let is_blank = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
    if is_blank(json.first()) || is_blank(json.last()) {
        // Trino writes none; the exact path cuts them off.
        return Err(Stop::Odd);
    }
    let end = put_bytes(out, place.out, json)?;
    blank_line_ends(&mut out[place.out..end]);
    Ok(place.copied(json.len()))
}

/// In JSON line ends are nowhere but between tokens.
fn blank_line_ends(json: &mut [u8]) {
    for byte in json {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

/// A decimal longer than a block, or one without digits.
#[cold]
pub(super) fn write_long_decimal(
    page: &[u8],
    out: &mut [u8],
    place: Place,
    changes: &mut Changes,
) -> Step {
    let text = short_string(page, place.page)?;
    if number::is_number(text) {
        put_bytes(out, place.out, text)?;
        Ok(place.step(text.len() + 2, text.len()))
    } else if number::is_not_finite(text) {
        write_nulled(text.len() + 2, out, place, changes)
    } else {
        Err(Stop::Odd)
    }
}

#[cold]
pub(super) fn write_not_finite(
    page: &[u8],
    out: &mut [u8],
    place: Place,
    changes: &mut Changes,
) -> Step {
    let text = short_string(page, place.page)?;
    if number::is_not_finite(text) {
        write_nulled(text.len() + 2, out, place, changes)
    } else {
        Err(Stop::Odd)
    }
}

/// The characters of a string that has no escapes and is not very long.
fn short_string(page: &[u8], at: usize) -> Result<&[u8], Stop> {
    let text = page.get(at + 1..).ok_or(Stop::Odd)?;
    let end = text
        .iter()
        .take(1000)
        .position(|byte| *byte == b'"')
        .ok_or(Stop::Odd)?;
    Ok(&text[..end])
}
