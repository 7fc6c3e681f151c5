//! Settings of TLS that cannot be used: which field, and what is wrong with it.

use crate::trino::error::{CertificatesFault, KeyFault, TlsProblem};

/// Which field of `ssl_mode` cannot be used, and why.
pub(super) fn message(problem: &TlsProblem) -> String {
    let (field, cause) = match problem {
        TlsProblem::Authorities(fault) => ("ca_certificate", certificates(fault)),
        TlsProblem::ClientCertificate(fault) => ("client_certificate", certificates(fault)),
        TlsProblem::ClientKey(fault) => ("client_key", key(fault)),
        TlsProblem::ClientKeyPassword => (
            "client_key_password",
            "it is not the password of ‹client_key›".to_owned(),
        ),
        TlsProblem::System(cause) => {
            return format!(
                "The authorities that this system trusts cannot be read ({cause}). Install them (the package \
                 ca-certificates), name their file in the variable SSL_CERT_FILE, or paste the authority in \
                 ‹ca_certificate› of ‹ssl_mode›."
            );
        }
        TlsProblem::Other(cause) => return cause.clone(),
    };
    format!("‹{field}› of ‹ssl_mode› cannot be used: {cause}.")
}

fn certificates(fault: &CertificatesFault) -> String {
    match fault {
        CertificatesFault::None => "it has no certificate".to_owned(),
        CertificatesFault::Damaged {
            number,
            count,
            damage,
        } => {
            let which = match count {
                1 => "it".to_owned(),
                count => format!("certificate {number} of {count}"),
            };
            format!("{which} {damage}; paste all of it, from BEGIN to END CERTIFICATE")
        }
        CertificatesFault::Refused => "one of its certificates is damaged".to_owned(),
        CertificatesFault::Other(cause) => cause.clone(),
    }
}

fn key(fault: &KeyFault) -> String {
    let text = match fault {
        KeyFault::None => {
            "it is not a private key in PEM; paste all of it, from -----BEGIN to -----END"
        }
        KeyFault::DamagedBlock(damage) => {
            return format!("it {damage}; paste all of it, from -----BEGIN to -----END");
        }
        KeyFault::Damaged => "it is cut off or damaged",
        KeyFault::OldEncryption => {
            "it is encrypted in an old form; convert it with \"openssl pkcs8 -topk8 -in old.key \
             -out new.key\""
        }
        KeyFault::Encrypted => "it is encrypted; set ‹client_key_password›",
        KeyFault::Kind(kind) => {
            return format!(
                "a key of the kind {kind} is not for TLS; make one in PKCS#8 with \"openssl pkcs8 \
                 -topk8\""
            );
        }
        KeyFault::OtherCertificate => "it is not the key of ‹client_certificate›",
        KeyFault::Other(cause) => cause,
    };
    text.to_owned()
}
