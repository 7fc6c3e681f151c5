//! The Trino client: statements in, blocks of rows' bytes out.
//!
//! | file | job |
//! |---|---|
//! | `http` | the requests: transport, credentials, certificates, where URIs are asked for |
//! | `tunnel` | connections through an SSH server |
//! | `kerberos` | tickets for Trino, by the system's library |
//! | `wire` | what is sent and what comes: headers, pages, codecs, errors of queries |
//! | `server` | what this server can do, from its version |
//! | `statement` | POST, follow `nextUri`, heartbeat, cancel |
//! | `rows` | a query's rows as blocks, direct or spooled |
//! | `segment` | what an answer says of a spooled segment; its download and receipt |
//! | `spooling_check` | whether the spooled protocol works from here |
//! | `control`, `answers` | small typed answers: metadata, versions, statistics; their rows |
//! | `retry` | what is tried again, how often, how soon, and when a server is given up |
//! | `error` | what can go wrong, and who can do something; the words are in `crate::messages` |

pub(crate) mod answers;
pub(crate) mod control;
pub(crate) mod error;
mod http;
mod kerberos;
pub(crate) mod retry;
pub(crate) mod rows;
mod segment;
pub(crate) mod server;
mod spooling_check;
pub(crate) mod statement;
mod tunnel;
pub mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Connection, FetchProtocol};
use error::TrinoError;
pub use http::pieces::gather;
pub(crate) use http::transport::Extras;
use http::transport::Transport;
use rows::Rows;
use server::ServerTraits;
use statement::Statement;
use tunnel::Tunnel;

/// How long the first contact is retried. It is short, so that a wrong port does not look like a
/// hang.
const FIRST_CONTACT: Duration = Duration::from_secs(5);

/// How long a query waits for room in a full resource group while no other query of ours runs.
const QUEUE_PATIENCE: Duration = Duration::from_mins(5);

/// How long the client waits for problems that go away by themselves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// How long the first contact is retried.
    first_contact: Duration,
    /// How long to wait for room in a full resource group.
    queue: Duration,
}

impl Patience {
    /// A person waits for the answer.
    pub(crate) const CHECK: Self = Self {
        first_contact: FIRST_CONTACT,
        queue: Duration::ZERO,
    };

    /// A person waits, but half a catalog would be useless.
    pub(crate) const DISCOVER: Self = Self {
        first_contact: FIRST_CONTACT,
        queue: QUEUE_PATIENCE,
    };

    /// Nobody waits, and the coordinator may be starting just now.
    pub(crate) const READ: Self = Self {
        first_contact: retry::BUDGET,
        queue: QUEUE_PATIENCE,
    };
}

/// How long cancelling the running queries at the end may take.
const SHUTDOWN: Duration = Duration::from_millis(800);

/// A connected Trino; cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    transport: Arc<Transport>,
    traits: Arc<ServerTraits>,
    slots: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    queries: Queries,
    load: Arc<Load>,
}

/// How many queries run, and how many may run as far as we have learned.
struct Load {
    patience: Patience,
    /// How many queries may run at once: `concurrency`, or fewer if the cluster has refused some.
    most: AtomicUsize,
    ended: Notify,
    /// Whether something on the way refuses `HEAD`, although the server knows it.
    heads_are_refused: AtomicBool,
}

/// The queries that run on the server, so that they can be cancelled when the process ends;
/// cheap to clone.
#[derive(Clone, Default)]
pub struct Queries {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Queries {
    /// Refuses new queries, cancels all running ones on the server, and waits shortly for that.
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
    /// The server's version, as it tells it itself.
    pub(crate) fn version(&self) -> &str {
        &self.traits.version
    }

