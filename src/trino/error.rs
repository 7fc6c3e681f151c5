//! What can go wrong between us and Trino, who can do something about it, and what.

use std::time::Duration;

use crate::error::ConnectorError;
use crate::protocol::message::FailureType;
pub(crate) use crate::trino::http::failure::{FailedStep, TransportProblem};
use crate::trino::wire::codec::CodecError;
use crate::trino::wire::page::PageError;
pub(crate) use crate::trino::wire::query_error::QueryError;

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
    /// An answer with another status than 2xx.
    #[error("the answer was HTTP status {status}{}", in_words(.text))]
    Status {
        /// The HTTP status.
        status: u16,
        /// The begin of the body.
        text: String,
        /// How long the server asks us to wait.
        retry_after: Option<Duration>,
    },
    /// An answer that is none of the statement protocol.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The query failed.
    #[error("{0}")]
    Query(Box<QueryError>),
    /// The server broke the protocol, or we did.
    #[error("{0}")]
    Protocol(String),
    /// A page did not arrive, and this server forgets a page once it has sent it.
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
    /// A link in an answer led to another server than the configured one, and failed.
    #[error("{0}")]
    Elsewhere(Box<TransportProblem>),
    /// The spooled protocol was asked for, and the server answered without it.
    #[error("This Trino does not spool results. Set \"fetch_protocol\" to \"auto\" or \"direct\".")]
    NotSpooled,
    /// A segment could not be unpacked.
    #[error("{0}")]
    Codec(#[from] CodecError),
    /// A segment could not be had from where it is stored.
    #[error("a segment could not be downloaded from {place}: {cause}")]
    Segment {
        /// Host of the storage.
        place: String,
        /// Why not.
        cause: Box<TrinoError>,
    },
    /// What answered the first request is no Trino.
    #[error("Something answered that is not Trino ({0}). Check \"hostname\" and \"port\".")]
    NotTrino(String),
    /// A redirect. It is not followed: credentials would have to go along, or stay behind.
    #[error(
        "{server} redirects to {target}. Set \"hostname\", \"port\" and \"ssl_mode\" to where Trino is."
    )]
    Redirect {
        /// Scheme, host and port that were asked.
        server: String,
        /// Where it leads, without its query.
        target: String,
    },
    /// The server is not ready for queries yet.
    #[error("Trino is still starting")]
    Starting,
    /// The TLS settings cannot be used.
    #[error("{0}")]
    TlsSettings(String),
    /// A setting cannot be used.
    #[error("{0}")]
    Settings(String),
    /// Answers of the server do not fit together. They may the next time.
    #[error("{0}")]
    Unclear(String),
    /// The SSH tunnel cannot be opened.
    #[error("{message}")]
    Tunnel {
        /// What failed, and which setting to change.
        message: String,
        /// Whether it may succeed by itself later.
        passes: bool,
    },
    /// No token could be had.
    #[error("no token could be had from {place}: {cause}")]
    Token {
        /// URL of the token endpoint.
        place: String,
        /// Why not.
        cause: Box<TrinoError>,
    },
    /// We are shutting down.
    #[error("the read was stopped")]
    Stopped,
}

impl TrinoError {
    /// Whether the same request may succeed if it is sent again.
    pub(crate) fn is_transient_request(&self) -> bool {
        match self {
            Self::Transport { problem, .. } => !matches!(
                problem.step,
                FailedStep::Certificate
                    | FailedStep::ClientCertificate
                    | FailedStep::ProxyLogin { .. }
                    | FailedStep::Tls
                    | FailedStep::TlsToPlainPort
                    | FailedStep::PlainToTlsPort
            ),
            Self::Status { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            Self::Page(_) | Self::Starting => true,
            Self::Tunnel { passes, .. } => *passes,
            _ => false,
        }
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
            // HTTP 404, 410: the coordinator was restarted, or a proxy lost the query.
            Self::PageLost { .. }
            | Self::Segment { .. }
            | Self::Status {
                status: 404 | 410, ..
            } => true,
            other => other.is_transient_request(),
        }
    }

