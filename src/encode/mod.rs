//! Trino's result pages turned into Airbyte RECORD lines, the hot path of a read.
//!
//! A [`RecordPlan`] is made once per query from the columns' types. An [`Encoder`] then copies each
//! cell's bytes from the page to the record, changed only as far as the two formats differ. Values
//! are never parsed into numbers or dates, so they stay exact.
//!
//! What the records hold; SQL `NULL` is `null` in every type:
//!
//! | Trino | in the page | in the record |
//! |---|---|---|
//! | `boolean`, integers | `true`, `42` | the same |
//! | `real`, `double` | `1.0E10`, `"NaN"` | the same number; NaN and infinities: null, NULLED |
//! | `decimal`, `number` | `"1.10"`, `"+Infinity"` | `1.10`, all digits; NaN and infinities: null, NULLED |
//! | text, unknown types | `"…"` | the same bytes; of other JSON its text as a string |
//! | `varbinary` | base64 | the same |
//! | `date`, `time`, `timestamp` | `"2020-01-02 03:04:05.1"` | `"2020-01-02T03:04:05.1"`, at most 9 fraction digits; see `temporal` |
//! | `json` | `"{\"a\":1}"` | `{"a":1}`; what is not JSON: the string |
//! | `variant` | `{"a":1}` | the same |
//! | `array`, `map` | `[…]`, `{"key":…}` | the same, elements by these rules |
//! | `row` | `[…]` by position | `{"name":…}` |
//!
//! In the speed mode of Airbyte, [`protobuf`] writes the same rows as Protobuf messages.
//!
//! A value that cannot be shown is null or cut, and the record says so in `meta.changes`, once a
//! column: `NULLED` outranks `TRUNCATED`, the reason is `SOURCE_SERIALIZATION_ERROR`. Values that
//! would make a line of 20,000,000 bytes or more are null as well, for the reasons
//! `SOURCE_FIELD_SIZE_LIMITATION` and `SOURCE_RECORD_SIZE_LIMITATION`.
//!
//! | file | job |
//! |---|---|
//! | `plan` | columns → how each of their cells is written; the fixed bytes of a record |
//! | `rows`, `values` | the fast path: one pass over a row's bytes; the values that it finds one after the other |
//! | `short`, `long`, `place`, `simd` | its parts: values within one block of the page and all others; where it is; questions about 32 bytes at once |
//! | `slow`, `nested` | the exact path for every row that the fast one leaves; arrays, maps and rows |
//! | `temporal`, `number` | dates and times; which texts are numbers |
//! | `json_text`, `json_scan` | JSON strings read and written; where a JSON value ends |
//! | `frame` | the brackets and commas around a page's rows |
//! | `tail`, `changes`, `size` | the end of a record; what it says about changed values; records that are too large |
//! | `error` | why a page could not be turned into records |
//! | `protobuf` | the same rows as messages of Protobuf |

#![expect(
    clippy::inline_always,
    reason = "the innermost loops; and only what is inlined is compiled for the processor's level, see simd"
)]

mod changes;
mod error;
mod frame;
mod json_scan;
mod json_text;
mod long;
mod nested;
mod number;
mod place;
mod plan;
pub mod protobuf;
mod rows;
mod short;
mod simd;
mod size;
mod slow;
mod tail;
mod temporal;
mod values;

use std::borrow::Cow;
use std::ops::Range;

use crate::lines::Lines;

pub use error::{EncodeError, Stopped};
pub use plan::RecordPlan;

use changes::Changes;
use frame::Frame;
use place::Stop;
use rows::WriteLines;
use simd::Best;
use slow::RowError;
use tail::Tail;

/// The text of a page, and whether it has bytes that are not UTF-8, which are read as U+FFFD.
fn text_of_page(rows: &[u8]) -> (Cow<'_, str>, bool) {
    let text = simdutf8::basic::from_utf8(rows)
        .map_or_else(|_| String::from_utf8_lossy(rows), Cow::Borrowed);
    let lossy = matches!(text, Cow::Owned(_));
    (text, lossy)
}

