//! The fast path: one pass over a row's bytes, which finds the cells and writes their values.
//!
//! The values are written one after the other in the order of the query's columns; whoever puts the
//! record together brings them into the order of the schema. At anything unusual it stops, and the
//! slow path writes the row.

use super::super::changes::{Change, Changes};
use super::super::place::{Place, Step, Stop, Written, block, put, put_bytes, put_fixed};
use super::super::plan::Fixed;
use super::super::simd::{Level, Work};
use super::super::values::Values;
use super::super::{long, rows};
use super::message::{USUAL_LENGTHS, inner_length, push_meta, put_lengths, usual_lengths};
use super::plan::{Form, ProtobufPlan};
use super::room::ROOM;
use super::wire::{put_varint, tag, varint_length};
use super::{short, temporal};

/// Bytes of a row in the page. The record of a longer one may be too large for a line of JSON,
/// which the slow path decides.
const LONGEST: usize = 8 * 1024 * 1024;

/// Bytes before the content of a short value.
const HEADER: usize = 4;

/// Writes the values of the row that `page` begins with to `out`, and to `ends` where each column's
/// value ends. Returns the length of the row in the page.
pub(super) struct WriteValues<'a> {
    pub(super) plan: &'a ProtobufPlan,
    pub(super) page: &'a [u8],
    pub(super) out: &'a mut [u8],
    pub(super) ends: &'a mut [usize],
    pub(super) changes: &'a mut Changes,
}

impl Work for WriteValues<'_> {
    type Output = Result<usize, Stop>;

    #[inline(always)]
    fn run<L: Level>(self, level: L) -> Self::Output {
        let mut ends = self.ends.iter_mut();
        let note = |end| {
            if let Some(place) = ends.next() {
                *place = end;
            }
        };
        let (rest, _) = write_values(level, self.plan, self.page, self.out, self.changes, note)?;
        Ok(self.page.len() - rest.len())
    }
}

/// Writes the messages of the row that `page` begins with and of those that follow, as long as they
/// are of the usual form. The columns have the order of the schema.
pub(super) struct WriteRecords<'a> {
    pub(super) plan: &'a ProtobufPlan,
    /// The constant start of a record.
    pub(super) prefix: &'a Fixed,
    pub(super) page: &'a [u8],
    pub(super) out: &'a mut [u8],
    pub(super) changes: &'a mut Changes,
    /// Memory for what a record says about its values.
    pub(super) meta: &'a mut Vec<u8>,
}

