//! What writes to stdout, and the thread that does so for everything that waits in the queue.

use std::io;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use super::{Closed, Item, RecordCount, Shared, line, lock};
use crate::lines::Lines;
use crate::protocol::message::{Message, SourceStats, StateMessage, StreamState};
use crate::state_file::StateFile;

/// Writes items in the order in which they come.
pub(super) struct Writer {
    sink: Box<dyn io::Write + Send>,
    notes: Vec<u8>,
    states: Option<Box<StateFile>>,
    /// Why nothing can be written any more.
    failure: Option<io::Error>,
}

/// The thread of an output. Writes until it is told to finish, or the reader of the sink is gone.
///
/// Ends without draining the queue when the reader is gone: dropping `items` makes every later
/// send fail, which is how the senders notice.
pub(super) fn run(mut items: mpsc::Receiver<Item>, shared: &Shared) -> io::Result<()> {
    while let Some(item) = items.blocking_recv() {
        if matches!(item, Item::Finish) {
            break;
        }
        if let Err(Closed) = shared.with_writer(|writer| writer.item(item, shared)) {
            break;
        }
    }
    let end = lock(&shared.writer).finish(shared);
    if end.is_err() {
        shared.closed.cancel();
    }
    end
}

impl Writer {
    pub(super) fn new(sink: impl io::Write + Send + 'static) -> Self {
        Self {
            sink: Box::new(sink),
            notes: Vec::new(),
            states: None,
            failure: None,
        }
    }

    /// Writes the waiting LOG lines, and then what `write` writes. Returns whether all of it is
    /// written. After a failure nothing is: a line that is written in part would get a second
    /// beginning.
    pub(super) fn write(
        &mut self,
        shared: &Shared,
        write: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> bool {
        if self.failure.is_none() {
            self.failure = self.write_notes(shared).and_then(|()| write(self)).err();
        }
        self.failure.is_none()
    }

    /// Writes the last LOG lines, gives everything to the system, and closes the sink. Tells an
    /// earlier failure.
    fn finish(&mut self, shared: &Shared) -> io::Result<()> {
        self.write(shared, |writer| writer.sink.flush());
        self.sink = Box::new(io::sink());
        self.failure.take().map_or(Ok(()), Err)
    }

    fn item(&mut self, item: Item, shared: &Shared) -> io::Result<()> {
        match item {
            Item::Lines(lines) => self.sink.write_all(&lines),
            Item::Records(lines, count) => {
                let written = self.records(&lines, &count, shared);
                shared.keep(lines);
                written
            }
            Item::State(state, count) => self.state(*state, &count, shared),
            Item::KeepStates(file) => {
                self.states = Some(file);
                Ok(())
            }
            Item::Mark(reached) => {
                // Somebody who has stopped waiting needs no answer.
                let _ = reached.send(());
                Ok(())
            }
            Item::Wake | Item::Finish => Ok(()),
        }
    }

    pub(super) fn records(
        &mut self,
        lines: &Lines,
        count: &RecordCount,
        shared: &Shared,
    ) -> io::Result<()> {
        count.0.fetch_add(lines.count(), Ordering::Relaxed);
        let written = self.sink.write_all(lines.as_bytes());
        shared.records.fetch_add(lines.count(), Ordering::Relaxed);
        written
    }

    fn state(
        &mut self,
        mut state: StateMessage,
        count: &RecordCount,
        shared: &Shared,
    ) -> io::Result<()> {
        let records = count.0.swap(0, Ordering::Relaxed);
        state.source_stats = SourceStats::with_records(records);
        let message = Message::State { state };
        let written = self.sink.write_all(&line(&message));
        shared.states.fetch_add(1, Ordering::Relaxed);
        match message {
            Message::State { state } if written.is_ok() => self.keep(&state.stream, shared),
            _ => written,
        }
    }

    /// Keeps a STATE that was written. After a failure no further STATE is kept: otherwise the file
    /// would have a new state of one stream and an old state of another.
    ///
    /// # Errors
    ///
    /// When the sink cannot be flushed. If the file cannot be written,
    /// [`super::Output::state_error`] tells it.
    fn keep(&mut self, stream: &StreamState, shared: &Shared) -> io::Result<()> {
        let Some(file) = &mut self.states else {
            return Ok(());
        };
        let kept = match file.put(stream) {
            Ok(false) => Ok(()),
            Ok(true) => {
                self.sink.flush()?;
                file.replace()
            }
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            self.states = None;
            shared.state_is_lost(error);
        }
        Ok(())
    }

    fn write_notes(&mut self, shared: &Shared) -> io::Result<()> {
        lock(&shared.notes).take(&mut self.notes);
        if self.notes.is_empty() {
            return Ok(());
        }
        // One write, because the sink has no buffer.
        self.sink.write_all(&self.notes)?;
        self.notes.clear();
        Ok(())
    }
}
