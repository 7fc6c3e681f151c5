//! Whether rows are spooled at all: the setting, the server, and the rows decide.

use serde_json::json;

use super::{
    N, assert_complete, assert_names_the_setting, metadata, page, plain, posts, read_with, spooled,
};
use crate::connector::{Connector, each, read, with};
use crate::fake::{Answer, FakeTrino, Object, Place, Request, end, failed, from, rows};

#[test]
fn a_server_may_answer_some_pages_direct() {
    let trino = FakeTrino::start();
    let uri = trino.put("/s", [Object::new(plain(2..4))]);
    let segment = spooled(
        &trino,
        &uri,
        &with(metadata(&(2..4), &plain(2..4)), &json!({"rowOffset": 0})),
    );
    trino.table(
        "t",
        N,
        [
            rows(json!([[0], [1]])),
            page("json", &[segment]),
            page("json", &[]),
            rows(json!([[4]])),
            end(),
        ],
    );
    let outcome = read(&trino, &["t"]).run();
    let mut numbers = outcome.numbers("t");
    // Rows of a table have no order.
    numbers.sort_unstable();
    assert_eq!((outcome.code, numbers), (Some(0), (0..5).collect()));
}

#[test]
fn the_setting_decides_what_is_asked_for() {
    let cases = [
        (json!({}), Some("json+lz4, json+zstd, json")),
        (
            json!({"fetch_protocol": "auto"}),
            Some("json+lz4, json+zstd, json"),
        ),
        (
            json!({"fetch_protocol": "spooled"}),
            Some("json+lz4, json+zstd, json"),
        ),
        (json!({"fetch_protocol": "direct"}), None),
    ];
    each(&cases, |(settings, header)| {
        let trino = FakeTrino::start();
        trino.table("t", N, [page("json", &[]), end()]);
        assert_complete(&read_with(&trino, settings), 0..0);
        let name = "x-trino-query-data-encoding";
        assert_eq!(posts(&trino)[0].header(name), *header);
        let others = trino.requests();
        let is_probe = |sql: &str| sql.starts_with("SELECT rpad");
        let asked = others
            .iter()
            .filter(|r| r.header(name).is_some() && !is_probe(&r.sql))
            .count();
        assert_eq!(
            asked,
            usize::from(header.is_some()),
            "only the query of the rows"
        );
    });
}

#[test]
fn a_server_that_does_not_spool_is_a_wrong_setting() {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1, 2]]);
    let error = read_with(&trino, &json!({"fetch_protocol": "spooled"})).assert_failed("t");
    assert_eq!(error["failure_type"], "config_error");
    assert_names_the_setting(&error);
    assert_complete(&read_with(&trino, &json!({"fetch_protocol": "auto"})), 1..3);
}

#[test]
fn what_cannot_be_spooled_is_read_direct() {
    let failure = || {
        failed(
            "SERIALIZATION_ERROR",
            "INTERNAL_ERROR",
            "Could not serialize data",
        )
    };
    let script = || {
        let trino = FakeTrino::start();
        let spooling = Answer::new(N, [failure()]);
        trino.table("t", N, []);
        trino.answer(&from("t"), [spooling, Answer::small(N, json!([[1], [2]]))]);
        trino
    };
    let trino = script();
    assert_complete(&read(&trino, &["t"]).run(), 1..3);
    let asked: Vec<bool> = posts(&trino)
        .iter()
        .map(|r| r.header("x-trino-query-data-encoding").is_some())
        .collect();
    assert_eq!(asked, [true, false]);
    let trino = script();
    let error = read_with(&trino, &json!({"fetch_protocol": "spooled"})).assert_failed("t");
    assert!(error.to_string().contains("SERIALIZATION_ERROR"), "{error}");
    assert_eq!(posts(&trino).len(), 1);
}

#[test]
fn a_user_who_may_not_set_the_property_of_the_question_is_asked_without_it() {
    let denied = || {
        let text = "Access Denied: Cannot set system session property spooling_inlining_enabled";
        Answer::new(&[], [failed("PERMISSION_DENIED", "USER_ERROR", text)])
    };
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    let row = plain(0..1);
    let own = trino.put("/v1/spooled/probe", [Object::new(row.clone())]);
    let segment = spooled(&trino, &own, &metadata(&(0..1), &row));
    let stored = Answer::new(N, [page("json", &[segment]), end()]);
    trino.answer("SELECT rpad", [denied(), stored]);
    let config = with(trino.config(), &json!({"fetch_protocol": "spooled"}));
    let outcome = Connector::new("check").config(&config).run();
    assert_eq!(outcome.status().0, "SUCCEEDED", "{}", outcome.stdout);
    let asked = trino.asked("SELECT rpad", Place::Post);
    let property = |request: &Request| request.header("x-trino-session").is_some();
    assert_eq!(
        asked.iter().map(property).collect::<Vec<_>>(),
        [true, false]
    );
}