    /// Whether the cause is likely in what the query asks for, so that it fails every time: a
    /// broken table in a metastore or database (EXTERNAL), or a bug.
    pub(crate) fn is_of_the_table(&self) -> bool {
        self.query_error().is_some_and(|error| {
            error.error_type == "EXTERNAL" || error.error_name == "GENERIC_INTERNAL_ERROR"
        })
    }

    /// Whether the server cannot write the result as JSON. Its spooling cannot write types that
    /// are objects, such as `BingTile`, which its direct protocol can (seen on 476).
    pub(crate) fn is_serialization(&self) -> bool {
        self.query_error()
            .is_some_and(|error| error.error_name == "SERIALIZATION_ERROR")
    }

    /// Whether a query failed with an error of one of these names.
    pub(crate) fn is_named(&self, names: &[&str]) -> bool {
        self.query_error()
            .is_some_and(|error| names.contains(&error.error_name.as_str()))
    }

    /// Trino's name of the error, when it is one of a query.
    pub(crate) fn query_error(&self) -> Option<&QueryError> {
        match self {
            Self::Query(error) => Some(error),
            _ => None,
        }
    }

    fn failure_type(&self) -> FailureType {
        match self {
            Self::Query(error) => error.failure_type(),
            Self::Transport { problem, .. } => match problem.step {
                FailedStep::Answer
                | FailedStep::Timeout
                | FailedStep::Connect
                | FailedStep::Refused
                | FailedStep::Proxy { .. }
                | FailedStep::Forward { .. } => FailureType::Transient,
                _ => FailureType::Config,
            },
            Self::Status { status, .. } => match status {
                401 | 403 => FailureType::Config,
                404 | 410 | 429 | 502 | 503 | 504 => FailureType::Transient,
                _ => FailureType::System,
            },
            Self::TlsSettings(_)
            | Self::Settings(_)
            | Self::NotSpooled
            | Self::NotTrino(_)
            | Self::Redirect { .. }
            | Self::Elsewhere(_)
            | Self::Tunnel { passes: false, .. } => FailureType::Config,
            Self::Token { cause, .. } => match &**cause {
                Self::Status {
                    status: 400..=499, ..
                } => FailureType::Config,
                cause => cause.failure_type(),
            },
            Self::Tunnel { passes: true, .. }
            | Self::Starting
            | Self::Stopped
            | Self::PageLost { .. }
            | Self::Page(_)
            | Self::Unclear(_) => FailureType::Transient,
            Self::Segment { cause, .. } => match cause.failure_type() {
                FailureType::System => FailureType::Transient,
                other => other,
            },
            Self::Protocol(_) | Self::Codec(_) => FailureType::System,
        }
    }

