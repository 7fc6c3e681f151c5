//! The steps of a request that can fail, and what a person is told of each.

use std::fmt;

/// What failed on the way to the server.
#[derive(Debug)]
pub(crate) struct TransportProblem {
    /// Scheme, host and port that were tried.
    pub(crate) server: String,
    /// Which step failed.
    pub(crate) step: FailedStep,
    /// The cause in the words of the library that found it.
    pub(crate) cause: String,
}

/// The step of a request that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FailedStep {
    /// The host name has no address.
    Resolve,
    /// Nobody listens on the port.
    Refused,
    /// The address cannot be reached, or nothing answered in time.
    Connect,
    /// https was spoken to a port that speaks http.
    TlsToPlainPort,
    /// http was spoken to a port that speaks something else, most likely https.
    PlainToTlsPort,
    /// The server's certificate was not accepted.
    Certificate,
    /// The server did not accept our certificate.
    ClientCertificate,
    /// TLS failed for another reason.
    Tls,
    /// The proxy cannot be reached, or cannot reach the server.
    Proxy {
        /// Its address.
        address: String,
        /// The setting that it comes from.
        setting: &'static str,
    },
    /// The proxy wants a login, or another one.
    ProxyLogin {
        /// Its address.
        address: String,
        /// The setting that it comes from.
        setting: &'static str,
    },
    /// The SSH server cannot reach the server.
    Forward {
        /// Host and port of the SSH server.
        address: String,
        /// Its reason.
        failure: String,
    },
    /// The connection broke while the answer was read.
    Answer,
    /// The answer did not come in time.
    Timeout,
}

impl TransportProblem {
    /// What failed, without the settings to change: those are another's.
    pub(crate) fn in_short(&self) -> String {
        let text = self.to_string();
        text.split(". Check").next().unwrap_or(&text).to_owned()
    }
}

impl fmt::Display for TransportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            server,
            step,
            cause,
        } = self;
        match step {
            FailedStep::Resolve => write!(
                f,
                "The host name of {server} cannot be resolved: {cause}. Check \"hostname\"."
            ),
            FailedStep::Refused => write!(
                f,
                "Nothing accepts connections at {server}. Check \"hostname\" and \"port\", and that Trino is running."
            ),
            FailedStep::Connect => write!(
                f,
                "{server} cannot be reached: {cause}. Check \"hostname\" and \"port\", and that no firewall is in the way."
            ),
            FailedStep::TlsToPlainPort => write!(
                f,
                "{server} does not speak https on this port. Set \"ssl_mode\" to \"disable\", or \"port\" to Trino's https port."
            ),
            FailedStep::PlainToTlsPort => write!(
                f,
                "{server} does not speak plain http on this port. If it is Trino's https port, set \"ssl_mode\" to \"verify-full\"; otherwise check \"port\"."
            ),
            FailedStep::Certificate => write!(
                f,
                "The certificate of {server} was not accepted: {cause}. Check \"ssl_mode\" and its \"ca_certificate\"."
            ),
            FailedStep::ClientCertificate => write!(
                f,
                "{server} did not accept the client certificate ({cause}). Check \"client_certificate\" of \"ssl_mode\": it must be valid and issued by an authority that Trino trusts."
            ),
            FailedStep::Proxy { address, setting } => write!(
                f,
                "{server} cannot be reached through the proxy {address}: {cause}. Check {setting}."
            ),
            FailedStep::ProxyLogin { address, setting } => write!(
                f,
                "The proxy {address} did not accept the login, or wants one. Check {setting}, its user and password."
            ),
            FailedStep::Forward { address, failure } => write!(
                f,
                "The SSH server {address} cannot connect to {server}: {failure}. Check \"hostname\" and \"port\", as they are from \"tunnel_host\"."
            ),
            FailedStep::Tls => write!(f, "TLS with {server} failed: {cause}. Check \"ssl_mode\"."),
            FailedStep::Answer => write!(
                f,
                "The connection to {server} broke: {cause}. If that happens at once, check \"port\" and \"ssl_mode\"."
            ),
            FailedStep::Timeout => write!(f, "{server} did not answer in time: {cause}."),
        }
    }
}
