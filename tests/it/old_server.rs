//! A server that forgets a page once it has sent it (before 363) is never asked for one twice:
//! it would answer 200 without the rows.

use std::time::Duration;

use crate::connector::{each, read};
use crate::fake::{FakeTrino, Fault, NO_ROWS, Place, from};

/// Faults after which the server may have sent, and forgotten, the page.
const LOSING: &[Fault] = &[
    Fault::Cut,
    Fault::CutChunked,
    Fault::Half,
    Fault::Closed,
    Fault::Empty,
    Fault::Html,
    Fault::Status(502),
    Fault::Status(504),
];

fn server(version: &str) -> FakeTrino {
    let trino = FakeTrino::version(version);
    trino.numbers("t", &[&[1, 2], &[3], &[4, 5]]);
    trino
}

/// No page was asked for twice within one query.
fn assert_no_page_twice(trino: &FakeTrino) {
    let mut pages: Vec<String> = trino
        .requests()
        .into_iter()
        .filter(|r| r.method == "GET" && matches!(r.place, Some(Place::Page(_))))
        .map(|r| r.target)
        .collect();
    let all = pages.len();
    pages.sort();
    pages.dedup();
    assert_eq!(pages.len(), all);
}

#[test]
fn a_page_lost_before_the_first_row_runs_the_query_again() {
    each(LOSING, |fault| {
        let trino = server("352");
        trino.fault(&from("t"), Place::Page(0), *fault, 1);
        let outcome = read(&trino, &["t"]).run();
        assert_eq!(outcome.code, Some(0), "{fault:?}: {}", outcome.stdout);
        outcome.assert_complete("t", &[1, 2, 3, 4, 5]);
        assert_eq!(trino.asked(&from("t"), Place::Post).len(), 2, "{fault:?}");
        assert_no_page_twice(&trino);
    });
}

#[test]
fn a_page_lost_after_the_first_row_fails_the_stream() {
    each(LOSING, |fault| {
        let trino = server("352");
        trino.fault(&from("t"), Place::Page(1), *fault, 1);
        let outcome = read(&trino, &["t"]).run();
        let error = outcome.assert_failed("t");
        assert_eq!(outcome.numbers("t"), [1, 2], "{fault:?}");
        assert_eq!(trino.asked(&from("t"), Place::Post).len(), 1, "{fault:?}");
        assert_no_page_twice(&trino);
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("352") && message.contains("again"),
            "{message}"
        );
        assert_eq!(error["failure_type"], "transient_error");
    });
}

#[test]
fn a_metadata_query_that_lost_a_page_is_run_again() {
    let trino = server("352");
    trino.fault(NO_ROWS, Place::Page(0), Fault::Cut, 1);
    let outcome = read(&trino, &["t"]).run();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
    outcome.assert_complete("t", &[1, 2, 3, 4, 5]);
    assert_eq!(trino.asked(NO_ROWS, Place::Post).len(), 2);
    assert_no_page_twice(&trino);
}

#[test]
fn a_page_that_was_not_served_is_asked_for_again() {
    each(&[429, 503], |status| {
        let trino = server("352");
        trino.fault(&from("t"), Place::Page(1), Fault::Status(*status), 2);
        let outcome = read(&trino, &["t"]).run();
        outcome.assert_complete("t", &[1, 2, 3, 4, 5]);
        assert_eq!(trino.asked(&from("t"), Place::Post).len(), 1, "{status}");
    });
}

#[test]
fn what_has_no_rows_to_lose_is_asked_for_again() {
    let cases = [(Place::Post, ""), (Place::Queued, "")];
    each(&cases, |(place, _)| {
        let trino = server("352");
        trino.fault(&from("t"), *place, Fault::Cut, 1);
        let outcome = read(&trino, &["t"]).run();
        outcome.assert_complete("t", &[1, 2, 3, 4, 5]);
        assert_eq!(trino.asked(&from("t"), *place).len(), 2, "{place:?}");
    });
}

#[test]
fn a_slow_page_is_not_a_lost_page() {
    let trino = server("352");
    trino.fault(
        &from("t"),
        Place::Page(1),
        Fault::Slow(Duration::from_millis(1500)),
        1,
    );
    let outcome = read(&trino, &["t"]).run();
    outcome.assert_complete("t", &[1, 2, 3, 4, 5]);
}

#[test]
fn the_version_decides_whether_a_page_is_asked_for_again() {
    let cases = [
        ("352", false),
        ("0.289", false),
        ("362", false),
        ("old testversion", false),
        ("363", true),
        ("474", true),
        ("476", true),
        ("476-e.3", true),
        ("426-amzn-0", true),
        ("testversion", true),
    ];
    each(&cases, |(version, again)| {
        let trino = server(version);
        trino.fault(&from("t"), Place::Page(1), Fault::Cut, 1);
        let outcome = read(&trino, &["t"]).run();
        if *again {
            outcome.assert_complete("t", &[1, 2, 3, 4, 5]);
        } else {
            outcome.assert_failed("t");
        }
        let asked = trino.asked(&from("t"), Place::Page(1)).len();
        assert_eq!(asked, if *again { 2 } else { 1 }, "{version}");
    });
}
