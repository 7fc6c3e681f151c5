//! Where segments are: who gets which headers, redirects, receipts.

use std::time::Duration;

use serde_json::json;

use super::{
    HIGH, HIGH_ZSTD, LOW, LOW_ZSTD, N, assert_complete, metadata, packed, page, plain, read_with,
    spooled, to,
};
use crate::connector::{Connector, catalog, each, read, with};
use crate::fake::{FakeTrino, Fault, Object, Request, Storage, end};
use crate::tls::any_server;

/// Nothing that is only the coordinator's business.
fn assert_bare(request: &Request) {
    for (name, value) in &request.headers {
        assert!(
            !name.starts_with("x-trino")
                && name != "authorization"
                && name != "cookie"
                && name != "x-gate",
            "{name}: {value}"
        );
    }
}

fn values<'a>(request: &'a Request, name: &str) -> Vec<&'a str> {
    let headers = request.headers.iter().filter(|(known, _)| known == name);
    headers.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn the_storage_gets_the_segments_headers_and_none_of_ours() {
    let (trino, storage) = (any_server(), Storage::start());
    storage.put("/s", [Object::new(plain(0..2))]);
    let uri = storage.uri("/s?X-Amz-Signature=5ecre7&x=a%2Fb");
    trino.table(
        "u",
        N,
        [
            page(
                "json",
                &[spooled(&trino, &uri, &metadata(&(0..2), &plain(0..2)))],
            ),
            end(),
        ],
    );
    let config = with(
        trino.config(),
        &json!({"session_properties": "query_priority=1", "client_tags": "a",
        "authentication": {"method": "password", "password": "hunter22"},
        "http_headers": [{"name": "X-Gate", "value": "secret-22"}]}),
    );
    let run = Connector::new("read")
        .config(&config)
        .catalog(&catalog(&["u"]));
    let outcome = run.env("LOG_LEVEL", "debug").run();
    outcome.assert_complete("u", &[0, 1]);
    let got = storage.requests();
    assert_eq!(got.len(), 1);
    assert_eq!(
        (got[0].method.as_str(), got[0].target.as_str()),
        ("GET", "/s?X-Amz-Signature=5ecre7&x=a%2Fb")
    );
    assert_bare(&got[0]);
    assert_eq!(got[0].header("accept-encoding"), Some("identity"));
    let acks = to(&trino.requests(), "/ack");
    assert_eq!(acks.len(), 1);
    assert_eq!(acks[0].method, "GET");
    assert_eq!(acks[0].header("x-gate"), Some("secret-22"));
    for request in [&got[0], &acks[0]] {
        assert_eq!(values(request, "x-key"), ["one"]);
        assert_eq!(values(request, "x-keys"), ["a", "b"]);
    }
    // A signed URL is a credential.
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(!text.contains("5ecre7"), "{text}");
    }
}

#[test]
fn redirects_lead_to_the_storage_and_to_workers() {
    let (trino, worker, storage) = (FakeTrino::start(), Storage::start(), Storage::start());
    storage.put("/s", [Object::new(LOW_ZSTD)]);
    worker.put("/own", [Object::new(HIGH_ZSTD)]);
    worker.put("/moved", [Object::moved(&storage.uri("/s?sig=1"))]);
    let once = trino.put("/v1/spooled/1", [Object::moved(&worker.uri("/own"))]);
    let twice = trino.put("/v1/spooled/2", [Object::moved(&worker.uri("/moved"))]);
    trino.table(
        "t",
        N,
        [
            page(
                "json+zstd",
                &[
                    spooled(&trino, &twice, &packed(&LOW, LOW_ZSTD)),
                    spooled(&trino, &once, &packed(&HIGH, HIGH_ZSTD)),
                ],
            ),
            end(),
        ],
    );
    let headers = json!({"http_headers": [{"name": "X-Gate", "value": "secret-22"}]});
    assert_complete(&read_with(&trino, &headers), 0..3000);
    let here = to(&trino.requests(), "/v1/spooled/");
    assert_eq!(here.len(), 2);
    for request in here {
        assert_eq!(request.header("x-gate"), Some("secret-22"));
    }
    let others = [worker.requests(), storage.requests()].concat();
    assert_eq!(others.len(), 3);
    for request in others {
        assert_bare(&request);
        assert_eq!(values(&request, "x-keys"), ["a", "b"]);
    }
}

#[test]
fn a_circle_of_redirects_ends() {
    let trino = FakeTrino::start();
    let uri = trino.put("/round", []);
    trino.put("/round", [Object::moved(&uri)]);
    trino.table(
        "t",
        N,
        [
            page("json", &[spooled(&trino, &uri, &metadata(&(0..2), b""))]),
            end(),
        ],
    );
    let error = read(&trino, &["t"]).run().assert_failed("t").to_string();
    assert!(error.contains("redirect"), "{error}");
}

#[test]
fn a_segment_is_not_followed_from_https_to_plain_http() {
    let (trino, storage) = (any_server(), Storage::start());
    let low = plain(LOW);
    storage.put("/low", [Object::new(low.clone())]);
    let own = trino.put("/v1/spooled/low", [Object::moved(&storage.uri("/low"))]);
    let segment = spooled(&trino, &own, &metadata(&LOW, &low));
    trino.table("u", N, [page("json", &[segment]), end()]);
    let error = read(&trino, &["u"]).run().assert_failed("u");
    assert_eq!(error["failure_type"], "config_error");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("from https to plain http"), "{message}");
    assert_eq!(storage.requests().len(), 0);
}

#[test]
fn a_segment_is_acknowledged_only_after_its_rows_have_left() {
    // Far more than the pipe and the buffers in front of it hold.
    let row = format!("[7,\"{}\"]", "x".repeat(1000));
    let long = format!("[{}]", vec![row; 20_000].join(",")).into_bytes();
    let trino = FakeTrino::start();
    let uri = trino.put("/s", [Object::new(long.clone())]);
    let segment = spooled(&trino, &uri, &metadata(&(0..20_000), &long));
    let columns = [("n", "bigint"), ("x", "varchar")];
    trino.table("t", &columns, [page("json", &[segment]), end()]);
    // Nobody reads stdout.
    let running = read(&trino, &["t"]).start();
    let downloads = |trino: &FakeTrino| to(&trino.requests(), "/s").len();
    trino.wait_until("the download", |trino| downloads(trino) > 0);
    std::thread::sleep(Duration::from_millis(700));
    assert!(to(&trino.requests(), "/ack").is_empty());
    let outcome = running.end();
    assert_eq!(outcome.numbers("t").len(), 20_000);
    assert_eq!(
        (downloads(&trino), to(&trino.requests(), "/ack").len()),
        (1, 1)
    );
}

#[test]
fn an_acknowledgement_that_fails_is_harmless() {
    let faults = [
        Fault::Status(500),
        Fault::Status(404),
        Fault::Status(403),
        Fault::Closed,
        Fault::Html,
    ];
    each(&faults, |fault| {
        let (trino, storage) = (FakeTrino::start(), Storage::start());
        storage.put("/s", [Object::new(plain(0..2))]);
        let segment = spooled(&trino, &storage.uri("/s"), &metadata(&(0..2), &plain(0..2)));
        trino.put("/ack", [Object::new("").but(*fault)]);
        trino.table("t", N, [page("json", &[segment]), end()]);
        let outcome = read(&trino, &["t"]).run();
        assert_eq!(outcome.code, Some(0));
        assert_complete(&outcome, 0..2);
        assert_eq!(to(&trino.requests(), "/ack").len(), 1);
    });
}
