//! What is tried again, and what is not: each row arrives once either way.

use std::time::Duration;

use serde_json::json;

use crate::connector::{Connector, catalog, each, read};
use crate::fake::{Answer, FakeTrino, Fault, NO_ROWS, Place, end, failed, from, nothing, rows};

const N: &[(&str, &str)] = &[("n", "bigint")];

/// Everything that passes by itself.
const PASSING: &[Fault] = &[
    Fault::Status(429),
    Fault::Status(502),
    Fault::Status(503),
    Fault::Status(504),
    Fault::Html,
    Fault::Empty,
    Fault::Cut,
    Fault::CutChunked,
    Fault::Half,
    Fault::Closed,
    Fault::Slow(Duration::from_millis(300)),
    Fault::Late(Duration::from_millis(300)),
];

fn three_pages() -> FakeTrino {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1, 2], &[3], &[4, 5]]);
    trino
}

#[test]
fn a_passing_fault_costs_no_row_and_doubles_none() {
    let places = [
        Place::Info,
        Place::Post,
        Place::Queued,
        Place::Page(0),
        Place::Page(1),
        Place::Page(3),
    ];
    let cases: Vec<(Fault, Place)> = PASSING
        .iter()
        .flat_map(|fault| places.iter().map(|place| (*fault, *place)))
        .collect();
    each(&cases, |(fault, place)| {
        let trino = three_pages();
        let sql = if *place == Place::Info {
            String::new()
        } else {
            from("t")
        };
        trino.fault(&sql, *place, *fault, 1);
        let outcome = read(&trino, &["t"]).run();
        let case = format!("{fault:?} at {place:?}");
        assert_eq!(outcome.code, Some(0), "{case}: {}", outcome.stdout);
        outcome.assert_complete("t", &[1, 2, 3, 4, 5]);
        let times = if matches!(fault, Fault::Slow(_) | Fault::Late(_)) {
            1
        } else {
            2
        };
        assert_eq!(trino.asked(&sql, *place).len(), times, "{case}");
        let posts = if *place == Place::Post { times } else { 1 };
        assert_eq!(trino.asked(&from("t"), Place::Post).len(), posts, "{case}");
    });
}

#[test]
fn a_fault_may_come_several_times() {
    let trino = three_pages();
    trino.fault(&from("t"), Place::Post, Fault::Status(503), 3);
    trino.fault(&from("t"), Place::Page(1), Fault::Closed, 2);
    trino.fault(&from("t"), Place::Page(1), Fault::Cut, 2);
    let outcome = read(&trino, &["t"]).run();
    outcome.assert_complete("t", &[1, 2, 3, 4, 5]);
    assert_eq!(trino.asked(&from("t"), Place::Page(1)).len(), 5);
}

#[test]
fn metadata_queries_are_tried_again_too() {
    let trino = three_pages();
    for part in [
        "information_schema.schemata",
        "information_schema.tables",
        "EXPLAIN",
    ] {
        trino.fault(part, Place::Page(0), Fault::Cut, 1);
        trino.fault(part, Place::Post, Fault::Status(502), 1);
    }
    let outcome = Connector::new("check").config(&trino.config()).run();
    assert_eq!(outcome.status().0, "SUCCEEDED", "{}", outcome.stdout);
}

