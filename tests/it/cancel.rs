//! A process that ends early leaves no query behind, and ends soon.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::connector::{Connector, Running, each, read};
use crate::fake::{Answer, FakeTrino, Fault, Place, end, from, nothing, rows, text};

const N: &[(&str, &str)] = &[("n", "bigint")];

/// A signal ends the process within a second; the rest is for a busy machine.
const SOON: Duration = Duration::from_millis(1000 + 500);

const SIGNALS: &[(&str, i32)] = &[("TERM", 143), ("INT", 130)];

/// A table that never ends, a row every 50 ms.
fn endless(trino: &FakeTrino, name: &str) {
    let step = rows(json!([[1]])).after(Duration::from_millis(50));
    trino.add_table(name, Answer::new(N, [step]).endless());
}

/// A table of large pages.
fn large(trino: &FakeTrino, name: &str) {
    let row = format!(r#"["{}"]"#, "x".repeat(1000));
    let page = text(format!("[{}]", vec![row; 1000].join(",")));
    trino.add_table(name, Answer::new(&[("x", "varchar")], [page]).endless());
}

/// Each query that was started was cancelled, at a URI of its own, and not asked for afterwards.
fn assert_cancelled(trino: &FakeTrino, name: &str) {
    let deleted = trino.asked(&from(name), Place::Delete);
    assert_eq!(deleted.len(), 1, "{name}: {:#?}", trino.requests());
    assert!(deleted[0].target.contains("/executing/"));
}

fn signalled(running: Running, signal: &str) -> (Option<i32>, String, Duration) {
    let sent = Instant::now();
    running.signal(signal);
    let outcome = running.end();
    (outcome.code, outcome.stderr, sent.elapsed())
}

#[test]
fn a_signal_cancels_the_queries_and_ends_soon() {
    each(SIGNALS, |(signal, expected)| {
        let trino = FakeTrino::start();
        endless(&trino, "t");
        endless(&trino, "u");
        let mut running = read(&trino, &["t", "u"]).start();
        trino.wait_until("pages", |trino| {
            trino.pages_asked(&from("t")) > 2 && trino.pages_asked(&from("u")) > 2
        });
        let stdout = running.stdout();
        let reader = std::thread::spawn(move || std::io::read_to_string(stdout).unwrap());
        let (code, stderr, took) = signalled(running, signal);
        assert_eq!((code, stderr.as_str()), (Some(*expected), ""));
        assert!(took < SOON, "{took:?}");
        assert_cancelled(&trino, "t");
        assert_cancelled(&trino, "u");
        let text = reader.join().unwrap();
        assert!(!text.contains("COMPLETE\""), "{text}");
        assert!(text.ends_with('\n'), "a line was cut: {text}");
    });
}

#[test]
fn a_signal_ends_it_also_while_stdout_is_blocked() {
    each(SIGNALS, |(signal, expected)| {
        let trino = FakeTrino::start();
        large(&trino, "t");
        let mut running = read(&trino, &["t"]).start();
        // Held, but never read.
        let _stdout = running.stdout();
        // More than the pipe holds.
        trino.wait_until("pages", |trino| trino.pages_asked(&from("t")) >= 2);
        std::thread::sleep(Duration::from_millis(300));
        let (code, stderr, took) = signalled(running, signal);
        assert_eq!((code, stderr.as_str()), (Some(*expected), ""));
        assert!(took < SOON, "{took:?}");
        assert_cancelled(&trino, "t");
    });
}

#[test]
fn a_signal_ends_it_also_when_the_server_hangs() {
    let forever = Fault::Late(Duration::from_mins(1));
    let cases = [Place::Info, Place::Post, Place::Page(1), Place::Delete];
    each(&cases, |place| {
        let trino = FakeTrino::start();
        endless(&trino, "t");
        let sql = if *place == Place::Info {
            String::new()
        } else {
            from("t")
        };
        trino.fault(&sql, *place, forever, 9);
        let running = read(&trino, &["t"]).start();
        let until = if *place == Place::Delete {
            Place::Page(1)
        } else {
            *place
        };
        trino.wait_until("the place", |trino| !trino.asked(&sql, until).is_empty());
        let (code, _, took) = signalled(running, "TERM");
        assert_eq!(code, Some(143), "{place:?}");
        assert!(took < SOON, "{place:?}: {took:?}");
        if matches!(place, Place::Page(_) | Place::Delete) {
            assert_cancelled(&trino, "t");
        }
    });
}

#[test]
fn a_signal_ends_it_also_between_two_attempts() {
    let lost = crate::fake::failed("NO_NODES_AVAILABLE", "INSUFFICIENT_RESOURCES", "none");
    let cases = [Some(Fault::Wait(503, 30)), None];
    each(&cases, |fault| {
        let trino = FakeTrino::start();
        trino.table("t", N, [lost.clone()]);
        if let Some(fault) = fault {
            trino.fault(&from("t"), Place::Post, *fault, 9);
        }
        let running = read(&trino, &["t"]).start();
        let first = if fault.is_some() {
            Place::Post
        } else {
            Place::Page(0)
        };
        trino.wait_until("an attempt", |trino| {
            !trino.asked(&from("t"), first).is_empty()
        });
        std::thread::sleep(Duration::from_millis(100));
        let (code, _, took) = signalled(running, "TERM");
        assert_eq!(code, Some(143));
        assert!(took < SOON, "{took:?}");
    });
}

#[test]
fn a_closed_stdout_ends_quietly_and_cancels() {
    let trino = FakeTrino::start();
    endless(&trino, "t");
    let mut running = read(&trino, &["t"]).start();
    let mut lines = BufReader::new(running.stdout()).lines();
    let record = |line: std::io::Result<String>| line.unwrap().contains("\"RECORD\"");
    assert!(lines.any(record));
    drop(lines);
    let outcome = running.end();
    assert_eq!(outcome.code, Some(141));
    assert_eq!(outcome.stderr, "");
    assert_cancelled(&trino, "t");
}

#[test]
fn a_stdout_closed_from_the_start_is_quiet_for_every_command() {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    for run in every_command(&trino) {
        let outcome = run.closed_stdout().run();
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(141), ""));
    }
}

