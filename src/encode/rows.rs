//! The fast path: one pass over a row's bytes, which finds the cells and writes them in the same step.
//!
//! It takes rows as Trino writes them: without white space, and with the usual forms of dates and numbers. At anything
//! else it stops with [`Stop::Odd`](super::place::Stop). Then the part of the row that it wrote is dropped, and the
//! slow path writes the row or tells what is wrong. So this file needs no error messages, and whatever it is not sure
//! of only costs time.

use super::changes::{Change, Changes};
use super::json_scan::Unfit;
use super::number;
use super::place::{Place, Step, Stop, accept, block, put, put_bytes, put_fixed, room};
use super::plan::{CellKind, Fixed, MapPlan, RecordPlan, RowPlan};
use super::{json_scan, short, simd};

/// Writes the line of the row at `place`, up to the end of `data` without its closing brace.
pub(super) fn write_record(
    plan: &RecordPlan,
    page: &[u8],
    out: &mut [u8],
    mut place: Place,
    changes: &mut Changes,
) -> Step {
    changes.start_record();
    place.out = put_fixed(out, place.out, &plan.head)?;
    write_members::<true>(&plan.row, page, out, place, changes)
}

/// Writes the row at `place` as an object, without its closing brace.
///
/// `TOP` says that the row's fields are the query's columns, for the changes.
fn write_members<const TOP: bool>(
    plan: &RowPlan,
    page: &[u8],
    out: &mut [u8],
    mut place: Place,
    changes: &mut Changes,
) -> Step {
    const KEY: usize = Fixed::BLOCK;
    let mut before = b'[';
    for (index, field) in plan.fields.iter().enumerate() {
        if TOP {
            changes.start_column(index);
        }
        for block in field.key.whole_blocks() {
            put(out, place.out, block)?;
            place.out += KEY;
        }
        // One check covers all parts of a short cell: the byte before it, the key and the value.
        let [found, value @ ..]: &[u8; 1 + short::BLOCK] = block(page, place.page)?;
        if *found != before {
            return Err(Stop::Odd);
        }
        before = b',';
        let room: &mut [u8; KEY + short::BLOCK] = room(out, place.out)?;
        let (key, key_length) = field.key.last_block();
        room[..KEY].copy_from_slice(key);
        place = place.step(1, key_length);
        let written = match room[key_length..].first_chunk_mut() {
            Some(room) => short::write(&field.kind, value, room, changes),
            None => None,
        };
        place = match written {
            Some((read, written)) => place.step(read, written),
            None => write_long(&field.kind, page, out, place, changes)?,
        };
    }
    // A row without fields stays with the slow path.
    if before == b'[' {
        Err(Stop::Odd)
    } else {
        accept(page, place, b']')
    }
}

/// Writes any value. `place` is where the value begins.
pub(super) fn write_cell(
    kind: &CellKind,
    page: &[u8],
    out: &mut [u8],
    place: Place,
    changes: &mut Changes,
) -> Step {
    let value = block(page, place.page)?;
    match short::write(kind, value, room(out, place.out)?, changes) {
        Some((read, written)) => Ok(place.step(read, written)),
        None => write_long(kind, page, out, place, changes),
    }
}

/// Writes a value that is not [short], or stops because the fast path does not take it.
///
/// Not inlined, so that the short ones keep the registers.
#[inline(never)]
fn write_long(
    kind: &CellKind,
    page: &[u8],
    out: &mut [u8],
    place: Place,
    changes: &mut Changes,
) -> Step {
    match (kind, page.get(place.page)) {
        (CellKind::Text, Some(b'"')) => write_string(page, out, place),
        (CellKind::Float, Some(b'"')) => write_not_finite(page, out, place, changes),
        (CellKind::Decimal, Some(b'"')) => write_long_decimal(page, out, place, changes),
        (CellKind::Array(element), Some(b'[')) => write_array(element, page, out, place, changes),
        (CellKind::Map(map), Some(b'{')) => write_map(map, page, out, place, changes),
        (CellKind::Row(row), Some(b'[')) => {
            let place = write_members::<false>(row, page, out, place, changes)?;
            put(out, place.out, b"}")?;
            Ok(place.step(0, 1))
        }
        (CellKind::Json, Some(b'"')) => write_json_text(page, out, place),
        (CellKind::Json | CellKind::Variant, Some(first)) if !first.is_ascii_whitespace() => {
            write_json(page, out, place)
        }
        (CellKind::Array(_) | CellKind::Map(_) | CellKind::Row(_), Some(b'n')) => {
            write_null(page, out, place)
        }
        _ => Err(Stop::Odd),
    }
}

