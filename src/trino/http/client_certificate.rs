//! The client certificate of `ssl_mode`: PEM texts → what TLS takes.

use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use secrecy::ExposeSecret as _;

use crate::config::ClientCertificate;
use crate::trino::error::TrinoError;
use crate::trino::http::tls;

const KEY: &str = "client_key";

/// The certificates, ours first, and the private key.
///
/// # Errors
///
/// When one of them cannot be read, or the key's password is missing or wrong.
pub(crate) fn of(
    client: &ClientCertificate,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TrinoError> {
    let chain = tls::certificates(&client.chain, "client_certificate")?;
    let pem = client.key.expose_secret();
    // PEM's own encryption, which openssl wrote before 1.0: nothing that is current reads it.
    if pem.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(tls::unusable(
            KEY,
            "it is encrypted in an old form; convert it with \"openssl pkcs8 -topk8 -in old.key -out new.key\"",
        ));
    }
    if !pem.contains("BEGIN ENCRYPTED PRIVATE KEY") {
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
            tls::unusable(
                KEY,
                "it is no private key in PEM; paste all of it, from -----BEGIN to -----END",
            )
        })?;
        return Ok((chain, key));
    }
    let Some(password) = &client.password else {
        return Err(tls::unusable(
            KEY,
            "it is encrypted; set \"client_key_password\"",
        ));
    };
    let damaged = || tls::unusable(KEY, "it is cut off or damaged");
    let (_, document) = SecretDocument::from_pem(pem.trim()).map_err(|_| damaged())?;
    let encrypted =
        EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| damaged())?;
    let key = encrypted
        .decrypt(password.expose_secret())
        .map_err(|error| match error {
            // A wrong password mostly shows in the padding, and else in what comes out.
            pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::DecryptFailed)
            | pkcs8::Error::Asn1(_) => tls::unusable(
                "client_key_password",
                "it is not the password of \"client_key\"",
            ),
            other => tls::unusable(KEY, &other.to_string()),
        })?;
    let key = PrivatePkcs8KeyDer::from(key.as_bytes().to_vec());
    Ok((chain, PrivateKeyDer::Pkcs8(key)))
}

/// An error of TLS about the pair.
pub(crate) fn unusable(error: &rustls::Error) -> TrinoError {
    match error {
        rustls::Error::InconsistentKeys(_) => {
            tls::unusable(KEY, "it is not the key of \"client_certificate\"")
        }
        other => tls::unusable(KEY, &other.to_string()),
    }
}
