//! Configurations as people and tools write them: what is understood, and what is said of the rest.

use serde_json::{Map, Value, json};

use crate::connector::{Connector, Outcome, catalog, each, with};
use crate::fake::{Answer, FakeTrino, Place, failed};

fn server() -> FakeTrino {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    trino
}

fn check(config: &Value) -> Outcome {
    Connector::new("check").config(config).run()
}

/// The fields of the form that need not be there.
fn optional_fields() -> Vec<String> {
    let spec: Value = serde_json::from_str(include_str!("../../spec.json")).unwrap();
    let form = &spec["connectionSpecification"];
    let fields: &Map<String, Value> = form["properties"].as_object().unwrap();
    let required = form["required"].as_array().unwrap();
    let names = fields
        .keys()
        .filter(|name| !required.contains(&json!(name)));
    let names: Vec<String> = names.cloned().collect();
    assert!(names.len() > 15, "{names:?}");
    names
}

#[test]
fn empty_text_and_null_mean_not_set_for_every_field() {
    let trino = server();
    for unset in [json!(""), json!(null), json!("  ")] {
        let all: Map<String, Value> = optional_fields()
            .into_iter()
            .filter(|name| name != "port")
            .map(|name| (name, unset.clone()))
            .collect();
        let outcome = check(&with(trino.config(), &Value::Object(all)));
        let succeeded = ("SUCCEEDED".to_owned(), String::new());
        assert_eq!(outcome.status(), succeeded, "{unset}");
        assert_eq!(outcome.warnings(), [""; 0], "{unset}");
    }
    let blank = json!({"extra_credentials": [{"name": "", "value": ""}, null, {}],
        "queries": [{"name": null, "sql": "", "primary_key": []}], "schemas": ["", null],
        "ssl_mode": {"mode": "", "ca_certificate": ""}, "authentication": {"method": null}});
    let outcome = check(&with(trino.config(), &blank));
    assert_eq!(outcome.status().0, "SUCCEEDED", "{}", outcome.stdout);
}

#[test]
fn scalars_are_understood_in_the_forms_that_tools_give_them() {
    let trino = server();
    let port = trino.port();
    let cases = [
        json!({"port": f64::from(port)}),
        json!({"port": format!("{port}.0")}),
        json!({"port": format!(" {port} ")}),
        json!({"concurrency": 4.0, "replication_method": {"method": "STANDARD", "cursor_lag": 60.0}}),
        json!({"concurrency": "4.0", "checkpoint_target_interval_seconds": "300"}),
        json!({"check_privileges": "false", "allow_credentials_over_http": "TRUE",
            "replication_method": {"method": "STANDARD", "exclude_todays_data": "true"}}),
        json!({"ssl_mode": "disable", "authentication": "none", "tunnel_method": "NO_TUNNEL",
            "replication_method": "CHANGES", "fetch_protocol": "DIRECT"}),
        json!({"schemas": "sales, s"}),
        json!({"table_patterns": "t, %"}),
        json!({"http_headers": {"X-Trino-Routing-Group": "etl"}}),
        json!({"client_tags": "a, b", "session_properties": "x=1,2, y=3"}),
        json!({"queries": [{"name": "q", "sql": "SELECT 1 AS a", "primary_key": "a, b"}]}),
    ];
    let columns = [("a", "bigint"), ("b", "bigint")];
    trino.answer("SELECT 1", [Answer::small(&columns, json!([]))]);
    each(&cases, |changes| {
        let outcome = check(&with(trino.config(), changes));
        let succeeded = ("SUCCEEDED".to_owned(), String::new());
        assert_eq!(outcome.status(), succeeded, "{changes}");
        assert_eq!(outcome.warnings(), [""; 0], "{changes}");
    });
}

#[test]
fn what_is_no_such_value_is_still_refused() {
    let cases = [
        (json!({"port": 8080.5}), "port"),
        (json!({"concurrency": "many"}), "concurrency"),
        (json!({"check_privileges": "yes"}), "check_privileges"),
        (json!({"ssl_mode": true}), "ssl_mode"),
        (json!({"ssl_mode": "on"}), "ssl_mode.mode"),
        (
            json!({"ssl_mode": {"ca_certificate": "x"}}),
            "ssl_mode.mode",
        ),
        (
            json!({"authentication": {"password": "p", "token": "t"}}),
            "authentication.method",
        ),
        (
            json!({"tunnel_method": {"tunnel_host": "b"}}),
            "tunnel_method.tunnel_method",
        ),
        (
            json!({"queries": [{"name": "a", "sql": "SELECT 1"}, {"name": "", "sql": "SELECT 1"}]}),
            "queries.name (entry 2): is empty",
        ),
        (
            json!({"queries": [{"name": "q", "sql": "-- nothing;"}]}),
            "queries.sql (entry 1, \"q\")",
        ),
        (json!({"schemas": ["\"a.b"]}), "schemas"),
        (
            json!({"extra_credentials": [{"name": "x", "value": ""}]}),
            "extra_credentials",
        ),
        (
            json!({"http_headers": [{"name": "X-Gate", "value": ""}]}),
            "http_headers",
        ),
        (json!({"table_patterns": ["t"]}), "table_patterns"),
        (
            json!({"table_patterns": {"include": [1]}}),
            "table_patterns.include",
        ),
    ];
    let trino = server();
    each(&cases, |(changes, field)| {
        let (status, message) = check(&with(trino.config(), changes)).status();
        assert_eq!(status, "FAILED", "{changes}");
        assert!(message.contains(field), "{changes}: {message}");
        assert!(message.contains("configuration"), "{changes}: {message}");
    });
    assert!(trino.requests().is_empty());
}

