//! What is retried, how often and how soon.
//!
//! Requests: Trino's own clients retry 502, 503, 504, 429 and broken connections with growing
//! pauses up to a time limit; so do we. The pauses are lengthened at random, so that many streams
//! do not retry at the same time, and are never shorter than `Retry-After`. A server that answers
//! no request for the whole limit is lost: nothing is sent to it any more, because otherwise the
//! time until the end would grow with the number of streams.
//!
//! Queries: a query that fails for a passing reason is run up to three times. A query that a full
//! resource group refuses waits as long as other queries of ours run, and some minutes more.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable as _};
use tokio_util::sync::CancellationToken;

use super::Client;
use super::error::TrinoError;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The longest `Retry-After` that is honoured.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How long a request of a running read is retried: long enough for another coordinator behind a
/// load balancer to take over.
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
    let said = Mutex::new(String::new());
    request
        .retry(pauses)
        .when(|error: &TrinoError| error.is_transient_request() && safe(error))
        .adjust(|error: &TrinoError, pause| {
            let asked = error.retry_after().unwrap_or_default().min(LONGEST_WAIT);
            // The budget covers everything: requests, our pauses, and the pauses that the server
            // asks for.
            pause
                .map(|pause| pause.max(asked))
                .filter(|pause| started.elapsed() + *pause <= budget)
        })
        .notify(|error, pause| {
            let error = error.to_string();
            let error = error.trim_end_matches('.');
            let pause = pause.as_millis();
            // Warns only once, because the same warning at each try would tell a person nothing
            // new.
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            if said.as_str() == error {
                tracing::debug!("{what}: {error}; trying again in {pause} ms");
            } else {
                tracing::warn!("{what}: {error}; trying again");
                error.clone_into(&mut said);
            }
        })
        .await
}

/// Whether a server answers, as far as all requests to it together know.
pub(crate) struct Contact {
    /// How long the server must have been silent at least, until it is lost. A request must also
    /// have used up its budget.
    patience: Duration,
    silence: Mutex<Silence>,
    lost: CancellationToken,
    last_failure: OnceLock<(Duration, Arc<TrinoError>)>,
}

#[derive(Default)]
struct Silence {
    last_answer: Option<Instant>,
    /// When the first request began that has failed since the last answer.
    since: Option<Instant>,
}

impl Contact {
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            silence: Mutex::default(),
            lost: CancellationToken::new(),
            last_failure: OnceLock::new(),
        }
    }

    /// Notes that the server has answered a request.
    pub(crate) fn answered(&self) {
        *self.lock() = Silence {
            last_answer: Some(Instant::now()),
            since: None,
        };
    }

    /// Whether the server is lost: it has answered no request for as long as one is retried.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Notes that a request, which has `begun` at this time, has used up its budget. Returns the
    /// error to report.
    fn failed(&self, begun: Instant, error: TrinoError) -> TrinoError {
        let mut silence = self.lock();
        let answers_others = silence.last_answer.is_some_and(|at| at > begun);
        let length = silence.since.get_or_insert(begun).elapsed();
        drop(silence);
        if answers_others || length < self.patience {
            return error;
        }
        let _ = self.last_failure.set((length, Arc::new(error)));
        self.lost.cancel();
        self.lost_error()
    }

    fn lost_error(&self) -> TrinoError {
        match self.last_failure.get() {
            Some((after, cause)) => TrinoError::Lost {
                after: *after,
                cause: Arc::clone(cause),
            },
            None => TrinoError::Stopped,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Silence> {
        self.silence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As [`retried`], for a server that may be found to be lost meanwhile.
///
/// # Errors
///
/// The last error, or that the server is lost.
pub(crate) async fn retried_in_contact<T, F>(
    contact: &Contact,
    what: &str,
    budget: Duration,
    safe: impl Fn(&TrinoError) -> bool,
    request: impl FnMut() -> F,
) -> Result<T, TrinoError>
where
    F: Future<Output = Result<T, TrinoError>>,
{
    if contact.is_lost() {
        return Err(contact.lost_error());
    }
    let begun = Instant::now();
    let result = tokio::select! {
        result = retried(what, budget, &safe, request) => result,
        () = contact.lost.cancelled() => return Err(contact.lost_error()),
    };
    match &result {
        // Only this kind of error has used up the budget by retrying.
        Err(error) if error.is_transient_request() && safe(error) => {
            return result.map_err(|error| contact.failed(begun, error));
        }
        Ok(_) | Err(TrinoError::Status { .. } | TrinoError::BlankAtEnd { .. }) => {
            contact.answered();
        }
        Err(_) => {}
    }
    result
}

/// How often a query is run at most, and the pause before the second run, which doubles after each
/// run.
const RUNS: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// The longest pause before a query that a full resource group has refused is sent again.
const LONGEST_QUEUE_PAUSE: Duration = Duration::from_secs(15);

/// The runs of one query.
pub(crate) struct Runs {
    run: usize,
    pause: Duration,
    queue_pause: Duration,
    /// Since when it has been waiting for room while no other query of ours runs.
    alone_since: Option<Instant>,
}

impl Default for Runs {
    fn default() -> Self {
        Self {
            run: 1,
            pause: PAUSE,
            queue_pause: PAUSE,
            alone_since: None,
        }
    }
}

impl Runs {
    /// Waits until the query may be run again after this error. Returns false if it may not.
    ///
    /// `what` says whose query it is, for the log.
    pub(crate) async fn may_go_on(
        &mut self,
        client: &Client,
        what: &str,
        error: &TrinoError,
    ) -> bool {
        if error.is_queue_full() && self.waits_for_room(client) {
            if self.queue_pause == PAUSE {
                tracing::warn!("{what}: {error}; waiting for room, with fewer queries at once");
            }
            client.run_fewer();
            tokio::select! {
                () = client.query_ended() => {}
                () = tokio::time::sleep(self.queue_pause) => {}
            }
            self.queue_pause = (self.queue_pause * 2).min(LONGEST_QUEUE_PAUSE);
            return true;
        }
        if !error.is_transient_query() || self.run >= RUNS {
            return false;
        }
        self.run += 1;
        tracing::warn!("{what}: {error}; starting again in {:?}", self.pause);
        tokio::time::sleep(self.pause).await;
        self.pause *= 2;
        true
    }

    /// Whether room in the resource group may still be waited for.
    fn waits_for_room(&mut self, client: &Client) -> bool {
        if client.has_running_queries() {
            self.alone_since = None;
            return true;
        }
        let since = *self.alone_since.get_or_insert_with(Instant::now);
        since.elapsed() < client.queue_patience()
    }
}

/// Runs a small query again while it fails for reasons that pass. An error that is probably caused
/// by a broken table is retried only once: it may come every time, and then the search for that
/// table would take minutes.
///
/// # Errors
///
/// The last error.
pub(crate) async fn rerun<T, F>(
    client: &Client,
    mut query: impl FnMut() -> F,
) -> Result<T, TrinoError>
where
    F: Future<Output = Result<T, TrinoError>>,
{
    let mut runs = Runs::default();
    loop {
        let error = match query().await {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        if error.may_be_of_the_table() && runs.run > 1
            || !runs.may_go_on(client, "a query for metadata", &error).await
        {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests;
