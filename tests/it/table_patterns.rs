//! `table_patterns`: which tables become streams, and what is said of patterns.

use serde_json::{Value, json};

use crate::connector::{Connector, Outcome, catalog, with};
use crate::fake::{Answer, FakeTrino, Place, end};

fn server(tables: &[&str]) -> FakeTrino {
    let trino = FakeTrino::start();
    for table in tables {
        trino.numbers(table, &[&[1]]);
    }
    trino
}

fn run(command: &str, trino: &FakeTrino, patterns: &Value) -> Outcome {
    let config = with(trino.config(), &json!({"table_patterns": patterns}));
    Connector::new(command).config(&config).run()
}

fn streams(outcome: &Outcome) -> Vec<String> {
    let messages = outcome.messages().into_iter();
    let catalogs = messages.filter_map(|message| message["catalog"]["streams"].as_array().cloned());
    catalogs
        .flatten()
        .map(|stream| stream["name"].as_str().unwrap().to_owned())
        .collect()
}

const TABLES: &[&str] = &["orders", "raw_a", "raw_b", "raw_b_backup", "zoo"];

#[test]
fn only_chosen_tables_are_streams_and_nothing_is_asked_of_the_others() {
    let cases = [
        (
            json!({"include": ["RAW_%", "orders"], "exclude": ["*_backup"]}),
            vec!["orders", "raw_a", "raw_b"],
        ),
        (json!({"exclude": ["s.raw*", "zoo"]}), vec!["orders"]),
        (json!({"include": "s.zoo"}), vec!["zoo"]),
        (json!({}), TABLES.to_vec()),
    ];
    for (patterns, expected) in cases {
        let trino = server(TABLES);
        let outcome = run("discover", &trino, &patterns);
        assert_eq!(streams(&outcome), expected, "{patterns}");
        assert_eq!(outcome.warnings(), [""; 0], "{patterns}");
        if expected.len() == TABLES.len() {
            continue;
        }
        for request in trino.requests() {
            let left_out = TABLES.iter().filter(|table| !expected.contains(*table));
            for table in left_out {
                let quoted = [format!("'{table}'"), format!("\"{table}\"")];
                let is_named = quoted.iter().any(|name| request.sql.contains(name));
                assert!(!is_named, "{patterns}: {}", request.sql);
            }
            let asks_all = request.sql.contains("information_schema.columns")
                && !request.sql.contains("table_name IN");
            assert!(!asks_all, "{patterns}: {}", request.sql);
        }
    }
}

#[test]
fn a_pattern_without_a_table_is_named_with_near_names() {
    let patterns = json!({"include": ["zoo", "order"], "exclude": ["s.raw_c*"]});
    for command in ["check", "discover"] {
        let outcome = run(command, &server(TABLES), &patterns);
        let warnings = outcome.warnings();
        assert_eq!(warnings.len(), 2, "{command}: {warnings:?}");
        let expected = "\"order\" of \"include\" in \"table_patterns\". Did you mean \"orders\"?";
        assert!(warnings[0].contains(expected), "{command}: {warnings:?}");
        let expected = "\"s.raw_c*\" of \"exclude\"";
        assert!(warnings[1].contains(expected), "{command}: {warnings:?}");
        assert!(
            warnings[1].contains("\"s.raw_a\""),
            "{command}: {warnings:?}"
        );
    }
}

#[test]
fn tables_that_only_the_listing_of_columns_has_are_matched_as_well() {
    for command in ["check", "discover"] {
        let trino = server(TABLES);
        let names = [("table_schema", "varchar"), ("table_name", "varchar")];
        trino.answer("information_schema.tables", [Answer::new(&names, [end()])]);
        let outcome = run(
            command,
            &trino,
            &json!({"include": ["zoo", "raw_*"], "exclude": ["raw_b*"]}),
        );
        assert_eq!(outcome.warnings(), [""; 0], "{command}");
        if command == "check" {
            assert_eq!(outcome.status().0, "SUCCEEDED");
        } else {
            assert_eq!(streams(&outcome), ["raw_a", "zoo"]);
        }
    }
}

#[test]
fn the_names_of_tables_are_listed_once() {
    for (command, listings) in [("check", 1), ("discover", 1)] {
        let trino = server(TABLES);
        run(command, &trino, &json!({"include": ["zoo", "orders"]}));
        let asked = trino.asked("information_schema.tables", Place::Post);
        let names = asked.iter().filter(|request| !request.sql.contains("VIEW"));
        let names: Vec<&str> = names.map(|request| request.sql.as_str()).collect();
        assert_eq!(names.len(), listings, "{command}: {names:?}");
    }
}

#[test]
fn patterns_that_leave_no_table_are_a_mistake_that_names_them() {
    let patterns = json!({"include": ["nothing"]});
    let (status, message) = run("check", &server(TABLES), &patterns).status();
    assert_eq!(status, "FAILED");
    assert!(message.contains("\"table_patterns\""), "{message}");
    let outcome = run("discover", &server(TABLES), &patterns);
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome
            .stdout
            .contains("that \\\"table_patterns\\\" chooses"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn check_reads_a_row_of_a_chosen_table_only() {
    let trino = server(TABLES);
    let outcome = run("check", &trino, &json!({"include": ["zoo"]}));
    assert_eq!(outcome.status().0, "SUCCEEDED");
    assert_eq!(trino.asked("LIMIT 1", Place::Post).len(), 1);
    assert!(
        trino.asked("LIMIT 1", Place::Post)[0]
            .sql
            .contains("\"zoo\"")
    );
}

#[test]
fn a_read_is_ruled_by_its_catalog_and_not_by_the_patterns() {
    let trino = server(TABLES);
    let config = with(
        trino.config(),
        &json!({"table_patterns": {"exclude": ["orders"]}}),
    );
    let read = Connector::new("read")
        .config(&config)
        .catalog(&catalog(&["orders"]));
    read.run().assert_complete("orders", &[1]);
}

#[test]
fn tables_that_a_destination_wrote_are_named_in_one_warning() {
    let trino = server(&["orders"]);
    let columns = [("id", "bigint"), ("_airbyte_raw_id", "varchar")];
    for table in ["final_a", "final_b"] {
        trino.table(table, &columns, [end()]);
    }
    trino.numbers("_airbyte_raw_x", &[&[1]]);
    let outcome = Connector::new("discover").config(&trino.config()).run();
    let mut warnings = outcome.warnings();
    warnings.retain(|text| text.contains("\"table_patterns\""));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let named = "(3): \"s._airbyte_raw_x\", \"s.final_a\", \"s.final_b\".";
    assert!(warnings[0].contains(named), "{warnings:?}");
}
