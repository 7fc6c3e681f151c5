//! Configured catalogs and states as clients and people write them.

use serde_json::{Value, json};

use crate::connector::{Connector, Outcome, each};
use crate::fake::{Answer, FakeTrino};

fn server() -> FakeTrino {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    trino.numbers("u", &[&[2]]);
    trino
}

fn read(trino: &FakeTrino, streams: &[Value]) -> Connector {
    Connector::new("read")
        .config(&trino.config())
        .catalog(&json!({"streams": streams}))
}

/// A stream that is read whole, of this name and namespace.
fn whole(stream: Value) -> Value {
    let mut entry = json!({"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"});
    entry["stream"] = stream;
    entry
}

fn logged(outcome: &Outcome, level: &str, part: &str) -> bool {
    outcome.messages().iter().any(|message| {
        let text = message["log"]["message"].as_str().unwrap_or_default();
        message["log"]["level"] == level && text.contains(part)
    })
}

/// A state file of this stream. Its content is of no release, so that a read says so if, and only
/// if, it takes it for the stream's.
fn state(descriptor: &Value) -> String {
    let stream = json!({"stream_descriptor": descriptor, "stream_state": {"cursor": "2020"}});
    json!([{"type": "STREAM", "stream": stream}]).to_string()
}

fn takes_its_state(outcome: &Outcome) -> bool {
    logged(outcome, "WARN", "its state is not one of this connector")
}

/// All forms of no namespace.
fn without_namespace(name: &str) -> [Value; 3] {
    [
        json!({"name": name}),
        json!({"name": name, "namespace": null}),
        json!({"name": name, "namespace": ""}),
    ]
}

#[test]
fn empty_null_and_absent_namespaces_are_one_in_catalog_and_state() {
    for of_state in without_namespace("t") {
        for of_catalog in without_namespace("t") {
            let trino = server();
            let outcome = read(&trino, &[whole(of_catalog.clone())])
                .file("state", state(&of_state))
                .run();
            outcome.assert_complete("t", &[1]);
            assert!(takes_its_state(&outcome), "{of_state} {of_catalog}");
            // All messages have the catalog's own form.
            let carried = of_catalog.get("namespace").filter(|form| !form.is_null());
            let mut descriptors = 0;
            for message in outcome.messages() {
                for path in [
                    "/record",
                    "/state/stream/stream_descriptor",
                    "/trace/stream_status/stream_descriptor",
                    "/trace/estimate",
                ] {
                    if let Some(descriptor) = message.pointer(path) {
                        assert_eq!(descriptor.get("namespace"), carried, "{message}");
                        descriptors += 1;
                    }
                }
            }
            assert!(descriptors >= 5, "{descriptors}");
        }
    }
}

#[test]
fn a_query_may_have_an_empty_namespace() {
    for descriptor in without_namespace("q") {
        let trino = server();
        trino.answer(
            "SELECT 7 AS n",
            [Answer::small(&[("n", "bigint")], json!([[7]]))],
        );
        let mut config = trino.config();
        config["queries"] = json!([{"name": "q", "sql": "SELECT 7 AS n"}]);
        let outcome = Connector::new("read")
            .config(&config)
            .catalog(&json!({"streams": [whole(descriptor)]}))
            .run();
        assert_eq!(outcome.numbers("q"), [7], "{}", outcome.stdout);
        assert_eq!(outcome.code, Some(0));
    }
}

#[test]
fn one_stream_twice_is_refused_in_all_forms_of_its_namespace() {
    let [absent, null, empty] = without_namespace("t");
    for twice in [[absent.clone(), null], [absent, empty]] {
        let trino = server();
        let outcome = read(&trino, &twice.map(whole)).run();
        assert_eq!(outcome.code, Some(1));
        let errors = outcome.errors();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0]["message"]
                .as_str()
                .unwrap()
                .contains("more than once")
        );
        assert!(outcome.records("t").is_empty());
    }
}

#[test]
fn one_table_with_and_without_its_namespace_is_two_streams() {
    let trino = server();
    let streams = [
        json!({"name": "t", "namespace": "s"}),
        json!({"name": "t"}),
        json!({"name": "T"}),
    ];
    let outcome = read(&trino, &streams.map(whole)).run();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
    let complete: Vec<Value> = outcome
        .messages()
        .into_iter()
        .map(|mut message| message["trace"]["stream_status"].take())
        .filter(|status| status["status"] == "COMPLETE")
        .map(|mut status| status["stream_descriptor"].take())
        .collect();
    assert_eq!(complete.len(), 3, "{complete:?}");
    assert_eq!(outcome.numbers("t"), [1, 1]);
    assert_eq!(outcome.numbers("T"), [1]);
}

#[test]
fn names_in_capital_letters_are_found_and_kept() {
    let trino = server();
    let outcome = read(&trino, &[whole(json!({"name": "T", "namespace": "S"}))]).run();
    outcome.assert_complete("T", &[1]);
    let mut records = outcome.messages();
    records.retain(|message| message["type"] == "RECORD");
    assert_eq!(records[0]["record"]["namespace"], "S");
}

