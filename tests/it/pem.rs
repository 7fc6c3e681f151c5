//! Keys and certificates in the forms in which they arrive, over real TLS.

use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use serde_json::{Value, json};

use crate::connector::{Connector, each, with};
use crate::fake::{FakeTrino, Object};

type Authority = CertifiedIssuer<'static, KeyPair>;

/// A server certificate's authority, the server, and the certificates that clients have shown it.
struct Secured {
    trino: FakeTrino,
    authority: String,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server that wants some client certificate, and takes any.
fn secured() -> Secured {
    let authority = authority("ours");
    let names = vec!["127.0.0.1".to_owned()];
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let seen = Arc::default();
    let verifier = AnyClient {
        seen: Arc::clone(&seen),
        provider: provider(),
    };
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let trino = FakeTrino::with_tls(config);
    trino.numbers("t", &[&[1]]);
    Secured {
        trino,
        authority: authority.pem(),
        seen,
    }
}

/// Takes every certificate as Trino's TLS does, which leaves the rest to its own trust.
#[derive(Debug)]
struct AnyClient {
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.seen.lock().unwrap().push(end_entity.to_vec());
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// A client's certificate and its key.
fn client() -> (String, String, Vec<u8>) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["alice".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (
        certificate.pem(),
        key.serialize_pem(),
        certificate.der().to_vec(),
    )
}

fn check(secured: &Secured, ssl_mode: &Value) -> (String, String) {
    let config = with(secured.trino.config(), &json!({"ssl_mode": ssl_mode}));
    Connector::new("check").config(&config).run().status()
}

#[test]
fn line_ends_do_not_matter_in_any_field() {
    let secured = secured();
    let (certificate, key, der) = client();
    let forms: &[fn(&str) -> String] = &[
        |pem| pem.replace('\n', "\r\n"),
        |pem| pem.replace('\n', "\r"),
        |pem| pem.replace('\n', "\\n"),
        |pem| pem.replace('\n', "\\r\\n"),
        |pem| pem.replace('\n', "\\\\n"),
        |pem| pem.replace('\n', " "),
        |pem| pem.replace('\n', "\t"),
        |pem| pem.replace('\n', "\\t"),
        |pem| pem.replace('\n', ""),
        |pem| pem.split_whitespace().collect(),
        |pem| format!("\"{}\"", pem.replace('\n', "\\n")),
        |pem| format!("'{pem}'"),
        |pem| pem.replace('\n', "\n    "),
        |pem| pem.replace('\n', "  \r\n\r\n"),
        |pem| pem.trim_end().to_owned(),
        |pem| format!("\u{feff}{pem}"),
    ];
    each(forms, |form| {
        let ssl_mode = json!({"mode": "verify-full", "ca_certificate": form(&secured.authority),
            "client_certificate": form(&certificate), "client_key": form(&key)});
        let succeeded = ("SUCCEEDED".to_owned(), String::new());
        assert_eq!(check(&secured, &ssl_mode), succeeded, "{ssl_mode}");
    });
    let seen = secured.seen.lock().unwrap();
    assert!(seen.len() >= forms.len());
    assert!(seen.iter().all(|certificate| *certificate == der));
}

#[test]
fn a_damaged_certificate_of_a_chain_is_said_and_not_passed_over() {
    let secured = secured();
    let (certificate, key, _) = client();
    let cases = [
        (
            certificate.replace("-----END CERTIFICATE-----\n", ""),
            "certificate 1 of 2 is cut off",
        ),
        (
            certificate.replace("-----BEGIN CERTIFICATE-----\n", ""),
            "certificate 1 of 2 is cut off",
        ),
        (
            certificate.replacen("MII", "M", 1),
            "certificate 1 of 2 is damaged",
        ),
        (
            certificate.replacen("MII", "AAA", 1),
            "certificate 1 of 2 is damaged",
        ),
    ];
    for (first, said) in cases {
        let chain = format!("{first}{}", secured.authority);
        let ssl_mode = json!({"mode": "require", "client_certificate": chain, "client_key": key});
        let (status, message) = check(&secured, &ssl_mode);
        assert_eq!(status, "FAILED");
        assert!(message.contains("\"client_certificate\""), "{message}");
        assert!(message.contains(said), "{message}");
        let ssl_mode = json!({"mode": "verify-full", "ca_certificate": chain});
        let (status, message) = check(&secured, &ssl_mode);
        assert_eq!(status, "FAILED");
        assert!(message.contains("\"ca_certificate\""), "{message}");
        assert!(message.contains(said), "{message}");
    }
    assert!(secured.trino.requests().is_empty());
}

#[test]
fn a_damaged_key_is_said_without_its_text() {
    let secured = secured();
    let (certificate, key, _) = client();
    let body: Vec<&str> = key.lines().collect();
    let cases = [
        (key.replace("-----END PRIVATE KEY-----", ""), "cut off"),
        (key.replacen(body[1], &body[1][1..], 1), "damaged"),
        (key.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY"), "PKCS#8"),
    ];
    for (damaged, said) in cases {
        let ssl_mode =
            json!({"mode": "require", "client_certificate": certificate, "client_key": damaged});
        let (status, message) = check(&secured, &ssl_mode);
        assert_eq!(status, "FAILED");
        assert!(message.contains("\"client_key\""), "{message}");
        assert!(message.contains(said), "{message}");
        assert!(!message.contains(&body[1][10..30]), "{message}");
    }
}

#[test]
fn a_certificate_of_x509_version_1_proves_the_user() {
    // As "openssl x509 -req" makes them without an extension file.
    let certificate = include_str!("../fixtures/pem/version-1.pem");
    let key = include_str!("../fixtures/pem/version-1.key");
    let secured = secured();
    let ssl_mode = |key: &str| {
        json!({"mode": "verify-full", "ca_certificate": secured.authority,
            "client_certificate": certificate, "client_key": key})
    };
    let succeeded = ("SUCCEEDED".to_owned(), String::new());
    assert_eq!(check(&secured, &ssl_mode(key)), succeeded);
    assert!(!secured.seen.lock().unwrap().is_empty());
    // The pair is compared for it, too.
    let (_, other, _) = client();
    let (status, message) = check(&secured, &ssl_mode(&other));
    assert_eq!(status, "FAILED");
    let said = "it is not the key of \"client_certificate\"";
    assert!(message.contains(said), "{message}");
}

#[test]
fn the_token_endpoint_is_checked_whatever_the_mode_is() {
    let tokens = secured_endpoint();
    let answer = r#"{"access_token":"token-1","expires_in":"3600"}"#;
    let endpoint = tokens.trino.put("/token", [Object::new(answer)]);
    let trino = crate::tls::any_server();
    let authentication = json!({"method": "oauth2_client_credentials", "token_endpoint": endpoint,
        "client_id": "airbyte", "client_secret": "hunter22"});
    let config = |ssl_mode: Value| {
        let changes = json!({"authentication": authentication, "ssl_mode": ssl_mode});
        with(trino.config(), &changes)
    };
    let check = |ssl_mode| {
        let outcome = Connector::new("check").config(&config(ssl_mode)).run();
        outcome.status()
    };
    let (status, message) = check(json!({"mode": "require"}));
    assert_eq!(status, "FAILED");
    assert!(message.contains("not trusted here"), "{message}");
    assert!(tokens.trino.requests().is_empty(), "no secret was sent");
    let trusted = json!({"mode": "require", "ca_certificate": tokens.authority});
    assert_eq!(check(trusted), ("SUCCEEDED".to_owned(), String::new()));
    assert!(!tokens.trino.requests().is_empty());
}

/// As [`secured`], for clients without a certificate.
fn secured_endpoint() -> Secured {
    let authority = authority("of tokens");
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    Secured {
        trino: FakeTrino::with_tls(config),
        authority: authority.pem(),
        seen: Arc::default(),
    }
}
