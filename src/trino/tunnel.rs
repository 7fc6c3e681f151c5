//! `tunnel_method`: connections to Trino through an SSH server.
//!
//! The HTTP client keeps its URLs, names and certificates: it is given a SOCKS proxy on loopback
//! (RFC 1928, with the password of RFC 1929, so that nobody else on this machine gets in), and
//! each connection that it asks for becomes a channel of one SSH session. A session that is lost
//! is opened anew for the next connection; the requests that were lost with it are sent again by
//! whoever may send them again.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use russh::client::{self, Handle, Msg};
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelOpenFailure};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::error::TrinoError;
use super::socks;
use crate::config::{self, TunnelLogin};

/// Time for each step: TCP, SSH, login, a channel.
const STEP: Duration = Duration::from_secs(15);

/// Pause between two signs of life, and how many may stay unanswered.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVES: usize = 3;

/// An open tunnel; dropping it closes it.
pub(super) struct Tunnel {
    bastion: Arc<Bastion>,
    entrance: String,
    accepting: AbortHandle,
}

/// The SSH server, and the session with it.
struct Bastion {
    settings: config::Tunnel,
    key: Option<Arc<PrivateKey>>,
    session: Mutex<Option<Arc<Handle<HostKey>>>>,
    failure: std::sync::Mutex<Option<String>>,
}

/// Decides whether the SSH server is the right one.
struct HostKey(Option<PublicKey>);

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("its host key is {0}")]
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

