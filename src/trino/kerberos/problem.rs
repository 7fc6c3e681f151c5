//! What can fail in Kerberos. `crate::messages` words it.

/// Why no ticket for Trino can be had, or why Trino refused it. `cause` is the library's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KerberosProblem {
    /// The library is not on this machine.
    #[error("the Kerberos library cannot be loaded ({0})")]
    Library(String),
    /// The program is linked statically, so that it can load no library.
    #[error("the Kerberos library cannot be loaded by a program that is linked statically")]
    Static,
    /// The text of `krb5.conf` cannot be used.
    #[error("the Kerberos configuration cannot be used ({0})")]
    Configuration(String),
    /// The client's principal is no name of a principal.
    #[error("the principal {principal} cannot be used ({cause})")]
    Principal { principal: String, cause: String },
    /// The KDC knows no such client.
    #[error("the KDC does not know the principal {0}")]
    UnknownClient(String),
    /// The KDC does not accept what proves the client.
    #[error("the KDC did not accept what proves {principal} ({cause})")]
    Proof {
        principal: String,
        proof: KerberosProof,
        cause: String,
    },
    /// The keytab has no key of the principal, or cannot be read.
    #[error("the keytab cannot be used for {principal} ({cause})")]
    Keytab { principal: String, cause: String },
    /// The password has expired, or the principal is locked.
    #[error("the principal {principal} may not log in ({cause})")]
    Locked { principal: String, cause: String },
    /// The KDC knows no such service.
    #[error("the KDC does not know the service {0}")]
    UnknownService(String),
    /// There is no KDC for the realm.
    #[error("there is no KDC for the realm ({0})")]
    Realm(String),
    /// No KDC answers.
    #[error("no KDC answers ({0})")]
    Unreachable(String),
    /// The clocks of this machine and of the KDC differ.
    #[error("the clocks differ ({0})")]
    Clock(String),
    /// Trino has refused the ticket.
    #[error("Trino did not accept the ticket for {service} ({text})")]
    Refused { service: String, text: String },
    /// Another problem.
    #[error("Kerberos failed ({0})")]
    Other(String),
}

/// What proves a principal to the KDC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KerberosProof {
    /// A key of a keytab.
    Keytab,
    /// A password.
    Password,
}

/// An error of the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: i32,
    pub(super) text: String,
}

/// Where the codes of MIT's library begin; those of the protocol (RFC 4120, 7.5.9) come first.
const FIRST: i32 = -1_765_328_384;

impl Failure {
    /// The number of the error in the library's table.
    fn number(&self) -> i32 {
        self.code.wrapping_sub(FIRST)
    }

    /// The problem, if it occurred while the client was proven.
    pub(super) fn of_login(self, principal: &str, proof: KerberosProof) -> KerberosProblem {
        let principal = principal.to_owned();
        let Self { text: cause, .. } = self.clone();
        match (self.number(), proof) {
            (6, _) => KerberosProblem::UnknownClient(principal),
            // Preauthentication failed; integrity check failed, where it is not demanded.
            (24 | 31, _) => KerberosProblem::Proof {
                principal,
                proof,
                cause,
            },
            // Revoked; password expired.
            (18 | 23, _) => KerberosProblem::Locked { principal, cause },
            // No such key; not of this version; no file; bad format.
            (181 | 230 | 179 | 235, KerberosProof::Keytab) => {
                KerberosProblem::Keytab { principal, cause }
            }
            // Malformed; the default realm is not configured.
            (134 | 224, _) => KerberosProblem::Principal { principal, cause },
            _ => self.of_network(),
        }
    }

    /// The problem, if it occurred while a ticket for a service was asked for.
    pub(super) fn of_service(self, service: &str) -> KerberosProblem {
        match self.number() {
            7 => KerberosProblem::UnknownService(service.to_owned()),
            _ => self.of_network(),
        }
    }

    /// The problem, whatever was asked for.
    fn of_network(self) -> KerberosProblem {
        let text = self.text.clone();
        match self.number() {
            // Unknown realm; not local to the KDC; its address cannot be resolved.
            154 | 68 | 220 => KerberosProblem::Realm(text),
            156 => KerberosProblem::Unreachable(text),
            37 | 148 => KerberosProblem::Clock(text),
            135 | 136 => KerberosProblem::Configuration(text),
            _ => KerberosProblem::Other(text),
        }
    }
}

impl KerberosProblem {
    /// Whether it may go away without a change of the settings.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(number: i32) -> Failure {
        Failure {
            code: FIRST + number,
            text: "said".to_owned(),
        }
    }

    #[test]
    fn codes_of_the_library_are_told_apart() {
        let login = |number, proof| failure(number).of_login("a@R", proof);
        assert_eq!(
            login(6, KerberosProof::Password),
            KerberosProblem::UnknownClient("a@R".into())
        );
        assert!(matches!(
            login(181, KerberosProof::Keytab),
            KerberosProblem::Keytab { .. }
        ));
        assert_eq!(
            failure(7).of_service("HTTP/h@R"),
            KerberosProblem::UnknownService("HTTP/h@R".into())
        );
        assert!(login(156, KerberosProof::Keytab).may_pass());
        assert!(!login(24, KerberosProof::Keytab).may_pass());
        let strange = Failure {
            code: 5,
            text: "said".into(),
        };
        assert_eq!(
            strange.of_service("s"),
            KerberosProblem::Other("said".into())
        );
    }
}
