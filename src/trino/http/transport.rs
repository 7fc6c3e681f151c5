//! The one HTTP transport. All commands use it, so that `check` tests exactly what `read` uses.
//! Besides the tunnel, this is the only place that opens connections.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};

use crate::config::{Connection, Tls};
use crate::trino::error::TrinoError;
use crate::trino::http::answer::Size;
use crate::trino::http::auth::Credentials;
use crate::trino::http::buffers::Buffers;
use crate::trino::http::client::{build, client};
use crate::trino::http::origin::Home;
use crate::trino::http::route::{Between, Way};
use crate::trino::http::token::TokenSource;
use crate::trino::http::{answer, failure, tls};
use crate::trino::retry::{self, Contact};
use crate::trino::tunnel::Tunnel;
use crate::trino::wire::session::Session;

/// Time limit for one of the first requests, from the connection to the last byte of the answer.
const FIRST_ANSWER: Duration = Duration::from_secs(20);

/// Time limit for a page or a segment, from the request to the last byte, against answers that come
/// byte by byte.
const ANSWER: Duration = Duration::from_mins(5);

/// How long a download is retried. This is shorter than for the coordinator, because storage is
/// redundant, and whether it can be reached is tested before the read.
const SEGMENT_BUDGET: Duration = Duration::from_secs(30);

/// How many redirects are followed for one segment: coordinator, worker, storage.
const REDIRECTS: usize = 4;

/// Connections to one Trino.
pub(crate) struct Transport {
    /// The client for the configured server, with its TLS settings, our certificate, and its
    /// cookies.
    coordinator: reqwest::Client,
    /// The client for all other servers, such as the storage of segments.
    others: reqwest::Client,
    way: Way,
    home: Home,
    session: Session,
    credentials: Credentials,
    /// Whether the coordinator answers.
    contact: Contact,
    /// Whether the storage of segments answers.
    storage: Contact,
    /// Memory for answers, and for what segments are unpacked to.
    buffers: Buffers,
}

