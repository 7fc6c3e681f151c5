//! Certificates: which are accepted, and what a person is told of those that are not.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

use crate::connector::{Connector, each, read, with};
use crate::fake::{FakeTrino, end, rows};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// What a server's certificate is like.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Good,
    Expired,
    NotYet,
    OtherHost,
    SelfSigned,
}

fn server(kind: Kind, authority: &Authority) -> FakeTrino {
    let names = match kind {
        Kind::OtherHost => vec!["other.example.com".to_owned()],
        _ => vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
    };
    let mut params = CertificateParams::new(names).unwrap();
    if kind == Kind::Expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    }
    if kind == Kind::NotYet {
        params.not_before = date_time_ymd(2090, 1, 1);
        params.not_after = date_time_ymd(2091, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = if kind == Kind::SelfSigned {
        params.self_signed(&key).unwrap()
    } else {
        params.signed_by(&key, authority).unwrap()
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let trino = FakeTrino::with_tls(config);
    trino.numbers("t", &[&[1]]);
    trino
}

/// A server with a good certificate, for tests of something else.
pub(crate) fn any_server() -> FakeTrino {
    server(Kind::Good, &authority("any"))
}

fn mode(mode: &str, authority: Option<&Authority>) -> Value {
    match authority {
        None => json!({"mode": mode}),
        Some(authority) => json!({"mode": mode, "ca_certificate": authority.pem()}),
    }
}

#[test]
fn certificates_that_fit_the_mode_are_accepted() {
    let ours = authority("ours");
    let cases = [
        (Kind::Good, mode("verify-full", Some(&ours))),
        (Kind::Good, mode("verify-ca", Some(&ours))),
        (Kind::OtherHost, mode("verify-ca", Some(&ours))),
        (Kind::Good, mode("require", None)),
        (Kind::OtherHost, mode("require", None)),
        (Kind::Expired, mode("require", None)),
        (Kind::SelfSigned, mode("require", None)),
    ];
    each(&cases, |(kind, mode)| {
        let trino = server(*kind, &ours);
        for host in ["localhost", "127.0.0.1"] {
            let config = with(trino.config(), &json!({"hostname": host, "ssl_mode": mode}));
            let outcome = Connector::new("check").config(&config).run();
            assert_eq!(outcome.status(), ("SUCCEEDED".into(), String::new()));
        }
    });
}

#[test]
fn certificates_that_do_not_fit_are_refused_with_the_reason() {
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let cases = [
        ("expired", Kind::Expired, mode("verify-full", Some(&ours))),
        (
            "expired, any host",
            Kind::Expired,
            mode("verify-ca", Some(&ours)),
        ),
        (
            "not valid yet",
            Kind::NotYet,
            mode("verify-full", Some(&ours)),
        ),
        (
            "for another host",
            Kind::OtherHost,
            mode("verify-full", Some(&ours)),
        ),
        (
            "of another authority",
            Kind::Good,
            mode("verify-full", Some(&theirs)),
        ),
        (
            "of another authority, any host",
            Kind::OtherHost,
            mode("verify-ca", Some(&theirs)),
        ),
        (
            "of an authority the system does not know",
            Kind::Good,
            mode("verify-full", None),
        ),
        ("self-signed", Kind::SelfSigned, mode("verify-full", None)),
        (
            "plain http to the https port",
            Kind::Good,
            mode("disable", None),
        ),
    ];
    let said = std::sync::Mutex::new(vec![String::new(); cases.len()]);
    let numbered: Vec<_> = cases.iter().enumerate().collect();
    each(&numbered, |(at, (name, kind, mode))| {
        let trino = server(*kind, &ours);
        let config = with(
            trino.config(),
            &json!({"hostname": "localhost", "ssl_mode": mode}),
        );
        let started = std::time::Instant::now();
        let outcome = Connector::new("check").config(&config).run();
        assert!(
            started.elapsed().as_secs() < 4,
            "{name}: this does not pass by itself"
        );
        assert_eq!(outcome.code, Some(0), "{name}");
        let (status, message) = outcome.status();
        assert_eq!(status, "FAILED", "{name}");
        assert!(trino.requests().is_empty(), "{name}: a request was sent");
        let message = message.replace(&format!("localhost:{}", trino.port()), "trino");
        said.lock().unwrap()[*at] = format!("## {name}\n{message}\n");
    });
    let said = said.into_inner().unwrap().join("\n");
    insta::assert_snapshot!(said);
}

#[test]
fn a_ca_certificate_that_cannot_be_used_is_told_in_words() {
    let cases = [
        "secret",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
    ];
    let trino = server(Kind::Good, &authority("ours"));
    for pem in cases {
        let mode = json!({"mode": "verify-full", "ca_certificate": pem});
        let config = with(trino.config(), &json!({"ssl_mode": mode}));
        let outcome = Connector::new("check").config(&config).run();
        let (status, message) = outcome.status();
        assert_eq!(status, "FAILED");
        assert!(message.contains("ca_certificate"), "{message}");
        // Bytes as numbers, and whose certificate it is not.
        for part in ["[67", "peer"] {
            assert!(!message.contains(part), "{message}");
        }
    }
}

#[test]
fn a_read_over_https_sends_the_password_and_gets_its_rows() {
    let ours = authority("ours");
    let trino = server(Kind::Good, &ours);
    let changes = json!({"hostname": "localhost", "ssl_mode": mode("verify-full", Some(&ours)),
        "authentication": {"method": "password", "password": "hunter22"}});
    let outcome = Connector::new("read")
        .config(&with(trino.config(), &changes))
        .catalog(&crate::connector::catalog(&["t"]))
        .run();
    outcome.assert_complete("t", &[1]);
}

#[test]
fn a_next_uri_with_the_wrong_scheme_is_told_soon() {
    // What Trino behind a proxy writes unless it processes the forwarded headers.
    let trino = server(Kind::Good, &authority("ours"));
    let away = trino.base().replace("https:", "http:") + "/v1/statement/executing/1";
    trino.table(
        "u",
        &[("n", "bigint")],
        [rows(json!([[1]])).next(away), end()],
    );
    let outcome = read(&trino, &["u"]).within(Duration::from_secs(8)).run();
    let error = outcome.assert_failed("u");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("http://"), "{message}");
}
