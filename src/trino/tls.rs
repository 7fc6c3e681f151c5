//! `ssl_mode` → a TLS configuration.
//!
//! Built here and not with reqwest's switches, because `verify-ca` with the system's roots, and
//! errors that name the certificate's problem, need the verifier itself.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::error::TrinoError;
use crate::config::Verification;

/// The TLS configuration for `ssl_mode`.
///
/// # Errors
///
/// When the CA certificate cannot be read, or the system has no trusted roots.
pub(super) fn configuration(
    verification: Verification,
    ca_certificate: Option<&str>,
) -> Result<ClientConfig, TrinoError> {
    let provider = provider();
    let trusted = || match ca_certificate {
        None => system(&[], &provider),
        Some(pem) => only(certificates(pem)?, &provider),
    };
    let verifier: Arc<dyn ServerCertVerifier> = match verification {
        Verification::None => Arc::new(NoVerification(Arc::clone(&provider))),
        Verification::Authority => Arc::new(AnyHost(trusted()?)),
        Verification::Full => trusted()?,
    };
    client(verifier, provider)
}

/// The TLS configuration for storage that is not Trino's own: the system's authorities and the
/// configured ones; no check where that of the coordinator is off, too.
///
/// # Errors
///
/// As [`configuration`].
pub(super) fn storage_configuration(
    verification: Verification,
    ca_certificate: Option<&str>,
) -> Result<ClientConfig, TrinoError> {
    if verification == Verification::None {
        return configuration(verification, None);
    }
    let provider = provider();
    let extra = ca_certificate
        .map(certificates)
        .transpose()?
        .unwrap_or_default();
    client(system(&extra, &provider)?, provider)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn client(
    verifier: Arc<dyn ServerCertVerifier>,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, TrinoError> {
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TrinoError::TlsSettings(error.to_string()))?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// Trusts the system's authorities and `extra` ones.
fn system(
    extra: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TrinoError> {
    let extra = extra.iter().cloned();
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(extra, Arc::clone(provider));
    Ok(Arc::new(verifier.map_err(|error| {
        TrinoError::TlsSettings(format!(
            "The system's trusted certificates cannot be read: {error}"
        ))
    })?))
}

/// Trusts the given authorities only.
fn only(
    authorities: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TrinoError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots
            .add(authority)
            .map_err(|_| unusable("one of its certificates is damaged"))?;
    }
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    Ok(verifier.map_err(|error| unusable(&error.to_string()))?)
}

/// The certificates in PEM text.
fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, TrinoError> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
    certificates.collect::<Result<_, _>>().map_err(|_| {
        unusable("it is cut off or damaged; paste all of it, from BEGIN to END CERTIFICATE")
    })
}

fn unusable(cause: &str) -> TrinoError {
    TrinoError::TlsSettings(format!(
        "\"ca_certificate\" of \"ssl_mode\" cannot be used: {cause}."
    ))
}

/// `verify-ca`: everything but the host name is checked.
#[derive(Debug)]
struct AnyHost(Arc<dyn ServerCertVerifier>);

impl ServerCertVerifier for AnyHost {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let checked =
            self.0
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match checked {
            // The chain is checked before the name, so this says that the chain is good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// `require`: any certificate is taken.
#[derive(Debug)]
struct NoVerification(Arc<CryptoProvider>);

impl ServerCertVerifier for NoVerification {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
