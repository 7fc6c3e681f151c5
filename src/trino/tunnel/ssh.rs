//! Sessions with the SSH server of a tunnel.

use std::sync::Arc;
use std::time::Duration;

use russh::client;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config;
use crate::trino::error::is_temporary_resolution_failure;
use crate::trino::tunnel::host_key::{Fault, HostKey, Session};
use crate::trino::tunnel::login::{Outcome, Proof};
use crate::trino::tunnel::problem::TunnelProblem;

/// Time for each step: TCP, SSH, a channel.
pub(crate) const STEP: Duration = Duration::from_secs(15);

/// Time for the login. The server may have to ask a directory, and servers delay a refusal on
/// purpose.
const LOGIN: Duration = Duration::from_secs(30);

/// Pause between two signs of life, and how many may stay unanswered.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVES: usize = 3;

/// Opens a session.
///
/// # Errors
///
/// When the server cannot be reached, is not the right one, or does not accept the user.
pub(crate) async fn log_in(
    settings: &config::Tunnel,
    proof: &Proof,
) -> Result<Session, TunnelProblem> {
    let address = || format!("{}:{}", settings.host, settings.port);
    let slow = |_| TunnelProblem::Connect {
        address: address(),
        cause: "it does not answer".to_owned(),
    };
    let broken = |error: russh::Error| TunnelProblem::Broken {
        address: address(),
        cause: error.to_string(),
    };
    let endpoint = (settings.host.as_str(), settings.port);
    let socket = timeout(STEP, TcpStream::connect(endpoint)).await;
    let socket = socket.map_err(slow)?.map_err(|error| match error.kind() {
        std::io::ErrorKind::ConnectionRefused => TunnelProblem::Refused(address()),
        _ if is_temporary_resolution_failure(&error.to_string()) => {
            TunnelProblem::ResolveLater(address())
        }
        _ if error.to_string().contains("lookup") => TunnelProblem::Resolve(address()),
        _ => TunnelProblem::Connect {
            address: address(),
            cause: error.to_string(),
        },
    })?;
    // Requests are small, and waiting for more would hold them up.
    let _ = socket.set_nodelay(true);
    let options = Arc::new(client::Config {
        keepalive_interval: Some(KEEP_ALIVE),
        keepalive_max: KEEP_ALIVES,
        ..client::Config::default()
    });
    let pinned = settings.host_key.as_deref().and_then(config::public_key);
    let greeting = client::connect_stream(options, socket, HostKey(pinned));
    let session = timeout(STEP, greeting).await.map_err(slow)?;
    let mut session = session.map_err(|fault| match fault {
        Fault::HostKey(line) => TunnelProblem::HostKey {
            address: address(),
            line,
        },
        Fault::Ssh(error) => TunnelProblem::Greeting {
            address: address(),
            cause: error.to_string(),
        },
    })?;
    let (user, kind) = (settings.user.clone(), proof.kind());
    let outcome = timeout(LOGIN, proof.log_in(&mut session, &user)).await;
    let address = address();
    Err(match outcome.map_err(slow)?.map_err(broken)? {
        Outcome::In => return Ok(session),
        Outcome::Refused => TunnelProblem::Login {
            address,
            user,
            proof: kind,
        },
        Outcome::NotOffered(offered) => TunnelProblem::NotOffered {
            address,
            user,
            proof: kind,
            offered,
        },
        Outcome::More(wanted) => TunnelProblem::More {
            address,
            user,
            proof: kind,
            wanted,
        },
    })
}
