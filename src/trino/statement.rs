//! One query: sends it, follows `nextUri` to its end, keeps it alive, cancels it.
//!
//! A separate task, the pump, talks to the server, so that a slow consumer never stalls the
//! protocol. It fetches one page ahead of the consumer, and sends heartbeats while the consumer is
//! busy for long. If the consumer goes away or the process stops, it cancels the query.
//!
//! These rules come from `StatementClientV1`, or from what servers were seen to do
//! (docs/architecture.md):
//! - `nextUri` is followed as it is, even if the state is already FINISHED;
//! - an answer may have no rows, and an error may come after rows;
//! - the end is an answer without `nextUri` and `error` whose state is FINISHED. Anything else is
//!   an error;
//! - a page is asked for again only if the server still has it.

use std::time::Duration;

use reqwest::{Method, Url};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, sleep, sleep_until};

use super::Client;
use super::error::TrinoError;
use super::retry::{self, retried_in_contact};
use crate::trino::http::transport::Extras;
use crate::trino::wire::page::{Page, PageError};

/// Pause between two heartbeats; Trino gives a query up after 5 minutes (`query.client.timeout`).
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Time limit for a heartbeat, because the next page must not wait for one that hangs.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(5);

/// An answer without rows that comes sooner than this counts as hasty.
const HASTY: Duration = Duration::from_millis(10);

/// Hasty answers in a row after which we slow down (servers before 484 may answer in a tight
/// loop after the end of the query, #31431).
const HASTY_LIMIT: u32 = 10;

/// Pause of the slow-down.
const SLOW_DOWN: Duration = Duration::from_millis(50);

/// A query that waits in the cluster's queue for longer than this is mentioned in the log.
const LONG_WAIT: Duration = Duration::from_secs(10);

/// Time limit for a cancellation.
const CANCEL_TIMEOUT: Duration = Duration::from_millis(700);

/// A running query. Dropping it cancels the query on the server.
pub(crate) struct Statement {
    query_id: String,
    events: mpsc::Receiver<Event>,
    ended: bool,
}

/// What the pump sends to the consumer. The end is an event of its own, so that a pump that panics
/// does not look like one that has finished.
enum Event {
    Page(Page),
    End,
    Failed(TrinoError),
}

/// Sends a statement to the server. Waits for a free slot first.
///
/// The rows come in the answers themselves if `extras` has no encodings, or if the server does not
/// spool.
pub(crate) async fn start(
    client: &Client,
    sql: &str,
    extras: Extras<'_>,
) -> Result<Statement, TrinoError> {
    // The semaphore is never closed.
    let slot = client
        .slots
        .clone()
        .acquire_owned()
        .await
        .map_err(|_| TrinoError::Stopped)?;
    if client.queries.stop.is_cancelled() {
        return Err(TrinoError::Stopped);
    }
    let url = client.transport.url("/v1/statement");
    // A POST only registers the query; the first GET starts it. So a POST whose answer was lost can
    // be sent again, and the server drops the query that nobody asks for.
    let page = retried_in_contact(
        client.transport.contact(),
        "A query was not taken",
        retry::BUDGET,
        |_| true,
        || async {
            let body = client.transport.post(url.clone(), sql, extras).await?;
            Ok(Page::parse(body)?)
        },
    )
    .await?;
    let query_id = page.envelope.id.clone();
    tracing::debug!(query_id, sql, "query");
    let (sender, events) = mpsc::channel(1);
    let pump = Pump {
        client: client.clone(),
        query_id: query_id.clone(),
        events: sender,
        _slot: slot,
    };
    client.queries.tasks.spawn(pump.run(page));
    Ok(Statement {
        query_id,
        events,
        ended: false,
    })
}

impl Statement {
    /// Trino's id of the query, for messages.
    pub(crate) fn query_id(&self) -> &str {
        &self.query_id
    }

