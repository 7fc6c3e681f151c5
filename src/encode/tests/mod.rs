//! The encoder as its callers see it: pages in, lines out.

use super::*;
use crate::types::TrinoType;

mod pages;
pub(in crate::encode) mod properties;
mod servers;
mod values;

fn columns(types: &[&str]) -> Vec<(String, TrinoType)> {
    types
        .iter()
        .enumerate()
        .map(|(index, ty)| (format!("c{index}"), TrinoType::parse(ty)))
        .collect()
}

fn encoder(types: &[&str]) -> Encoder {
    Encoder::new(RecordPlan::new("s", Some("ns"), &columns(types)))
}

#[expect(clippy::unnecessary_wraps, reason = "has the form of a flush")]
fn no_flush(_: &mut Lines) -> Result<(), Stopped> {
    Ok(())
}

fn text(lines: &Lines) -> String {
    String::from_utf8(lines.as_bytes().to_vec()).unwrap()
}

/// The lines of a page and what `encode_page` returned; both paths give the same.
fn encode(types: &[&str], page: &[u8]) -> (String, Result<u64, EncodeError>) {
    let mut encoder = encoder(types);
    let mut out = Lines::default();
    let result = encoder.encode_page(page, 17, &mut out, &mut no_flush);
    let mut slow_out = Lines::default();
    let slow_result = encoder.encode_page_slowly(page, 17, &mut slow_out, &mut no_flush);
    let out = text(&out);
    assert_eq!((&out, &result), (&text(&slow_out), &slow_result));
    (out, result)
}

/// The record's value and its change for a column with this one cell.
///
/// The page has the row so often that the fast path reads the first ones in place, and the last
/// ones from a copy.
fn cell(ty: &str, raw: &str) -> (String, Option<&'static str>) {
    let rows = 2 + 5000 / (raw.len() + 3);
    let page = format!("[{}]", vec![format!("[{raw}]"); rows].join(","));
    let (lines, result) = encode(&[ty], page.as_bytes());
    assert_eq!(result, Ok(rows as u64), "{ty} {raw}");
    let line = lines.split_inclusive('\n').next().unwrap();
    assert_eq!(lines, line.repeat(rows));
    let rest = line
        .strip_prefix(r#"{"type":"RECORD","record":{"stream":"s","namespace":"ns","data":{"c0":"#)
        .unwrap();
    for (change, meta) in [
        (None, ""),
        (
            Some("NULLED"),
            r#","meta":{"changes":[{"field":"c0","change":"NULLED","reason":"SOURCE_SERIALIZATION_ERROR"}]}"#,
        ),
        (
            Some("TRUNCATED"),
            r#","meta":{"changes":[{"field":"c0","change":"TRUNCATED","reason":"SOURCE_SERIALIZATION_ERROR"}]}"#,
        ),
    ] {
        if let Some(value) = rest.strip_suffix(&format!("}},\"emitted_at\":17{meta}}}}}\n")) {
            return (value.to_owned(), change);
        }
    }
    panic!("{line}");
}

/// Checks cells that are written without a change: (type, page, record).
fn check_exact(cases: &[(&str, &str, &str)]) {
    for (ty, raw, expected) in cases {
        assert_eq!(cell(ty, raw), ((*expected).to_owned(), None), "{ty} {raw}");
    }
}

/// Checks cells with a change: (type, page, record, change).
fn check_changed(cases: &[(&str, &str, &str, &'static str)]) {
    for (ty, raw, expected, change) in cases {
        assert_eq!(
            cell(ty, raw),
            ((*expected).to_owned(), Some(*change)),
            "{ty} {raw}"
        );
    }
}

/// Rows of a number and a text that have not the form of a row, each with a page in which thirty
/// good ones stand before and behind it.
pub(super) fn pages_with_a_row_of_no_form() -> impl Iterator<Item = (&'static str, String)> {
    let rows = [
        r#"[1,"a",]"#,
        r#"[1,"a",2]"#,
        r#"[1,"a",,]"#,
        r#"[1,,"a"]"#,
        r#"[,1,"a"]"#,
        r#"[1 "a"]"#,
        r#"[1"a"]"#,
        r#"[1;"a"]"#,
        r#"[1,"a"}"#,
        r#"{1,"a"]"#,
        r"[1,]",
        r"[1]",
        r"[]",
    ];
    let good = [r#"[1,"a"]"#; 30].join(",");
    rows.into_iter()
        .map(move |row| (row, format!("[{good},{row},{good}]")))
}
