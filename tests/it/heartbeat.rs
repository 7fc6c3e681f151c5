//! A consumer that pauses for longer than a heartbeat: the query is kept alive, no row is lost.
//!
//! The pause between heartbeats is 30 seconds, so this is the slowest test; its cases wait
//! together.

use std::time::Duration;

use crate::connector::{each, read};
use crate::fake::{FakeTrino, Fault, Place, end, from, text};

const PAUSE: Duration = Duration::from_secs(32);

#[test]
fn a_pausing_consumer_keeps_its_query_alive() {
    // Trino 400 keeps pages but knows no HEAD; 352 answers a repeated GET without the rows.
    // A gateway may refuse HEAD in front of a server that knows it.
    let cases = [
        ("476", "HEAD", false),
        ("400", "GET", false),
        ("352", "GET", false),
        ("476", "GET", true),
    ];
    each(&cases, |(version, method, refused)| {
        let trino = FakeTrino::version(version);
        if *refused {
            for page in 0..40 {
                trino.fault("", Place::Beat(page), Fault::Status(405), usize::MAX);
            }
        }
        let page = |number: usize| {
            let row = format!(r#"[{number},"{}"]"#, "x".repeat(200_000));
            text(format!("[{row},{row}]"))
        };
        let columns = [("n", "bigint"), ("x", "varchar")];
        trino.table("t", &columns, (0..40).map(page).chain([end()]));
        let running = read(&trino, &["t"]).start();
        std::thread::sleep(PAUSE);
        let requests = trino.requests();
        let beats: Vec<_> = requests
            .iter()
            .filter(|r| r.sql.contains(&from("t")))
            .filter(|r| !*refused || r.method != "HEAD")
            .skip_while(|r| (requests[0].at + PAUSE / 2) > r.at)
            .collect();
        assert_eq!(beats.len(), 1, "{version}: {beats:#?}");
        assert_eq!(beats[0].method, *method, "{version}");
        let page = match beats[0].place.unwrap() {
            Place::Beat(page) | Place::Page(page) => page,
            other => panic!("{other:?}"),
        };
        let last = requests
            .iter()
            .filter_map(|r| match r.place {
                Some(Place::Page(page)) => Some(page),
                _ => None,
            })
            .max()
            .unwrap();
        // HEAD on what comes next, GET on what was seen last: never a page not yet fetched.
        let expected = if *method == "HEAD" { last + 1 } else { last };
        assert_eq!(page, expected, "{version}");
        let outcome = running.end();
        let numbers: Vec<u64> = (0..40).flat_map(|n| [n, n]).collect();
        outcome.assert_complete("t", &numbers);
    });
}
