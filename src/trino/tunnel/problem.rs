//! What can fail in a tunnel. `crate::messages` words it.

/// Why the tunnel cannot be opened. `address` is the SSH server's host and port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TunnelProblem {
    /// The SSH server's host name has no address.
    #[error("the host name of the SSH server {0} cannot be resolved")]
    Resolve(String),
    /// The name server does not answer for the moment.
    #[error("the host name of the SSH server {0} cannot be resolved now")]
    ResolveLater(String),
    /// Nobody listens on the SSH server's port.
    #[error("nothing accepts connections at the SSH server {0}")]
    Refused(String),
    /// No connection to the SSH server came about, or it fell silent.
    #[error("the SSH server {address} cannot be reached ({cause})")]
    Connect { address: String, cause: String },
    /// What answers is no SSH server, or one that we cannot talk to.
    #[error("what answers at {address} cannot be spoken to by SSH ({cause})")]
    Greeting { address: String, cause: String },
    /// It is not the SSH server whose host key was configured. `line` is the host key that it has.
    #[error("the SSH server {address} has another host key than the configured one")]
    HostKey { address: String, line: String },
    /// The connection broke during the login.
    #[error("the login at the SSH server {address} broke off ({cause})")]
    Broken { address: String, cause: String },
    /// The proof of the user was refused.
    #[error("the SSH server {address} did not accept the user \"{user}\"")]
    Login {
        address: String,
        user: String,
        proof: TunnelProof,
    },
    /// The SSH server takes no proof of this kind, only of the offered kinds.
    #[error("the SSH server {address} lets the user \"{user}\" log in by {offered} only")]
    NotOffered {
        address: String,
        user: String,
        proof: TunnelProof,
        offered: String,
    },
    /// The SSH server accepts the proof, but wants something else as well.
    #[error("the SSH server {address} wants more of the user \"{user}\" ({wanted})")]
    More {
        address: String,
        user: String,
        proof: TunnelProof,
        wanted: String,
    },
    /// The user's private key cannot be used.
    #[error("the private key for the SSH server cannot be used ({0})")]
    Key(SshKeyFault),
    /// This machine does not let us listen for the HTTP client's connections.
    #[error("the tunnel's entrance cannot be opened ({0})")]
    Entrance(String),
}

/// What proves a user to the SSH server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TunnelProof {
    /// A private key.
    Key,
    /// A password.
    Password,
}

/// What is wrong with a private key for SSH.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SshKeyFault {
    /// Its PEM block is damaged; what is wrong with it, as the end of a sentence.
    #[error("it {0}")]
    Damaged(String),
    /// It is encrypted, and no passphrase was given.
    #[error("it is encrypted")]
    Encrypted,
    /// It cannot be opened with the passphrase: one of the two is wrong.
    #[error("it cannot be opened with the passphrase")]
    Passphrase,
    /// The SSH library cannot read it, for this reason.
    #[error("{0}")]
    Unreadable(String),
}

/// Why a connection from the SSH server to another server did not come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ForwardProblem {
    /// The session was lost, and a new one cannot be opened.
    Session(TunnelProblem),
    /// Each new session breaks off.
    Breaks,
    /// The SSH server does not allow it.
    NotAllowed,
    /// The SSH server cannot reach the other server.
    Unreachable,
    /// Another reason, in the words of the SSH server.
    Other(String),
}

impl TunnelProblem {
    /// Whether it may go away without a change of the settings.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::ResolveLater(_)
                | Self::Refused(_)
                | Self::Connect { .. }
                | Self::Greeting { .. }
                | Self::Broken { .. }
        )
    }
}
