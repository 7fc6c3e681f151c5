//! What a server can do, from the version that it tells at the first contact.
//!
//! If the version cannot be understood, the server is asked what it can do. If the answer leaves a
//! doubt, the careful way is taken, so rows are never lost because of a wrong guess.

use std::time::{Duration, Instant};

use reqwest::{Method, Url};
use serde::Deserialize;

use super::error::TrinoError;
use super::{FIRST_CONTACT, retry};
use crate::secrets::one_line;
use crate::trino::http::transport::{Extras, Transport};
use crate::trino::wire::page::PageError;

/// First release that sends a page again if it is asked for twice (notes of 363, #9453). Older ones
/// answer with status 200 and no rows.
const KEEPS_PAGES: u32 = 363;

/// First release with `HEAD nextUri` as a heartbeat (475).
const HEARTBEAT: u32 = 475;

/// Last release whose headers begin with `X-Presto-`; the next one was called Trino.
const LAST_PRESTO: u32 = 350;

/// How long a read waits for a coordinator that says itself that it is starting. A cluster that was
/// stopped to save money needs some minutes.
const STARTING: Duration = Duration::from_mins(10);

/// Asks for the version where a gateway serves nothing but statements. It needs no catalog and no
/// right.
const VERSION: &str = "SELECT version()";

/// How many answers without the version are followed; the server keeps each for a second.
const ANSWERS: usize = 60;

/// The version numbers that releases of Trino may have, including those as Presto.
const RELEASES: std::ops::Range<u32> = 300..1000;

/// What a server can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerTraits {
    /// The version as the server tells it, for example `476` or `476-e.3`; may be no number.
    pub(crate) version: String,
    /// Whether a page may be asked for again.
    pub(crate) keeps_pages: bool,
    /// Whether `HEAD nextUri` keeps a query alive.
    pub(crate) has_heartbeat: bool,
    /// Whether its headers begin with `X-Presto-`.
    pub(crate) is_presto: bool,
}

/// Answer of `GET /v1/info`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    node_version: NodeVersion,
    #[serde(default)]
    starting: bool,
}

#[derive(Debug, Deserialize)]
struct NodeVersion {
    version: String,
}

/// Asks a server which version it has.
///
/// # Errors
///
/// When it cannot be reached, is still starting after `budget`, or is no Trino.
pub(crate) async fn ask(
    transport: &Transport,
    budget: Duration,
) -> Result<ServerTraits, TrinoError> {
    let started = Instant::now();
    // A starting server gets more time, but a wrong name or port must not look like a hang.
    let may_be_starting = |error: &TrinoError| {
        let is_elsewhere = error.is_unknown_host() || matches!(error, TrinoError::Page(_));
        let limit = match error {
            TrinoError::Starting => STARTING,
            _ if is_elsewhere => FIRST_CONTACT,
            _ => budget,
        };
        started.elapsed() < limit
    };
    let longest = if budget > FIRST_CONTACT {
        STARTING
    } else {
        budget
    };
    let version = retry::retried("The first request", longest, may_be_starting, || async {
        match transport.first_request(Method::GET, "/v1/info").await {
            Ok(body) => version_of_info(&body),
            Err(error) if is_not_served(&error) => version_by_statement(transport, error).await,
            Err(error) => Err(error),
        }
    })
    .await
    .map_err(|error| match error {
        TrinoError::Page(error) => TrinoError::NotTrino(error.to_string()),
        other => other,
    })?;
    let version = one_line(&version);
    if let Some(number) = number(&version) {
        return Ok(ServerTraits {
            keeps_pages: number >= KEEPS_PAGES,
            has_heartbeat: number >= HEARTBEAT,
            is_presto: number <= LAST_PRESTO,
            version,
        });
    }
    // Only servers from about 470 on answer this with 200, far later than 363.
    let head = transport.first_request(Method::HEAD, "/v1/statement").await;
    Ok(ServerTraits {
        version,
        keeps_pages: head.is_ok(),
        has_heartbeat: head.is_ok(),
        is_presto: false,
    })
}

fn version_of_info(body: &[u8]) -> Result<String, TrinoError> {
    let info: Info = serde_json::from_slice(body)
        .map_err(|error| PageError::Malformed(format!("/v1/info: {error}")))?;
    if info.starting {
        Err(TrinoError::Starting)
    } else {
        Ok(info.node_version.version)
    }
}

/// Whether an error says that there is no `/v1/info`. Every Trino has it, but not every gateway
/// passes it on.
fn is_not_served(error: &TrinoError) -> bool {
    matches!(
        error,
        TrinoError::Status {
            status: 403 | 404 | 405 | 501,
            ..
        } | TrinoError::TooLarge { .. }
    )
}

/// As much of an answer to a statement as the version needs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    id: String,
    next_uri: Option<String>,
    data: Option<Vec<(String,)>>,
    #[serde(default)]
    error: Option<serde::de::IgnoredAny>,
}

/// The version, from a server whose `/v1/info` failed with `missing`. It is empty if the server
/// takes statements, but does not tell its version.
///
/// # Errors
///
/// That it is no Trino, if it takes no statements either.
async fn version_by_statement(
    transport: &Transport,
    missing: TrinoError,
) -> Result<String, TrinoError> {
    let read = |body: &[u8]| serde_json::from_slice::<Answer>(body).ok();
    let url = transport.url("/v1/statement");
    let first = match transport.post(url, VERSION, Extras::default()).await {
        Ok(body) => read(&body).filter(|answer| !answer.id.is_empty()),
        Err(error) if is_not_served(&error) => None,
        Err(error) => return Err(error),
    };
    let Some(mut answer) = first else {
        return Err(match missing {
            // Whoever refuses access is told as such.
            refusal @ TrinoError::Status { status: 403, .. } => refusal,
            missing => TrinoError::NotTrino(missing.to_string()),
        });
    };
    tracing::debug!("/v1/info is not served ({missing}); asking for the version by a statement");
    let mut version = String::new();
    for _ in 0..ANSWERS {
        if let Some((first,)) = answer.data.take().and_then(|rows| rows.into_iter().next()) {
            version = first;
        }
        let next = answer
            .next_uri
            .as_deref()
            .and_then(|uri| Url::parse(uri).ok());
        let Some(next) = next.filter(|_| answer.error.is_none()) else {
            break;
        };
        let body = transport.follow(Method::GET, next).await?;
        answer = read(&body)
            .ok_or_else(|| PageError::Malformed("the answer to a statement".to_owned()))?;
    }
    Ok(version)
}

/// The release number in `476`, `476-e.3`, `426-amzn-0` or `0.289` (PrestoDB: 0, older than all).
/// Releases are counted from 300 on, so any other number is a fork's own: `1.10.0`, `2024.3`.
fn number(version: &str) -> Option<u32> {
    let end = version
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(version.len());
    let number = version[..end].parse().ok()?;
    let is_prestodb = number == 0 && version[end..].starts_with('.');
    (is_prestodb || RELEASES.contains(&number)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_begin_with_the_release_number() {
        let cases = [
            ("476", Some(476)),
            ("476-e.3", Some(476)),
            ("484-SNAPSHOT", Some(484)),
            ("426-amzn-0", Some(426)),
            ("0.289", Some(0)),
            ("350", Some(350)),
            ("300", Some(300)),
            ("1.10.0", None),
            ("23", None),
            ("0", None),
            ("2024.3.1", None),
            ("testversion", None),
            ("", None),
        ];
        for (version, expected) in cases {
            assert_eq!(number(version), expected, "{version}");
        }
    }
}