#[test]
fn fields_that_are_not_known_are_said_with_the_nearest_name() {
    let cases = [
        (
            json!({"sslmode": {"mode": "verify-full"}}),
            "\"sslmode\"",
            "\"ssl_mode\"",
        ),
        (json!({"ssl": true}), "\"ssl\"", "\"ssl_mode\""),
        (
            json!({"concurency": 2}),
            "\"concurency\"",
            "\"concurrency\"",
        ),
        (
            json!({"cursorlag": 60}),
            "\"cursorlag\"",
            "\"replication_method.cursor_lag\"",
        ),
        (
            json!({"replication_method": {"method": "STANDARD", "cursorlag": 60}}),
            "\"replication_method.cursorlag\"",
            "\"replication_method.cursor_lag\"",
        ),
        (json!({"host": "h"}), "\"host\"", "\"hostname\""),
        (json!({"user": "u"}), "\"user\"", "\"username\""),
        (json!({"database": "d"}), "\"database\"", "\"catalog\""),
        (
            json!({"password": "hunter22"}),
            "\"password\"",
            "\"authentication.password\"",
        ),
        (
            json!({"authentication": {"method": "none", "password": "hunter22"}}),
            "\"authentication.password\"",
            "\"method\" is \"none\"",
        ),
        (json!({"wishes": "x"}), "\"wishes\"", "no such field"),
    ];
    each(&cases, |(changes, field, nearest)| {
        let trino = server();
        let config = with(trino.config(), changes);
        for command in ["check", "discover", "read"] {
            let mut run = Connector::new(command).config(&config);
            if command == "read" {
                run = run.catalog(&catalog(&["t"]));
            }
            let outcome = run.run();
            assert_eq!(
                outcome.code,
                Some(0),
                "{command} {changes}: {}",
                outcome.stdout
            );
            let warned = outcome.warnings();
            assert_eq!(warned.len(), 1, "{command} {changes}: {warned:?}");
            assert!(warned[0].contains(field), "{warned:?}");
            assert!(warned[0].contains(nearest), "{warned:?}");
            assert!(!outcome.stdout.contains("hunter22"), "{}", outcome.stdout);
        }
    });
}

#[test]
fn what_the_platform_adds_is_not_said() {
    let trino = server();
    let added = json!({"__injected_declarative_manifest": {"version": "1"}, "__test_read_config": {},
        "_comment": "ours", "sourceType": "trino", "$schema": "x", "slice_rows": 7});
    let outcome = check(&with(trino.config(), &added));
    assert_eq!(outcome.status().0, "SUCCEEDED");
    assert_eq!(outcome.warnings(), [""; 0]);
}

#[test]
fn a_missing_field_names_the_misspelt_one_beside_it() {
    let config = json!({"host": "localhost", "user": "u", "database": "c", "shema": "s",
        "authentication": {"method": "password", "pasword": "hunter22"}});
    let outcome = check(&config);
    let (status, message) = outcome.status();
    assert_eq!(status, "FAILED");
    for (field, beside) in [
        ("hostname", "host"),
        ("username", "user"),
        ("catalog", "database"),
        ("schema", "shema"),
        ("authentication.password", "authentication.pasword"),
    ] {
        let said = format!(
            "{field}: is missing; there is \"{beside}\", which is not known: did you mean \"{field}\"?"
        );
        assert!(message.contains(&said), "{said}\n{message}");
    }
    assert_eq!(outcome.warnings().len(), 5, "{}", outcome.stdout);
}

/// Namespaces of the streams that `discover` finds.
fn namespaces(trino: &FakeTrino, schemas: &Value) -> Result<Vec<String>, String> {
    let config = with(trino.config(), &json!({"schemas": schemas}));
    let outcome = Connector::new("discover").config(&config).run();
    if let Some(error) = outcome.errors().pop() {
        return Err(error["message"].as_str().unwrap().to_owned());
    }
    let messages = outcome.messages();
    let catalog = messages.iter().find(|message| message["type"] == "CATALOG");
    let streams = catalog.unwrap()["catalog"]["streams"]
        .as_array()
        .unwrap()
        .iter();
    Ok(streams
        .map(|stream| stream["namespace"].as_str().unwrap().to_owned())
        .collect())
}

