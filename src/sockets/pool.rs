//! The connections of the destination.
//!
//! Each path takes one client. The destination may take all of them or only some, so nothing waits
//! for more than one. A partition has a connection for itself as long as it lasts ([`Lease`]);
//! messages that belong to no partition go between the messages of any connection.

use std::collections::VecDeque;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::net::UnixListener;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::amounts::amount;
use crate::error::ConnectorError;
use crate::output::pipe::Pipe;
use crate::output::{Closed, Output};
use crate::protocol::message::FailureType;

/// Pause between two looks whether the destination is still there while nothing is written.
const LOOK: Duration = Duration::from_millis(200);

/// A destination connects to one path after the other. If none was taken for so long after the
/// last one, it wants no more.
const PAUSE_BETWEEN_CONNECTIONS: Duration = Duration::from_secs(5);

/// The way to the connections; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Sockets(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    connections: Mutex<Connections>,
    /// One permit for each free connection.
    free: Semaphore,
    /// Told of each new connection.
    accepted: Notify,
    /// Sockets that the platform has named.
    total: usize,
    /// Cancelled when the destination is gone or does not come; `reason` says which.
    lost: CancellationToken,
    reason: OnceLock<String>,
    /// Cancelled at the end: no more connections, and nobody looks after them.
    closed: CancellationToken,
    partitions: AtomicU64,
}

#[derive(Debug, Default)]
struct Connections {
    all: Vec<Output>,
    free: VecDeque<Output>,
    /// When the last one was accepted.
    last: Option<Instant>,
    /// Messages that wait for the first connection.
    waiting: Vec<Vec<u8>>,
}

/// A connection for one partition, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    output: Output,
    shared: Arc<Shared>,
    partition: String,
}

impl Lease {
    /// The way to the connection.
    pub(crate) fn output(&self) -> &Output {
        &self.output
    }

    /// The partition's id, which no other one of this run has.
    pub(crate) fn partition(&self) -> &str {
        &self.partition
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shared.lock().free.push_back(self.output.clone());
        self.shared.free.add_permits(1);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Connections> {
        let lock = self.connections.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }

    fn lose(&self, reason: String) {
        // After the end the destination may go.
        if !self.closed.is_cancelled() {
            let _ = self.reason.set(reason);
            self.lost.cancel();
        }
    }
}

impl Sockets {
    /// Accepts one client for each listener. The first one must come within `wait`.
    pub(super) fn accept(listeners: Vec<UnixListener>, paths: &[PathBuf], wait: Duration) -> Self {
        let shared = Arc::new(Shared {
            connections: Mutex::default(),
            free: Semaphore::new(0),
            accepted: Notify::new(),
            total: listeners.len(),
            lost: CancellationToken::new(),
            reason: OnceLock::new(),
            closed: CancellationToken::new(),
            partitions: AtomicU64::new(0),
        });
        for (listener, path) in listeners.into_iter().zip(paths) {
            tokio::spawn(serve(listener, path.clone(), Arc::clone(&shared)));
        }
        tokio::spawn(limit_wait(Arc::clone(&shared), wait));
        Self(shared)
    }

    /// A connection for a new partition, as soon as one is free.
    ///
    /// # Errors
    ///
    /// When the destination is gone or has not come.
    pub(crate) async fn take(&self) -> Result<Lease, Closed> {
        let permit = tokio::select! {
            biased;
            () = self.0.lost.cancelled() => return Err(Closed),
            permit = self.0.free.acquire() => permit.map_err(|_| Closed)?,
        };
        permit.forget();
        let output = self.0.lock().free.pop_front().ok_or(Closed)?;
        let number = self.0.partitions.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Lease {
            output,
            shared: Arc::clone(&self.0),
            partition: format!("p{number}"),
        })
    }

    /// Sends a message that belongs to no partition: now, or as soon as the destination connects.
    ///
    /// # Errors
    ///
    /// When the destination is gone.
    pub(crate) async fn send(&self, message: Vec<u8>) -> Result<(), Closed> {
        let connection = {
            let mut connections = self.0.lock();
            let Some(connection) = connections.all.first() else {
                connections.waiting.push(message);
                return Ok(());
            };
            connection.clone()
        };
        connection.send_lines(message).await
    }

    /// Whether the destination has connected to a socket.
    pub(crate) fn is_connected(&self) -> bool {
        !self.0.lock().all.is_empty()
    }

    /// Waits until the destination is gone, or has not come in time.
    pub(crate) async fn lost(&self) {
        self.0.lost.cancelled().await;
    }