#[inline]
fn write_null(page: &[u8], out: &mut [u8], place: Place) -> Step {
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
#[inline]
fn write_string(page: &[u8], out: &mut [u8], mut place: Place) -> Step {
    let mut known = 1; // bytes at the start of the block that are read already
    loop {
        let bytes: &[u8; 16] = block(page, place.page)?;
        put(out, place.out, bytes)?;
        let marks = simd::string_marks(bytes) >> known << known;
        if marks == 0 {
            place = place.copied(16);
            known = 0;
            continue;
        }
        let mark = marks.trailing_zeros() as usize;
        place = place.copied(mark);
        match bytes[mark & 15] {
            b'"' => return Ok(place.copied(1)),
            b'\\' => known = json_scan::escape_length(&page[place.page..]).ok_or(Stop::Odd)?,
            _ => return Err(Stop::Odd),
        }
    }
}

/// Embeds the JSON in a string.
fn write_json_text(page: &[u8], out: &mut [u8], place: Place) -> Step {
    let (end, has_line_ends) = unescape(page, out, place)?;
    let json = &mut out[place.out..end.out];
    match json_scan::is_json(json) {
        Ok(()) => {
            if has_line_ends {
                blank_line_ends(json);
            }
            Ok(end)
        }
        Err(Unfit::NotJson) => write_string(page, out, place),
        Err(Unfit::TooDeep) => Err(Stop::Odd),
    }
}

/// Writes the characters of a string; says too whether there are line ends among them.
fn unescape(page: &[u8], out: &mut [u8], mut place: Place) -> Result<(Place, bool), Stop> {
    let mut has_line_ends = false;
    place.page += 1;
    loop {
        let bytes: &[u8; 16] = block(page, place.page)?;
        put(out, place.out, bytes)?;
        let marks = simd::string_marks(bytes);
        if marks == 0 {
            place = place.copied(16);
            continue;
        }
        place = place.copied(marks.trailing_zeros() as usize);
        let character = match &page[place.page..] {
            [b'"', ..] => return Ok((place.step(1, 0), has_line_ends)),
            [b'\\', character @ (b'"' | b'\\' | b'/'), ..] => *character,
            [b'\\', b't', ..] => b'\t',
            [b'\\', b'n', ..] => b'\n',
            [b'\\', b'r', ..] => b'\r',
            // `\b`, `\f` and `\u…` do not occur in JSON.
            _ => return Err(Stop::Odd),
        };
        has_line_ends |= matches!(character, b'\n' | b'\r');
        put(out, place.out, &[character])?;
        place = place.step(2, 1);
    }
}

/// Embeds JSON that is no string.
fn write_json(page: &[u8], out: &mut [u8], place: Place) -> Step {
    let end = json_scan::value_end(page, place.page).map_err(|_| Stop::Odd)?;
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
fn write_long_decimal(page: &[u8], out: &mut [u8], place: Place, changes: &mut Changes) -> Step {
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
fn write_not_finite(page: &[u8], out: &mut [u8], place: Place, changes: &mut Changes) -> Step {
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

fn write_array(
    element: &CellKind,
    page: &[u8],
    out: &mut [u8],
    mut place: Place,
    changes: &mut Changes,
) -> Step {
    put(out, place.out, b"[")?;
    place = place.copied(1);
    if page.get(place.page) != Some(&b']') {
        loop {
            place = write_cell(element, page, out, place, changes)?;
            if page.get(place.page) != Some(&b',') {
                break;
            }
            put(out, place.out, b",")?;
            place = place.copied(1);
        }
    }
    place = accept(page, place, b']')?;
    put(out, place.out, b"]")?;
    Ok(place.step(0, 1))
}

fn write_map(
    map: &MapPlan,
    page: &[u8],
    out: &mut [u8],
    mut place: Place,
    changes: &mut Changes,
) -> Step {
    if map.keys_may_repeat {
        return Err(Stop::Odd);
    }
    put(out, place.out, b"{")?;
    place = place.copied(1);
    if page.get(place.page) != Some(&b'}') {
        loop {
            if page.get(place.page) != Some(&b'"') {
                return Err(Stop::Odd);
            }
            place = write_string(page, out, place)?;
            place = accept(page, place, b':')?;
            put(out, place.out, b":")?;
            place = write_cell(&map.value, page, out, place.step(0, 1), changes)?;
            if page.get(place.page) != Some(&b',') {
                break;
            }
            put(out, place.out, b",")?;
            place = place.copied(1);
        }
    }
    place = accept(page, place, b'}')?;
    put(out, place.out, b"}")?;
    Ok(place.step(0, 1))
}