impl Work for WriteRecords<'_> {
    type Output = Written;

    #[inline(always)]
    fn run<L: Level>(self, level: L) -> Written {
        let (mut row, mut out) = (self.page, self.out);
        let (length, size) = (row.len(), out.len());
        let (mut rows, mut rest, mut left) = (0, row, size);
        let stop = loop {
            let (changes, meta) = (&mut *self.changes, &mut *self.meta);
            (rest, out) = match write_record(level, self.plan, self.prefix, row, out, changes, meta)
            {
                Ok(after) => after,
                Err(stop) => break Some(stop),
            };
            left = out.len();
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

/// Writes the message of the row that `page` begins with. Returns what is left of both.
///
/// The lengths before the values are not known until the values are written. They are taken to be
/// as long as those of most records are.
#[inline(always)]
fn write_record<'p, 'o, L: Level>(
    level: L,
    plan: &ProtobufPlan,
    prefix: &Fixed,
    page: &'p [u8],
    out: &'o mut [u8],
    changes: &mut Changes,
    meta: &mut Vec<u8>,
) -> Result<(&'p [u8], &'o mut [u8]), Stop> {
    let size = out.len();
    let rest = out.get_mut(USUAL_LENGTHS..).ok_or(Stop::Full)?;
    let rest = put_fixed(rest, prefix)?;
    let (page, rest) = write_values(level, plan, page, rest, changes, |_| {})?;
    let mut end = size - rest.len();
    if !changes.is_empty() {
        end = put_meta(out, end, plan, changes, meta)?;
    }
    match usual_lengths(end - USUAL_LENGTHS) {
        Some(lengths) => *out.first_chunk_mut().ok_or(Stop::Full)? = lengths,
        None => end = put_other_lengths(out, end)?,
    }
    Ok((page, &mut out[end..]))
}

/// Writes what the record says about its values to `at`, and returns where that ends.
#[cold]
fn put_meta(
    out: &mut [u8],
    at: usize,
    plan: &ProtobufPlan,
    changes: &Changes,
    meta: &mut Vec<u8>,
) -> Result<usize, Stop> {
    meta.clear();
    push_meta(changes, plan, meta);
    put_bytes(out, at, meta)
}

/// Writes lengths that are not as long as usual before the record that ends at `end`, which is
/// moved; returns where it ends then.
#[inline(never)]
fn put_other_lengths(out: &mut [u8], end: usize) -> Result<usize, Stop> {
    let record = end - USUAL_LENGTHS;
    let inner = inner_length(record);
    let start = varint_length(inner as u64) + inner - record;
    if start + record > out.len() {
        return Err(Stop::Full);
    }
    out.copy_within(USUAL_LENGTHS..end, start);
    put_lengths(out, inner, record).ok_or(Stop::Full)?;
    Ok(start + record)
}

/// Writes the values of the row that `page` begins with, and tells after each how many bytes all
/// have. Returns what is left of both.
#[inline(always)]
fn write_values<'p, 'o, L: Level>(
    level: L,
    plan: &ProtobufPlan,
    row: &'p [u8],
    mut out: &'o mut [u8],
    changes: &mut Changes,
    mut note: impl FnMut(usize),
) -> Result<(&'p [u8], &'o mut [u8]), Stop> {
    let size = out.len();
    changes.start_record();
    let mut values = Values::new(level, row)?;
    let mut forms = plan.forms.iter();
    while let Some(form) = forms.next() {
        let room = out.first_chunk_mut().ok_or(Stop::Full)?;
        let after_row =
            if let Some((read, written)) = short::write(level, *form, values.block()?, room) {
                out = &mut out[written % ROOM..];
                values.pass_short(level, read)?
            } else {
                let column = plan.forms.len() - forms.as_slice().len() - 1;
                changes.start_column(column);
                let (read, written) = write_long(level, plan, column, values.rest(), out, changes)?;
                out = &mut out[written..];
                values.pass(level, read)?
            };
        note(size - out.len());
        if let Some(page) = after_row {
            let is_whole = forms.as_slice().is_empty() && row.len() - page.len() <= LONGEST;
            return is_whole.then_some((page, out)).ok_or(Stop::Odd);
        }
    }
    // A comma stands behind the last value, or there are no columns.
    Err(Stop::Odd)
}

/// Writes a value that is not short. Not inlined, so that the short ones keep the registers.
#[inline(never)]
fn write_long<L: Level>(
    level: L,
    plan: &ProtobufPlan,
    column: usize,
    page: &[u8],
    out: &mut [u8],
    changes: &mut Changes,
) -> Result<(usize, usize), Stop> {
    let form = plan.forms[column];
    if matches!(
        form,
        Form::Time | Form::TimeWithTimeZone | Form::Timestamp | Form::TimestampWithTimeZone
    ) {
        return write_cut_time(level, form, page, out, changes);
    }
    let content = Place {
        page: 0,
        out: HEADER,
    };
    if form == Form::Text {
        let end = level.run(Unescape { page, out, content })?;
        return close(out, end, tag::STRING);
    }
    if form == Form::TextOfJson {
        return Err(Stop::Odd);
    }
    // The value as JSON is its content, or shows that there is none.
    let kind = plan.json_kind(column).ok_or(Stop::Odd)?;
    let end = rows::write_cell(level, kind, page, out, content, changes)?;
    let json = out.get(HEADER..end.out).ok_or(Stop::Full)?;
    match (form, json) {
        (Form::LeftOut, _) => Ok((end.page, 0)),
        (_, b"null") => {
            put(out, 0, &[tag::VALUE, 0])?;
            Ok((end.page, 2))
        }
        (Form::Json, _) => close(out, end, tag::JSON),
        (Form::Decimal, _) => close(out, end, tag::BIG_DECIMAL),
        // Shorter ones may have 64 bits.
        (Form::Integer, [_, ..])
            if json.len() > 20 && json.iter().skip(1).all(u8::is_ascii_digit) =>
        {
            close(out, end, tag::BIG_INTEGER)
        }
        _ => Err(Stop::Odd),
    }
}

/// Writes a time with more digits than a message has.
fn write_cut_time<L: Level>(
    level: L,
    form: Form,
    page: &[u8],
    out: &mut [u8],
    changes: &mut Changes,
) -> Result<(usize, usize), Stop> {
    let room = out.first_chunk_mut().ok_or(Stop::Full)?;
    let written = temporal::write(level, form, block(page, 0)?, room);
    let (lengths, is_cut) = written.ok_or(Stop::Odd)?;
    if is_cut {
        changes.note(Change::Truncated);
    }
    Ok(lengths)
}

/// Writes what stands before the content of a value, which begins after `HEADER` bytes of `out`,
/// and moves the content if that needs more room. Returns the lengths of both.
fn close(out: &mut [u8], end: Place, case: u8) -> Result<(usize, usize), Stop> {
    let length = end.out - HEADER;
    let value = 1 + varint_length(length as u64) + length;
    let header = 2 + varint_length(value as u64) + varint_length(length as u64);
    if header != HEADER {
        if header + length > out.len() {
            return Err(Stop::Full);
        }
        out.copy_within(HEADER..end.out, header);
    }
    let written = put_header(out, case, value as u64, length as u64);
    written.ok_or(Stop::Full)?;
    Ok((end.page, header + length))
}

fn put_header(room: &mut [u8], case: u8, value: u64, length: u64) -> Option<usize> {
    *room.first_mut()? = tag::VALUE;
    let at = put_varint(room, 1, value)?;
    *room.get_mut(at)? = case;
    put_varint(room, at + 1, length)
}

/// Writes the characters of the string at `content`.
struct Unescape<'a> {
    page: &'a [u8],
    out: &'a mut [u8],
    content: Place,
}

impl Work for Unescape<'_> {
    type Output = Step;

    #[inline(always)]
    fn run<L: Level>(self, level: L) -> Step {
        long::unescape(level, self.page, self.out, self.content, escaped)
    }
}

/// The character of an escape sequence, which follows its backslash, and the length of the
/// sequence.
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