#[test]
fn a_stdout_that_cannot_be_written_is_a_failure() {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    for run in every_command(&trino) {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let outcome = run.stdout_to(full).run();
        assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("stdout"), "{}", outcome.stderr);
    }
}

fn every_command(trino: &FakeTrino) -> [Connector; 4] {
    let config = trino.config();
    [
        Connector::new("spec"),
        Connector::new("check").config(&config),
        Connector::new("discover").config(&config),
        read(trino, &["t"]),
    ]
}

#[test]
fn a_query_that_nobody_waits_for_any_more_is_cancelled() {
    // The rows are there long before the statistics.
    let trino = FakeTrino::start();
    let pause = nothing().after(Duration::from_secs(2));
    trino.table("t", N, [rows(json!([[1]])), pause, end()]);
    let slow = nothing().after(Duration::from_millis(100));
    trino.answer("SHOW STATS", [Answer::new(N, [slow]).endless()]);
    let outcome = read(&trino, &["t"]).run();
    outcome.assert_complete("t", &[1]);
    assert!(outcome.took < Duration::from_secs(5), "{:?}", outcome.took);
    let deleted = trino.asked("SHOW STATS", Place::Delete).len();
    assert_eq!(deleted, 1, "{:#?}", trino.requests());
}

#[test]
fn a_stream_that_cannot_be_encoded_cancels_its_query() {
    let trino = FakeTrino::start();
    let more = nothing().after(Duration::from_millis(50));
    let steps = [rows(json!([[1]])), rows(json!([[2, 3]])), more];
    trino.add_table("t", Answer::new(N, steps).endless());
    let outcome = read(&trino, &["t"]).run();
    outcome.assert_failed("t");
    assert_cancelled(&trino, "t");
}

#[test]
fn a_query_that_ended_is_not_cancelled() {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1], &[2]]);
    trino.table(
        "bad",
        N,
        [
            rows(json!([[1]])),
            crate::fake::failed("GENERIC_USER_ERROR", "USER_ERROR", "no"),
        ],
    );
    trino.table("empty", N, [end()]);
    read(&trino, &["t", "bad", "empty"]).run();
    for table in ["t", "bad", "empty"] {
        assert!(
            trino.asked(&from(table), Place::Delete).is_empty(),
            "{table}"
        );
    }
}
