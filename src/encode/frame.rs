//! The frame around a page's rows: brackets, commas and white space.

use super::EncodeError;
use super::slow::excerpt;
use super::values::WINDOW;

/// A rest of the page that has at most so many bytes is copied: several rows of a usual table.
const SHORT: usize = 4096;

/// A walk over the rows of a page. The callers read the rows themselves.
pub(super) struct Frame<'t> {
    text: &'t str,
    at: usize,
    rows: u64,
}

impl<'t> Frame<'t> {
    /// At the start of the page.
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            rows: 0,
        }
    }

    /// The page.
    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// The next byte of the page.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Rows begun so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The page from its next byte on, for the fast path, which reads whole blocks: a short rest is
    /// copied to `page_end`, with bytes behind it that end any value.
    pub(super) fn rest<'r>(&'r self, page_end: &'r mut Vec<u8>) -> &'r [u8] {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.len() > SHORT {
            return rest;
        }
        page_end.clear();
        page_end.extend_from_slice(rest);
        page_end.extend_from_slice(&[0; WINDOW]);
        page_end
    }

    /// The present row and those after it, so many together, are read; the page goes on after
    /// `length` bytes.
    pub(super) fn pass_rows(&mut self, rows: u64, length: usize) {
        self.rows += rows - 1;
        self.at += length;
    }

    /// Goes to the start of the next row, or returns false at the end of the page.
    pub(super) fn next_row(&mut self) -> Result<bool, EncodeError> {
        let more = if self.rows == 0 {
            self.expect(b'[')?;
            !self.accept(b']')
        } else if self.accept(b',') {
            true
        } else {
            self.expect(b']')?;
            false
        };
        self.skip_whitespace();
        if more {
            self.rows += 1;
        } else if self.at < self.text.len() {
            return Err(self.frame_error());
        }
        Ok(more)
    }

    /// What is wrong with a row at this byte of the page.
    pub(super) fn syntax_error(&self, row: u64, column: Option<String>, at: usize) -> EncodeError {
        let rest = &self.text[self.text.floor_char_boundary(at)..];
        let found = if rest.is_empty() {
            "the end".to_owned()
        } else {
            excerpt(rest)
        };
        EncodeError::Syntax { row, column, found }
    }

    /// The error for something that stands in place of another row.
    fn frame_error(&self) -> EncodeError {
        self.syntax_error(self.rows + 1, None, self.at)
    }

    fn skip_whitespace(&mut self) {
        let rest = self.text.as_bytes()[self.at..].iter();
        self.at += rest
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
            Err(self.frame_error())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_rest_is_copied_and_has_room_behind_it() {
        let page = format!("[{}]", "1".repeat(SHORT));
        let mut frame = Frame::new(&page);
        let mut page_end = Vec::new();
        assert_eq!(frame.rest(&mut page_end), page.as_bytes());
        assert!(page_end.is_empty());
        frame.rows = 1;
        frame.pass_rows(1, SHORT);
        let expected = [&b"1]"[..], &[0; WINDOW]].concat();
        assert_eq!(frame.rest(&mut page_end), expected);
    }
}
