//! Any body of an answer is read, and its rows encoded, or refused with an error.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use source_trino::encode::{Encoder, RecordPlan};
use source_trino::lines::Lines;
use source_trino::trino::wire::page::Page;
use source_trino::types::column_type;

fuzz_target!(|body: &[u8]| {
    let Ok(page) = Page::parse(Bytes::copy_from_slice(body)) else {
        return;
    };
    let (Ok(Some(columns)), Some(rows)) = (page.columns(), page.rows()) else {
        return;
    };
    let columns: Vec<_> = columns
        .into_iter()
        .map(|column| {
            let ty = column_type(&column.type_text, column.type_signature.as_deref());
            (column.name, ty)
        })
        .collect();
    let mut encoder = Encoder::new(RecordPlan::new("s", None, &columns));
    let mut out = Lines::default();
    let _ = encoder.encode_page(&rows, 17, &mut out, &mut |_| Ok(()));
    assert!(out.is_empty() || out.as_bytes().ends_with(b"}}\n"));
});
