//! Files and arguments as people and platforms really pass them.

use serde_json::{Value, json};

use crate::connector::{Connector, Outcome, catalog, each, read};
use crate::fake::{Answer, FakeTrino, Place, failed};

fn server() -> FakeTrino {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    trino
}

/// One ERROR trace of a person's mistake, and nothing read.
fn assert_refused(outcome: &Outcome, said: &[&str]) {
    assert_eq!(outcome.code, Some(1), "{}", outcome.stdout);
    assert_eq!(outcome.stderr, "");
    let errors = outcome.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["failure_type"], "config_error");
    let message = errors[0]["message"].as_str().unwrap();
    for part in said {
        assert!(message.contains(part), "no {part:?} in {message:?}");
    }
    let others = ["RECORD", "STATE", "CATALOG"];
    assert!(
        !outcome
            .messages()
            .iter()
            .any(|m| others.contains(&m["type"].as_str().unwrap()))
    );
}

#[test]
fn a_configuration_that_cannot_be_used_is_one_config_error() {
    let cases: &[(&str, &[&str])] = &[
        ("", &["configuration file", "cannot be used"]),
        ("{\"hostname\": ", &["configuration file", "cannot be used"]),
        ("[]", &["JSON object"]),
        (
            "{}",
            &["5 problems", "hostname", "username", "catalog", "schema"],
        ),
        (
            r#"{"hostname": "h", "username": "u", "catalog": "c", "schema": "s", "port": "x"}"#,
            &["port", "whole number"],
        ),
    ];
    // Of `{}` hostname, username, catalog and schema are missing.
    each(cases, |(text, said)| {
        let said: Vec<&str> = said
            .iter()
            .map(|s| if *s == "5 problems" { "4 problems" } else { s })
            .collect();
        let discover = Connector::new("discover").file("config", text).run();
        assert_refused(&discover, &said);
        let read = Connector::new("read")
            .file("config", text)
            .catalog(&catalog(&["t"]))
            .run();
        assert_refused(&read, &said);
    });
}

#[test]
fn check_tells_an_unreadable_configuration_from_a_wrong_one() {
    let missing = || {
        Connector::new("check")
            .arg("--config")
            .arg("/no/such/file.json")
            .run()
    };
    let broken = || Connector::new("check").file("config", "{").run();
    for outcome in [missing(), broken()] {
        assert_eq!(outcome.code, Some(1));
        assert_eq!(outcome.errors().len(), 1);
        assert_eq!(outcome.errors()[0]["failure_type"], "config_error");
        assert_eq!(outcome.status().0, "FAILED");
    }
    let wrong = Connector::new("check").file("config", "{}").run();
    assert_eq!(wrong.code, Some(0));
    assert!(wrong.errors().is_empty());
    assert_eq!(wrong.status().0, "FAILED");
}

#[test]
fn a_catalog_that_cannot_be_used_is_one_config_error() {
    let stream = |changes: Value| {
        let mut stream =
            json!({"stream": {"name": "t", "json_schema": {}}, "sync_mode": "full_refresh"});
        for (name, value) in changes.as_object().unwrap() {
            stream[name] = value.clone();
        }
        stream
    };
    let one = |stream: Value| json!({"streams": [stream]}).to_string();
    let twice = json!({"streams": [stream(json!({})), stream(json!({}))]}).to_string();
    let cases: &[(String, &[&str])] = &[
        (String::new(), &["catalog file"]),
        ("{\"streams\": [".into(), &["catalog file"]),
        ("{}".into(), &["streams"]),
        ("[]".into(), &["catalog file"]),
        (one(stream(json!({"sync_mode": "INVALID"}))), &["INVALID"]),
        (one(json!({"stream": {"name": "t"}})), &["sync_mode"]),
        (one(json!({"sync_mode": "full_refresh"})), &["stream"]),
        (
            one(stream(json!({"stream": {"json_schema": {}}}))),
            &["name"],
        ),
        (twice, &["\"t\"", "more than once"]),
    ];
    each(cases, |(text, said)| {
        let trino = server();
        let outcome = Connector::new("read")
            .config(&trino.config())
            .file("catalog", text)
            .run();
        assert_refused(&outcome, said);
    });
}

