//! What every request tells Trino.

use serde_json::json;

use crate::connector::{Connector, catalog, read, with};
use crate::fake::{FakeTrino, Fault, NO_ROWS, Object, Place, end, from, nothing, rows};

const N: &[(&str, &str)] = &[("n", "bigint")];

#[test]
fn a_request_says_who_asks_and_what_is_understood() {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    let config = with(
        trino.config(),
        &json!({"client_tags": ["etl", "night"], "source": "airbyte-sales",
            "session_properties": ["query_max_run_time=2h", "c.mode=a b,c=d"]}),
    );
    let outcome = Connector::new("read")
        .config(&config)
        .catalog(&catalog(&["t"]))
        .run();
    outcome.assert_complete("t", &[1]);
    let requests = trino.requests();
    assert!(requests.len() > 6);
    for request in &requests {
        let expected = [
            ("x-trino-user", "test"),
            ("x-trino-source", "airbyte-sales"),
            ("x-trino-catalog", "c"),
            ("x-trino-schema", "s"),
            ("x-trino-time-zone", "UTC"),
            (
                "x-trino-client-capabilities",
                "PARAMETRIC_DATETIME,NUMBER,VARIANT",
            ),
            ("x-trino-client-tags", "etl,night"),
            ("accept-encoding", "identity"),
        ];
        for (name, value) in expected {
            assert_eq!(request.header(name), Some(value), "{name} of {request:?}");
        }
        let session: Vec<&str> = request
            .headers
            .iter()
            .filter(|(name, _)| name == "x-trino-session")
            .map(|(_, value)| value.as_str())
            // Of the probe, which has the server store a result that it would send inline.
            .filter(|value| *value != "spooling_inlining_enabled=false")
            .collect();
        assert_eq!(session, ["query_max_run_time=2h", "c.mode=a%20b%2Cc%3Dd"]);
        assert!(
            request
                .header("user-agent")
                .unwrap()
                .starts_with("source-trino/")
        );
        assert_eq!(request.header("authorization"), None);
        let kind = (request.method == "POST").then_some("text/plain; charset=utf-8");
        assert_eq!(request.header("content-type"), kind, "{request:?}");
    }
}

#[test]
fn spooling_is_offered_for_the_rows_of_a_table_only() {
    for (protocol, offered) in [("auto", true), ("spooled", true), ("direct", false)] {
        let trino = FakeTrino::start();
        trino.numbers("t", &[&[1]]);
        let config = with(trino.config(), &json!({"fetch_protocol": protocol}));
        Connector::new("read")
            .config(&config)
            .catalog(&catalog(&["t"]))
            .run();
        for request in trino.requests() {
            let is_read = request.place == Some(Place::Post) && request.sql.contains(&from("t"));
            let is_read =
                is_read && request.sql.starts_with("SELECT") && !request.sql.ends_with(NO_ROWS);
            // Before the first row of a read: whether spooled results can be had from here.
            let is_probe = request.sql.starts_with("SELECT rpad") && protocol == "auto";
            let is_read = is_read || is_probe && request.place == Some(Place::Post);
            let encodings = request.header("x-trino-query-data-encoding");
            assert_eq!(
                encodings.is_some(),
                is_read && offered,
                "{protocol}: {request:?}"
            );
            for encoding in encodings.iter().flat_map(|all| all.split(", ")) {
                assert!(encoding.starts_with("json"), "{encoding}");
            }
        }
    }
}

#[test]
fn the_default_source_names_the_connector_and_there_are_no_tags() {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    read(&trino, &["t"]).run().assert_complete("t", &[1]);
    let post = &trino.asked(&from("t"), Place::Post)[0];
    let source = concat!("airbyte/source-trino/", env!("CARGO_PKG_VERSION"));
    assert_eq!(post.header("x-trino-source"), Some(source));
    assert_eq!(post.header("x-trino-client-tags"), None);
    assert_eq!(post.header("x-trino-session"), None);
}

