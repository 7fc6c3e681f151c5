//! The one HTTP transport, used by every command, so that what `check` proves is what `read`
//! uses. The only place that opens sockets.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, redirect};

use crate::config::{Connection, Tls};
use crate::trino::error::TrinoError;
use crate::trino::http::auth::Credentials;
use crate::trino::http::origin::Home;
use crate::trino::http::route::{Between, Way};
use crate::trino::http::tls_problem::TlsProblem;
use crate::trino::http::token::TokenSource;
use crate::trino::http::{answer, failure, tls};
use crate::trino::retry::{self, Contact};
use crate::trino::tunnel::Tunnel;
use crate::trino::wire::session::Session;

/// Time for TCP and TLS to be established.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Time without a single byte. Trino answers within a second, even when it has nothing to say.
const READ_TIMEOUT: Duration = Duration::from_secs(90);

/// Time for one of the first requests, from its connection to the last byte of its answer.
const FIRST_ANSWER: Duration = Duration::from_secs(20);

/// Time for a page or a segment, from its request to its last byte: an answer that comes byte by
/// byte is none.
const ANSWER: Duration = Duration::from_mins(5);

/// How long a download is tried again. Shorter than for the coordinator: storage is redundant, and
/// one that cannot be reached is found out at the start of a read.
const SEGMENT_BUDGET: Duration = Duration::from_secs(30);

/// Redirects that are followed for one segment: coordinator, worker, storage.
const REDIRECTS: usize = 4;

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
    /// Whether the coordinator answers.
    contact: Contact,
    /// Whether segments can be had.
    storage: Contact,
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
            contact: Contact::new(Duration::ZERO),
            storage: Contact::new(retry::BUDGET),
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

    /// Whether the coordinator answers, as all requests together have seen it.
    pub(crate) fn contact(&self) -> &Contact {
        &self.contact
    }

    /// Sends one of the first requests, which have small answers and little time.
    pub(crate) async fn first_request(
        &self,
        method: Method,
        path: &str,
    ) -> Result<Bytes, TrinoError> {
        let url = self.url(path);
        let request = self.coordinator.request(method, url.clone());
        let request = request
            .headers(self.session.headers(false))
            .timeout(FIRST_ANSWER);
        let response = self.send(request, &url).await?;
        self.session.apply_response_headers(response.headers());
        answer::body(response, answer::SMALL, &url, &self.way).await
    }

    /// Sends a request of the statement protocol and reads the whole answer. Another server than
    /// the configured one is told nothing of the session: the URI alone is the right to ask.
    ///
    /// # Errors
    ///
    /// When no answer comes, not all of it, or one with another status than 2xx.
    pub(crate) async fn request(&self, method: Method, url: Url) -> Result<Bytes, TrinoError> {
        let is_base = self.is_base(&url);
        let mut request = self.client(&url).request(method, url.clone());
        if is_base {
            request = request.headers(self.session.headers(false));
        }
        let response = self.send(request.timeout(ANSWER), &url).await?;
        if is_base {
            self.session.apply_response_headers(response.headers());
        }
        answer::body(response, answer::PAGE, &url, &self.way).await
    }

    /// As [`Transport::request`], at a URI that Trino gave; see `origin` for where it is asked for.
    pub(crate) async fn follow(&self, method: Method, given: Url) -> Result<Bytes, TrinoError> {
        let ask = |url| self.request(method.clone(), url);
        self.home.ask(given, ask).await
    }

    /// Hands a statement over.
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
            .timeout(ANSWER)
            .body(sql.to_owned());
        if let Some(encodings) = extras.encodings {
            request = request.header(self.session.name("query-data-encoding"), encodings);
        }
        if let Some((name, value)) = extras.property {
            request = request.header(self.session.name("session"), format!("{name}={value}"));
        }
        let response = self.send(request, &url).await?;
        self.session.apply_response_headers(response.headers());
        answer::body(response, answer::PAGE, &url, &self.way).await
    }

    /// Downloads a segment of `size` bytes, as far as that is known, from the storage or through the coordinator.
    ///
    /// # Errors
    ///
    /// When it cannot be had, also after trying again.
    pub(crate) async fn segment(
        &self,
        uri: &str,
        headers: &HeaderMap,
        size: Option<u64>,
    ) -> Result<Bytes, TrinoError> {
        let url = segment_url(uri)?;
        // What is a little too long is told as such by the check of its size.
        let limit = size.map_or(answer::SEGMENT, |size| size.saturating_add(answer::SMALL));
        let place = url.origin().ascii_serialization();
        let get = || {
            self.home
                .ask(url.clone(), |url| self.get_segment(url, headers, limit))
        };
        let segment =
            retry::retried_in_contact(&self.storage, "A segment", SEGMENT_BUDGET, |_| true, get)
                .await;
        segment.map_err(|cause| TrinoError::Segment {
            place,
            cause: Box::new(cause),
        })
    }

    /// Tells the coordinator that a segment may be deleted (a GET, as Trino's own client sends).
    pub(crate) async fn acknowledge(
        &self,
        uri: &str,
        headers: &HeaderMap,
    ) -> Result<(), TrinoError> {
        let ask = |url: Url| async move {
            let response = self.send(self.to_place(&url, headers), &url).await?;
            answer::body(response, answer::SMALL, &url, &self.way).await
        };
        self.home.ask(segment_url(uri)?, ask).await.map(drop)
    }

    /// One download. The coordinator may redirect to the storage or to a worker; the segment's
    /// headers go along, the session's do not leave the coordinator.
    async fn get_segment(
        &self,
        mut url: Url,
        headers: &HeaderMap,
        limit: u64,
    ) -> Result<Bytes, TrinoError> {
        for _ in 0..REDIRECTS {
            let response = self.send(self.to_place(&url, headers), &url).await?;
            let location = response
                .headers()
                .get(LOCATION)
                .filter(|_| response.status().is_redirection());
            let Some(location) = location else {
                return answer::body(response, limit, &url, &self.way).await;
            };
            let target = location
                .to_str()
                .ok()
                .and_then(|location| url.join(location).ok());
            let target = target.ok_or_else(|| {
                TrinoError::Protocol("A segment was redirected to what is no URL.".to_owned())
            })?;
            if url.scheme() == "https" && target.scheme() != "https" {
                let target = target.origin().ascii_serialization();
                return Err(TrinoError::PlainRedirect { target });
            }
            url = target;
        }
        Err(TrinoError::Protocol(
            "A segment was redirected too often.".to_owned(),
        ))
    }

    /// A GET of a segment: as to the coordinator if it is there, bare if it is anywhere else.
    fn to_place(&self, url: &Url, headers: &HeaderMap) -> RequestBuilder {
        let request = self.client(url).get(url.clone()).timeout(ANSWER);
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
            |error: reqwest::Error| failure::failed_request(&error.without_url(), url, &self.way);
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
        .map_err(|error| TlsProblem::Other(failure::innermost_cause(&error)).into())
}

fn segment_url(uri: &str) -> Result<Url, TrinoError> {
    // Not shown: a pre-signed URL is a credential.
    Url::parse(uri)
        .map_err(|error| TrinoError::Protocol(format!("A segment's URI is no URL: {error}.")))
}
