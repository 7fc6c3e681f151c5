//! The spooled protocol: segments in answers, with the coordinator, with workers, in a storage.
//!
//! The compressed segments are files made by other implementations (tests/fixtures/segments).

mod choice;
mod content;
mod downloads;
mod places;

use std::ops::Range;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::connector::{Connector, Outcome, catalog, with};
use crate::fake::{FakeTrino, Object, Place, Request, Step, from, text};

const N: &[(&str, &str)] = &[("n", "bigint")];

const LOW: Range<u64> = 0..1500;
const HIGH: Range<u64> = 1500..3000;
const LOW_LZ4: &[u8] = include_bytes!("../../fixtures/segments/low.lz4");
const HIGH_LZ4: &[u8] = include_bytes!("../../fixtures/segments/high.lz4");
const LOW_ZSTD: &[u8] = include_bytes!("../../fixtures/segments/low.zst");
const HIGH_ZSTD: &[u8] = include_bytes!("../../fixtures/segments/high.zst");

/// Rows of one number each, as JSON.
fn plain(numbers: Range<u64>) -> Vec<u8> {
    numbers
        .map(|n| json!([n]))
        .collect::<Value>()
        .to_string()
        .into_bytes()
}

/// What Trino says of a segment that is not compressed.
fn metadata(numbers: &Range<u64>, stored: &[u8]) -> Value {
    json!({"rowOffset": numbers.start, "rowsCount": numbers.end - numbers.start,
        "segmentSize": stored.len(), "expiresAt": "2026-11-23T11:40:02.862473024"})
}

/// What Trino says of one that is.
fn packed(numbers: &Range<u64>, stored: &[u8]) -> Value {
    let size = plain(numbers.clone()).len();
    with(
        metadata(numbers, stored),
        &json!({"uncompressedSize": size}),
    )
}

fn inline(stored: &[u8], metadata: &Value) -> Value {
    let data = base64::engine::general_purpose::STANDARD.encode(stored);
    json!({"type": "inline", "data": data, "metadata": metadata})
}

/// A segment at a URL, which is acknowledged at `/ack` of the coordinator.
fn spooled(trino: &FakeTrino, uri: &str, metadata: &Value) -> Value {
    json!({"type": "spooled", "uri": uri, "ackUri": trino.put("/ack", [Object::new("")]),
        "headers": {"x-key": ["one"], "x-keys": ["a", "b"]}, "metadata": metadata})
}

/// A page of segments.
fn page(encoding: &str, segments: &[Value]) -> Step {
    text(json!({"encoding": encoding, "segments": segments}).to_string())
}

fn assert_complete(outcome: &Outcome, numbers: Range<u64>) {
    outcome.assert_complete("t", &numbers.collect::<Vec<_>>());
}

#[track_caller]
fn assert_names_the_setting(error: &Value) {
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("\"fetch_protocol\""), "{error}");
}

/// Reads the only table, with some settings.
fn read_with(trino: &FakeTrino, settings: &Value) -> Outcome {
    let config = with(trino.config(), settings);
    let run = Connector::new("read").config(&config);
    run.catalog(&catalog(&["t"])).run()
}

fn to(requests: &[Request], target: &str) -> Vec<Request> {
    let requests = requests.iter().filter(|r| r.target.starts_with(target));
    requests.cloned().collect()
}

/// Posts of the query that reads the table.
fn posts(trino: &FakeTrino) -> Vec<Request> {
    trino.asked(&from("t"), Place::Post)
}