#[test]
fn names_beyond_ascii_reach_the_server() {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    let config = with(trino.config(), &json!({"username": "Zoë"}));
    let outcome = Connector::new("read")
        .config(&config)
        .catalog(&catalog(&["t"]))
        .run();
    outcome.assert_complete("t", &[1]);
}

#[test]
fn credentials_go_to_the_configured_server_only() {
    let (trino, other) = (FakeTrino::start(), FakeTrino::start());
    let tail = "/v1/elsewhere/1?slug=x";
    other.fixed(
        tail,
        r#"{"id":"q0","columns":[{"name":"n","type":"bigint"}],"data":[[2]],"stats":{"state":"FINISHED"}}"#,
    );
    let away = rows(json!([[1]])).next(format!("{}{tail}", other.base()));
    trino.table("t", N, [away, end()]);
    let config = with(
        trino.config(),
        &json!({"authentication": {"method": "password", "password": "hunter22"}}),
    );
    let outcome = Connector::new("read")
        .config(&config)
        .catalog(&catalog(&["t"]))
        .run();
    outcome.assert_complete("t", &[1, 2]);
    for request in trino.requests() {
        // test:hunter22
        assert_eq!(
            request.header("authorization"),
            Some("Basic dGVzdDpodW50ZXIyMg==")
        );
    }
    let elsewhere = other.requests();
    assert_eq!(elsewhere.len(), 1);
    assert_eq!(elsewhere[0].header("authorization"), None);
    let told = |(name, _): &&(String, String)| name.starts_with("x-trino-");
    assert_eq!(elsewhere[0].headers.iter().find(told), None);
}

#[test]
fn a_redirect_takes_nothing_along() {
    let (trino, other) = (FakeTrino::start(), FakeTrino::start());
    trino.numbers("t", &[&[1]]);
    let away = Fault::Redirect(other.port());
    trino.fault(&from("t"), Place::Post, away, 9);
    let outcome = read(&trino, &["t"]).run();
    outcome.assert_failed("t");
    assert!(other.requests().is_empty(), "{:#?}", other.requests());
}

#[test]
fn an_error_names_the_server_that_was_asked() {
    // A proxy that is set up wrongly makes nextUris with another scheme, host or port.
    let (trino, other) = (FakeTrino::start(), FakeTrino::start());
    let away = format!("https://127.0.0.1:{}/v1/statement/1", other.port());
    trino.table("t", N, [rows(json!([[1]])), nothing().next(&away), end()]);
    let outcome = read(&trino, &["t"]).run();
    let error = outcome.assert_failed("t");
    let message = error["message"].as_str().unwrap();
    let port = format!(":{}", other.port());
    assert!(message.contains(&port), "{message}");
    assert!(
        !message.contains(&format!(":{}", trino.port())),
        "{message}"
    );
}

/// A page at `target` of a server that Trino's answer leads to.
fn last_page(target: &str, other: &FakeTrino) -> String {
    other.fixed(
        target,
        r#"{"id":"q0","columns":[{"name":"n","type":"bigint"}],"data":[[2]],"stats":{"state":"FINISHED"}}"#,
    );
    format!("{}{target}", other.base())
}

#[test]
fn a_uri_of_trino_is_asked_for_at_the_configured_server_first() {
    let tail = "/v1/statement/executing/20260101_000000_00000_other/y1/1";
    // Once the configured server does not know it, once it does.
    for is_here in [false, true] {
        let (trino, other) = (FakeTrino::start(), FakeTrino::start());
        let uri = last_page(tail, &other);
        if is_here {
            last_page(tail, &trino);
        }
        trino.table("t", N, [rows(json!([[1]])).next(uri), end()]);
        let config = with(
            trino.config(),
            &json!({"authentication": {"method": "jwt", "token": "token-22"},
                "extra_credentials": [{"name": "x", "value": "secret-22"}]}),
        );
        let outcome = Connector::new("read")
            .config(&config)
            .catalog(&catalog(&["t"]))
            .run();
        outcome.assert_complete("t", &[1, 2]);
        let here = trino.requests().into_iter();
        let asked_here = here.filter(|request| request.target == tail).count();
        assert_eq!(asked_here, 1, "{is_here}");
        for request in trino.requests() {
            let credentials = ["authorization", "x-trino-extra-credential"];
            let sent = credentials.map(|name| request.header(name));
            assert_eq!(sent, [Some("Bearer token-22"), Some("x=secret%2D22")]);
        }
        let elsewhere = other.requests();
        assert_eq!(elsewhere.len(), usize::from(!is_here));
        for request in elsewhere {
            assert_eq!(request.header("authorization"), None);
            assert_eq!(request.header("x-trino-extra-credential"), None);
        }
    }
}

