//! Sessions with the SSH server of a tunnel.

use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, Handle};
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config;
use crate::trino::error::{TrinoError, is_temporary_resolution_failure};
use crate::trino::tunnel::login::{Outcome, Proof};

/// Time for each step: TCP, SSH, a channel.
pub(crate) const STEP: Duration = Duration::from_secs(15);

/// Time for the login, which may ask a directory, and takes its time to refuse.
const LOGIN: Duration = Duration::from_secs(30);

/// Pause between two signs of life, and how many may stay unanswered.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVES: usize = 3;

/// A session with an SSH server.
pub(crate) type Session = Handle<HostKey>;

/// Why there is no session, in words for a person; `address` is the server's host and port.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(
        "The host name of the SSH server {0} cannot be resolved. Check \"tunnel_host\" of \
         \"tunnel_method\"."
    )]
    Resolve(String),
    #[error(
        "The host name of the SSH server {0} cannot be resolved for the moment. If that lasts, check \
         \"tunnel_host\" of \"tunnel_method\"."
    )]
    ResolveLater(String),
    #[error(
        "Nothing accepts connections at the SSH server {0}. Check \"tunnel_host\" and \
         \"tunnel_port\" of \"tunnel_method\"."
    )]
    Refused(String),
    #[error(
        "The SSH server {address} cannot be reached: {cause}. Check \"tunnel_host\" and \
         \"tunnel_port\" of \"tunnel_method\", and that no firewall is in the way."
    )]
    Connect { address: String, cause: String },
    #[error(
        "What answers at {address} could not be spoken to by SSH: {cause}. Check \"tunnel_host\" \
         and \"tunnel_port\" of \"tunnel_method\"."
    )]
    Greeting { address: String, cause: String },
    #[error(
        "The SSH server {address} is not the one that \"tunnel_host_key\" of \"tunnel_method\" \
         names: its host key is \"{line}\". If it was changed on purpose, set \
         \"tunnel_host_key\" to that."
    )]
    HostKey { address: String, line: String },
    #[error("The login at the SSH server {address} broke off: {cause}.")]
    Broken { address: String, cause: String },
    #[error(
        "The SSH server {address} did not accept the user \"{user}\". Check \"tunnel_user\" and \
         \"{setting}\" of \"tunnel_method\"."
    )]
    Login {
        address: String,
        user: String,
        setting: &'static str,
    },
    #[error(
        "The SSH server {address} does not let the user \"{user}\" log in by \"{setting}\" of \
         \"tunnel_method\", only by {offered}. Check \"tunnel_method\"."
    )]
    NotOffered {
        address: String,
        user: String,
        setting: &'static str,
        offered: String,
    },
    #[error(
        "The SSH server {address} wants more of the user \"{user}\" than \"{setting}\" of \
         \"tunnel_method\": {wanted}. A tunnel cannot give a second factor; set \"tunnel_user\" to \
         a user who needs none."
    )]
    More {
        address: String,
        user: String,
        setting: &'static str,
        wanted: String,
    },
    #[error("\"ssh_key\" of \"tunnel_method\" {0}.")]
    Key(String),
}

impl From<Failure> for TrinoError {
    fn from(failure: Failure) -> Self {
        Self::Tunnel {
            message: failure.to_string(),
            passes: matches!(
                failure,
                Failure::ResolveLater(_)
                    | Failure::Refused(_)
                    | Failure::Connect { .. }
                    | Failure::Greeting { .. }
                    | Failure::Broken { .. }
            ),
        }
    }
}

/// Decides whether the SSH server is the right one: the one with this key, or any.
pub(crate) struct HostKey(Option<PublicKey>);

/// Why the SSH library gave up before the login.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the host key is another one")]
    HostKey(String),
    #[error(transparent)]
    Ssh(#[from] russh::Error),
}

impl client::Handler for HostKey {
    type Error = Fault;

    async fn check_server_key(
        &mut self,
        presented: &PublicKeyOrCertificate,
    ) -> Result<bool, Fault> {
        let presented = match presented {
            PublicKeyOrCertificate::PublicKey { key, .. } => key.key_data(),
            PublicKeyOrCertificate::Certificate(certificate) => certificate.public_key(),
        };
        let line = PublicKey::from(presented.clone()).to_openssh();
        let line = line.unwrap_or_else(|_| presented.fingerprint(HashAlg::Sha256).to_string());
        match &self.0 {
            Some(pinned) if pinned.key_data() == presented => Ok(true),
            Some(_) => Err(Fault::HostKey(line)),
            None => {
                tracing::info!(
                    "the SSH server's host key is taken unchecked; to accept no other, set \
                     \"tunnel_host_key\" of \"tunnel_method\" to: {line}"
                );
                Ok(true)
            }
        }
    }
}

/// Opens a session.
///
/// # Errors
///
/// When the server cannot be reached, is not the right one, or does not accept the user.
pub(crate) async fn log_in(
    settings: &config::Tunnel,
    proof: &Proof,
) -> Result<Session, TrinoError> {
    let address = || format!("{}:{}", settings.host, settings.port);
    let slow = |_| Failure::Connect {
        address: address(),
        cause: "it does not answer".to_owned(),
    };
    let broken = |error: russh::Error| Failure::Broken {
        address: address(),
        cause: error.to_string(),
    };
    let endpoint = (settings.host.as_str(), settings.port);
    let socket = timeout(STEP, TcpStream::connect(endpoint)).await;
    let socket = socket.map_err(slow)?.map_err(|error| match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Failure::Refused(address()),
        _ if is_temporary_resolution_failure(&error.to_string()) => {
            Failure::ResolveLater(address())
        }
        _ if error.to_string().contains("lookup") => Failure::Resolve(address()),
        _ => Failure::Connect {
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
        Fault::HostKey(line) => Failure::HostKey {
            address: address(),
            line,
        },
        Fault::Ssh(error) => Failure::Greeting {
            address: address(),
            cause: error.to_string(),
        },
    })?;
    let (user, setting) = (settings.user.clone(), proof.setting());
    let outcome = timeout(LOGIN, proof.log_in(&mut session, &user)).await;
    let address = address();
    Err(match outcome.map_err(slow)?.map_err(broken)? {
        Outcome::In => return Ok(session),
        Outcome::Refused => Failure::Login {
            address,
            user,
            setting,
        },
        Outcome::NotOffered(offered) => Failure::NotOffered {
            address,
            user,
            setting,
            offered,
        },
        Outcome::More(wanted) => Failure::More {
            address,
            user,
            setting,
            wanted,
        },
    }
    .into())
}