    /// The next page that has rows or columns; `None` after the query has ended well.
    ///
    /// # Errors
    ///
    /// When the query failed or its pages cannot be fetched. Then the rows of the earlier pages may
    /// be incomplete.
    pub(crate) async fn next_page(&mut self) -> Result<Option<Page>, TrinoError> {
        if self.ended {
            return Ok(None);
        }
        match self.events.recv().await {
            Some(Event::Page(page)) => Ok(Some(page)),
            Some(Event::End) => {
                self.ended = true;
                Ok(None)
            }
            Some(Event::Failed(error)) => Err(error),
            None => Err(TrinoError::Stopped),
        }
    }
}

struct Pump {
    client: Client,
    query_id: String,
    events: mpsc::Sender<Event>,
    _slot: OwnedSemaphorePermit,
}

/// Whether a query waits in the queue of a resource group.
#[derive(Default)]
struct Queue {
    is_waiting: bool,
    since: Option<Instant>,
    is_told: bool,
}

impl Queue {
    /// Notes the state of an answer. Logs a long wait once.
    fn note(&mut self, state: &str, query_id: &str) {
        self.is_waiting = state == "QUEUED";
        let since = *self.since.get_or_insert_with(Instant::now);
        if self.is_waiting && !self.is_told && since.elapsed() > LONG_WAIT {
            self.is_told = true;
            tracing::info!(
                "query {query_id} waits in the queue of the cluster's resource group; ‹client_tags› \
                 or ‹source› may choose another one"
            );
        }
    }
}

impl Pump {
    async fn run(self, first: Page) {
        let mut last_uri = first.envelope.next_uri.clone();
        let outcome = tokio::select! {
            outcome = self.follow(first, &mut last_uri) => outcome,
            () = self.events.closed() => Err(TrinoError::Stopped),
            () = self.client.queries.stop.cancelled() => Err(TrinoError::Stopped),
        };
        match outcome {
            Ok(()) => {
                let _ = self.events.send(Event::End).await;
            }
            Err(error) => {
                let ended_by_server = matches!(error, TrinoError::Query(_));
                if !ended_by_server && let Some(uri) = last_uri {
                    self.cancel(&uri).await;
                }
                let _ = self.events.send(Event::Failed(error)).await;
            }
        }
        let client = self.client.clone();
        // Frees the slot before those are woken up who wait for it.
        drop(self);
        client.say_query_ended();
    }

    /// Follows the query to its end. `last_uri` is where it can be cancelled.
    async fn follow(&self, first: Page, last_uri: &mut Option<String>) -> Result<(), TrinoError> {
        let mut page = first;
        let mut hasty = 0;
        let mut queue = Queue::default();
        // Where the page can be asked for again; nowhere for the first one, which answered a POST.
        let mut seen: Option<String> = None;
        loop {
            // A balancer may answer with an id of its own until a cluster has taken the query. The
            // last id is the one that Trino knows.
            let query_id = std::mem::take(&mut page.envelope.id);
            if let Some(mut error) = page.envelope.error.take() {
                error.query_id = query_id;
                error.was_queued = queue.is_waiting;
                return Err(TrinoError::Query(error));
            }
            last_uri.clone_from(&page.envelope.next_uri);
            let state = std::mem::take(&mut page.envelope.stats.state);
            queue.note(&state, &query_id);
            let size = page.size();
            if page.rows().is_some() || page.envelope.columns.is_some() {
                self.events
                    .send(Event::Page(page))
                    .await
                    .map_err(|_| TrinoError::Stopped)?;
            }
            let Some(uri) = last_uri.clone() else {
                return if state == "FINISHED" {
                    Ok(())
                } else {
                    let text =
                        format!("Query {query_id} ended in state {state:?} without an error.");
                    Err(TrinoError::Protocol(text))
                };
            };
            self.room(seen.as_deref(), &uri).await?;
            let asked = Instant::now();
            page = self.fetch(&uri, size).await?;
            seen = Some(uri);
            if page.rows().is_none() && asked.elapsed() < HASTY {
                hasty += 1;
            } else {
                hasty = 0;
            }
            if hasty > HASTY_LIMIT {
                sleep(SLOW_DOWN).await;
            }
        }
    }