    /// The error for a destination that is gone or has not come.
    pub(crate) fn error(&self) -> Option<ConnectorError> {
        let closed = || {
            self.0
                .lock()
                .all
                .iter()
                .any(|one| one.closed().is_cancelled())
        };
        let reason = self.0.reason.get().cloned();
        let reason = reason.or_else(|| closed().then(|| closed_early(None)));
        reason.map(|reason| ConnectorError::new(FailureType::Transient, reason))
    }

    /// Waits until all clients of the destination were accepted and everything is written to them.
    ///
    /// # Errors
    ///
    /// When the destination is gone or has not come.
    pub(crate) async fn finish(&self) -> Result<(), Closed> {
        tokio::select! {
            biased;
            () = self.0.lost.cancelled() => return Err(Closed),
            () = self.all_connected() => {}
        }
        let connections = self.0.lock().all.clone();
        for connection in &connections {
            connection.all_written().await?;
        }
        // From here on the destination may go: it has everything.
        self.close();
        for connection in &connections {
            connection.finish().await;
        }
        Ok(())
    }

    /// Waits until every socket has its client, or no more are to be expected. A client that comes
    /// later is refused, which ends the destination.
    async fn all_connected(&self) {
        loop {
            let accepted = self.0.accepted.notified();
            let (connected, last) = {
                let connections = self.0.lock();
                (connections.all.len(), connections.last)
            };
            if connected >= self.0.total {
                return;
            }
            match last {
                None => accepted.await,
                Some(last) => {
                    let limit = last + PAUSE_BETWEEN_CONNECTIONS;
                    if timeout_at(limit, accepted).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Accepts nobody any more.
    pub(super) fn close(&self) {
        self.0.closed.cancel();
    }
}

/// Accepts the one client of a socket and looks after it.
async fn serve(listener: UnixListener, path: PathBuf, shared: Arc<Shared>) {
    let accepted = tokio::select! {
        () = shared.closed.cancelled() => return,
        accepted = listener.accept() => accepted,
    };
    drop(listener);
    let connection = accepted.and_then(|(stream, _)| stream.into_std());
    let connection = connection.and_then(|stream| {
        let watched = stream.try_clone()?;
        let (output, _thread) = Output::start_as("socket", Pipe::new(stream), None)?;
        Ok((output, watched))
    });
    match connection {
        Ok((output, watched)) => {
            tracing::info!("the destination has connected to {}", path.display());
            offer(&shared, &output).await;
            watch(&shared, &output, &watched, &path).await;
        }
        Err(error) => shared.lose(format!(
            "The destination could not be accepted at the socket {}: {error}.",
            path.display()
        )),
    }
}

/// Makes a connection known to those who wait for one.
async fn offer(shared: &Shared, output: &Output) {
    let waiting = {
        let mut connections = shared.lock();
        connections.all.push(output.clone());
        connections.last = Some(Instant::now());
        std::mem::take(&mut connections.waiting)
    };
    for message in waiting {
        // A connection that is closed already is noticed by whoever watches it.
        let _ = output.send_lines(message).await;
    }
    shared.lock().free.push_back(output.clone());
    shared.free.add_permits(1);
    shared.accepted.notify_waiters();
}

/// Waits until the destination has closed its end.
async fn watch(shared: &Shared, output: &Output, stream: &UnixStream, path: &Path) {
    loop {
        tokio::select! {
            () = shared.closed.cancelled() => return,
            () = output.closed().cancelled() => break,
            () = sleep(LOOK) => {}
        }
        if is_hung_up(stream) {
            break;
        }
    }
    shared.lose(closed_early(Some(path)));
}

/// Whether the other end is closed. Only a look: it does not wait, and reads nothing.
fn is_hung_up(stream: &UnixStream) -> bool {
    let mut looks = [PollFd::new(stream, PollFlags::empty())];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let ended = PollFlags::HUP | PollFlags::ERR;
    poll(&mut looks, Some(&now)).is_ok() && looks[0].revents().intersects(ended)
}

/// Ends the read if no client has come in time.
async fn limit_wait(shared: Arc<Shared>, wait: Duration) {
    tokio::select! {
        () = shared.closed.cancelled() => {}
        () = sleep(wait) => {
            if shared.lock().all.is_empty() {
                let seconds = amount(wait.as_secs(), "second");
                shared.lose(format!(
                    "The destination has not connected to any socket within {seconds}. Its \
                     log says why; the next attempt goes on from the last state."
                ));
            }
        }
    }
}

fn closed_early(path: Option<&Path>) -> String {
    let socket = path.map_or_else(String::new, |path| format!(" {}", path.display()));
    format!(
        "The destination has closed its end of the socket{socket} before everything was sent. Its \
         log says why; the next attempt goes on from the last state."
    )
}