    /// Makes the first contact: reachability, TLS, version. Trino answers it without looking at
    /// credentials.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, is no Trino, or is still starting.
    pub(crate) async fn connect(
        connection: &Connection,
        queries: &Queries,
        patience: Patience,
    ) -> Result<Self, TrinoError> {
        let tunnel = match &connection.tunnel {
            None => None,
            Some(settings) => {
                let open = async || Tunnel::open(settings).await.map_err(TrinoError::from);
                let tunnel =
                    retry::retried("The SSH tunnel", patience.first_contact, |_| true, open);
                Some(Arc::new(tunnel.await?))
            }
        };
        let mut transport = Transport::new(connection, tunnel)?;
        let traits = server::ask(&transport, patience.first_contact).await?;
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
            slots: Arc::new(Semaphore::new(connection.concurrency())),
            memory: Arc::new(Semaphore::new(rows::BUDGET as usize)),
            queries: queries.clone(),
            load: Arc::new(Load {
                patience,
                most: AtomicUsize::new(connection.concurrency()),
                ended: Notify::new(),
                heads_are_refused: AtomicBool::new(false),
            }),
        })
    }

    /// Whether Trino has answered no request for so long that nothing is sent to it any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.transport.contact().is_lost()
    }

    /// Whether a query of ours runs.
    fn has_running_queries(&self) -> bool {
        self.slots.available_permits() < self.load.most.load(Ordering::Relaxed)
    }

    /// Removes one of the `concurrency` slots, but never the last one.
    fn run_fewer(&self) {
        let most = &self.load.most;
        let fewer = |most: usize| (most > 1).then(|| most - 1);
        if most
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer)
            .is_ok()
        {
            let slots = Arc::clone(&self.slots);
            tokio::spawn(async move {
                if let Ok(slot) = slots.acquire_owned().await {
                    slot.forget();
                }
            });
        }
    }

    /// Waits until a query of ours has ended. Each end wakes only one waiting task.
    async fn query_ended(&self) {
        self.load.ended.notified().await;
    }

    fn say_query_ended(&self) {
        self.load.ended.notify_one();
    }

    /// How long a query waits for room in a full resource group while no other query of ours runs.
    fn queue_patience(&self) -> Duration {
        self.load.patience.queue
    }

    /// Whether `HEAD nextUri` keeps a query alive.
    fn has_heartbeat(&self) -> bool {
        self.traits.has_heartbeat && !self.load.heads_are_refused.load(Ordering::Relaxed)
    }

    /// From now on queries are kept alive by GET.
    fn give_up_heartbeat(&self) {
        self.load.heads_are_refused.store(true, Ordering::Relaxed);
    }

    /// Whether a query would start at once.
    pub(crate) fn has_free_slot(&self) -> bool {
        self.slots.available_permits() > 0
    }

    /// Starts a small query, whose rows come in the answers themselves. Waits for one of the
    /// `concurrency` slots first.
    ///
    /// # Errors
    ///
    /// When the statement cannot be sent. Errors of the query itself come with its pages.
    pub(crate) async fn execute(&self, sql: &str) -> Result<Statement, TrinoError> {
        self.execute_with(sql, Extras::default()).await
    }

    /// As [`Client::execute`], with something beside the session.
    ///
    /// # Errors
    ///
    /// As [`Client::execute`].
    pub(crate) async fn execute_with(
        &self,
        sql: &str,
        extras: Extras<'_>,
    ) -> Result<Statement, TrinoError> {
        statement::start(self, sql, extras).await
    }

    /// The protocol to read tables with: the configured one or, for `auto`, the one that works.
    pub(crate) async fn settle(&self, configured: FetchProtocol) -> FetchProtocol {
        spooling_check::settle(self, configured).await
    }

    /// Tests whether rows can come as configured. If they must be spooled, their storage must be
    /// reachable. If both protocols are allowed, only the log tells that it is not.
    ///
    /// # Errors
    ///
    /// When spooled rows are configured and cannot be fetched.
    pub(crate) async fn prove(&self, configured: FetchProtocol) -> Result<(), TrinoError> {
        spooling_check::prove(self, configured).await
    }

    /// Starts a query for its rows. Waits for a slot first.
    ///
    /// # Errors
    ///
    /// As [`Client::execute`].
    pub(crate) async fn start_query(
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
