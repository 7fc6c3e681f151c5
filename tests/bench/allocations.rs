//! The encoder allocates nothing per row once its buffers have grown.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

mod pages;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: every call is handed to the system's allocator unchanged.
#[expect(unsafe_code, reason = "an allocator is unsafe to implement")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the same.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is the same.
        unsafe { System.realloc(memory, layout, size) }
    }
}

/// Allocations while a page of this size is encoded by an encoder that has met one before.
fn allocations(name: &str, size: usize, is_protobuf: bool) -> (u64, u64) {
    let page = pages::Page::load(name, size);
    let mut encoder = page.encoder(name);
    let mut protobuf = page.protobuf_encoder(name);
    let mut out = source_trino::lines::Lines::default();
    let mut flush = |lines: &mut source_trino::lines::Lines| {
        lines.clear();
        Ok(())
    };
    let mut encode = || {
        let (rows, at) = (page.rows.as_bytes(), 1_700_000_000_000);
        let rows = if is_protobuf {
            protobuf.encode_page(rows, at, &mut out, None, &mut flush)
        } else {
            encoder.encode_page(rows, at, &mut out, &mut flush)
        };
        assert_eq!(rows, Ok(page.count));
    };
    encode();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    encode();
    (ALLOCATIONS.load(Ordering::Relaxed) - before, page.count)
}

// One test, so that no other thread allocates meanwhile.
#[test]
fn rows_cost_no_allocation() {
    let names = ["lineitem", "wide", "nested", "text"];
    let formats = [false, true];
    for (name, is_protobuf) in names.iter().flat_map(|name| formats.map(|is| (*name, is))) {
        let (for_some, some) = allocations(name, 0, is_protobuf);
        let (for_many, many) = allocations(name, 2 * 1024 * 1024, is_protobuf);
        let name = format!("{name}{}", if is_protobuf { " as Protobuf" } else { "" });
        println!("{name}: {for_some} allocations for {some} rows, {for_many} for {many}");
        // A page costs a few: its constant bytes, and its last row, which is read by the slow path.
        assert!(
            for_many <= 64,
            "{name}: {for_many} allocations for {many} rows"
        );
    }
}
