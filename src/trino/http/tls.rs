//! `ssl_mode` → a TLS configuration.
//!
//! It is built here and not with reqwest's options, because both `verify-ca` with the system's
//! roots and errors that name the certificate's problem need a verifier of our own.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};

use crate::config::{TlsSettings, Verification};
use crate::trino::http::authorities::Authorities;
use crate::trino::http::tls_problem::{CertificatesFault, TlsProblem};
use crate::trino::http::verifier::{Checked, NoVerification};
use crate::trino::http::{certificates, client_certificate};

/// The TLS configuration for the coordinator.
///
/// # Errors
///
/// When a certificate or key cannot be read.
pub(crate) fn configuration(settings: &TlsSettings) -> Result<ClientConfig, TlsProblem> {
    let provider = provider();
    let pinned = pasted(settings)?;
    let authorities = || match &settings.ca_certificate {
        None => Ok(Authorities::system(Vec::new())),
        Some(_) => only(&pinned, &provider),
    };
    let verifier: Arc<dyn ServerCertVerifier> = match settings.verification {
        Verification::None => Arc::new(NoVerification(Arc::clone(&provider))),
        verification => {
            let name = settings.server_name.clone();
            Arc::new(Checked {
                authorities: authorities()?,
                provider: Arc::clone(&provider),
                any_host: verification == Verification::Authority,
                name: name.and_then(|name| ServerName::try_from(name).ok()),
                pinned,
            })
        }
    };
    let key = match &settings.client {
        None => None,
        Some(client) => Some(client_certificate::certified_key(client, &provider)?),
    };
    let builder = builder(verifier, provider)?;
    Ok(match key {
        None => builder.with_no_client_auth(),
        // The builder's own function would refuse certificates of X.509 version 1.
        Some(key) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key))),
    })
}

/// The TLS configuration for servers that are not Trino itself, such as the storage of segments. It
/// trusts the system's authorities and the configured ones, and sends no certificate of our own. If
/// the coordinator's certificate is not checked, these are not checked either.
///
/// # Errors
///
/// As [`configuration`].
pub(crate) fn other_configuration(settings: &TlsSettings) -> Result<ClientConfig, TlsProblem> {
    match settings.verification {
        Verification::None => {
            let provider = provider();
            let verifier = Arc::new(NoVerification(Arc::clone(&provider)));
            Ok(builder(verifier, provider)?.with_no_client_auth())
        }
        Verification::Authority | Verification::Full => checked_configuration(settings),
    }
}

/// The TLS configuration for the token endpoint, which gets a secret and is not Trino itself. It is
/// as [`other_configuration`], but certificates are always checked: the mode `require` only means
/// that nothing is known about Trino's certificate, and not that the client's secret may go to
/// anybody.
///
/// # Errors
///
/// As [`configuration`].
pub(crate) fn checked_configuration(settings: &TlsSettings) -> Result<ClientConfig, TlsProblem> {
    trusting(pasted(settings)?)
}

/// The TLS configuration for a connection without TLS to Trino: for a proxy, and for the storage of
/// segments.
///
/// # Errors
///
/// None that are known.
pub(crate) fn usual_configuration() -> Result<ClientConfig, TlsProblem> {
    trusting(Vec::new())
}

/// Trusts the system's authorities and pasted ones, and always checks the name.
fn trusting(pinned: Vec<CertificateDer<'static>>) -> Result<ClientConfig, TlsProblem> {
    let provider = provider();
    let verifier = Arc::new(Checked {
        authorities: Authorities::system(pinned.clone()),
        provider: Arc::clone(&provider),
        any_host: false,
        name: None,
        pinned,
    });
    Ok(builder(verifier, provider)?.with_no_client_auth())
}

/// The certificates of `ca_certificate`.
fn pasted(settings: &TlsSettings) -> Result<Vec<CertificateDer<'static>>, TlsProblem> {
    let pem = settings.ca_certificate.as_deref();
    pem.map_or(Ok(Vec::new()), |pem| {
        certificates::from_pem(pem).map_err(TlsProblem::Authorities)
    })
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn builder(
    verifier: Arc<dyn ServerCertVerifier>,
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>, TlsProblem> {
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsProblem::Other(error.to_string()))?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(verifier))
}

/// Trusts the given authorities only.
fn only(
    authorities: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Authorities, TlsProblem> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots
            .add(authority.clone())
            .map_err(|_| TlsProblem::Authorities(CertificatesFault::Refused))?;
    }
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    let unusable = |error: VerifierBuilderError| {
        TlsProblem::Authorities(CertificatesFault::Other(error.to_string()))
    };
    Ok(Authorities::Given(verifier.map_err(unusable)?))
}
