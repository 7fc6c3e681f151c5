//! Limits of time and size: a server that goes away, waits, or answers without end.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::connector::{Connector, catalog, each, read, with};
use crate::fake::{
    Answer, FakeTrino, Fault, NO_ROWS, Object, Place, end, failed, from, nothing, rows, text,
};

const N: &[(&str, &str)] = &[("n", "bigint")];

#[test]
fn a_server_that_goes_away_ends_all_streams_together_with_one_error() {
    let trino = FakeTrino::start();
    let names: Vec<String> = (0..40).map(|number| format!("t{number}")).collect();
    for name in &names {
        trino.numbers(name, &[&[1]]);
    }
    // With a pause that is asked for, the time for a request is used up after a minute.
    trino.fault(
        "FROM \"c\".\"s\".\"t",
        Place::Post,
        Fault::Wait(503, 60),
        usize::MAX,
    );
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let run = read(&trino, &names).within(Duration::from_secs(150));
    let outcome = run.run();
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.took < Duration::from_secs(130),
        "{:?}",
        outcome.took
    );
    let errors = outcome.errors();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert_eq!(errors[0]["failure_type"], "transient_error");
    let message = errors[0]["message"].as_str().unwrap();
    assert!(message.contains("Trino did not answer"), "{message}");
    for name in names {
        assert_eq!(outcome.statuses(name).last().unwrap(), "INCOMPLETE");
    }
}

#[test]
fn a_read_waits_for_a_coordinator_that_is_starting_and_says_so_once() {
    type Prepare = fn(&FakeTrino, bool);
    let wait = Duration::from_secs(8);
    let cases: [(&str, Prepare); 2] = [
        ("starting", |trino, begin| trino.starting(begin)),
        ("503", |trino, begin| {
            if begin {
                trino.fault("", Place::Info, Fault::Status(503), 8);
            }
        }),
    ];
    each(&cases, |(name, prepare)| {
        let trino = FakeTrino::start();
        trino.numbers("t", &[&[1]]);
        prepare(&trino, true);
        let running = read(&trino, &["t"]).start();
        std::thread::sleep(wait);
        prepare(&trino, false);
        let outcome = running.end();
        outcome.assert_complete("t", &[1]);
        assert!(outcome.took >= wait, "{name}");
        assert_eq!(outcome.warnings().len(), 1, "{name}: {}", outcome.stdout);
    });
}

#[test]
fn a_wrong_name_is_told_soon_by_a_read_too() {
    let trino = FakeTrino::start();
    let config = with(trino.config(), &json!({"hostname": "no-such-host.invalid"}));
    let run = Connector::new("read")
        .config(&config)
        .catalog(&catalog(&["t"]));
    let outcome = run.within(Duration::from_secs(140)).run();
    let errors = outcome.errors();
    let message = errors[0]["message"].as_str().unwrap();
    assert!(message.contains("cannot be resolved"), "{message}");
    // A machine without a name server cannot tell a wrong name from a passing fault.
    if errors[0]["failure_type"] == "config_error" {
        assert!(outcome.took < Duration::from_secs(15), "{:?}", outcome.took);
    }
}

/// A server that answers each request with `head`, and then one byte after the other for ever.
fn dripping(head: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(head.as_bytes());
                while stream.write_all(b" ").is_ok() {
                    std::thread::sleep(Duration::from_millis(200));
                }
            });
        }
    });
    port
}

