//! The error that reaches a person: what happened, what to change, and who can do something.

use std::fmt;

use crate::protocol::message::{
    ErrorTrace, FailureType, Message, StreamDescriptor, Trace, TracePayload,
};
use crate::titles::shown;

/// An error with everything an ERROR trace needs.
///
/// `message` is for the person who looks at the connection: one or two sentences that name the
/// setting to change. `detail` is for whoever debugs it: query id, error name, cause.
#[derive(Debug, Clone)]
pub(crate) struct ConnectorError {
    /// Decides whether the platform tries again.
    pub(crate) failure_type: FailureType,
    /// For a person; no stack, no secret.
    pub(crate) message: String,
    /// For a developer.
    pub(crate) detail: Option<String>,
    /// The stream that failed, when it was one.
    pub(crate) stream: Option<StreamDescriptor>,
    /// Whether it is about all remaining streams, so that it is reported only once.
    pub(crate) is_shared: bool,
}

impl ConnectorError {
    /// A person must change something before another try makes sense.
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(FailureType::Config, message)
    }

    /// A fault of the server or of this connector.
    pub(crate) fn system(message: impl Into<String>) -> Self {
        Self::new(FailureType::System, message)
    }

    /// An error of any kind.
    pub(crate) fn new(failure_type: FailureType, message: impl Into<String>) -> Self {
        Self {
            failure_type,
            message: message.into(),
            detail: None,
            stream: None,
            is_shared: false,
        }
    }

    /// The same with a detail for developers.
    #[must_use]
    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same error, as one of a stream.
    #[must_use]
    pub(crate) fn about_stream(mut self, stream: &StreamDescriptor) -> Self {
        self.message = format!("Stream \"{stream}\": {}", self.message);
        self.stream = Some(stream.clone());
        self
    }

    /// The ERROR trace for the platform.
    pub(crate) fn trace(&self) -> Message {
        Message::Trace {
            trace: Trace {
                payload: TracePayload::Error {
                    error: ErrorTrace {
                        message: shown(&self.message),
                        internal_message: self.detail.as_deref().map(shown),
                        failure_type: self.failure_type,
                        stream_descriptor: self.stream.clone(),
                    },
                },
                emitted_at: crate::clock::now_ms(),
            },
        }
    }
}

impl fmt::Display for ConnectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConnectorError {}
