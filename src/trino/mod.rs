//! The Trino client: statements in, blocks of rows' bytes out.
//!
//! | file | job |
//! |---|---|
//! | `transport` | every request: timeouts, credentials, cookies, redirects |
//! | `home` | where the URIs in Trino's answers are asked for |
//! | `way` | direct, through a proxy, or through a tunnel |
//! | `tunnel`, `socks`, `ssh`, `login` | connections through an SSH server |
//! | `auth`, `token` | what proves the user; OAuth2 tokens |
//! | `identity` | our own certificate and its key |
//! | `probe` | whether the spooled protocol works from here |
//! | `problem` | errors of the HTTP library → which step failed |
//! | `tls` | `ssl_mode` → a TLS configuration |
//! | `session`, `amendments` | the `X-Trino-*` headers of every request, and what answers change of them |
//! | `retry` | what is tried again, how often, how soon |
//! | `server` | what this server can do, from its version |
//! | `page` | bytes of an answer → envelope and rows' bytes (pure) |
//! | `rows` | a query's rows as blocks, direct or spooled |
//! | `segment` | what an answer says of a spooled segment; its download and receipt |
//! | `codec` | content of segments: bytes as stored → JSON text (pure) |
//! | `statement` | POST, follow `nextUri`, heartbeat, cancel |
//! | `control` | small typed answers: metadata, versions, statistics |
//! | `step` | the steps of a request that can fail |
//! | `error`, `query_error` | what can go wrong, and what a person should change |

pub(crate) mod control;
pub(crate) mod error;
mod http;
pub(crate) mod retry;
pub(crate) mod rows;
mod segment;
pub(crate) mod server;
mod spooling_check;
pub(crate) mod statement;
mod tunnel;
pub mod wire;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Connection, FetchProtocol};
use error::TrinoError;
use http::transport::{Extras, Transport};
use rows::Rows;
use server::ServerTraits;
use statement::Statement;
use tunnel::Tunnel;

/// How long the first contact is tried. Short: a wrong port must not look like a hang.
const FIRST_CONTACT: Duration = Duration::from_secs(5);

/// How long running queries may take to be cancelled at the end.
const SHUTDOWN: Duration = Duration::from_millis(800);

/// A connected Trino; cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    transport: Arc<Transport>,
    traits: Arc<ServerTraits>,
    slots: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    queries: Queries,
}

/// The queries that run on the server, so that they can be cancelled when the process ends;
/// cheap to clone.
#[derive(Clone, Default)]
pub struct Queries {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Queries {
    /// Cancels all running queries on the server, waits shortly for that, and refuses new ones.
    pub async fn cancel_all(&self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(SHUTDOWN, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::debug!("not all queries could be cancelled in time");
        }
    }
}

impl Client {
    /// Makes the first contact, which needs no credentials: reachability, TLS, version.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, is no Trino, or is still starting.
    pub(crate) async fn connect(
        connection: &Connection,
        queries: &Queries,
    ) -> Result<Self, TrinoError> {
        let tunnel = match &connection.tunnel {
            None => None,
            Some(settings) => {
                let open = || Tunnel::open(settings);
                let tunnel = retry::retried("The SSH tunnel", FIRST_CONTACT, |_| true, open);
                Some(Arc::new(tunnel.await?))
            }
        };
        let mut transport = Transport::new(connection, tunnel)?;
        let traits = server::ask(&transport, FIRST_CONTACT).await?;
        if traits.is_presto {
            transport.speak_presto();
        }
        if !traits.keeps_pages {
            transport.use_connections_once()?;
        }
        tracing::debug!(version = traits.version, "connected to Trino");
        Ok(Self {
            transport: Arc::new(transport),
            traits: Arc::new(traits),
            slots: Arc::new(Semaphore::new(connection.concurrency)),
            memory: Arc::new(Semaphore::new(rows::BUDGET as usize)),
            queries: queries.clone(),
        })
    }

    /// Whether a query would start at once.
    pub(crate) fn has_free_slot(&self) -> bool {
        self.slots.available_permits() > 0
    }

    /// Starts a small query, whose answers come direct; waits for one of the `concurrency` slots
    /// first.
    ///
    /// # Errors
    ///
    /// When the statement cannot be handed over. Errors of the query itself come with its pages.
    pub(crate) async fn execute(&self, sql: &str) -> Result<Statement, TrinoError> {
        statement::start(self, sql, Extras::default()).await
    }

    /// Starts a small query without the configured session properties, which may be what is wrong.
    ///
    /// # Errors
    ///
    /// As [`Client::execute`].
    pub(crate) async fn execute_bare(&self, sql: &str) -> Result<Statement, TrinoError> {
        let extras = Extras {
            bare: true,
            ..Extras::default()
        };
        statement::start(self, sql, extras).await
    }

    /// The protocol to read tables with: what is configured, or, for `auto`, what works.
    pub(crate) async fn settle(&self, configured: FetchProtocol) -> FetchProtocol {
        spooling_check::settle(self, configured).await
    }

    /// Proves that rows can come as configured: where only spooled ones will do, their storage
    /// must be within reach; where either will do, the log says if it is not.
    ///
    /// # Errors
    ///
    /// When spooled rows are asked for and cannot be had.
    pub(crate) async fn prove(&self, configured: FetchProtocol) -> Result<(), TrinoError> {
        spooling_check::prove(self, configured).await
    }

    /// Starts a query for its rows; waits for a slot as well.
    ///
    /// # Errors
    ///
    /// As [`Client::execute`].
    pub(crate) async fn read(
        &self,
        sql: &str,
        protocol: FetchProtocol,
    ) -> Result<Rows, TrinoError> {
        let encodings = match protocol {
            FetchProtocol::Direct => None,
            FetchProtocol::Auto | FetchProtocol::Spooled => Some(wire::codec::ACCEPTED),
        };
        let extras = Extras {
            encodings,
            ..Extras::default()
        };
        let statement = statement::start(self, sql, extras).await?;
        Ok(Rows::new(self.clone(), statement, protocol))
    }
}
