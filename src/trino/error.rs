//! What can go wrong between us and Trino, whether it may go away, and who can do something about
//! it.
//!
//! The texts here are for logs; what a person is told of an error, with the names of the form's
//! fields, is in `crate::messages`.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::message::FailureType;
pub(crate) use crate::trino::http::failure::{CertificateProblem, FailedStep, TransportProblem};
pub(crate) use crate::trino::http::tls_problem::{CertificatesFault, KeyFault, TlsProblem};
pub(crate) use crate::trino::kerberos::{KerberosProblem, KerberosProof};
pub(crate) use crate::trino::tunnel::{ForwardProblem, SshKeyFault, TunnelProblem, TunnelProof};
use crate::trino::wire::codec::CodecError;
use crate::trino::wire::page::PageError;
pub(crate) use crate::trino::wire::query_error::QueryError;
pub(crate) use crate::trino::wire::query_failure::{Denied, QueryFailure, TimeLimit};

/// An error of the client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrinoError {
    /// No answer came, or not all of it.
    #[error("{problem}")]
    Transport {
        /// What failed.
        problem: Box<TransportProblem>,
        /// Whether the server may have seen the request.
        sent: bool,
    },
    /// An answer with a status other than 2xx.
    #[error("the answer was HTTP status {status}{}", after_colon(.text))]
    Status {
        /// The HTTP status.
        status: u16,
        /// The begin of the body, or the title of a page.
        text: String,
        /// Whether the body is an HTML page for people, which Trino itself never sends.
        is_page: bool,
        /// How long the server asks us to wait.
        retry_after: Option<Duration>,
    },
    /// HTTP status 401 with a link to a login in a browser.
    #[error("the answer was HTTP status 401, with a login page for a browser")]
    BrowserLogin,
    /// HTTP status 401 to a password that ends with white space, as the content of a file mostly
    /// does.
    #[error("the password ends with white space, and {cause}")]
    BlankAtEnd {
        /// The answer.
        cause: Box<TrinoError>,
    },
    /// An answer with more bytes than its kind may have.
    #[error("{server}: the answer has more than {limit} bytes")]
    TooLarge {
        /// Scheme, host and port that were asked.
        server: String,
        /// Bytes that were allowed.
        limit: u64,
    },
    /// Trino answered no request at all for as long as a request is retried. After that no request
    /// is sent any more, because otherwise the time until the end would grow with the number of
    /// streams.
    #[error("no answer came for {} minutes: {cause}", .after.as_secs() / 60)]
    Lost {
        /// How long it was tried.
        after: Duration,
        /// The last failure.
        cause: Arc<TrinoError>,
    },
    /// An answer that does not belong to the statement protocol.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The query failed.
    #[error("{0}")]
    Query(Box<QueryError>),
    /// The server broke the protocol, or we did.
    #[error("{0}")]
    Protocol(String),
    /// A page did not arrive, and this server forgets a page as soon as it has sent it.
    #[error(
        "a page of query {query_id} did not arrive ({cause}), and Trino {version} cannot send it again"
    )]
    PageLost {
        /// The query.
        query_id: String,
        /// The server's version.
        version: String,
        /// Why the page did not arrive.
        cause: Box<TrinoError>,
    },
    /// A link in an answer led to a server other than the configured one, and the request failed.
    #[error("{0}")]
    Elsewhere(Box<TransportProblem>),
    /// The spooled protocol was asked for, and the server answered without it.
    #[error("the server does not spool results")]
    NotSpooled,
    /// A segment could not be unpacked.
    #[error("{0}")]
    Codec(#[from] CodecError),
    /// A segment could not be downloaded from the storage.
    #[error("a segment could not be downloaded from {place}: {cause}")]
    Segment {
        /// Host of the storage.
        place: String,
        /// Why not.
        cause: Box<TrinoError>,
    },
    /// What answered the first request is no Trino.
    #[error("something answered that is not Trino ({0})")]
    NotTrino(String),
    /// A redirect. It is not followed, because it is not clear whether credentials should be sent
    /// to its target.
    #[error("{server} redirects to {target}")]
    Redirect {
        /// Scheme, host and port that were asked.
        server: String,
        /// Where it leads, without its query.
        target: String,
    },
    /// A segment's redirect from https to plain http. It is not followed, because others on the
    /// network could read the rows.
    #[error("a segment was redirected from https to plain http at {target}")]
    PlainRedirect {
        /// Scheme, host and port that it leads to.
        target: String,
    },
    /// The server is not ready for queries yet.
    #[error("Trino is still starting")]
    Starting,
    /// The TLS settings cannot be used.
    #[error(transparent)]
    TlsSettings(#[from] TlsProblem),
    /// A setting cannot be used.
    #[error("{0}")]
    Settings(String),
    /// Answers of the server do not fit together. The next time they may.
    #[error("{0}")]
    Unclear(String),
    /// The SSH tunnel cannot be opened.
    #[error(transparent)]
    Tunnel(#[from] TunnelProblem),
    /// The token endpoint gave no token.
    #[error("no token could be had from {place}: {cause}")]
    Token {
        /// URL of the token endpoint.
        place: String,
        /// Why not.
        cause: Box<TrinoError>,
    },
    /// Kerberos does not prove the user.
    #[error(transparent)]
    Kerberos(KerberosProblem),
    /// We are shutting down.
    #[error("the read was stopped")]
    Stopped,
}

impl TrinoError {
    /// Whether the same request may succeed if it is sent again.
    pub(crate) fn is_transient_request(&self) -> bool {
        match self {
            Self::Transport { problem, .. } => problem.step.may_pass(),
            Self::Status { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            Self::Page(_) | Self::Starting => true,
            Self::Tunnel(problem) => problem.may_pass(),
            Self::Kerberos(problem) => problem.may_pass(),
            _ => false,
        }
    }

    /// Whether the host name has no address. This is more often a wrong name than a fault that
    /// passes.
    pub(crate) fn is_unknown_host(&self) -> bool {
        matches!(self, Self::Transport { problem, .. } if problem.step == FailedStep::Resolve)
    }

    /// Whether the server cannot have worked on the request.
    pub(crate) fn was_not_served(&self) -> bool {
        match self {
            Self::Transport { sent, .. } => !sent,
            Self::Status { status, .. } => matches!(status, 429 | 503),
            _ => false,
        }
    }

    /// How long the server asks us to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether running the whole query again may succeed.
    pub(crate) fn is_transient_query(&self) -> bool {
        match self {
            Self::Query(error) => error.is_transient(),
            // If the storage is lost, every other query would fail in the same way.
            Self::Segment { cause, .. } => !matches!(**cause, Self::Lost { .. }),
            // HTTP 404, 410: the coordinator was restarted, or a proxy lost the query.
            Self::PageLost { .. }
            | Self::Status {
                status: 404 | 410, ..
            } => true,
            other => other.is_transient_request(),
        }
    }

    /// Whether the cluster's resource group takes no more queries now.
    pub(crate) fn is_queue_full(&self) -> bool {
        self.query_error()
            .is_some_and(|error| error.failure() == QueryFailure::QueueFull)
    }

    /// Whether a table may be the cause, so that queries of it fail every time: a broken table in a
    /// metastore or database (EXTERNAL), or a bug.
    pub(crate) fn may_be_of_the_table(&self) -> bool {
        self.query_error().is_some_and(|error| {
            error.error_type == "EXTERNAL" || error.error_name == "GENERIC_INTERNAL_ERROR"
        })
    }

    /// Whether the server cannot write the result as JSON. Its spooling cannot write types that
    /// are objects, such as `BingTile`, which its direct protocol can (seen on 476).
    pub(crate) fn is_serialization(&self) -> bool {
        self.is_named(&["SERIALIZATION_ERROR"])
    }

    /// Whether the user may not do what a query asks for.
    pub(crate) fn is_denied(&self) -> bool {
        self.is_named(&["PERMISSION_DENIED"])
    }

    /// Whether the server does not know, or not take, a session property.
    pub(crate) fn is_session_property(&self) -> bool {
        self.is_named(&["INVALID_SESSION_PROPERTY"])
    }

    /// Whether a query failed with an error of one of these names.
    pub(crate) fn is_named(&self, names: &[&str]) -> bool {
        self.query_error()
            .is_some_and(|error| names.contains(&error.error_name.as_str()))
    }

    /// Trino's description of the error, if a query has failed.
    pub(crate) fn query_error(&self) -> Option<&QueryError> {
        match self {
            Self::Query(error) => Some(error),
            _ => None,
        }
    }

    /// Who can do something about it. This decides whether the platform tries again.
    pub(crate) fn failure_type(&self) -> FailureType {
        match self {
            Self::Query(error) => error.failure_type(),
            Self::Tunnel(problem) if problem.may_pass() => FailureType::Transient,
            Self::Kerberos(problem) if problem.may_pass() => FailureType::Transient,
            Self::Transport { problem, .. } if problem.step.is_passing() => FailureType::Transient,
            Self::Status { status, .. } => match status {
                401 | 403 | 431 => FailureType::Config,
                404 | 410 | 429 | 502 | 503 | 504 => FailureType::Transient,
                _ => FailureType::System,
            },
            Self::Transport { .. }
            | Self::TlsSettings(_)
            | Self::Settings(_)
            | Self::BrowserLogin
            | Self::BlankAtEnd { .. }
            | Self::NotSpooled
            | Self::NotTrino(_)
            | Self::Redirect { .. }
            | Self::PlainRedirect { .. }
            | Self::Elsewhere(_)
            | Self::Kerberos(_)
            | Self::Tunnel(_) => FailureType::Config,
            Self::Token { cause, .. } => match &**cause {
                Self::Status {
                    status: 400..=499, ..
                } => FailureType::Config,
                cause => cause.failure_type(),
            },
            Self::Starting
            | Self::Stopped
            | Self::PageLost { .. }
            | Self::Page(_)
            | Self::Unclear(_)
            | Self::Lost { .. } => FailureType::Transient,
            Self::Segment { cause, .. } => match cause.failure_type() {
                FailureType::System => FailureType::Transient,
                other => other,
            },
            Self::Protocol(_) | Self::Codec(_) | Self::TooLarge { .. } => FailureType::System,
        }
    }
}

/// A text with a colon before it, or nothing if the text is empty.
pub(crate) fn after_colon(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(": {text}")
    }
}

/// Whether a resolver's error text means `EAI_AGAIN`. The standard library passes on only the text.
pub(crate) fn is_temporary_resolution_failure(text: &str) -> bool {
    // glibc and musl.
    text.contains("Temporary failure in name resolution") || text.ends_with("Try again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_that_does_not_answer_is_no_wrong_name() {
        let text = "failed to lookup address information: ";
        for (detail, expected) in [
            ("Temporary failure in name resolution", true),
            ("Try again", true),
            ("Name or service not known", false),
            ("Name does not resolve", false),
            ("No address associated with hostname", false),
        ] {
            let is_temporary = is_temporary_resolution_failure(&format!("{text}{detail}"));
            assert_eq!(is_temporary, expected, "{detail}");
        }
        assert!(FailedStep::ResolveLater.is_passing());
        assert!(!FailedStep::Resolve.is_passing());
    }
}
