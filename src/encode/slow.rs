//! The exact and patient way to write a row: serde finds the cells, each kind has its writer.
//!
//! It takes every row that the fast path does not, and is what the fast path is tested against. No
//! tree of values is made: a cell is a slice of the page. Recursion follows the column's type,
//! whose depth is limited, never the data.

use std::borrow::Cow;
use std::ops::Range;

use super::changes::{Change, Changes};
use super::nested::{Stop, elements, write_array, write_map, write_object};
use super::plan::{CellKind, RowPlan};
use super::temporal::{self, Fidelity};
use super::{json_text, number};

/// A cell whose JSON is not of its column's type.
#[derive(Debug)]
pub(super) struct Mismatch {
    /// What the type has: "an integer".
    pub(super) expected: Cow<'static, str>,
    /// The start of what was there.
    pub(super) found: String,
}

impl Mismatch {
    pub(super) fn new(expected: impl Into<Cow<'static, str>>, found: &str) -> Self {
        Self {
            expected: expected.into(),
            found: excerpt(found),
        }
    }
}

/// Why a row could not be written.
#[derive(Debug)]
pub(super) enum RowError {
    /// No JSON at this byte of the text, while this column was read.
    Syntax { column: usize, at: usize },
    /// The row has this many values, and the query another number of columns.
    Length(usize),
    /// The cell of this column does not fit.
    Cell { column: usize, mismatch: Mismatch },
}

/// Writes the row that `text` begins with as an object, without its closing brace; returns the
/// length of the row's text.
///
/// `lossy` says that bytes of the page were replaced by U+FFFD, so that cells with one are not what
/// the server has. `cells` tells where in `out` the columns' values are.
pub(super) fn write_row(
    plan: &RowPlan,
    text: &str,
    lossy: bool,
    changes: &mut Changes,
    out: &mut Vec<u8>,
    cells: &mut Vec<Range<usize>>,
) -> Result<usize, RowError> {
    cells.clear();
    let mut count = 0;
    let end = elements(text, &mut |raw| {
        if let Some(field) = plan.fields.get(count) {
            field.key.append_to(out);
            changes.start_column(count);
            let start = out.len();
            write_cell(&field.kind, raw, changes, out)?;
            cells.push(start..out.len());
            if lossy && raw.contains(char::REPLACEMENT_CHARACTER) {
                changes.note(Change::Truncated);
            }
        }
        count += 1;
        Ok(())
    })
    .map_err(|stop| match stop {
        Stop::Syntax(at) => RowError::Syntax { column: count, at },
        Stop::Mismatch(mismatch) => RowError::Cell {
            column: count,
            mismatch,
        },
    })?;
    if count != plan.fields.len() {
        return Err(RowError::Length(count));
    }
    if count == 0 {
        out.push(b'{');
    }
    Ok(end)
}

/// Writes one value. `raw` is its JSON text without surrounding white space.
pub(super) fn write_cell(
    kind: &CellKind,
    raw: &str,
    changes: &mut Changes,
    out: &mut Vec<u8>,
) -> Result<(), Mismatch> {
    if raw == "null" {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    let copy = |out: &mut Vec<u8>| out.extend_from_slice(raw.as_bytes());
    let is_string = raw.starts_with('"');
    match kind {
        CellKind::Boolean if matches!(raw, "true" | "false") => copy(out),
        CellKind::Boolean => return Err(Mismatch::new("a boolean", raw)),
        CellKind::Integer if number::is_integer(raw.as_bytes()) => copy(out),
        CellKind::Integer => return Err(Mismatch::new("an integer", raw)),
        CellKind::Float | CellKind::Decimal if number::is_number(raw.as_bytes()) => copy(out),
        CellKind::Float => match json_text::unescape(raw) {
            Some(text) if number::is_not_finite(text.as_bytes()) => write_null(changes, out),
            _ => return Err(Mismatch::new("a number", raw)),
        },
        CellKind::Decimal if is_string => match json_text::unescape(raw) {
            Some(text) if number::is_number(text.as_bytes()) => {
                out.extend_from_slice(text.as_bytes());
            }
            _ => write_null(changes, out),
        },
        CellKind::Decimal => return Err(Mismatch::new("a decimal number", raw)),
        CellKind::Text if is_string => copy(out),
        CellKind::Text => json_text::write_string(raw, out),
        CellKind::Date | CellKind::Time | CellKind::Timestamp | CellKind::TimestampWithTimeZone => {
            write_temporal(kind, raw, changes, out)?;
        }
        CellKind::Json if is_string => match json_text::unescape(raw) {
            Some(text) if json_text::is_json(&text) => json_text::embed(&text, out),
            _ => copy(out),
        },
        CellKind::Json | CellKind::Variant => json_text::embed(raw, out),
        CellKind::Array(element) => write_array(element, raw, changes, out)?,
        CellKind::Map(map) => write_map(map, raw, changes, out)?,
        CellKind::Row(row) => write_object(row, raw, changes, out)?,
    }
    Ok(())
}

fn write_null(changes: &mut Changes, out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
    changes.note(Change::Nulled);
}

fn write_temporal(
    kind: &CellKind,
    raw: &str,
    changes: &mut Changes,
    out: &mut Vec<u8>,
) -> Result<(), Mismatch> {
    type Writer = fn(&str, &mut Vec<u8>) -> Fidelity;
    let (expected, write): (_, Writer) = match kind {
        CellKind::Date => ("a date", temporal::write_date),
        CellKind::Time => ("a time", temporal::write_time),
        CellKind::Timestamp => ("a timestamp", temporal::write_timestamp),
        _ => ("a timestamp", temporal::write_timestamp_with_time_zone),
    };
    if !raw.starts_with('"') {
        return Err(Mismatch::new(expected, raw));
    }
    // Half a surrogate pair is no text, and no date either.
    match json_text::unescape(raw).map_or(Fidelity::Unrepresentable, |text| write(&text, out)) {
        Fidelity::Exact => {}
        Fidelity::Truncated => changes.note(Change::Truncated),
        Fidelity::Unrepresentable => write_null(changes, out),
    }
    Ok(())
}

/// The start of a text, short enough for an error message.
pub(super) fn excerpt(text: &str) -> String {
    const LIMIT: usize = 60;
    if text.len() <= LIMIT {
        text.to_owned()
    } else {
        format!("{}…", &text[..text.floor_char_boundary(LIMIT)])
    }
}
