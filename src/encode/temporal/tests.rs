use super::*;

type Writer = fn(&str, &mut Vec<u8>) -> Fidelity;

fn check(writer: Writer, cases: &[(&str, &str, Fidelity)]) {
    for (text, expected, fidelity) in cases {
        let mut out = Vec::new();
        assert_eq!(writer(text, &mut out), *fidelity, "{text}");
        assert_eq!(String::from_utf8(out).unwrap(), *expected, "{text}");
    }
}

use Fidelity::{Exact, Truncated, Unrepresentable};

#[test]
fn dates_keep_their_text_or_get_an_era() {
    check(
        write_date,
        &[
            ("2020-02-29", r#""2020-02-29""#, Exact),
            ("0001-01-01", r#""0001-01-01""#, Exact),
            ("9999-12-31", r#""9999-12-31""#, Exact),
            ("0000-01-01", r#""0001-01-01 BC""#, Exact),
            ("-0001-12-31", r#""0002-12-31 BC""#, Exact),
            ("-0044-03-15", r#""0045-03-15 BC""#, Exact),
            ("-9998-01-01", r#""9999-01-01 BC""#, Exact),
            ("-9999-01-01", "", Unrepresentable),
            ("+10000-01-01", "", Unrepresentable),
            ("-10000-01-01", "", Unrepresentable),
            ("+5881580-07-11", "", Unrepresentable),
            ("+99999999999-07-11", "", Unrepresentable),
        ],
    );
}

#[test]
fn what_is_no_date_is_not_written() {
    for text in [
        "",
        "2020",
        "2020-1-1",
        "2020-01-01x",
        "20-01-01",
        "2020/01/01",
        "-",
        "+-2020-01-01",
        "2020-01-é",
    ] {
        check(write_date, &[(text, "", Unrepresentable)]);
    }
}

#[test]
fn times_keep_nine_digits_and_their_offset() {
    check(
        write_time,
        &[
            ("00:00:00", r#""00:00:00""#, Exact),
            ("23:59:59.9", r#""23:59:59.9""#, Exact),
            ("03:04:05.123456", r#""03:04:05.123456""#, Exact),
            ("03:04:05.123456789", r#""03:04:05.123456789""#, Exact),
            ("03:04:05.123456789000", r#""03:04:05.123456789""#, Exact),
            ("03:04:05.1234567891", r#""03:04:05.123456789""#, Truncated),
            (
                "23:59:59.999999999999",
                r#""23:59:59.999999999""#,
                Truncated,
            ),
            ("03:04:05.123+05:30", r#""03:04:05.123+05:30""#, Exact),
            ("03:04:05+00:00", r#""03:04:05+00:00""#, Exact),
            (
                "03:04:05.123456789001-08:00",
                r#""03:04:05.123456789-08:00""#,
                Truncated,
            ),
            ("", "", Unrepresentable),
            ("3:04:05", "", Unrepresentable),
            ("03:04", "", Unrepresentable),
            ("03:04:05.", "", Unrepresentable),
            ("03:04:05 UTC", "", Unrepresentable),
            ("03:04:05+0530", "", Unrepresentable),
        ],
    );
}

#[test]
fn timestamps_get_a_t_and_keep_nine_digits() {
    check(
        write_timestamp,
        &[
            ("2020-01-02 03:04:05", r#""2020-01-02T03:04:05""#, Exact),
            (
                "2020-01-02 03:04:05.123456",
                r#""2020-01-02T03:04:05.123456""#,
                Exact,
            ),
            (
                "2020-01-02 03:04:05.120000000000",
                r#""2020-01-02T03:04:05.120000000""#,
                Exact,
            ),
            (
                "2020-01-02 03:04:05.123456789012",
                r#""2020-01-02T03:04:05.123456789""#,
                Truncated,
            ),
            (
                "9999-12-31 23:59:59.999999999999",
                r#""9999-12-31T23:59:59.999999999""#,
                Truncated,
            ),
            ("-0044-03-15 01:02:03", r#""0045-03-15T01:02:03 BC""#, Exact),
            (
                "-0044-03-15 01:02:03.5",
                r#""0045-03-15T01:02:03.5 BC""#,
                Exact,
            ),
            ("+10000-01-01 00:00:00.000001", "", Unrepresentable),
            ("2020-01-02", "", Unrepresentable),
            ("2020-01-02T03:04:05", "", Unrepresentable),
            ("2020-01-02 03:04:05 UTC", "", Unrepresentable),
        ],
    );
}

#[test]
fn zones_become_utc_with_all_digits() {
    check(
        write_timestamp_with_time_zone,
        &[
            (
                "2020-01-02 03:04:05 UTC",
                r#""2020-01-02T03:04:05Z""#,
                Exact,
            ),
            (
                "2020-01-02 03:04:05.123 UTC",
                r#""2020-01-02T03:04:05.123Z""#,
                Exact,
            ),
            (
                "2020-01-02 03:04:05.123456789012 UTC",
                r#""2020-01-02T03:04:05.123456789Z""#,
                Truncated,
            ),
            (
                "9999-12-31 23:59:59.999 UTC",
                r#""9999-12-31T23:59:59.999Z""#,
                Exact,
            ),
            (
                "-0044-03-15 01:02:03 UTC",
                r#""0045-03-15T01:02:03Z BC""#,
                Exact,
            ),
            (
                "2020-01-02 03:04:05.123456789012 +05:30",
                r#""2020-01-01T21:34:05.123456789Z""#,
                Truncated,
            ),
            (
                "2020-01-02 03:04:05.100 -08:30",
                r#""2020-01-02T11:34:05.100Z""#,
                Exact,
            ),
            (
                "2020-01-02 03:04:05.123 Europe/Vilnius",
                r#""2020-01-02T01:04:05.123Z""#,
                Exact,
            ),
            (
                "2020-07-02 03:04:05 America/New_York",
                r#""2020-07-02T07:04:05Z""#,
                Exact,
            ),
            // a clock set back: the earlier of the two
            (
                "2020-11-01 01:30:00 America/New_York",
                r#""2020-11-01T05:30:00Z""#,
                Exact,
            ),
            // local mean time, with seconds in its offset
            (
                "1800-01-01 00:00:00.25 America/New_York",
                r#""1800-01-01T04:56:02.25Z""#,
                Exact,
            ),
            (
                "-0044-01-01 00:00:00 +01:00",
                r#""0046-12-31T23:00:00Z BC""#,
                Exact,
            ),
            (
                "0001-01-01 00:00:00 +01:00",
                r#""0001-12-31T23:00:00Z BC""#,
                Exact,
            ),
            ("9999-12-31 23:59:59 -00:01", "", Unrepresentable),
            ("+10000-01-01 00:00:00 UTC", "", Unrepresentable),
            ("2020-01-02 03:04:05 Mars/Olympus", "", Unrepresentable),
            ("2020-01-02 03:04:05", "", Unrepresentable),
            ("2020-01-02 03:04:05 ", "", Unrepresentable),
            ("2020-13-02 03:04:05 +01:00", "", Unrepresentable),
        ],
    );
}
