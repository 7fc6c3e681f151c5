//! Whom we trust: given authorities, or those of the system, which are read when the first
//! certificate is checked by them.
//!
//! Most runs never need the system's: over plain http, or if the authority was pasted. A machine
//! may have none then, as slim images of containers have, and reading 150 of them takes some
//! milliseconds.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{Error, OtherError};
use rustls_platform_verifier::Verifier;

/// What checks chains up to the trusted authorities.
#[derive(Debug)]
pub(crate) enum Authorities {
    /// Those that were given.
    Given(Arc<dyn ServerCertVerifier>),
    /// Those of the system, and `extra` ones.
    System {
        extra: Vec<CertificateDer<'static>>,
        verifier: OnceLock<Result<Verifier, Error>>,
    },
}

/// The error for authorities of the system that cannot be read, in the words of the library.
#[derive(Debug)]
pub(crate) struct Unreadable(pub(crate) String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

impl Authorities {
    /// Those of the system, and `extra` ones. Nothing is read yet.
    pub(crate) fn system(extra: Vec<CertificateDer<'static>>) -> Self {
        let verifier = OnceLock::new();
        Self::System { extra, verifier }
    }

    /// What checks a chain.
    ///
    /// # Errors
    ///
    /// [`Unreadable`].
    pub(crate) fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<&dyn ServerCertVerifier, Error> {
        match self {
            Self::Given(verifier) => Ok(verifier.as_ref()),
            Self::System { extra, verifier } => {
                let read = || {
                    let extra = extra.iter().cloned();
                    Verifier::new_with_extra_roots(extra, Arc::clone(provider)).map_err(unreadable)
                };
                match verifier.get_or_init(read) {
                    Ok(verifier) => Ok(verifier),
                    Err(error) => Err(error.clone()),
                }
            }
        }
    }
}

fn unreadable(error: Error) -> Error {
    let cause = match error {
        Error::General(cause) => cause,
        other => other.to_string(),
    };
    Error::Other(OtherError(Arc::new(Unreadable(cause))))
}
