//! Errors of the HTTP library → which step failed, in words for a person.

use std::error::Error as _;

use reqwest::Url;
use rustls::pki_types::UnixTime;

use crate::trino::error::{FailedStep, TransportProblem, TrinoError};
use crate::trino::http::route::{Between, Way};
use crate::trino::http::tls::Issuer;

/// Says what failed of a request to `url`, whose connection was made by `way`.
pub(crate) fn of_request(error: &reqwest::Error, url: &Url, way: &Way) -> TrinoError {
    let text = cause_of(error);
    let sent = !error.is_connect();
    let tls = cause::<rustls::Error>(error);
    let step = match tls {
        Some(rustls::Error::InvalidCertificate(problem)) => {
            let problem = certificate_problem(problem);
            return failed(FailedStep::Certificate, url, &problem, false);
        }
        Some(rustls::Error::AlertReceived(alert)) if is_about_our_certificate(*alert) => {
            let alert = format!("{alert:?}");
            return failed(FailedStep::ClientCertificate, url, &alert, false);
        }
        // The first bytes of an HTTP answer are no TLS record.
        Some(rustls::Error::InvalidMessage(_)) => FailedStep::TlsToPlainPort,
        Some(_) => FailedStep::Tls,
        None if error.is_connect() => {
            let step = on_the_way(error, way.between(url));
            if matches!(step, FailedStep::Proxy { .. }) && text == "tunnel error: unsuccessful" {
                let refusal = "it refuses to, because of the login or because it does not allow it";
                return failed(step, url, refusal, sent);
            }
            step
        }
        None if error.is_timeout() => FailedStep::Timeout,
        None if text.contains("invalid HTTP") => FailedStep::PlainToTlsPort,
        None => FailedStep::Answer,
    };
    failed(step, url, &text, sent)
}

/// Which step failed where no connection came about.
fn on_the_way(error: &reqwest::Error, between: Between) -> FailedStep {
    match between {
        Between::Tunnel {
            address,
            failure: Some(failure),
        } => FailedStep::Forward { address, failure },
        Between::Tunnel { .. } => FailedStep::Connect,
        Between::Proxy { address, setting } => {
            let wants_login = causes(error).any(|cause| {
                let text = cause.to_string();
                text.contains("proxy authorization required")
                    || text.contains("SOCKS") && text.contains("auth")
            });
            if wants_login {
                FailedStep::ProxyLogin { address, setting }
            } else {
                FailedStep::Proxy { address, setting }
            }
        }
        Between::Nothing => match cause::<std::io::Error>(error).map(std::io::Error::kind) {
            Some(std::io::ErrorKind::ConnectionRefused) => FailedStep::Refused,
            _ if causes(error).any(|c| c.to_string().contains("dns error")) => FailedStep::Resolve,
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
    let server = url.origin().ascii_serialization();
    let problem = TransportProblem {
        server,
        step,
        cause: cause.to_owned(),
    };
    TrinoError::Transport {
        problem: Box::new(problem),
        sent,
    }
}

/// The innermost cause: the outer ones only repeat the URL and which layer passed it on.
pub(crate) fn cause_of(error: &reqwest::Error) -> String {
    causes(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

/// All causes, outermost first. `std::io::Error` hides what it wraps from `source`.
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

fn certificate_problem(problem: &rustls::CertificateError) -> String {
    use rustls::CertificateError as E;
    if let E::Other(other) = problem
        && let Some(issuer) = other.0.downcast_ref::<Issuer>()
    {
        let Issuer { itself, subject } = issuer;
        return if *itself {
            format!(
                "it was issued by itself ({subject}) and is not trusted here; if that is right, \
                 paste it into \"ca_certificate\""
            )
        } else {
            format!(
                "it was issued by an authority that is not trusted here ({subject}); paste that \
                 authority's certificate into \"ca_certificate\""
            )
        };
    }
    match problem {
        E::UnknownIssuer => {
            "it was issued by an authority that is not trusted here; paste that authority's \
             certificate into \"ca_certificate\""
                .to_owned()
        }
        E::NotValidForName => "it is for another host name".to_owned(),
        E::NotValidForNameContext { presented, .. } => {
            let names: Vec<String> = presented.iter().map(|name| in_words(name)).collect();
            format!("it is not for this host name, but for {}", names.join(", "))
        }
        E::Expired => "it has expired".to_owned(),
        E::ExpiredContext { not_after, .. } => format!("it has expired on {}", day(*not_after)),
        E::NotValidYet => "it is not valid yet".to_owned(),
        E::NotValidYetContext { not_before, .. } => {
            format!("it is not valid before {}", day(*not_before))
        }
        E::BadEncoding => "it is damaged".to_owned(),
        other => other.to_string(),
    }
}

/// `DnsName("trino.example.com")`, `IpAddress(10.0.0.1)` → what is inside.
fn in_words(name: &str) -> String {
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
