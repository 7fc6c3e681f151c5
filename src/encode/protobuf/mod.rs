//! Trino's result pages turned into Airbyte's Protobuf messages, for sockets of the speed mode.
//!
//! The same rows as the JSON lines of [`super`], by the same rules for what cannot be shown, but
//! the values have no names: a record holds one value for each property of the configured schema,
//! sorted by name, in the case that the destination derives from the schema.
//!
//! | Trino | `AirbyteValueProtobuf` |
//! |---|---|
//! | SQL `NULL`, and what has no form | no case at all |
//! | integers, `decimal` without fraction | `integer`, beyond 64 bits `big_integer` |
//! | `real`, `double` | `number` |
//! | `decimal`, `number` | `big_decimal` with all digits |
//! | `date` | days since 1970 |
//! | `time`, `timestamp` | nanoseconds of the day; days and nanoseconds |
//! | `timestamp with time zone` | seconds and nanoseconds, offset 0 |
//! | text, `varbinary`, unknown types | `string`, unescaped; half a surrogate pair is U+FFFD |
//! | `json`, `variant`, `array`, `map`, `row` | `json`, the same text as in the JSON record |
//!
//! | file | job |
//! |---|---|
//! | `plan` | columns and properties → forms and order |
//! | `short`, `temporal`, `row` | the fast path: values within one block; dates and times; a row |
//! | `room` | the room for a short value |
//! | `slow` | a value from its JSON text in the record: for all else, and as the reference |
//! | `message` | the parts of a message around the values |
//! | `calendar`, `digits`, `wire` | dates and digits as numbers; varints, fields |

mod calendar;
mod digits;
mod message;
mod plan;
mod room;
mod row;
mod short;
mod slow;
mod temporal;
mod wire;

use super::frame::Frame;
use super::place::Stop;
use super::plan::Fixed;
use super::{EncodeError, Encoder, Stopped, make_room, put_line, text_of_page};
use crate::lines::Lines;

pub use message::protocol_message;
pub use plan::{ProtobufPlan, Unfit};

use message::{COPIED, copy, copy_value};
use row::{WriteRecords, WriteValues};
use wire::{push_number, tag, varint_length};

/// Tells of each record whether it is sent. It is given the record's line of JSON.
pub type Keep<'k> = &'k mut dyn FnMut(&[u8]) -> bool;

/// Writes pages of one partition as Protobuf records. Keeps its buffers from page to page.
#[derive(Debug)]
pub struct ProtobufEncoder {
    plan: ProtobufPlan,
    /// Writes rows that the fast path does not take, and has the changes of the present row.
    json: Encoder,
    /// The constant start of a record, of the present page.
    prefix: Vec<u8>,
    /// The same, for the fast path.
    fixed_prefix: Fixed,
    /// The values of the present row, in the order of the query's columns.
    values: Vec<u8>,
    /// Where each of them ends, after a zero: a value begins where the one before it ends.
    ends: Vec<usize>,
    /// `meta` of the present row.
    meta: Vec<u8>,
    /// The present row as a line of JSON.
    line: Vec<u8>,
    /// A message that has no room elsewhere, or all values that the slow path has written.
    message: Vec<u8>,
    /// One of these values.
    value: Vec<u8>,
}

/// Whether the fast path has written a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fast {
    Written,
    Left,
}

impl ProtobufEncoder {
    /// Bytes for the values of a row at the start; they grow with the rows.
    const ROOM: usize = 64 * 1024;

    /// An encoder for the partition that `plan` was made for.
    pub fn new(plan: ProtobufPlan) -> Self {
        Self {
            json: Encoder::new(plan.json.clone()),
            prefix: Vec::new(),
            fixed_prefix: Fixed::new(b""),
            values: vec![0; Self::ROOM],
            ends: vec![0; plan.forms.len() + 1],
            meta: Vec::new(),
            line: Vec::new(),
            message: Vec::new(),
            value: Vec::new(),
            plan,
        }
    }

