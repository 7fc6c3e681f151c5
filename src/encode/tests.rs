//! The encoder as its callers see it: pages in, lines out.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::types::TrinoType;

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
fn no_flush(_: &mut Vec<u8>) -> Result<(), Stopped> {
    Ok(())
}

/// The lines of a page and what `encode_page` returned; both paths give the same.
fn encode(types: &[&str], page: &[u8]) -> (String, Result<u64, EncodeError>) {
    let mut encoder = encoder(types);
    let mut out = Vec::new();
    let result = encoder.encode_page(page, 17, &mut out, &mut no_flush);
    let mut slow_out = Vec::new();
    let slow_result = encoder.encode_page_slowly(page, 17, &mut slow_out, &mut no_flush);
    let out = String::from_utf8(out).unwrap();
    assert_eq!(
        (&out, &result),
        (&String::from_utf8(slow_out).unwrap(), &slow_result)
    );
    (out, result)
}

/// The record's value and its change for a page of one row and one column.
fn cell(ty: &str, raw: &str) -> (String, Option<&'static str>) {
    let (line, result) = encode(&[ty], format!("[[{raw}]]").as_bytes());
    assert_eq!(result, Ok(1), "{ty} {raw}");
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

const ALL_TYPES: &[&str] = &[
    "boolean",
    "tinyint",
    "smallint",
    "integer",
    "bigint",
    "real",
    "double",
    "decimal(10, 2)",
    "decimal(38, 0)",
    "number",
    "varchar",
    "char(3)",
    "varbinary",
    "date",
    "time(3)",
    "time(3) with time zone",
    "timestamp(6)",
    "timestamp(6) with time zone",
    "json",
    "variant",
    "unknown",
    "uuid",
    "INTERVAL DAY TO SECOND",
    "array(bigint)",
    "map(varchar, bigint)",
    "row(a bigint)",
    "brandnew",
];

#[test]
fn null_is_null_in_every_type_at_every_depth() {
    for ty in ALL_TYPES {
        check_exact(&[
            (ty, "null", "null"),
            (&format!("array({ty})"), "[null]", "[null]"),
            (
                &format!("map(varchar, {ty})"),
                r#"{"k":null}"#,
                r#"{"k":null}"#,
            ),
            (&format!("row(x {ty})"), "[null]", r#"{"x":null}"#),
        ]);
    }
}

#[test]
fn scalars_are_copied() {
    check_exact(&[
        ("boolean", "true", "true"),
        ("boolean", "false", "false"),
        ("tinyint", "-128", "-128"),
        ("smallint", "32767", "32767"),
        ("integer", "0", "0"),
        ("bigint", "9223372036854775807", "9223372036854775807"),
        ("bigint", "-9223372036854775808", "-9223372036854775808"),
        ("double", "1.0", "1.0"),
        ("double", "1.0E100", "1.0E100"),
        ("double", "4.9E-324", "4.9E-324"),
        (
            "double",
            "-1.7976931348623157E308",
            "-1.7976931348623157E308",
        ),
        ("real", "-0.0", "-0.0"),
        ("real", "3.14", "3.14"),
        ("varchar", r#""""#, r#""""#),
        ("varchar", r#""plain""#, r#""plain""#),
        (
            "varchar",
            r#""q\"b\\s\/n\nu\u0000\u00e9 é 😀 ]},[""#,
            r#""q\"b\\s\/n\nu\u0000\u00e9 é 😀 ]},[""#,
        ),
        ("char(5)", r#""ab   ""#, r#""ab   ""#),
        ("varbinary", r#""AP8Q""#, r#""AP8Q""#),
        (
            "uuid",
            r#""12151fd2-7586-11e9-8f9e-2a86e4085a59""#,
            r#""12151fd2-7586-11e9-8f9e-2a86e4085a59""#,
        ),
        ("ipaddress", r#""2001:db8::1""#, r#""2001:db8::1""#),
        (
            "INTERVAL DAY TO SECOND",
            r#""1 02:03:04.567""#,
            r#""1 02:03:04.567""#,
        ),
        ("INTERVAL YEAR TO MONTH", r#""-0-3""#, r#""-0-3""#),
    ]);
}

#[test]
fn decimals_lose_their_quotes_and_no_digit() {
    check_exact(&[
        ("decimal(10, 2)", r#""1.10""#, "1.10"),
        ("decimal(10, 2)", r#""-0.01""#, "-0.01"),
        ("decimal(18, 0)", r#""-5""#, "-5"),
        (
            "decimal(38, 19)",
            r#""1234567890123456789.1234567890123456789""#,
            "1234567890123456789.1234567890123456789",
        ),
        (
            "decimal(38, 0)",
            r#""99999999999999999999999999999999999999""#,
            "99999999999999999999999999999999999999",
        ),
        ("number", r#""1.5""#, "1.5"),
        ("number", r#""1E+79""#, "1E+79"),
        ("number", r#""-1E-45""#, "-1E-45"),
        ("number", "1.5", "1.5"),
        ("decimal(3, 1)", r#""\u0031.5""#, "1.5"),
    ]);
    check_changed(&[
        ("number", r#""NaN""#, "null", "NULLED"),
        ("number", r#""+Infinity""#, "null", "NULLED"),
        ("number", r#""-Infinity""#, "null", "NULLED"),
        ("decimal(3, 1)", r#""01.5""#, "null", "NULLED"),
        ("decimal(3, 1)", r#"".5""#, "null", "NULLED"),
        ("decimal(3, 1)", r#""""#, "null", "NULLED"),
        ("decimal(3, 1)", r#""1,5""#, "null", "NULLED"),
        ("decimal(3, 1)", r#""\ud800""#, "null", "NULLED"),
    ]);
}

#[test]
fn numbers_that_json_does_not_have_are_null_with_a_change() {
    check_changed(&[
        ("double", r#""NaN""#, "null", "NULLED"),
        ("double", r#""Infinity""#, "null", "NULLED"),
        ("double", r#""+Infinity""#, "null", "NULLED"),
        ("real", r#""-Infinity""#, "null", "NULLED"),
        (
            "array(double)",
            r#"[1.5,"NaN","Infinity"]"#,
            "[1.5,null,null]",
            "NULLED",
        ),
        (
            "map(double, double)",
            r#"{"NaN":"NaN","1.5":1.0}"#,
            r#"{"NaN":null,"1.5":1.0}"#,
            "NULLED",
        ),
        ("row(a real)", r#"["NaN"]"#, r#"{"a":null}"#, "NULLED"),
    ]);
    check_exact(&[(
        "map(double, integer)",
        r#"{"NaN":1,"Infinity":2,"1.5":3}"#,
        r#"{"NaN":1,"Infinity":2,"1.5":3}"#,
    )]);
}

#[test]
fn dates_and_times_follow_airbyte() {
    check_exact(&[
        ("date", r#""2020-02-29""#, r#""2020-02-29""#),
        ("date", r#""-0044-03-15""#, r#""0045-03-15 BC""#),
        ("date", r#""0000-01-01""#, r#""0001-01-01 BC""#),
        ("date", r#""9999-12-31""#, r#""9999-12-31""#),
        ("time(0)", r#""12:34:56""#, r#""12:34:56""#),
        ("time(6)", r#""12:34:56.123456""#, r#""12:34:56.123456""#),
        (
            "time(9) with time zone",
            r#""03:04:05.123456789-08:00""#,
            r#""03:04:05.123456789-08:00""#,
        ),
        (
            "time(0) with time zone",
            r#""03:04:05+00:00""#,
            r#""03:04:05+00:00""#,
        ),
        (
            "timestamp(0)",
            r#""2020-01-02 03:04:05""#,
            r#""2020-01-02T03:04:05""#,
        ),
        (
            "timestamp(9)",
            r#""2020-01-02 03:04:05.123456789""#,
            r#""2020-01-02T03:04:05.123456789""#,
        ),
        (
            "timestamp(12)",
            r#""2020-01-02 03:04:05.123456789000""#,
            r#""2020-01-02T03:04:05.123456789""#,
        ),
        (
            "timestamp(0)",
            r#""-0044-03-15 01:02:03""#,
            r#""0045-03-15T01:02:03 BC""#,
        ),
        (
            "timestamp(3) with time zone",
            r#""2020-01-02 03:04:05.123 UTC""#,
            r#""2020-01-02T03:04:05.123Z""#,
        ),
        (
            "timestamp(3) with time zone",
            r#""2020-01-02 03:04:05.123 Europe/Vilnius""#,
            r#""2020-01-02T01:04:05.123Z""#,
        ),
    ]);
    check_changed(&[
        ("date", r#""+10000-01-01""#, "null", "NULLED"),
        ("date", r#""-10000-01-01""#, "null", "NULLED"),
        ("date", r#""soon""#, "null", "NULLED"),
        (
            "time(12)",
            r#""12:34:56.123456789012""#,
            r#""12:34:56.123456789""#,
            "TRUNCATED",
        ),
        (
            "timestamp(12)",
            r#""2020-01-02 03:04:05.123456789012""#,
            r#""2020-01-02T03:04:05.123456789""#,
            "TRUNCATED",
        ),
        (
            "timestamp(6)",
            r#""+10000-01-01 00:00:00.000001""#,
            "null",
            "NULLED",
        ),
        (
            "timestamp(12) with time zone",
            r#""2020-01-02 03:04:05.123456789012 +05:30""#,
            r#""2020-01-01T21:34:05.123456789Z""#,
            "TRUNCATED",
        ),
        (
            "timestamp(3) with time zone",
            r#""2020-01-02 03:04:05.123 Mars/Olympus""#,
            "null",
            "NULLED",
        ),
        (
            "array(timestamp(12))",
            r#"["2020-01-02 03:04:05.000000000001","+10000-01-01 00:00:00.000000000000"]"#,
            r#"["2020-01-02T03:04:05.000000000",null]"#,
            "NULLED",
        ),
    ]);
}

#[test]
fn json_is_embedded_on_one_line() {
    check_exact(&[
        (
            "json",
            r#""{\"a\":[1.10,null,\"x\"],\"b\":2}""#,
            r#"{"a":[1.10,null,"x"],"b":2}"#,
        ),
        ("json", r#""null""#, "null"),
        ("json", r#""\"s\\n\\u00e9\"""#, r#""s\n\u00e9""#),
        ("json", r#""{\n\"a\":\r\n1}""#, "{ \"a\":  1}"),
        ("json", r#""1E400""#, "1E400"),
        ("json", r#""not json""#, r#""not json""#),
        ("json", r#""""#, r#""""#),
        ("json", r#""\ud800""#, r#""\ud800""#),
        ("json", "{\"a\":\n1}", "{\"a\": 1}"),
        ("json", "7", "7"),
        ("variant", r#"{"a":[1.10,"NaN"]}"#, r#"{"a":[1.10,"NaN"]}"#),
        ("variant", "{\"a\":\r\n1}", "{\"a\":  1}"),
        ("variant", r#""AP8=""#, r#""AP8=""#),
        ("array(json)", r#"["1","\"x\"",null]"#, r#"[1,"x",null]"#),
    ]);
}

#[test]
fn json_of_any_depth_needs_no_stack() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(cell("json", &format!("\"{deep}\"")).0, deep);
    assert_eq!(cell("variant", &deep).0, deep);
    let text = cell("varchar", &deep).0;
    assert_eq!(text, format!("\"{deep}\""));
}

#[test]
fn nested_values_follow_the_rules_of_their_types() {
    check_exact(&[
        ("array(bigint)", "[]", "[]"),
        (
            "array(array(decimal(3, 1)))",
            r#"[["1.5",null],[],null]"#,
            "[[1.5,null],[],null]",
        ),
        ("map(varchar, decimal(3, 2))", "{}", "{}"),
        (
            "map(timestamp(6), decimal(3, 2))",
            r#"{"2020-01-02 03:04:05.123456":"1.10"}"#,
            r#"{"2020-01-02 03:04:05.123456":1.10}"#,
        ),
        (
            "map(varchar, json)",
            r#"{"k\n":"{\"a\":1}"}"#,
            r#"{"k\n":{"a":1}}"#,
        ),
        (
            "map(row(integer, varchar(1)), integer)",
            r#"{"[1, a]":1}"#,
            r#"{"[1, a]":1}"#,
        ),
        (
            "row(a bigint, b row(c varchar, d array(row(e date, \"F g\" timestamp(6)))))",
            r#"[1,["a",[["2020-01-02",null],["2020-01-02","2020-01-02 03:04:05.000000"]]]]"#,
            r#"{"a":1,"b":{"c":"a","d":[{"e":"2020-01-02","F g":null},{"e":"2020-01-02","F g":"2020-01-02T03:04:05.000000"}]}}"#,
        ),
        (
            "row(integer, varchar(1), unknown)",
            r#"[1,"a",null]"#,
            r#"{"field0":1,"field1":"a","field2":null}"#,
        ),
        ("row(a bigint, a bigint)", "[1,2]", r#"{"a":1,"a_2":2}"#),
        ("row()", "[]", "{}"),
        ("row(x varchar)", " [ \"y\" ] ", r#"{"x":"y"}"#),
    ]);
}

#[test]
fn of_keys_with_one_text_the_first_wins() {
    check_changed(&[
        (
            "map(timestamp(0) with time zone, bigint)",
            r#"{"2020-11-01 01:30:00 America/New_York":1,"x":2,"2020-11-01 01:30:00 America/New_York":3}"#,
            r#"{"2020-11-01 01:30:00 America/New_York":1,"x":2}"#,
            "TRUNCATED",
        ),
        (
            "array(map(json, double))",
            r#"[{"a":1.0,"a":2.0},{"a":"NaN"}]"#,
            r#"[{"a":1.0},{"a":null}]"#,
            "NULLED",
        ),
    ]);
}

#[test]
fn text_columns_show_other_json_as_text() {
    check_exact(&[
        (
            "BingTile",
            r#"{"x":3,"y":5,"zoom":3}"#,
            r#""{\"x\":3,\"y\":5,\"zoom\":3}""#,
        ),
        ("brandnew", "7", r#""7""#),
        ("brandnew", "true", r#""true""#),
        ("brandnew", "[1,\n\"é\\n\"]", r#""[1,\n\"é\\n\"]""#),
        ("varchar", "1.50", r#""1.50""#),
    ]);
}

/// (type, value, record, change): the table "Raw JSON per type" of a real 483, and what 352 shows otherwise.
const SEEN_ON_SERVERS: &[(&str, &str, &str, Option<&str>)] = &[
    (
        "timestamp(12)",
        r#""2020-01-02 03:04:05.123456789012""#,
        r#""2020-01-02T03:04:05.123456789""#,
        Some("TRUNCATED"),
    ),
    (
        "timestamp",
        r#""2020-01-02 03:04:05.123""#,
        r#""2020-01-02T03:04:05.123""#,
        None,
    ),
    (
        "timestamp(0)",
        r#""2020-01-02 03:04:05""#,
        r#""2020-01-02T03:04:05""#,
        None,
    ),
    (
        "timestamp",
        r#""2020-01-02 03:04:05.000""#,
        r#""2020-01-02T03:04:05.000""#,
        None,
    ),
    (
        "timestamp(12) with time zone",
        r#""2020-01-02 03:04:05.123456789012 +05:30""#,
        r#""2020-01-01T21:34:05.123456789Z""#,
        Some("TRUNCATED"),
    ),
    (
        "timestamp(3) with time zone",
        r#""2020-01-02 03:04:05.123 Europe/Vilnius""#,
        r#""2020-01-02T01:04:05.123Z""#,
        None,
    ),
    (
        "timestamp(3) with time zone",
        r#""2020-01-02 03:04:05.123 UTC""#,
        r#""2020-01-02T03:04:05.123Z""#,
        None,
    ),
    (
        "time(9) with time zone",
        r#""03:04:05.123456789-08:00""#,
        r#""03:04:05.123456789-08:00""#,
        None,
    ),
    (
        "time with time zone",
        r#""03:04:05.123-08:00""#,
        r#""03:04:05.123-08:00""#,
        None,
    ),
    (
        "time(6)",
        r#""03:04:05.123456""#,
        r#""03:04:05.123456""#,
        None,
    ),
    (
        "INTERVAL DAY TO SECOND",
        r#""2 00:00:00.000""#,
        r#""2 00:00:00.000""#,
        None,
    ),
    (
        "INTERVAL DAY TO SECOND",
        r#""-106751991167 07:12:55.808""#,
        r#""-106751991167 07:12:55.808""#,
        None,
    ),
    ("INTERVAL YEAR TO MONTH", r#""-0-3""#, r#""-0-3""#, None),
    ("varbinary", r#""AP8Q""#, r#""AP8Q""#, None),
    ("varbinary", r#""""#, r#""""#, None),
    ("double", r#""NaN""#, "null", Some("NULLED")),
    ("double", r#""Infinity""#, "null", Some("NULLED")),
    ("double", r#""-Infinity""#, "null", Some("NULLED")),
    ("real", "-0.0", "-0.0", None),
    ("double", "1.0E100", "1.0E100", None),
    ("real", "3.14", "3.14", None),
    ("real", r#""NaN""#, "null", Some("NULLED")),
    (
        "map(double, integer)",
        r#"{"NaN":1,"Infinity":2,"1.5":3}"#,
        r#"{"NaN":1,"Infinity":2,"1.5":3}"#,
        None,
    ),
    (
        "map(date, boolean)",
        r#"{"2020-01-02":true}"#,
        r#"{"2020-01-02":true}"#,
        None,
    ),
    (
        "map(row(integer, varchar(1)), integer)",
        r#"{"[1, a]":1}"#,
        r#"{"[1, a]":1}"#,
        None,
    ),
    (
        "map(timestamp(6), decimal(3, 2))",
        r#"{"2020-01-02 03:04:05.123456":"1.10"}"#,
        r#"{"2020-01-02 03:04:05.123456":1.10}"#,
        None,
    ),
    (
        r#"row(a bigint, b row(c varchar, d array(row(e date, "F g" timestamp(6)))))"#,
        r#"[1,["a",[["2020-01-02",null]]]]"#,
        r#"{"a":1,"b":{"c":"a","d":[{"e":"2020-01-02","F g":null}]}}"#,
        None,
    ),
    (
        "row(integer, varchar(1), unknown)",
        r#"[1,"a",null]"#,
        r#"{"field0":1,"field1":"a","field2":null}"#,
        None,
    ),
    (
        "json",
        r#""{\"a\":[1.10,null,\"x\"],\"b\":2}""#,
        r#"{"a":[1.10,null,"x"],"b":2}"#,
        None,
    ),
    ("json", r#""null""#, "null", None),
    ("json", r#""\"s\"""#, r#""s""#, None),
    (
        "uuid",
        r#""12151fd2-7586-11e9-8f9e-2a86e4085a59""#,
        r#""12151fd2-7586-11e9-8f9e-2a86e4085a59""#,
        None,
    ),
    ("ipaddress", r#""10.0.0.1""#, r#""10.0.0.1""#, None),
    ("ipaddress", r#""2001:db8::1""#, r#""2001:db8::1""#, None),
    ("decimal(38, 10)", r#""1.1000000000""#, "1.1000000000", None),
    ("decimal(18, 0)", r#""-5""#, "-5", None),
    ("char(5)", r#""ab   ""#, r#""ab   ""#, None),
    ("varchar(5)", r#""ab""#, r#""ab""#, None),
    ("varchar", r#""ab""#, r#""ab""#, None),
    ("date", r#""+10000-01-01""#, "null", Some("NULLED")),
    ("date", r#""9999-12-31""#, r#""9999-12-31""#, None),
    ("date", r#""-0044-03-15""#, r#""0045-03-15 BC""#, None),
    ("date", r#""0000-01-01""#, r#""0001-01-01 BC""#, None),
    ("date", r#""-10000-01-01""#, "null", Some("NULLED")),
    (
        "timestamp(6)",
        r#""+10000-01-01 00:00:00.000001""#,
        "null",
        Some("NULLED"),
    ),
    (
        "timestamp(0)",
        r#""-0044-03-15 01:02:03""#,
        r#""0045-03-15T01:02:03 BC""#,
        None,
    ),
    (
        "HyperLogLog",
        r#""AgwBAIADRAA=""#,
        r#""AgwBAIADRAA=""#,
        None,
    ),
    ("qdigest(bigint)", r#""AA==""#, r#""AA==""#, None),
    ("bigint", "9223372036854775807", "9223372036854775807", None),
    ("tinyint", "-128", "-128", None),
    ("boolean", "true", "true", None),
    ("unknown", "null", "null", None),
    ("color", r#""red""#, r#""red""#, None),
    ("Geometry", r#""POINT (1 2)""#, r#""POINT (1 2)""#, None),
    (
        "SphericalGeography",
        r#""POINT (1 2)""#,
        r#""POINT (1 2)""#,
        None,
    ),
    (
        "BingTile",
        r#"{"x":3,"y":5,"zoom":3}"#,
        r#""{\"x\":3,\"y\":5,\"zoom\":3}""#,
        None,
    ),
    ("number", r#""1.5""#, "1.5", None),
    ("number", r#""1E+2""#, "1E+2", None),
    ("number", r#""1E+79""#, "1E+79", None),
    ("number", r#""NaN""#, "null", Some("NULLED")),
    ("number", r#""+Infinity""#, "null", Some("NULLED")),
    ("number", r#""-1E-45""#, "-1E-45", None),
    (
        "number",
        r#""99999999999999999999999999999999999999999999""#,
        "99999999999999999999999999999999999999999999",
        None,
    ),
    ("varchar", r#""1E+79""#, r#""1E+79""#, None), // a number, to a client that does not know the type
    ("array(number)", r#"["1.5"]"#, "[1.5]", None),
    (
        "map(number, number)",
        r#"{"1.5":"2"}"#,
        r#"{"1.5":2}"#,
        None,
    ),
    ("row(n number)", r#"["3"]"#, r#"{"n":3}"#, None),
    ("json", r#""{\"a\":1}""#, r#"{"a":1}"#, None), // a variant, to a client that does not know the type
    ("variant", r#"{"a":1}"#, r#"{"a":1}"#, None),
    (
        "variant",
        r#"{"metadata":"EQEAAWE=","value":"AgEAAAUUAQAAAA=="}"#,
        r#"{"metadata":"EQEAAWE=","value":"AgEAAAUUAQAAAA=="}"#,
        None,
    ),
    ("variant", r#""s""#, r#""s""#, None),
    ("variant", "1.10", "1.10", None),
    ("variant", r#""NaN""#, r#""NaN""#, None),
    (
        "variant",
        r#""2020-01-02 01:04:05.123456 UTC""#,
        r#""2020-01-02 01:04:05.123456 UTC""#,
        None,
    ),
    ("array(variant)", "[1]", "[1]", None),
    ("row(v variant)", r#"["x"]"#, r#"{"v":"x"}"#, None),
    ("array(json)", r#"["1"]"#, "[1]", None),
    ("row(v json)", r#"["\"x\""]"#, r#"{"v":"x"}"#, None),
];

#[test]
fn values_seen_on_real_servers_are_written_as_the_type_table_says() {
    for (ty, raw, expected, change) in SEEN_ON_SERVERS {
        assert_eq!(
            cell(ty, raw),
            ((*expected).to_owned(), *change),
            "{ty} {raw}"
        );
    }
}

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
    let mut out = Vec::new();
    let mut plain = Encoder::new(RecordPlan::new("s", None, &columns(&["bigint"])));
    plain
        .encode_page(b"[[1]]", 1_700_000_000_000, &mut out, &mut no_flush)
        .unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
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
            "row 1 of the page has 1 values, the query has 2 columns",
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
        ("row(a bigint)", "[]", "a row of 1 values"),
        ("row(a bigint)", "[1,2]", "a row of 1 values"),
    ] {
        let (out, result) = encode(&[ty], format!("[[{raw}]]").as_bytes());
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
fn full_buffers_are_handed_on_in_whole_lines() {
    let row = format!("[\"{}\"]", "x".repeat(10_000));
    let page = format!("[{}]", vec![row; 100].join(","));
    for slowly in [false, true] {
        let mut encoder = encoder(&["varchar"]);
        let mut handed_on: Vec<Vec<u8>> = Vec::new();
        let mut out = Vec::new();
        let mut flush = |bytes: &mut Vec<u8>| {
            handed_on.push(std::mem::take(bytes));
            Ok(())
        };
        let rows = if slowly {
            encoder.encode_page_slowly(page.as_bytes(), 17, &mut out, &mut flush)
        } else {
            encoder.encode_page(page.as_bytes(), 17, &mut out, &mut flush)
        };
        assert_eq!(rows, Ok(100));
        assert!(handed_on.len() >= 3);
        for bytes in &handed_on {
            assert!(
                bytes.ends_with(b"}}\n") && (FLUSH_AT..FLUSH_AT + 11_000).contains(&bytes.len())
            );
        }
        let all: usize = handed_on.iter().map(Vec::len).sum::<usize>() + out.len();
        assert_eq!(all, 100 * (10_000 + r#"{"type":"RECORD","record":{"stream":"s","namespace":"ns","data":{"c0":""},"emitted_at":17}}"#.len() + 1));
    }
}

#[test]
fn a_receiver_that_stops_ends_the_page() {
    let page = format!("[[\"{}\"],[\"y\"]]", "x".repeat(FLUSH_AT));
    let mut out = Vec::new();
    let result =
        encoder(&["varchar"]).encode_page(page.as_bytes(), 17, &mut out, &mut |_| Err(Stopped));
    assert_eq!(result, Err(EncodeError::Stopped(Stopped)));
}

proptest! {
    #[test]
    fn any_bytes_give_whole_lines_or_an_error(
        page in "[\\[\\]{},:\"\\\\a0é \n.NTl-]{0,60}",
        cut in 0..60_usize,
    ) {
        for page in [page.as_bytes(), &page.as_bytes()[..cut.min(page.len())], format!("[[{page}]]").as_bytes()] {
            for types in [&["bigint"][..], &["varchar", "json"], &["array(map(varchar, row(a date)))"], &[]] {
                let (out, result) = encode(types, page);
                prop_assert_eq!(out.lines().count(), out.matches('\n').count());
                prop_assert!(out.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{}", out);
                if let Ok(rows) = result {
                    prop_assert_eq!(out.lines().count() as u64, rows);
                }
            }
        }
    }
}
