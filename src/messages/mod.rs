//! What a person is told of an error of the client: what happened, and which field of the form to
//! change.
//!
//! The client says what kind of failure it is; every text with the name of a field is here, as
//! tables that a person can read and a translator could use. docs/connections.md has the same
//! texts with their cures.
//!
//! | file | words for |
//! |---|---|
//! | `transport` | a request without an answer: names, ports, certificates, proxies |
//! | `tls` | certificates and keys of the settings that cannot be used |
//! | `tunnel` | an SSH server that cannot be used |
//! | `status` | an answer with an HTTP status |
//! | `kerberos` | tickets that cannot be had, or that Trino refuses |
//! | `query` | an error of a query |

mod kerberos;
mod query;
mod status;
mod tls;
mod transport;
mod tunnel;

use crate::error::ConnectorError;
use crate::trino::error::TrinoError;

impl From<TrinoError> for ConnectorError {
    fn from(error: TrinoError) -> Self {
        let connector_error = Self {
            is_shared: matches!(error, TrinoError::Lost { .. }),
            ..Self::new(error.failure_type(), message(&error))
        };
        match &error {
            TrinoError::Query(query) => connector_error.with_detail(format!(
                "query {} failed with {} ({})",
                query.query_id, query.error_name, query.error_type
            )),
            _ => connector_error.with_detail(format!("{error:?}")),
        }
    }
}

/// A record that is too large because of a column of the key or the cursor.
pub(crate) fn record_too_large(column: &str) -> ConnectorError {
    ConnectorError::config(format!(
        "The column \"{column}\" is part of the key or the cursor, and a record with its value has \
         20,000,000 bytes or more, which the platform does not take. Choose another key or cursor, \
         or read the table by an entry of ‹queries› that shortens the column."
    ))
}

/// An error in whole sentences.
fn message(error: &TrinoError) -> String {
    match error {
        TrinoError::Query(error) => query::message(error),
        TrinoError::Status {
            status,
            text,
            is_page,
            ..
        } => status::message(*status, text, *is_page),
        TrinoError::BrowserLogin => status::BROWSER_LOGIN.to_owned(),
        TrinoError::BlankAtEnd { cause } => format!(
            "{} The password ends with a blank or a line end, which counts as part of it: if it was \
             copied from a file, take that away.",
            message(cause)
        ),
        TrinoError::Transport { problem, .. } => transport::message(problem),
        TrinoError::TlsSettings(problem) => tls::message(problem),
        TrinoError::Tunnel(problem) => tunnel::message(problem),
        TrinoError::Elsewhere(problem) => format!(
            "Trino's answer led to {}, which is not the configured server, and failed there: {}. A \
             proxy in front of Trino must pass on X-Forwarded-Proto, -Host and -Port, and Trino \
             needs http-server.process-forwarded=true.",
            problem.server, problem.cause
        ),
        TrinoError::NotTrino(what) => {
            format!("Something answered that is not Trino ({what}). Check ‹hostname› and ‹port›.")
        }
        TrinoError::Redirect { server, target } => format!(
            "{server} redirects to {target}. Set ‹hostname›, ‹port› and ‹ssl_mode› to where \
             Trino is."
        ),
        TrinoError::Starting => "Trino is still starting. Try again in a minute.".to_owned(),
        TrinoError::Lost { after, cause } => format!(
            "Trino did not answer for {} minutes, so the read was given up. {}",
            after.as_secs() / 60,
            message(cause)
        ),
        TrinoError::TooLarge { server, limit } => format!(
            "{server} sent an answer of more than {} MB, which was not read to its end. Check that \
             ‹hostname› and ‹port› are Trino's, and that no gateway changes its answers.",
            limit / 1_000_000
        ),
        TrinoError::NotSpooled => "This Trino does not spool results. Set ‹fetch_protocol› to \
                                   \"auto\" or \"direct\"."
            .to_owned(),
        TrinoError::Segment { cause, .. }
            if matches!(**cause, TrinoError::PlainRedirect { .. }) =>
        {
            format!(
                "{error}. Such a redirect is not followed, because everybody on the way could read \
                 the rows. Have the storage where Trino spools results answer by https, or set \
                 ‹fetch_protocol› to \"direct\"."
            )
        }
        TrinoError::Segment { .. } => format!(
            "{error}. The spooled protocol needs access from here to the storage where Trino \
             spools results; if there is none, set ‹fetch_protocol› to \"direct\"."
        ),
        TrinoError::Kerberos(problem) => kerberos::message(problem),
        TrinoError::Token { place, cause } => status::token(place, cause),
        TrinoError::PageLost { .. }
        | TrinoError::Page(_)
        | TrinoError::Protocol(_)
        | TrinoError::PlainRedirect { .. }
        | TrinoError::Settings(_)
        | TrinoError::Codec(_)
        | TrinoError::Unclear(_)
        | TrinoError::Stopped => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