    /// The columns of which values were left out because of their size so far.
    pub fn columns_left_out(&self) -> impl Iterator<Item = &str> {
        self.json.columns_left_out()
    }

    /// Appends one message per row of a page to `out` and returns the number of rows, as
    /// [`Encoder::encode_page`] does with lines. If there is a `keep`, only rows for which it is
    /// true are written; all are counted.
    pub fn encode_page(
        &mut self,
        rows: &[u8],
        emitted_at_ms: i64,
        out: &mut Lines,
        keep: Option<Keep<'_>>,
        flush: &mut dyn FnMut(&mut Lines) -> Result<(), Stopped>,
    ) -> Result<u64, EncodeError> {
        let fast = keep.is_none();
        self.encode(rows, emitted_at_ms, out, keep, flush, fast)
    }

    /// The same, always by the slow path: the reference for tests.
    pub fn encode_page_slowly(
        &mut self,
        rows: &[u8],
        emitted_at_ms: i64,
        out: &mut Lines,
        flush: &mut dyn FnMut(&mut Lines) -> Result<(), Stopped>,
    ) -> Result<u64, EncodeError> {
        self.encode(rows, emitted_at_ms, out, None, flush, false)
    }

    fn encode(
        &mut self,
        rows: &[u8],
        emitted_at_ms: i64,
        out: &mut Lines,
        mut keep: Option<Keep<'_>>,
        flush: &mut dyn FnMut(&mut Lines) -> Result<(), Stopped>,
        fast: bool,
    ) -> Result<u64, EncodeError> {
        let (text, lossy) = text_of_page(rows);
        self.start_page(emitted_at_ms);
        let mut frame = Frame::new(&text);
        while frame.next_row()? {
            if fast && !lossy {
                if self.plan.is_in_order {
                    if self.write_many(&mut frame, out, flush)? == Fast::Written {
                        continue;
                    }
                } else if self.write_fast(&mut frame) == Fast::Written {
                    self.write_meta();
                    self.put_record(out, flush)?;
                    continue;
                }
            }
            self.write_slowly(&mut frame, lossy)?;
            if let Some(keep) = &mut keep
                && !keep(&self.line)
            {
                continue;
            }
            self.write_meta();
            self.put_record(out, flush)?;
        }
        Ok(frame.rows())
    }

    fn start_page(&mut self, emitted_at_ms: i64) {
        self.json.start_page(emitted_at_ms);
        self.prefix.clear();
        self.prefix.extend_from_slice(&self.plan.names);
        let emitted_at = u64::try_from(emitted_at_ms).unwrap_or_default();
        push_number(&mut self.prefix, tag::EMITTED_AT, emitted_at);
        self.prefix.extend_from_slice(&self.plan.partition);
        self.fixed_prefix = Fixed::new(&self.prefix);
    }

    /// Writes the messages of the next row and of those that follow to `out`, if the columns have
    /// the order of the schema, unless the next one needs the slow path.
    fn write_many(
        &mut self,
        frame: &mut Frame,
        out: &mut Lines,
        flush: &mut dyn FnMut(&mut Lines) -> Result<(), Stopped>,
    ) -> Result<Fast, Stopped> {
        loop {
            let (bytes, filled) = out.room();
            let written = self.json.level.run(WriteRecords {
                plan: &self.plan,
                prefix: &self.fixed_prefix,
                page: frame.rest(&mut self.json.page_end),
                out: &mut bytes[filled..],
                changes: &mut self.json.changes,
                meta: &mut self.meta,
            });
            if written.rows > 0 {
                out.end_lines(filled + written.place.out, written.rows);
                frame.pass_rows(written.rows, written.place.page);
                return Ok(Fast::Written);
            }
            match written.stop {
                Some(Stop::Full) if make_room(out, flush)? => {}
                _ => return Ok(Fast::Left),
            }
        }
    }