impl Tunnel {
    /// Logs in at the SSH server.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, is not the right one, or does not accept the user.
    pub(super) async fn open(settings: &config::Tunnel) -> Result<Self, TrinoError> {
        let bastion = Arc::new(Bastion {
            settings: settings.clone(),
            key: private_key(&settings.login)?.map(Arc::new),
            session: Mutex::new(None),
            failure: std::sync::Mutex::new(None),
        });
        bastion.session().await?;
        let local = |error: std::io::Error| TrinoError::Tunnel {
            message: format!("The tunnel's entrance on this machine cannot be opened: {error}."),
            passes: false,
        };
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
    pub(super) fn entrance(&self) -> &str {
        &self.entrance
    }

    /// Host and port of the SSH server.
    pub(super) fn address(&self) -> String {
        self.bastion.address()
    }

    /// Why the last connection could not be made.
    pub(super) fn failure(&self) -> Option<String> {
        let failure = self.bastion.failure.lock();
        failure.unwrap_or_else(PoisonError::into_inner).clone()
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
            // Too many open files passes; anything else does not end by asking faster.
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
        let failure = channel.as_ref().err().cloned();
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        let Ok(channel) = channel else {
            let _ = socks::refuse(&mut near).await;
            return;
        };
        let mut far = channel.into_stream();
        if socks::accept(&mut near).await.is_ok() {
            // However it ends, the client sees that the connection has ended.
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        }
    }

    /// A channel to a server as the SSH server sees it; on a new session if the old one is dead.
    async fn channel(&self, host: &str, port: u16) -> Result<Channel<Msg>, String> {
        for _ in 0..2 {
            let session = self.session().await.map_err(|error| error.to_string())?;
            let port = u32::from(port);
            let channel = session.channel_open_direct_tcpip(host, port, "127.0.0.1", 0);
            match timeout(STEP, channel).await {
                Ok(Ok(channel)) => return Ok(channel),
                Ok(Err(russh::Error::ChannelOpenFailure(reason))) => return Err(in_words(&reason)),
                Ok(Err(_)) | Err(_) => self.forget(&session).await,
            }
        }
        Err("the SSH session breaks off".to_owned())
    }

    /// The open session, or a new one.
    async fn session(&self) -> Result<Arc<Handle<HostKey>>, TrinoError> {
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
        let session = Arc::new(self.log_in().await?);
        Ok(Arc::clone(current.insert(session)))
    }

    async fn forget(&self, dead: &Arc<Handle<HostKey>>) {
        let mut current = self.session.lock().await;
        if current
            .as_ref()
            .is_some_and(|session| Arc::ptr_eq(session, dead))
        {
            *current = None;
        }
    }

    async fn log_in(&self) -> Result<Handle<HostKey>, TrinoError> {
        let address = self.address();
        let settings = &self.settings;
        let failed = |passes: bool, message: String| TrinoError::Tunnel { message, passes };
        let slow = |_| {
            failed(
                true,
                format!(
                    "The SSH server {address} does not answer. Check \"tunnel_host\" and \"tunnel_port\" of \"tunnel_method\", and that no firewall is in the way."
                ),
            )
        };
        let endpoint = (settings.host.as_str(), settings.port);
        let socket = timeout(STEP, TcpStream::connect(endpoint))
            .await
            .map_err(slow)?;
        let socket = socket.map_err(|error| match error.kind() {
            std::io::ErrorKind::ConnectionRefused => failed(true, format!("Nothing accepts connections at the SSH server {address}. Check \"tunnel_host\" and \"tunnel_port\" of \"tunnel_method\".")),
            _ if error.to_string().contains("lookup") => failed(false, format!("The host name of the SSH server {address} cannot be resolved. Check \"tunnel_host\" of \"tunnel_method\".")),
            _ => failed(true, format!("The SSH server {address} cannot be reached: {error}. Check \"tunnel_host\" and \"tunnel_port\" of \"tunnel_method\", and that no firewall is in the way.")),
        })?;
        let _ = socket.set_nodelay(true);
        let pinned = settings.host_key.as_deref().and_then(config::public_key);
        let options = Arc::new(client::Config {
            keepalive_interval: Some(KEEP_ALIVE),
            keepalive_max: KEEP_ALIVES,
            ..client::Config::default()
        });
        let greeting = client::connect_stream(options, socket, HostKey(pinned));
        let mut session = timeout(STEP, greeting).await.map_err(slow)?.map_err(|fault| match fault {
            Fault::HostKey(line) => failed(false, format!("The SSH server {address} is not the one that \"tunnel_host_key\" of \"tunnel_method\" names: its host key is \"{line}\". If it was changed on purpose, set \"tunnel_host_key\" to that.")),
            Fault::Ssh(error) => failed(true, format!("What answers at {address} could not be spoken to by SSH: {error}. Check \"tunnel_host\" and \"tunnel_port\" of \"tunnel_method\".")),
        })?;
        let broken = |error: russh::Error| {
            failed(
                true,
                format!("The login at the SSH server {address} broke off: {error}."),
            )
        };
        let user = settings.user.clone();
        let (accepted, secret) = match (&self.key, &settings.login) {
            (Some(key), _) => {
                let hash = session
                    .best_supported_rsa_hash()
                    .await
                    .map_err(broken)?
                    .flatten();
                let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
                let login = session.authenticate_publickey(user, key);
                (timeout(STEP, login).await.map_err(slow)?, "ssh_key")
            }
            (None, TunnelLogin::Password(password)) => {
                let login = session.authenticate_password(user, password.expose_secret());
                (
                    timeout(STEP, login).await.map_err(slow)?,
                    "tunnel_user_password",
                )
            }
            (None, TunnelLogin::Key(..)) => {
                return Err(failed(false, "\"ssh_key\" is missing.".to_owned()));
            }
        };
        if accepted.map_err(broken)?.success() {
            Ok(session)
        } else {
            Err(failed(
                false,
                format!(
                    "The SSH server {address} did not accept the user \"{}\". Check \"tunnel_user\" and \"{secret}\" of \"tunnel_method\".",
                    settings.user
                ),
            ))
        }
    }
}

fn in_words(reason: &ChannelOpenFailure) -> String {
    match reason {
        ChannelOpenFailure::AdministrativelyProhibited => {
            "the SSH server does not allow to pass on connections to it (AllowTcpForwarding, PermitOpen)".to_owned()
        }
        ChannelOpenFailure::ConnectFailed => "nothing accepts connections there, or there is no such host".to_owned(),
        ChannelOpenFailure::Other { reason, .. } => reason.clone(),
        other => format!("{other:?}"),
    }
}

/// The private key of a login with one.
fn private_key(login: &TunnelLogin) -> Result<Option<PrivateKey>, TrinoError> {
    let TunnelLogin::Key(pem, passphrase) = login else {
        return Ok(None);
    };
    let passphrase = passphrase.as_ref().map(SecretString::expose_secret);
    // Forms indent what is pasted into them.
    let pem: Vec<&str> = pem.expose_secret().lines().map(str::trim).collect();
    let encrypted = |text: &str| pem.iter().any(|line| line.contains(text));
    let key = russh::keys::decode_secret_key(&pem.join("\n"), passphrase);
    key.map(Some).map_err(|error| {
        let text = match (&error, passphrase) {
            (russh::keys::Error::KeyIsEncrypted, None) => "is encrypted; set \"ssh_key_passphrase\"".to_owned(),
            (_, None) if encrypted("ENCRYPTED") => "is encrypted; set \"ssh_key_passphrase\"".to_owned(),
            (_, Some(_)) => "cannot be opened with \"ssh_key_passphrase\"; check both".to_owned(),
            (error, None) => format!("cannot be read ({error}); paste all of it, from -----BEGIN to -----END, line ends included"),
        };
        TrinoError::Tunnel {
            message: format!("\"ssh_key\" of \"tunnel_method\" {text}."),
            passes: false,
        }
    })
}
