//! Kerberos: tickets for Trino, and the tokens of HTTP's `Negotiate` that prove them.
//!
//! | file | job |
//! |---|---|
//! | `library`, `functions` | MIT's library, loaded when it is needed; its functions as C declares them; all that is unsafe |
//! | `tickets` | logs in, and again before the ticket expires |
//! | `spnego` | the frame around a request of Kerberos; pure |
//! | `problem` | what can fail |

mod functions;
mod library;
mod problem;
mod spnego;
mod tickets;

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::config;
pub(crate) use problem::{KerberosProblem, KerberosProof};
use tickets::Tickets;

/// The source of tokens for one service.
pub(crate) struct Kerberos {
    tickets: Arc<Mutex<Tickets>>,
}

impl Kerberos {
    /// Prepares the tickets for Trino on `host`. Nothing is asked for yet.
    ///
    /// # Errors
    ///
    /// When the library is missing or does not take the configuration.
    pub(crate) fn new(settings: &config::Kerberos, host: &str) -> Result<Self, KerberosProblem> {
        let tickets = Tickets::new(settings.clone(), host)?;
        Ok(Self {
            tickets: Arc::new(Mutex::new(tickets)),
        })
    }

    /// A token, in base64. Each is for one request.
    ///
    /// # Errors
    ///
    /// When no ticket can be had.
    pub(crate) async fn token(&self) -> Result<String, KerberosProblem> {
        self.ask(Tickets::token).await
    }

    /// A token of a new ticket, after Trino has refused one.
    ///
    /// # Errors
    ///
    /// As [`Kerberos::token`].
    pub(crate) async fn renewed_token(&self) -> Result<String, KerberosProblem> {
        self.ask(Tickets::renewed_token).await
    }

    /// The problem that Trino refuses the tickets, in its words.
    pub(crate) async fn refused(&self, text: String) -> KerberosProblem {
        KerberosProblem::Refused {
            service: self.tickets.lock().await.service().to_owned(),
            text,
        }
    }

    /// Asks in a thread of its own, because the library waits for the KDC. All requests share the
    /// tickets, so one of them logs in and the others wait.
    async fn ask(
        &self,
        ask: fn(&mut Tickets) -> Result<String, KerberosProblem>,
    ) -> Result<String, KerberosProblem> {
        let mut tickets = Arc::clone(&self.tickets).lock_owned().await;
        let answer = tokio::task::spawn_blocking(move || ask(&mut tickets)).await;
        answer.unwrap_or_else(|error| Err(KerberosProblem::Other(error.to_string())))
    }
}
