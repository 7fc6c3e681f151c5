//! The client certificate of `ssl_mode`: PEM texts → the certificates and the key that TLS takes.

use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use rustls::sign::CertifiedKey;
use secrecy::ExposeSecret as _;

use crate::config::{ClientCertificate, pem};
use crate::trino::http::certificates;
use crate::trino::http::tls_problem::{KeyFault, TlsProblem};

/// The certificates, ours first, and the private key.
///
/// Certificate and key are compared here and not by rustls, which refuses certificates of X.509
/// version 1. Trino's TLS takes them, and it is Trino that has to judge this certificate.
///
/// # Errors
///
/// When one of them cannot be read, the key's password is missing or wrong, or the key belongs to
/// another certificate.
pub(crate) fn certified_key(
    client: &ClientCertificate,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsProblem> {
    let chain = certificates::from_pem(&client.chain).map_err(TlsProblem::ClientCertificate)?;
    let unusable = |error: rustls::Error| TlsProblem::ClientKey(KeyFault::Other(error.to_string()));
    let key = provider.key_provider.load_private_key(private_key(client)?);
    let key = key.map_err(unusable)?;
    let certified = chain.first().and_then(certificates::public_key);
    if let (Some(certified), Some(public_key)) = (certified, key.public_key())
        && certified != public_key.as_ref()
    {
        return Err(TlsProblem::ClientKey(KeyFault::OtherCertificate));
    }
    Ok(CertifiedKey::new(chain, key))
}

/// The first private key of `client_key`; the same text may hold the certificate as well.
fn private_key(client: &ClientCertificate) -> Result<PrivateKeyDer<'static>, TlsProblem> {
    let text = client.key.expose_secret();
    // No library that is still maintained reads this form.
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(TlsProblem::ClientKey(KeyFault::OldEncryption));
    }
    let blocks = pem::blocks(text);
    let is_key = |block: &&pem::Block| block.label().ends_with("PRIVATE KEY");
    let Some(block) = blocks.iter().find(is_key) else {
        return Err(TlsProblem::ClientKey(KeyFault::None));
    };
    let damaged = |damage| TlsProblem::ClientKey(KeyFault::DamagedBlock(damage));
    let der = block.der().map_err(damaged)?;
    match block.label() {
        "PRIVATE KEY" => Ok(PrivatePkcs8KeyDer::from(der).into()),
        "RSA PRIVATE KEY" => Ok(PrivatePkcs1KeyDer::from(der).into()),
        "EC PRIVATE KEY" => Ok(PrivateSec1KeyDer::from(der).into()),
        "ENCRYPTED PRIVATE KEY" => decrypted(client, &der),
        other => Err(TlsProblem::ClientKey(KeyFault::Kind(other.to_owned()))),
    }
}

fn decrypted(client: &ClientCertificate, der: &[u8]) -> Result<PrivateKeyDer<'static>, TlsProblem> {
    let Some(password) = &client.password else {
        return Err(TlsProblem::ClientKey(KeyFault::Encrypted));
    };
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(der)
        .map_err(|_| TlsProblem::ClientKey(KeyFault::Damaged))?;
    let key = encrypted
        .decrypt(password.expose_secret())
        .map_err(|error| match error {
            // A wrong password mostly leaves a wrong padding, and otherwise bytes that are no key.
            pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::DecryptFailed)
            | pkcs8::Error::Asn1(_) => TlsProblem::ClientKeyPassword,
            other => TlsProblem::ClientKey(KeyFault::Other(other.to_string())),
        })?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}