/// Makes room in `out` for a record that did not fit. Returns false if there can be no more, so
/// that the slow path has to write it.
fn make_room(
    out: &mut Lines,
    flush: &mut dyn FnMut(&mut Lines) -> Result<(), Stopped>,
) -> Result<bool, Stopped> {
    let mut most = Encoder::LARGEST;
    if !out.is_empty() {
        flush(out)?;
        if out.is_empty() {
            return Ok(true);
        }
        most = Encoder::MOST_ROOM;
    }
    let may_grow = out.size() < most;
    if may_grow {
        out.grow();
    }
    Ok(may_grow)
}

/// Writes pages of one query as RECORD lines. Keeps its buffers from page to page.
#[derive(Debug)]
pub struct Encoder {
    plan: RecordPlan,
    changes: Changes,
    /// The end of a record of the present page.
    tail: Tail,
    /// What this processor can do.
    level: Best,
    /// Memory for the last rows of a page.
    page_end: Vec<u8>,
    /// Memory for parts of a line that have to be put together first.
    scratch: Vec<u8>,
    /// Where the values are in the line that was written slowly.
    cells: Vec<Range<usize>>,
    /// For each column, whether a value was left out because of its size.
    left_out: Vec<bool>,
}

impl Encoder {
    /// Buffers grow with the records up to this size; larger ones take the slow path, which needs
    /// no room in advance.
    const LARGEST: usize = 1024 * 1024;

    /// The fast path writes into buffers up to this size only, so that its lines are never too
    /// long.
    const MOST_ROOM: usize = 16 * 1024 * 1024;

