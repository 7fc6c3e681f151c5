//! Trino's result pages turned into Airbyte RECORD lines, the hot path of a read.
//!
//! A [`RecordPlan`] is made once per query from the columns' types. An [`Encoder`] then copies each cell's bytes from the
//! page to the record, changed only as far as the two formats differ. Values are never parsed into numbers or dates, so
//! they stay exact.
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
//! A value that cannot be shown is null or cut, and the record says so in `meta.changes`, once a column:
//! `NULLED` outranks `TRUNCATED`, the reason is always `SOURCE_SERIALIZATION_ERROR`.

mod changes;
mod json_text;
mod nested;
mod number;
mod plan;
mod slow;
mod temporal;

use std::borrow::Cow;

pub use plan::RecordPlan;

use changes::Changes;
use slow::{RowError, excerpt};

/// Records are handed on when at least this many bytes are ready: large enough that a system call per hand-over costs
/// nothing, small enough to stay in a core's cache.
pub const FLUSH_AT: usize = 256 * 1024;

/// The receiver of the records wants no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the receiver of the records is gone")]
pub struct Stopped;

/// Why a page could not be turned into records. Rows are counted from 1 within the page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The receiver of the records wants no more; not a fault of the page.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The page is not JSON of the form that Trino writes: an array of rows, each an array of values.
    #[error("row {row} of the page{}: not the JSON that Trino writes: {found}", in_column(column.as_deref()))]
    Syntax {
        /// The row that was read, the one before it complete.
        row: u64,
        /// The column whose value was read, `None` outside a row's values.
        column: Option<String>,
        /// The start of what was there.
        found: String,
    },
    /// A row does not have one value per column.
    #[error("row {row} of the page has {found} values, the query has {expected} columns")]
    RowLength {
        /// The row.
        row: u64,
        /// The query's columns.
        expected: usize,
        /// The row's values.
        found: usize,
    },
    /// A value is not of its column's type.
    #[error("row {row} of the page, column {column:?}: expected {expected}, found {found}")]
    Cell {
        /// The row.
        row: u64,
        /// The column.
        column: String,
        /// What the type has, with its article: "an integer".
        expected: String,
        /// The start of what was there.
        found: String,
    },
}

fn in_column(column: Option<&str>) -> String {
    column.map_or_else(String::new, |column| format!(", column {column:?}"))
}

/// Writes pages of one query as RECORD lines. Keeps its buffers from page to page.
#[derive(Debug)]
pub struct Encoder {
    plan: RecordPlan,
    changes: Changes,
    /// `,"emitted_at":…` of the present page.
    emitted_at: Vec<u8>,
}

impl Encoder {
    /// An encoder for the results of the query that `plan` was made for.
    pub fn new(plan: RecordPlan) -> Self {
        Self {
            plan,
            changes: Changes::default(),
            emitted_at: Vec::new(),
        }
    }

    /// The plan.
    pub fn plan(&self) -> &RecordPlan {
        &self.plan
    }

    /// Appends one line per row of a page to `out` and returns the number of rows.
    ///
    /// * `rows`: the JSON text of the page's `data`: an array of row arrays. Bytes that are not UTF-8 are read as U+FFFD;
    ///   the values with one are marked TRUNCATED.
    /// * `emitted_at_ms`: milliseconds since 1970.
    /// * `flush` is called after a whole line when `out` has [`FLUSH_AT`] bytes or more, and takes the bytes (leaves `out`
    ///   empty). What is left at the end is the caller's to flush.
    ///
    /// After an error `out` has whole lines only, those of the rows before the faulty one.
    pub fn encode_page(
        &mut self,
        rows: &[u8],
        emitted_at_ms: i64,
        out: &mut Vec<u8>,
        flush: &mut dyn FnMut(&mut Vec<u8>) -> Result<(), Stopped>,
    ) -> Result<u64, EncodeError> {
        self.encode_page_slowly(rows, emitted_at_ms, out, flush)
    }

    /// The same as [`encode_page`](Self::encode_page), always by the slow path: the reference for tests.
    pub fn encode_page_slowly(
        &mut self,
        rows: &[u8],
        emitted_at_ms: i64,
        out: &mut Vec<u8>,
        flush: &mut dyn FnMut(&mut Vec<u8>) -> Result<(), Stopped>,
    ) -> Result<u64, EncodeError> {
        self.emitted_at.clear();
        self.emitted_at
            .extend_from_slice(format!(",\"emitted_at\":{emitted_at_ms}").as_bytes());
        let text = String::from_utf8_lossy(rows);
        let lossy = matches!(text, Cow::Owned(_));

        let mut page = Page {
            text: &text,
            at: 0,
            row: 1,
        };
        page.expect(b'[')?;
        if page.accept(b']') {
            page.expect_end()?;
            return Ok(0);
        }
        loop {
            page.skip_whitespace();
            let line_start = out.len();
            match self.write_line(&text[page.at..], lossy, out) {
                Ok(length) => page.at += length,
                Err(error) => {
                    out.truncate(line_start);
                    return Err(self.describe(error, &page));
                }
            }
            if out.len() >= FLUSH_AT {
                flush(out)?;
            }
            page.row += 1;
            if !page.accept(b',') {
                page.expect(b']')?;
                page.expect_end()?;
                return Ok(page.row - 1);
            }
        }
    }

    /// Writes the line of the row that `text` begins with; returns the length of the row's text.
    fn write_line(
        &mut self,
        text: &str,
        lossy: bool,
        out: &mut Vec<u8>,
    ) -> Result<usize, RowError> {
        out.extend_from_slice(&self.plan.head);
        self.changes.start_record();
        let length = slow::write_row(&self.plan.row, text, lossy, &mut self.changes, out)?;
        out.extend_from_slice(&self.emitted_at);
        self.changes.write_meta(&self.plan.names, out);
        out.extend_from_slice(b"}}\n");
        Ok(length)
    }

    fn describe(&self, error: RowError, page: &Page) -> EncodeError {
        let row = page.row;
        let name = |column: usize| self.plan.names.get(column).cloned();
        match error {
            RowError::Syntax { column, at } => page.syntax_error(name(column), page.at + at),
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

/// The frame around the rows.
struct Page<'t> {
    text: &'t str,
    /// The byte that is next.
    at: usize,
    /// The row that is next, from 1.
    row: u64,
}

impl Page<'_> {
    fn skip_whitespace(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))
            .count();
    }

    fn accept(&mut self, byte: u8) -> bool {
        self.skip_whitespace();
        let found = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), EncodeError> {
        if self.accept(byte) {
            Ok(())
        } else {
            Err(self.syntax_error(None, self.at))
        }
    }

    fn expect_end(&mut self) -> Result<(), EncodeError> {
        self.skip_whitespace();
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(self.syntax_error(None, self.at))
        }
    }

    fn syntax_error(&self, column: Option<String>, at: usize) -> EncodeError {
        let rest = &self.text[self.text.floor_char_boundary(at)..];
        let found = if rest.is_empty() {
            "the end".to_owned()
        } else {
            excerpt(rest)
        };
        EncodeError::Syntax {
            row: self.row,
            column,
            found,
        }
    }
}

#[cfg(test)]
mod tests;
