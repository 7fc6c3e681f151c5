//! `ssl_mode` → a TLS configuration.
//!
//! Built here and not with reqwest's switches, because `verify-ca` with the system's roots, and
//! errors that name the certificate's problem, need the verifier itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::SingleCertAndKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

use crate::config::{TlsSettings, Verification, pem};
use crate::trino::error::TrinoError;
use crate::trino::http::client_certificate;

/// The TLS configuration for the coordinator.
///
/// # Errors
///
/// When a certificate or key cannot be read, or the system has no trusted roots.
pub(crate) fn configuration(settings: &TlsSettings) -> Result<ClientConfig, TrinoError> {
    let provider = provider();
    let pinned = pasted(settings)?;
    let inner = || match &settings.ca_certificate {
        None => system(&[], &provider),
        Some(_) => only(&pinned, &provider),
    };
    let verifier: Arc<dyn ServerCertVerifier> = match settings.verification {
        Verification::None => Arc::new(NoVerification(Arc::clone(&provider))),
        verification => {
            let name = settings.server_name.clone();
            Arc::new(Checked {
                inner: inner()?,
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
        // Not by the builder's own function, which takes no certificates of X.509 version 1.
        Some(key) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key))),
    })
}

/// The TLS configuration for servers that are not Trino itself, such as the storage of segments:
/// the system's authorities and the configured ones, no certificate of our own; no check where
/// that of the coordinator is off, too.
///
/// # Errors
///
/// As [`configuration`].
pub(crate) fn other_configuration(settings: &TlsSettings) -> Result<ClientConfig, TrinoError> {
    match settings.verification {
        Verification::None => {
            let provider = provider();
            let verifier = Arc::new(NoVerification(Arc::clone(&provider)));
            Ok(builder(verifier, provider)?.with_no_client_auth())
        }
        Verification::Authority | Verification::Full => checked_configuration(settings),
    }
}

/// The TLS configuration for a server that gets a secret and is not Trino itself, which is the
/// token endpoint: as [`other_configuration`], but always checked. `require` says that nothing is
/// known of Trino's certificate, and not that a client's secret may go to anybody.
///
/// # Errors
///
/// As [`configuration`].
pub(crate) fn checked_configuration(settings: &TlsSettings) -> Result<ClientConfig, TrinoError> {
    let provider = provider();
    let pinned = pasted(settings)?;
    let verifier = Arc::new(Checked {
        inner: system(&pinned, &provider)?,
        any_host: false,
        name: None,
        pinned,
    });
    Ok(builder(verifier, provider)?.with_no_client_auth())
}

/// The certificates of `ca_certificate`.
fn pasted(settings: &TlsSettings) -> Result<Vec<CertificateDer<'static>>, TrinoError> {
    let pem = settings.ca_certificate.as_deref();
    pem.map_or(Ok(Vec::new()), |pem| certificates(pem, CA))
}

/// The setting that authorities come from.
const CA: &str = "ca_certificate";

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn builder(
    verifier: Arc<dyn ServerCertVerifier>,
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>, TrinoError> {
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TrinoError::TlsSettings(error.to_string()))?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(verifier))
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
    authorities: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TrinoError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots
            .add(authority.clone())
            .map_err(|_| unusable(CA, "one of its certificates is damaged"))?;
    }
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    Ok(verifier.map_err(|error| unusable(CA, &error.to_string()))?)
}

/// The certificates in the PEM text of a setting. One that is damaged is an error and not passed
/// over: the first of a chain is the one that counts.
pub(crate) fn certificates(
    pem: &str,
    setting: &str,
) -> Result<Vec<CertificateDer<'static>>, TrinoError> {
    let blocks = pem::blocks(pem);
    let blocks: Vec<&pem::Block> = blocks
        .iter()
        .filter(|block| block.label() == "CERTIFICATE")
        .collect();
    let damaged = |number: usize, why: &str| {
        let which = match blocks.len() {
            1 => "it".to_owned(),
            count => format!("certificate {number} of {count}"),
        };
        unusable(
            setting,
            &format!("{which} {why}; paste all of it, from BEGIN to END CERTIFICATE"),
        )
    };
    let mut certificates = Vec::with_capacity(blocks.len());
    for (number, block) in (1..).zip(&blocks) {
        let der = block.der().map_err(|why| damaged(number, &why))?;
        if X509Certificate::from_der(&der).is_err() {
            return Err(damaged(number, "is damaged: it is no certificate"));
        }
        certificates.push(CertificateDer::from(der));
    }
    if certificates.is_empty() {
        return Err(unusable(setting, "it holds no certificate"));
    }
    Ok(certificates)
}

