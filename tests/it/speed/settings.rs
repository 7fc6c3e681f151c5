//! The variables that switch the speed mode on, and what they are worth to each command.

use std::time::Duration;

use serde_json::json;

use super::{only_error, table, typed, typed_read};
use crate::connector::{Connector, read, with};
use crate::destination::{Destination, messages};
use crate::fake::{FakeTrino, end, rows};

#[test]
fn what_is_wrong_with_the_sockets_is_said_before_any_query() {
    let trino = FakeTrino::start();
    table(&trino, "t", 0..10);
    let long = format!("/tmp/{}/a.sock", "x".repeat(120));
    let cases = [
        (vec![("DATA_CHANNEL_MEDIUM", "SOCKET")], "names no socket"),
        (vec![("DATA_CHANNEL_MEDIUM", "PIGEON")], "\"PIGEON\""),
        (
            vec![("DATA_CHANNEL_FORMAT", "FLATBUFFERS")],
            "\"FLATBUFFERS\"",
        ),
        (
            vec![
                ("DATA_CHANNEL_MEDIUM", "SOCKET"),
                ("DATA_CHANNEL_SOCKET_PATHS", "/nowhere/a.sock"),
            ],
            "/nowhere/a.sock",
        ),
        // Where nobody may make a file, not even root.
        (
            vec![
                ("DATA_CHANNEL_MEDIUM", "SOCKET"),
                ("DATA_CHANNEL_SOCKET_PATHS", "/proc/a.sock"),
            ],
            "must be able to write there",
        ),
        (
            vec![
                ("DATA_CHANNEL_MEDIUM", "SOCKET"),
                ("DATA_CHANNEL_SOCKET_PATHS", &long),
            ],
            "at most 107",
        ),
    ];
    for (variables, part) in cases {
        let run = variables
            .iter()
            .fold(typed_read(&trino, &["t"]), |run, (name, value)| {
                run.env(name, value)
            });
        let message = only_error(&run.run(), "config_error");
        assert!(message.contains(part), "{message}");
    }
    assert!(trino.requests().is_empty(), "Trino was asked");
}

#[test]
fn without_sockets_stdout_is_as_ever() {
    let trino = FakeTrino::start();
    table(&trino, "t", 0..100);
    let plain = read(&trino, &["t"]).run().text(&trino);
    for format in ["JSONL", "PROTOBUF"] {
        let run = read(&trino, &["t"])
            .env("DATA_CHANNEL_MEDIUM", "STDIO")
            .env("DATA_CHANNEL_FORMAT", format);
        let text = run.run().text(&trino);
        let without_logs = |text: &str| {
            let lines = text.lines().filter(|line| !line.contains("\"LOG\""));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(without_logs(&text), without_logs(&plain));
        assert_eq!(text.contains("always JSON lines"), format == "PROTOBUF");
    }
}

#[test]
fn other_commands_never_use_sockets() {
    let trino = FakeTrino::start();
    table(&trino, "t", 0..10);
    let destination = Destination::new(1);
    for command in ["check", "discover"] {
        let run = Connector::new(command).config(&trino.config());
        let outcome = destination.equip(run, "PROTOBUF").run();
        assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
    }
    let outcome = destination.equip(Connector::new("spec"), "PROTOBUF").run();
    assert_eq!(outcome.code, Some(0));
    assert!(destination.files().is_empty());
}

#[test]
fn concurrency_can_still_be_configured() {
    let trino = FakeTrino::start();
    for name in ["a", "b", "c", "d"] {
        let slow = || rows(json!([[1, "x"]])).after(Duration::from_millis(100));
        trino.table(
            name,
            &[("n", "bigint"), ("x", "varchar")],
            [slow(), slow(), end()],
        );
    }
    let destination = Destination::new(4);
    let run = Connector::new("read")
        .config(&with(trino.config(), &json!({"concurrency": 1})))
        .catalog(&typed(&["a", "b", "c", "d"]));
    let running = destination.equip(run, "JSONL").start();
    let received = destination.read(4);
    assert_eq!(running.end().code, Some(0));
    messages(received);
    assert_eq!(trino.most_running(), 1);
}
