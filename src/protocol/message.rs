//! The messages a source writes to stdout. Records are not here: `encode` writes them as bytes.

use std::hash::{Hash, Hasher};

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::catalog::AirbyteCatalog;

/// One line of stdout.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Message {
    /// The connector's specification, as `spec.json` has it.
    Spec {
        /// The content of `spec.json`.
        spec: &'static RawValue,
    },
    /// The outcome of `check`.
    ConnectionStatus {
        /// Status and, when it failed, what to change.
        #[serde(rename = "connectionStatus")]
        connection_status: ConnectionStatus,
    },
    /// The outcome of `discover`.
    Catalog {
        /// All streams, sorted.
        catalog: AirbyteCatalog,
    },
    /// A checkpoint: everything before this line of this stream may be committed.
    State {
        /// The checkpoint.
        state: StateMessage,
    },
    /// A line for the log.
    Log {
        /// Level and text.
        log: Log,
    },
    /// An error, a stream's status or an estimate.
    Trace {
        /// The payload, with its own type.
        trace: Trace,
    },
}

/// Payload of `CONNECTION_STATUS`.
#[derive(Debug, Serialize)]
pub(crate) struct ConnectionStatus {
    /// SUCCEEDED or FAILED.
    pub(crate) status: Status,
    /// For a person: what is wrong and which field to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

/// Outcome of `check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Status {
    /// A read would work.
    Succeeded,
    /// It would not.
    Failed,
}

/// Payload of LOG.
#[derive(Debug, Serialize)]
pub(crate) struct Log {
    /// FATAL, ERROR, WARN, INFO, DEBUG or TRACE.
    pub(crate) level: LogLevel,
    /// The text, without secrets.
    pub(crate) message: String,
}

/// Airbyte's log levels that this connector uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum LogLevel {
    /// Something failed.
    Error,
    /// Something is not as configured, and the run goes on.
    Warn,
    /// What is being done.
    Info,
    /// Details for a developer.
    Debug,
    /// Every request.
    Trace,
}

/// Name of a stream, with the namespace exactly as the catalog has it.
///
/// Programs that write catalogs and states do not distinguish an empty namespace, null and a
/// missing one, so descriptors that differ only in this are equal.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StreamDescriptor {
    /// Table name.
    pub(crate) name: String,
    /// Schema name; left out where the configured catalog has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
}

impl StreamDescriptor {
    /// The namespace, if it is one.
    pub(crate) fn set_namespace(&self) -> Option<&str> {
        let namespace = self.namespace.as_deref();
        namespace.filter(|namespace| !namespace.is_empty())
    }

    /// Two descriptors are equal if this is equal.
    fn identity(&self) -> (Option<&str>, &str) {
        (self.set_namespace(), &self.name)
    }
}

impl PartialEq for StreamDescriptor {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for StreamDescriptor {}

impl Hash for StreamDescriptor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl std::fmt::Display for StreamDescriptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.set_namespace() {
            Some(namespace) => write!(f, "{namespace}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Payload of STATE; always of type STREAM.
#[derive(Debug, Serialize)]
pub(crate) struct StateMessage {
    /// `STREAM`.
    #[serde(rename = "type")]
    pub(crate) state_type: StateType,
    /// Stream and its state.
    pub(crate) stream: StreamState,
    /// How many records the checkpoint covers.
    #[serde(rename = "sourceStats")]
    pub(crate) source_stats: SourceStats,
    /// Only in the speed mode: the partition whose records it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) partition_id: Option<String>,
    /// Only in the speed mode: 1 for the first STATE of the stream in this run, and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<u32>,
}

/// The only state type a new source may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum StateType {
    /// State of one stream.
    Stream,
}

/// State of one stream.
#[derive(Debug, Serialize)]
pub(crate) struct StreamState {
    /// Whose state it is.
    pub(crate) stream_descriptor: StreamDescriptor,
    /// Our own content; see `read::state`.
    pub(crate) stream_state: Value,
}

/// Counts of a checkpoint.
#[derive(Debug, Default, Serialize)]
pub(crate) struct SourceStats {
    /// Records of this stream since its previous STATE; written with a decimal point, as the
    /// protocol types it as a number.
    #[serde(rename = "recordCount")]
    pub(crate) record_count: f64,
}

impl SourceStats {
    /// Statistics of a number of records; exact up to 2^53, which no stream reaches.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the protocol types counts as numbers"
    )]
    pub(crate) fn with_records(records: u64) -> Self {
        Self {
            record_count: records as f64,
        }
    }
}

impl StateMessage {
    /// A checkpoint; its records are counted by [`crate::output`].
    pub(crate) fn new(stream: StreamState) -> Self {
        Self {
            state_type: StateType::Stream,
            stream,
            source_stats: SourceStats::default(),
            partition_id: None,
            id: None,
        }
    }
}

/// Payload of TRACE.
#[derive(Debug, Serialize)]
pub(crate) struct Trace {
    /// Which trace.
    #[serde(flatten)]
    pub(crate) payload: TracePayload,
    /// Milliseconds since 1970.
    pub(crate) emitted_at: i64,
}

/// The traces this connector writes.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum TracePayload {
    /// An error for a person.
    Error {
        /// What happened.
        error: ErrorTrace,
    },
    /// How far a stream is.
    StreamStatus {
        /// Stream and status.
        stream_status: StreamStatusTrace,
    },
    /// How many rows are expected.
    Estimate {
        /// The estimate.
        estimate: Estimate,
    },
}

/// Payload of an ERROR trace.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorTrace {
    /// For a person.
    pub(crate) message: String,
    /// For a developer: query id, error name, cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) internal_message: Option<String>,
    /// Who can do something about it.
    pub(crate) failure_type: FailureType,
    /// The stream that failed, when it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream_descriptor: Option<StreamDescriptor>,
}

/// Decides whether the platform tries again: `config_error` stops, the others retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub(crate) enum FailureType {
    /// A person must change the configuration, a privilege or the catalog.
    #[serde(rename = "config_error")]
    Config,
    /// Trying again later may help.
    #[serde(rename = "transient_error")]
    Transient,
    /// Neither: a fault of the server or of this connector.
    #[serde(rename = "system_error")]
    System,
}

/// Payload of a `STREAM_STATUS` trace.
#[derive(Debug, Serialize)]
pub(crate) struct StreamStatusTrace {
    /// Which stream.
    pub(crate) stream_descriptor: StreamDescriptor,
    /// How far it is.
    pub(crate) status: StreamStatus,
}

/// Life of a stream, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum StreamStatus {
    /// Its query is about to be sent.
    Started,
    /// Its query answers.
    Running,
    /// All rows were written and the query ended well.
    Complete,
    /// It failed; rows may be missing.
    Incomplete,
}

/// Payload of an ESTIMATE trace.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the protocol names them so")]
pub(crate) struct Estimate {
    /// Stream name.
    pub(crate) name: String,
    /// Always per stream: mixing kinds disables estimates.
    #[serde(rename = "type")]
    pub(crate) estimate_type: StateType,
    /// Stream namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    /// Expected rows.
    pub(crate) row_estimate: u64,
    /// Expected bytes, where the table's statistics have data sizes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) byte_estimate: Option<u64>,
}
