//! A destination that comes late, is slow, goes away or never comes, and runs that are killed.

use std::io::Read as _;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{assert_states, only_error, table, typed_read};
use crate::connector::each;
use crate::destination::{Destination, messages, read_to_end};
use crate::fake::{FakeTrino, Place, end, from, nothing, rows};

#[test]
fn a_destination_that_never_connects_ends_the_read() {
    let trino = FakeTrino::start();
    table(&trino, "t", 0..10);
    let destination = Destination::new(2);
    let run = destination.equip(typed_read(&trino, &["t"]), "JSONL");
    let outcome = run.env("SOURCE_TRINO_SOCKET_WAIT_SECONDS", "1").run();
    let message = only_error(&outcome, "transient_error");
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
        let message = only_error(&outcome, "transient_error");
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
