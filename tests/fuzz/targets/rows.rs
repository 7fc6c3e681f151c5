//! Both paths of the encoder give the same lines or the same error, whatever the types and the
//! page.
//!
//! The input's first line is the columns' types, with `;` between them; the rest is the page's
//! rows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use source_trino::encode::{Encoder, RecordPlan};
use source_trino::lines::Lines;
use source_trino::types::TrinoType;

fuzz_target!(|input: &[u8]| {
    let Some(line_end) = input.iter().position(|byte| *byte == b'\n') else {
        return;
    };
    let (types, rows) = (String::from_utf8_lossy(&input[..line_end]), &input[line_end + 1..]);
    let columns: Vec<_> = types
        .split(';')
        .enumerate()
        .map(|(index, ty)| (format!("c{index}"), TrinoType::parse(ty)))
        .collect();
    let mut encoder = Encoder::new(RecordPlan::new("s", None, &columns));
    let (mut fast, mut slow) = (Lines::default(), Lines::default());
    let result = encoder.encode_page(rows, 17, &mut fast, &mut |_| Ok(()));
    assert_eq!(result, encoder.encode_page_slowly(rows, 17, &mut slow, &mut |_| Ok(())));
    assert_eq!(str::from_utf8(fast.as_bytes()), str::from_utf8(slow.as_bytes()));
    assert!(slow.is_empty() || slow.as_bytes().ends_with(b"}}\n"));
    if let Ok(rows) = result {
        let line_ends = slow.as_bytes().iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!((rows, rows), (slow.count(), line_ends));
    }
});
