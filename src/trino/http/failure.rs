//! Errors of the HTTP library → which step of a request failed. `crate::messages` words it.

use std::error::Error as _;
use std::fmt;

use reqwest::Url;
use rustls::pki_types::{ServerName, UnixTime};

use crate::trino::error::{TrinoError, is_temporary_resolution_failure};
use crate::trino::http::authorities::Unreadable;
use crate::trino::http::route::{Between, Way};
use crate::trino::http::tls_problem::TlsProblem;
use crate::trino::http::verifier::Issuer;
use crate::trino::tunnel::ForwardProblem;

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
    /// The name server does not answer for the moment.
    ResolveLater,
    /// Nobody listens on the port.
    Refused,
    /// The address cannot be reached, or nothing answered in time.
    Connect,
    /// https was spoken to a port that speaks http.
    TlsToPlainPort,
    /// http was spoken to a port that speaks something else, most likely https.
    PlainToTlsPort,
    /// The server's certificate was not accepted.
    Certificate(CertificateProblem),
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
    /// The proxy refuses to connect to the server.
    ProxyRefusal {
        /// Its address.
        address: String,
        /// The setting that it comes from.
        setting: &'static str,
    },
    /// The proxy wants a login, or did not accept the given one.
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
        problem: ForwardProblem,
    },
    /// The connection broke while the answer was read.
    Answer,
    /// The answer did not come in time.
    Timeout,
}

/// Why a certificate was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CertificateProblem {
    /// The server has issued it itself, under this name.
    SelfIssued(String),
    /// Its issuer is not trusted here; the name, if it can be read.
    UnknownIssuer(Option<String>),
    /// It is for these names only.
    OtherNames(Vec<String>),
    /// It names no host. Its common name does not count.
    NoNames,
    /// It has this address, but as the name of a host, which does not count.
    AddressAsName(String),
    /// It has expired, on this day if the day is known.
    Expired(Option<String>),
    /// It is not valid yet. It will be from this day on, if the day is known.
    NotYetValid(Option<String>),
    /// It has version 1 of X.509, which has no names that can be checked.
    FirstVersion,
    /// It cannot be read.
    Damaged,
    /// Another problem, in the words of the library.
    Other(String),
}

impl FailedStep {
    /// Whether the same request may succeed a little later.
    pub(crate) fn may_pass(&self) -> bool {
        !matches!(
            self,
            Self::Certificate(_)
                | Self::ClientCertificate
                | Self::ProxyLogin { .. }
                | Self::Tls
                | Self::TlsToPlainPort
                | Self::PlainToTlsPort
        )
    }

    /// Whether it may succeed without a change of the settings.
    pub(crate) fn is_passing(&self) -> bool {
        self.may_pass() && !matches!(self, Self::Resolve)
    }
}

impl fmt::Display for TransportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match &self.step {
            FailedStep::Resolve => "the host name cannot be resolved",
            FailedStep::ResolveLater => "the host name cannot be resolved now",
            FailedStep::Refused => "nothing accepts connections",
            FailedStep::Connect => "cannot be reached",
            FailedStep::TlsToPlainPort => "speaks no https",
            FailedStep::PlainToTlsPort => "speaks no plain http",
            FailedStep::Certificate(_) => "the certificate was not accepted",
            FailedStep::ClientCertificate => "the client certificate was not accepted",
            FailedStep::Tls => "TLS failed",
            FailedStep::Proxy { .. } => "cannot be reached through the proxy",
            FailedStep::ProxyRefusal { .. } => "the proxy refuses to connect",
            FailedStep::ProxyLogin { .. } => "the proxy wants a login",
            FailedStep::Forward { .. } => "cannot be reached through the SSH server",
            FailedStep::Answer => "the connection broke",
            FailedStep::Timeout => "no answer came in time",
        };
        write!(f, "{}: {step} ({})", self.server, self.cause)
    }
}

/// The error of a request to `url` that failed; its connection went by `way`.
pub(crate) fn failed_request(error: &reqwest::Error, url: &Url, way: &Way) -> TrinoError {
    let text = innermost_cause(error);
    let sent = !error.is_connect();
    let step = match cause::<rustls::Error>(error) {
        Some(rustls::Error::InvalidCertificate(problem)) => {
            let step = FailedStep::Certificate(certificate_problem(problem));
            return failed(step, url, &text, false);
        }
        Some(rustls::Error::AlertReceived(alert)) if is_about_our_certificate(*alert) => {
            let alert = format!("{alert:?}");
            return failed(FailedStep::ClientCertificate, url, &alert, false);
        }
        Some(rustls::Error::Other(other))
            if let Some(Unreadable(cause)) = other.0.downcast_ref() =>
        {
            return TlsProblem::System(cause.clone()).into();
        }
        // The first bytes of an HTTP answer are no TLS record.
        Some(rustls::Error::InvalidMessage(_)) => FailedStep::TlsToPlainPort,
        Some(_) => FailedStep::Tls,
        None if error.is_connect() => unconnected_step(error, &text, way.between(url)),
        None if error.is_timeout() => FailedStep::Timeout,
        None if text.contains("invalid HTTP") => FailedStep::PlainToTlsPort,
        None => FailedStep::Answer,
    };
    failed(step, url, &text, sent)
}