/// What is sent with a statement besides the session.
#[derive(Clone, Copy, Default)]
pub(crate) struct Extras<'a> {
    /// Encodings of the spooled protocol that are accepted, best first.
    pub(crate) encodings: Option<&'static str>,
    /// A session property for this statement.
    pub(crate) property: Option<(&'a str, &'a str)>,
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
            Tls::Off => {
                let usual = tls::usual_configuration()?;
                (usual.clone(), usual.clone(), usual)
            }
            Tls::On(settings) => (
                tls::configuration(settings)?,
                tls::other_configuration(settings)?,
                tls::checked_configuration(settings)?,
            ),
        };
        let base = connection.server.base_url();
        let base = Url::parse(&base)
            .map_err(|error| TrinoError::Protocol(format!("{base} is not a URL: {error}")))?;
        // Plain http to this machine is fine, but not through a proxy on another machine.
        if connection.has_secrets()
            && !connection.allow_credentials_over_http
            && base.scheme() == "http"
            && let Between::Proxy { address, setting } = way.between(&base)
        {
            return Err(TrinoError::Settings(format!(
                "Credentials would travel in clear text over plain http to the proxy {address}. \
                 Choose https in ‹ssl_mode›, or check {setting}."
            )));
        }
        let credentials = Credentials::new(connection, |settings| {
            let outside = way.outside();
            let client = build(client(checked, &outside)?)?;
            Ok(TokenSource::new(client, outside, settings))
        })?;
        Ok(Self {
            // Gateways remember by a cookie which cluster a query runs on.
            coordinator: build(client(coordinator, &way)?.cookie_store(true))?,
            others: build(client(others, &way)?)?,
            way,
            home: Home::new(base),
            session: Session::new(connection)?,
            credentials,
            contact: Contact::new(Duration::ZERO),
            storage: Contact::new(retry::BUDGET),
            buffers: Buffers::default(),
        })
    }

    /// From now on uses the headers of servers from before Presto was renamed to Trino.
    pub(crate) fn speak_presto(&mut self) {
        self.session.rename_for_presto();
    }

    /// Uses each connection through a proxy once, for a server that cannot send a page again.
    ///
    /// Some proxies close a connection after an answer without announcing it. A request that is on
    /// its way at this moment is lost, and the page with it. This cannot happen if TLS goes through
    /// the proxy.
    pub(crate) fn use_connections_once(&mut self) -> Result<(), TrinoError> {
        let base = self.url("/");
        if base.scheme() == "http" && matches!(self.way.between(&base), Between::Proxy { .. }) {
            let tls = tls::usual_configuration()?;
            let builder = client(tls, &self.way)?.cookie_store(true);
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

    /// Memory for answers, and for what segments are unpacked to.
    pub(crate) fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    /// Whether the coordinator answers, as far as all requests together know.
    pub(crate) fn contact(&self) -> &Contact {
        &self.contact
    }

    /// Sends one of the first requests, which have small answers and a short time limit.
    pub(crate) async fn first_request(
        &self,
        method: Method,
        path: &str,
    ) -> Result<Bytes, TrinoError> {
        let url = self.url(path);
        let request = self.coordinator.request(method, url.clone());
        let request = request
            .headers(self.session.headers(false, None))
            .timeout(FIRST_ANSWER);
        let response = self.send(request, &url).await?;
        self.session.apply_response_headers(response.headers());
        self.body(response, Size::at_most(answer::SMALL), &url)
            .await
    }

    /// A request of the statement protocol to one server, and its whole answer. A server other than
    /// the configured one gets nothing of the session; the URI alone is enough for it.
    async fn request(
        &self,
        method: Method,
        url: Url,
        expected: usize,
    ) -> Result<Bytes, TrinoError> {
        let is_base = self.is_base(&url);
        let mut request = self.client(&url).request(method, url.clone());
        if is_base {
            request = request.headers(self.session.headers(false, None));
        }
        let response = self.send(request.timeout(ANSWER), &url).await?;
        if is_base {
            self.session.apply_response_headers(response.headers());
        }
        let size = Size {
            most: answer::PAGE,
            expected,
        };
        self.body(response, size, &url).await
    }

    /// Sends a request of the statement protocol to a URI from Trino and reads the whole answer.
    /// `origin` decides which server is asked.
    ///
    /// # Errors
    ///
    /// When there is no answer, when it is incomplete, or when its status is not 2xx.
    pub(crate) async fn follow(&self, method: Method, given: Url) -> Result<Bytes, TrinoError> {
        let ask = |url| self.request(method.clone(), url, 0);
        self.home.ask(given, ask).await
    }

    /// As [`Transport::follow`], for a page that has about `expected` bytes.
    pub(crate) async fn page(&self, given: Url, expected: usize) -> Result<Bytes, TrinoError> {
        let ask = |url| self.request(Method::GET, url, expected);
        self.home.ask(given, ask).await
    }

    /// Sends a statement to the coordinator.
    pub(crate) async fn post(
        &self,
        url: Url,
        sql: &str,
        extras: Extras<'_>,
    ) -> Result<Bytes, TrinoError> {
        // Gateways look at the text of the statement to choose a cluster, and need the charset for
        // that.
        let mut request = self
            .coordinator
            .post(url.clone())
            .headers(self.session.headers(extras.bare, extras.property))
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .timeout(ANSWER)
            .body(sql.to_owned());
        if let Some(encodings) = extras.encodings {
            request = request.header(self.session.name("query-data-encoding"), encodings);
        }
        let response = self.send(request, &url).await?;
        self.session.apply_response_headers(response.headers());
        self.body(response, Size::at_most(answer::PAGE), &url).await
    }

    /// Downloads a segment of `size` bytes, as far as that is known, from the storage or through
    /// the coordinator.
    ///
    /// # Errors
    ///
    /// When the download fails, also after retries.
    pub(crate) async fn segment(
        &self,
        uri: &str,
        headers: &HeaderMap,
        size: Option<u64>,
    ) -> Result<Bytes, TrinoError> {
        let url = segment_url(uri)?;
        // The limit is a little higher, so that a segment that is slightly too long gets the
        // clearer error of the size check.
        let limit = size.map_or(answer::SEGMENT, |size| size.saturating_add(answer::SMALL));
        let limit = Size::at_most(limit);
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
            self.body(response, Size::at_most(answer::SMALL), &url)
                .await
        };
        self.home.ask(segment_url(uri)?, ask).await.map(drop)
    }

    /// One download. The coordinator may redirect to the storage or to a worker. The segment's
    /// headers are sent to them as well; the session's headers go only to the coordinator.
    async fn get_segment(
        &self,
        mut url: Url,
        headers: &HeaderMap,
        limit: Size,
    ) -> Result<Bytes, TrinoError> {
        for _ in 0..REDIRECTS {
            let response = self.send(self.to_place(&url, headers), &url).await?;
            let location = response
                .headers()
                .get(LOCATION)
                .filter(|_| response.status().is_redirection());
            let Some(location) = location else {
                return self.body(response, limit, &url).await;
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

    /// The GET request for a segment: with the session's headers if it goes to the coordinator,
    /// without them if it goes anywhere else.
    fn to_place(&self, url: &Url, headers: &HeaderMap) -> RequestBuilder {
        let request = self.client(url).get(url.clone()).timeout(ANSWER);
        let request = if self.is_base(url) {
            request.headers(self.session.headers(false, None))
        } else {
            request
        };
        request.headers(headers.clone())
    }

    /// The body of an answer to a request to `url`.
    async fn body(&self, response: Response, size: Size, url: &Url) -> Result<Bytes, TrinoError> {
        answer::body(response, size, url, &self.way, &self.buffers).await
    }

    fn client(&self, url: &Url) -> &reqwest::Client {
        if self.is_base(url) {
            &self.coordinator
        } else {
            &self.others
        }
    }

    /// Sends a request. The configured server gets our credentials, and a second request with new
    /// ones if they were refused. Any other server gets none.
    async fn send(&self, request: RequestBuilder, url: &Url) -> Result<Response, TrinoError> {
        let failed =
            |error: reqwest::Error| failure::failed_request(&error.without_url(), url, &self.way);
        // With gzip, pages take 3.5 times as long (docs/measurements.md).
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
            let response = again.send().await.map_err(failed)?;
            return self.accepted(response, url).await;
        }
        self.accepted(response, url).await
    }

    /// An answer to a request with credentials, unless it is that these were refused.
    async fn accepted(&self, response: Response, url: &Url) -> Result<Response, TrinoError> {
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let error = answer::refusal(response, url, &self.way).await;
        Err(self.credentials.refusal(error).await)
    }
}

fn segment_url(uri: &str) -> Result<Url, TrinoError> {
    // The URL is not shown, because a pre-signed URL is a credential.
    Url::parse(uri)
        .map_err(|error| TrinoError::Protocol(format!("A segment's URI is no URL: {error}.")))
}
