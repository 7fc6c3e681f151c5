//! Lines, pages, errors and buffers.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_line_has_the_form_of_a_record_message() {
    let page = r#"[[1,"NaN","x"],[2,"NaN","y"]]"#;
    let (lines, result) = encode(&["bigint", "double", "varchar"], page.as_bytes());
    assert_eq!(result, Ok(2));
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        first,
        json!({
            "type": "RECORD",
            "record": {
                "stream": "s",
                "namespace": "ns",
                "data": {"c0": 1, "c1": null, "c2": "x"},
                "emitted_at": 17,
                "meta": {"changes": [{"field": "c1", "change": "NULLED", "reason": "SOURCE_SERIALIZATION_ERROR"}]}
            }
        })
    );
    assert_eq!(lines.lines().count(), 2);
    let mut out = Lines::default();
    let mut plain = Encoder::new(RecordPlan::new("s", None, &columns(&["bigint"])));
    plain
        .encode_page(b"[[1]]", 1_700_000_000_000, &mut out, &mut no_flush)
        .unwrap();
    assert_eq!(
        text(&out),
        "{\"type\":\"RECORD\",\"record\":{\"stream\":\"s\",\"data\":{\"c0\":1},\"emitted_at\":1700000000000}}\n"
    );
}

#[test]
fn several_columns_may_change() {
    let (line, _) = encode(
        &["double", "bigint", "timestamp(12)"],
        br#"[["NaN",1,"2020-01-02 03:04:05.123456789012"]]"#,
    );
    let record: Value = serde_json::from_str(&line).unwrap();
    let changes = &record["record"]["meta"]["changes"];
    assert_eq!(changes.as_array().unwrap().len(), 2);
    assert_eq!(changes[0]["field"], "c0");
    assert_eq!(
        changes[1],
        json!({"field": "c2", "change": "TRUNCATED", "reason": "SOURCE_SERIALIZATION_ERROR"})
    );
}

#[test]
fn frames_and_white_space_are_read() {
    for (page, rows) in [
        ("[]", 0),
        (" [ ] ", 0),
        ("[[1,\"a\"]]", 1),
        ("\n[\t[ 1 ,\r\n\"a\" ] , [2,\"b\"]\n]\n", 2),
        ("[[null,null],[null,null],[null,null]]", 3),
    ] {
        let (lines, result) = encode(&["bigint", "varchar"], page.as_bytes());
        assert_eq!(result, Ok(rows), "{page}");
        assert_eq!(lines.lines().count() as u64, rows, "{page}");
        assert!(
            lines
                .lines()
                .all(|line| serde_json::from_str::<Value>(line).is_ok()),
            "{lines}"
        );
    }
    assert_eq!(
        encode(&[], b"[[],[]]")
            .0
            .lines()
            .last()
            .map(|line| line.contains(r#""data":{},"#)),
        Some(true)
    );
}

#[test]
fn errors_name_row_and_column_and_leave_whole_lines() {
    let types = ["bigint", "varchar"];
    for (page, lines, message) in [
        (
            "",
            0,
            "row 1 of the page: not the JSON that Trino writes: the end",
        ),
        (
            "null",
            0,
            "row 1 of the page: not the JSON that Trino writes: null",
        ),
        (
            "[",
            0,
            "row 1 of the page, column \"c0\": not the JSON that Trino writes: the end",
        ),
        (
            "[1]",
            0,
            "row 1 of the page, column \"c0\": not the JSON that Trino writes: 1]",
        ),
        (
            "[[1,\"a\"]",
            1,
            "row 2 of the page: not the JSON that Trino writes: the end",
        ),
        (
            "[[1,\"a\"],]",
            1,
            "row 2 of the page, column \"c0\": not the JSON that Trino writes: ]",
        ),
        (
            "[[1,\"a\"]] x",
            1,
            "row 2 of the page: not the JSON that Trino writes: x",
        ),
        (
            "[[1,\"a\"] [2,\"a\"]]",
            1,
            "row 2 of the page: not the JSON that Trino writes: [2,\"a\"]]",
        ),
        (
            "[[1,\"a\"],[2,\"a",
            1,
            "row 2 of the page, column \"c1\": not the JSON that Trino writes: ",
        ),
        (
            "[[1,\"a\n\"]]",
            0,
            "row 1 of the page, column \"c1\": not the JSON that Trino writes: a\n\"]]",
        ),
        (
            "[[1,\"\\x\"]]",
            0,
            "row 1 of the page, column \"c1\": not the JSON that Trino writes: x\"]]",
        ),
        (
            "[[1,\"a\"],[01,\"a\"]]",
            1,
            "row 2 of the page, column \"c0\": not the JSON that Trino writes: 1,\"a\"]]",
        ),
        (
            "[[1]]",
            0,
            "row 1 of the page has 1 value, the query has 2 columns",
        ),
        (
            "[[1,\"a\",3,4]]",
            0,
            "row 1 of the page has 4 values, the query has 2 columns",
        ),
        (
            "[[]]",
            0,
            "row 1 of the page has 0 values, the query has 2 columns",
        ),
        (
            "[[1,\"a\"],[1.5,\"a\"]]",
            1,
            "row 2 of the page, column \"c0\": expected an integer, found 1.5",
        ),
        (
            "[[\"1\",\"a\"]]",
            0,
            "row 1 of the page, column \"c0\": expected an integer, found \"1\"",
        ),
    ] {
        let (out, result) = encode(&types, page.as_bytes());
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with(message), "{page}: {error}");
        assert_eq!(out.lines().count(), lines, "{page}");
        assert!(out.is_empty() || out.ends_with("}}\n"), "{page}");
    }
}

#[test]
fn a_row_has_its_values_and_the_commas_between_them() {
    for (row, page) in pages_with_a_row_of_no_form() {
        let (out, result) = encode(&["bigint", "varchar"], page.as_bytes());
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with("row 31 of the page"), "{row}: {error}");
        assert_eq!(out.lines().count(), 30, "{row}");
    }
}

