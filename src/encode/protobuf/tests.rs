//! Messages byte by byte (the vectors were made with Google's library from Airbyte's `.proto`
//! files), and both paths against each other.

use proptest::prelude::*;

use super::super::simd::{Best, Usual};
use super::*;
use crate::encode::RecordPlan;
use crate::encode::tests::pages_with_a_row_of_no_form;
use crate::encode::tests::properties::{any_damaged_page, any_page};
use crate::types::expected::{ExpectedType, Property, properties_in_order};
use crate::types::{TrinoType, json_schema};

#[expect(clippy::unnecessary_wraps, reason = "has the form of a flush")]
fn no_flush(_: &mut Lines) -> Result<(), Stopped> {
    Ok(())
}

fn encoder_for(columns: &[(String, TrinoType)], properties: &[Property]) -> ProtobufEncoder {
    let json = RecordPlan::new("t", Some("s"), columns);
    let plan = ProtobufPlan::new(json, "t", Some("s"), "p1", columns, properties);
    ProtobufEncoder::new(plan.unwrap())
}

/// The properties that `discover` shows for these columns.
fn properties(columns: &[(String, TrinoType)]) -> Vec<Property> {
    let schemas = columns
        .iter()
        .map(|(name, ty)| (name.clone(), json_schema(ty)));
    let properties: serde_json::Map<_, _> = schemas.collect();
    properties_in_order(&serde_json::json!({"properties": properties}))
}

fn columns(types: &[TrinoType]) -> Vec<(String, TrinoType)> {
    let named = types.iter().enumerate();
    // The order of the names is not that of the columns.
    named
        .map(|(index, ty)| (format!("c{}", types.len() - index), ty.clone()))
        .collect()
}

type Encoded = (Vec<u8>, Result<u64, EncodeError>);

/// The messages of a page, by the fast path and by the slow one.
fn both(encoder: &mut ProtobufEncoder, page: &[u8]) -> (Encoded, Encoded) {
    let mut fast = Lines::default();
    let fast_result = encoder.encode_page(page, 1, &mut fast, None, &mut no_flush);
    // What every processor can do gives the same.
    let best = std::mem::replace(&mut encoder.json.level, Best::Usual(Usual));
    let mut usual = Lines::default();
    let usual_result = encoder.encode_page(page, 1, &mut usual, None, &mut no_flush);
    encoder.json.level = best;
    assert_eq!(hex(usual.as_bytes()), hex(fast.as_bytes()));
    assert_eq!(usual_result, fast_result);
    let mut slow = Lines::default();
    let slow_result = encoder.encode_page_slowly(page, 1, &mut slow, &mut no_flush);
    (
        (fast.as_bytes().to_vec(), fast_result),
        (slow.as_bytes().to_vec(), slow_result),
    )
}