#[test]
fn catalogs_that_exist_decide_where_a_name_of_a_schema_is_split() {
    let trino = server();
    let catalogs = [("Catalog", "varchar")];
    let existing = json!([["c"], ["lake"], ["lake.tpch"]]);
    trino.answer("SHOW CATALOGS", [Answer::small(&catalogs, existing)]);
    for (catalog, schema) in [("lake", "a.b"), ("lake.tpch", "tiny")] {
        let names = Answer::small(&[("name", "varchar")], json!([[schema]]));
        trino.answer(
            &format!("\"{catalog}\".information_schema.schemata"),
            [names],
        );
        let tables = [("table_name", "varchar")];
        let tables = Answer::small(&tables, json!([["x"]]));
        trino.answer(
            &format!("\"{catalog}\".information_schema.tables"),
            [tables],
        );
        let columns = [
            ("table_name", "varchar"),
            ("column_name", "varchar"),
            ("ordinal_position", "bigint"),
            ("data_type", "varchar"),
        ];
        let columns = Answer::small(&columns, json!([["x", "n", 1, "bigint"]]));
        trino.answer(
            &format!("\"{catalog}\".information_schema.columns"),
            [columns],
        );
        let valid = Answer::small(&[("Valid", "boolean")], json!([[true]]));
        trino.answer(
            &format!("EXPLAIN (TYPE VALIDATE) SELECT 1 FROM \"{catalog}\""),
            [valid],
        );
    }
    for (schemas, expected) in [
        (json!(["lake.tpch.tiny"]), "lake.tpch.tiny"),
        (json!("lake.tpch.tiny"), "lake.tpch.tiny"),
        (json!(["\"lake.tpch\".tiny"]), "lake.tpch.tiny"),
        (json!(["LAKE.TPCH.t*"]), "lake.tpch.tiny"),
        (json!(["lake.\"a.b\""]), "lake.a.b"),
        (json!(["lake.a.*"]), "lake.a.b"),
    ] {
        let mut found = namespaces(&trino, &schemas).unwrap();
        found.retain(|namespace| namespace != "s");
        assert_eq!(found, [expected], "{schemas}");
    }
    for (schemas, said) in [
        (
            json!(["lak.tpch"]),
            "There is no catalog \"lak\", and no schema \"lak.tpch\" in the catalog \"c\"",
        ),
        (json!(["lak.*"]), "Did you mean \"lake\""),
        (
            json!(["lake.tpch.huge"]),
            "The schema \"huge\" does not exist in the catalog \"lake.tpch\"",
        ),
    ] {
        let message = namespaces(&trino, &schemas).unwrap_err();
        assert!(message.contains(said), "{schemas}: {message}");
        assert!(message.contains("Check \"schemas\""), "{message}");
    }
}

#[test]
fn catalogs_are_only_asked_for_where_a_name_has_a_dot() {
    let trino = server();
    namespaces(&trino, &json!(["sales", "s*"])).unwrap();
    assert!(trino.asked("SHOW CATALOGS", Place::Post).is_empty());
}

#[test]
fn statements_that_end_in_a_semicolon_and_a_comment_are_queries() {
    let trino = server();
    trino.answer(
        "SELECT 7 AS n",
        [Answer::small(&[("n", "bigint")], json!([[7]]))],
    );
    let queries = json!([{"name": "q", "sql": "SELECT 7 AS n; -- done"}]);
    let stream = json!({"stream": {"name": "q"}, "sync_mode": "full_refresh"});
    let outcome = Connector::new("read")
        .config(&with(trino.config(), &json!({"queries": queries})))
        .catalog(&json!({"streams": [stream]}))
        .run();
    assert_eq!(outcome.numbers("q"), [7], "{}", outcome.stdout);
    let asked = trino.asked("SELECT 7 AS n", Place::Post);
    assert!(asked.iter().all(|request| !request.sql.contains(';')));
}

#[test]
fn functions_in_front_of_a_query_are_explained() {
    let trino = server();
    let text = "line 2:6: mismatched input 'FUNCTION'. Expecting: '(', 'AS'";
    let answer = Answer::new(&[], [failed("SYNTAX_ERROR", "USER_ERROR", text)]);
    trino.answer("WITH FUNCTION", [answer]);
    let sql = "WITH FUNCTION f(x bigint) RETURNS bigint RETURN x SELECT f(1) AS a";
    let queries = json!([{"name": "q", "sql": sql}]);
    let (status, message) = check(&with(trino.config(), &json!({"queries": queries}))).status();
    assert_eq!(status, "FAILED");
    assert!(message.contains("WITH FUNCTION"), "{message}");
    assert!(message.contains("usable as a subquery"), "{message}");
}

#[test]
fn a_member_that_is_there_twice_is_said_without_its_values() {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    let config = trino.config().to_string();
    let config = config.trim_end_matches('}').to_owned()
        + r#", "authentication": {"method": "password", "password": "first-1", "password": "second-2"}}"#;
    for command in ["check", "discover"] {
        let outcome = Connector::new(command).file("config", &config).run();
        assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
        assert_eq!(
            outcome.warnings(),
            [
                "the configuration has \"authentication.password\" more than once; the last one counts"
            ]
        );
        let shown = outcome.stdout + &outcome.stderr;
        assert!(!shown.contains("first-1") && !shown.contains("second-2"));
    }
}
