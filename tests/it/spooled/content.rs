//! What segments hold, and what the server says of them.

use std::ops::Range;

use serde_json::{Value, json};

use super::{
    HIGH, HIGH_LZ4, HIGH_ZSTD, LOW, LOW_LZ4, LOW_ZSTD, N, assert_complete, inline, metadata,
    packed, page, plain, posts, spooled, to,
};
use crate::connector::{Outcome, each, read, with};
use crate::fake::{FakeTrino, Object, Storage, end, nothing};

#[test]
fn segments_of_every_encoding_are_read_from_wherever_they_are() {
    let cases = [
        ("json", plain(LOW), plain(HIGH), false),
        ("json+lz4", LOW_LZ4.to_vec(), HIGH_LZ4.to_vec(), true),
        ("json+zstd", LOW_ZSTD.to_vec(), HIGH_ZSTD.to_vec(), true),
    ];
    each(&cases, |(encoding, low, high, compressed)| {
        let describe = if *compressed { packed } else { metadata };
        let (trino, storage) = (FakeTrino::start(), Storage::start());
        storage.put("/low", [Object::new(low.clone())]);
        storage.put("/high", [Object::new(high.clone())]);
        let own = trino.put("/v1/spooled/high", [Object::new(high.clone())]);
        // The answer's list is not in the order of the rows; small segments are not compressed.
        let small = plain(3000..3002);
        trino.table(
            "t",
            N,
            [
                page(
                    encoding,
                    &[
                        spooled(&trino, &own, &describe(&HIGH, high)),
                        inline(low, &describe(&LOW, low)),
                        inline(&small, &metadata(&(3000..3002), &small)),
                    ],
                ),
                nothing(),
                page(
                    encoding,
                    &[
                        spooled(
                            &trino,
                            &storage.uri("/low"),
                            &with(describe(&LOW, low), &json!({"rowOffset": 3002})),
                        ),
                        spooled(
                            &trino,
                            &storage.uri("/high"),
                            &with(describe(&HIGH, high), &json!({"rowOffset": 4502})),
                        ),
                    ],
                ),
                end(),
            ],
        );
        let outcome = read(&trino, &["t"]).run();
        let expected: Vec<u64> = (0..3002).chain(0..3000).collect();
        outcome.assert_complete("t", &expected);
        trino.wait_until("all receipts", |trino| {
            to(&trino.requests(), "/ack").len() == 3
        });
    });
}

#[test]
fn a_small_spooled_segment_is_plain_whatever_the_encoding() {
    each(&["json", "json+lz4", "json+zstd"], |encoding| {
        let (trino, storage) = (FakeTrino::start(), Storage::start());
        storage.put("/s", [Object::new(plain(0..3))]);
        let segment = spooled(&trino, &storage.uri("/s"), &metadata(&(0..3), &plain(0..3)));
        trino.table("t", N, [page(encoding, &[segment]), end()]);
        assert_complete(&read(&trino, &["t"]).run(), 0..3);
    });
}

/// A read of three segments without some of what the server says of segments.
fn read_without(left_out: &[&str]) -> Outcome {
    let trino = FakeTrino::start();
    let describe = |numbers: Range<u64>| {
        let mut all = metadata(&numbers, &plain(numbers.clone()));
        let said = |key: &String, _: &mut Value| !left_out.contains(&key.as_str());
        all.as_object_mut().unwrap().retain(said);
        all
    };
    let uri = trino.put("/s", [Object::new(plain(2..5))]);
    let first = inline(&plain(0..2), &describe(0..2));
    let second = spooled(&trino, &uri, &describe(2..5));
    let third = inline(&plain(5..6), &describe(5..6));
    let pages = [
        page("json", &[first, second]),
        page("json", &[third]),
        end(),
    ];
    trino.table("t", N, pages);
    read(&trino, &["t"]).run()
}

#[test]
fn what_the_server_does_not_say_is_not_checked() {
    let cases: [&[&str]; 4] = [
        &["rowOffset", "rowsCount", "segmentSize", "expiresAt"],
        &["rowOffset"],
        &["rowOffset", "rowsCount"],
        &["segmentSize"],
    ];
    each(&cases, |left_out| {
        assert_complete(&read_without(left_out), 0..6);
    });
}

#[test]
fn offsets_are_not_checked_where_counts_are_missing() {
    assert_complete(&read_without(&["rowsCount"]), 0..6);
}

