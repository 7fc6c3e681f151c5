//! `ssl_mode`: whether and how strictly TLS is spoken. Names follow Airbyte's own sources.

use super::fields::Fields;

/// Whether and how strictly TLS is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Plain http.
    Off,
    /// https.
    On {
        /// What is checked of the server's certificate.
        verification: Verification,
        /// PEM certificates to trust in place of the system's; `None` means the system's.
        ca_certificate: Option<String>,
    },
}

/// What is checked of the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// Nothing: encrypted, but it may be anybody.
    None,
    /// That a trusted authority signed it, not for whom.
    Authority,
    /// That a trusted authority signed it for this host.
    Full,
}

/// Reads `ssl_mode`; without one, `default` counts.
pub(super) fn read(fields: &mut Fields<'_>, default: Tls) -> Tls {
    fields.object("ssl_mode", |fields| {
        let mode = fields.text("mode");
        let ca_certificate = fields.text("ca_certificate");
        if let Some(pem) = &ca_certificate
            && !pem.contains("-----BEGIN CERTIFICATE-----")
        {
            fields.problem(
                "ca_certificate",
                "is not a PEM certificate; paste the text from -----BEGIN CERTIFICATE----- to \
                 -----END CERTIFICATE-----",
            );
        }
        let on = |verification| Tls::On {
            verification,
            ca_certificate,
        };
        match mode.as_deref() {
            None | Some("") => default,
            Some("disable") => Tls::Off,
            Some("require") => on(Verification::None),
            Some("verify-ca") => on(Verification::Authority),
            Some("verify-full") => on(Verification::Full),
            Some(other) => {
                let text = format!(
                    "\"{other}\" is not known; choose \"disable\", \"require\", \"verify-ca\" or \
                     \"verify-full\""
                );
                fields.problem("mode", &text);
                default
            }
        }
    })
}
