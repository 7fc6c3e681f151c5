//! Values as real servers show them.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::*;
use crate::types::column_type;

/// (type, value, record, change): the table "Raw JSON per type" of a real 483, and what 352 shows
/// otherwise.
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

#[derive(Deserialize)]
struct Response {
    columns: Vec<Column>,
    data: Box<RawValue>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
    #[serde(rename = "type")]
    type_text: String,
    #[serde(rename = "typeSignature")]
    signature: Box<RawValue>,
}

/// The lines of a page recorded from a Trino 476; both paths give the same.
fn encode_recorded(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pages");
    let body = fs::read(folder.join(name)).unwrap();
    let response: Response = serde_json::from_slice(&body).unwrap();
    let columns: Vec<_> = response
        .columns
        .into_iter()
        .map(|column| {
            let ty = column_type(&column.type_text, Some(&column.signature));
            assert_eq!(ty, TrinoType::parse(&column.type_text), "{}", column.name);
            (column.name, ty)
        })
        .collect();
    let mut encoder = Encoder::new(RecordPlan::new("s", None, &columns));
    let (mut fast, mut slow) = (Lines::default(), Lines::default());
    let rows = response.data.get().as_bytes();
    let result = encoder.encode_page(rows, 17, &mut fast, &mut no_flush);
    assert_eq!(
        result,
        encoder.encode_page_slowly(rows, 17, &mut slow, &mut no_flush)
    );
    assert!(result.is_ok(), "{result:?}");
    assert!(fast.as_bytes() == slow.as_bytes(), "{name}");
    text(&fast)
}

#[test]
#[cfg_attr(miri, ignore = "large")]
fn recorded_pages_give_the_same_lines_on_both_paths() {
    for (name, rows) in [
        ("lineitem", 2500),
        ("wide", 150),
        ("nested", 303),
        ("text", 300),
    ] {
        assert_eq!(
            encode_recorded(&format!("{name}.json")).lines().count(),
            rows,
            "{name}"
        );
    }
}

#[test]
fn a_recorded_page_of_all_types_gives_the_records_reviewed() {
    let expected = include_str!("../../../tests/fixtures/pages/types.records.jsonl");
    let found = encode_recorded("types.json");
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}
