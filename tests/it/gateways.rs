//! Gateways and balancers in front of Trino, as they are.

use std::time::Duration;

use serde_json::{Value, json};

use crate::connector::{Connector, Outcome, catalog, read, with};
use crate::fake::{Answer, FakeTrino, Fault, Place, failed, from, rows};

fn check(config: &Value) -> Outcome {
    Connector::new("check").config(config).run()
}

fn server() -> FakeTrino {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1], &[2]]);
    trino
}

/// Serves statements and nothing else.
fn serve_statements_only(trino: &FakeTrino, status: u16) {
    trino.fault("", Place::Info, Fault::Status(status), usize::MAX);
    trino.fault("", Place::Probe, Fault::Status(405), usize::MAX);
    for page in 0..9 {
        trino.fault("", Place::Beat(page), Fault::Status(405), usize::MAX);
    }
}

#[test]
fn a_gateway_may_serve_statements_only() {
    for status in [403, 404, 405, 501] {
        let trino = server();
        serve_statements_only(&trino, status);
        trino.answer(
            "SELECT version()",
            [Answer::small(&[("_col0", "varchar")], json!([["476"]]))],
        );
        read(&trino, &["t"]).run().assert_complete("t", &[1, 2]);
        assert_eq!(check(&trino.config()).status().0, "SUCCEEDED", "{status}");
        // The version tells that pages can be had again.
        trino.fault(&from("t"), Place::Page(1), Fault::Cut, 1);
        read(&trino, &["t"]).run().assert_complete("t", &[1, 2]);
    }
}

#[test]
fn a_server_that_does_not_tell_its_version_is_treated_with_care() {
    let trino = server();
    serve_statements_only(&trino, 404);
    let unknown = failed(
        "FUNCTION_NOT_FOUND",
        "USER_ERROR",
        "Function 'version' not registered",
    );
    trino.answer("SELECT version()", [Answer::new(&[], [unknown])]);
    read(&trino, &["t"]).run().assert_complete("t", &[1, 2]);
    // It may forget pages, so none is asked for twice.
    trino.fault(&from("t"), Place::Page(1), Fault::Cut, 1);
    read(&trino, &["t"]).run().assert_failed("t");
}

#[test]
fn a_balancer_may_answer_with_ids_and_states_of_its_own() {
    let trino = server();
    trino.fault("", Place::Post, Fault::Foreign, usize::MAX);
    trino.fault("", Place::Queued, Fault::Foreign, usize::MAX);
    assert_eq!(check(&trino.config()).status().0, "SUCCEEDED");
    read(&trino, &["t"]).run().assert_complete("t", &[1, 2]);
    // An error names the query as Trino knows it, not as the balancer does.
    let error = failed("DIVISION_BY_ZERO", "USER_ERROR", "Division by zero");
    trino.table("broken", &[("n", "bigint")], [rows(json!([[1]])), error]);
    let outcome = read(&trino, &["broken"]).run();
    let error = outcome.assert_failed("broken").to_string();
    assert!(error.contains("query q"), "{error}");
    assert!(!outcome.stdout.contains("balancer-0001 failed"), "{error}");
}

#[test]
fn a_page_that_refuses_access_is_of_something_in_front_of_trino() {
    for place in [Place::Info, Place::Post] {
        let trino = server();
        trino.fault("", place, Fault::Page(403), usize::MAX);
        if place == Place::Info {
            trino.fault("", Place::Post, Fault::Page(403), usize::MAX);
        }
        let (status, message) = check(&trino.config()).status();
        assert_eq!(status, "FAILED");
        let expected = "Something in front of Trino refused access (HTTP 403: Access denied)";
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn a_browser_login_is_told_where_nothing_else_is_offered() {
    const BROWSER: &str =
        "Bearer x_redirect_server=\"https://t/oauth2\", x_token_server=\"https://t/x\"";
    const BOTH: &[&str] = &["Basic realm=\"Trino\"", BROWSER];
    let password = json!({"authentication": {"method": "password", "password": "hunter22"}});
    let cases: [(&'static [&'static str], &str); 2] = [
        (&[BROWSER], "Trino wants a browser login"),
        (BOTH, "Trino wants a login, or another one than it got"),
    ];
    for (challenges, expected) in cases {
        let trino = server();
        let refusal = Fault::Challenges(401, challenges);
        trino.fault("", Place::Post, refusal, usize::MAX);
        let (status, message) = check(&with(trino.config(), &password)).status();
        assert_eq!(status, "FAILED");
        assert!(message.starts_with(expected), "{message}");
        assert!(message.contains("\"authentication\""), "{message}");
    }
}

#[test]
fn headers_that_are_too_large_are_told_with_what_fills_them() {
    let trino = server();
    trino.fault("", Place::Post, Fault::Status(431), usize::MAX);
    let (status, message) = check(&trino.config()).status();
    assert_eq!(status, "FAILED");
    for field in ["\"session_properties\"", "\"http_headers\""] {
        assert!(message.contains(field), "{message}");
    }
}

#[test]
fn a_cluster_without_a_worker_is_waited_for() {
    let trino = server();
    let none = || {
        let text = "No nodes available to run query";
        Answer::new(
            &[("n", "bigint")],
            [failed("NO_NODES_AVAILABLE", "INSUFFICIENT_RESOURCES", text)],
        )
    };
    trino.answer_once(&from("t"), none());
    let outcome = Connector::new("read")
        .config(&with(trino.config(), &json!({"fetch_protocol": "direct"})))
        .catalog(&catalog(&["t"]))
        .run();
    outcome.assert_complete("t", &[1, 2]);
    trino.answer(&from("t"), [none()]);
    let outcome = read(&trino, &["t"]).within(Duration::from_mins(1)).run();
    let error = outcome.assert_failed("t");
    assert_eq!(error["failure_type"], "transient_error", "{error}");
}

#[test]
fn a_refused_password_that_ends_with_white_space_is_told_as_such() {
    for (password, is_hinted) in [("hunter22\n", true), ("hunter22", false)] {
        let trino = server();
        let refusal = Fault::Challenges(401, &["Basic realm=\"Trino\""]);
        trino.fault("", Place::Post, refusal, usize::MAX);
        let password = json!({"authentication": {"method": "password", "password": password}});
        let outcome = check(&with(trino.config(), &password));
        let (_, message) = outcome.status();
        assert!(message.starts_with("Trino wants a login"), "{message}");
        let hint = message.contains("ends with a blank or a line end");
        assert_eq!(hint, is_hinted, "{message}");
        assert!(!outcome.stdout.contains("hunter22"), "{}", outcome.stdout);
    }
}
