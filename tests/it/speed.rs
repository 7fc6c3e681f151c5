//! The speed mode: records over Unix sockets, and what happens if the destination does not do its
//! part.

use std::collections::HashMap;
use std::io::Read as _;
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::connector::{Connector, Outcome, catalog, each, read, with};
use crate::destination::{Destination, messages, protobuf_messages, read_to_end};
use crate::fake::{FakeTrino, Place, end, from, nothing, rows};

/// A table whose records have some length.
fn table(trino: &FakeTrino, name: &str, numbers: std::ops::Range<u64>) {
    let pages: Vec<_> = numbers
        .collect::<Vec<_>>()
        .chunks(500)
        .map(|chunk| {
            let cells = chunk.iter().map(|n| json!([n, "x".repeat(1000)]));
            rows(cells.collect())
        })
        .chain([end()])
        .collect();
    trino.table(name, &[("n", "bigint"), ("x", "varchar")], pages);
}

/// A catalog whose schemas name the columns, as the platform's do.
fn typed(streams: &[&str]) -> Value {
    let mut catalog = catalog(streams);
    for stream in catalog["streams"].as_array_mut().unwrap() {
        stream["stream"]["json_schema"] = json!({"properties": {
            "n": {"type": ["null", "number"], "airbyte_type": "integer"},
            "x": {"type": ["null", "string"]},
        }});
    }
    catalog
}

fn typed_read(trino: &FakeTrino, streams: &[&str]) -> Connector {
    Connector::new("read")
        .config(&trino.config())
        .catalog(&typed(streams))
}

fn of_type<'m>(all: &'m [Vec<Value>], kind: &str) -> Vec<&'m Value> {
    let all = all.iter().flatten();
    all.filter(|message| message["type"] == kind).collect()
}

/// The only error, which the platform will try again after.
#[track_caller]
fn transient(outcome: &Outcome) -> String {
    assert_eq!(outcome.code, Some(1), "{}", outcome.stdout);
    let errors = outcome.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["failure_type"], "transient_error");
    errors[0]["message"].as_str().unwrap().to_owned()
}

#[track_caller]
fn config_error(outcome: &Outcome) -> String {
    assert_eq!(outcome.code, Some(1), "{}", outcome.stdout);
    let errors = outcome.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["failure_type"], "config_error");
    errors[0]["message"].as_str().unwrap().to_owned()
}

/// Asserts what a destination demands of the states, and that they are the same on stdout. Returns
/// the number of records of each stream.
#[track_caller]
fn assert_states(outcome: &Outcome, all: &[Vec<Value>]) -> HashMap<String, u64> {
    let mut of_partition: HashMap<(String, String), u64> = HashMap::new();
    let mut of_stream: HashMap<String, u64> = HashMap::new();
    for socket in all {
        let mut partitions = std::collections::HashSet::new();
        for record in socket.iter().filter(|m| m["type"] == "RECORD") {
            let record = &record["record"];
            let stream = record["stream"].as_str().unwrap().to_owned();
            let partition = record["partition_id"].as_str().unwrap().to_owned();
            *of_stream.entry(stream.clone()).or_default() += 1;
            partitions.insert(partition.clone());
            *of_partition.entry((stream, partition)).or_default() += 1;
        }
        for message in socket.iter().filter(|m| m["type"] == "STATE") {
            // The STATE of a partition is on the partition's socket.
            let partition = message["state"]["partition_id"].as_str().unwrap();
            let count = message["state"]["sourceStats"]["recordCount"].as_f64();
            assert_eq!(count.unwrap() > 0.0, partitions.contains(partition));
        }
    }
    let mut on_sockets: Vec<&Value> = of_type(all, "STATE");
    on_sockets.sort_by_key(|state| state["state"].to_string());
    let messages = outcome.messages();
    let mut on_stdout: Vec<&Value> = messages.iter().filter(|m| m["type"] == "STATE").collect();
    let mut ids: HashMap<String, u64> = HashMap::new();
    for state in &on_stdout {
        let state = &state["state"];
        let stream = state["stream"]["stream_descriptor"]["name"]
            .as_str()
            .unwrap();
        let last = ids.entry(stream.to_owned()).or_default();
        *last += 1;
        assert_eq!(state["id"], json!(*last), "ids rise by one");
        let partition = state["partition_id"].as_str().unwrap().to_owned();
        let records = of_partition.remove(&(stream.to_owned(), partition));
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let records = records.unwrap_or_default() as f64;
        assert_eq!(state["sourceStats"]["recordCount"], json!(records));
    }
    on_stdout.sort_by_key(|state| state["state"].to_string());
    assert_eq!(on_stdout, on_sockets);
    assert!(of_partition.is_empty(), "without a STATE: {of_partition:?}");
    of_stream
}

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
fn a_destination_that_never_connects_ends_the_read() {
    let trino = FakeTrino::start();
    table(&trino, "t", 0..10);
    let destination = Destination::new(2);
    let run = destination.equip(typed_read(&trino, &["t"]), "JSONL");
    let outcome = run.env("SOURCE_TRINO_SOCKET_WAIT_SECONDS", "1").run();
    let message = transient(&outcome);
    assert!(message.contains("has not connected"), "{message}");
    assert!(outcome.took < Duration::from_secs(15));
    assert!(destination.files().is_empty(), "files are left");
}