#[test]
fn an_answer_is_never_followed_from_https_to_http() {
    let (trino, other) = (crate::tls::any_server(), FakeTrino::start());
    let uri = last_page("/v1/statement/executing/q0/y1/1", &other);
    trino.table("u", N, [rows(json!([[1]])).next(uri), end()]);
    let config = with(
        trino.config(),
        &json!({"hostname": "localhost", "ssl_mode": {"mode": "require"}}),
    );
    let outcome = Connector::new("read")
        .config(&config)
        .catalog(&catalog(&["u"]))
        .run();
    let error = outcome.assert_failed("u");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("X-Forwarded-Proto"), "{message}");
    assert!(other.requests().is_empty());
}

#[test]
fn headers_of_the_user_go_with_every_request_to_the_configured_server_only() {
    let (trino, other) = (FakeTrino::start(), FakeTrino::start());
    let tail = "/v1/elsewhere/1?slug=x";
    let uri = last_page(tail, &other);
    trino.table("t", N, [rows(json!([[1]])).next(uri), end()]);
    let config = with(
        trino.config(),
        &json!({"username": "zoe", "http_headers": [
            {"name": "X-Trino-Routing-Group", "value": "etl"},
            {"name": "CF-Access-Client-Secret", "value": "hunter22"}]}),
    );
    let outcome = Connector::new("read")
        .config(&config)
        .catalog(&catalog(&["t"]))
        .env("LOG_LEVEL", "trace")
        .env("RUST_LOG", "trace")
        .run();
    outcome.assert_complete("t", &[1, 2]);
    let requests = trino.requests();
    assert!(
        requests
            .iter()
            .any(|request| request.place == Some(Place::Info))
    );
    for request in &requests {
        assert_eq!(
            request.header("x-trino-routing-group"),
            Some("etl"),
            "{request:?}"
        );
        assert_eq!(request.header("cf-access-client-secret"), Some("hunter22"));
    }
    let elsewhere = other.requests();
    assert_eq!(elsewhere.len(), 1);
    for request in elsewhere {
        assert_eq!(request.header("x-trino-routing-group"), None, "{request:?}");
        assert_eq!(
            request.header("cf-access-client-secret"),
            None,
            "{request:?}"
        );
    }
    assert!(!outcome.stdout.contains("hunter22") && !outcome.stderr.contains("hunter22"));
}

#[test]
fn a_header_that_the_connector_sets_itself_is_a_mistake_of_the_configuration() {
    let trino = FakeTrino::start();
    for name in ["Authorization", "X-Trino-User", "Content-Length"] {
        let headers = json!({"http_headers": [{"name": name, "value": "hunter22"}]});
        let outcome = Connector::new("check")
            .config(&with(trino.config(), &headers))
            .run();
        let (status, message) = outcome.status();
        assert_eq!(status, "FAILED");
        assert!(
            message.contains(&format!("http_headers: \"{name}\"")),
            "{message}"
        );
        assert!(!outcome.stdout.contains("hunter22"), "{}", outcome.stdout);
    }
    assert!(trino.requests().is_empty());
}

