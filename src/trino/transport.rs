//! The one HTTP transport, used by every command, so that what `check` proves is what `read`
//! uses. The only place that opens sockets.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Method, RequestBuilder, Response, Url, redirect};
use secrecy::ExposeSecret as _;

use super::error::{FailedStep, TrinoError};
use super::{problem, retry, session, tls};
use crate::config::{Authentication, Connection, Tls};

/// Time for TCP and TLS to be established.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Time without a single byte. Trino answers within a second, even when it has nothing to say.
const READ_TIMEOUT: Duration = Duration::from_secs(90);

/// How long a download is tried again. Shorter than for the coordinator: storage is redundant, and
/// one that cannot be reached is found out at the start of a read.
const SEGMENT_BUDGET: Duration = Duration::from_secs(30);

/// Redirects that are followed for one segment: coordinator, worker, storage.
const REDIRECTS: usize = 4;

/// Characters of an error page that are worth showing.
const SHOWN: usize = 200;

/// Connections to one Trino.
pub(super) struct Transport {
    coordinator: reqwest::Client,
    /// For segments that are not with the coordinator.
    storage: reqwest::Client,
    base: Url,
    session: HeaderMap,
    credentials: Option<HeaderValue>,
}

impl Transport {
    /// Prepares the transport; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// When the TLS settings cannot be used or a setting cannot be sent as a header.
    pub(super) fn new(connection: &Connection) -> Result<Self, TrinoError> {
        let (coordinator, storage) = match &connection.server.tls {
            Tls::Off => (None, None),
            Tls::On {
                verification,
                ca_certificate,
            } => {
                let pem = ca_certificate.as_deref();
                let coordinator = tls::configuration(*verification, pem)?;
                (
                    Some(coordinator),
                    Some(tls::storage_configuration(*verification, pem)?),
                )
            }
        };
        let base = connection.server.base_url();
        let base = Url::parse(&base)
            .map_err(|error| TrinoError::Protocol(format!("{base} is not a URL: {error}")))?;
        let session = session::headers(connection)?;
        Ok(Self {
            coordinator: client(coordinator)?,
            storage: client(storage)?,
            base,
            session,
            credentials: credentials(connection)?,
        })
    }

