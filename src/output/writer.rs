//! The thread that owns stdout.

use std::io::{self, Write};
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use super::{Item, Shared, line, lock};
use crate::protocol::message::{Message, SourceStats};

/// Writes until it is told to finish, or the reader of `sink` is gone.
///
/// Ends without draining the queue when the reader is gone: dropping `items` makes every later
/// send fail, which is how the senders notice.
pub(super) fn run(
    sink: &mut dyn Write,
    mut items: mpsc::Receiver<Item>,
    shared: &Shared,
) -> io::Result<()> {
    let mut notes = Vec::new();
    let mut result = Ok(());
    while let Some(item) = items.blocking_recv() {
        if matches!(item, Item::Finish) {
            break;
        }
        result = write_notes(sink, &mut notes, shared);
        if result.is_err() {
            break;
        }
        let mut write = |bytes: &[u8]| {
            shared
                .bytes
                .fetch_add(bytes.len() as u64, Ordering::Relaxed);
            sink.write_all(bytes)
        };
        result = match item {
            Item::Lines(lines) => write(&lines),
            Item::Records(lines, count) => {
                count.0.fetch_add(lines.count(), Ordering::Relaxed);
                let result = write(lines.as_bytes());
                shared.keep(lines);
                result
            }
            Item::State(mut state, count) => {
                let records = count.0.swap(0, Ordering::Relaxed);
                state.source_stats = SourceStats::with_records(records);
                write(&line(&Message::State { state: *state }))
            }
            Item::Wake | Item::Finish => Ok(()),
        };
        if result.is_err() {
            break;
        }
    }
    if result.is_ok() {
        result = write_notes(sink, &mut notes, shared).and_then(|()| sink.flush());
    }
    if result.is_err() {
        shared.closed.cancel();
    }
    result
}

fn write_notes(sink: &mut dyn Write, notes: &mut Vec<u8>, shared: &Shared) -> io::Result<()> {
    let mut pending = lock(&shared.notes);
    if pending.lines.is_empty() {
        return Ok(());
    }
    std::mem::swap(notes, &mut pending.lines);
    let dropped = std::mem::take(&mut pending.dropped);
    pending.leaving = true;
    drop(pending);
    sink.write_all(notes)?;
    notes.clear();
    lock(&shared.notes).leaving = false;
    if dropped > 0 {
        writeln!(
            sink,
            r#"{{"type":"LOG","log":{{"level":"WARN","message":"{dropped} log lines were dropped while stdout was blocked"}}}}"#
        )?;
    }
    Ok(())
}