#[test]
fn servers_before_the_renaming_get_the_headers_that_they_know() {
    let trino = FakeTrino::version("350");
    trino.numbers("t", &[&[1]]);
    let config = with(
        trino.config(),
        &json!({"client_tags": ["etl"], "session_properties": ["query_max_run_time=2h"],
            "roles": ["c=admin"], "session_user": "other"}),
    );
    let outcome = Connector::new("read")
        .config(&config)
        .catalog(&catalog(&["t"]))
        .run();
    outcome.assert_complete("t", &[1]);
    let posts = trino.asked(&from("t"), Place::Post);
    let expected = [
        ("x-presto-user", "other"),
        ("x-presto-client-tags", "etl"),
        ("x-presto-session", "query_max_run_time=2h"),
        ("x-presto-role", "c=ROLE%7Badmin%7D"),
    ];
    for (name, value) in expected {
        assert_eq!(posts[0].header(name), Some(value), "{name}");
    }
    let mut names = posts[0].headers.iter().map(|(name, _)| name);
    assert!(!names.any(|name| name.contains("trino")), "{:?}", posts[0]);
}

#[test]
fn what_an_answer_changes_of_the_session_counts_from_then_on() {
    // Rows of the first table come with the change; a second one is read after it.
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    trino.numbers("u", &[&[2]]);
    let changed = Fault::Headers(&[
        ("X-Trino-Set-Session", "query_max_run_time=3h"),
        ("X-Trino-Set-Session", "c.mode=a%20b"),
        ("X-Trino-Clear-Session", "query_priority"),
        ("X-Trino-Set-Role", "c=ROLE%7Badmin%7D"),
    ]);
    trino.fault(&from("t"), Place::Page(0), changed, 1);
    let config = with(
        trino.config(),
        &json!({"concurrency": 1, "fetch_protocol": "direct", "roles": ["c=NONE"],
            "session_properties": ["query_max_run_time=2h", "query_priority=1"]}),
    );
    let outcome = Connector::new("read")
        .config(&config)
        .catalog(&catalog(&["t", "u"]))
        .run();
    outcome.assert_complete("t", &[1]);
    outcome.assert_complete("u", &[2]);
    let sent = |table: &str, name: &str| -> Vec<String> {
        let [post] = &trino.asked(&from(table), Place::Post)[..] else {
            panic!("one statement reads a table")
        };
        let values = post.headers.iter().filter(|(known, _)| known == name);
        values.map(|(_, value)| value.clone()).collect()
    };
    let before = ["query_max_run_time=2h", "query_priority=1"];
    assert_eq!(sent("t", "x-trino-session"), before);
    assert_eq!(sent("t", "x-trino-role"), ["c=NONE"]);
    let after = ["query_max_run_time=3h", "c.mode=a%20b"];
    assert_eq!(sent("u", "x-trino-session"), after);
    assert_eq!(sent("u", "x-trino-role"), ["c=ROLE%7Badmin%7D"]);
}

#[test]
fn another_server_changes_nothing_of_the_session() {
    let (trino, other) = (FakeTrino::start(), FakeTrino::start());
    let page = r#"{"id":"q0","columns":[{"name":"n","type":"bigint"}],"data":[[2]],"stats":{"state":"FINISHED"}}"#;
    let changed = Fault::Headers(&[("X-Trino-Set-Role", "c=ROLE%7Badmin%7D")]);
    let uri = other.put("/v1/elsewhere/1", [Object::new(page).but(changed)]);
    trino.table("t", N, [rows(json!([[1]])).next(uri), end()]);
    trino.numbers("u", &[&[3]]);
    let config = with(
        trino.config(),
        &json!({"concurrency": 1, "fetch_protocol": "direct"}),
    );
    let outcome = Connector::new("read")
        .config(&config)
        .catalog(&catalog(&["t", "u"]))
        .run();
    outcome.assert_complete("t", &[1, 2]);
    outcome.assert_complete("u", &[3]);
    let posts = trino.asked(&from("u"), Place::Post);
    assert_eq!(posts[0].header("x-trino-role"), None);
}