fn hex(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

/// The record of a page's first row, by both paths, without its constant start and lengths.
fn first_record(ty: &str, expected: ExpectedType, cell: &str) -> Vec<u8> {
    let columns = [("c".to_owned(), TrinoType::parse(ty))];
    let mut encoder = encoder_for(&columns, &[("c".to_owned(), expected)]);
    let rows = 2 + 200 / (cell.len() + 3);
    let page = format!("[{}]", vec![format!("[{cell}]"); rows].join(","));
    let (fast, slow) = both(&mut encoder, page.as_bytes());
    assert_eq!(
        (hex(&fast.0), &fast.1),
        (hex(&slow.0), &slow.1),
        "{ty} {cell}"
    );
    assert_eq!(fast.1, Ok(rows as u64), "{ty} {cell}");
    let message = &fast.0[..fast.0.len() / rows];
    assert_eq!(fast.0, message.repeat(rows));
    let prefix = [0x0a, 1, b's', 0x12, 1, b't', 0x18, 1, 0x22, 2, b'p', b'1'];
    let start = message
        .windows(prefix.len())
        .position(|part| part == prefix);
    message[start.unwrap() + prefix.len()..].to_vec()
}

/// The value alone; it is sent without a change.
fn value(ty: &str, cell: &str) -> String {
    let schema = json_schema(&TrinoType::parse(ty));
    let record = first_record(ty, ExpectedType::from_json_schema(&schema), cell);
    let length = usize::from(record[1]);
    assert_eq!((record[0], record.len()), (0x2a, 2 + length), "{ty} {cell}");
    hex(&record[2..])
}

#[test]
fn values_are_those_of_the_vectors() {
    for (ty, cell, expected) in [
        ("bigint", "null", ""),
        ("json", "\"null\"", ""),
        ("boolean", "false", "08 00"),
        ("boolean", "true", "08 01"),
        ("varchar", r#""""#, "12 00"),
        ("varchar", r#""é""#, "12 02 c3 a9"),
        ("varchar", r#""\u00e9""#, "12 02 c3 a9"),
        ("varchar", r#""\ud83d\ude00\n""#, "12 05 f0 9f 98 80 0a"),
        ("integer", "0", "18 00"),
        ("integer", "-1", "18 01"),
        ("integer", "1", "18 02"),
        ("smallint", "300", "18 d8 04"),
        (
            "bigint",
            "9223372036854775807",
            "18 fe ff ff ff ff ff ff ff ff 01",
        ),
        (
            "bigint",
            "-9223372036854775808",
            "18 ff ff ff ff ff ff ff ff ff 01",
        ),
        ("decimal(38, 0)", "\"300\"", "18 d8 04"),
        (
            "decimal(38, 0)",
            "\"9223372036854775808\"",
            "22 13 39 32 32 33 33 37 32 30 33 36 38 35 34 37 37 35 38 30 38",
        ),
        ("double", "1.5", "29 00 00 00 00 00 00 f8 3f"),
        ("double", "0.0", "29 00 00 00 00 00 00 00 00"),
        ("double", "-0.0", "29 00 00 00 00 00 00 00 80"),
        ("double", "4.9E-324", "29 01 00 00 00 00 00 00 00"),
        ("decimal(10, 2)", "\"12.30\"", "32 05 31 32 2e 33 30"),
        ("date", "\"1970-01-01\"", "38 00"),
        ("date", "\"1969-12-31\"", "38 01"),
        ("date", "\"2024-02-29\"", "38 8c b5 02"),
        ("time(3)", "\"00:00:00.000\"", "48 00"),
        ("time(9)", "\"00:00:00.000000001\"", "48 01"),
        ("time(0) with time zone", "\"00:00:00+00:00\"", "42 00"),
        (
            "time(0) with time zone",
            "\"01:00:00-05:00\"",
            "42 0b 08 80 c0 e2 85 e3 68 10 9f 99 02",
        ),
        (
            "timestamp(0) with time zone",
            "\"1970-01-01 00:00:00 UTC\"",
            "52 00",
        ),
        (
            "timestamp(9) with time zone",
            "\"1969-12-31 23:59:59.999999999 UTC\"",
            "52 08 08 01 10 ff 93 eb dc 03",
        ),
        ("timestamp(3)", "\"1970-01-01 00:00:00.000\"", "5a 00"),
        (
            "timestamp(3)",
            "\"2024-02-29 12:00:00.000\"",
            "5a 0c 08 8c b5 02 10 80 80 9e c5 a4 e9 09",
        ),
        ("json", r#""{\"a\":1}""#, "62 07 7b 22 61 22 3a 31 7d"),
        ("row(a integer)", "[1]", "62 07 7b 22 61 22 3a 31 7d"),
    ] {
        assert_eq!(value(ty, cell), expected, "{ty} {cell}");
    }
}

#[test]
fn a_value_is_sent_in_the_case_of_its_schema() {
    for (ty, expected, cell, bytes) in [
        ("bigint", ExpectedType::String, "12", "2a 04 12 02 31 32"),
        ("bigint", ExpectedType::Json, "12", "2a 04 62 02 31 32"),
        ("bigint", ExpectedType::Number, "12", "2a 04 32 02 31 32"),
        (
            "varchar",
            ExpectedType::Json,
            "\"1\"",
            "2a 05 62 03 22 31 22",
        ),
        (
            "date",
            ExpectedType::String,
            "\"2024-02-29\"",
            "2a 0c 12 0a 32 30 32 34 2d 30 32 2d 32 39",
        ),
    ] {
        assert_eq!(
            hex(&first_record(ty, expected, cell)),
            bytes,
            "{ty} {expected:?}"
        );
    }
}

#[test]
fn a_message_is_the_vector() {
    let columns = ["bigint", "bigint", "varchar"];
    let columns: Vec<_> = ["a", "b", "c"]
        .iter()
        .zip(columns)
        .map(|(name, ty)| ((*name).to_owned(), TrinoType::parse(ty)))
        .collect();
    let mut encoder = encoder_for(&columns, &properties(&columns));
    let (fast, slow) = both(&mut encoder, br#"[[1,null,"x"]]"#);
    assert_eq!(fast, slow);
    assert_eq!(
        hex(&fast.0),
        "19 0a 17 0a 01 73 12 01 74 18 01 22 02 70 31 2a 02 18 02 2a 00 2a 03 12 01 78"
    );
    assert_eq!(hex(&protocol_message(b"{}\n")), "04 12 02 7b 7d");
}

#[test]
fn what_cannot_be_sent_is_told() {
    for (ty, cell, expected) in [
        ("double", "\"NaN\"", "2a 00 32 07 0a 05 0a 01 63 18 06"),
        (
            "date",
            "\"+10000-01-01\"",
            "2a 00 32 07 0a 05 0a 01 63 18 06",
        ),
        ("date", "\"2020-02-31\"", "2a 00 32 07 0a 05 0a 01 63 18 06"),
        (
            "varchar",
            r#""\ud83d""#,
            "2a 05 12 03 ef bf bd 32 09 0a 07 0a 01 63 10 01 18 06",
        ),
        (
            "time(12)",
            "\"00:00:00.000000001999\"",
            "2a 02 48 01 32 09 0a 07 0a 01 63 10 01 18 06",
        ),
    ] {
        let schema = json_schema(&TrinoType::parse(ty));
        let record = first_record(ty, ExpectedType::from_json_schema(&schema), cell);
        assert_eq!(hex(&record), expected, "{ty} {cell}");
    }
}

#[test]
fn values_stand_in_the_order_of_the_schema_and_missing_ones_are_empty() {
    let columns = [
        ("b".to_owned(), TrinoType::Bigint),
        ("extra".to_owned(), TrinoType::Varchar(None)),
        ("a".to_owned(), TrinoType::Bigint),
    ];
    let properties = [
        ("_ab_cdc_deleted_at".to_owned(), ExpectedType::String),
        ("a".to_owned(), ExpectedType::Integer),
        ("b".to_owned(), ExpectedType::Integer),
        ("gone".to_owned(), ExpectedType::Any),
    ];
    let mut encoder = encoder_for(&columns, &properties);
    let page = format!(
        "[{}]",
        [r#"[1,"not sent, and longer than a block of the page",2]"#; 9].join(",")
    );
    let (fast, slow) = both(&mut encoder, page.as_bytes());
    assert_eq!(fast, slow);
    let values = "2a 00 2a 02 18 04 2a 02 18 02 2a 00";
    assert!(hex(&fast.0).ends_with(values), "{}", hex(&fast.0));
}

#[test]
fn records_that_are_not_kept_are_counted_and_not_written() {
    let columns = [("a".to_owned(), TrinoType::Bigint)];
    let mut encoder = encoder_for(&columns, &properties(&columns));
    let mut out = Lines::default();
    let mut lines = Vec::new();
    let mut keep = |line: &[u8]| {
        lines.push(String::from_utf8(line.to_vec()).unwrap());
        !lines.is_empty() && lines.len() != 2
    };
    let page = b"[[1],[2],[3]]";
    let rows = encoder.encode_page(page, 1, &mut out, Some(&mut keep), &mut no_flush);
    assert_eq!((rows, out.count()), (Ok(3), 2));
    assert_eq!(
        lines[1],
        "{\"type\":\"RECORD\",\"record\":{\"stream\":\"t\",\"namespace\":\"s\",\"data\":{\"a\":2},\"emitted_at\":1}}\n"
    );
}

#[test]
fn a_row_has_its_values_and_the_commas_between_them() {
    let columns = columns(&[TrinoType::Bigint, TrinoType::Varchar(None)]);
    let in_order: Vec<Property> = properties(&columns).into_iter().rev().collect();
    let mut encoder = encoder_for(&columns, &in_order);
    for (row, page) in pages_with_a_row_of_no_form() {
        let (fast, slow) = both(&mut encoder, page.as_bytes());
        assert!(fast == slow, "{row}");
        let error = fast.1.unwrap_err().to_string();
        assert!(error.starts_with("row 31 of the page"), "{row}: {error}");
    }
}

#[test]
fn long_values_have_long_lengths() {
    for length in [
        40, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 16_370, 16_384, 300_000,
    ] {
        let text = "é".repeat(length);
        let columns = [("a".to_owned(), TrinoType::Varchar(None))];
        let mut encoder = encoder_for(&columns, &properties(&columns));
        let page = format!(r#"[["{text}"],["{text}"],["{}"]]"#, "x".repeat(100));
        let (fast, slow) = both(&mut encoder, page.as_bytes());
        assert_eq!(fast.1, Ok(3));
        assert!(fast == slow, "{length}");
        assert!(
            fast.0
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        );
    }
}

#[test]
#[cfg_attr(miri, ignore = "large")]
fn what_is_too_large_for_a_line_is_left_out_here_too() {
    let columns = [
        ("a".to_owned(), TrinoType::Bigint),
        ("b".to_owned(), TrinoType::Varchar(None)),
        ("c".to_owned(), TrinoType::Bigint),
    ];
    let mut encoder = encoder_for(&columns, &properties(&columns));
    let page = format!(r#"[[1,"{}",3],[1,"x",3]]"#, "x".repeat(21_000_000));
    let (fast, slow) = both(&mut encoder, page.as_bytes());
    assert!(fast == slow);
    let first = hex(&fast.0[..fast.0.len().min(60)]);
    // Null, and the reason SOURCE_FIELD_SIZE_LIMITATION.
    assert!(
        first.contains("2a 02 18 02 2a 00 2a 02 18 06 32 07 0a 05 0a 01 62 18 03"),
        "{first}"
    );
    assert_eq!(encoder.columns_left_out().collect::<Vec<_>>(), ["b"]);
}

fn check_paths_agree(types: &[TrinoType], page: &[u8]) -> Result<(), TestCaseError> {
    let columns = columns(types);
    // Sorted by name, they are in another order than the columns; the fast path has a way for each.
    let sorted = properties(&columns);
    let in_order: Vec<Property> = sorted.iter().rev().cloned().collect();
    for properties in [sorted, in_order] {
        let mut encoder = encoder_for(&columns, &properties);
        let (fast, slow) = both(&mut encoder, page);
        let page = String::from_utf8_lossy(page);
        prop_assert_eq!(hex(&fast.0), hex(&slow.0), "{:?}\n{}", types, page);
        prop_assert_eq!(fast.1, slow.1, "{:?}\n{}", types, page);
    }
    Ok(())
}

proptest! {
    #[test]
    #[cfg_attr(miri, ignore = "its pages take long to generate")]
    fn both_paths_agree_on_pages_of_all_types((types, page) in any_page()) {
        check_paths_agree(&types, page.as_bytes())?;
    }

    #[test]
    #[cfg_attr(miri, ignore = "its pages take long to generate")]
    fn both_paths_agree_on_damaged_pages((types, page) in any_damaged_page()) {
        check_paths_agree(&types, &page)?;
    }

    #[test]
    fn doubles_are_the_nearest(text in "-?(0|[1-9][0-9]{0,15})\\.[0-9]{1,17}([Ee]-?[0-9]{1,2})?") {
        let double: f64 = text.parse().unwrap();
        let expected = format!("29 {}", hex(&double.to_le_bytes()));
        prop_assert_eq!(value("double", &text), expected, "{}", text);
    }
}
