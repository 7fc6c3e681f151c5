//! Kerberos without a KDC: what the configuration must have, and a machine without the library.
//! `tests/live/test_kerberos.py` is about the rest.

use serde_json::{Value, json};

use crate::connector::{Connector, read, with};
use crate::fake::FakeTrino;

fn kerberos(trino: &FakeTrino, changes: &Value) -> Value {
    let authentication = with(
        json!({"method": "kerberos", "principal": "airbyte@EXAMPLE.COM", "password": "hunter22",
            "service_name": "trino", "kdc": "127.0.0.1:9"}),
        changes,
    );
    with(trino.config(), &json!({"authentication": authentication}))
}

/// A directory in which the loader finds a library of the name that is none.
fn without_library() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("libkrb5.so.3"), "no library").unwrap();
    directory
}

#[test]
fn without_the_library_only_kerberos_is_missing() {
    let (trino, directory) = (FakeTrino::start(), without_library());
    trino.numbers("t", &[&[1]]);
    let path = directory.path().to_str().unwrap();
    let config = kerberos(&trino, &json!({}));
    let outcome = Connector::new("check")
        .config(&config)
        .env("LD_LIBRARY_PATH", path)
        .run();
    let (status, message) = outcome.status();
    assert_eq!(status, "FAILED");
    // A program that is linked statically can load nothing, and says so: installing would not help.
    let help = if cfg!(target_feature = "crt-static") {
        "linked statically"
    } else {
        "libkrb5-3"
    };
    for word in ["libkrb5.so.3", help, "\"authentication\""] {
        assert!(message.contains(word), "{message}");
    }
    assert!(!outcome.stdout.contains("hunter22"), "{}", outcome.stdout);
    assert!(trino.requests().is_empty());
    let other = read(&trino, &["t"]).env("LD_LIBRARY_PATH", path).run();
    other.assert_complete("t", &[1]);
}

#[test]
fn a_ticket_does_not_go_over_plain_http_to_another_machine() {
    let trino = FakeTrino::start();
    let config = with(
        kerberos(&trino, &json!({})),
        &json!({"hostname": "trino.example.com"}),
    );
    let (status, message) = Connector::new("check").config(&config).run().status();
    assert_eq!(status, "FAILED");
    assert!(message.contains("clear text"), "{message}");
}

#[test]
fn what_the_method_needs_is_asked_for_by_field() {
    let trino = FakeTrino::start();
    let cases = [
        (
            json!({"principal": null}),
            "authentication.principal: is missing",
        ),
        (
            json!({"service_name": ""}),
            "authentication.service_name: is empty",
        ),
        (
            json!({"password": null}),
            "authentication.keytab: is missing",
        ),
        (
            json!({"keytab": "bm8="}),
            "authentication.keytab: cannot be used together",
        ),
        (
            json!({"password": null, "keytab": "bm8="}),
            "authentication.keytab: is not a keytab",
        ),
        (
            json!({"krb5_conf": "[realms]"}),
            "authentication.kdc: cannot be used together",
        ),
        (json!({"token": "t"}), ""),
    ];
    for (changes, expected) in cases {
        let outcome = Connector::new("check")
            .config(&kerberos(&trino, &changes))
            .run();
        assert_eq!(outcome.status().0, "FAILED", "{changes}");
        if expected.is_empty() {
            // A field of another method is named, and does not count.
            assert!(
                outcome.stdout.contains("authentication.token"),
                "{}",
                outcome.stdout
            );
        } else {
            let message = outcome.status().1;
            assert!(message.contains(expected), "{changes}: {message}");
        }
    }
    assert!(trino.requests().is_empty());
}
