//! What `callgrind-gate` counts: one page, encoded a number of times.
//!
//! `instructions <page> <times>` prints the rows encoded, `<page>.protobuf` those encoded as
//! Protobuf. The gate runs it with two numbers and takes the difference, so that start-up and
//! reading the file do not count.

use std::env;
use std::io::{Write as _, stdout};

mod pages;

fn main() {
    let mut arguments = env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let (Some(name), Some(times)) = (arguments.next(), arguments.next()) else {
        // `cargo bench` runs every bench without arguments.
        return;
    };
    let times: u64 = times.parse().expect("a number of times");
    let (name, is_protobuf) = match name.strip_suffix(".protobuf") {
        Some(name) => (name, true),
        None => (name.as_str(), false),
    };
    let page = pages::Page::load(name, 0);
    let mut encoder = page.encoder(name);
    let mut protobuf = page.protobuf_encoder(name);
    let mut out = source_trino::lines::Lines::default();
    let mut flush = |lines: &mut source_trino::lines::Lines| {
        lines.clear();
        Ok(())
    };
    for _ in 0..times {
        let (rows, at) = (page.rows.as_bytes(), 1_700_000_000_000);
        let rows = if is_protobuf {
            protobuf.encode_page(rows, at, &mut out, None, &mut flush)
        } else {
            encoder.encode_page(rows, at, &mut out, &mut flush)
        };
        assert_eq!(rows, Ok(page.count));
        out.clear();
    }
    writeln!(stdout(), "{}", times * page.count).expect("stdout");
}
