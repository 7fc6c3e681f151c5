//! One page of a query: asked for, again where that loses nothing; the next page is announced as
//! soon as the head of the body names it, long before its rows are here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use reqwest::Url;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

use super::Client;
use super::error::TrinoError;
use super::page::{self, Page, PageError};
use super::retry::{self, retried};

/// Fetches the pages of one query.
#[derive(Clone)]
pub(super) struct Fetcher {
    pub(super) client: Client,
    pub(super) query_id: String,
}

/// A page that was asked for. Dropping it gives the request up.
pub(super) struct Asked {
    /// The page, or why it cannot be had.
    pub(super) page: AbortOnDropHandle<Result<Page, TrinoError>>,
    /// Where the page after it is; closed without a word where the head of the body does not say.
    pub(super) next: oneshot::Receiver<String>,
    overtaken: Arc<AtomicBool>,
}

impl Asked {
    /// Says that the page after this one is asked for now: from then on the server no longer has
    /// this one, so it must not be asked for again.
    pub(super) fn overtake(&self) {
        self.overtaken.store(true, Ordering::Relaxed);
    }
}

impl Fetcher {
    /// Asks for the page at `uri`.
    pub(super) fn ask(&self, uri: String) -> Asked {
        let (announce, next) = oneshot::channel();
        let overtaken = Arc::new(AtomicBool::new(false));
        let (fetcher, flag) = (self.clone(), Arc::clone(&overtaken));
        let page = async move { fetcher.fetch(&uri, announce, &flag).await };
        Asked {
            page: AbortOnDropHandle::new(tokio::spawn(page)),
            next,
            overtaken,
        }
    }

    async fn fetch(
        &self,
        uri: &str,
        announce: oneshot::Sender<String>,
        overtaken: &AtomicBool,
    ) -> Result<Page, TrinoError> {
        let url = Url::parse(uri).map_err(|error| {
            TrinoError::Protocol(format!(
                "Trino sent a nextUri that is no URL ({uri}): {error}."
            ))
        })?;
        let traits = &self.client.traits;
        // Answers of a queued query have no rows to lose.
        let kept = traits.keeps_pages || url.path().contains("/statement/queued/");
        let may_ask_again = || kept && !overtaken.load(Ordering::Relaxed);
        // A server that forgets pages gets no early requests either.
        let announce = Mutex::new(kept.then_some(announce));
        let what = format!("Query {}", self.query_id);
        let page = retried(
            &what,
            retry::BUDGET,
            |error| may_ask_again() || error.was_not_served(),
            || async {
                let mut head = |head: &[u8]| match page::next_uri(head) {
                    page::Head::Unfinished => false,
                    page::Head::Next(uri) => {
                        let announce = announce.lock().ok().and_then(|mut once| once.take());
                        // Nobody listens when the query is being given up.
                        let _ = announce.map(|announce| announce.send(uri));
                        true
                    }
                    page::Head::Silent => true,
                };
                let body = self.client.transport.page(url.clone(), &mut head).await?;
                Ok(Page::parse(body)?)
            },
        )
        .await;
        page.map_err(|cause| match cause {
            cause
                if !may_ask_again() && cause.is_transient_request() && !cause.was_not_served() =>
            {
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
}
