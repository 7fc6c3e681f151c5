//! What every stream's read needs, what the queries of one stream share, and why a read ends early.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use super::channel::Channel;
use super::plan::StreamPlan;
use crate::config::{Connection, FetchProtocol};
use crate::encode::EncodeError;
use crate::error::ConnectorError;
use crate::messages;
use crate::output::{Closed, Output, RecordCount};
use crate::protocol::message::FailureType;
use crate::sockets::environment::ChannelFormat;
use crate::terminal::progress::Progress;
use crate::trino::Client;
use crate::trino::error::TrinoError;

/// What every stream's read needs.
#[derive(Clone)]
pub(crate) struct Context {
    /// The connected Trino; its slots bound how many queries run at once.
    pub(crate) client: Client,
    /// The way to stdout.
    pub(crate) output: Output,
    /// Where records go in the speed mode; `None` for stdout.
    pub(crate) channel: Option<Channel>,
    /// How the rows of tables are fetched: as configured, or by the protocol that was found to
    /// work.
    pub(crate) fetch_protocol: FetchProtocol,
    /// The configuration.
    pub(crate) connection: Arc<Connection>,
    /// What a person at a terminal sees.
    pub(crate) progress: Progress,
}

impl Context {
    /// The format in which records leave in the speed mode; `None` for lines on stdout.
    pub(crate) fn socket_format(&self) -> Option<ChannelFormat> {
        self.channel.as_ref().map(|channel| channel.format)
    }

    /// Rows of one slice.
    pub(crate) fn slice_rows(&self) -> u64 {
        self.connection.slice_rows()
    }
}

/// Why a read ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The query failed, or its rows cannot be had. The id is there once the query was taken.
    #[error("{error}")]
    Trino {
        query_id: Option<String>,
        error: TrinoError,
    },
    #[error("a page of query {query_id} cannot be read as rows: {cause}")]
    Encode {
        query_id: String,
        cause: EncodeError,
    },
    /// The version of the table that was being read is lost. The reason, which is proved, is in the
    /// text.
    #[error("{0}")]
    VersionLost(String),
    /// The state has a value that is none of its column, which the text says. Trino's error is
    /// for developers.
    #[error("{text} ({detail})")]
    WrongState { text: String, detail: String },
    /// The cursor's values differ in the source from those that Trino shows, so it does not find
    /// all rows.
    #[error("{0}")]
    UnfitCursor(String),
    #[error(transparent)]
    Closed(#[from] Closed),
    /// A STATE could not be kept; [`Output::state_error`] says why.
    #[error("the state file cannot be written")]
    StateNotKept,
    /// A task of the stream panicked; the panic hook has said why.
    #[error("the connector has a fault, which an error before this one tells")]
    Panicked,
}

impl From<TrinoError> for ReadError {
    /// Without the id of the query, which `Reader::run` adds.
    fn from(error: TrinoError) -> Self {
        Self::Trino {
            query_id: None,
            error,
        }
    }
}

impl From<ReadError> for ConnectorError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Trino { query_id, error } => {
                let error = Self::from(error);
                match (query_id, &error.detail) {
                    (Some(id), Some(detail)) if !detail.contains(&id) => {
                        let detail = format!("query {id}: {detail}");
                        error.with_detail(detail)
                    }
                    _ => error,
                }
            }
            ReadError::VersionLost(reason) => Self::new(
                FailureType::Transient,
                format!(
                    "{reason}. Rows of it were sent already, so the stream ends here with its last \
                     state; the next attempt decides whether it can begin anew."
                ),
            ),
            ReadError::WrongState { text, detail } => {
                Self::config(format!("{text}.")).with_detail(detail)
            }
            ReadError::UnfitCursor(text) => Self::config(text),
            ReadError::Encode {
                query_id,
                cause: EncodeError::TooLarge { column, .. },
            } => messages::record_too_large(&column).with_detail(format!("query {query_id}")),
            other => Self::system(other.to_string()),
        }
    }
}

/// What the queries of one stream tell each other; RUNNING is said once for all of them.
#[derive(Default)]
pub(crate) struct StreamRun {
    pub(crate) running_was_sent: AtomicBool,
    pub(crate) begun: Notify,
    /// Whether a query has found out that the result cannot be spooled.
    pub(crate) must_not_spool: AtomicBool,
    pub(crate) count: RecordCount,
    /// The threads that encode rows.
    pub(crate) encoders: TaskTracker,
    /// Whether a record has left.
    sent: AtomicBool,
    /// Whether a query has failed, so that no record may leave any more.
    stopped: AtomicBool,
    /// The states that were sent in the speed mode.
    states: AtomicU32,
    /// The columns for which it was already said that values were left out because of their size.
    left_out: Mutex<BTreeSet<String>>,
}

impl StreamRun {
    /// Waits until a query of the stream has a slot and was accepted by the server. Only one task
    /// may wait.
    pub(crate) async fn begun(&self) {
        self.begun.notified().await;
    }

    /// Counts the stream's records between two of its states.
    pub(crate) fn count(&self) -> &RecordCount {
        &self.count
    }

    /// The id of the next STATE in the speed mode: from 1, without a gap.
    pub(crate) fn next_state_id(&self) -> u32 {
        self.states.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether no record may leave any more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Notes that records leave. `false` if no record may leave any more.
    pub(crate) fn may_send(&self) -> bool {
        if self.is_stopped() {
            return false;
        }
        self.sent.store(true, Ordering::Release);
        true
    }

    /// Whether a record of the stream has left in this run.
    pub(crate) fn has_sent(&self) -> bool {
        self.sent.load(Ordering::Acquire)
    }

    /// Waits until no thread encodes rows of the stream any more, because no record of the stream
    /// may follow its last status.
    pub(crate) async fn stop_encoders(&self) {
        self.stopped.store(true, Ordering::Release);
        self.encoders.close();
        self.encoders.wait().await;
        self.encoders.reopen();
        self.stopped.store(false, Ordering::Release);
    }

    /// Warns once for each column that values of it were left out because of their size.
    pub(crate) fn say_left_out<'c>(
        &self,
        plan: &StreamPlan,
        columns: impl Iterator<Item = &'c str>,
    ) {
        for column in columns {
            let mut said = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
            if said.insert(column.to_owned()) {
                tracing::warn!(
                    "stream \"{}\": values of the column \"{column}\" are too large for a record, \
                     which has fewer than 20,000,000 bytes, and are null instead (\"meta\" of the \
                     record says so); deselect the column, or shorten it in an entry of ‹queries›",
                    plan.descriptor
                );
            }
        }
    }
}
