//! Asks a question about metadata again if the database behind Trino fails.
//!
//! The client repeats a query by itself if it failed because of the server. An error of a database
//! or a metastore may also be about a single table, so the client does not repeat those. Here they
//! are repeated, for statements that are not about single tables.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};

use crate::trino::error::TrinoError;

/// How often a question is asked again, and the pause before the first time.
const AGAIN: usize = 2;
const PAUSE: Duration = Duration::from_secs(1);

/// Asks until there is an answer, or an error that will not go away by waiting.
///
/// # Errors
///
/// The last error.
pub(crate) async fn patiently<T, F>(ask: impl FnMut() -> F) -> Result<T, TrinoError>
where
    F: Future<Output = Result<T, TrinoError>>,
{
    let pauses = ExponentialBuilder::default()
        .with_min_delay(PAUSE)
        .with_max_times(AGAIN);
    ask.retry(pauses)
        .when(TrinoError::may_be_of_the_table)
        .notify(|error, _| tracing::warn!("a question about metadata is asked again: {error}"))
        .await
}