#[test]
fn an_answer_that_never_ends_does_not_hold_the_first_contact() {
    let heads = [
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 300000000\r\n\r\n{",
        "HTTP/1.1 500 No\r\nContent-Type: text/plain\r\nContent-Length: 300000000\r\n\r\nno",
    ];
    each(&heads, |head| {
        let config = json!({"hostname": "127.0.0.1", "port": dripping(head), "username": "test",
            "catalog": "c", "schema": "s"});
        let run = Connector::new("check").config(&config);
        let outcome = run.within(Duration::from_secs(45)).run();
        assert_eq!(outcome.status().0, "FAILED", "{head}");
    });
}

#[test]
fn an_answer_without_end_is_not_kept() {
    let statuses = [200, 401, 403, 500];
    each(&statuses, |status| {
        let trino = FakeTrino::start();
        let object = Object::new(vec![b'x'; 100 << 20]);
        trino.put(
            "/v1/info",
            [match status {
                200 => object,
                status => object.with_status(*status),
            }],
        );
        let run = Connector::new("check").config(&trino.config());
        let running = run.start();
        let started = Instant::now();
        let mut peak = 0;
        while started.elapsed() < Duration::from_secs(2) {
            // The process may have ended.
            peak = running.peak_memory_so_far().unwrap_or(peak).max(peak);
            std::thread::sleep(Duration::from_millis(5));
        }
        let outcome = running.end();
        assert_eq!(outcome.status().0, "FAILED", "{status}");
        assert!(peak < 80, "{status}: {peak} MiB");
    });
}

fn queue_full() -> Answer {
    let text = "Too many queued queries for \"global\"";
    let full = failed("QUERY_QUEUE_FULL", "INSUFFICIENT_RESOURCES", text);
    Answer::new(&[], [full.without_columns()])
}

#[test]
fn a_full_queue_is_waited_for_longer_than_three_runs() {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    let good = Answer::new(N, [rows(json!([[1]])), end()]);
    let full = || queue_full();
    trino.answer(&from("t"), [full(), full(), full(), full(), good]);
    let outcome = read(&trino, &["t"]).run();
    outcome.assert_complete("t", &[1]);
    assert_eq!(trino.asked(&from("t"), Place::Post).len(), 5);
}

#[test]
fn a_full_queue_is_waited_for_while_other_queries_of_ours_run() {
    let trino = FakeTrino::start();
    let slow = [
        nothing().after(Duration::from_secs(3)),
        rows(json!([[1]])),
        end(),
    ];
    trino.table("slow", N, slow);
    trino.numbers("t", &[&[1]]);
    let good = Answer::new(N, [rows(json!([[1]])), end()]);
    trino.answer(&from("t"), [queue_full(), good]);
    let outcome = read(&trino, &["slow", "t"]).run();
    outcome.assert_complete("t", &[1]);
    outcome.assert_complete("slow", &[1]);
}

#[test]
fn discover_waits_for_a_full_queue_too() {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    for _ in 0..4 {
        trino.answer_once("information_schema.columns", queue_full());
    }
    let outcome = Connector::new("discover").config(&trino.config()).run();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
    assert!(
        outcome.stdout.contains("\"name\":\"t\""),
        "{}",
        outcome.stdout
    );
}

#[test]
fn missing_workers_are_waited_for_and_told_with_what_helps() {
    let few = || {
        let text = "Insufficient active worker nodes. Waited 3.00s for at least 5 workers, but only 1 workers are active";
        Answer::new(
            N,
            [failed(
                "GENERIC_INSUFFICIENT_RESOURCES",
                "INSUFFICIENT_RESOURCES",
                text,
            )],
        )
    };
    let good = Answer::new(N, [rows(json!([[1]])), end()]);
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    trino.answer(&from("t"), [few(), good]);
    read(&trino, &["t"]).run().assert_complete("t", &[1]);

    let trino = FakeTrino::start();
    trino.add_table("t", few());
    let error = read(&trino, &["t"]).run().assert_failed("t");
    assert_eq!(error["failure_type"], "transient_error");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("required_workers_max_wait_time"),
        "{message}"
    );
}

/// A server with a table `t`, of which a question for its columns fails with this error.
fn columns_fail(name: &str, kind: &str, text: &str) -> FakeTrino {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    let error = failed(name, kind, text).without_columns();
    trino.answer(NO_ROWS, [Answer::new(&[], [error])]);
    trino
}

#[test]
fn what_the_server_lacks_for_the_columns_of_a_table_is_waited_for_once() {
    let text = "No nodes available to run query";
    let trino = columns_fail("NO_NODES_AVAILABLE", "INTERNAL_ERROR", text);
    let error = read(&trino, &["t"]).run().assert_failed("t");
    assert_eq!(error["failure_type"], "transient_error");
    // The listing would meet the same error, and wait for as long again.
    assert!(
        trino
            .asked("information_schema.columns", Place::Post)
            .is_empty()
    );
}

