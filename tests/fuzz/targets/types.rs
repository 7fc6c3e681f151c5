//! Any text is read as a type or kept as text, and what is shown of it is read back as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use source_trino::types::signature::from_signature;
use source_trino::types::{TrinoType, json_schema};

fuzz_target!(|text: &str| {
    let shown = TrinoType::parse(text).to_string();
    let ty = TrinoType::parse(&shown);
    assert_eq!(TrinoType::parse(&ty.to_string()), ty);
    assert!(json_schema(&ty)["type"].is_array());
    if let Some(ty) = from_signature(text) {
        assert!(json_schema(&ty)["type"].is_array());
    }
});
