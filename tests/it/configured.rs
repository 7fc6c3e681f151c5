//! `discover --configured`: the cursor and the streams that a person names.

use serde_json::Value;

use crate::connector::{Connector, Outcome};
use crate::fake::{FakeTrino, end, rows};

fn server() -> FakeTrino {
    let trino = FakeTrino::start();
    let columns = [("id", "bigint"), ("changed", "timestamp(3)")];
    trino.table("orders", &columns, [rows(serde_json::json!([])), end()]);
    trino.numbers("nation", &[&[1]]);
    trino
}

fn discover(trino: &FakeTrino, args: &str) -> Outcome {
    let run = Connector::new("discover").config(&trino.config());
    let run = run.arg("--configured");
    args.split(' ').fold(run, Connector::arg).run()
}

/// Name, sync mode and cursor of each stream.
fn streams(outcome: &Outcome) -> Vec<(String, String, Value)> {
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let catalog: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let streams = catalog["streams"].as_array().unwrap().iter();
    streams
        .map(|s| {
            (
                text(&s["stream"]["name"]),
                text(&s["sync_mode"]),
                s["cursor_field"][0].clone(),
            )
        })
        .collect()
}

#[test]
fn a_cursor_alone_means_incremental() {
    let trino = server();
    for args in [
        "--streams orders --cursor changed",
        "--streams orders --cursor CHANGED",
    ] {
        let outcome = discover(&trino, args);
        let expected = (
            "orders".to_owned(),
            "incremental".to_owned(),
            "changed".into(),
        );
        assert_eq!(streams(&outcome), [expected], "{args}");
        assert_eq!(outcome.stderr, "");
    }
}

#[test]
fn a_cursor_that_a_named_stream_does_not_have_is_an_error() {
    let trino = server();
    let outcome = discover(&trino, "--streams orders,nation --cursor chnged");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""));
    for said in ["orders", "chnged", "\"changed\""] {
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
}

#[test]
fn a_cursor_that_some_other_stream_does_not_have_is_a_warning() {
    let trino = server();
    let outcome = discover(&trino, "--cursor changed");
    let modes: Vec<_> = streams(&outcome)
        .into_iter()
        .map(|(name, mode, _)| (name, mode))
        .collect();
    let expected = [("nation", "full_refresh"), ("orders", "incremental")];
    assert_eq!(modes, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert!(outcome.stderr.contains("nation"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("orders"), "{}", outcome.stderr);
}

/// The names of the streams, in their order.
fn names(outcome: &Outcome) -> Vec<String> {
    let streams = streams(outcome).into_iter();
    streams.map(|(name, ..)| name).collect()
}

#[test]
fn blanks_between_names_are_no_part_of_them() {
    let trino = server();
    let run = Connector::new("discover")
        .config(&trino.config())
        .arg("--configured");
    let outcome = run.arg("--streams").arg("orders, nation,").run();
    assert_eq!(names(&outcome), ["orders", "nation"]);
}

#[test]
fn names_without_commas_are_refused_with_the_right_way_to_write_them() {
    let trino = server();
    let outcome = discover(&trino, "--streams orders nation");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""));
    assert!(outcome.stderr.contains("commas"), "{}", outcome.stderr);
    let outcome = discover(&trino, "--stream orders");
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("'--streams'"), "{}", outcome.stderr);
}

#[test]
fn a_stream_that_is_named_in_two_ways_is_one() {
    let trino = server();
    let outcome = discover(&trino, "--streams orders,s.orders,nation,orders");
    assert_eq!(names(&outcome), ["orders", "nation"]);
}

#[test]
fn a_misspelt_stream_is_told_with_the_nearest_name() {
    let trino = server();
    for (name, said) in [
        ("NATION", "Did you mean \"nation\"?"),
        ("natoin", "Did you mean \"nation\"?"),
        ("s.natoin", "Did you mean \"s.nation\"?"),
        ("nat*", "takes no patterns"),
    ] {
        let outcome = discover(&trino, &format!("--streams {name}"));
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""));
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
    let outcome = crate::connector::read(&trino, &["natoin"]).run();
    let error = outcome.assert_failed("natoin")["message"].to_string();
    assert!(error.contains(r#"Did you mean \"nation\"?"#), "{error}");
}
