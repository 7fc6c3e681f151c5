//! An answer with an HTTP status other than 2xx, of Trino, a gateway, or a token endpoint.

use super::transport;
use crate::trino::error::{TrinoError, after_colon};

/// Trino asks for a login in a browser.
pub(super) const BROWSER_LOGIN: &str = "Trino wants a browser login (HTTP 401 with x_redirect_server), which nobody can do here. Set \
     ‹authentication› to ‹jwt› or ‹oauth2_client_credentials›.";

/// What the status says, and what to check. `is_page` says that the answer was a page for people.
pub(super) fn message(status: u16, text: &str, is_page: bool) -> String {
    let said = after_colon(text);
    match status {
        401 if text.contains("insecure authentication") => format!(
            "Trino takes no credentials over plain http (HTTP 401{said}). Set ‹ssl_mode› to \
             \"verify-full\", and ‹port› to Trino's https port."
        ),
        // Seen on 476, with a stack behind it.
        _ if text.contains("Cannot set role") => {
            let text = text.split("AccessDeniedException: ").nth(1).unwrap_or(text);
            let text = text.split(" at io.trino").next().unwrap_or(text);
            format!("Trino: {text}. Check ‹roles›, or grant the user that role.")
        }
        401 | 403 if is_page => format!(
            "Something in front of Trino refused access (HTTP {status}{said}). Check ‹hostname›, \
             ‹port› and ‹authentication›, and that this gateway or firewall lets the connector \
             through; if it wants https, set ‹ssl_mode›."
        ),
        // All that Trino says to a request without a login.
        401 if text == "Unauthorized" => format!(
            "Trino wants a login, or another one than it got (HTTP 401{said}). Check \
             ‹authentication› and ‹username›."
        ),
        401 => format!(
            "Trino did not accept the credentials (HTTP 401{said}). Check ‹username› and \
             ‹authentication›."
        ),
        403 => format!(
            "Trino refused access (HTTP 403{said}). Check ‹username› and ‹authentication›; if \
             Trino wants https, set ‹ssl_mode›."
        ),
        404 | 410 => format!(
            "Trino does not know the query any more (HTTP {status}{said}): it was restarted, or a \
             gateway has asked another cluster, which it must not do while a query runs."
        ),
        431 => format!(
            "The headers of the request are too large for Trino or a gateway (HTTP 431{said}). \
             Shorten ‹session_properties›, ‹client_tags›, ‹roles›, ‹extra_credentials›, \
             ‹http_headers› or the token of ‹authentication›, or have the limit raised."
        ),
        _ => format!(
            "Trino, or a gateway in front of it, answered with HTTP status {status}{said}. See that \
             Trino runs, and check ‹hostname› and ‹port›."
        ),
    }
}

/// Why the token endpoint at `place` gave no token.
pub(super) fn token(place: &str, cause: &TrinoError) -> String {
    match cause {
        TrinoError::Status {
            status: 400 | 401 | 403,
            text,
            ..
        } => format!(
            "The token endpoint {place} gave no token{}. Check ‹client_id›, ‹client_secret›, \
             ‹scope› and ‹audience› of ‹authentication›.",
            after_colon(text)
        ),
        cause => {
            let cause = match cause {
                TrinoError::Transport { problem, .. } => transport::happened(problem),
                other => other.to_string(),
            };
            format!(
                "No token could be had from {place}: {}. Check ‹token_endpoint› of \
                 ‹authentication›.",
                cause.trim_end_matches('.')
            )
        }
    }
}
