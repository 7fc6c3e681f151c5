//! Everything that reaches stdout: one writer, one order, whole lines. In the speed mode each
//! socket has such a writer as well.
//!
//! Records arrive as buffers of whole lines, other messages one line at a time. Whoever has records
//! and finds that nothing else waits uses the writer at once, without another thread that would
//! have to wake up. All else goes through one bounded queue to a thread, so a slow reader slows
//! Trino down. A STATE says how many records of its stream were written since the STATE before.
//! Only the writer knows this number, so it fills it in. LOG lines take another way that never
//! blocks, because they are written from inside the async runtime. The writer writes the waiting
//! LOG lines before the next item.

mod keeper;
mod notes;
pub mod pipe;
mod writer;

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::keeper::Keeper;
use self::notes::Notes;
use self::writer::Writer;
use crate::lines::Lines;
use crate::protocol::message::StateMessage;
use crate::state_file::StateFile;

/// Buffers in flight between the encoders and the writer. With buffers of [`Lines::SIZE`] this
/// bounds what waits for stdout to 2 MiB, larger records aside.
const QUEUE_LENGTH: usize = 8;

/// Stdout was closed by its reader; nothing more can be written.
#[derive(Debug, thiserror::Error)]
#[error("stdout was closed")]
pub struct Closed;

/// The way to stdout; cheap to clone, used from any thread.
#[derive(Clone)]
pub struct Output {
    queue: mpsc::Sender<Item>,
    shared: Arc<Shared>,
}

/// The records of one stream that were written since its last STATE; cheap to clone.
#[derive(Clone, Default)]
pub struct RecordCount(Arc<AtomicU64>);

impl RecordCount {
    /// A count that begins with records that were written elsewhere.
    pub(crate) fn starting_at(records: u64) -> Self {
        Self(Arc::new(AtomicU64::new(records)))
    }
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Output")
    }
}

/// What the writer thread takes from the queue.
enum Item {
    /// Whole lines that are no records.
    Lines(Vec<u8>),
    /// Records of one stream.
    Records(Lines, RecordCount),
    /// A STATE of the stream that these records are of.
    State(Box<StateMessage>, RecordCount),
    /// Where all later STATEs are kept, once they are written.
    KeepStates(Keeper),
    /// Somebody waits until everything before it is written.
    Mark(oneshot::Sender<()>),
    /// Wakes the writer up, so that it looks at the waiting LOG lines.
    Wake,
    /// The last item.
    Finish,
}

struct Shared {
    writer: Mutex<Writer>,
    /// Items that were sent and are not written yet. Whoever makes it 1 may use the writer at once,
    /// because nothing that was sent earlier can still be waiting. It does not become 0 again after
    /// the end.
    unwritten: AtomicUsize,
    /// What the writer writes to, if that is a file, until STATEs are kept.
    file: Mutex<Option<File>>,
    notes: Mutex<Notes>,
    spare: Mutex<Vec<Lines>>,
    closed: CancellationToken,
    /// Cancelled when a STATE could not be kept; `not_kept` has the reason.
    lost: CancellationToken,
    not_kept: OnceLock<io::Error>,
    records: AtomicU64,
    states: AtomicU64,
}

impl Shared {
    /// Counts an item that is about to be put into the queue.
    fn will_queue(&self) {
        self.unwritten.fetch_add(1, Ordering::AcqRel);
    }

    /// Counts an item and returns `true` if nothing else waits; then the caller uses the writer.
    fn begin_at_once(&self) -> bool {
        let taken = self
            .unwritten
            .compare_exchange(0, 1, Ordering::AcqRel, Ordering::Relaxed);
        taken.is_ok()
    }

    /// Uses the writer for one item that was counted.
    fn with_writer(&self, write: impl FnOnce(&mut Writer) -> io::Result<()>) -> Result<(), Closed> {
        let mut writer = lock(&self.writer);
        let is_written = writer.write(self, write);
        drop(writer);
        if is_written {
            self.unwritten.fetch_sub(1, Ordering::AcqRel);
            Ok(())
        } else {
            self.closed.cancel();
            Err(Closed)
        }
    }

    /// Ends the keeping of states.
    fn state_is_lost(&self, error: io::Error) {
        let _ = self.not_kept.set(error);
        self.lost.cancel();
    }

    /// Keeps a buffer for later use.
    fn keep(&self, mut buffer: Lines) {
        buffer.clear();
        let mut spare = lock(&self.spare);
        if buffer.size() == Lines::SIZE && spare.len() < QUEUE_LENGTH {
            spare.push(buffer);
        }
    }
}