    /// An encoder for the results of the query that `plan` was made for.
    pub fn new(plan: RecordPlan) -> Self {
        Self {
            left_out: vec![false; plan.names.len()],
            plan,
            changes: Changes::default(),
            tail: Tail::new(0),
            level: Best::detect(),
            page_end: Vec::new(),
            scratch: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// The columns of which values were left out because of their size so far.
    pub fn columns_left_out(&self) -> impl Iterator<Item = &str> {
        let columns = self.plan.names.iter().zip(&self.left_out);
        columns.filter_map(|(name, is_left_out)| is_left_out.then_some(name.as_str()))
    }

    /// Appends one line per row of a page to `out` and returns the number of rows.
    ///
    /// * `rows`: the JSON text of the page's `data`: an array of row arrays. Bytes that are not
    ///   UTF-8 are read as U+FFFD; the values with one are marked TRUNCATED.
    /// * `emitted_at_ms`: milliseconds since 1970.
    /// * `flush` is called when `out` has no room for the next line, and takes the lines; while it
    ///   leaves them, `out` grows. The caller has to flush what is left at the end.
    ///
    /// After an error `out` has the lines of the rows before the faulty one.
    pub fn encode_page(
        &mut self,
        rows: &[u8],
        emitted_at_ms: i64,
        out: &mut Lines,
        flush: &mut dyn FnMut(&mut Lines) -> Result<(), Stopped>,
    ) -> Result<u64, EncodeError> {
        self.encode(rows, emitted_at_ms, out, flush, true)
    }

    /// The same as [`encode_page`](Self::encode_page), always by the slow path: the reference for
    /// tests.
    pub fn encode_page_slowly(
        &mut self,
        rows: &[u8],
        emitted_at_ms: i64,
        out: &mut Lines,
        flush: &mut dyn FnMut(&mut Lines) -> Result<(), Stopped>,
    ) -> Result<u64, EncodeError> {
        self.encode(rows, emitted_at_ms, out, flush, false)
    }

    fn encode(
        &mut self,
        rows: &[u8],
        emitted_at_ms: i64,
        out: &mut Lines,
        flush: &mut dyn FnMut(&mut Lines) -> Result<(), Stopped>,
        fast: bool,
    ) -> Result<u64, EncodeError> {
        let (text, lossy) = text_of_page(rows);
        self.start_page(emitted_at_ms);

        let mut frame = Frame::new(&text);
        let mut is_fast = fast && !lossy && out.size() <= Self::MOST_ROOM;
        loop {
            if !frame.next_row()? {
                return Ok(frame.rows());
            }
            if is_fast && self.write_lines_fast(&mut frame, out, flush)? {
                continue;
            }
            let mut line = std::mem::take(&mut self.scratch);
            line.clear();
            self.write_line_slowly(&mut frame, lossy, &mut line)?;
            self.scratch = put_line(line, out, flush)?;
            is_fast = fast && !lossy && out.size() <= Self::MOST_ROOM;
        }
    }

    fn start_page(&mut self, emitted_at_ms: i64) {
        self.tail = Tail::new(emitted_at_ms);
    }

    /// Writes the lines of the next row and of those that follow to `out`, or returns false if the
    /// next one needs the slow path.
    fn write_lines_fast(
        &mut self,
        frame: &mut Frame,
        out: &mut Lines,
        flush: &mut dyn FnMut(&mut Lines) -> Result<(), Stopped>,
    ) -> Result<bool, Stopped> {
        loop {
            let (bytes, filled) = out.room();
            let written = self.level.run(WriteLines {
                plan: &self.plan,
                tail: &mut self.tail,
                page: frame.rest(&mut self.page_end),
                out: &mut bytes[filled..],
                changes: &mut self.changes,
            });
            if written.rows > 0 {
                out.end_lines(filled + written.place.out, written.rows);
                frame.pass_rows(written.rows, written.place.page);
                return Ok(true);
            }
            match written.stop {
                Some(Stop::Full) if make_room(out, flush)? => {}
                _ => return Ok(false),
            }
        }
    }

    /// Appends the next row's line to `out`.
    fn write_line_slowly(
        &mut self,
        frame: &mut Frame,
        lossy: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        self.plan.head.append_to(out);
        self.changes.start_record();
        let rest = &frame.text()[frame.at()..];
        let mut cells = std::mem::take(&mut self.cells);
        let (plan, changes) = (&self.plan.row, &mut self.changes);
        let length = slow::write_row(plan, rest, lossy, changes, out, &mut cells)
            .map_err(|error| self.describe(error, frame))?;
        self.cells = cells;
        frame.pass_rows(1, length);
        let data_end = out.len();
        self.write_tail(out);
        if out.len() > size::LONGEST_LINE {
            *out = self.smaller_line(out, data_end, frame.rows())?;
        }
        Ok(())
    }

    /// The present record without its largest values. `data_end` is where the closing brace of
    /// `data` is in `line`.
    fn smaller_line(
        &mut self,
        line: &[u8],
        data_end: usize,
        row: u64,
    ) -> Result<Vec<u8>, EncodeError> {
        let (kept, names) = (&self.plan.kept, &self.plan.names);
        let left_out =
            size::columns_to_leave_out(&self.cells, kept, line.len(), names).map_err(|column| {
                EncodeError::TooLarge {
                    row,
                    column: names.get(column).cloned().unwrap_or_default(),
                }
            })?;
        for (column, change) in &left_out {
            self.changes.note_late(*column, *change);
            self.left_out[*column] = true;
        }
        let values = left_out.iter().map(|(column, _)| &self.cells[*column]);
        let mut smaller = size::with_nulls(&line[..data_end], values);
        size::move_to_nulls(&mut self.cells, left_out.iter().map(|(column, _)| *column));
        self.write_tail(&mut smaller);
        Ok(smaller)
    }

    /// Writes the end of the present record.
    fn write_tail(&self, out: &mut Vec<u8>) {
        self.tail.append_to(out, &self.changes, &self.plan.names);
    }

    fn describe(&self, error: RowError, frame: &Frame) -> EncodeError {
        let row = frame.rows();
        let name = |column: usize| self.plan.names.get(column).cloned();
        match error {
            RowError::Syntax { column, at } => {
                frame.syntax_error(row, name(column), frame.at() + at)
            }
            RowError::Length(found) => EncodeError::RowLength {
                row,
                expected: self.plan.names.len(),
                found,
            },
            RowError::Cell { column, mismatch } => EncodeError::Cell {
                row,
                column: name(column).unwrap_or_default(),
                expected: mismatch.expected.into_owned(),
                found: mismatch.found,
            },
        }
    }
}

/// Appends a line, and gives its buffer back for the next one.
fn put_line(
    mut line: Vec<u8>,
    out: &mut Lines,
    flush: &mut dyn FnMut(&mut Lines) -> Result<(), Stopped>,
) -> Result<Vec<u8>, Stopped> {
    if !out.fits(line.len()) && !out.is_empty() {
        flush(out)?;
    }
    if out.is_empty() && line.len() > Encoder::LARGEST {
        *out = Lines::one(line);
        line = Vec::new();
    } else {
        out.push(&line);
    }
    Ok(line)
}

#[cfg(test)]
mod tests;
