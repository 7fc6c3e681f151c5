//! LOG lines that wait for the writer. They are written from inside the async runtime, so nobody
//! waits for room: what is too much is dropped, and counted.

/// Bytes of LOG lines that may wait while stdout is blocked.
const CAPACITY: usize = 1 << 20;

/// The LOG lines that wait.
#[derive(Default)]
pub(super) struct Notes {
    lines: Vec<u8>,
    dropped: u64,
}

impl Notes {
    /// Keeps a line if there is room for it, and returns whether it does.
    pub(super) fn add(&mut self, line: &[u8]) -> bool {
        let has_room = self.lines.len() + line.len() <= CAPACITY;
        if has_room {
            self.lines.extend_from_slice(line);
        } else {
            self.dropped += 1;
        }
        has_room
    }

    /// Keeps a line even if there is no room for it: one that nobody could do without.
    pub(super) fn add_always(&mut self, line: &[u8]) {
        self.lines.extend_from_slice(line);
    }

    /// Moves the lines to `lines`, which is empty, and says there how many were dropped.
    pub(super) fn take(&mut self, lines: &mut Vec<u8>) {
        std::mem::swap(lines, &mut self.lines);
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            let line = format!(
                "{{\"type\":\"LOG\",\"log\":{{\"level\":\"WARN\",\"message\":\"{dropped} log lines were \
                 dropped while stdout was blocked\"}}}}\n"
            );
            lines.extend_from_slice(line.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_kept_without_room() {
        let mut notes = Notes::default();
        assert!(notes.add(&vec![b'x'; CAPACITY]));
        notes.add_always(b"error\n");
        let mut lines = Vec::new();
        notes.take(&mut lines);
        assert!(lines.ends_with(b"xerror\n"));
    }

    #[test]
    fn lines_without_room_are_dropped_and_counted() {
        let mut notes = Notes::default();
        let long = vec![b'x'; CAPACITY];
        assert!(notes.add(&long));
        assert!(!notes.add(b"a\n") && !notes.add(b"b\n"));
        let mut lines = Vec::new();
        notes.take(&mut lines);
        let (before, after) = lines.split_at(CAPACITY);
        assert_eq!(before, long);
        assert!(String::from_utf8_lossy(after).contains("2 log lines were dropped"));
        assert!(notes.add(b"a\n"));
        lines.clear();
        notes.take(&mut lines);
        assert_eq!(lines, b"a\n");
    }
}