#[test]
fn a_view_that_takes_too_long_to_plan_is_listed() {
    let text = "Query exceeded the maximum planning time limit of 10.00m";
    let trino = columns_fail("EXCEEDED_TIME_LIMIT", "INSUFFICIENT_RESOURCES", text);
    read(&trino, &["t"]).run().assert_complete("t", &[1]);
    assert_eq!(trino.asked(NO_ROWS, Place::Post).len(), 1);
}

/// A value of so many characters.
fn long(length: usize) -> String {
    "x".repeat(length)
}

fn changes(record: &Value) -> Vec<(String, String)> {
    let changes = record["record"]["meta"]["changes"].as_array();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    changes
        .into_iter()
        .flatten()
        .map(|change| {
            assert_eq!(change["change"], "NULLED");
            (text(&change["field"]), text(&change["reason"]))
        })
        .collect()
}

#[test]
fn a_record_has_fewer_than_twenty_million_bytes() {
    const MB: usize = 1_000_000;
    type Changes = &'static [(&'static str, &'static str)];
    let field = "SOURCE_FIELD_SIZE_LIMITATION";
    let record = "SOURCE_RECORD_SIZE_LIMITATION";
    let control = || "\\u0001".repeat(4 * MB);
    let cases: [(&str, String, String, Changes); 5] = [
        ("one long value", long(21 * MB), long(5), &[("a", "f")]),
        ("many escapes", control(), long(5), &[("a", "f")]),
        (
            "two that are too much together",
            long(12 * MB),
            long(9 * MB),
            &[("a", "r")],
        ),
        (
            "both too long",
            long(21 * MB),
            long(22 * MB),
            &[("a", "f"), ("b", "f")],
        ),
        ("just small enough", long(19 * MB), long(MB / 2), &[]),
    ];
    for (name, a, b, expected) in cases {
        let trino = FakeTrino::start();
        let columns = [("n", "bigint"), ("a", "varchar"), ("b", "varchar")];
        let page = format!(r#"[[1,"{a}","{b}"],[2,"x","y"]]"#);
        trino.table("t", &columns, [text(page), end()]);
        let outcome = read(&trino, &["t"]).run();
        let longest = outcome.stdout.lines().map(str::len).max().unwrap();
        assert!(longest < 20_000_000, "{name}: {longest}");
        outcome.assert_complete("t", &[1, 2]);
        let messages = outcome.messages();
        let first = messages.iter().find(|m| m["type"] == "RECORD").unwrap();
        let expected: Vec<(String, String)> = expected
            .iter()
            .map(|(column, kind)| {
                let reason = if *kind == "f" { field } else { record };
                ((*column).to_owned(), reason.to_owned())
            })
            .collect();
        assert_eq!(changes(first), expected, "{name}");
        for (column, _) in &expected {
            assert_eq!(first["record"]["data"][column], Value::Null, "{name}");
        }
        let warned = outcome.warnings();
        assert_eq!(warned.len(), expected.len(), "{name}: {warned:?}");
        assert!(
            warned
                .iter()
                .zip(&expected)
                .all(|(warn, (column, _))| warn.contains(column)),
            "{name}: {warned:?}"
        );
    }
}

#[test]
fn a_key_stays_in_a_record_that_is_too_large() {
    const MB: usize = 1_000_000;
    let run = |key: usize, other: usize| {
        let trino = FakeTrino::start();
        let columns = [("k", "varchar"), ("a", "varchar")];
        let page = format!(r#"[["{}","{}"]]"#, long(key), long(other));
        trino.table("t", &columns, [text(page), end()]);
        let mut catalog = catalog(&["t"]);
        catalog["streams"][0]["primary_key"] = json!([["k"]]);
        let run = Connector::new("read")
            .config(&trino.config())
            .catalog(&catalog);
        run.run()
    };
    let outcome = run(12 * MB, 9 * MB);
    assert_eq!(outcome.code, Some(0));
    let record = &outcome.records("t")[0];
    assert_eq!(record["k"].as_str().unwrap().len(), 12 * MB);
    assert_eq!(record["a"], Value::Null);

    let error = run(21 * MB, 1).assert_failed("t");
    assert_eq!(error["failure_type"], "config_error");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("\"k\"") && message.contains("key"),
        "{message}"
    );
}
