//! The end of a record, from the closing brace of its `data`.

use super::changes::Changes;
use super::place::{Stop, put_bytes};
use super::plan::Fixed;

/// The ends of the records of one page.
#[derive(Debug)]
pub(super) struct Tail {
    /// Up to the changes: `},"emitted_at":…`.
    emitted_at: Vec<u8>,
    /// All of it, for a record without changes.
    pub(super) unchanged: Fixed,
    /// Memory to put one with changes together.
    scratch: Vec<u8>,
}

impl Tail {
    /// `emitted_at_ms`: milliseconds since 1970.
    pub(super) fn new(emitted_at_ms: i64) -> Self {
        let emitted_at = format!("}},\"emitted_at\":{emitted_at_ms}").into_bytes();
        Self {
            unchanged: Fixed::new(&[&emitted_at[..], b"}}\n"].concat()),
            emitted_at,
            scratch: Vec::new(),
        }
    }

    /// Appends the end of a record with these changes, or without any.
    pub(super) fn append_to(&self, out: &mut Vec<u8>, changes: &Changes, names: &[String]) {
        out.extend_from_slice(&self.emitted_at);
        changes.write_meta(names, out);
        out.extend_from_slice(b"}}\n");
    }

    /// Writes the end of a record with changes, and returns the room after it.
    #[cold]
    pub(super) fn put_changed<'o>(
        &mut self,
        out: &'o mut [u8],
        changes: &Changes,
        names: &[String],
    ) -> Result<&'o mut [u8], Stop> {
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        self.append_to(&mut text, changes, names);
        let end = put_bytes(out, 0, &text);
        self.scratch = text;
        Ok(&mut out[end?..])
    }
}