/// A poisoned lock only means that another thread panicked between two writes to a byte buffer.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Output {
    /// Writes to `sink`, which is stdout in the binary. `file` is what it writes to, if that is a
    /// regular file and its records must be on the disk before a STATE is kept. The result of the thread says whether everything was written.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn start(
        sink: impl io::Write + Send + 'static,
        file: Option<File>,
    ) -> io::Result<(Self, JoinHandle<io::Result<()>>)> {
        Self::start_as("stdout", sink, file)
    }

    /// The same for a sink that may be another one; `name` is the thread's.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub(crate) fn start_as(
        name: &str,
        sink: impl io::Write + Send + 'static,
        file: Option<File>,
    ) -> io::Result<(Self, JoinHandle<io::Result<()>>)> {
        let (queue, items) = mpsc::channel(QUEUE_LENGTH);
        let shared = Arc::new(Shared {
            writer: Mutex::new(Writer::new(sink)),
            unwritten: AtomicUsize::new(0),
            file: Mutex::new(file),
            notes: Mutex::default(),
            spare: Mutex::default(),
            closed: CancellationToken::new(),
            lost: CancellationToken::new(),
            not_kept: OnceLock::new(),
            records: AtomicU64::new(0),
            states: AtomicU64::new(0),
        });
        let ours = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || writer::run(items, &ours))?;
        Ok((Self { queue, shared }, thread))
    }

    /// Puts an item into the queue, as soon as there is room for it.
    async fn put(&self, item: Item) -> Result<(), Closed> {
        let room = self.queue.reserve().await.map_err(|_| Closed)?;
        self.shared.will_queue();
        room.send(item);
        Ok(())
    }

    /// Sends one message.
    ///
    /// # Errors
    ///
    /// When stdout was closed.
    pub async fn send(&self, message: &impl Serialize) -> Result<(), Closed> {
        self.send_lines(line(message)).await
    }

    /// Sends a buffer of whole lines from async code.
    ///
    /// # Errors
    ///
    /// When stdout was closed.
    pub async fn send_lines(&self, lines: Vec<u8>) -> Result<(), Closed> {
        self.put(Item::Lines(lines)).await
    }

    /// Sends records of one stream from a thread that may block. Afterwards the buffer is empty.
    ///
    /// # Errors
    ///
    /// When stdout was closed.
    pub fn send_records_blocking(
        &self,
        lines: &mut Lines,
        count: &RecordCount,
    ) -> Result<(), Closed> {
        if self.shared.begin_at_once() {
            let written = self
                .shared
                .with_writer(|writer| writer.records(lines, count, &self.shared));
            if written.is_err() {
                // The thread ends when it sees what has happened; a full queue wakes it up as well.
                let _ = self.queue.try_send(Item::Wake);
            }
            lines.clear();
            return written;
        }
        let full = std::mem::replace(lines, self.buffer());
        self.shared.will_queue();
        self.queue
            .blocking_send(Item::Records(full, count.clone()))
            .map_err(|_| Closed)
    }

    /// Sends a checkpoint of the stream whose records `count` counts.
    ///
    /// # Errors
    ///
    /// When stdout was closed.
    pub(crate) async fn send_state(
        &self,
        state: StateMessage,
        count: &RecordCount,
    ) -> Result<(), Closed> {
        self.put(Item::State(Box::new(state), count.clone())).await
    }

    /// From now on keeps every STATE in a file, soon after the STATE and everything before it is
    /// written; if the output writes to a file, once all of that is on its disk.
    ///
    /// # Errors
    ///
    /// When stdout was closed.
    pub(crate) async fn keep_states(&self, file: StateFile) -> Result<(), Closed> {
        let shared = Arc::clone(&self.shared);
        let records = lock(&shared.file).take();
        match Keeper::start(file, records, move |error| shared.state_is_lost(error)) {
            Ok(keeper) => self.put(Item::KeepStates(keeper)).await,
            Err(error) => {
                self.shared.state_is_lost(error);
                Ok(())
            }
        }
    }

    /// Waits until everything that was sent before is written, and kept.
    ///
    /// # Errors
    ///
    /// When stdout was closed.
    pub async fn all_written(&self) -> Result<(), Closed> {
        let (mark, reached) = oneshot::channel();
        self.put(Item::Mark(mark)).await?;
        reached.await.map_err(|_| Closed)
    }

    /// Becomes cancelled when a STATE could not be kept; [`Output::state_error`] says why.
    pub(crate) fn state_lost(&self) -> &CancellationToken {
        &self.shared.lost
    }

    /// Why a STATE could not be kept, if one could not.
    pub(crate) fn state_error(&self) -> Option<&io::Error> {
        self.shared.not_kept.get()
    }

    /// An empty buffer: a used one if there is one.
    pub fn buffer(&self) -> Lines {
        lock(&self.shared.spare).pop().unwrap_or_default()
    }

    /// Gives a buffer back for the next one who asks.
    pub fn give_back(&self, buffer: Lines) {
        self.shared.keep(buffer);
    }

    /// Puts a line out as soon as possible, without ever blocking.
    pub fn note(&self, message: &impl Serialize) {
        if lock(&self.shared.notes).add(&line(message)) {
            self.wake_for_notes();
        }
    }

    /// The same for an error that no later message repeats, such as the text of a panic: it is
    /// never dropped.
    pub fn note_always(&self, message: &impl Serialize) {
        lock(&self.shared.notes).add_always(&line(message));
        self.wake_for_notes();
    }

    fn wake_for_notes(&self) {
        // A full queue means that the writer is about to look at the notes anyway.
        if let Ok(room) = self.queue.try_reserve() {
            self.shared.will_queue();
            room.send(Item::Wake);
        }
    }

    /// Lets the writer thread end once everything sent before is written.
    pub async fn finish(&self) {
        // If the send fails, the thread has already ended.
        let _ = self.put(Item::Finish).await;
    }

    /// Becomes cancelled when stdout cannot be written any more.
    pub fn closed(&self) -> &CancellationToken {
        &self.shared.closed
    }

    /// Records and STATEs written so far.
    pub fn reached(&self) -> (u64, u64) {
        let Shared {
            records, states, ..
        } = &*self.shared;
        (
            records.load(Ordering::Relaxed),
            states.load(Ordering::Relaxed),
        )
    }
}

/// A message as one line.
pub(crate) fn line(message: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::with_capacity(256);
    // Our messages have string keys and no failing Serialize; an empty line would be a log line.
    if serde_json::to_writer(&mut line, message).is_err() {
        line.clear();
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests;