/// Values of every length, so that each place of a window is where one begins, ends, or has a
/// comma.
#[test]
fn values_may_have_any_length() {
    let text = |length: usize| format!(r#""{}""#, "a,".repeat(length)[..length].to_owned());
    let rows = (0..150).map(|length| format!("[{},7,{}]", text(length), text(150 - length)));
    let rows: Vec<String> = rows.collect();
    let (out, result) = encode(
        &["varchar", "bigint", "varchar"],
        format!("[{}]", rows.join(",")).as_bytes(),
    );
    assert_eq!(result, Ok(150));
    for (length, line) in out.lines().enumerate() {
        let data = format!(
            r#""data":{{"c0":{},"c1":7,"c2":{}}}"#,
            text(length),
            text(150 - length)
        );
        assert!(line.contains(&data), "{line}");
    }
}

#[test]
fn cells_of_another_type_are_errors() {
    for (ty, raw, expected) in [
        ("boolean", "1", "a boolean"),
        ("boolean", "\"true\"", "a boolean"),
        ("bigint", "1e3", "an integer"),
        ("bigint", "true", "an integer"),
        ("double", "\"1.5\"", "a number"),
        ("double", "true", "a number"),
        ("double", "[1]", "a number"),
        ("decimal(3, 1)", "true", "a decimal number"),
        ("decimal(3, 1)", "{}", "a decimal number"),
        ("date", "20200101", "a date"),
        ("time(3)", "1", "a time"),
        ("timestamp(3)", "1", "a timestamp"),
        ("timestamp(3) with time zone", "[]", "a timestamp"),
        ("array(bigint)", "1", "an array"),
        ("array(bigint)", "{}", "an array"),
        ("array(bigint)", "[1,true]", "an integer"),
        ("map(varchar, bigint)", "[]", "a map"),
        ("map(varchar, bigint)", "{\"a\":\"b\"}", "an integer"),
        ("row(a bigint)", "{}", "a row"),
        ("row(a bigint)", "[]", "a row of 1 value"),
        ("row(a bigint)", "[1,2]", "a row of 1 value"),
    ] {
        // With rows behind it, so that the fast path meets the cell first.
        let page = format!("[[{raw}]{}]", ",[null]".repeat(40));
        let (out, result) = encode(&[ty], page.as_bytes());
        match result {
            Err(EncodeError::Cell {
                row: 1,
                column,
                expected: told,
                ..
            }) => {
                assert_eq!(
                    (column.as_str(), told.as_str()),
                    ("c0", expected),
                    "{ty} {raw}"
                );
            }
            other => panic!("{ty} {raw}: {other:?}"),
        }
        assert_eq!(out, "");
    }
}

#[test]
fn an_error_shows_only_the_start_of_a_long_value() {
    let (_, result) = encode(
        &["bigint"],
        format!("[[\"{}\"]]", "é".repeat(1000)).as_bytes(),
    );
    let message = result.unwrap_err().to_string();
    assert!(message.len() < 150 && message.ends_with('…'), "{message}");
}

#[test]
fn bytes_that_are_no_text_are_replaced_and_marked() {
    let (line, result) = encode(
        &["varchar", "varchar", "bigint"],
        b"[[\"a\xffb\",\"\xc3\xa9\",1]]",
    );
    assert_eq!(result, Ok(1));
    assert!(
        line.contains("\"data\":{\"c0\":\"a\u{fffd}b\",\"c1\":\"é\",\"c2\":1}"),
        "{line}"
    );
    assert!(
        line.contains(r#""changes":[{"field":"c0","change":"TRUNCATED","reason":"SOURCE_SERIALIZATION_ERROR"}]"#),
        "{line}"
    );
    // A U+FFFD that the server has is nothing special.
    assert_eq!(
        cell("varchar", "\"\u{fffd}\""),
        ("\"\u{fffd}\"".to_owned(), None)
    );
}

#[test]
#[cfg_attr(miri, ignore = "large")]
fn full_buffers_are_handed_on_in_whole_lines() {
    let row = format!("[\"{}\"]", "x".repeat(10_000));
    let page = format!("[{}]", vec![row; 100].join(","));
    for slowly in [false, true] {
        let mut encoder = encoder(&["varchar"]);
        let mut handed_on: Vec<Lines> = Vec::new();
        let mut out = Lines::default();
        let mut flush = |lines: &mut Lines| {
            handed_on.push(std::mem::take(lines));
            Ok(())
        };
        let rows = if slowly {
            encoder.encode_page_slowly(page.as_bytes(), 17, &mut out, &mut flush)
        } else {
            encoder.encode_page(page.as_bytes(), 17, &mut out, &mut flush)
        };
        assert_eq!(rows, Ok(100));
        assert!(handed_on.len() >= 3);
        for lines in &handed_on {
            assert!(lines.as_bytes().ends_with(b"}}\n"));
            assert!(lines.as_bytes().len() > Lines::SIZE - 11_000);
        }
        let all: usize = handed_on
            .iter()
            .chain([&out])
            .map(|lines| lines.as_bytes().len())
            .sum();
        assert_eq!(all, 100 * (10_000 + r#"{"type":"RECORD","record":{"stream":"s","namespace":"ns","data":{"c0":""},"emitted_at":17}}"#.len() + 1));
    }
}

#[test]
#[cfg_attr(miri, ignore = "large")]
fn a_receiver_that_stops_ends_the_page() {
    let page = format!("[[\"{0}\"],[\"{0}\"]]", "x".repeat(Lines::SIZE));
    let mut out = Lines::default();
    let result =
        encoder(&["varchar"]).encode_page(page.as_bytes(), 17, &mut out, &mut |_| Err(Stopped));
    assert_eq!(result, Err(EncodeError::Stopped(Stopped)));
}

#[test]
#[cfg_attr(miri, ignore = "large")]
fn records_of_any_size_are_written() {
    for size in [15_000, 17_000, 1_100_000, 3_000_000] {
        let row = format!("[\"{}\",\"x\"]", "é".repeat(size / 2));
        let (lines, result) = encode(
            &["varchar", "varchar"],
            format!("[{row},{row},{row}]").as_bytes(),
        );
        assert_eq!(result, Ok(3), "{size}");
        assert!(
            lines
                .lines()
                .all(|line| line.len() > size && line.ends_with("}}")),
            "{size}"
        );
    }
}
