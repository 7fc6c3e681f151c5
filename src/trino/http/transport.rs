//! The one HTTP transport, used by every command, so that what `check` proves is what `read`
//! uses. The only place that opens sockets.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, redirect};

use crate::config::{Connection, Tls};
use crate::trino::error::{FailedStep, TrinoError};
use crate::trino::http::auth::Credentials;
use crate::trino::http::origin::Home;
use crate::trino::http::route::{Between, Way};
use crate::trino::http::token::TokenSource;
use crate::trino::http::{classify, tls};
use crate::trino::retry;
use crate::trino::tunnel::Tunnel;
use crate::trino::wire::session::Session;

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
pub(crate) struct Transport {
    /// For the configured server: with its TLS settings, our certificate, and its cookies.
    coordinator: reqwest::Client,
    /// For all others, such as the storage of segments.
    others: reqwest::Client,
    way: Way,
    home: Home,
    session: Session,
    credentials: Credentials,
}

/// What a statement is sent with beside its session.
#[derive(Clone, Copy, Default)]
pub(crate) struct Extras {
    /// Encodings of the spooled protocol that are accepted, best first.
    pub(crate) encodings: Option<&'static str>,
    /// A session property for this statement.
    pub(crate) property: Option<(&'static str, &'static str)>,
    /// Whether the configured session properties are left out.
    pub(crate) bare: bool,
}

impl Transport {
    /// Prepares the transport, through `tunnel` if there is one; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// When the TLS settings cannot be used or a setting cannot be sent as a header.
    pub(crate) fn new(
        connection: &Connection,
        tunnel: Option<Arc<Tunnel>>,
    ) -> Result<Self, TrinoError> {
        let way = Way::new(connection, tunnel);
        let (coordinator, others, checked) = match &connection.server.tls {
            Tls::Off => (None, None, None),
            Tls::On(settings) => (
                Some(tls::configuration(settings)?),
                Some(tls::other_configuration(settings)?),
                Some(tls::checked_configuration(settings)?),
            ),
        };
        let base = connection.server.base_url();
        let base = Url::parse(&base)
            .map_err(|error| TrinoError::Protocol(format!("{base} is not a URL: {error}")))?;
        // Plain http to this machine is fine, but not by way of another one.
        if connection.has_secrets()
            && !connection.allow_credentials_over_http
            && base.scheme() == "http"
            && let Between::Proxy { address, setting } = way.between(&base)
        {
            return Err(TrinoError::Settings(format!(
                "Credentials would travel in clear text over plain http to the proxy {address}. \
                 Choose https in \"ssl_mode\", or check {setting}."
            )));
        }
        let credentials = Credentials::new(connection, |settings| {
            let outside = way.outside();
            let client = build(client(checked, &outside)?)?;
            Ok(TokenSource::new(client, outside, settings))
        })?;
        Ok(Self {
            // Gateways tell by a cookie which cluster a query runs on.
            coordinator: build(client(coordinator, &way)?.cookie_store(true))?,
            others: build(client(others, &way)?)?,
            way,
            home: Home::new(base),
            session: Session::new(connection)?,
            credentials,
        })
    }

    /// Speaks with the headers that a server before Trino's renaming wants.
    pub(crate) fn speak_presto(&mut self) {
        self.session.rename_for_presto();
    }

    /// Uses each connection through a proxy once, for a server that cannot send a page again.
    ///
    /// Some proxies end a connection after an answer without saying so before. A request that is on
    /// its way just then is lost, and with it the page. Where TLS goes through the proxy, it cannot.
    ///
    /// # Errors
    ///
    /// As [`Transport::new`].
    pub(crate) fn use_connections_once(&mut self) -> Result<(), TrinoError> {
        let base = self.url("/");
        if base.scheme() == "http" && matches!(self.way.between(&base), Between::Proxy { .. }) {
            let builder = client(None, &self.way)?.cookie_store(true);
            self.coordinator = build(builder.pool_max_idle_per_host(0))?;
        }
        Ok(())
    }

    /// The URL of a path on the coordinator.
    pub(crate) fn url(&self, path: &str) -> Url {
        self.home.url(path)
    }

    /// Whether a URL is on the configured server.
    pub(crate) fn is_base(&self, url: &Url) -> bool {
        self.home.is_base(url)
    }

    /// Sends a request of the statement protocol and reads the whole answer.
    ///
    /// # Errors
    ///
    /// When no answer comes, not all of it, or one with another status than 2xx.
    pub(crate) async fn request(&self, method: Method, url: Url) -> Result<Bytes, TrinoError> {
        let request = self.client(&url).request(method, url.clone());
        let request = request.headers(self.session.headers(false));
        let response = self.send(request, &url).await?;
        if self.is_base(&url) {
            self.session.heed(response.headers());
        }
        self.body(response, &url).await
    }

    /// As [`Transport::request`], at a URI that Trino gave; see `home` for where it is asked for.
    ///
    /// # Errors
    ///
    /// As [`Transport::request`].
    pub(crate) async fn follow(&self, method: Method, given: Url) -> Result<Bytes, TrinoError> {
        let ask = |url| self.request(method.clone(), url);
        self.home.ask(given, ask).await
    }

    /// Hands a statement over.
    ///
    /// # Errors
    ///
    /// As [`Transport::request`].
    pub(crate) async fn post(
        &self,
        url: Url,
        sql: &str,
        extras: Extras,
    ) -> Result<Bytes, TrinoError> {
        // Gateways route by the text and want the charset.
        let mut request = self
            .coordinator
            .post(url.clone())
            .headers(self.session.headers(extras.bare))
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(sql.to_owned());
        if let Some(encodings) = extras.encodings {
            request = request.header(self.session.name("query-data-encoding"), encodings);
        }
        if let Some((name, value)) = extras.property {
            request = request.header(self.session.name("session"), format!("{name}={value}"));
        }
        let response = self.send(request, &url).await?;
        self.session.heed(response.headers());
        self.body(response, &url).await
    }