    fn user_message(&self) -> String {
        match self {
            Self::Query(error) => {
                let advice = error
                    .advice()
                    .map(|advice| format!(" {advice}"))
                    .unwrap_or_default();
                let message = error.message.trim_end_matches('.');
                let place = error.error_location.map_or_else(String::new, |place| {
                    format!(
                        " at line {}, column {}",
                        place.line_number, place.column_number
                    )
                });
                format!("Trino: {message} ({}{place}).{advice}", error.error_name)
            }
            Self::Status {
                status: 401, text, ..
            } if text.contains("insecure authentication") => format!(
                "Trino takes no credentials over plain http (HTTP 401{}). Set \"ssl_mode\" to \
                 \"verify-full\", and \"port\" to Trino's https port.",
                in_words(text)
            ),
            Self::Status {
                status: 401, text, ..
            } => format!(
                "Trino did not accept the credentials (HTTP 401{}). Check \"username\" and \
                 \"authentication\".",
                in_words(text)
            ),
            // Seen on 476, with a stack behind it.
            Self::Status { text, .. } if text.contains("Cannot set role") => {
                let text = text.split("AccessDeniedException: ").nth(1).unwrap_or(text);
                let text = text.split(" at io.trino").next().unwrap_or(text);
                format!("Trino: {text}. Check \"roles\", or grant the user that role.")
            }
            Self::Status {
                status: 403, text, ..
            } => format!(
                "Trino refused access (HTTP 403{}). Check \"username\" and \"authentication\"; if \
                 Trino wants https, set \"ssl_mode\".",
                in_words(text)
            ),
            Self::Status {
                status: status @ (404 | 410),
                text,
                ..
            } => format!(
                "Trino does not know the query any more (HTTP {status}{}): it was restarted, or a \
                 gateway has asked another cluster, which it must not do while a query runs.",
                in_words(text)
            ),
            Self::Status { status, text, .. } => format!(
                "Trino, or a gateway in front of it, answered with HTTP status {status}{}. See that \
                 Trino runs, and check \"hostname\" and \"port\".",
                in_words(text)
            ),
            Self::Segment { .. } => format!(
                "{self}. The spooled protocol needs access from here to the storage where Trino \
                 spools results; if there is none, set \"fetch_protocol\" to \"direct\"."
            ),
            Self::Elsewhere(problem) => format!(
                "Trino's answer led to {}, which is not the configured server, and failed there: \
                 {}. A proxy in front of Trino must pass on X-Forwarded-Proto, -Host and -Port, \
                 and Trino needs http-server.process-forwarded=true.",
                problem.server, problem.cause
            ),
            Self::Token { place, cause } => match &**cause {
                Self::Status {
                    status: 400 | 401 | 403,
                    text,
                    ..
                } => format!(
                    "The token endpoint {place} gave no token{}. Check \"client_id\", \
                     \"client_secret\", \"scope\" and \"audience\" of \"authentication\".",
                    in_words(text)
                ),
                cause => {
                    let cause = match cause {
                        Self::Transport { problem, .. } => problem.in_short(),
                        other => other.to_string(),
                    };
                    format!(
                        "No token could be had from {place}: {}. Check \"token_endpoint\" of \
                         \"authentication\".",
                        cause.trim_end_matches('.')
                    )
                }
            },
            Self::Starting => "Trino is still starting. Try again in a minute.".to_owned(),
            other => other.to_string(),
        }
    }
}

fn in_words(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(": {text}")
    }
}

impl From<TrinoError> for ConnectorError {
    fn from(error: TrinoError) -> Self {
        let connector_error = Self::new(error.failure_type(), error.user_message());
        match &error {
            TrinoError::Query(query) => connector_error.with_detail(format!(
                "query {} failed with {} ({})",
                query.query_id, query.error_name, query.error_type
            )),
            _ => connector_error.with_detail(format!("{error:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: &str) -> TrinoError {
        TrinoError::Query(Box::new(QueryError {
            message: "line 1:1: it is so.".into(),
            error_name: name.into(),
            error_type: kind.into(),
            query_id: "q1".into(),
            error_location: None,
            failure_info: None,
            was_queued: false,
        }))
    }

    #[test]
    fn failures_are_sorted_by_who_can_do_something() {
        let cases = [
            (query("TABLE_NOT_FOUND", "USER_ERROR"), FailureType::Config),
            (
                query("PERMISSION_DENIED", "USER_ERROR"),
                FailureType::Config,
            ),
            (query("USER_CANCELED", "USER_ERROR"), FailureType::Transient),
            (
                query("QUERY_QUEUE_FULL", "INSUFFICIENT_RESOURCES"),
                FailureType::Transient,
            ),
            (query("JDBC_ERROR", "EXTERNAL"), FailureType::Transient),
            (
                query("COMPILER_ERROR", "INTERNAL_ERROR"),
                FailureType::System,
            ),
            (TrinoError::Starting, FailureType::Transient),
            (TrinoError::Protocol("x".into()), FailureType::System),
        ];
        for (error, expected) in cases {
            let text = error.to_string();
            assert_eq!(ConnectorError::from(error).failure_type, expected, "{text}");
        }
    }

    #[test]
    fn messages_name_the_setting_to_change() {
        let error = ConnectorError::from(query("PERMISSION_DENIED", "USER_ERROR"));
        assert_eq!(
            error.message,
            "Trino: line 1:1: it is so (PERMISSION_DENIED). Grant the user of \"username\" SELECT on it, or deselect the stream."
        );
        assert_eq!(
            error.detail.unwrap(),
            "query q1 failed with PERMISSION_DENIED (USER_ERROR)"
        );
    }
}