#[test]
fn segments_that_are_not_as_promised_fail_the_stream() {
    let (low, high) = (packed(&LOW, LOW_LZ4), packed(&HIGH, HIGH_LZ4));
    let zstd = packed(&HIGH, HIGH_ZSTD);
    let size = plain(HIGH).len();
    let broken = |at: usize| {
        let mut bytes = HIGH_ZSTD.to_vec();
        bytes[at] ^= 0x55;
        bytes
    };
    // Encoding, what is stored, changes of what is said, name.
    let cases: Vec<(&str, Vec<u8>, Value, &str)> = vec![
        (
            "json+lz4",
            HIGH_LZ4.to_vec(),
            with(high.clone(), &json!({"segmentSize": 1})),
            "a stored size",
        ),
        (
            "json+lz4",
            HIGH_LZ4.to_vec(),
            with(high.clone(), &json!({"uncompressedSize": size - 1})),
            "lz4 longer",
        ),
        (
            "json+lz4",
            HIGH_LZ4.to_vec(),
            with(high.clone(), &json!({"uncompressedSize": size + 1})),
            "lz4 shorter",
        ),
        (
            "json+zstd",
            HIGH_ZSTD.to_vec(),
            with(zstd.clone(), &json!({"uncompressedSize": size - 1})),
            "zstd longer",
        ),
        (
            "json+zstd",
            HIGH_ZSTD.to_vec(),
            with(zstd.clone(), &json!({"uncompressedSize": size + 1})),
            "zstd shorter",
        ),
        (
            "json+zstd",
            HIGH_ZSTD.to_vec(),
            with(zstd.clone(), &json!({"uncompressedSize": u64::MAX})),
            "a huge size",
        ),
        (
            "json+lz4",
            HIGH_LZ4.to_vec(),
            with(high.clone(), &json!({"rowsCount": 1499})),
            "more rows",
        ),
        (
            "json+lz4",
            HIGH_LZ4.to_vec(),
            with(high.clone(), &json!({"rowsCount": 1501})),
            "fewer rows",
        ),
        (
            "json+lz4",
            HIGH_LZ4.to_vec(),
            with(high.clone(), &json!({"rowOffset": 1501})),
            "a gap",
        ),
        (
            "json+lz4",
            HIGH_LZ4.to_vec(),
            with(high.clone(), &json!({"rowOffset": 1499})),
            "an overlap",
        ),
        (
            "json+lz4",
            HIGH_LZ4.to_vec(),
            with(high.clone(), &json!({"rowOffset": 0})),
            "the same rows again",
        ),
        (
            "json+lz4",
            vec![0xff; HIGH_LZ4.len()],
            high.clone(),
            "no lz4",
        ),
        (
            "json+lz4",
            HIGH_ZSTD.to_vec(),
            with(zstd.clone(), &json!({})),
            "zstd that is said to be lz4",
        ),
        ("json+zstd", broken(0), zstd.clone(), "no zstd"),
        (
            "json+zstd",
            broken(2000),
            zstd.clone(),
            "zstd with a wrong checksum",
        ),
        (
            "json+zstd",
            HIGH_LZ4.to_vec(),
            high.clone(),
            "lz4 that is said to be zstd",
        ),
        (
            "json",
            plain(HIGH)[..4000].to_vec(),
            metadata(&HIGH, &plain(HIGH)[..4000]),
            "a part of the rows",
        ),
        ("json", Vec::new(), metadata(&HIGH, b""), "nothing"),
        ("json", b"{}".to_vec(), metadata(&HIGH, b"{}"), "no rows"),
        (
            "arrow",
            plain(HIGH),
            metadata(&HIGH, &plain(HIGH)),
            "an encoding of another age",
        ),
        (
            "json+snappy",
            plain(HIGH),
            metadata(&HIGH, &plain(HIGH)),
            "an encoding that nobody asked for",
        ),
    ];
    each(&cases, |(encoding, stored, described, name)| {
        let (trino, storage) = (FakeTrino::start(), Storage::start());
        storage.put("/high", [Object::new(stored.clone())]);
        trino.table(
            "t",
            N,
            [
                page("json+lz4", &[inline(LOW_LZ4, &low)]),
                page(
                    encoding,
                    &[spooled(&trino, &storage.uri("/high"), described)],
                ),
                end(),
            ],
        );
        let outcome = read(&trino, &["t"]).run();
        outcome.assert_failed("t");
        assert!(
            to(&trino.requests(), "/ack").is_empty(),
            "{name}: acknowledged"
        );
        assert_eq!(
            posts(&trino).len(),
            1,
            "{name}: such a query is not run again"
        );
        assert!(
            !outcome.stderr.contains("panicked"),
            "{name}: {}",
            outcome.stderr
        );
    });
}

#[test]
fn a_segment_that_never_came_is_no_complete_stream() {
    // The query ends well, but rows 2 to 5 were in an answer that is missing here.
    let trino = FakeTrino::start();
    let segment = |numbers: Range<u64>| {
        inline(
            &plain(numbers.clone()),
            &metadata(&numbers, &plain(numbers.clone())),
        )
    };
    trino.table(
        "t",
        N,
        [
            page("json", &[segment(0..2)]),
            page("json", &[segment(5..9)]),
            end(),
        ],
    );
    let outcome = read(&trino, &["t"]).run();
    let error = outcome.assert_failed("t").to_string();
    assert!(
        error.contains("row 5") && error.contains("row 2"),
        "{error}"
    );
}
