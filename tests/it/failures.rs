//! What is told of streams that fail: which kind, in which order, how often, and in which words.

use std::time::Duration;

use serde_json::Value;

use crate::connector::{Connector, each, read};
use crate::fake::{Answer, FakeTrino, Fault, Place, end, failed, from, nothing, rows};

const N: &[(&str, &str)] = &[("n", "bigint")];

fn external(name: &str, message: &str) -> Answer {
    Answer::new(N, [nothing(), failed(name, "EXTERNAL", message)])
}

#[test]
fn an_error_that_passes_is_told_before_those_that_somebody_must_mend() {
    let orders = [
        ["missing", "passing", "denied"],
        ["passing", "denied", "missing"],
        ["denied", "missing", "passing"],
    ];
    each(&orders, |order| {
        let trino = FakeTrino::start();
        trino.add_table("passing", external("JDBC_ERROR", "Connection refused"));
        let denied = external("JDBC_ERROR", "ERROR: permission denied for table denied");
        trino.add_table("denied", denied);
        let outcome = read(&trino, order).run();
        assert_eq!(outcome.code, Some(1));
        let kinds: Vec<Value> = outcome
            .errors()
            .iter()
            .map(|error| error["failure_type"].clone())
            .collect();
        assert_eq!(kinds, ["transient_error", "config_error", "config_error"]);
        for stream in order {
            assert_eq!(outcome.statuses(stream).last().unwrap(), "INCOMPLETE");
        }
    });
}

#[test]
fn nothing_of_a_stream_follows_its_last_status() {
    let trino = FakeTrino::start();
    trino.add_table("passing", external("JDBC_ERROR", "Connection refused"));
    trino.numbers("good", &[&[1]]);
    let outcome = read(&trino, &["missing", "passing", "good"]).run();
    for stream in ["missing", "passing", "good"] {
        let of_stream = |m: &&Value| m.to_string().contains(&format!("\"name\":\"{stream}\""));
        let messages = outcome.messages();
        let last = messages.iter().rfind(of_stream).unwrap();
        assert_eq!(last["trace"]["type"], "STREAM_STATUS", "{last}");
    }
}

#[test]
fn thousands_of_streams_that_fail_make_a_summary() {
    let trino = FakeTrino::start();
    let names: Vec<String> = (0..3000)
        .map(|number| format!("missing_{number}"))
        .collect();
    let mut wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    trino.add_table("passing", external("JDBC_ERROR", "Connection refused"));
    wanted.push("passing");
    let run = read(&trino, &wanted);
    let outcome = run.within(Duration::from_mins(1)).run();
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stdout.len() < 1_000_000, "{}", outcome.stdout.len());
    let errors = outcome.errors();
    assert!(errors.len() < 50, "{}", errors.len());
    assert_eq!(errors[0]["failure_type"], "transient_error");
    let sum = errors.last().unwrap()["message"].as_str().unwrap();
    assert!(sum.contains("2980 more streams failed"), "{sum}");
    let incomplete = outcome.stdout.matches("\"INCOMPLETE\"").count();
    assert_eq!(incomplete, 3001);
}

#[test]
fn what_fails_every_time_is_run_once_and_told_with_what_helps() {
    let cases = [
        ("JDBC_ERROR", "ERROR: permission denied for table closed"),
        ("JDBC_ERROR", "Bad value for type BigDecimal : NaN"),
        (
            "JDBC_ERROR",
            "Value 365241780471 exceeds MAX_INT for type date",
        ),
        (
            "ICEBERG_BAD_DATA",
            "Error reading tail of s3://lake/f.parquet",
        ),
        (
            "HIVE_PARTITION_SCHEMA_MISMATCH",
            "There is a mismatch between the types",
        ),
        (
            "DELTA_LAKE_INVALID_SCHEMA",
            "Metadata not found in transaction log",
        ),
    ];
    each(&cases, |(name, message)| {
        let trino = FakeTrino::start();
        trino.add_table("t", external(name, message));
        trino.numbers("good", &[&[1]]);
        let outcome = read(&trino, &["t", "good"]).run();
        assert_eq!(outcome.statuses("good").last().unwrap(), "COMPLETE");
        assert_eq!(trino.asked(&from("t"), Place::Post).len(), 1, "{name}");
        let errors = outcome.errors();
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0]["failure_type"], "config_error", "{message}");
        let said = errors[0]["message"].as_str().unwrap();
        for part in ["s.t", message, name, "\"queries\""] {
            assert!(said.contains(part), "{said}");
        }
    });
}

#[test]
fn a_missing_file_is_tried_again() {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    let gone = external("HIVE_FILE_NOT_FOUND", "Partition location does not exist");
    trino.answer(
        &from("t"),
        [
            gone,
            Answer::new(N, [rows(serde_json::json!([[1]])), end()]),
        ],
    );
    read(&trino, &["t"]).run().assert_complete("t", &[1]);
}

#[test]
fn the_servers_text_is_shown_without_control_characters() {
    let texts = [
        "a\0b",
        "\u{1b}[31mred\u{1b}[0m",
        "one\r\ntwo\u{7}",
        "\u{9b}2J",
    ];
    each(&texts, |text| {
        let trino = FakeTrino::start();
        trino.add_table("t", external("JDBC_ERROR", text));
        let outcome = read(&trino, &["t"]).env("LOG_LEVEL", "trace").run();
        outcome.assert_failed("t");
        let discover = {
            let trino = FakeTrino::start();
            trino.numbers("t", &[&[1]]);
            trino.answer("information_schema.columns", [external("JDBC_ERROR", text)]);
            Connector::new("discover").config(&trino.config()).run()
        };
        for message in outcome.messages().iter().chain(&discover.messages()) {
            let texts = [
                &message["log"]["message"],
                &message["trace"]["error"]["message"],
                &message["trace"]["error"]["internal_message"],
            ];
            for text in texts.iter().filter_map(|text| text.as_str()) {
                let unfit = |c: char| c.is_control() && c != '\n' && c != '\t';
                assert!(!text.contains(unfit), "{text:?}");
            }
        }
    });
}

#[test]
fn a_fork_with_a_version_of_its_own_is_no_old_trino() {
    let trino = FakeTrino::version("1.10.0");
    trino.numbers("t", &[&[1, 2], &[3]]);
    let fault = Fault::Cut;
    trino.fault(&from("t"), Place::Page(1), fault, 1);
    let outcome = read(&trino, &["t"]).run();
    outcome.assert_complete("t", &[1, 2, 3]);
    let post = &trino.asked(&from("t"), Place::Post)[0];
    assert_eq!(post.header("x-trino-user"), Some("test"));
    assert_eq!(
        trino
            .requests()
            .iter()
            .filter(|r| r.place == Some(Place::Probe))
            .count(),
        1
    );
}

#[test]
fn a_table_function_that_is_denied_is_told_with_its_own_right() {
    let trino = FakeTrino::start();
    let text = "Access Denied: Cannot execute function lake.system.table_changes";
    let denied = failed("PERMISSION_DENIED", "USER_ERROR", text);
    trino.add_table("t", Answer::new(N, [denied]));
    let error = read(&trino, &["t"]).run().assert_failed("t");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("EXECUTE on the function lake.system.table_changes"),
        "{message}"
    );
}