#[test]
fn hand_written_catalogs_are_read() {
    let cases = [
        json!({"streams": [{"stream": {"name": "t"}, "sync_mode": "full_refresh"}]}),
        json!({"streams": [{"stream": {"name": "t", "namespace": null, "json_schema": null}, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}]}),
        json!({"streams": [{"stream": {"name": "t", "json_schema": {"$schema": "", "properties": {"n": {"type": "integer"}}}, "new_member": [1]},
            "sync_mode": "full_refresh", "destination_sync_mode": "overwrite_dedup", "generation_id": 7, "cursor_field": null, "primary_key": null}], "more": 1}),
    ];
    each(&cases, |catalog| {
        let trino = server();
        let outcome = Connector::new("read")
            .config(&trino.config())
            .catalog(catalog)
            .run();
        assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
        outcome.assert_complete("t", &[1]);
    });
}

#[test]
fn an_empty_catalog_reads_nothing_and_succeeds() {
    let trino = server();
    let outcome = Connector::new("read")
        .config(&trino.config())
        .catalog(&json!({"streams": []}))
        .run();
    assert_eq!(outcome.code, Some(0));
    assert!(outcome.errors().is_empty());
    assert_eq!(
        outcome.warnings(),
        ["the configured catalog has no streams, so nothing is read"]
    );
}

#[test]
fn a_state_that_is_not_json_is_one_config_error() {
    let trino = server();
    let outcome = read(&trino, &["t"]).file("state", "{\"stream").run();
    assert_refused(&outcome, &["state file"]);
    let missing = read(&trino, &["t"])
        .arg("--state")
        .arg("/no/such/state.json")
        .run();
    assert_refused(&missing, &["state file"]);
}

#[test]
fn any_other_state_is_accepted_and_a_finished_full_refresh_reads_again() {
    let finished = r#"[{"type":"STREAM","stream":{"stream_descriptor":{"name":"t","namespace":"s"},
        "stream_state":{"version":1,"mode":"full_refresh","finished_at_ms":1}}}]"#;
    let cases = [
        "",
        "[]",
        "{}",
        "null",
        "[null, {}]",
        finished,
        r#"[{"type":"GLOBAL","global":{"shared_state":{"a":1},"stream_states":[]}}]"#,
        r#"{"t":{"cursor":"5"}}"#,
        r#"[{"type":"STREAM","stream":{"stream_descriptor":{"name":"t"},"stream_state":{"version":99,"x":[]}}},
            {"type":"STREAM","stream":{"stream_descriptor":{"name":"t"},"stream_state":null},"global_":null,"global_":null}]"#,
    ];
    each(&cases, |state| {
        let trino = server();
        let run = read(&trino, &["t"]).file("state", state).below_platform();
        let outcome = run.run();
        assert_eq!(outcome.code, Some(0), "{state}: {}", outcome.stdout);
        outcome.assert_complete("t", &[1]);
    });
}

#[test]
fn standard_input_works_as_a_file() {
    let trino = server();
    for name in ["-", "/dev/stdin"] {
        let outcome = Connector::new("check")
            .arg("--config")
            .arg(name)
            .input(trino.config().to_string())
            .run();
        assert_eq!(
            outcome.status().0,
            "SUCCEEDED",
            "{name}: {}",
            outcome.stdout
        );
    }
}

#[test]
fn arguments_of_a_later_platform_are_ignored_with_a_warning() {
    let trino = server();
    let outcome = read(&trino, &["t"])
        .arg("--new-option")
        .arg("--other=7")
        .run();
    assert_eq!(outcome.code, Some(0));
    outcome.assert_complete("t", &[1]);
    assert_eq!(outcome.warnings().len(), 2);
}

