//! The statement protocol: which answers are rows, which are the end, and which are failures.

use serde_json::{Value, json};

use crate::connector::{each, read};
use crate::fake::{Answer, FakeTrino, Place, Step, end, failed, from, nothing, rows, text};

const N: &[(&str, &str)] = &[("n", "bigint")];

fn internal(name: &str) -> Step {
    failed(name, "INTERNAL_ERROR", "scripted failure")
}

#[test]
fn every_order_of_pages_gives_every_row_once() {
    let cases: &[(&str, Vec<Step>)] = &[
        (
            "rows come with the end",
            vec![
                rows(json!([[1], [2]])),
                rows(json!([[3]])).state("FINISHED"),
            ],
        ),
        (
            "nextUri goes on although the state is FINISHED",
            vec![
                rows(json!([[1]])),
                nothing().state("FINISHED"),
                rows(json!([[2]])).state("FINISHED"),
                nothing().state("FINISHED"),
                rows(json!([[3]])).state("FINISHED"),
            ],
        ),
        (
            "pages without rows",
            vec![
                nothing(),
                rows(json!([[1]])),
                nothing(),
                nothing(),
                rows(json!([[2], [3]])),
                nothing(),
                end(),
            ],
        ),
        (
            "columns come late",
            vec![
                nothing().without_columns().state("WAITING_FOR_RESOURCES"),
                nothing().without_columns().state("PLANNING"),
                nothing(),
                rows(json!([[1], [2], [3]])),
                end(),
            ],
        ),
        (
            "columns come only once",
            vec![
                nothing(),
                rows(json!([[1]])).without_columns(),
                rows(json!([[2], [3]])).without_columns(),
                end().without_columns(),
            ],
        ),
        (
            "empty arrays of rows",
            vec![
                rows(json!([])),
                rows(json!([[1], [2], [3]])),
                rows(json!([])).state("FINISHED"),
            ],
        ),
        (
            "null for rows",
            vec![
                text("null"),
                rows(json!([[1], [2], [3]])),
                text("null").state("FINISHED"),
            ],
        ),
        (
            "blanks and line ends everywhere",
            vec![
                nothing().spaced(),
                text("[ [ 1 ]\r\n,\t[\n2 ] , [3 ] ]").spaced(),
                end().spaced(),
            ],
        ),
        (
            "a state that is not known",
            vec![
                rows(json!([[1], [2], [3]])).state("FINISHING_TOUCHES"),
                end(),
            ],
        ),
    ];
    each(cases, |(name, steps)| {
        let trino = FakeTrino::start();
        trino.table("t", N, steps.clone());
        let outcome = read(&trino, &["t"]).run();
        assert_eq!(outcome.code, Some(0), "{name}: {}", outcome.stdout);
        outcome.assert_complete("t", &[1, 2, 3]);
        let last = trino.asked(&from("t"), Place::Page(steps.len() - 1));
        assert_eq!(last.len(), 1, "{name}: the last page was not fetched");
    });
}

#[test]
fn a_table_without_rows_is_complete() {
    let trino = FakeTrino::start();
    trino.table("t", N, [end()]);
    let outcome = read(&trino, &["t"]).run();
    assert_eq!(outcome.code, Some(0));
    outcome.assert_complete("t", &[]);
}