#[test]
fn what_is_wrong_with_one_stream_stops_no_other() {
    let trino = server();
    let mut incremental = whole(json!({"name": "u", "namespace": "s"}));
    incremental["sync_mode"] = json!("incremental");
    incremental["cursor_field"] = json!(7);
    let mut unknown = whole(json!({"name": "v"}));
    unknown["sync_mode"] = json!("cdc");
    let streams = [
        incremental,
        unknown,
        whole(json!({"namespace": "s"})),
        whole(json!({"name": "t", "namespace": "s"})),
    ];
    let outcome = read(&trino, &streams).run();
    assert_eq!(outcome.code, Some(1));
    assert_eq!(outcome.numbers("t"), [1]);
    assert_eq!(outcome.statuses("t"), ["STARTED", "RUNNING", "COMPLETE"]);
    let error = outcome.assert_failed("u");
    assert_eq!(error["failure_type"], "config_error");
    assert_eq!(
        error["message"],
        "Stream \"s.u\": \"cursor_field\" of the configured catalog must be a list of column names, not a number."
    );
    let error = outcome.assert_failed("v");
    assert!(
        error["message"].as_str().unwrap().contains("\"cdc\""),
        "{error}"
    );
    let errors = outcome.errors();
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert_eq!(
        errors[2]["message"],
        "stream 3 of the configured catalog: \"stream.name\" is missing."
    );
}

#[test]
fn fields_that_read_does_not_look_at_cannot_fail_it() {
    let cases = [
        json!({"destination_sync_mode": null}),
        json!({"destination_sync_mode": 7, "sync_id": "x", "generation_id": null}),
        json!({"cursor_field": "n", "primary_key": "n"}),
        json!({"cursor_field": {"a": 1}, "primary_key": ["n"]}),
        json!({"supported_sync_modes": ["full_refresh", "later"]}),
        json!({"supported_sync_modes": null, "source_defined_primary_key": ["n"]}),
        json!({"source_defined_primary_key": "n", "default_cursor_field": "n", "is_resumable": "x"}),
    ];
    each(&cases, |changes| {
        let trino = server();
        let mut stream = whole(json!({"name": "t", "namespace": "s"}));
        for (name, value) in changes.as_object().unwrap() {
            stream[name] = value.clone();
            stream["stream"][name] = value.clone();
        }
        let outcome = read(&trino, &[stream]).run();
        assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
        outcome.assert_complete("t", &[1]);
    });
}

#[test]
fn text_for_a_list_of_columns_is_understood() {
    let cases = [
        json!({"cursor_field": "n", "primary_key": "n"}),
        json!({"cursor_field": ["n"], "primary_key": ["n"]}),
        json!({"cursor_field": ["", "n"], "primary_key": [["n"], []]}),
    ];
    each(&cases, |changes| {
        let trino = server();
        let mut stream = whole(json!({"name": "t", "namespace": "s"}));
        stream["sync_mode"] = json!("incremental");
        for (name, value) in changes.as_object().unwrap() {
            stream[name] = value.clone();
        }
        let outcome = read(&trino, &[stream]).run();
        assert!(!logged(&outcome, "WARN", "no cursor"), "{}", outcome.stdout);
        let sql = trino.requests().into_iter().map(|request| request.sql);
        let sql: String = sql.collect();
        assert!(sql.contains("max(\"n\")"), "{changes}: {sql}");
    });
}

#[test]
fn a_catalog_of_discover_is_one_error_with_the_way_out() {
    let trino = server();
    let streams = json!([{"name": "t", "json_schema": {}}, {"name": "u", "json_schema": {}}]);
    let outcome = read(&trino, streams.as_array().unwrap()).run();
    assert_eq!(outcome.code, Some(1));
    let errors = outcome.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let message = errors[0]["message"].as_str().unwrap();
    assert!(message.contains("discover --configured"), "{message}");
}

#[test]
fn the_state_lines_of_an_earlier_run_are_a_state() {
    let trino = server();
    let line = |name: &str, content: Value| {
        let stream =
            json!({"stream_descriptor": {"name": name, "namespace": "s"}, "stream_state": content});
        json!({"type": "STATE", "state": {"type": "STREAM", "stream": stream}}).to_string()
    };
    let finished = json!({"version": 1, "mode": "full_refresh", "finished_at_ms": 1});
    // The last one of a stream counts.
    let lines = [
        line("t", json!({"cursor": "2020"})),
        line("u", finished.clone()),
        line("t", finished),
        line("u", json!({"cursor": "2020"})),
    ];
    let streams = ["t", "u"].map(|name| whole(json!({"name": name, "namespace": "s"})));
    let outcome = read(&trino, &streams)
        .file("state", &(lines.join("\n") + "\n"))
        .run();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
    assert!(
        logged(&outcome, "WARN", "stream \"s.u\" starts anew"),
        "{}",
        outcome.stdout
    );
    assert!(
        !logged(&outcome, "WARN", "stream \"s.t\""),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_state_that_matches_no_stream_is_said() {
    let other = json!({"name": "t", "namespace": "other"});
    let run = |stream: Value| {
        let trino = server();
        read(&trino, &[whole(stream)])
            .file("state", state(&other))
            .below_platform()
            .run()
    };
    let same_name = run(json!({"name": "t", "namespace": "s"}));
    assert_eq!(same_name.code, Some(0));
    assert!(
        logged(
            &same_name,
            "WARN",
            "the state of stream \"other.t\" is not used"
        ),
        "{}",
        same_name.stdout
    );
    // The platform keeps states of streams that were deselected.
    let deselected = run(json!({"name": "u", "namespace": "s"}));
    assert!(
        !logged(&deselected, "WARN", "not used"),
        "{}",
        deselected.stdout
    );
    assert!(
        logged(&deselected, "INFO", "does not have: 1"),
        "{}",
        deselected.stdout
    );
}
