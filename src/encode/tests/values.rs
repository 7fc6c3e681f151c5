//! Every row of the type table: nulls, extremes, nesting, and values that have no form in a record.

use super::{cell, check_changed, check_exact};

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
        ("double", "1.5e3", "1.5e3"),
        ("json", "\"[1.5e3,1E-2,0e0]\"", "[1.5e3,1E-2,0e0]"),
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
        ("json", " 1", "1"),
        ("variant", "\n{} ", "{}"),
        ("array(json)", r#"["1","\"x\"",null]"#, r#"[1,"x",null]"#),
    ]);
}

#[test]
#[cfg_attr(miri, ignore = "large")]
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