#[test]
fn a_stream_that_fails_says_why_and_leaves_the_others_alone() {
    // Name, pages, numbers that arrive, what the error says.
    type Case = (
        &'static str,
        Vec<Step>,
        &'static [u64],
        &'static [&'static str],
    );
    const MESSAGE: &str = "Value 7 exceeds the scripted limit";
    let cases: &[Case] = &[
        (
            "an error after rows",
            vec![
                rows(json!([[1], [2]])),
                failed("GENERIC_USER_ERROR", "USER_ERROR", MESSAGE),
            ],
            &[1, 2],
            &[MESSAGE, "GENERIC_USER_ERROR"],
        ),
        (
            "an error beside rows and with a nextUri",
            vec![
                rows(json!([[1]])),
                internal("COMPILER_ERROR"),
                rows(json!([[9]])),
                end(),
            ],
            &[1],
            &["scripted failure", "COMPILER_ERROR"],
        ),
        (
            "an error in the last page",
            vec![
                rows(json!([[1]])),
                nothing().state("FINISHED"),
                internal("SERIALIZATION_ERROR").state("FINISHED"),
            ],
            &[1],
            &["SERIALIZATION_ERROR"],
        ),
        (
            "no nextUri while the query still runs",
            vec![rows(json!([[1]])), nothing().state("RUNNING")],
            &[1],
            &["RUNNING"],
        ),
        (
            "state FAILED without an error",
            vec![rows(json!([[1]])), nothing().state("FAILED")],
            &[1],
            &["FAILED"],
        ),
        (
            "rows before the columns are known",
            vec![rows(json!([[1]])).without_columns(), end()],
            &[],
            &["columns"],
        ),
        (
            "a row with too many values",
            vec![rows(json!([[1]])), rows(json!([[2], [3, 4]])), end()],
            &[1],
            &["row 2", "2 values"],
        ),
        (
            "a row without values",
            vec![rows(json!([[1]])), rows(json!([[]])), end()],
            &[1],
            &["row 1", "0 values"],
        ),
        (
            "rows that are not arrays",
            vec![rows(json!([[1]])), rows(json!([7])), end()],
            &[1],
            &["row 1"],
        ),
        (
            "a value that is not of its type",
            vec![rows(json!([[1]])), rows(json!([[{"a": 1}]])), end()],
            &[1],
            &["row 1", "\"n\""],
        ),
    ];
    each(cases, |(name, steps, before, said)| {
        let trino = FakeTrino::start();
        trino.numbers("before", &[&[10]]);
        trino.table("bad", N, steps.clone());
        trino.numbers("behind", &[&[20], &[30]]);
        let outcome = read(&trino, &["before", "bad", "behind"]).run();
        let error = outcome.assert_failed("bad");
        assert_eq!(outcome.numbers("bad"), *before, "{name}");
        outcome.assert_complete("before", &[10]);
        outcome.assert_complete("behind", &[20, 30]);
        assert_eq!(outcome.errors().len(), 1, "{name}");
        let query = trino.asked(&from("bad"), Place::Queued)[0].query.unwrap();
        let text = |name| error[name].as_str().unwrap_or_default();
        let error = format!("{} [{}]", text("message"), text("internal_message"));
        assert!(
            error.contains(&format!("q{query}")),
            "{name}: no query id: {error}"
        );
        for part in *said {
            assert!(error.contains(part), "{name}: no {part:?}: {error}");
        }
        assert!(!error.contains("Never.java"), "{name}: a stack: {error}");
        let posts = trino.asked(&from("bad"), Place::Post).len();
        assert_eq!(posts, 1, "{name}: such a query is not run again");
    });
}

/// `data` of the spooled protocol: rows as base64 and what the server says of them.
fn inline(encoding: &str, data: &str, metadata: &Value) -> Step {
    let segment = json!({"type": "inline", "data": data, "metadata": metadata});
    text(json!({"encoding": encoding, "segments": [segment]}).to_string())
}

#[test]
fn direct_and_spooled_pages_may_come_in_one_result() {
    // [[2],[3]] and [[4]]
    let metadata = |offset: u64, rows: u64, size: u64| json!({"rowOffset": offset, "rowsCount": rows, "segmentSize": size});
    let trino = FakeTrino::start();
    trino.table(
        "t",
        N,
        [
            inline("json", "W1syXSxbM11d", &metadata(0, 2, 9)),
            nothing(),
            inline("json", "W1s0XV0=", &metadata(2, 1, 5)),
            end(),
        ],
    );
    trino.numbers("direct", &[&[1]]);
    let outcome = read(&trino, &["t", "direct"]).run();
    outcome.assert_complete("t", &[2, 3, 4]);
    outcome.assert_complete("direct", &[1]);
}

#[test]
fn spooled_rows_that_do_not_add_up_fail_the_stream() {
    let good = "W1syXSxbM11d";
    let cases = [
        (
            "json",
            good,
            json!({"rowOffset": 0, "rowsCount": 3, "segmentSize": 9}),
        ),
        (
            "json",
            good,
            json!({"rowOffset": 1, "rowsCount": 2, "segmentSize": 9}),
        ),
        (
            "json",
            good,
            json!({"rowOffset": 0, "rowsCount": 2, "segmentSize": 8}),
        ),
        (
            "json",
            "W1syXSxb",
            json!({"rowOffset": 0, "rowsCount": 2, "segmentSize": 6}),
        ),
        (
            "json",
            "!!",
            json!({"rowOffset": 0, "rowsCount": 2, "segmentSize": 9}),
        ),
        (
            "json+snappy",
            good,
            json!({"rowOffset": 0, "rowsCount": 2, "segmentSize": 9}),
        ),
        (
            "json+zstd",
            good,
            json!({"rowOffset": 0, "rowsCount": 2, "segmentSize": 9, "uncompressedSize": 9}),
        ),
    ];
    each(&cases, |(encoding, data, metadata)| {
        let trino = FakeTrino::start();
        trino.table("t", N, [inline(encoding, data, metadata), end()]);
        let outcome = read(&trino, &["t"]).run();
        outcome.assert_failed("t");
    });
}