#[test]
fn metadata_queries_that_fail_are_run_again_too() {
    // Nothing of them has left, so this can double no row.
    let lost = failed(
        "NO_NODES_AVAILABLE",
        "INSUFFICIENT_RESOURCES",
        "No nodes available",
    );
    let cases: [(&str, &str, &[&str]); 4] = [
        ("check", "information_schema.tables", &[]),
        ("discover", "information_schema.columns", &[]),
        ("read", NO_ROWS, &["t"]),
        ("read", "information_schema.columns", &["t", "u"]),
    ];
    each(&cases, |(command, part, streams)| {
        let trino = three_pages();
        if streams.contains(&"u") {
            trino.numbers("u", &[&[6]]);
        }
        trino.answer_once(part, Answer::new(&[], [lost.clone()]));
        let mut run = Connector::new(command).config(&trino.config());
        if !streams.is_empty() {
            run = run.catalog(&catalog(streams));
        }
        let outcome = run.run();
        assert_eq!(outcome.code, Some(0), "{command}: {}", outcome.stdout);
        match *command {
            "check" => assert_eq!(outcome.status().0, "SUCCEEDED", "{}", outcome.stdout),
            "read" => outcome.assert_complete("t", &[1, 2, 3, 4, 5]),
            _ => {}
        }
        let asked = trino.asked(part, Place::Post).len();
        assert_eq!(asked, 2, "{command}");
    });
}

#[test]
fn retry_after_is_the_least_pause() {
    let cases = [(429, Place::Post), (503, Place::Page(1))];
    each(&cases, |(status, place)| {
        let trino = three_pages();
        trino.fault(&from("t"), *place, Fault::Wait(*status, 1), 1);
        let outcome = read(&trino, &["t"]).run();
        outcome.assert_complete("t", &[1, 2, 3, 4, 5]);
        let asked = trino.asked(&from("t"), *place);
        let pause = asked[1].at - asked[0].at;
        assert!(pause >= Duration::from_secs(1), "{pause:?}");
    });
}

#[test]
fn what_does_not_pass_is_asked_for_once() {
    let cases: Vec<(u16, Place)> = [401, 403, 404, 410, 500]
        .into_iter()
        .flat_map(|status| [(status, Place::Page(1)), (status, Place::Post)])
        // A query that is gone before its first row is run again; see below.
        .filter(|case| !matches!(case, (404 | 410, Place::Post)))
        .collect();
    each(&cases, |(status, place)| {
        let trino = three_pages();
        trino.fault(&from("t"), *place, Fault::Status(*status), 9);
        let outcome = read(&trino, &["t"]).run();
        let error = outcome.assert_failed("t");
        assert_eq!(
            trino.asked(&from("t"), *place).len(),
            1,
            "{status} at {place:?}"
        );
        assert_eq!(
            trino.asked(&from("t"), Place::Post).len(),
            1,
            "{status} at {place:?}"
        );
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains(&status.to_string()),
            "{error}"
        );
        let expected = match status {
            401 | 403 => "config_error",
            404 | 410 => "transient_error",
            _ => "system_error",
        };
        assert_eq!(error["failure_type"], expected, "{status}");
    });
}

#[test]
fn a_page_that_cannot_be_had_is_told_with_the_query_id() {
    each(&[401, 404, 500], |status| {
        let trino = three_pages();
        trino.fault(&from("t"), Place::Page(1), Fault::Status(*status), 9);
        let outcome = read(&trino, &["t"]).run();
        let error = outcome.assert_failed("t").to_string();
        let query = trino.asked(&from("t"), Place::Queued)[0].query.unwrap();
        assert!(error.contains(&format!("q{query}")), "{error}");
    });
}

#[test]
fn a_query_that_fails_before_its_first_row_is_run_again() {
    let lost = || {
        failed(
            "NO_NODES_AVAILABLE",
            "INSUFFICIENT_RESOURCES",
            "No nodes available",
        )
    };
    let external = || failed("JDBC_ERROR", "EXTERNAL", "the database went away");
    let good = Answer::new(N, [rows(json!([[1]])), rows(json!([[2]])), end()]);
    let cases = [
        ("at once", Answer::new(N, [lost().without_columns()])),
        (
            "after its columns",
            Answer::new(N, [nothing(), nothing(), lost()]),
        ),
        ("in the connector", Answer::new(N, [nothing(), external()])),
    ];
    each(&cases, |(name, bad)| {
        let trino = FakeTrino::start();
        trino.add_table("t", good.clone());
        trino.answer(&from("t"), [bad.clone(), good.clone()]);
        let outcome = read(&trino, &["t"]).run();
        assert_eq!(outcome.code, Some(0), "{name}");
        assert_eq!(outcome.numbers("t"), [1, 2], "{name}");
        assert_eq!(outcome.statuses("t").last().unwrap(), "COMPLETE", "{name}");
        assert_eq!(trino.asked(&from("t"), Place::Post).len(), 2, "{name}");
    });
}

