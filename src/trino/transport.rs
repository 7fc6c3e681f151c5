//! The one HTTP transport, used by every command, so that what `check` proves is what `read`
//! uses. The only place that opens sockets.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use reqwest::{Method, Url, redirect};
use secrecy::ExposeSecret as _;

use super::error::{FailedStep, TransportProblem, TrinoError};
use super::{session, tls};
use crate::config::{Authentication, Connection, Tls};

/// Time for TCP and TLS to be established.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Time without a single byte. Trino answers within a second, even when it has nothing to say.
const READ_TIMEOUT: Duration = Duration::from_secs(90);

/// Characters of an error page that are worth showing.
const SHOWN: usize = 200;

/// Connections to one Trino.
pub(super) struct Transport {
    http: reqwest::Client,
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
        let builder = reqwest::Client::builder()
            .user_agent(concat!("source-trino/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .tcp_nodelay(true)
            .http1_only()
            // Trino itself never redirects these requests; a redirect to elsewhere must not
            // take the session's headers along.
            .redirect(redirect::Policy::none());
        let builder = match &connection.server.tls {
            Tls::Off => builder,
            Tls::On {
                verification,
                ca_certificate,
            } => builder.tls_backend_preconfigured(tls::configuration(
                *verification,
                ca_certificate.as_deref(),
            )?),
        };
        let http = builder
            .build()
            .map_err(|error| TrinoError::TlsSettings(cause_of(&error)))?;
        let base = connection.server.base_url();
        let base = Url::parse(&base)
            .map_err(|error| TrinoError::Protocol(format!("{base} is not a URL: {error}")))?;
        let session = session::headers(connection)?;
        Ok(Self {
            http,
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

    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    ///
    /// When no answer comes, not all of it, or one with another status than 2xx.
    pub(super) async fn request(
        &self,
        method: Method,
        url: Url,
        body: Option<&str>,
    ) -> Result<Bytes, TrinoError> {
        // Pages are JSON, which gzip makes 3.5 times slower to get (docs/measurements.md).
        let mut request = self
            .http
            .request(method, url.clone())
            .headers(self.session.clone())
            .header(ACCEPT_ENCODING, "identity");
        if let Some(credentials) = &self.credentials
            && url.origin() == self.base.origin()
        {
            request = request.header(AUTHORIZATION, credentials.clone());
        }
        if let Some(body) = body {
            // Gateways route by the text and want the charset.
            request = request
                .header(CONTENT_TYPE, "text/plain; charset=utf-8")
                .body(body.to_owned());
        }
        let response = request.send().await.map_err(|error| self.problem(&error))?;
        let status = response.status();
        if status.is_success() {
            return response.bytes().await.map_err(|error| self.problem(&error));
        }
        let retry_after = retry_after(response.headers());
        let plain = response
            .headers()
            .get(CONTENT_TYPE)
            .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
        let text = response.bytes().await.unwrap_or_default();
        if status.as_u16() == 400 && self.base.scheme() == "http" && names_tls(&text) {
            return Err(self.failed(FailedStep::PlainToTlsPort, "HTTP 400", true));
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

    fn failed(&self, step: FailedStep, cause: &str, sent: bool) -> TrinoError {
        let server = self.base.as_str().trim_end_matches('/').to_owned();
        let problem = TransportProblem {
            server,
            step,
            cause: cause.to_owned(),
        };
        TrinoError::Transport {
            problem: Box::new(problem),
            sent,
        }
    }

    fn problem(&self, error: &reqwest::Error) -> TrinoError {
        let text = cause_of(error);
        let step = match cause::<rustls::Error>(error) {
            Some(rustls::Error::InvalidCertificate(problem)) => {
                return self.failed(
                    FailedStep::Certificate,
                    &certificate_problem(problem),
                    false,
                );
            }
            // The first bytes of an HTTP answer are no TLS record.
            Some(rustls::Error::InvalidMessage(_)) => FailedStep::TlsToPlainPort,
            Some(_) => FailedStep::Tls,
            None if error.is_connect() => {
                match cause::<std::io::Error>(error).map(std::io::Error::kind) {
                    Some(std::io::ErrorKind::ConnectionRefused) => FailedStep::Refused,
                    _ if causes(error).any(|c| c.to_string().contains("dns error")) => {
                        FailedStep::Resolve
                    }
                    _ => FailedStep::Connect,
                }
            }
            None if error.is_timeout() => FailedStep::Timeout,
            None if text.contains("invalid HTTP") => FailedStep::PlainToTlsPort,
            None => FailedStep::Answer,
        };
        self.failed(step, &text, !error.is_connect())
    }
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

/// The innermost cause: the outer ones only repeat the URL and which layer passed it on.
fn cause_of(error: &reqwest::Error) -> String {
    causes(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

/// All causes, outermost first. `std::io::Error` hides what it wraps from `source`.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &Cause> {
    fn inner(error: &Cause) -> Option<&Cause> {
        let io = error.downcast_ref::<std::io::Error>();
        match io.and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        }
    }
    std::iter::successors(error.source(), |error| inner(*error))
}

type Cause = dyn std::error::Error + 'static;

/// The innermost cause of type `E`.
fn cause<E: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    causes(error)
        .filter_map(|cause| cause.downcast_ref())
        .last()
}

fn certificate_problem(problem: &rustls::CertificateError) -> String {
    use rustls::CertificateError as E;
    match problem {
        E::UnknownIssuer => {
            "it was issued by an authority that is not trusted here; paste that authority's \
             certificate into \"ca_certificate\""
                .to_owned()
        }
        E::NotValidForName => "it is for another host name".to_owned(),
        E::Expired => "it has expired".to_owned(),
        E::NotValidYet => "it is not valid yet".to_owned(),
        other => other.to_string(),
    }
}