#[test]
fn a_next_uri_that_is_no_url_fails_the_stream() {
    let trino = FakeTrino::start();
    let away = nothing().next("/v1/statement/1");
    trino.table("t", N, [rows(json!([[1]])), away, end()]);
    let outcome = read(&trino, &["t"]).run();
    let error = outcome.assert_failed("t").to_string();
    assert!(error.contains("nextUri"), "{error}");
}

#[test]
fn next_uri_is_followed_as_it_is() {
    let odd = "/a%20b/y;p=1/~x?targetResultSize=1MB&q=%2Fz+%7e&&empty=&r=a=b";
    let trino = FakeTrino::start();
    let first = rows(json!([[1]])).next(format!("{}{odd}", trino.base()));
    trino.table("t", N, [first, end()]);
    trino.fixed(
        odd,
        r#"{"id":"other","columns":[{"name":"n","type":"bigint"}],"data":[[2]],"stats":{"state":"FINISHED"}}"#,
    );
    let outcome = read(&trino, &["t"]).run();
    outcome.assert_complete("t", &[1, 2]);
    assert!(trino.requests().iter().any(|r| r.target == odd));
}

#[test]
fn bytes_that_are_no_utf8_become_the_replacement_character() {
    let trino = FakeTrino::start();
    let columns = [("n", "bigint"), ("x", "varchar")];
    trino.table(
        "t",
        &columns,
        [text(b"[[1,\"a\xffb\"],[2,\"c\"]]".as_slice()), end()],
    );
    let outcome = read(&trino, &["t"]).run();
    outcome.assert_complete("t", &[1, 2]);
    let records = outcome.records("t");
    assert_eq!(records[0]["x"], "a\u{fffd}b");
    let marked = outcome
        .messages()
        .into_iter()
        .find(|m| m["type"] == "RECORD")
        .unwrap();
    assert_eq!(marked["record"]["meta"]["changes"][0]["field"], "x");
}

#[test]
fn a_value_larger_than_any_buffer_arrives_whole() {
    let long = "ab\u{e9}\"\\".repeat(400_000);
    let trino = FakeTrino::start();
    let columns = [("n", "bigint"), ("x", "varchar")];
    trino.table(
        "t",
        &columns,
        [rows(json!([[1, long], [2, "short"]])), end()],
    );
    let outcome = read(&trino, &["t"]).run();
    outcome.assert_complete("t", &[1, 2]);
    assert_eq!(outcome.records("t")[0]["x"].as_str(), Some(long.as_str()));
}

#[test]
fn answers_in_a_tight_loop_do_not_end_in_a_busy_loop() {
    // Trino before 484 may answer like this after the end of a query (#31431).
    let trino = FakeTrino::start();
    let steps = std::iter::repeat_with(nothing)
        .take(70)
        .chain([rows(json!([[1]])), end()]);
    trino.table("t", N, steps);
    let outcome = read(&trino, &["t"]).run();
    outcome.assert_complete("t", &[1]);
    let pages = trino.requests();
    let pages: Vec<_> = pages
        .iter()
        .filter(|r| matches!(r.place, Some(Place::Page(11..=70))))
        .collect();
    let took = pages.last().unwrap().at - pages[0].at;
    // An answer takes a millisecond, and 50 where it is slowed down; on a busy machine some are
    // slow by themselves.
    assert!(took.as_millis() >= 500, "60 answers in {took:?}");
}

#[test]
fn a_wide_answer_keeps_each_value_in_its_column() {
    let names: Vec<String> = (0..300).map(|n| format!("c{n:03}")).collect();
    let columns: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "bigint")).collect();
    let row: Vec<u64> = (0..300).collect();
    let trino = FakeTrino::start();
    trino.add_table("t", Answer::small(&columns, json!([row])));
    let outcome = read(&trino, &["t"]).run();
    let record = outcome.records("t").remove(0);
    for (at, name) in names.iter().enumerate() {
        assert_eq!(record[name], json!(at));
    }
}
