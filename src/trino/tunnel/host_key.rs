//! The check of the SSH server's host key.

use russh::client::{self, Handle};
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};

/// A session with an SSH server.
pub(crate) type Session = Handle<HostKey>;

/// Decides whether the SSH server is the right one: the one with this key, or any.
pub(crate) struct HostKey(pub(crate) Option<PublicKey>);

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
                     ‹tunnel_host_key› of ‹tunnel_method› to: {line}"
                );
                Ok(true)
            }
        }
    }
}
