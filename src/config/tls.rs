//! `ssl_mode`: whether TLS is used, and how strictly certificates are checked. The modes are named
//! as in Airbyte's other sources.

use rustls::pki_types::ServerName;
use secrecy::SecretString;

use super::fields::Fields;
use super::pem;
use super::value::one_of;

/// Whether TLS is used, and how strictly certificates are checked.
#[derive(Debug, Clone)]
pub(crate) enum Tls {
    /// Plain http.
    Off,
    /// https.
    On(TlsSettings),
}

/// How https is used.
#[derive(Debug, Clone)]
pub(crate) struct TlsSettings {
    /// What is checked of the server's certificate.
    pub(crate) verification: Verification,
    /// PEM certificates to trust in place of the system's; `None` means the system's.
    pub(crate) ca_certificate: Option<String>,
    /// The name that the certificate must be for, if it is not the host's name.
    pub(crate) server_name: Option<String>,
    /// The certificate that proves the user.
    pub(crate) client: Option<ClientCertificate>,
}

/// A certificate of our own.
#[derive(Debug, Clone)]
pub(crate) struct ClientCertificate {
    /// PEM: the certificate, then the intermediate ones up to the authority.
    pub(crate) chain: String,
    /// PEM of the private key.
    pub(crate) key: SecretString,
    /// Password of the key, if it has one.
    pub(crate) password: Option<SecretString>,
}

/// What is checked of the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verification {
    /// Nothing: the connection is encrypted, but the server may be anybody.
    None,
    /// That a trusted authority signed it, for whatever host.
    Authority,
    /// That a trusted authority signed it for this host.
    Full,
}

impl Tls {
    /// https with nothing but defaults.
    pub(super) fn full() -> Self {
        Self::On(TlsSettings {
            verification: Verification::Full,
            ca_certificate: None,
            server_name: None,
            client: None,
        })
    }

    /// Whether TLS is used at all.
    pub(crate) fn is_on(&self) -> bool {
        matches!(self, Self::On(_))
    }
}

const MODES: &[&str] = &["disable", "require", "verify-ca", "verify-full"];

/// Reads `ssl_mode`; if it is not set, the result is `default`.
pub(super) fn read_tls(fields: &mut Fields<'_>, default: Tls) -> Tls {
    fields.object("ssl_mode", "mode", |fields| {
        let mode = fields.word("mode", MODES);
        let ca_certificate = certificate(fields, "ca_certificate");
        let server_name = fields.text("server_name");
        if let Some(name) = &server_name
            && ServerName::try_from(name.as_str()).is_err()
        {
            fields.problem(
                "server_name",
                "is not a host name such as \"trino.example.com\"",
            );
        }
        let client = client_certificate(fields);
        let is_named = fields.has("mode");
        // Somebody who gives a certificate does not mean plain http.
        let has_more = ca_certificate.is_some() || server_name.is_some() || client.is_some();
        if has_more && !is_named && !default.is_on() {
            fields.missing("mode", &one_of(MODES));
        }
        let on = |verification| {
            Tls::On(TlsSettings {
                verification,
                ca_certificate,
                server_name,
                client,
            })
        };
        match mode {
            Some("disable") => Tls::Off,
            Some("require") => on(Verification::None),
            Some("verify-ca") => on(Verification::Authority),
            Some("verify-full") => on(Verification::Full),
            _ if has_more && default.is_on() => on(Verification::Full),
            _ => default,
        }
    })
}

fn certificate(fields: &mut Fields<'_>, name: &str) -> Option<String> {
    let given = fields.text(name)?;
    let pem = pem::normalised(&given);
    if !given.is_empty() && !pem.contains("-----BEGIN CERTIFICATE-----") {
        fields.problem(
            name,
            "is not a PEM certificate; paste the text from -----BEGIN CERTIFICATE----- to \
             -----END CERTIFICATE-----",
        );
    }
    Some(pem)
}

fn client_certificate(fields: &mut Fields<'_>) -> Option<ClientCertificate> {
    let chain = certificate(fields, "client_certificate");
    let key = fields.secret("client_key").map(pem::secret);
    let password = fields.secret("client_key_password").map(|password| {
        crate::secrets::hide(password);
        SecretString::from(password)
    });
    match (chain, key) {
        (Some(chain), Some(key)) => Some(ClientCertificate {
            chain,
            key,
            password,
        }),
        (Some(_), None) => {
            fields.missing_with_advice(
                "client_key",
                "paste the private key of the client certificate",
            );
            None
        }
        (None, Some(_)) => {
            fields.missing_with_advice(
                "client_certificate",
                "paste the certificate that the client key is for",
            );
            None
        }
        (None, None) => None,
    }
}