#[test]
fn a_source_that_is_done_waits_for_a_late_destination() {
    let trino = FakeTrino::start();
    trino.table("t", &[("n", "bigint"), ("x", "varchar")], [end()]);
    let destination = Destination::new(2);
    let running = destination
        .equip(typed_read(&trino, &["t"]), "JSONL")
        .start();
    std::thread::sleep(Duration::from_secs(2));
    let first = destination.connect(0);
    // A destination connects to one after the other, and dies if one is refused.
    std::thread::sleep(Duration::from_millis(1500));
    let second = destination.connect(1);
    let received = vec![read_to_end(first), read_to_end(second)];
    let outcome = running.end();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
    assert_states(&outcome, &messages(received));
}

#[test]
fn a_destination_that_dies_ends_the_read_and_its_queries() {
    // While records flow, and while a query brings nothing.
    each(&[true, false], |flows| {
        let trino = FakeTrino::start();
        let page = || rows((0..200).map(|n| json!([n, "x".repeat(2000)])).collect());
        let mut pages = vec![page()];
        for _ in 0..400 {
            let pause = Duration::from_millis(if *flows { 1 } else { 100 });
            let step = if *flows { page() } else { nothing() };
            pages.push(step.after(pause));
        }
        pages.push(end());
        trino.table("t", &[("n", "bigint"), ("x", "varchar")], pages);
        let destination = Destination::new(2);
        let running = destination
            .equip(typed_read(&trino, &["t"]), "JSONL")
            .start();
        // The records go over the only socket that has a client.
        let mut one = destination.connect(0);
        let mut some = vec![0; 100_000];
        one.read_exact(&mut some).unwrap();
        let other = destination.connect(1);
        drop(one);
        let died = Instant::now();
        let rest = read_to_end(other);
        let outcome = running.end();
        assert!(
            died.elapsed() < Duration::from_secs(10),
            "{:?}",
            died.elapsed()
        );
        rest.join().unwrap();
        let message = transient(&outcome);
        assert!(message.contains("has closed its end"), "{message}");
        let cancelled = trino.asked(&from("t"), Place::Delete);
        assert_eq!(cancelled.len(), 1, "the query runs on");
        assert!(outcome.state_counts("t").is_empty());
        assert!(destination.files().is_empty(), "files are left");
    });
}

#[test]
fn a_slow_destination_slows_the_read_and_costs_no_memory() {
    let trino = FakeTrino::start();
    // 60 MB, of which the destination takes a little and then nothing for a while.
    table(&trino, "t", 0..60_000);
    let destination = Destination::new(1);
    let running = destination
        .equip(typed_read(&trino, &["t"]), "JSONL")
        .start();
    let mut stream = destination.connect(0);
    let mut some = vec![0; 10_000];
    for _ in 0..20 {
        stream.read_exact(&mut some).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    let memory = running.peak_memory();
    assert!(memory < 60, "{memory} MiB");
    let received = vec![read_to_end(stream)];
    let outcome = running.end();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
    let mut bytes = received.into_iter().next().unwrap().join().unwrap();
    // The first lines were taken above.
    let start = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    bytes.drain(..=start);
    assert!(bytes.len() > 59_000_000, "{}", bytes.len());
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
fn a_signal_ends_the_read_whoever_waits_for_whom() {
    // Before a client, and with one that does not read.
    each(&[false, true], |connects| {
        let trino = FakeTrino::start();
        table(&trino, "t", 0..20_000);
        let destination = Destination::new(1);
        let running = destination
            .equip(typed_read(&trino, &["t"]), "JSONL")
            .start();
        let client = connects.then(|| destination.connect(0));
        std::thread::sleep(Duration::from_secs(2));
        running.signal("TERM");
        let signalled = Instant::now();
        let outcome = running.end();
        assert!(signalled.elapsed() < Duration::from_secs(5));
        assert_eq!(outcome.code, Some(128 + 15), "{}", outcome.stdout);
        assert!(destination.files().is_empty(), "files are left");
        drop(client);
    });
}

#[test]
fn a_socket_of_a_killed_run_is_replaced() {
    let trino = FakeTrino::start();
    table(&trino, "t", 0..10);
    let destination = Destination::new(1);
    let stale = UnixListener::bind(&destination.paths[0]).unwrap();
    drop(stale);
    let running = destination
        .equip(typed_read(&trino, &["t"]), "JSONL")
        .start();
    let limit = Instant::now() + Duration::from_secs(20);
    let stream = loop {
        // The stale file refuses until the new one takes its place.
        if let Ok(stream) = std::os::unix::net::UnixStream::connect(&destination.paths[0]) {
            break stream;
        }
        assert!(Instant::now() < limit);
        std::thread::sleep(Duration::from_millis(5));
    };
    let received = vec![read_to_end(stream)];
    let outcome = running.end();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
    assert_eq!(assert_states(&outcome, &messages(received))["t"], 10);
}

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
        let message = config_error(&run.run());
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
