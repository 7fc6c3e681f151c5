//! The speed mode: records over Unix sockets, and what happens if the destination does not do its
//! part.

mod endings;
mod records;
mod settings;

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::connector::{Connector, Outcome, catalog};
use crate::fake::{FakeTrino, end, rows};

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

/// The message of the only error, which is of this failure type.
#[track_caller]
fn only_error(outcome: &Outcome, failure_type: &str) -> String {
    assert_eq!(outcome.code, Some(1), "{}", outcome.stdout);
    let errors = outcome.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["failure_type"], failure_type);
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
