//! What goes over the sockets, and what to stdout.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::{assert_states, of_type, table, typed_read};
use crate::connector::{each, read};
use crate::destination::{Destination, messages, protobuf_messages, read_to_end};
use crate::fake::{FakeTrino, end, from, rows};

#[test]
fn records_go_over_the_sockets_and_states_both_ways() {
    let formats = ["JSONL", "PROTOBUF"];
    let cases: Vec<_> = formats
        .iter()
        .flat_map(|format| [1, 2, 4].map(|sockets| (*format, sockets)))
        .collect();
    each(&cases, |(format, sockets)| {
        let trino = FakeTrino::start();
        for name in ["a", "b", "c"] {
            table(&trino, name, 0..3000);
        }
        trino.table("empty", &[("n", "bigint"), ("x", "varchar")], [end()]);
        let streams = ["a", "b", "c", "empty"];
        let destination = Destination::new(*sockets);
        let running = destination
            .equip(typed_read(&trino, &streams), format)
            .start();
        let received = destination.read(*sockets);
        let outcome = running.end();
        assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
        let all = match *format {
            "JSONL" => messages(received),
            _ => protobuf_messages(received),
        };
        let counts = assert_states(&outcome, &all);
        for name in ["a", "b", "c"] {
            assert_eq!(counts[name], 3000);
        }
        for name in streams {
            assert!(
                outcome.records(name).is_empty(),
                "a record on stdout is lost"
            );
            let expected = ["STARTED", "RUNNING", "COMPLETE"];
            assert_eq!(outcome.statuses(name), expected);
            let traces = of_type(&all, "TRACE");
            let statuses: Vec<&Value> = traces
                .iter()
                .map(|trace| &trace["trace"]["stream_status"])
                .filter(|status| status["stream_descriptor"]["name"] == name)
                .map(|status| &status["status"])
                .collect();
            assert_eq!(statuses, expected);
        }
        for kind in ["LOG", "CONTROL"] {
            assert!(of_type(&all, kind).is_empty(), "{kind} on a socket");
        }
        assert!(destination.files().is_empty(), "files are left");
        let most = trino.most_running();
        assert!(most <= *sockets, "{most} queries at once");
    });
}

#[test]
fn lines_of_a_socket_are_those_of_stdout_with_their_partition() {
    let trino = FakeTrino::start();
    table(&trino, "t", 0..700);
    let plain = typed_read(&trino, &["t"]).run();
    let destination = Destination::new(1);
    let running = destination
        .equip(typed_read(&trino, &["t"]), "JSONL")
        .start();
    let received = destination.read(1);
    assert_eq!(running.end().code, Some(0));
    let bytes = received.into_iter().next().unwrap().join().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let without_time = |line: &str| line.split(",\"emitted_at\"").next().unwrap().to_owned();
    let is_record = |line: &&str| line.starts_with("{\"type\":\"RECORD\"");
    let ours: Vec<String> = text
        .lines()
        .filter(is_record)
        .map(|line| without_time(&line.replace(",\"partition_id\":\"p1\"", "")))
        .collect();
    let plain: Vec<String> = plain
        .stdout
        .lines()
        .filter(is_record)
        .map(without_time)
        .collect();
    assert_eq!(ours.len(), 700);
    assert_eq!(ours, plain);
}

#[test]
fn a_destination_may_take_fewer_sockets() {
    let trino = FakeTrino::start();
    for name in ["a", "b"] {
        table(&trino, name, 0..2000);
    }
    let destination = Destination::new(4);
    let running = destination
        .equip(typed_read(&trino, &["a", "b"]), "JSONL")
        .start();
    let received = destination.read(1);
    let outcome = running.end();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
    let counts = assert_states(&outcome, &messages(received));
    assert_eq!(
        counts,
        HashMap::from([("a".to_owned(), 2000), ("b".to_owned(), 2000)])
    );
}

#[test]
fn a_state_waits_until_its_rows_are_written_to_the_socket() {
    let trino = FakeTrino::start();
    // One page, and more than a socket holds.
    table(&trino, "t", 0..500);
    let destination = Destination::new(1);
    let mut running = destination
        .equip(typed_read(&trino, &["t"]), "JSONL")
        .start();
    let mut stdout = running.stdout();
    let said = Arc::new(Mutex::new(String::new()));
    let copy = Arc::clone(&said);
    let reader = std::thread::spawn(move || {
        let mut some = [0; 4096];
        while let Ok(length @ 1..) = stdout.read(&mut some) {
            copy.lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&some[..length]));
        }
    });
    let stream = destination.connect(0);
    trino.wait_until("the rows were fetched", |trino| {
        trino.pages_asked(&from("t")) >= 2
    });
    std::thread::sleep(Duration::from_secs(1));
    let has_state = || said.lock().unwrap().contains("\"type\":\"STATE\"");
    assert!(!has_state(), "a STATE before its rows");
    let received = vec![read_to_end(stream)];
    assert_eq!(running.end().code, Some(0));
    reader.join().unwrap();
    assert!(has_state());
    assert_eq!(of_type(&messages(received), "RECORD").len(), 500);
}

#[test]
fn a_failed_stream_is_incomplete_on_stdout_and_has_no_complete_anywhere() {
    let trino = FakeTrino::start();
    table(&trino, "good", 0..10);
    let failed = crate::fake::failed("SYNTAX_ERROR", "USER_ERROR", "scripted");
    trino.table(
        "bad",
        &[("n", "bigint"), ("x", "varchar")],
        [rows(json!([[1, "x"]])), failed],
    );
    let destination = Destination::new(2);
    let run = typed_read(&trino, &["good", "bad"]);
    let running = destination.equip(run, "JSONL").start();
    let received = destination.read(2);
    let outcome = running.end();
    assert_eq!(outcome.code, Some(1));
    assert_eq!(outcome.statuses("bad").last().unwrap(), "INCOMPLETE");
    assert_eq!(outcome.statuses("good").last().unwrap(), "COMPLETE");
    let all = messages(received);
    let said = |status: &str, stream: &str| {
        of_type(&all, "TRACE").iter().any(|trace| {
            let told = &trace["trace"]["stream_status"];
            told["status"] == status && told["stream_descriptor"]["name"] == stream
        })
    };
    assert!(said("COMPLETE", "good"));
    assert!(!said("COMPLETE", "bad") && !said("INCOMPLETE", "bad"));
}

#[test]
fn protobuf_needs_the_columns_of_the_schema() {
    let trino = FakeTrino::start();
    table(&trino, "t", 0..10);
    let destination = Destination::new(1);
    let running = destination.equip(read(&trino, &["t"]), "PROTOBUF").start();
    let received = destination.read(1);
    let outcome = running.end();
    let error = outcome.assert_failed("t");
    assert_eq!(error["failure_type"], "config_error");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("names no columns"), "{message}");
    protobuf_messages(received);
}

#[test]
fn a_column_that_has_become_another_type_fails_its_stream_and_no_other() {
    let trino = FakeTrino::start();
    table(&trino, "good", 0..10);
    trino.table(
        "bad",
        &[("n", "varchar"), ("x", "varchar")],
        [rows(json!([["1", "x"]])), end()],
    );
    let destination = Destination::new(1);
    let run = typed_read(&trino, &["bad", "good"]);
    let running = destination.equip(run, "PROTOBUF").start();
    let received = destination.read(1);
    let outcome = running.end();
    let error = outcome.assert_failed("bad");
    assert_eq!(error["failure_type"], "config_error");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("\"n\" is of type varchar"), "{message}");
    let all = protobuf_messages(received);
    assert_eq!(assert_states(&outcome, &all)["good"], 10);
}
