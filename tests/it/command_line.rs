//! Slips on the command line, and what a newer platform may pass.

use serde_json::json;

use crate::connector::{Connector, each, read};
use crate::fake::FakeTrino;

fn server() -> FakeTrino {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    trino
}

fn with(mut run: Connector, args: &[&str]) -> Connector {
    for arg in args {
        run = run.arg(arg);
    }
    run
}

#[test]
fn the_value_of_an_unknown_flag_is_not_looked_for_elsewhere() {
    let trino = server();
    let run = read(&trino, &["t"]);
    let config = run.path("config");
    let outcome = run.arg("--other").arg(config.to_str().unwrap()).run();
    outcome.assert_complete("t", &[1]);
    assert_eq!(outcome.warnings().len(), 1, "{}", outcome.stdout);
    for args in [&["--mode", "read"][..], &["--other", "--config"]] {
        let outcome = with(read(&trino, &["t"]), args).run();
        if args[1] == "read" {
            outcome.assert_complete("t", &[1]);
        } else {
            // Here "--config" is a flag, and written twice.
            assert_eq!(outcome.code, Some(2));
        }
    }
}

#[test]
fn a_slip_is_an_error_for_people_and_a_warning_below_the_platform() {
    let cases: &[(&[&str], &str)] = &[
        (&["--sate", "s.json"], "--state"),
        (&["--State=s.json"], "--state"),
        (&["--state_fil", "s.json"], "--state-file"),
        (&["nation"], "nation"),
    ];
    each(cases, |(args, said)| {
        let trino = server();
        let person = with(read(&trino, &["t"]), args).run();
        assert_eq!(
            (person.code, person.stdout.as_str()),
            (Some(2), ""),
            "{args:?}"
        );
        assert!(person.stderr.contains(said), "{}", person.stderr);
        assert!(
            person.stderr.contains("Usage: source-trino read"),
            "{}",
            person.stderr
        );
        let platform = with(read(&trino, &["t"]), args).below_platform().run();
        platform.assert_complete("t", &[1]);
        let warnings = platform.warnings();
        assert!(
            warnings.len() == 1 && warnings[0].contains(said),
            "{warnings:?}"
        );
    });
}

#[test]
fn each_variable_of_the_platform_tells_of_it() {
    for (name, value, code) in [
        ("WORKER_JOB_ID", "7", 0),
        ("WORKER_ENVIRONMENT", "kubernetes", 0),
        ("WORKLOAD_ID", "w", 0),
        ("AIRBYTE_ENTRYPOINT", "/airbyte/source-trino", 0),
        ("WORKER_JOB_ID", "", 2),
        ("JAVA_OPTS", "x", 2),
    ] {
        let trino = server();
        let run = read(&trino, &["t"]).arg("nation").env(name, value);
        assert_eq!(run.run().code, Some(code), "{name}={value}");
    }
}

#[test]
fn fields_have_their_titles_on_the_platform_and_their_names_in_a_shell() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let authority = json!({"mode": "verify-ca", "ca_certificate": "-----BEGIN"});
    for (ssl_mode, in_shell, on_platform) in [
        (
            json!({"mode": "disable"}),
            "Check \"hostname\" and \"port\"",
            "Check \"Host\" and \"Port\"",
        ),
        (
            authority,
            "ssl_mode.ca_certificate: ",
            "SSL Mode > CA Certificate: ",
        ),
    ] {
        let config = json!({"hostname": "127.0.0.1", "port": port, "username": "u", "catalog": "c",
            "schema": "s", "ssl_mode": ssl_mode});
        let check = || Connector::new("check").config(&config);
        let (_, message) = check().run().status();
        assert!(message.contains(in_shell), "{message}");
        let (_, message) = check().below_platform().run().status();
        assert!(message.contains(on_platform), "{message}");
    }
}

#[test]
fn two_files_from_standard_input_are_refused() {
    let cases: &[&[&str]] = &[
        &["--config", "-", "--catalog", "-"],
        &["--config", "-", "--catalog", "k.json", "--state", "-"],
        &[
            "--config",
            "c.json",
            "--catalog",
            "/dev/stdin",
            "--state",
            "-",
        ],
    ];
    for args in cases {
        for platform in [false, true] {
            let run = with(Connector::new("read"), args).input("{}");
            let run = if platform { run.below_platform() } else { run };
            let outcome = run.run();
            assert_eq!(
                (outcome.code, outcome.stdout.as_str()),
                (Some(2), ""),
                "{args:?}"
            );
            assert!(
                outcome.stderr.contains("standard input"),
                "{}",
                outcome.stderr
            );
        }
    }
}

#[test]
fn a_state_and_a_state_file_are_refused() {
    let trino = server();
    let run = read(&trino, &["t"]).file("state", "[]");
    let outcome = with(run, &["--state-file", "f.json"]).run();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""));
    assert!(
        outcome.stderr.contains("--state-file"),
        "{}",
        outcome.stderr
    );
}