#[test]
fn a_query_that_is_run_again_is_one_stream() {
    let lost = failed("JDBC_ERROR", "EXTERNAL", "the database went away");
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1, 2]]);
    // It has said its columns, so the stream was called RUNNING already.
    trino.answer_once(&from("t"), Answer::new(N, [nothing(), nothing(), lost]));
    read(&trino, &["t"]).run().assert_complete("t", &[1, 2]);
}

#[test]
fn a_query_that_is_gone_before_its_first_row_is_run_again() {
    each(&[404, 410], |status| {
        let trino = three_pages();
        trino.fault(&from("t"), Place::Page(0), Fault::Status(*status), 1);
        let outcome = read(&trino, &["t"]).run();
        outcome.assert_complete("t", &[1, 2, 3, 4, 5]);
        assert_eq!(trino.asked(&from("t"), Place::Post).len(), 2);
        assert_eq!(trino.asked(&from("t"), Place::Page(0)).len(), 2);
    });
}

#[test]
fn a_query_that_fails_after_its_first_row_is_not_run_again() {
    let trino = FakeTrino::start();
    let lost = failed("REMOTE_TASK_ERROR", "INTERNAL_ERROR", "a worker went away");
    trino.table("t", N, [rows(json!([[1]])), lost]);
    let outcome = read(&trino, &["t"]).run();
    let error = outcome.assert_failed("t");
    assert_eq!(error["failure_type"], "transient_error");
    assert_eq!(outcome.numbers("t"), [1]);
    assert_eq!(trino.asked(&from("t"), Place::Post).len(), 1);
}

#[test]
fn a_query_that_always_fails_is_given_up() {
    let trino = FakeTrino::start();
    let lost = failed(
        "NO_NODES_AVAILABLE",
        "INSUFFICIENT_RESOURCES",
        "No nodes available",
    );
    trino.table("t", N, [lost]);
    let outcome = read(&trino, &["t"]).run();
    let error = outcome.assert_failed("t");
    assert_eq!(error["failure_type"], "transient_error");
    assert_eq!(trino.asked(&from("t"), Place::Post).len(), 3);
}

#[test]
fn a_lost_answer_to_the_post_starts_one_query() {
    let trino = three_pages();
    trino.fault(&from("t"), Place::Post, Fault::Closed, 1);
    let outcome = read(&trino, &["t"]).run();
    outcome.assert_complete("t", &[1, 2, 3, 4, 5]);
    assert_eq!(trino.asked(&from("t"), Place::Post).len(), 2);
    assert_eq!(
        trino.asked(&from("t"), Place::Queued).len(),
        1,
        "the orphan was started"
    );
}

#[test]
fn the_first_contact_gives_up_soon() {
    each(&[None, Some(Fault::Status(503))], |fault| {
        let trino = FakeTrino::start();
        match fault {
            None => trino.starting(true),
            Some(fault) => trino.fault("", Place::Info, *fault, usize::MAX),
        }
        let run = Connector::new("check").config(&trino.config());
        let outcome = run.within(Duration::from_secs(10)).run();
        assert_eq!(outcome.status().0, "FAILED", "{fault:?}");
    });
}

#[test]
fn retry_after_does_not_lengthen_the_budget() {
    let trino = FakeTrino::start();
    trino.fault("", Place::Info, Fault::Wait(503, 15), usize::MAX);
    let run = Connector::new("check").config(&trino.config());
    let outcome = run.within(Duration::from_secs(10)).run();
    assert_eq!(outcome.status().0, "FAILED");
}
