//! Clients of HTTP: what all of them are built with.

use std::time::Duration;

use reqwest::redirect;

use crate::trino::error::TrinoError;
use crate::trino::http::failure;
use crate::trino::http::route::Way;
use crate::trino::http::tls_problem::TlsProblem;

/// Time limit for establishing TCP and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Time limit without a single byte. Trino answers within a second, even if it has no rows yet.
const READ_TIMEOUT: Duration = Duration::from_secs(90);

/// What a client of HTTP is built with: its TLS configuration, its time limits, and its way.
///
/// # Errors
///
/// When the proxy of the way cannot be used.
pub(super) fn client(
    tls: rustls::ClientConfig,
    way: &Way,
) -> Result<reqwest::ClientBuilder, TrinoError> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("source-trino/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .tcp_nodelay(true)
        .http1_only()
        // Redirects of statements are never followed, and `Transport` follows those of segments
        // itself, so that no header goes to another host by accident.
        .redirect(redirect::Policy::none())
        .tls_backend_preconfigured(tls);
    way.apply(builder)
}

/// Builds a client.
///
/// # Errors
///
/// When its TLS configuration cannot be used.
pub(super) fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, TrinoError> {
    builder
        .build()
        .map_err(|error| TlsProblem::Other(failure::innermost_cause(&error)).into())
}
