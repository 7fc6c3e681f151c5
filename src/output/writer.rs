//! The thread that owns stdout.

use std::io::{self, Write};
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use super::{Item, Shared, line, lock};
use crate::protocol::message::{Message, SourceStats, StreamState};
use crate::state_file::StateFile;

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
    let mut states = None;
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
                shared.records.fetch_add(lines.count(), Ordering::Relaxed);
                shared.keep(lines);
                result
            }
            Item::State(mut state, count) => {
                let records = count.0.swap(0, Ordering::Relaxed);
                state.source_stats = SourceStats::with_records(records);
                let message = Message::State { state: *state };
                let written = write(&line(&message));
                shared.states.fetch_add(1, Ordering::Relaxed);
                if let Message::State { state } = &message
                    && written.is_ok()
                {
                    keep(&mut states, &state.stream, sink, shared)
                } else {
                    written
                }
            }
            Item::KeepStates(file) => {
                states = Some(file);
                Ok(())
            }
            Item::Mark(reached) => {
                // Somebody who has stopped waiting needs no answer.
                let _ = reached.send(());
                Ok(())
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

/// Keeps a STATE that was written. After a failure no further STATE is kept: otherwise the file
/// would have a new state of one stream and an old state of another.
///
/// # Errors
///
/// When `sink` cannot be flushed. If the file cannot be written, [`super::Output::state_error`]
/// tells it.
fn keep(
    states: &mut Option<Box<StateFile>>,
    stream: &StreamState,
    sink: &mut dyn Write,
    shared: &Shared,
) -> io::Result<()> {
    let Some(file) = states else { return Ok(()) };
    let kept = match file.put(stream) {
        Ok(false) => Ok(()),
        Ok(true) => {
            sink.flush()?;
            file.replace()
        }
        Err(error) => Err(error),
    };
    if let Err(error) = kept {
        *states = None;
        shared.state_is_lost(error);
    }
    Ok(())
}

fn write_notes(sink: &mut dyn Write, notes: &mut Vec<u8>, shared: &Shared) -> io::Result<()> {
    let mut pending = lock(&shared.notes);
    if pending.lines.is_empty() {
        return Ok(());
    }
    std::mem::swap(notes, &mut pending.lines);
    let dropped = std::mem::take(&mut pending.dropped);
    drop(pending);
    if dropped > 0 {
        // Joined to one write, because `sink` has no buffer.
        notes.extend_from_slice(
            format!(
                "{{\"type\":\"LOG\",\"log\":{{\"level\":\"WARN\",\"message\":\"{dropped} log lines were \
                 dropped while stdout was blocked\"}}}}\n"
            )
            .as_bytes(),
        );
    }
    sink.write_all(notes)?;
    notes.clear();
    Ok(())
}
