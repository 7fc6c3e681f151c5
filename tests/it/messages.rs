//! The exact messages of every command.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::connector::{Connector, catalog, each, read, with};
use crate::fake::{Answer, Fault, Place};
use crate::fake::{FakeTrino, end, failed, metadata, nothing, rows};

/// A server with a few tables.
fn shop() -> FakeTrino {
    let trino = FakeTrino::start();
    trino.table(
        "customer",
        &[
            ("id", "bigint"),
            ("name", "varchar(25)"),
            ("balance", "decimal(12, 2)"),
        ],
        [
            rows(json!([[1, "Ann \"A\"", "10.50"], [2, "日本\n", "-0.01"]])),
            rows(json!([[3, null, "99999999999.99"]])),
            end(),
        ],
    );
    trino.table(
        "odd \"name\".x",
        &[
            ("Ratio", "double"),
            ("at", "timestamp(12)"),
            ("zoned", "timestamp(3) with time zone"),
            ("j", "json"),
            ("list", "array(varchar)"),
            ("what", "some_new_type(3)"),
        ],
        [
            rows(json!([
                [
                    1.5,
                    "2020-01-02 03:04:05.123456789012",
                    "2020-01-02 03:04:05.123 UTC",
                    "{\"a\": [1]}",
                    ["x", null],
                    "w"
                ],
                ["NaN", null, null, null, null, null]
            ])),
            end(),
        ],
    );
    trino
}

fn check(config: &Value) -> Connector {
    Connector::new("check").config(config)
}

#[test]
fn spec_is_one_message_on_the_first_line() {
    let outcome = Connector::new("spec").run();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    let messages = outcome.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["type"], "SPEC");
    let file: Value = serde_json::from_str(include_str!("../../spec.json")).unwrap();
    assert_eq!(messages[0]["spec"], file);
}

#[test]
fn spec_answers_at_once() {
    // 20 ms in a release build on a quiet machine; this is neither, so the best of ten counts.
    let first_byte = |_| {
        let started = Instant::now();
        let mut running = Connector::new("spec").start();
        running.stdout().read_exact(&mut [0]).unwrap();
        started.elapsed()
    };
    let best = (0..10).map(first_byte).min().unwrap();
    assert!(best < Duration::from_millis(300), "{best:?}");
}

#[test]
fn check_success() {
    let trino = shop();
    let outcome = check(&trino.config()).run();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(outcome.stdout);
}