    /// Downloads a segment, from the storage or through the coordinator.
    ///
    /// # Errors
    ///
    /// When it cannot be had, also after trying again.
    pub(crate) async fn segment(
        &self,
        uri: &str,
        headers: &HeaderMap,
    ) -> Result<Bytes, TrinoError> {
        let url = segment_url(uri)?;
        let place = url.origin().ascii_serialization();
        let get = || {
            self.home
                .ask(url.clone(), |url| self.get_segment(url, headers))
        };
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
    pub(crate) async fn acknowledge(
        &self,
        uri: &str,
        headers: &HeaderMap,
    ) -> Result<(), TrinoError> {
        let ask = |url: Url| async move {
            let response = self.send(self.to_place(&url, headers), &url).await?;
            self.body(response, &url).await
        };
        self.home.ask(segment_url(uri)?, ask).await.map(drop)
    }

    /// One download. The coordinator may redirect to the storage or to a worker; the segment's
    /// headers go along, the session's do not leave the coordinator.
    async fn get_segment(&self, mut url: Url, headers: &HeaderMap) -> Result<Bytes, TrinoError> {
        for _ in 0..REDIRECTS {
            let response = self.send(self.to_place(&url, headers), &url).await?;
            let location = response
                .headers()
                .get(LOCATION)
                .filter(|_| response.status().is_redirection());
            let Some(location) = location else {
                return self.body(response, &url).await;
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

    /// A GET of a segment: as to the coordinator if it is there, bare if it is anywhere else.
    fn to_place(&self, url: &Url, headers: &HeaderMap) -> RequestBuilder {
        let request = self.client(url).get(url.clone());
        let request = if self.is_base(url) {
            request.headers(self.session.headers(false))
        } else {
            request
        };
        request.headers(headers.clone())
    }

    fn client(&self, url: &Url) -> &reqwest::Client {
        if self.is_base(url) {
            &self.coordinator
        } else {
            &self.others
        }
    }

    /// Sends a request: to the configured server with our credentials, and once more with new
    /// ones if those were refused; to any other without.
    async fn send(&self, request: RequestBuilder, url: &Url) -> Result<Response, TrinoError> {
        let failed =
            |error: reqwest::Error| classify::of_request(&error.without_url(), url, &self.way);
        // Pages are JSON, which gzip makes 3.5 times slower to get (docs/measurements.md).
        let request = request.header(ACCEPT_ENCODING, "identity");
        if !self.is_base(url) {
            return request.send().await.map_err(failed);
        }
        let request = request.headers(self.session.secrets());
        let Some(credentials) = self.credentials.header().await? else {
            return request.send().await.map_err(failed);
        };
        let again = request.try_clone();
        let request = request.header(AUTHORIZATION, credentials.clone());
        let response = request.send().await.map_err(failed)?;
        if response.status() == StatusCode::UNAUTHORIZED
            && let Some(again) = again
            && let Some(renewed) = self.credentials.renewed(&credentials).await?
        {
            tracing::debug!("the token was refused; asking again with a new one");
            let again = again.header(AUTHORIZATION, renewed);
            return again.send().await.map_err(failed);
        }
        Ok(response)
    }

    /// The whole body of a good answer, or what a bad one says.
    async fn body(&self, response: Response, url: &Url) -> Result<Bytes, TrinoError> {
        let status = response.status();
        if status.is_success() {
            return response
                .bytes()
                .await
                .map_err(|error| classify::of_request(&error.without_url(), url, &self.way));
        }
        if status.is_redirection() {
            let target = response.headers().get(LOCATION);
            let target = target.and_then(|target| url.join(target.to_str().ok()?).ok());
            return Err(TrinoError::Redirect {
                server: url.origin().ascii_serialization(),
                target: target.map_or_else(
                    || "nowhere".to_owned(),
                    // Its query may hold what is nobody's business.
                    |target| target.origin().ascii_serialization() + target.path(),
                ),
            });
        }
        let retry_after = retry_after(response.headers());
        let plain = response
            .headers()
            .get(CONTENT_TYPE)
            .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
        let text = response.bytes().await.unwrap_or_default();
        if status == StatusCode::BAD_REQUEST && url.scheme() == "http" && names_tls(&text) {
            let step = FailedStep::PlainToTlsPort;
            return Err(classify::failed(step, url, "HTTP 400", true));
        }
        if let Between::Proxy { address, setting } = self.way.between(url)
            // Trino says 401 in plain text; tinyproxy says it on a page where the login is wrong.
            && (status == StatusCode::PROXY_AUTHENTICATION_REQUIRED
                || status == StatusCode::UNAUTHORIZED && !plain)
        {
            let step = FailedStep::ProxyLogin { address, setting };
            return Err(classify::failed(step, url, status.as_str(), true));
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
}

fn client(
    tls: Option<rustls::ClientConfig>,
    way: &Way,
) -> Result<reqwest::ClientBuilder, TrinoError> {
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
    way.apply(builder)
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, TrinoError> {
    builder
        .build()
        .map_err(|error| TrinoError::TlsSettings(classify::cause_of(&error)))
}

fn segment_url(uri: &str) -> Result<Url, TrinoError> {
    // Not shown: a pre-signed URL is a credential.
    Url::parse(uri)
        .map_err(|error| TrinoError::Protocol(format!("A segment's URI is no URL: {error}.")))
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
