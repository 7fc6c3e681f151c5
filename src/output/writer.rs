//! What writes to stdout, and the thread that does so for everything that waits in the queue.

use std::io;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use super::keeper::Keeper;
use super::{Closed, Item, RecordCount, Shared, line, lock};
use crate::lines::Lines;
use crate::protocol::message::{Message, SourceStats, StateMessage};

/// Writes items in the order in which they come.
pub(super) struct Writer {
    sink: Box<dyn io::Write + Send>,
    notes: Vec<u8>,
    keeper: Option<Keeper>,
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
            keeper: None,
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

    /// Writes the last LOG lines, gives everything to the system, closes the sink, and waits until
    /// the last STATEs are kept. Tells an earlier failure.
    fn finish(&mut self, shared: &Shared) -> io::Result<()> {
        self.write(shared, |writer| writer.sink.flush());
        self.sink = Box::new(io::sink());
        self.keeper = None;
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
            Item::KeepStates(keeper) => {
                self.keeper = Some(keeper);
                Ok(())
            }
            Item::Mark(reached) => {
                match &self.keeper {
                    Some(keeper) => keeper.mark(reached),
                    // Somebody who has stopped waiting needs no answer.
                    None => drop(reached.send(())),
                }
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
        written?;
        if let (Some(keeper), Message::State { state }) = (&self.keeper, message) {
            keeper.keep(state.stream);
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