#[test]
fn check_failures() {
    type Prepare = fn(&FakeTrino, &mut Value);
    let cases: &[(&str, Prepare)] = &[
        ("unknown host", |_, config| {
            config["hostname"] = json!("no-such-host.invalid");
        }),
        ("refused port", |_, config| {
            // Not one that was free a moment ago: another test may have it by now.
            config["port"] = json!(1);
        }),
        ("missing catalog", |_, config| {
            config["catalog"] = json!("cc");
        }),
        ("missing schema, near", |_, config| {
            config["schema"] = json!("slaes");
        }),
        ("missing schema, far", |_, config| {
            config["schema"] = json!("zzz");
        }),
        ("schema without tables", |_, config| {
            config["schema"] = json!("sales");
        }),
        ("no permission", |trino, _| {
            trino.deny("customer");
            trino.deny("odd \"name\".x");
        }),
        ("starting", |trino, _| trino.starting(true)),
        ("wrong password", |trino, config| {
            config["authentication"] = json!({"method": "password", "password": "wrong-pass"});
            trino.fault("", Place::Post, Fault::Status(401), 9);
        }),
        ("forbidden", |trino, _| {
            trino.fault("", Place::Post, Fault::Status(403), 9);
        }),
        ("access control denies every query", |trino, _| {
            let text = "Access Denied: Cannot execute query";
            trino.answer(
                "",
                [Answer::new(
                    &[],
                    [failed("PERMISSION_DENIED", "USER_ERROR", text)],
                )],
            );
        }),
        ("not Trino", |trino, _| {
            trino.fault("", Place::Info, Fault::Html, usize::MAX);
        }),
        ("no such path", |trino, _| {
            trino.fault("", Place::Info, Fault::Status(404), 9);
            trino.fault("", Place::Post, Fault::Status(404), 9);
        }),
        ("unknown session property", |trino, config| {
            config["session_properties"] = json!(["nope=1"]);
            let text = "Session property 'nope' does not exist";
            trino.answer(
                "",
                [Answer::new(
                    &[],
                    [failed("INVALID_SESSION_PROPERTY", "USER_ERROR", text)],
                )],
            );
        }),
        ("https to a plain port", |_, config| {
            config["ssl_mode"] = json!({"mode": "require"});
        }),
        ("everything wrong at once", |_, config| {
            *config = json!({"hostname": "two words", "port": "80a", "schema": 5, "concurrency": 0,
                "ssl_mode": {"mode": "verify"}, "authentication": {"method": "password"}});
        }),
        ("a password over plain http", |_, config| {
            config["hostname"] = json!("trino.example.com");
            config["authentication"] = json!({"method": "password", "password": "hunter22"});
        }),
    ];
    let said = std::sync::Mutex::new(vec![String::new(); cases.len()]);
    let numbered: Vec<_> = cases.iter().enumerate().collect();
    each(&numbered, |(at, (name, prepare))| {
        let trino = shop();
        let mut config = trino.config();
        prepare(&trino, &mut config);
        let outcome = check(&config).run();
        assert_eq!(
            (outcome.code, outcome.stderr.as_str()),
            (Some(0), ""),
            "{name}"
        );
        let (status, message) = outcome.status();
        assert_eq!(status, "FAILED", "{name}");
        assert!(
            outcome.errors().is_empty(),
            "{name}: FAILED is not an ERROR trace"
        );
        let message = message
            .replace(&format!(":{}", trino.port()), "")
            .replace(&format!(":{}", config["port"]), "");
        // The resolver's own words depend on the machine.
        let message = match message.split_once("cannot be resolved: ") {
            Some((before, after)) => {
                format!(
                    "{before}cannot be resolved: … {}",
                    after.rsplit(". ").next().unwrap()
                )
            }
            None => message,
        };
        said.lock().unwrap()[*at] = format!("## {name}\n{message}\n");
    });
    let said = said.into_inner().unwrap();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn discover_catalog() {
    let trino = shop();
    let outcome = Connector::new("discover").config(&trino.config()).run();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(outcome.text(&trino));
}

#[test]
fn discover_configured_is_a_catalog_that_reads() {
    let trino = shop();
    let outcome = Connector::new("discover")
        .config(&trino.config())
        .arg("--configured")
        .arg("--streams")
        .arg("customer")
        .env("LOG_LEVEL", "error")
        .run();
    assert_eq!(outcome.code, Some(0));
    insta::assert_snapshot!(outcome.stdout);
    let read = Connector::new("read")
        .config(&trino.config())
        .arg("--catalog")
        .arg("-")
        .input(outcome.stdout)
        .run();
    assert_eq!(read.code, Some(0), "{}", read.stdout);
    assert_eq!(read.records("customer").len(), 3);
}

#[test]
fn discover_leaves_out_what_may_not_be_read() {
    let trino = shop();
    trino.numbers("open", &[&[1]]);
    trino.deny("customer");
    let outcome = Connector::new("discover").config(&trino.config()).run();
    assert_eq!(outcome.code, Some(0));
    let messages = outcome.messages();
    let streams = &messages.iter().find(|m| m["type"] == "CATALOG").unwrap()["catalog"]["streams"];
    let names: Vec<&str> = streams
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["odd \"name\".x", "open"]);
    let warned = |m: &Value| {
        m["log"]["level"] == "WARN" && m["log"]["message"].as_str().unwrap().contains("customer")
    };
    assert!(messages.iter().any(warned), "{}", outcome.stdout);
}

#[test]
fn discover_costs_a_broken_table_and_no_other() {
    let trino = shop();
    trino.numbers("broken", &[&[1]]);
    trino.numbers("open", &[&[1]]);
    let broken = || {
        let text = "Failed to read metadata of s.broken";
        Answer::new(
            &[],
            [failed("HIVE_INVALID_METADATA", "INTERNAL_ERROR", text)],
        )
    };
    trino.answer_once("information_schema.columns", broken());
    trino.answer("'broken'", [broken()]);
    trino.answer("\"broken\"", [broken()]);
    let outcome = Connector::new("discover").config(&trino.config()).run();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
    let messages = outcome.messages();
    let catalog = messages.iter().find(|m| m["type"] == "CATALOG").unwrap();
    let streams = catalog["catalog"]["streams"].as_array().unwrap();
    let names: Vec<&str> = streams
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["customer", "odd \"name\".x", "open"]);
    let warned = |m: &Value| {
        m["log"]["level"] == "WARN" && m["log"]["message"].as_str().unwrap().contains("broken")
    };
    assert!(messages.iter().any(warned), "{}", outcome.stdout);
}

