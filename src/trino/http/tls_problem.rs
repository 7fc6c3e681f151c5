//! What can be wrong with the TLS settings. `crate::messages` words it.

/// Why the TLS settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsProblem {
    /// The certificates of the trusted authorities cannot be used.
    #[error("the certificates of authorities cannot be used: {0}")]
    Authorities(CertificatesFault),
    /// The client certificate, or one of its chain, cannot be used.
    #[error("the client certificate cannot be used: {0}")]
    ClientCertificate(CertificatesFault),
    /// The private key of the client certificate cannot be used.
    #[error("the client's private key cannot be used: {0}")]
    ClientKey(KeyFault),
    /// The password does not decrypt the private key.
    #[error("the password of the client's private key is wrong")]
    ClientKeyPassword,
    /// The certificates that the system trusts cannot be read, for this reason of the library.
    #[error("the system's trusted certificates cannot be read: {0}")]
    System(String),
    /// Another problem, in the words of the library.
    #[error("{0}")]
    Other(String),
}

/// What is wrong with a PEM text that should hold certificates.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificatesFault {
    /// It holds no certificate.
    #[error("there is none")]
    None,
    /// A block of the text is damaged.
    #[error("certificate {number} of {count} {damage}")]
    Damaged {
        /// Which certificate it is, counted from 1.
        number: usize,
        /// How many certificates there are.
        count: usize,
        /// What is wrong with it, as the end of a sentence.
        damage: String,
    },
    /// One of the certificates is refused by the TLS library, which does not say why.
    #[error("one of them is damaged")]
    Refused,
    /// Another problem, in the words of the TLS library.
    #[error("{0}")]
    Other(String),
}

/// What is wrong with a private key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyFault {
    /// The text holds no private key.
    #[error("there is none")]
    None,
    /// The PEM block is damaged; what is wrong with it, as the end of a sentence.
    #[error("it {0}")]
    DamagedBlock(String),
    /// The PEM block is whole, but what is encrypted in it is not.
    #[error("it is cut off or damaged")]
    Damaged,
    /// It is encrypted in PEM's own way, which openssl used before 1.0.
    #[error("it is encrypted in an old form")]
    OldEncryption,
    /// It is encrypted, and no password was given.
    #[error("it is encrypted")]
    Encrypted,
    /// It is of this kind, which TLS does not use.
    #[error("it is of the kind {0}")]
    Kind(String),
    /// It belongs to another certificate.
    #[error("it belongs to another certificate")]
    OtherCertificate,
    /// Another problem, in the words of the library.
    #[error("{0}")]
    Other(String),
}
