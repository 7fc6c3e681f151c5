//! Certificates: PEM texts → DER, and the few fields of a certificate that we read ourselves.
//!
//! Everything else about a certificate is checked by the TLS library. It refuses X.509 version 1,
//! which this file reads as well.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

use crate::config::pem;
use crate::trino::http::tls_problem::CertificatesFault;

/// The certificates in a PEM text. A damaged one is an error and is not skipped: the first
/// certificate of a chain is the one that matters.
///
/// # Errors
///
/// When there is no certificate, or one of them is damaged.
pub(crate) fn from_pem(pem: &str) -> Result<Vec<CertificateDer<'static>>, CertificatesFault> {
    let blocks = pem::blocks(pem);
    let blocks: Vec<&pem::Block> = blocks
        .iter()
        .filter(|block| block.label() == "CERTIFICATE")
        .collect();
    let damaged = |number, damage| CertificatesFault::Damaged {
        number,
        count: blocks.len(),
        damage,
    };
    let mut certificates = Vec::with_capacity(blocks.len());
    for (number, block) in (1..).zip(&blocks) {
        let der = block.der().map_err(|damage| damaged(number, damage))?;
        if X509Certificate::from_der(&der).is_err() {
            let damage = "is damaged: it is not a certificate".to_owned();
            return Err(damaged(number, damage));
        }
        certificates.push(CertificateDer::from(der));
    }
    if certificates.is_empty() {
        return Err(CertificatesFault::None);
    }
    Ok(certificates)
}

/// The public key of a certificate, as DER. `None` if the certificate cannot be read.
pub(crate) fn public_key(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.public_key().raw.to_vec())
}

/// The first and the last moment at which a certificate is valid. `None` if it cannot be read.
pub(crate) fn validity(certificate: &CertificateDer<'_>) -> Option<(UnixTime, UnixTime)> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let validity = certificate.validity();
    let time = |time: ASN1Time| {
        let seconds = u64::try_from(time.timestamp()).unwrap_or_default();
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    };
    Some((time(validity.not_before), time(validity.not_after)))
}

/// The name of a certificate's issuer, and whether that is its subject, too. `None` if it cannot be
/// read.
pub(crate) fn issuer(certificate: &CertificateDer<'_>) -> Option<(String, bool)> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let issuer = certificate.issuer();
    Some((issuer.to_string(), issuer == certificate.subject()))
}
