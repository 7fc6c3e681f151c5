//! Why prusto's own client is not used: its `QueryResult` turns a page that it cannot decode into
//! "no rows, no error" (`#[serde(flatten)]` on an `Option`, serde issue 1880). `DataSet` alone
//! reports the same page, and that is what `trino::control` uses.
//!
//! When `a_page_that_cannot_be_decoded_looks_empty` fails, prusto is fixed: take the new release,
//! read its changes (retries, cancelling, spooling), and weigh again whether `trino::control` may
//! use `QueryResult` in place of its own few lines. Tables are still read without it: its rows
//! are parsed values, which costs ten times what copying their bytes does.

use std::path::{Path, PathBuf};

use prusto::{DataSet, Presto, QueryResult};
use serde_json::{Value, json};

#[derive(Debug, Presto)]
struct Row {
    n: i64,
}

/// A page with one column of this type and these rows.
fn page(kind: &str, rows: &Value) -> Value {
    json!({
        "id": "q1",
        "infoUri": "http://h/ui",
        "columns": [{"name": "n", "type": kind, "typeSignature": {"rawType": kind, "arguments": []}}],
        "data": rows,
        "stats": {"state": "FINISHED", "queued": false, "scheduled": true, "nodes": 1, "totalSplits": 1,
            "queuedSplits": 0, "runningSplits": 0, "completedSplits": 1, "cpuTimeMillis": 1, "wallTimeMillis": 1,
            "queuedTimeMillis": 1, "elapsedTimeMillis": 1, "processedRows": 2, "processedBytes": 2,
            "peakMemoryBytes": 0, "spilledBytes": 0},
        "warnings": [],
    })
}

fn result(page: &Value) -> QueryResult<Row> {
    serde_json::from_str(&page.to_string()).unwrap()
}

/// The rows alone, as `trino::control` decodes them.
fn data_set(page: &Value) -> Result<DataSet<Row>, serde_json::Error> {
    let (columns, data) = (&page["columns"], &page["data"]);
    serde_json::from_str(&format!("{{\"columns\":{columns},\"data\":{data}}}"))
}

#[test]
fn a_good_page_is_decoded_by_both() {
    let good = page("bigint", &json!([[1], [2]]));
    let numbers = |set: DataSet<Row>| {
        set.into_vec()
            .into_iter()
            .map(|row| row.n)
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(result(&good).data_set.unwrap()), [1, 2]);
    assert_eq!(numbers(data_set(&good).unwrap()), [1, 2]);
}

#[test]
fn a_page_that_cannot_be_decoded_looks_empty() {
    let cases = [
        (
            "a null that the struct does not expect",
            page("bigint", &json!([[1], [null]])),
        ),
        (
            "a type that prusto does not know",
            page("HyperLogLog", &json!([["AgwBAA=="]])),
        ),
    ];
    for (name, bad) in cases {
        let result = result(&bad);
        assert!(
            result.data_set.is_none(),
            "{name}: prusto reports it now; see above"
        );
        assert!(result.error.is_none(), "{name}");
        assert!(data_set(&bad).is_err(), "{name}: DataSet must report it");
    }
}

#[test]
fn a_page_that_cannot_be_decoded_is_an_error_of_the_connector() {
    // The same null in the answer to a metadata query of the real executable.
    let trino = crate::fake::FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    let columns = [("name", "varchar")];
    let answer = crate::fake::Answer::small(&columns, json!([["s"], [null]]));
    trino.answer("information_schema.schemata", [answer]);
    let outcome = crate::connector::Connector::new("check")
        .config(&trino.config())
        .run();
    let (status, message) = outcome.status();
    assert_eq!(status, "FAILED");
    assert!(message.contains("not as expected"), "{message}");
}

#[test]
fn prusto_is_named_where_small_answers_are_decoded() {
    let using: Vec<PathBuf> = crate::architecture::sources()
        .into_iter()
        .filter(|(_, text)| crate::architecture::code(text).contains("prusto"))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(
        using,
        ["trino/answers.rs", "trino/control.rs"].map(Path::new)
    );
}
