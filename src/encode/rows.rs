//! The fast path: one pass over a row's bytes, which finds the cells and writes them in the same
//! step.
//!
//! It takes rows as Trino writes them: without white space, and with the usual forms of dates and
//! numbers. At anything else it stops with [`Stop::Odd`](super::place::Stop). Then the part of the
//! row that it wrote is dropped, and the slow path writes the row or tells what is wrong. So this
//! file needs no error messages, and whatever it is not sure of only costs time.
//!
//! What is inlined always is compiled for the level of the processor ([`Work`]); functions that are
//! not would fall back to what every processor has.

use super::changes::{Change, Changes};
use super::place::{Place, Step, Stop, Written, accept, block, put, put_fixed, room};
use super::plan::{CellKind, FieldPlan, Fixed, MapPlan, RecordPlan, RowPlan, Short};
use super::simd::{Level, Work};
use super::tail::Tail;
use super::values::Values;
use super::{long, short};

/// Writes the lines of the row that `page` begins with and of those that follow, as long as they
/// are of the usual form.
pub(super) struct WriteLines<'a> {
    pub(super) plan: &'a RecordPlan,
    pub(super) tail: &'a mut Tail,
    pub(super) page: &'a [u8],
    pub(super) out: &'a mut [u8],
    pub(super) changes: &'a mut Changes,
}

impl Work for WriteLines<'_> {
    type Output = Written;

    #[inline(always)]
    fn run<L: Level>(self, level: L) -> Written {
        let (mut row, mut room) = (self.page, self.out);
        let (length, size) = (row.len(), room.len());
        let (mut rows, mut rest, mut left) = (0, row, size);
        let stop = loop {
            (rest, room) = match write_line(level, self.plan, self.tail, row, room, self.changes) {
                Ok(after) => after,
                Err(stop) => break Some(stop),
            };
            left = room.len();
            rows += 1;
            match rest {
                [b',', next @ ..] => row = next,
                _ => break None,
            }
        };
        Written {
            rows,
            place: Place {
                page: length - rest.len(),
                out: size - left,
            },
            stop,
        }
    }
}

/// Writes the line of the row that `page` begins with. Returns what is left of both.
#[inline(always)]
fn write_line<'p, 'o, L: Level>(
    level: L,
    plan: &RecordPlan,
    tail: &mut Tail,
    page: &'p [u8],
    out: &'o mut [u8],
    changes: &mut Changes,
) -> Result<(&'p [u8], &'o mut [u8]), Stop> {
    changes.start_record();
    let out = put_fixed(out, &plan.head)?;
    let (page, out) = write_members::<_, true>(level, &plan.row, page, out, changes)?;
    let out = if changes.is_empty() {
        put_fixed(out, &tail.unchanged)?
    } else {
        tail.put_changed(out, changes, &plan.names)?
    };
    Ok((page, out))
}

/// Writes the row that `page` begins with as an object, without its closing brace. Returns what is
/// left of both.
///
/// `TOP` says that the row's fields are the query's columns, for the changes.
#[inline(always)]
fn write_members<'p, 'o, L: Level, const TOP: bool>(
    level: L,
    plan: &RowPlan,
    page: &'p [u8],
    mut out: &'o mut [u8],
    changes: &mut Changes,
) -> Result<(&'p [u8], &'o mut [u8]), Stop> {
    // As much as the compiler believes that a key may need, which spares a check.
    const KEY: usize = u8::MAX as usize;
    let mut values = Values::new(level, page)?;
    let mut fields = plan.fields.iter();
    while let Some(field) = fields.next() {
        let room: &mut [u8; KEY + short::BLOCK] = out.first_chunk_mut().ok_or(Stop::Full)?;
        let (key, key_length) = field.key.last_block();
        room[..Fixed::BLOCK].copy_from_slice(key);
        let lengths = match room[key_length..].first_chunk_mut() {
            Some(room) => short::write(level, field.short, values.block()?, room),
            None => None,
        };
        let after_row = if let Some((read, written)) = lengths {
            // The remainder changes nothing, and tells the compiler that all of it lies within the
            // room.
            out = &mut out[key_length + written % short::BLOCK..];
            values.pass_short(level, read)?
        } else {
            if TOP {
                changes.start_column(field.index);
            }
            let end = write_field(level, field, values.rest(), out, changes)?;
            out = &mut out[end.out..];
            values.pass(level, end.page)?
        };
        if let Some(page) = after_row {
            let is_whole = fields.as_slice().is_empty();
            return is_whole.then_some((page, out)).ok_or(Stop::Odd);
        }
    }
    // A comma stands behind the last value, or there are no columns.
    Err(Stop::Odd)
}

/// Writes any value. `place` is where the value begins.
///
/// Not inlined, because values contain others.
#[inline(never)]
pub(super) fn write_cell<L: Level>(
    level: L,
    kind: &CellKind,
    page: &[u8],
    out: &mut [u8],
    place: Place,
    changes: &mut Changes,
) -> Step {
    let page = page.get(place.page..).ok_or(Stop::Odd)?;
    let out = out.get_mut(place.out..).ok_or(Stop::Full)?;
    let lengths = level.run(WriteCell {
        key: None,
        short: kind.short(),
        kind,
        page,
        out,
        changes,
    })?;
    Ok(place.step(lengths.page, lengths.out))
}

