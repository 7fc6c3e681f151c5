//! The client certificate of `ssl_mode`: PEM texts → what TLS takes.

use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};
use rustls::sign::CertifiedKey;
use secrecy::ExposeSecret as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::config::{ClientCertificate, pem};
use crate::trino::error::TrinoError;
use crate::trino::http::tls;

const KEY: &str = "client_key";

/// The certificates, ours first, and the private key.
///
/// The pair is compared here and not by rustls, which takes no certificate of X.509 version 1: what
/// proves the user is for Trino to judge, whose TLS takes them.
///
/// # Errors
///
/// When one of them cannot be read, the key's password is missing or wrong, or the key is that of
/// another certificate.
pub(crate) fn certified_key(
    client: &ClientCertificate,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TrinoError> {
    let chain = tls::certificates(&client.chain, "client_certificate")?;
    let key = provider.key_provider.load_private_key(private_key(client)?);
    let key = key.map_err(|error| tls::unusable(KEY, &error.to_string()))?;
    let certificate = chain.first().map(CertificateDer::as_ref);
    let certificate = certificate.and_then(|der| X509Certificate::from_der(der).ok());
    if let (Some((_, certificate)), Some(public_key)) = (certificate, key.public_key())
        && certificate.public_key().raw != public_key.as_ref()
    {
        let text = "it is not the key of \"client_certificate\"";
        return Err(tls::unusable(KEY, text));
    }
    Ok(CertifiedKey::new(chain, key))
}

/// The first private key of `client_key`; a file may hold the certificate as well.
fn private_key(client: &ClientCertificate) -> Result<PrivateKeyDer<'static>, TrinoError> {
    let text = client.key.expose_secret();
    // PEM's own encryption, which openssl wrote before 1.0: nothing that is current reads it.
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(tls::unusable(
            KEY,
            "it is encrypted in an old form; convert it with \"openssl pkcs8 -topk8 -in old.key -out new.key\"",
        ));
    }
    let blocks = pem::blocks(text);
    let is_key = |block: &&pem::Block| block.label().ends_with("PRIVATE KEY");
    let paste = "paste all of it, from -----BEGIN to -----END";
    let Some(block) = blocks.iter().find(is_key) else {
        let text = format!("it is no private key in PEM; {paste}");
        return Err(tls::unusable(KEY, &text));
    };
    let der = block
        .der()
        .map_err(|why| tls::unusable(KEY, &format!("it {why}; {paste}")))?;
    match block.label() {
        "PRIVATE KEY" => Ok(PrivatePkcs8KeyDer::from(der).into()),
        "RSA PRIVATE KEY" => Ok(PrivatePkcs1KeyDer::from(der).into()),
        "EC PRIVATE KEY" => Ok(PrivateSec1KeyDer::from(der).into()),
        "ENCRYPTED PRIVATE KEY" => decrypted(client, &der),
        other => {
            let text = format!(
                "a key of the kind {other} is not for TLS; make one in PKCS#8 with \"openssl pkcs8 -topk8\""
            );
            Err(tls::unusable(KEY, &text))
        }
    }
}

fn decrypted(client: &ClientCertificate, der: &[u8]) -> Result<PrivateKeyDer<'static>, TrinoError> {
    let Some(password) = &client.password else {
        return Err(tls::unusable(
            KEY,
            "it is encrypted; set \"client_key_password\"",
        ));
    };
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(der)
        .map_err(|_| tls::unusable(KEY, "it is cut off or damaged"))?;
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
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}
