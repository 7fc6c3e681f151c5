//! Buffers of whole RECORD lines, from the encoder to stdout.

/// A buffer with whole lines, and room for more.
///
/// The room is zeroed only once, when the buffer is made or grows. When the buffer is used again,
/// the room still contains old bytes. So lines can be written in place without `unsafe`, and
/// without zeroing again.
#[derive(Debug)]
pub struct Lines {
    bytes: Vec<u8>,
    filled: usize,
    count: u64,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            bytes: vec![0; Self::SIZE],
            filled: 0,
            count: 0,
        }
    }
}

impl Lines {
    /// Bytes of a new buffer: large enough that a system call per buffer costs nothing, small
    /// enough to stay in a core's cache.
    pub const SIZE: usize = 256 * 1024;

    /// A buffer with one line, which has its line end.
    pub(crate) fn one(line: Vec<u8>) -> Self {
        Self {
            filled: line.len(),
            bytes: line,
            count: 1,
        }
    }

    /// The lines.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// The number of lines.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Drops all lines and keeps the room, but for what a large line has needed.
    pub fn clear(&mut self) {
        self.bytes.truncate(Self::SIZE);
        self.bytes.shrink_to(Self::SIZE);
        self.filled = 0;
        self.count = 0;
    }

    /// Bytes of all lines and the room.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Keeps the lines for which `keep` is true and returns the number of the others.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8]) -> bool) -> u64 {
        let (mut kept, mut left_out, mut start) = (0, 0, 0);
        while start < self.filled {
            let rest = &self.bytes[start..self.filled];
            let end = memchr::memchr(b'\n', rest).map_or(self.filled, |at| start + at + 1);
            if keep(&self.bytes[start..end]) {
                self.bytes.copy_within(start..end, kept);
                kept += end - start;
            } else {
                left_out += 1;
            }
            start = end;
        }
        self.filled = kept;
        self.count -= left_out;
        left_out
    }

    /// All bytes, and the index at which the room begins.
    pub(crate) fn room(&mut self) -> (&mut [u8], usize) {
        (&mut self.bytes, self.filled)
    }

    /// Adds the line that was written to the room. It ends at index `end` of all bytes.
    pub(crate) fn end_line(&mut self, end: usize) {
        self.end_lines(end, 1);
    }

    /// Adds the lines that were written to the room. They end at index `end` of all bytes.
    pub(crate) fn end_lines(&mut self, end: usize, lines: u64) {
        self.filled = end;
        self.count += lines;
    }

    /// Appends a line, which has its line end; the buffer grows where it must.
    pub fn push(&mut self, line: &[u8]) {
        let end = self.filled + line.len();
        while self.bytes.len() < end {
            self.grow();
        }
        self.bytes[self.filled..end].copy_from_slice(line);
        self.end_line(end);
    }

    /// A buffer with these lines.
    #[cfg(test)]
    pub(crate) fn from_lines(all: &[&str]) -> Self {
        let mut lines = Self::default();
        for line in all {
            lines.push(line.as_bytes());
        }
        lines
    }

    /// Whether a line of this length fits into the room.
    pub(crate) fn fits(&self, length: usize) -> bool {
        length <= self.bytes.len() - self.filled
    }

    /// Doubles the buffer.
    pub(crate) fn grow(&mut self) {
        self.bytes.resize((self.bytes.len() * 2).max(Self::SIZE), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_and_those_that_are_not_kept_are_gone() {
        let mut lines = Lines::from_lines(&["a\n", "b\n", "cc\n"]);
        assert_eq!(lines.retain(|line| line != b"b\n"), 1);
        assert_eq!((lines.as_bytes(), lines.count()), (&b"a\ncc\n"[..], 2));
        lines.clear();
        assert!(lines.is_empty());
        assert_eq!((lines.count(), lines.size()), (0, Lines::SIZE));
    }

    #[test]
    fn a_line_without_room_makes_room() {
        let mut lines = Lines::from_lines(&["a\n"]);
        assert!(!lines.fits(Lines::SIZE));
        lines.push(&vec![b'x'; 3 * Lines::SIZE]);
        assert_eq!(lines.size(), 4 * Lines::SIZE);
        assert_eq!(lines.as_bytes().len(), 2 + 3 * Lines::SIZE);
        lines.clear();
        assert_eq!(
            (lines.size(), lines.bytes.capacity()),
            (Lines::SIZE, Lines::SIZE)
        );
    }
}
