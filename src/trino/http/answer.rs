//! Reads an answer's body up to the allowed size, and finds out what a bad answer says.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Response, StatusCode, Url};

use crate::secrets::one_line;
use crate::trino::error::{FailedStep, TrinoError};
use crate::trino::http::buffers::{Buffer, Buffers};
use crate::trino::http::failure;
use crate::trino::http::pieces::Pieces;
use crate::trino::http::route::{Between, Way};

/// What is to be said of the size of an answer before it comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// The most bytes that are taken.
    pub(crate) most: u64,
    /// How many are expected, if the answer itself does not tell.
    pub(crate) expected: usize,
}

impl Size {
    /// At most so many, and nothing is known besides.
    pub(crate) const fn at_most(most: u64) -> Self {
        Self { most, expected: 0 }
    }
}

/// The most bytes of an answer of `/v1/info` or of a token endpoint. A few hundred are usual.
pub(crate) const SMALL: u64 = 1 << 20;

/// The most bytes of a page. Trino ends a page at 128 MB at the latest, but a single row may be
/// larger.
pub(crate) const PAGE: u64 = 512 << 20;

/// The most bytes of a segment whose size is not told.
pub(crate) const SEGMENT: u64 = 512 << 20;

/// How many bytes of an error page are read.
const ERROR: u64 = 64 << 10;

/// Time limit for the body of an error page.
const ERROR_TIME: Duration = Duration::from_secs(10);

/// How many characters of an error page are shown.
const SHOWN: usize = 200;

/// Bytes of a buffer for an answer that does not tell its length. Pages have about as many.
const TYPICAL: usize = 1 << 20;

/// The most bytes that are made ready because an answer says that it has as many.
const BELIEVED: usize = 32 << 20;

/// The body of a good answer, or the error for a bad one. It is read into one of `buffers`.
///
/// # Errors
///
/// When the answer is bad, breaks off, or is larger.
pub(crate) async fn body(
    response: Response,
    size: Size,
    url: &Url,
    way: &Way,
    buffers: &Buffers,
) -> Result<Bytes, TrinoError> {
    if !response.status().is_success() {
        return Err(refusal(response, url, way).await);
    }
    match read_body(response, size, buffers).await {
        Ok(Body::Whole(body)) => Ok(body.into_bytes()),
        Ok(Body::Cut(_)) => Err(TrinoError::TooLarge {
            server: url.origin().ascii_serialization(),
            limit: size.most,
        }),
        Err(error) => Err(failure::failed_request(&error.without_url(), url, way)),
    }
}

/// Status and body of a token endpoint's answer. The body of a bad answer tells in JSON what is
/// wrong.
///
/// # Errors
///
/// When the answer breaks off or is too large.
pub(crate) async fn token_body(
    response: Response,
    url: &Url,
    way: &Way,
) -> Result<(StatusCode, Bytes), TrinoError> {
    let status = response.status();
    match read_body(response, Size::at_most(SMALL), &Buffers::default()).await {
        Ok(Body::Whole(body)) => Ok((status, body.into_bytes())),
        Ok(Body::Cut(_)) => Err(TrinoError::TooLarge {
            server: url.origin().ascii_serialization(),
            limit: SMALL,
        }),
        Err(error) => Err(failure::failed_request(&error.without_url(), url, way)),
    }
}

/// How much of a body was read.
enum Body {
    Whole(Buffer),
    /// As much as was allowed; there was more.
    Cut(Buffer),
}

/// Each piece is copied at once. So the connection can read the next one into the same memory.
async fn read_body(
    mut response: Response,
    size: Size,
    buffers: &Buffers,
) -> Result<Body, reqwest::Error> {
    let told = response.content_length().map(usize::try_from);
    let told = told.and_then(Result::ok);
    let mut pieces = Pieces::new(told.unwrap_or(size.expected));
    let mut body = buffers.take(told.unwrap_or(TYPICAL).min(BELIEVED));
    body.bytes.clear();
    while let Some(chunk) = response.chunk().await? {
        if body.bytes.capacity() - body.bytes.len() < chunk.len() {
            // Less than twice as much: buffers are kept, and seldom grow again.
            body.bytes
                .reserve_exact(chunk.len().max(body.bytes.len() / 4));
        }
        body.bytes.extend_from_slice(&chunk);
        pieces.taken(chunk.len());
        if body.bytes.len() as u64 > size.most {
            return Ok(Body::Cut(body));
        }
    }
    Ok(Body::Whole(body))
}

