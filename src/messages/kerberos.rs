//! Kerberos: which step failed, and which field of `authentication` to check.

use crate::trino::error::{KerberosProblem, KerberosProof};

/// Why Kerberos does not prove the user, and what to check.
pub(super) fn message(problem: &KerberosProblem) -> String {
    match problem {
        KerberosProblem::Library(cause) => format!(
            "Kerberos needs MIT's library libkrb5.so.3, which cannot be loaded here ({cause}). Use \
             the connector's image, install the library (libkrb5-3 on Debian, krb5-libs on Alpine \
             and Red Hat), or choose another method in ‹authentication›."
        ),
        KerberosProblem::Static => {
            "Kerberos needs MIT's library libkrb5.so.3, and this program is \
             linked statically (musl), so that it can load no library. Use the connector's image \
             or the program for linux-gnu, or choose another method in ‹authentication›."
                .to_owned()
        }
        KerberosProblem::Configuration(cause) => format!(
            "Kerberos cannot be configured: {cause}. Check ‹krb5_conf› of ‹authentication›, or \
             the system's /etc/krb5.conf where that is empty."
        ),
        KerberosProblem::Principal { principal, cause } => format!(
            "\"{principal}\" is not a principal that Kerberos can use: {cause}. Check ‹principal› of \
             ‹authentication›; it should end with its realm, as in \"airbyte@EXAMPLE.COM\"."
        ),
        KerberosProblem::UnknownClient(principal) => format!(
            "The KDC does not know the principal \"{principal}\". Check ‹principal› of \
             ‹authentication›, also its realm."
        ),
        KerberosProblem::Proof {
            principal, proof, ..
        } => match proof {
            KerberosProof::Password => format!(
                "The KDC did not accept the password of \"{principal}\". Check ‹password› and \
                 ‹principal› of ‹authentication›."
            ),
            KerberosProof::Keytab => format!(
                "The KDC did not accept the key of \"{principal}\". Check ‹keytab› of \
                 ‹authentication›: it may be from before the last change of the password, so \
                 export it again."
            ),
        },
        KerberosProblem::Keytab { principal, cause } => format!(
            "The keytab has no key that can be used for \"{principal}\": {cause}. Check ‹keytab› \
             and ‹principal› of ‹authentication›; \"klist -k\" shows for whom a keytab is."
        ),
        KerberosProblem::Locked { principal, cause } => format!(
            "The principal \"{principal}\" may not log in: {cause}. Have it unlocked or its \
             password renewed, and check ‹principal› of ‹authentication›."
        ),
        KerberosProblem::UnknownService(service) => format!(
            "The KDC does not know the service \"{service}\". Check ‹service_name›, \
             ‹service_principal_pattern› and ‹canonical_hostname› of ‹authentication›, and \
             that ‹hostname› is the name that Trino's principal has."
        ),
        KerberosProblem::Realm(cause) => format!(
            "There is no KDC for the realm: {cause}. Check the realm in ‹principal›, and ‹kdc› \
             or ‹krb5_conf› of ‹authentication›."
        ),
        KerberosProblem::Unreachable(cause) => format!(
            "No KDC answers: {cause}. Check ‹kdc› or ‹krb5_conf› of ‹authentication›, and \
             that the KDC can be reached from here; an SSH tunnel or a proxy does not lead there."
        ),
        KerberosProblem::Clock(cause) => format!(
            "The clock of this machine differs too much from the KDC's: {cause}. Set the clocks by \
             NTP."
        ),
        KerberosProblem::Refused { service, text } => {
            let said = crate::trino::error::after_colon(text);
            format!(
                "Trino did not accept the Kerberos ticket for \"{service}\" (HTTP 401{said}). Check \
                 that ‹username› is the user that Trino makes of ‹principal›, that Trino's \
                 keytab has the present key of that service (‹service_name› of \
                 ‹authentication›), and that the clocks of Trino, the KDC and this machine agree."
            )
        }
        KerberosProblem::Other(cause) => {
            format!("Kerberos failed: {cause}. Check ‹authentication›.")
        }
    }
}
