//! Several streams at once: as many queries as configured, and lines that stay whole.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;

use crate::connector::{Connector, catalog, each, with};
use crate::fake::{Answer, FakeTrino, Place, end, nothing, rows};

#[test]
fn there_are_never_more_queries_than_configured() {
    each(&[1, 3, 16], |concurrency| {
        let trino = FakeTrino::start();
        let names: Vec<String> = (0..8).map(|n| format!("t{n}")).collect();
        for name in &names {
            let slow = |n| rows(json!([[n]])).after(Duration::from_millis(40));
            trino.table(name, &[("n", "bigint")], [slow(1), slow(2), end()]);
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let config = with(trino.config(), &json!({"concurrency": concurrency}));
        let outcome = Connector::new("read")
            .config(&config)
            .catalog(&catalog(&names))
            .run();
        assert_eq!(outcome.code, Some(0));
        for name in names {
            outcome.assert_complete(name, &[1, 2]);
        }
        let most = trino.most_running();
        assert!(most <= *concurrency, "{most} at once");
        assert!(*concurrency < 3 || most >= 3, "only {most} at once");
    });
}

#[test]
fn statistics_never_keep_rows_waiting() {
    // The rows have the only slot from their first request to their last, so there is no room for
    // statistics, which take for ever here.
    let runs: Vec<u32> = (0..10).collect();
    each(&runs, |_| {
        let trino = FakeTrino::start();
        for name in ["t", "u"] {
            let pause = nothing().after(Duration::from_millis(1300));
            trino.table(name, &[("n", "bigint")], [rows(json!([[1]])), pause, end()]);
        }
        let slow = nothing().after(Duration::from_millis(200));
        trino.answer("SHOW STATS", [Answer::new(&[], [slow]).endless()]);
        let config = with(trino.config(), &json!({"concurrency": 1}));
        let run = Connector::new("read")
            .config(&config)
            .catalog(&catalog(&["t", "u"]));
        let outcome = run.within(Duration::from_secs(15)).run();
        outcome.assert_complete("t", &[1]);
        outcome.assert_complete("u", &[1]);
        let asked = trino.asked("SHOW STATS", Place::Post);
        assert!(asked.is_empty(), "{asked:#?}");
    });
}

#[test]
fn lines_of_parallel_streams_stay_whole() {
    let trino = FakeTrino::start();
    let names: Vec<String> = (0..6).map(|n| format!("t{n}")).collect();
    for (stream, name) in names.iter().enumerate() {
        // Pages between a line and several buffers, lines between 10 bytes and 100 kB.
        let page = |page: usize| {
            let row = |n: usize| {
                let length = (stream * 7919 + page * 104_729 + n * 1299) % 5000;
                let length = if n == 3 { length * 20 } else { length };
                json!([page * 100 + n, name.repeat(length / 2)])
            };
            rows((0..60).map(row).collect())
        };
        let columns = [("n", "bigint"), ("x", "varchar")];
        trino.table(name, &columns, (0..6).map(page).chain([end()]));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let config = with(trino.config(), &json!({"concurrency": 6}));
    let outcome = Connector::new("read")
        .config(&config)
        .catalog(&catalog(&names))
        .env("LOG_LEVEL", "debug")
        .run();
    // `messages` fails on a line that is not one message.
    let mut order: HashMap<String, Vec<u64>> = HashMap::new();
    for mut message in outcome.messages() {
        let record = message["record"].take();
        if let Some(stream) = record["stream"].as_str() {
            let text = record["data"]["x"].as_str().unwrap();
            assert_eq!(
                text,
                stream.repeat(text.len() / 2),
                "a value of another stream"
            );
            let number = record["data"]["n"].as_u64().unwrap();
            order.entry(stream.to_owned()).or_default().push(number);
        }
    }
    let expected: Vec<u64> = (0..6)
        .flat_map(|page| (0..60).map(move |n| page * 100 + n))
        .collect();
    for name in names {
        assert_eq!(order[name], expected, "{name}");
    }
}

#[test]
fn a_state_never_comes_before_the_records_it_covers() {
    let trino = FakeTrino::start();
    let numbers: Vec<u64> = (0..5000).collect();
    for name in ["a", "b", "c"] {
        trino.numbers(name, &[&numbers, &numbers]);
    }
    let outcome = crate::connector::read(&trino, &["a", "b", "c"]).run();
    let mut seen: HashMap<String, f64> = HashMap::new();
    let mut states = 0;
    for message in outcome.messages() {
        if let Some(stream) = message["record"]["stream"].as_str() {
            *seen.entry(stream.to_owned()).or_default() += 1.0;
        }
        let state = &message["state"];
        if let Some(stream) = state["stream"]["stream_descriptor"]["name"].as_str() {
            states += 1;
            assert_eq!(state["sourceStats"]["recordCount"], json!(seen[stream]));
        }
    }
    assert_eq!(states, 3);
    assert!(
        seen.values()
            .all(|records| (*records - 10_000.0).abs() < 0.1)
    );
}