/// Writes a value within another. `place` is where the value begins.
#[inline(always)]
fn write_element<L: Level>(
    level: L,
    kind: &CellKind,
    page: &[u8],
    out: &mut [u8],
    place: Place,
    changes: &mut Changes,
) -> Step {
    let short = short::write(
        level,
        kind.short(),
        block(page, place.page)?,
        room(out, place.out)?,
    );
    match short {
        Some((read, written)) => Ok(place.step(read, written)),
        None => write_cell(level, kind, page, out, place, changes),
    }
}

/// Writes the key and the value of a field of which one is not [short]. `page` begins with the
/// value.
///
/// Not inlined, so that the short ones keep the registers.
#[inline(never)]
fn write_field<L: Level>(
    level: L,
    field: &FieldPlan,
    page: &[u8],
    out: &mut [u8],
    changes: &mut Changes,
) -> Step {
    let is_tried = field.short != Short::None;
    level.run(WriteCell {
        key: Some(&field.key),
        short: if is_tried {
            Short::None
        } else {
            field.kind.short()
        },
        kind: &field.kind,
        page,
        out,
        changes,
    })
}

/// Writes the value that `page` begins with, after its key. Gives the lengths.
struct WriteCell<'a> {
    key: Option<&'a Fixed>,
    /// How it is written if it is short; `None` if that was tried.
    short: Short,
    kind: &'a CellKind,
    page: &'a [u8],
    out: &'a mut [u8],
    changes: &'a mut Changes,
}

impl Work for WriteCell<'_> {
    type Output = Step;

    #[inline(always)]
    fn run<L: Level>(self, level: L) -> Step {
        let (kind, page) = (self.kind, self.page);
        let size = self.out.len();
        let out = match self.key {
            Some(key) => put_fixed(self.out, key)?,
            None => self.out,
        };
        let key_length = size - out.len();
        let value = page.first_chunk().ok_or(Stop::Odd)?;
        let room = out.first_chunk_mut().ok_or(Stop::Full)?;
        let end = match short::write(level, self.short, value, room) {
            Some((page, out)) => Place { page, out },
            None => write_long(level, kind, page, out, self.changes)?,
        };
        Ok(end.step(0, key_length))
    }
}

/// Writes the value that `page` begins with, which is not [short], or stops because the fast path
/// does not take it.
#[inline(always)]
fn write_long<L: Level>(
    level: L,
    kind: &CellKind,
    page: &[u8],
    out: &mut [u8],
    changes: &mut Changes,
) -> Step {
    let start = Place { page: 0, out: 0 };
    match (kind, page.first()) {
        (CellKind::Text, Some(b'"')) => long::write_string(level, page, out, start),
        (CellKind::Float, Some(b'"')) => long::write_not_finite(page, out, start, changes),
        (CellKind::Decimal, Some(b'"')) => long::write_long_decimal(page, out, start, changes),
        (CellKind::Array(element), Some(b'[')) => {
            write_array(level, element, page, out, start, changes)
        }
        (CellKind::Map(map), Some(b'{')) => write_map(level, map, page, out, start, changes),
        (CellKind::Row(row), Some(b'[')) => write_row(level, row, page, out, changes),
        (CellKind::Json, Some(b'"')) => long::write_json_text(level, page, out, start),
        (CellKind::Json | CellKind::Variant, Some(first)) if !first.is_ascii_whitespace() => {
            long::write_json(level, page, out, start)
        }
        (CellKind::Array(_) | CellKind::Map(_) | CellKind::Row(_), Some(b'n')) => {
            long::write_null(page, out, start)
        }
        (CellKind::Time | CellKind::Timestamp | CellKind::TimestampWithTimeZone, Some(b'"')) => {
            write_cut_time(level, kind, page, out, changes)
        }
        _ => Err(Stop::Odd),
    }
}

/// Writes the row that `page` begins with as an object.
#[inline(always)]
fn write_row<L: Level>(
    level: L,
    plan: &RowPlan,
    page: &[u8],
    out: &mut [u8],
    changes: &mut Changes,
) -> Step {
    let (length, room) = (page.len(), out.len());
    let (rest, out) = write_members::<_, false>(level, plan, page, out, changes)?;
    *out.first_mut().ok_or(Stop::Full)? = b'}';
    Ok(Place {
        page: length - rest.len(),
        out: room - out.len() + 1,
    })
}

/// A time with more digits than a record has.
#[inline(always)]
fn write_cut_time<L: Level>(
    level: L,
    kind: &CellKind,
    page: &[u8],
    out: &mut [u8],
    changes: &mut Changes,
) -> Step {
    let room = out.first_chunk_mut().ok_or(Stop::Full)?;
    let written = short::write_time_or_null(level, kind.short(), block(page, 0)?, room);
    let ((page, out), is_cut) = written.ok_or(Stop::Odd)?;
    if is_cut {
        changes.note(Change::Truncated);
    }
    Ok(Place { page, out })
}

#[inline(always)]
fn write_array<L: Level>(
    level: L,
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
            place = write_element(level, element, page, out, place, changes)?;
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

#[inline(always)]
fn write_map<L: Level>(
    level: L,
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
            place = long::write_string(level, page, out, place)?;
            place = accept(page, place, b':')?;
            put(out, place.out, b":")?;
            place = write_element(level, &map.value, page, out, place.step(0, 1), changes)?;
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
