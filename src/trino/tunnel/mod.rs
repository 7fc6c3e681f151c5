//! `tunnel_method`: connections to Trino through an SSH server.
//!
//! The HTTP client keeps its URLs, names and certificates. It only uses a SOCKS proxy on loopback
//! (RFC 1928, with a password by RFC 1929 so that other users of this machine cannot use it), and
//! each of its connections becomes a channel of one SSH session. If the session is lost, a new one
//! is opened for the next connection. The requests that were lost are retried by the usual rules of
//! the HTTP client.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use russh::client::Msg;
use russh::{Channel, ChannelOpenFailure};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::AbortHandle;
use tokio::time::timeout;

mod host_key;
mod login;
mod problem;
mod socks;
mod ssh;

use crate::config;
use crate::trino::tunnel::host_key::Session;
use crate::trino::tunnel::login::Proof;
pub(crate) use crate::trino::tunnel::problem::{
    ForwardProblem, SshKeyFault, TunnelProblem, TunnelProof,
};
use crate::trino::tunnel::ssh::STEP;

/// An open tunnel; dropping it closes it.
pub(crate) struct Tunnel {
    bastion: Arc<Bastion>,
    entrance: String,
    accepting: AbortHandle,
}

/// The SSH server, and the session with it.
struct Bastion {
    settings: config::Tunnel,
    proof: Proof,
    session: Mutex<Option<Arc<Session>>>,
    /// Why the last connection through the SSH server could not be made.
    last_problem: std::sync::Mutex<Option<ForwardProblem>>,
}

impl Tunnel {
    /// Logs in at the SSH server.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, is not the right one, or does not accept the user.
    pub(crate) async fn open(settings: &config::Tunnel) -> Result<Self, TunnelProblem> {
        let bastion = Arc::new(Bastion {
            settings: settings.clone(),
            proof: Proof::from_login(&settings.login)?,
            session: Mutex::new(None),
            last_problem: std::sync::Mutex::new(None),
        });
        bastion.session().await?;
        let local = |error: std::io::Error| TunnelProblem::Entrance(error.to_string());
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await;
        let listener = listener.map_err(local)?;
        let port = listener.local_addr().map_err(local)?.port();
        let password = socks::password().map_err(local)?;
        let entrance = format!("socks5h://tunnel:{password}@127.0.0.1:{port}");
        let accepting = tokio::spawn(accept(listener, Arc::clone(&bastion), password));
        Ok(Self {
            bastion,
            entrance,
            accepting: accepting.abort_handle(),
        })
    }

    /// URL of the SOCKS proxy that leads into the tunnel.
    pub(crate) fn entrance(&self) -> &str {
        &self.entrance
    }

    /// Host and port of the SSH server.
    pub(crate) fn address(&self) -> String {
        self.bastion.address()
    }

    /// Why the last connection could not be made.
    pub(crate) fn last_problem(&self) -> Option<ForwardProblem> {
        let problem = self.bastion.last_problem.lock();
        problem.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, bastion: Arc<Bastion>, password: String) {
    loop {
        match listener.accept().await {
            Ok((near, _)) => {
                let (bastion, password) = (Arc::clone(&bastion), password.clone());
                tokio::spawn(async move { bastion.forward(near, &password).await });
            }
            // "Too many open files" goes away by waiting, and no other error goes away by asking
            // faster.
            Err(error) => {
                tracing::debug!(%error, "the tunnel takes no connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

impl Bastion {
    fn address(&self) -> String {
        format!("{}:{}", self.settings.host, self.settings.port)
    }

    /// Serves one connection of the HTTP client.
    async fn forward(&self, mut near: TcpStream, password: &str) {
        // Answers come in small pieces; waiting for more would hold them up.
        let _ = near.set_nodelay(true);
        let Ok((host, port)) = socks::requested(&mut near, password).await else {
            return;
        };
        let channel = self.channel(&host, port).await;
        let problem = channel.as_ref().err().cloned();
        *self
            .last_problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = problem;
        let Ok(channel) = channel else {
            let _ = socks::refuse(&mut near).await;
            return;
        };
        let mut far = channel.into_stream();
        if socks::accept(&mut near).await.is_ok() {
            // The result does not matter: the client sees that the connection has ended.
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        }
    }

    /// A channel to a server, which the SSH server connects to. Opens a new session if the old one
    /// is dead.
    async fn channel(&self, host: &str, port: u16) -> Result<Channel<Msg>, ForwardProblem> {
        for _ in 0..2 {
            let session = self.session().await.map_err(ForwardProblem::Session)?;
            let port = u32::from(port);
            let channel = session.channel_open_direct_tcpip(host, port, "127.0.0.1", 0);
            match timeout(STEP, channel).await {
                Ok(Ok(channel)) => return Ok(channel),
                Ok(Err(russh::Error::ChannelOpenFailure(reason))) => return Err(refusal(&reason)),
                Ok(Err(_)) | Err(_) => self.forget(&session).await,
            }
        }
        Err(ForwardProblem::Breaks)
    }

    /// The open session, or a new one.
    async fn session(&self) -> Result<Arc<Session>, TunnelProblem> {
        let mut current = self.session.lock().await;
        if let Some(session) = &*current
            && !session.is_closed()
        {
            return Ok(Arc::clone(session));
        }
        if current.is_some() {
            tracing::info!(
                "the SSH session with {} was lost and is opened again",
                self.address()
            );
        }
        let session = Arc::new(ssh::log_in(&self.settings, &self.proof).await?);
        Ok(Arc::clone(current.insert(session)))
    }

    async fn forget(&self, dead: &Arc<Session>) {
        let mut current = self.session.lock().await;
        if current
            .as_ref()
            .is_some_and(|session| Arc::ptr_eq(session, dead))
        {
            *current = None;
        }
    }
}

fn refusal(reason: &ChannelOpenFailure) -> ForwardProblem {
    match reason {
        ChannelOpenFailure::AdministrativelyProhibited => ForwardProblem::NotAllowed,
        ChannelOpenFailure::ConnectFailed => ForwardProblem::Unreachable,
        ChannelOpenFailure::Other { reason, .. } => ForwardProblem::Other(reason.clone()),
        other => ForwardProblem::Other(format!("{other:?}")),
    }
}