/// An error of a setting of `ssl_mode`.
pub(crate) fn unusable(setting: &str, cause: &str) -> TrinoError {
    TrinoError::TlsSettings(format!(
        "\"{setting}\" of \"ssl_mode\" cannot be used: {cause}."
    ))
}

/// `verify-ca` and `verify-full`: the chain is checked, and the host name unless any will do.
#[derive(Debug)]
struct Checked {
    inner: Arc<dyn ServerCertVerifier>,
    any_host: bool,
    /// The name that the certificate must be for, in place of the host's.
    name: Option<ServerName<'static>>,
    /// What was pasted as trusted. A server's own certificate may be among it, and needs no
    /// issuer then.
    pinned: Vec<CertificateDer<'static>>,
}

impl Checked {
    /// Checks a certificate that is trusted itself: its days, and its name.
    fn verify_pinned(
        &self,
        end_entity: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (_, certificate) =
            X509Certificate::from_der(end_entity).map_err(|_| CertificateError::BadEncoding)?;
        let validity = certificate.validity();
        let time = |time: ASN1Time| {
            let seconds = u64::try_from(time.timestamp()).unwrap_or_default();
            UnixTime::since_unix_epoch(Duration::from_secs(seconds))
        };
        let (not_before, not_after) = (time(validity.not_before), time(validity.not_after));
        if now > not_after {
            let time = now;
            return Err(CertificateError::ExpiredContext { time, not_after }.into());
        }
        if now < not_before {
            let time = now;
            return Err(CertificateError::NotValidYetContext { time, not_before }.into());
        }
        if !self.any_host {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }
}

/// Whether a certificate of an authority is used by a server, which the verifier does not allow.
/// Its error has no type that could be asked.
fn is_of_an_authority(error: &CertificateError) -> bool {
    matches!(error, CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity"))
}

/// Nobody that is trusted has issued a certificate; says who has.
#[derive(Debug)]
pub(crate) struct Issuer {
    /// Whether the server has issued it itself.
    pub(crate) itself: bool,
    /// The issuer's subject.
    pub(crate) subject: String,
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown issuer {}", self.subject)
    }
}

impl std::error::Error for Issuer {}

impl Issuer {
    /// Who has issued the last certificate of a chain, which is where a trusted one was missed.
    fn of(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Option<Self> {
        let last = intermediates.last().unwrap_or(end_entity);
        let (_, certificate) = X509Certificate::from_der(last).ok()?;
        Some(Self {
            itself: intermediates.is_empty() && certificate.issuer() == certificate.subject(),
            subject: certificate.issuer().to_string(),
        })
    }
}

impl ServerCertVerifier for Checked {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let name = self.name.as_ref().unwrap_or(server_name);
        if self.pinned.contains(end_entity) {
            return self.verify_pinned(end_entity, name, now);
        }
        let checked =
            self.inner
                .verify_server_cert(end_entity, intermediates, name, ocsp_response, now);
        match checked {
            // The chain is checked before the name, so this says that the chain is good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.any_host => Ok(ServerCertVerified::assertion()),
            Err(Error::InvalidCertificate(error))
                if error == CertificateError::UnknownIssuer || is_of_an_authority(&error) =>
            {
                let issuer = Issuer::of(end_entity, intermediates);
                Err(Error::InvalidCertificate(
                    issuer.map_or(CertificateError::UnknownIssuer, |issuer| {
                        CertificateError::Other(OtherError(Arc::new(issuer)))
                    }),
                ))
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
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
