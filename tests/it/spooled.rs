//! The spooled protocol: segments in answers, with the coordinator, with workers, in a storage.
//!
//! The compressed segments are files made by other implementations (tests/fixtures/segments).

use std::ops::Range;
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::connector::{Connector, Outcome, catalog, each, read, with};
use crate::fake::{
    Answer, FakeTrino, Fault, Object, Place, Request, Step, Storage, end, failed, from, nothing,
    rows, text,
};
use crate::tls::any_server;

const N: &[(&str, &str)] = &[("n", "bigint")];

const LOW: Range<u64> = 0..1500;
const HIGH: Range<u64> = 1500..3000;
const LOW_LZ4: &[u8] = include_bytes!("../fixtures/segments/low.lz4");
const HIGH_LZ4: &[u8] = include_bytes!("../fixtures/segments/high.lz4");
const LOW_ZSTD: &[u8] = include_bytes!("../fixtures/segments/low.zst");
const HIGH_ZSTD: &[u8] = include_bytes!("../fixtures/segments/high.zst");

/// Rows of one number each, as JSON.
fn plain(numbers: Range<u64>) -> Vec<u8> {
    numbers
        .map(|n| json!([n]))
        .collect::<Value>()
        .to_string()
        .into_bytes()
}

/// What Trino says of a segment that is not compressed.
fn metadata(numbers: &Range<u64>, stored: &[u8]) -> Value {
    json!({"rowOffset": numbers.start, "rowsCount": numbers.end - numbers.start,
        "segmentSize": stored.len(), "expiresAt": "2026-11-23T11:40:02.862473024"})
}

/// What Trino says of one that is.
fn packed(numbers: &Range<u64>, stored: &[u8]) -> Value {
    let size = plain(numbers.clone()).len();
    with(
        metadata(numbers, stored),
        &json!({"uncompressedSize": size}),
    )
}

fn inline(stored: &[u8], metadata: &Value) -> Value {
    let data = base64::engine::general_purpose::STANDARD.encode(stored);
    json!({"type": "inline", "data": data, "metadata": metadata})
}

/// A segment at a URL, which is acknowledged at `/ack` of the coordinator.
fn spooled(trino: &FakeTrino, uri: &str, metadata: &Value) -> Value {
    json!({"type": "spooled", "uri": uri, "ackUri": trino.put("/ack", [Object::new("")]),
        "headers": {"x-key": ["one"], "x-keys": ["a", "b"]}, "metadata": metadata})
}

/// A page of segments.
fn page(encoding: &str, segments: &[Value]) -> Step {
    text(json!({"encoding": encoding, "segments": segments}).to_string())
}

fn assert_complete(outcome: &Outcome, numbers: Range<u64>) {
    outcome.assert_complete("t", &numbers.collect::<Vec<_>>());
}

/// Reads the only table, with some settings.
fn read_with(trino: &FakeTrino, settings: &Value) -> Outcome {
    let config = with(trino.config(), settings);
    let run = Connector::new("read").config(&config);
    run.catalog(&catalog(&["t"])).run()
}

fn to(requests: &[Request], target: &str) -> Vec<Request> {
    let requests = requests.iter().filter(|r| r.target.starts_with(target));
    requests.cloned().collect()
}

/// Posts of the query that reads the table.
fn posts(trino: &FakeTrino) -> Vec<Request> {
    trino.asked(&from("t"), Place::Post)
}

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
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("\"fetch_protocol\""),
        "{error}"
    );
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
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("\"fetch_protocol\""),
        "{error}"
    );
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