    /// The lengths of the record and of the message around it, if the columns' values have so many
    /// bytes.
    fn lengths(&self, columns: usize) -> (usize, usize) {
        // Columns that are left out have no bytes, so all bytes of the columns are values.
        let record = self.prefix.len() + columns + 2 * self.plan.missing + self.meta.len();
        (record, message::inner_length(record))
    }

    /// Writes the values of the next row, unless that needs the slow path.
    fn write_fast(&mut self, frame: &mut Frame) -> Fast {
        loop {
            let written = self.json.level.run(WriteValues {
                plan: &self.plan,
                page: frame.rest(&mut self.json.page_end),
                out: &mut self.values,
                ends: self.ends.get_mut(1..).unwrap_or_default(),
                changes: &mut self.json.changes,
            });
            match written {
                Ok(length) => {
                    frame.pass_rows(1, length);
                    return Fast::Written;
                }
                Err(Stop::Full) if self.values.len() < Encoder::MOST_ROOM => {
                    self.values.resize(self.values.len() * 2, 0);
                }
                Err(Stop::Full | Stop::Odd) => return Fast::Left,
            }
        }
    }

    /// Writes the next row as JSON, and its values from that.
    fn write_slowly(&mut self, frame: &mut Frame, lossy: bool) -> Result<(), EncodeError> {
        self.line.clear();
        let mut line = std::mem::take(&mut self.line);
        let written = self.json.write_line_slowly(frame, lossy, &mut line);
        self.line = line;
        written?;
        self.message.clear();
        for (column, form) in self.plan.forms.iter().enumerate() {
            let raw = self.json.cells.get(column).cloned().unwrap_or_default();
            let raw = str::from_utf8(self.line.get(raw).unwrap_or_default()).unwrap_or("null");
            if let Some(change) = slow::push_value(*form, raw, &mut self.value, &mut self.message) {
                self.json.changes.note_late(column, change);
            }
            self.ends[column + 1] = self.message.len();
        }
        if self.values.len() < self.message.len() {
            self.values.resize(self.message.len(), 0);
        }
        self.values[..self.message.len()].copy_from_slice(&self.message);
        Ok(())
    }

    fn write_meta(&mut self) {
        self.meta.clear();
        message::push_meta(&self.json.changes, &self.plan, &mut self.meta);
    }

    /// Puts the message of the present row together.
    fn put_record(
        &mut self,
        out: &mut Lines,
        flush: &mut dyn FnMut(&mut Lines) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        let (record, inner) = self.lengths(self.ends.last().copied().unwrap_or_default());
        let length = varint_length(inner as u64) + inner;
        let room = length + COPIED;
        if !out.fits(room) && !out.is_empty() {
            flush(out)?;
        }
        if out.fits(room) {
            let (bytes, start) = out.room();
            self.fill(&mut bytes[start..start + room], inner, record);
            out.end_line(start + length);
            return Ok(());
        }
        let mut message = std::mem::take(&mut self.message);
        message.clear();
        message.resize(room, 0);
        self.fill(&mut message, inner, record);
        message.truncate(length);
        self.message = put_line(message, out, flush)?;
        Ok(())
    }

    /// Writes the message to `room`, which has its length and `COPIED` bytes more.
    fn fill(&self, room: &mut [u8], inner: usize, record: usize) {
        let at = message::put_lengths(room, inner, record).unwrap_or_default();
        let mut at = copy(room, at, &self.prefix);
        if self.plan.is_in_order {
            let all = self.ends.last().copied().unwrap_or_default();
            at = copy(room, at, &self.values[..all]);
        } else {
            for slot in &self.plan.slots {
                at = match *slot {
                    None => copy(room, at, &[tag::VALUE, 0]),
                    Some(column) => {
                        let [start, end] = [self.ends[column], self.ends[column + 1]];
                        copy_value(room, at, &self.values, start, end)
                    }
                };
            }
        }
        if !self.meta.is_empty() {
            copy(room, at, &self.meta);
        }
    }
}

#[cfg(test)]
mod tests;
