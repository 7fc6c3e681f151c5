//! Downloads that fail, and how many run at once.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    HIGH, HIGH_LZ4, LOW, LOW_LZ4, N, assert_complete, assert_names_the_setting, inline, metadata,
    packed, page, plain, posts, spooled,
};
use crate::connector::{each, read, with};
use crate::fake::{Answer, FakeTrino, Fault, Object, Storage, end, from};

#[test]
fn a_download_that_fails_in_passing_is_tried_again() {
    let faults = [
        Fault::Status(503),
        Fault::Wait(429, 0),
        Fault::Status(502),
        Fault::Cut,
        Fault::CutChunked,
        Fault::Closed,
    ];
    each(&faults, |fault| {
        let (trino, storage) = (FakeTrino::start(), Storage::start());
        let good = Object::new(LOW_LZ4);
        storage.put(
            "/s",
            [good.clone().but(*fault), good.clone().but(*fault), good],
        );
        let uri = storage.uri("/s?sig=5ecre7");
        trino.table(
            "t",
            N,
            [
                page("json+lz4", &[spooled(&trino, &uri, &packed(&LOW, LOW_LZ4))]),
                end(),
            ],
        );
        let run = read(&trino, &["t"]).env("LOG_LEVEL", "debug");
        let outcome = run.run();
        assert_complete(&outcome, LOW);
        assert_eq!(
            (storage.requests().len(), posts(&trino).len()),
            (3, 1),
            "{fault:?}"
        );
        assert!(
            outcome.stdout.contains("trying again"),
            "{fault:?}: no word of it"
        );
        assert!(
            !outcome.stdout.contains("5ecre7"),
            "{fault:?}: a signed URL"
        );
    });
}

#[test]
fn a_segment_that_is_gone_is_had_by_another_run_of_the_query() {
    each(&[403, 404, 410, 500], |status| {
        let (trino, storage) = (FakeTrino::start(), Storage::start());
        storage.put("/old", [Object::new("").but(Fault::Status(*status))]);
        storage.put("/new", [Object::new(LOW_LZ4)]);
        let answer = |path: &str| {
            let segment = spooled(&trino, &storage.uri(path), &packed(&LOW, LOW_LZ4));
            Answer::new(N, [page("json+lz4", &[segment]), end()])
        };
        trino.table("t", N, []);
        trino.answer(&from("t"), [answer("/old"), answer("/new")]);
        assert_complete(&read(&trino, &["t"]).run(), LOW);
        assert_eq!(posts(&trino).len(), 2, "{status}");
    });
}

#[test]
fn a_segment_that_is_gone_after_rows_have_left_says_what_to_set() {
    each(&[403, 404, 500], |status| {
        let (trino, storage) = (FakeTrino::start(), Storage::start());
        storage.put("/s", [Object::new("").but(Fault::Status(*status))]);
        let gone = spooled(
            &trino,
            &storage.uri("/s?sig=5ecre7"),
            &packed(&HIGH, HIGH_LZ4),
        );
        trino.table(
            "t",
            N,
            [
                page("json+lz4", &[inline(LOW_LZ4, &packed(&LOW, LOW_LZ4)), gone]),
                end(),
            ],
        );
        let outcome = read(&trino, &["t"]).run();
        let error = outcome.assert_failed("t");
        let message = error["message"].as_str().unwrap();
        let place = storage.uri("");
        for part in [&status.to_string(), "\"fetch_protocol\"", &place] {
            assert!(message.contains(part), "no {part}: {message}");
        }
        assert!(!outcome.stdout.contains("5ecre7"), "{error}");
        assert_eq!(outcome.numbers("t"), LOW.collect::<Vec<_>>());
        assert_eq!(posts(&trino).len(), 1);
    });
}

#[test]
fn a_storage_that_always_refuses_says_what_to_set() {
    let (trino, storage) = (FakeTrino::start(), Storage::start());
    trino.table(
        "t",
        N,
        [
            page(
                "json",
                &[spooled(&trino, &storage.uri("/none"), &metadata(&LOW, b""))],
            ),
            end(),
        ],
    );
    let error = read(&trino, &["t"]).run().assert_failed("t");
    assert_names_the_setting(&error);
    assert_eq!(posts(&trino).len(), 3);
}

#[test]
fn no_more_than_four_segments_are_downloaded_at_once() {
    let (trino, storage) = (FakeTrino::start(), Storage::start());
    let segments: Vec<Value> = (0..16)
        .map(|n| {
            let (path, numbers) = (format!("/{n}"), n..n + 1);
            // The first ones are the slowest, so that order is no accident.
            let slow = Fault::Late(Duration::from_millis(160 - 8 * n));
            storage.put(&path, [Object::new(plain(numbers.clone())).but(slow)]);
            spooled(
                &trino,
                &storage.uri(&path),
                &metadata(&numbers, &plain(numbers.clone())),
            )
        })
        .collect();
    trino.table(
        "t",
        N,
        [
            page("json", &segments[..9]),
            page("json", &segments[9..]),
            end(),
        ],
    );
    assert_complete(&read(&trino, &["t"]).run(), 0..16);
    let most = storage.most_running();
    assert!((3..=4).contains(&most), "{most} at once");
}

#[test]
fn large_segments_are_downloaded_within_the_memory() {
    let (trino, storage) = (FakeTrino::start(), Storage::start());
    let segments: Vec<Value> = (0..6)
        .map(|n| {
            let (path, numbers) = (format!("/{n}"), n..n + 1);
            let slow = Fault::Late(Duration::from_millis(50));
            storage.put(&path, [Object::new(plain(numbers.clone())).but(slow)]);
            let plain = metadata(&numbers, &plain(numbers.clone()));
            spooled(
                &trino,
                &storage.uri(&path),
                &with(plain, &json!({"uncompressedSize": 40 << 20})),
            )
        })
        .collect();
    trino.table("t", N, [page("json", &segments), end()]);
    assert_complete(&read(&trino, &["t"]).run(), 0..6);
    assert_eq!(storage.most_running(), 1);
}
