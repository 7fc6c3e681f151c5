//! No secret leaves, in no message, at no log level.

use serde_json::{Value, json};

use crate::connector::{Connector, catalog, each, with};
use crate::fake::{Answer, FakeTrino, Fault, Place, failed};

const PASSWORD: &str = "hunter\"22 ü\\";

/// `test:` and the password as HTTP's Basic sends it.
const ENCODED: &str = "dGVzdDpodW50ZXIiMjIgw7xc";

fn assert_silent(name: &str, text: &str) {
    for secret in [PASSWORD, "hunter", ENCODED] {
        let at = text.find(secret);
        let near = at.map(|at| &text[at.saturating_sub(80)..(at + 40).min(text.len())]);
        assert_eq!(near, None, "{name}");
    }
}

fn with_password(trino: &FakeTrino) -> Value {
    let authentication = json!({"method": "password", "password": PASSWORD});
    with(trino.config(), &json!({"authentication": authentication}))
}

#[test]
fn a_password_shows_in_no_message_at_any_log_level() {
    let echo = format!("password {PASSWORD} of Basic {ENCODED} is wrong");
    let cases: &[(&str, &str, &str)] = &[
        ("check", "trace", ""),
        ("discover", "trace", ""),
        ("read", "trace", ""),
        ("read", "debug", ""),
        // Everything that the dependencies log, too.
        ("read", "", "trace"),
        ("check", "", "trace"),
    ];
    each(cases, |(command, level, filter)| {
        for wrong in [false, true] {
            let trino = FakeTrino::start();
            trino.numbers("t", &[&[1]]);
            if wrong {
                let error = failed("PERMISSION_DENIED", "USER_ERROR", &echo);
                trino.answer("", [Answer::new(&[], [error])]);
                trino.fault("", Place::Post, Fault::Status(503), 1);
            }
            let mut run = Connector::new(command).config(&with_password(&trino));
            if *command == "read" {
                run = run.catalog(&catalog(&["t"]));
            }
            if !level.is_empty() {
                run = run.env("LOG_LEVEL", level);
            }
            if !filter.is_empty() {
                run = run.env("RUST_LOG", filter);
            }
            let outcome = run.run();
            assert!(
                trino.requests()[0]
                    .header("authorization")
                    .unwrap()
                    .ends_with(ENCODED)
            );
            let name = format!("{command} {level}{filter} {wrong}");
            assert_silent(&name, &outcome.stdout);
            assert_silent(&name, &outcome.stderr);
            if *command != "check" {
                assert_eq!(outcome.code, Some(i32::from(wrong)), "{name}");
            }
        }
    });
}

#[test]
fn a_wrong_configuration_does_not_show_its_secrets() {
    let cases = [
        json!({"hostname": "h", "username": 5, "catalog": "c", "schema": "s",
            "authentication": {"method": "password", "password": PASSWORD}}),
        json!({"hostname": "two words", "username": "u", "catalog": "c", "schema": "s",
            "authentication": {"method": "magic", "password": PASSWORD}}),
        json!({"hostname": "h", "username": "u", "catalog": "c", "schema": "s",
            "authentication": {"method": "password", "password": ["hunter", PASSWORD]}}),
        json!({"hostname": "h", "username": "u", "catalog": "c", "schema": "s", "port": 0, "password": PASSWORD}),
        json!({"hostname": "h", "username": "u", "catalog": "c", "schema": "s", "authentication": PASSWORD}),
    ];
    each(&cases, |config| {
        for command in ["check", "discover"] {
            let outcome = Connector::new(command)
                .config(config)
                .env("LOG_LEVEL", "trace")
                .run();
            assert_silent(command, &outcome.stdout);
            assert_silent(command, &outcome.stderr);
        }
    });
}

#[test]
fn credentials_in_a_pasted_url_are_not_shown() {
    let cases = [
        "https://test:hunter22@trino.example.com",
        "jdbc:trino://h:80/c?user=u&password=hunter22",
    ];
    each(&cases, |hostname| {
        // The port contradicts the URL, so that nothing is connected to.
        let config = json!({"hostname": hostname, "port": 81, "username": "u", "catalog": "c", "schema": "s"});
        let outcome = Connector::new("check")
            .config(&config)
            .env("LOG_LEVEL", "trace")
            .run();
        assert_eq!(outcome.status().0, "FAILED");
        assert_silent(hostname, &outcome.stdout);
    });
}

#[test]
fn a_broken_configuration_file_does_not_show_its_text() {
    let text = format!("{{\"authentication\": {{\"password\": \"hunter22\" {PASSWORD}");
    for command in ["check", "discover"] {
        let outcome = Connector::new(command).file("config", &text).run();
        assert_silent(command, &outcome.stdout);
    }
}