#[test]
fn the_log_level_is_what_the_environment_says() {
    let cases = [
        ("", "", &["INFO"][..]),
        ("error", "", &[]),
        ("WARN", "", &[]),
        ("DEBUG", "", &["DEBUG", "INFO"]),
        ("nonsense", "", &["INFO", "WARN"]),
        ("nonsense", "source_trino=debug", &["DEBUG", "INFO"]),
        ("error", "source_trino=debug", &["DEBUG", "INFO"]),
    ];
    each(&cases, |(level, filter, expected)| {
        let trino = shop();
        let mut run = read(&trino, &["customer"]).env("LOG_LEVEL", level);
        if !filter.is_empty() {
            run = run.env("RUST_LOG", filter);
        }
        let outcome = run.run();
        let levels: BTreeSet<String> = outcome
            .messages()
            .iter()
            .filter_map(|m| m["log"]["level"].as_str().map(str::to_owned))
            .collect();
        let levels: Vec<&str> = levels.iter().map(String::as_str).collect();
        assert_eq!(levels, *expected, "{level} {filter}");
        let warnings = outcome.warnings();
        let is_told = warnings.iter().all(|text| text.contains("\"nonsense\""));
        assert!(is_told && warnings.len() < 2, "{warnings:?}");
    });
}

#[test]
fn read_messages() {
    let trino = shop();
    let outcome = Connector::new("read")
        .config(&with(trino.config(), &json!({"concurrency": 1})))
        .catalog(&catalog(&["customer", "odd \"name\".x", "gone"]))
        .run();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(1), ""));
    insta::assert_snapshot!(outcome.text(&trino));
}

#[test]
fn read_of_some_columns_asks_for_these_only() {
    let trino = shop();
    let stream = json!({"stream": {"name": "customer", "json_schema": {"properties": {"name": {}, "id": {}, "gone": {}}}},
        "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"});
    let outcome = Connector::new("read")
        .config(&trino.config())
        .catalog(&json!({"streams": [stream]}))
        .run();
    assert_eq!(outcome.code, Some(0));
    let records = outcome.records("customer");
    assert_eq!(records[0], json!({"id": 1, "name": "Ann \"A\""}));
    let post = &trino.asked("SELECT \"id\"", Place::Post)[0];
    assert_eq!(post.sql, r#"SELECT "id", "name" FROM "c"."s"."customer""#);
    let line = outcome
        .messages()
        .into_iter()
        .find(|m| m["type"] == "RECORD")
        .unwrap();
    assert_eq!(
        line["record"]["namespace"],
        Value::Null,
        "as the catalog has it"
    );
}

#[test]
fn an_estimate_tells_rows_and_bytes() {
    let trino = FakeTrino::start();
    // Statistics are asked for once rows have come for a second, and are worth something only while
    // they do.
    let slow = nothing().after(Duration::from_secs(2));
    trino.table("t", &[("n", "bigint")], [rows(json!([[1]])), slow, end()]);
    trino.answer("SHOW STATS", [metadata::statistics("n", 80.0, 10.0)]);
    let outcome = read(&trino, &["t"]).run();
    outcome.assert_complete("t", &[1]);
    assert_eq!(
        outcome.estimates(),
        [
            json!({"name": "t", "namespace": "s", "type": "STREAM", "row_estimate": 10, "byte_estimate": 80})
        ]
    );
}

#[test]
fn a_short_read_asks_for_no_statistics() {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    trino.answer("SHOW STATS", [metadata::statistics("n", 80.0, 10.0)]);
    read(&trino, &["t"]).run().assert_complete("t", &[1]);
    assert!(trino.asked("SHOW STATS", Place::Post).is_empty());
}

#[test]
fn statistics_that_fail_do_not_matter() {
    let trino = FakeTrino::start();
    let slow = nothing().after(Duration::from_millis(1500));
    trino.table("t", &[("n", "bigint")], [rows(json!([[1]])), slow, end()]);
    trino.answer(
        "SHOW STATS",
        [Answer::new(
            &[],
            [failed("NOT_SUPPORTED", "USER_ERROR", "no")],
        )],
    );
    let outcome = read(&trino, &["t"]).run();
    assert_eq!(outcome.code, Some(0));
    outcome.assert_complete("t", &[1]);
    assert_eq!(trino.asked("SHOW STATS", Place::Post).len(), 1);
    assert!(outcome.estimates().is_empty());
}