#[test]
fn a_wrong_command_line_is_told_on_stderr() {
    let cases: &[&[&str]] = &[
        &["read", "--config", "c.json"],
        &["check"],
        &["write"],
        &["discover", "--config", "c", "--streams", "a"],
    ];
    for args in cases {
        let mut run = Connector::new(args[0]);
        for arg in &args[1..] {
            run = run.arg(arg);
        }
        let outcome = run.run();
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (Some(2), ""),
            "{args:?}"
        );
        assert!(
            outcome.stderr.contains("Usage: source-trino"),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn help_and_version_are_for_people() {
    let help = Connector::new("--help").run();
    assert_eq!(help.code, Some(0));
    assert!(help.stdout.contains("Examples:"), "{}", help.stdout);
    let version = Connector::new("--version").run();
    assert_eq!(
        version.stdout,
        concat!("source-trino ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn json_in_place_of_a_file_is_not_repeated() {
    let outcome = Connector::new("check")
        .arg("--config")
        .arg("{\"hostname\":\"h\",\"password\":\"SECRET\"}")
        .run();
    assert_ne!(outcome.code, Some(0));
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    let advice = "Give the name of the configuration file";
    assert!(said.contains(advice), "{said}");
    assert!(!said.contains("SECRET"), "{said}");
}

/// `read` by the cursor `n` with a state whose cursor is this.
fn read_from(trino: &FakeTrino, cursor: &Value) -> Outcome {
    let stream = json!({"stream_descriptor": {"name": "t", "namespace": "s"}, "stream_state":
        {"version": 4, "mode": "cursor", "cursor_field": ["n"], "cursor_type": "bigint",
        "synced": true, "cursor": cursor}});
    let mut catalog = catalog(&["t"]);
    catalog["streams"][0]["sync_mode"] = json!("incremental");
    catalog["streams"][0]["cursor_field"] = json!(["n"]);
    let state = json!([{"type": "STREAM", "stream": stream}]);
    let run = Connector::new("read").config(&trino.config());
    let run = run.catalog(&catalog).file("state", state.to_string());
    run.run()
}

#[test]
fn a_cursor_in_a_state_that_is_no_value_of_its_column_blames_the_state() {
    let trino = server();
    let refusal = "Cannot cast 'abc' to BIGINT";
    let refusal = failed("INVALID_CAST_ARGUMENT", "USER_ERROR", refusal);
    trino.answer("'abc'", [Answer::new(&[], [refusal])]);
    let error = read_from(&trino, &json!("abc")).assert_failed("t");
    assert_eq!(error["failure_type"], "config_error");
    let message = error["message"].as_str().unwrap();
    for said in [
        "\"s.t\"",
        "its state",
        "\"n\" of type bigint",
        "clear the stream",
    ] {
        assert!(message.contains(said), "{message}");
    }
    assert!(!message.contains("abc"), "{message}");
}

#[test]
fn a_cursor_in_a_state_that_is_a_number_is_used() {
    let trino = server();
    read_from(&trino, &json!(24));
    assert!(!trino.asked("\"n\" > 24", Place::Post).is_empty());
}

#[test]
fn entries_that_are_no_state_of_a_stream_are_counted() {
    let used = r#"{"stream":{"stream_descriptor":{"name":"t","namespace":"s"},"stream_state":{}}}"#;
    for (others, said) in [
        (
            "5",
            "the state has 1 entry that is not of a stream and had no effect",
        ),
        (
            "5, 6",
            "the state has 2 entries that are not of a stream and had no effect",
        ),
    ] {
        let trino = server();
        let run = read(&trino, &["t"]).below_platform();
        let outcome = run.file("state", format!("[{used}, {others}]")).run();
        outcome.assert_complete("t", &[1]);
        assert!(
            outcome.warnings().contains(&said.to_owned()),
            "{}",
            outcome.stdout
        );
    }
}
