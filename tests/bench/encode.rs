//! Speed of the encoder for people: bytes of a page per second, one core.
//!
//! `cargo bench --bench encode`; `-- lineitem` for one page. The gate is `callgrind-gate`, which
//! does not depend on what else the machine does.

use std::hint::black_box;

use criterion::{Criterion, Throughput};

mod pages;

const PAGE_SIZE: usize = 1024 * 1024;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (path, slowly) in [("fast", false), ("slow", true)] {
        let mut group = criterion.benchmark_group(path);
        for name in pages::NAMES {
            let page = pages::Page::load(name, PAGE_SIZE);
            let mut encoder = page.encoder(name);
            let mut out = source_trino::lines::Lines::default();
            group.throughput(Throughput::Bytes(page.rows.len() as u64));
            group.bench_function(*name, |bencher| {
                bencher.iter(|| {
                    let mut flush = |lines: &mut source_trino::lines::Lines| {
                        black_box(&lines);
                        lines.clear();
                        Ok(())
                    };
                    let rows = black_box(page.rows.as_bytes());
                    let count = if slowly {
                        encoder.encode_page_slowly(rows, 1_700_000_000_000, &mut out, &mut flush)
                    } else {
                        encoder.encode_page(rows, 1_700_000_000_000, &mut out, &mut flush)
                    };
                    assert_eq!(count, Ok(page.count));
                    out.clear();
                });
            });
        }
        group.finish();
    }
    criterion.final_summary();
}
