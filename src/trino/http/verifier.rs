//! What decides whether a server's certificate is accepted, by the verification of `ssl_mode`.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use crate::trino::http::authorities::Authorities;
use crate::trino::http::certificates;

/// `verify-ca` and `verify-full`: checks the chain and, unless any host is accepted, the name.
#[derive(Debug)]
pub(crate) struct Checked {
    /// Up to whom the chain is checked.
    pub(crate) authorities: Authorities,
    /// Checks signatures.
    pub(crate) provider: Arc<CryptoProvider>,
    /// Whether the certificate may be for any host.
    pub(crate) any_host: bool,
    /// The name that the certificate must be for, in place of the host's.
    pub(crate) name: Option<ServerName<'static>>,
    /// The certificates that were pasted as trusted. A server whose own certificate is one of them
    /// needs no issuer.
    pub(crate) pinned: Vec<CertificateDer<'static>>,
}

impl Checked {
    /// Checks a certificate that is itself among the trusted ones: its dates and its name.
    fn verify_pinned(
        &self,
        end_entity: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (not_before, not_after) =
            certificates::validity(end_entity).ok_or(CertificateError::BadEncoding)?;
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

/// Whether the error says that a server uses an authority's certificate as its own, which the
/// verifier does not allow. That error is only known by its text.
fn is_of_an_authority(error: &CertificateError) -> bool {
    matches!(error, CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity"))
}

/// The error for a certificate that no trusted authority has issued. It says who has issued it.
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
    /// Who has issued the last certificate of a chain: the issuer that would have to be trusted.
    fn of_chain(
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> Option<Self> {
        let last = intermediates.last().unwrap_or(end_entity);
        let (subject, is_self_issued) = certificates::issuer(last)?;
        Some(Self {
            itself: intermediates.is_empty() && is_self_issued,
            subject,
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
        let verifier = self.authorities.verifier(&self.provider)?;
        let checked =
            verifier.verify_server_cert(end_entity, intermediates, name, ocsp_response, now);
        match checked {
            // The name is checked after the chain, so an error about the name means that the chain
            // is good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.any_host => Ok(ServerCertVerified::assertion()),
            Err(Error::InvalidCertificate(error))
                if error == CertificateError::UnknownIssuer || is_of_an_authority(&error) =>
            {
                let issuer = Issuer::of_chain(end_entity, intermediates);
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
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// `require`: accepts any certificate.
#[derive(Debug)]
pub(crate) struct NoVerification(pub(crate) Arc<CryptoProvider>);

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