    /// The URL of a path on the coordinator.
    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    /// Whether a URL is on the configured server.
    pub(super) fn is_base(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Sends a request of the statement protocol and reads the whole answer.
    ///
    /// # Errors
    ///
    /// When no answer comes, not all of it, or one with another status than 2xx.
    pub(super) async fn request(&self, method: Method, url: Url) -> Result<Bytes, TrinoError> {
        finish(self.to_coordinator(method, &url), &url).await
    }

    /// Hands a statement over; `encodings` are those of the spooled protocol, best first.
    ///
    /// # Errors
    ///
    /// As [`Transport::request`].
    pub(super) async fn post(
        &self,
        url: Url,
        sql: &str,
        encodings: Option<&'static str>,
        session_property: Option<(&str, &str)>,
    ) -> Result<Bytes, TrinoError> {
        // Gateways route by the text and want the charset.
        let mut request = self
            .to_coordinator(Method::POST, &url)
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(sql.to_owned());
        if let Some(encodings) = encodings {
            request = request.header("x-trino-query-data-encoding", encodings);
        }
        if let Some((name, value)) = session_property {
            request = request.header("x-trino-session", format!("{name}={value}"));
        }
        finish(request, &url).await
    }

    /// Downloads a segment, from the storage or through the coordinator.
    ///
    /// # Errors
    ///
    /// When it cannot be had, also after trying again.
    pub(super) async fn segment(
        &self,
        uri: &str,
        headers: &HeaderMap,
    ) -> Result<Bytes, TrinoError> {
        let url = segment_url(uri)?;
        let place = url.origin().ascii_serialization();
        let get = || self.get_segment(url.clone(), headers);
        let segment = retry::retried("A segment", SEGMENT_BUDGET, |_| true, get).await;
        segment.map_err(|cause| TrinoError::Segment {
            place,
            cause: Box::new(cause),
        })
    }

    /// Tells the coordinator that a segment may be deleted (a GET, as Trino's own client sends).
    ///
    /// # Errors
    ///
    /// As [`Transport::request`].
    pub(super) async fn acknowledge(
        &self,
        uri: &str,
        headers: &HeaderMap,
    ) -> Result<(), TrinoError> {
        let url = segment_url(uri)?;
        let request = self.to_place(&url).headers(headers.clone());
        finish(request, &url).await.map(drop)
    }

    /// One download. The coordinator may redirect to the storage or to a worker; the segment's
    /// headers go along, the session's do not leave the coordinator.
    async fn get_segment(&self, mut url: Url, headers: &HeaderMap) -> Result<Bytes, TrinoError> {
        for _ in 0..REDIRECTS {
            let request = self.to_place(&url).headers(headers.clone());
            let response = send(request, &url).await?;
            let location = response
                .headers()
                .get(LOCATION)
                .filter(|_| response.status().is_redirection());
            let Some(location) = location else {
                return body(response, &url).await;
            };
            let target = location
                .to_str()
                .ok()
                .and_then(|location| url.join(location).ok());
            url = target.ok_or_else(|| {
                TrinoError::Protocol("A segment was redirected to what is no URL.".to_owned())
            })?;
        }
        Err(TrinoError::Protocol(
            "A segment was redirected too often.".to_owned(),
        ))
    }

    /// A request with the session's headers; with credentials only to the configured origin.
    fn to_coordinator(&self, method: Method, url: &Url) -> RequestBuilder {
        // Pages are JSON, which gzip makes 3.5 times slower to get (docs/measurements.md).
        let request = self
            .coordinator
            .request(method, url.clone())
            .headers(self.session.clone())
            .header(ACCEPT_ENCODING, "identity");
        match &self.credentials {
            Some(credentials) if self.is_base(url) => {
                request.header(AUTHORIZATION, credentials.clone())
            }
            _ => request,
        }
    }

    /// A GET of a segment: as to the coordinator if it is there, bare if it is anywhere else.
    fn to_place(&self, url: &Url) -> RequestBuilder {
        if self.is_base(url) {
            self.to_coordinator(Method::GET, url)
        } else {
            self.storage
                .get(url.clone())
                .header(ACCEPT_ENCODING, "identity")
        }
    }
}

fn client(tls: Option<rustls::ClientConfig>) -> Result<reqwest::Client, TrinoError> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("source-trino/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .tcp_nodelay(true)
        .http1_only()
        // Statements are never redirected, segments are by `get_segment`: no header travels to
        // another host unseen.
        .redirect(redirect::Policy::none());
    let builder = match tls {
        Some(tls) => builder.tls_backend_preconfigured(tls),
        None => builder,
    };
    builder
        .build()
        .map_err(|error| TrinoError::TlsSettings(problem::cause_of(&error)))
}

fn segment_url(uri: &str) -> Result<Url, TrinoError> {
    // Not shown: a pre-signed URL is a credential.
    Url::parse(uri)
        .map_err(|error| TrinoError::Protocol(format!("A segment's URI is no URL: {error}.")))
}

async fn send(request: RequestBuilder, url: &Url) -> Result<Response, TrinoError> {
    request
        .send()
        .await
        .map_err(|error| problem::of_request(&error.without_url(), url))
}

async fn finish(request: RequestBuilder, url: &Url) -> Result<Bytes, TrinoError> {
    body(send(request, url).await?, url).await
}

/// The whole body of a good answer, or what a bad one says.
async fn body(response: Response, url: &Url) -> Result<Bytes, TrinoError> {
    let status = response.status();
    if status.is_success() {
        return response
            .bytes()
            .await
            .map_err(|error| problem::of_request(&error.without_url(), url));
    }
    let retry_after = retry_after(response.headers());
    let plain = response
        .headers()
        .get(CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let text = response.bytes().await.unwrap_or_default();
    if status.as_u16() == 400 && url.scheme() == "http" && names_tls(&text) {
        return Err(problem::failed(
            FailedStep::PlainToTlsPort,
            url,
            "HTTP 400",
            true,
        ));
    }
    Err(TrinoError::Status {
        status: status.as_u16(),
        // Error pages of proxies are HTML that helps nobody.
        text: if plain {
            shortened(&text)
        } else {
            String::new()
        },
        retry_after,
    })
}

fn credentials(connection: &Connection) -> Result<Option<HeaderValue>, TrinoError> {
    use base64::Engine as _;
    match &connection.authentication {
        Authentication::None => Ok(None),
        Authentication::Password(password) => {
            let pair = format!("{}:{}", connection.username, password.expose_secret());
            let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
            crate::logging::hide(&encoded);
            let mut value = HeaderValue::try_from(format!("Basic {encoded}"))
                .map_err(|error| TrinoError::Protocol(error.to_string()))?;
            value.set_sensitive(true);
            Ok(Some(value))
        }
    }
}

/// Seconds, the only form that gateways in front of Trino are known to send.
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

/// nginx and Jetty say it in words when http reaches their https port.
fn names_tls(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    text.contains("https port") || text.contains("tls")
}

fn shortened(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