    /// Waits until the consumer has taken the page before, so that at most one page is fetched
    /// ahead. Keeps the query alive meanwhile.
    async fn room(&self, seen: Option<&str>, next: &str) -> Result<(), TrinoError> {
        let mut beat = Instant::now() + HEARTBEAT;
        loop {
            tokio::select! {
                // The permit can be given back at once: this is the only sender, so nobody else
                // takes the room.
                permit = self.events.reserve() => {
                    return permit.map(drop).map_err(|_| TrinoError::Stopped);
                }
                () = sleep_until(beat) => {
                    self.heartbeat(seen, next).await;
                    beat = Instant::now() + HEARTBEAT;
                }
            }
        }
    }

    /// Tells the server that the query is still wanted. A failure is no reason to give up.
    ///
    /// If the server does not know this HEAD request, or a gateway refuses it, the page that was
    /// `seen` last is asked for again. Its rows are already here, so it does not matter whether
    /// they come again.
    async fn heartbeat(&self, seen: Option<&str>, next: &str) {
        if self.client.has_heartbeat() {
            match self.beat(Method::HEAD, next).await {
                // A gateway does not pass HEAD on; the server itself would know it.
                Some(Err(TrinoError::Status {
                    status: 400..=428 | 430..=499 | 501,
                    ..
                })) => self.client.give_up_heartbeat(),
                _ => return,
            }
        }
        if let Some(seen) = seen {
            self.beat(Method::GET, seen).await;
        }
    }

    /// Sends one heartbeat; `None` if no answer came in time.
    async fn beat(&self, method: Method, uri: &str) -> Option<Result<(), TrinoError>> {
        let url = Url::parse(uri).ok()?;
        let beat = self.client.transport.follow(method, url);
        let answer = tokio::time::timeout(HEARTBEAT_TIMEOUT, beat).await.ok();
        let answer = answer.map(|answer| answer.map(drop));
        match &answer {
            Some(Ok(())) => self.client.transport.contact().answered(),
            Some(Err(error)) => {
                tracing::debug!(query_id = self.query_id, %error, "heartbeat failed");
            }
            None => tracing::debug!(query_id = self.query_id, "heartbeat not answered in time"),
        }
        answer
    }

    /// Fetches the answer at `uri`, which has about `expected` bytes, as many as the one before it.
    /// Retries if no rows can be lost by that.
    async fn fetch(&self, uri: &str, expected: usize) -> Result<Page, TrinoError> {
        let url = Url::parse(uri).map_err(|error| {
            TrinoError::Protocol(format!("Trino sent a nextUri that is no URL: {error}."))
        })?;
        let traits = &self.client.traits;
        // Answers about a queued query have no rows that could be lost.
        let asks_again = traits.keeps_pages || url.path().contains("/statement/queued/");
        let what = format!("Query {}", self.query_id);
        let page = retried_in_contact(
            self.client.transport.contact(),
            &what,
            retry::BUDGET,
            |error| asks_again || error.was_not_served(),
            || async {
                let body = self.client.transport.page(url.clone(), expected).await?;
                Ok(Page::parse(body)?)
            },
        )
        .await;
        page.map_err(|cause| match cause {
            cause if !asks_again && cause.is_transient_request() && !cause.was_not_served() => {
                TrinoError::PageLost {
                    query_id: self.query_id.clone(),
                    version: traits.version.clone(),
                    cause: Box::new(cause),
                }
            }
            TrinoError::Transport { problem, .. } if !self.client.transport.is_base(&url) => {
                TrinoError::Elsewhere(problem)
            }
            TrinoError::Page(PageError::Malformed(text)) => TrinoError::Protocol(format!(
                "Query {}: a page cannot be read: {text}.",
                self.query_id
            )),
            other => other,
        })
    }

    /// Cancels the query on the server. Best effort: the server gives it up by itself later.
    async fn cancel(&self, uri: &str) {
        let Ok(url) = Url::parse(uri) else { return };
        let delete = self.client.transport.follow(Method::DELETE, url);
        let cancelled = tokio::time::timeout(CANCEL_TIMEOUT, delete).await;
        let cancelled = cancelled.is_ok_and(|answer| answer.is_ok());
        tracing::debug!(query_id = self.query_id, cancelled, "query given up");
    }
}
