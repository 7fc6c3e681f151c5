//! One page ahead of the consumer, never more, whatever the size of the table.

use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use serde_json::json;

use crate::connector::read;
use crate::fake::{Answer, FakeTrino, Place, end, from, nothing, rows, text};

/// `count` pages of about a megabyte, a thousand rows each, as their text.
fn large(count: usize) -> Answer {
    let row = format!(r#"[7,"{}"]"#, "x".repeat(1000));
    let page = format!("[{}]", vec![row; 1000].join(","));
    let pages = std::iter::repeat_n(text(page), count);
    Answer::new(&[("n", "bigint"), ("x", "varchar")], pages.chain([end()]))
}

/// Waits until no more pages are asked for, and says how many were.
fn settled(trino: &FakeTrino) -> usize {
    trino.wait_until("the first page", |trino| trino.pages_asked(&from("t")) > 0);
    let mut asked = 0;
    loop {
        std::thread::sleep(Duration::from_millis(700));
        match trino.pages_asked(&from("t")) {
            now if now == asked => return asked,
            now => asked = now,
        }
    }
}

#[test]
fn a_blocked_stdout_stops_the_requests() {
    let trino = FakeTrino::start();
    trino.add_table("t", large(40));
    let running = read(&trino, &["t"]).start();
    let asked = settled(&trino);
    // A page fills four buffers of the output, whose queue has eight places; one more buffer is
    // being written and one waits. With the page being encoded that is four, one is in the pipe,
    // and one is ahead.
    assert!(asked <= 6, "{asked} pages");
    let outcome = running.end();
    assert_eq!(outcome.numbers("t").len(), 40_000);
    assert_eq!(outcome.statuses("t").last().unwrap(), "COMPLETE");
}

#[test]
fn small_pages_are_bounded_too() {
    let row = format!(r#"[7,"{}"]"#, "x".repeat(1000));
    let page = text(format!("[{}]", vec![row; 80].join(",")));
    let pages = std::iter::repeat_n(page, 200);
    let trino = FakeTrino::start();
    trino.table(
        "t",
        &[("n", "bigint"), ("x", "varchar")],
        pages.chain([end()]),
    );
    let running = read(&trino, &["t"]).start();
    let asked = settled(&trino);
    // Thirteen are in the pipe, which holds 1 MiB.
    assert!(asked <= 16 + 13, "{asked} pages");
    assert_eq!(running.end().numbers("t").len(), 16_000);
}

#[test]
fn exactly_one_page_is_fetched_ahead() {
    // One page is more than all buffers hold, so the consumer is busy with the first for good.
    let row = format!(r#"[7,"{}"]"#, "x".repeat(100_000));
    let page = text(format!("[{}]", vec![row; 100].join(",")));
    let trino = FakeTrino::start();
    let columns = [("n", "bigint"), ("x", "varchar")];
    trino.table("t", &columns, [page.clone(), page.clone(), page, end()]);
    let running = read(&trino, &["t"]).start();
    assert_eq!(settled(&trino), 2);
    assert_eq!(running.end().numbers("t").len(), 300);
}

#[test]
fn a_record_does_not_wait_for_the_next_page() {
    let trino = FakeTrino::start();
    let late = rows(json!([[2]])).after(Duration::from_secs(3));
    trino.table("t", &[("n", "bigint")], [rows(json!([[1]])), late, end()]);
    let mut running = read(&trino, &["t"]).start();
    let mut lines = BufReader::new(running.stdout()).lines();
    let is_record = |line: &String| line.contains("\"RECORD\"");
    let first = lines.by_ref().map(Result::unwrap).find(is_record).unwrap();
    assert!(first.contains("\"n\":1"), "{first}");
    assert!(
        trino.asked(&from("t"), Place::Page(2)).is_empty(),
        "the record came after the second page"
    );
    running.signal("TERM");
    running.end();
}

#[test]
fn memory_does_not_grow_with_the_table() {
    let trino = FakeTrino::start();
    // The last page but one waits for the test to look.
    let slow = nothing().after(Duration::from_millis(1500));
    let columns = [("n", "bigint"), ("x", "varchar")];
    let row = format!(r#"[7,"{}"]"#, "x".repeat(10_000));
    let page = text(format!("[{}]", vec![row; 100].join(",")));
    let pages = std::iter::repeat_n(page, 100);
    trino.table("t", &columns, pages.chain([slow, end()]));
    let mut running = read(&trino, &["t"]).start();
    let mut stdout = running.stdout();
    let reader = std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    trino.wait_until("the last page but one", |trino| {
        !trino.asked(&from("t"), Place::Page(100)).is_empty()
    });
    let peak = running.peak_memory();
    let written = reader.join().unwrap().unwrap();
    assert!(written > 100_000_000, "{written}");
    assert!(peak < 64, "{peak} MiB for 100 MB of rows");
    assert_eq!(running.end().code, Some(0));
}
