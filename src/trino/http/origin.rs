//! Decides which server is asked for a URI from Trino's answers.
//!
//! Trino makes its URIs from the request's `Host`, or from `X-Forwarded-*` if it is configured to
//! trust them. Behind a proxy that does not pass these headers on, the URIs have a wrong scheme,
//! port, host or path. The rule (docs/connections.md): if a URI of the statement protocol or of a
//! spooled segment does not lead to the configured server, its path is asked for on the configured
//! server first. Only if that server does not know it (404), the URI is followed as given: without
//! credentials, and never from https to http. The result is remembered for the next URIs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use reqwest::Url;

use crate::trino::error::{FailedStep, TransportProblem, TrinoError};

/// Paths that Trino itself serves.
const TRINOS_OWN: [&str; 2] = ["/v1/statement/", "/v1/spooled/"];

/// The configured server, and which other addresses were found to mean it.
pub(crate) struct Home {
    base: Url,
    /// For each origin: whether its URIs have to be asked for on the configured server.
    known: Mutex<HashMap<String, bool>>,
}

impl Home {
    /// `base` is the configured URL, with the path at which Trino begins.
    pub(crate) fn new(base: Url) -> Self {
        Self {
            base,
            known: Mutex::default(),
        }
    }

    /// The URL of one of Trino's paths on the configured server.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.prefix()));
        url
    }

    /// Whether a URL is on the configured server.
    pub(crate) fn is_base(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Sends a request for a URI from Trino to the right server.
    ///
    /// # Errors
    ///
    /// The errors of `ask`.
    pub(crate) async fn ask<T, F>(
        &self,
        given: Url,
        ask: impl Fn(Url) -> F,
    ) -> Result<T, TrinoError>
    where
        F: Future<Output = Result<T, TrinoError>>,
    {
        let origin = given.origin().ascii_serialization();
        let known = self.lock().get(&origin).copied();
        let moved = self.moved(&given).filter(|_| known != Some(false));
        let Some(here) = moved else {
            return ask(given).await;
        };
        let answer = ask(here).await;
        match &answer {
            Err(TrinoError::Status { status: 404, .. }) if known.is_none() => {}
            Ok(_) if known.is_none() => {
                self.note(&given, true);
                return answer;
            }
            _ => return answer,
        }
        if self.base.scheme() == "https" && given.scheme() == "http" {
            return Err(TrinoError::Elsewhere(Box::new(TransportProblem {
                server: origin,
                step: FailedStep::Answer,
                cause: "the configured server does not know it, and it is not followed from https \
                        to plain http"
                    .to_owned(),
            })));
        }
        self.note(&given, false);
        ask(given).await
    }

    /// The URL on the configured server for a URI that leads elsewhere; `None` if it does not.
    fn moved(&self, given: &Url) -> Option<Url> {
        let path = given.path();
        let start = TRINOS_OWN.iter().find_map(|own| path.find(own))?;
        let mut here = self.url(&path[start..]);
        here.set_query(given.query());
        (here != *given).then_some(here)
    }

    fn prefix(&self) -> &str {
        self.base.path().trim_end_matches('/')
    }

    fn note(&self, given: &Url, is_here: bool) {
        let origin = given.origin().ascii_serialization();
        if is_here {
            tracing::info!(
                "Trino names its answers by {origin}; they are asked for at {} (a proxy in front \
                 of Trino should pass on X-Forwarded-Proto, -Host and -Port)",
                self.base
            );
        }
        self.lock().insert(origin, is_here);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, bool>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(base: &str, given: &str) -> Option<String> {
        let url = |text| Url::parse(text).unwrap();
        let here = Home::new(url(base)).moved(&url(given));
        here.map(|url| url.to_string())
    }

    #[test]
    fn uris_of_trino_are_moved_to_the_configured_server() {
        let cases = [
            (
                "https://gw",
                "http://gw/v1/statement/queued/q/1?x=y",
                Some("https://gw/v1/statement/queued/q/1?x=y"),
            ),
            (
                "https://gw:8443",
                "https://10.0.0.1:8080/v1/statement/x/1",
                Some("https://gw:8443/v1/statement/x/1"),
            ),
            (
                "https://gw/t",
                "https://gw/v1/statement/x/1",
                Some("https://gw/t/v1/statement/x/1"),
            ),
            ("https://gw/t", "https://gw/t/v1/statement/x/1", None),
            (
                "http://gw:80",
                "http://other/v1/spooled/download/x",
                Some("http://gw/v1/spooled/download/x"),
            ),
            ("http://gw", "http://bucket/segments/1", None),
            ("http://gw", "http://gw/v1/statement/x/1", None),
        ];
        for (base, given, expected) in cases {
            assert_eq!(moved(base, given).as_deref(), expected, "{base} {given}");
        }
    }
}
