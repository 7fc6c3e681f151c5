//! Questions about metadata that are asked again when the database behind Trino fails.
//!
//! The client itself runs a query again that fails for reasons of the server. What a database or a
//! metastore says may be about one table as well, so it is asked again only here, where one
//! statement is not about single tables.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};

use crate::trino::error::TrinoError;

/// How often a question is asked again, and the pause before the first time.
const AGAIN: usize = 2;
const PAUSE: Duration = Duration::from_secs(1);

/// Asks until there is an answer, or an error that no pause mends.
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
