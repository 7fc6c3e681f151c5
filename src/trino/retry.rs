//! What is tried again, how often and how soon.
//!
//! Trino's own clients retry 502, 503, 504, 429 and broken connections with growing pauses up to
//! a time limit; so does this, lengthened at random so that many streams do not return in step, and
//! with `Retry-After` as the least pause.

use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable as _};

use super::error::TrinoError;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The longest `Retry-After` that is honoured.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How long a request of a running read is tried again: long enough for a coordinator behind a
/// load balancer to fail over.
pub(crate) const BUDGET: Duration = Duration::from_mins(2);

/// Runs `request` until it succeeds, fails for good, or `budget` is used up. `safe` says whether
/// the request may be sent again after this error.
///
/// # Errors
///
/// The last error.
pub(crate) async fn retried<T, F>(
    what: &str,
    budget: Duration,
    safe: impl Fn(&TrinoError) -> bool,
    request: impl FnMut() -> F,
) -> Result<T, TrinoError>
where
    F: Future<Output = Result<T, TrinoError>>,
{
    let pauses = ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_jitter()
        .without_max_times();
    let started = Instant::now();
    request
        .retry(pauses)
        .when(|error: &TrinoError| error.is_transient_request() && safe(error))
        .adjust(|error: &TrinoError, pause| {
            let asked = error.retry_after().unwrap_or_default().min(LONGEST_WAIT);
            // The budget counts everything: requests, our pauses and those we are asked for.
            pause
                .map(|pause| pause.max(asked))
                .filter(|pause| started.elapsed() + *pause <= budget)
        })
        .notify(|error, pause| {
            let error = error.to_string();
            let error = error.trim_end_matches('.');
            tracing::warn!("{what}: {error}; trying again in {} ms", pause.as_millis());
        })
        .await
}

/// How often a query is run at most, and the pause before the second time; doubled after that.
pub(crate) const RUNS: usize = 3;
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// Runs a small query again while it fails for reasons that pass. A broken table's errors are
/// not among them: it gives them every time, and the search for it would take minutes.
///
/// # Errors
///
/// The last error.
pub(crate) async fn rerun<T, F>(query: impl FnMut() -> F) -> Result<T, TrinoError>
where
    F: Future<Output = Result<T, TrinoError>>,
{
    let pauses = ExponentialBuilder::default()
        .with_min_delay(PAUSE)
        .with_max_times(RUNS - 1);
    query
        .retry(pauses)
        .when(|error: &TrinoError| error.is_transient_query() && !error.is_of_the_table())
        .notify(|error, _| tracing::warn!("a query is run again: {error}"))
        .await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn unavailable(retry_after: Option<Duration>) -> TrinoError {
        TrinoError::Status {
            status: 503,
            text: String::new(),
            retry_after,
        }
    }

    async fn attempts(
        budget: Duration,
        safe: bool,
        answers: Vec<Option<TrinoError>>,
    ) -> (usize, bool) {
        let count = Cell::new(0);
        let answers = std::cell::RefCell::new(answers.into_iter());
        let result = retried(
            "test",
            budget,
            |_| safe,
            || {
                count.set(count.get() + 1);
                let answer = answers.borrow_mut().next().flatten();
                async { answer.map_or(Ok(()), Err) }
            },
        )
        .await;
        (count.get(), result.is_ok())
    }

    #[tokio::test]
    async fn a_passing_fault_is_tried_again() {
        let result = attempts(BUDGET, true, vec![Some(unavailable(None)), None]).await;
        assert_eq!(result, (2, true));
    }

    #[tokio::test]
    async fn a_request_that_is_not_safe_is_sent_once() {
        let result = attempts(BUDGET, false, vec![Some(unavailable(None)), None]).await;
        assert_eq!(result, (1, false));
    }

    #[tokio::test]
    async fn a_lasting_fault_is_not_tried_again() {
        let denied = TrinoError::Status {
            status: 401,
            text: String::new(),
            retry_after: None,
        };
        assert_eq!(
            attempts(BUDGET, true, vec![Some(denied), None]).await,
            (1, false)
        );
    }

    #[tokio::test]
    async fn retry_after_is_the_least_pause() {
        let start = Instant::now();
        let wait = Some(Duration::from_millis(400));
        attempts(BUDGET, true, vec![Some(unavailable(wait)), None]).await;
        assert!(start.elapsed() >= Duration::from_millis(400));
    }

    #[tokio::test]
    async fn the_budget_ends_it() {
        let faults = (0..100).map(|_| Some(unavailable(None))).collect();
        let (count, succeeded) = attempts(Duration::from_millis(300), true, faults).await;
        assert!(!succeeded);
        assert!(count < 10, "{count} attempts");
    }
}