/// Which step failed, if no connection was made.
fn unconnected_step(error: &reqwest::Error, text: &str, between: Between) -> FailedStep {
    match between {
        Between::Tunnel {
            address,
            problem: Some(problem),
        } => FailedStep::Forward { address, problem },
        Between::Tunnel { .. } => FailedStep::Connect,
        Between::Proxy { address, setting } => {
            let wants_login = causes(error).any(|cause| {
                let text = cause.to_string();
                text.contains("proxy authorization required")
                    || text.contains("SOCKS") && text.contains("auth")
            });
            if wants_login {
                FailedStep::ProxyLogin { address, setting }
            } else if text == "tunnel error: unsuccessful" {
                FailedStep::ProxyRefusal { address, setting }
            } else {
                FailedStep::Proxy { address, setting }
            }
        }
        Between::Nothing => match cause::<std::io::Error>(error).map(std::io::Error::kind) {
            Some(std::io::ErrorKind::ConnectionRefused) => FailedStep::Refused,
            _ if causes(error).any(|c| c.to_string().contains("dns error")) => {
                if is_temporary_resolution_failure(text) {
                    FailedStep::ResolveLater
                } else {
                    FailedStep::Resolve
                }
            }
            _ => FailedStep::Connect,
        },
    }
}

fn is_about_our_certificate(alert: rustls::AlertDescription) -> bool {
    use rustls::AlertDescription as A;
    matches!(
        alert,
        A::BadCertificate
            | A::CertificateExpired
            | A::CertificateRequired
            | A::CertificateRevoked
            | A::CertificateUnknown
            | A::NoCertificate
            | A::UnknownCA
            | A::UnsupportedCertificate
    )
}

/// An error of a known step; `sent` says whether the server may have seen the request.
pub(crate) fn failed(step: FailedStep, url: &Url, cause: &str, sent: bool) -> TrinoError {
    let problem = TransportProblem {
        server: url.origin().ascii_serialization(),
        step,
        cause: cause.to_owned(),
    };
    TrinoError::Transport {
        problem: Box::new(problem),
        sent,
    }
}

/// The innermost cause. The outer ones only repeat the URL and name the layers that passed the
/// error on.
pub(crate) fn innermost_cause(error: &reqwest::Error) -> String {
    causes(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

/// All causes, the outermost first. `std::io::Error` does not show the error that it wraps as its
/// `source`, so that one is taken out of it.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &Cause> {
    fn inner(error: &Cause) -> Option<&Cause> {
        let io = error.downcast_ref::<std::io::Error>();
        match io.and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        }
    }
    std::iter::successors(error.source(), |error| inner(*error))
}

type Cause = dyn std::error::Error + 'static;

/// The innermost cause of type `E`.
fn cause<E: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    causes(error)
        .filter_map(|cause| cause.downcast_ref())
        .last()
}

fn certificate_problem(problem: &rustls::CertificateError) -> CertificateProblem {
    use rustls::CertificateError as E;
    if let E::Other(other) = problem
        && let Some(Issuer { itself, subject }) = other.0.downcast_ref::<Issuer>()
    {
        return if *itself {
            CertificateProblem::SelfIssued(subject.clone())
        } else {
            CertificateProblem::UnknownIssuer(Some(subject.clone()))
        };
    }
    match problem {
        E::UnknownIssuer => CertificateProblem::UnknownIssuer(None),
        E::NotValidForName => CertificateProblem::OtherNames(Vec::new()),
        E::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            CertificateProblem::NoNames
        }
        E::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names: Vec<String> = presented.iter().map(|name| bare_name(name)).collect();
            let address = expected.to_str().into_owned();
            let is_address = matches!(expected, ServerName::IpAddress(_));
            if is_address && names.contains(&address) {
                CertificateProblem::AddressAsName(address)
            } else {
                CertificateProblem::OtherNames(names)
            }
        }
        E::Expired => CertificateProblem::Expired(None),
        E::ExpiredContext { not_after, .. } => CertificateProblem::Expired(Some(day(*not_after))),
        E::NotValidYet => CertificateProblem::NotYetValid(None),
        E::NotValidYetContext { not_before, .. } => {
            CertificateProblem::NotYetValid(Some(day(*not_before)))
        }
        E::BadEncoding => CertificateProblem::Damaged,
        other if format!("{other:?}").contains("UnsupportedCertVersion") => {
            CertificateProblem::FirstVersion
        }
        other => CertificateProblem::Other(other.to_string()),
    }
}

/// `DnsName("trino.example.com")`, `IpAddress(10.0.0.1)` → what is inside.
fn bare_name(name: &str) -> String {
    let inside = name.split_once('(').map_or(name, |(_, inside)| inside);
    inside.trim_matches(['"', ')']).to_owned()
}

fn day(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| "a far day".to_owned(),
        |time| time.strftime("%Y-%m-%d").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_without_names_is_told_as_such() {
        let name = ServerName::try_from("h").unwrap();
        let problem = rustls::CertificateError::NotValidForNameContext {
            expected: name.to_owned(),
            presented: Vec::new(),
        };
        assert_eq!(certificate_problem(&problem), CertificateProblem::NoNames);
    }

    #[test]
    fn an_address_that_is_written_as_a_name_is_told_as_such() {
        let problem = |host: &str, presented: &str| {
            let name = ServerName::try_from(host).unwrap().to_owned();
            certificate_problem(&rustls::CertificateError::NotValidForNameContext {
                expected: name,
                presented: vec![presented.to_owned()],
            })
        };
        assert_eq!(
            problem("10.0.0.1", "DnsName(\"10.0.0.1\")"),
            CertificateProblem::AddressAsName("10.0.0.1".into())
        );
        assert_eq!(
            problem("10.0.0.1", "IpAddress(10.0.0.2)"),
            CertificateProblem::OtherNames(vec!["10.0.0.2".into()])
        );
    }
}