/// The error for an answer with a status other than 2xx.
pub(crate) async fn refusal(response: Response, url: &Url, way: &Way) -> TrinoError {
    let status = response.status();
    let headers = response.headers();
    if status.is_redirection() {
        let target = headers.get(LOCATION);
        let target = target.and_then(|target| url.join(target.to_str().ok()?).ok());
        return TrinoError::Redirect {
            server: url.origin().ascii_serialization(),
            target: target.map_or_else(
                || "nowhere".to_owned(),
                // The target's query is left out, because it may contain secrets.
                |target| target.origin().ascii_serialization() + target.path(),
            ),
        };
    }
    if status == StatusCode::UNAUTHORIZED && wants_browser(headers) {
        return TrinoError::BrowserLogin;
    }
    let retry_after = retry_after(headers);
    let kind = headers
        .get(CONTENT_TYPE)
        .map(|kind| kind.as_bytes().to_ascii_lowercase());
    let is_plain = kind
        .as_ref()
        .is_none_or(|kind| kind.starts_with(b"text/plain"));
    let is_page = kind.is_some_and(|kind| kind.starts_with(b"text/html"));
    let buffers = Buffers::default();
    let text = tokio::time::timeout(
        ERROR_TIME,
        read_body(response, Size::at_most(ERROR), &buffers),
    )
    .await;
    let text = match text {
        Ok(Ok(Body::Whole(text) | Body::Cut(text))) => text.into_bytes(),
        Ok(Err(_)) | Err(_) => Bytes::new(),
    };
    let text = String::from_utf8_lossy(&text);
    if status == StatusCode::BAD_REQUEST && url.scheme() == "http" && names_tls(&text) {
        let step = FailedStep::PlainToTlsPort;
        return failure::failed(step, url, "HTTP 400", true);
    }
    if let Between::Proxy { address, setting } = way.between(url)
        // Trino's own 401 is plain text. After a wrong login, tinyproxy sends a 401 with an HTML
        // page.
        && (status == StatusCode::PROXY_AUTHENTICATION_REQUIRED
            || status == StatusCode::UNAUTHORIZED && !is_plain)
    {
        let step = FailedStep::ProxyLogin { address, setting };
        return failure::failed(step, url, status.as_str(), true);
    }
    TrinoError::Status {
        status: status.as_u16(),
        text: if is_page {
            shortened(title(&text))
        } else {
            shortened(&text)
        },
        is_page,
        retry_after,
    }
}

/// Whether Trino takes nothing but a login in a browser, by its challenge of
/// `http-server.authentication.type=oauth2`. Another challenge beside it means that what was sent
/// is wrong.
fn wants_browser(headers: &HeaderMap) -> bool {
    let mut challenges = headers.get_all(WWW_AUTHENTICATE).iter().peekable();
    challenges.peek().is_some()
        && challenges.all(|challenge| {
            let challenge = challenge.as_bytes().to_ascii_lowercase();
            memchr::memmem::find(&challenge, b"x_redirect_server").is_some()
        })
}

/// Understands only a number of seconds: gateways in front of Trino are not known to send anything
/// else.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// Whether a text says that http was used on an https port, as nginx and Jetty do.
fn names_tls(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("https port") || text.contains("tls")
}

/// The title of an HTML page; the rest of such a page helps nobody.
fn title(page: &str) -> &str {
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title>").map(|at| at + "<title>".len());
    let title = start.and_then(|start| {
        let end = lower[start..].find("</title>")?;
        page.get(start..start + end)
    });
    title.unwrap_or_default()
}

fn shortened(text: &str) -> String {
    let text = one_line(text);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_page_for_people_its_title_is_shown() {
        let page = "<html><head><TITLE>403\n Forbidden\0</TITLE></head><body>x</body></html>";
        assert_eq!(shortened(title(page)), "403 Forbidden\u{fffd}");
        assert_eq!(title("<html>no title"), "");
        assert_eq!(title("<title>without an end"), "");
    }

    #[test]
    fn a_browser_login_is_recognised() {
        const BROWSER: &str =
            "Bearer x_redirect_server=\"https://t/o\", x_token_server=\"https://t\"";
        let wants = |challenges: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for challenge in challenges {
                headers.append(WWW_AUTHENTICATE, challenge.parse().unwrap());
            }
            wants_browser(&headers)
        };
        assert!(wants(&[BROWSER]));
        // A wrong password, where a person could log in as well.
        assert!(!wants(&["Basic realm=\"Trino\"", BROWSER]));
        assert!(!wants(&["Bearer realm=\"Trino\""]));
        assert!(!wants(&[]));
    }
}
