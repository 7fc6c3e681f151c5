//! A request without an answer: which step failed, and what to check.

use super::tunnel;
use crate::trino::error::{CertificateProblem, FailedStep, TransportProblem};

/// What failed, and what to check.
pub(super) fn message(problem: &TransportProblem) -> String {
    format!("{}. {}.", happened(problem), advice(problem))
}

/// What failed, without the settings to check.
pub(super) fn happened(problem: &TransportProblem) -> String {
    let TransportProblem {
        server,
        step,
        cause,
    } = problem;
    match step {
        FailedStep::Resolve | FailedStep::ResolveLater => {
            format!("The host name of {server} cannot be resolved: {cause}")
        }
        FailedStep::Refused => format!("Nothing accepts connections at {server}"),
        FailedStep::Connect => format!("{server} cannot be reached: {cause}"),
        FailedStep::TlsToPlainPort => format!("{server} does not speak https on this port"),
        FailedStep::PlainToTlsPort => format!("{server} does not speak plain http on this port"),
        FailedStep::Certificate(why) => format!(
            "The certificate of {server} was not accepted: {}",
            certificate(why)
        ),
        FailedStep::ClientCertificate => {
            format!("{server} did not accept the client certificate ({cause})")
        }
        FailedStep::Proxy { address, .. } => {
            format!("{server} cannot be reached through the proxy {address}: {cause}")
        }
        FailedStep::ProxyRefusal { address, .. } => format!(
            "{server} cannot be reached through the proxy {address}: it refuses to, because of the \
             login or because it does not allow it"
        ),
        FailedStep::ProxyLogin { address, .. } => {
            format!("The proxy {address} did not accept the login, or wants one")
        }
        FailedStep::Forward { address, problem } => format!(
            "The SSH server {address} cannot connect to {server}: {}",
            tunnel::forward(problem)
        ),
        FailedStep::Tls => format!("TLS with {server} failed: {cause}"),
        FailedStep::Answer => format!("The connection to {server} broke: {cause}"),
        FailedStep::Timeout => format!("{server} did not answer in time: {cause}"),
    }
}

/// What to check.
fn advice(problem: &TransportProblem) -> String {
    let text = match &problem.step {
        FailedStep::Resolve => "Check ‹hostname›",
        FailedStep::ResolveLater => {
            "The name server does not answer for the moment; if that lasts, check ‹hostname›"
        }
        FailedStep::Refused => "Check ‹hostname› and ‹port›, and that Trino is running",
        FailedStep::Connect => "Check ‹hostname› and ‹port›, and that no firewall is in the way",
        FailedStep::TlsToPlainPort => {
            "Set ‹ssl_mode› to \"disable\", or ‹port› to Trino's https port"
        }
        FailedStep::PlainToTlsPort => {
            "If it is Trino's https port, set ‹ssl_mode› to \"verify-full\"; otherwise check \
             ‹port›"
        }
        FailedStep::Certificate(CertificateProblem::FirstVersion) => {
            "Have it issued again as version 3, or set ‹ssl_mode› to \"require\""
        }
        FailedStep::Certificate(CertificateProblem::NoNames) => {
            "Have it issued again with one, or set ‹ssl_mode› to \"verify-ca\""
        }
        FailedStep::Certificate(CertificateProblem::AddressAsName(_)) => {
            "Have it issued again with the address as IP, or set ‹ssl_mode› to \"verify-ca\""
        }
        FailedStep::Certificate(_) => "Check ‹ssl_mode› and its ‹ca_certificate›",
        FailedStep::ClientCertificate => {
            "Check ‹client_certificate› of ‹ssl_mode›: it must be valid and issued by an \
             authority that Trino trusts"
        }
        FailedStep::Proxy { setting, .. } | FailedStep::ProxyRefusal { setting, .. } => {
            return format!("Check {setting}");
        }
        FailedStep::ProxyLogin { setting, .. } => {
            return format!("Check {setting}, its user and password");
        }
        FailedStep::Forward { .. } => "Check ‹hostname› and ‹port›, as they are from ‹tunnel_host›",
        FailedStep::Tls => "Check ‹ssl_mode›",
        FailedStep::Answer => "If that happens at once, check ‹port› and ‹ssl_mode›",
        FailedStep::Timeout => "Check that Trino is not overloaded, and ‹hostname› and ‹port›",
    };
    text.to_owned()
}

/// Why a certificate was not accepted.
fn certificate(problem: &CertificateProblem) -> String {
    match problem {
        CertificateProblem::SelfIssued(subject) => format!(
            "it was issued by itself ({subject}) and is not trusted here; if that is right, paste \
             it into ‹ca_certificate›"
        ),
        CertificateProblem::UnknownIssuer(Some(issuer)) => format!(
            "it was issued by an authority that is not trusted here ({issuer}); paste that \
             authority's certificate into ‹ca_certificate›"
        ),
        CertificateProblem::UnknownIssuer(None) => {
            "it was issued by an authority that is not trusted here; paste that authority's \
             certificate into ‹ca_certificate›"
                .to_owned()
        }
        CertificateProblem::OtherNames(names) if names.is_empty() => {
            "it is for another host name".to_owned()
        }
        CertificateProblem::OtherNames(names) => {
            format!("it is not for this host name, but for {}", names.join(", "))
        }
        CertificateProblem::NoNames => {
            "it has no subject alternative name, and a common name does not count".to_owned()
        }
        CertificateProblem::AddressAsName(address) => {
            format!("it has {address} as the name of a host (DNS) only, and not as an address (IP)")
        }
        CertificateProblem::Expired(None) => "it has expired".to_owned(),
        CertificateProblem::Expired(Some(day)) => format!("it has expired on {day}"),
        CertificateProblem::NotYetValid(None) => "it is not valid yet".to_owned(),
        CertificateProblem::NotYetValid(Some(day)) => format!("it is not valid before {day}"),
        CertificateProblem::FirstVersion => {
            "it is X.509 version 1, which cannot be checked".to_owned()
        }
        CertificateProblem::Damaged => "it is damaged".to_owned(),
        CertificateProblem::Other(problem) => problem.clone(),
    }
}
