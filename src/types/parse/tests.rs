use proptest::prelude::*;

use super::*;

fn decimal(precision: u32, scale: u32) -> TrinoType {
    TrinoType::Decimal { precision, scale }
}

fn other(text: &str) -> TrinoType {
    TrinoType::Other(text.to_owned())
}

fn array(element: TrinoType) -> TrinoType {
    TrinoType::Array(Box::new(element))
}

#[test]
fn texts_that_trino_displays_are_read() {
    let cases = [
        ("boolean", TrinoType::Boolean),
        ("tinyint", TrinoType::Tinyint),
        ("smallint", TrinoType::Smallint),
        ("integer", TrinoType::Integer),
        ("bigint", TrinoType::Bigint),
        (" BIGINT ", TrinoType::Bigint),
        ("real", TrinoType::Real),
        ("double", TrinoType::Double),
        ("decimal(38, 10)", decimal(38, 10)),
        ("decimal(38,10)", decimal(38, 10)),
        ("decimal(5)", decimal(5, 0)),
        ("decimal", decimal(38, 0)),
        ("number", TrinoType::Number),
        ("varchar", TrinoType::Varchar(None)),
        ("varchar(2147483647)", TrinoType::Varchar(None)),
        ("varchar(5)", TrinoType::Varchar(Some(5))),
        ("char(5)", TrinoType::Char(5)),
        ("char", TrinoType::Char(1)),
        ("varbinary", TrinoType::Varbinary),
        ("date", TrinoType::Date),
        ("time", TrinoType::Time { precision: 3 }),
        ("time(9)", TrinoType::Time { precision: 9 }),
        (
            "time with time zone",
            TrinoType::TimeWithTimeZone { precision: 3 },
        ),
        (
            "time(9) with time zone",
            TrinoType::TimeWithTimeZone { precision: 9 },
        ),
        ("timestamp", TrinoType::Timestamp { precision: 3 }),
        ("timestamp(0)", TrinoType::Timestamp { precision: 0 }),
        ("timestamp(12)", TrinoType::Timestamp { precision: 12 }),
        (
            "timestamp with time zone",
            TrinoType::TimestampWithTimeZone { precision: 3 },
        ),
        (
            "timestamp(6) with time zone",
            TrinoType::TimestampWithTimeZone { precision: 6 },
        ),
        ("json", TrinoType::Json),
        ("variant", TrinoType::Variant),
        ("unknown", TrinoType::Unknown),
        ("INTERVAL DAY TO SECOND", other("INTERVAL DAY TO SECOND")),
        ("interval year to month", other("interval year to month")),
        ("uuid", other("uuid")),
        ("ipaddress", other("ipaddress")),
        ("HyperLogLog", other("HyperLogLog")),
        ("qdigest(bigint)", other("qdigest(bigint)")),
        ("Geometry", other("Geometry")),
        ("color", other("color")),
        ("array(varchar)", array(TrinoType::Varchar(None))),
        (
            "map(varchar(3), array(decimal(3, 1)))",
            TrinoType::Map(
                Box::new(TrinoType::Varchar(Some(3))),
                Box::new(array(decimal(3, 1))),
            ),
        ),
        (
            "row(integer, varchar(1), unknown)",
            TrinoType::Row(vec![
                RowField::anonymous(TrinoType::Integer),
                RowField::anonymous(TrinoType::Varchar(Some(1))),
                RowField::anonymous(TrinoType::Unknown),
            ]),
        ),
        (
            "row(a bigint, b row(c varchar, d array(row(e date, \"F g\" timestamp(6)))))",
            TrinoType::Row(vec![
                RowField::named("a", TrinoType::Bigint),
                RowField::named(
                    "b",
                    TrinoType::Row(vec![
                        RowField::named("c", TrinoType::Varchar(None)),
                        RowField::named(
                            "d",
                            array(TrinoType::Row(vec![
                                RowField::named("e", TrinoType::Date),
                                RowField::named("F g", TrinoType::Timestamp { precision: 6 }),
                            ])),
                        ),
                    ]),
                ),
            ]),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(TrinoType::parse(text), expected, "{text}");
    }
}

#[test]
fn a_row_field_is_an_anonymous_type_before_it_is_a_name_and_a_type() {
    let cases = [
        ("\"x\" bigint", Some("x"), TrinoType::Bigint),
        ("varchar", None, TrinoType::Varchar(None)),
        ("date date", Some("date"), TrinoType::Date),
        (
            "time with time zone",
            None,
            TrinoType::TimeWithTimeZone { precision: 3 },
        ),
        (
            "time(3) with time zone",
            None,
            TrinoType::TimeWithTimeZone { precision: 3 },
        ),
        (
            "time time(3) with time zone",
            Some("time"),
            TrinoType::TimeWithTimeZone { precision: 3 },
        ),
        (
            "interval day to second",
            None,
            other("interval day to second"),
        ),
        (
            "i INTERVAL DAY TO SECOND",
            Some("i"),
            other("INTERVAL DAY TO SECOND"),
        ),
        ("h HyperLogLog", Some("h"), other("HyperLogLog")),
        ("q qdigest(double)", Some("q"), other("qdigest(double)")),
        (
            "F g timestamp(6)",
            Some("F g"),
            TrinoType::Timestamp { precision: 6 },
        ),
        (
            "\"a\"\"b, (c\" array(json)",
            Some("a\"b, (c"),
            array(TrinoType::Json),
        ),
        ("\"\" json", Some(""), TrinoType::Json),
        ("x brandnew", Some("x"), other("brandnew")),
        ("x brandnew(3)", Some("x"), other("brandnew(3)")),
        ("brandnew", None, other("brandnew")),
        (
            "row(a bigint)",
            None,
            TrinoType::Row(vec![RowField::named("a", TrinoType::Bigint)]),
        ),
        (
            "row row(a bigint)",
            Some("row"),
            TrinoType::Row(vec![RowField::named("a", TrinoType::Bigint)]),
        ),
    ];
    for (text, name, ty) in cases {
        let expected = TrinoType::Row(vec![RowField {
            name: name.map(str::to_owned),
            ty,
        }]);
        assert_eq!(
            TrinoType::parse(&format!("row({text})")),
            expected,
            "{text}"
        );
    }
}

#[test]
fn what_is_not_understood_is_kept_as_text() {
    for text in [
        "",
        "array",
        "array()",
        "array(bigint, bigint)",
        "map(bigint)",
        "decimal(x, y)",
        "decimal(1, 2, 3)",
        "varchar(-1)",
        "varchar(99999999999)",
        "bigint(3)",
        "timestamp(6",
        "timestamp)6(",
        "(",
        ")",
        "\"",
        "\"x\" bigint",
        "brand new type(3)",
        "ไทย",
    ] {
        assert_eq!(TrinoType::parse(text), other(text), "{text}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "large")]
fn deep_texts_end_in_text_instead_of_the_stack() {
    for opening in [
        "array(",
        "row(a ",
        "row(\"a\" ",
        "map(bigint, ",
        "row(row ",
        "((((",
        "\"\"(",
    ] {
        let is_text = |ty: &TrinoType| matches!(ty, TrinoType::Other(_));
        let open = opening.repeat(100_000);
        assert!(TrinoType::parse(&open).any(&is_text), "{opening}");
        let closed = format!("{}bigint{}", opening.repeat(5_000), ")".repeat(5_000));
        assert!(TrinoType::parse(&closed).any(&is_text), "{opening}");
    }
}

/// Any type that the parser can give, for this and for other modules' properties.
pub(crate) fn any_type() -> impl Strategy<Value = TrinoType> {
    let leaf = prop_oneof![
        Just(TrinoType::Boolean),
        Just(TrinoType::Tinyint),
        Just(TrinoType::Smallint),
        Just(TrinoType::Integer),
        Just(TrinoType::Bigint),
        Just(TrinoType::Real),
        Just(TrinoType::Double),
        (1..=38_u32)
            .prop_flat_map(|p| (Just(p), 0..=p))
            .prop_map(|(p, s)| decimal(p, s)),
        Just(TrinoType::Number),
        proptest::option::of(0..1_000_u32).prop_map(TrinoType::Varchar),
        (0..1_000_u32).prop_map(TrinoType::Char),
        Just(TrinoType::Varbinary),
        Just(TrinoType::Date),
        (0..=12_u32).prop_map(|precision| TrinoType::Time { precision }),
        (0..=12_u32).prop_map(|precision| TrinoType::TimeWithTimeZone { precision }),
        (0..=12_u32).prop_map(|precision| TrinoType::Timestamp { precision }),
        (0..=12_u32).prop_map(|precision| TrinoType::TimestampWithTimeZone { precision }),
        Just(TrinoType::Json),
        Just(TrinoType::Variant),
        Just(TrinoType::Unknown),
        proptest::sample::select(vec![
            "uuid",
            "INTERVAL DAY TO SECOND",
            "qdigest(bigint)",
            "brandnew",
            "brandnew(1)"
        ])
        .prop_map(other),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(array),
            (inner.clone(), inner.clone())
                .prop_map(|(key, value)| TrinoType::Map(Box::new(key), Box::new(value))),
            proptest::collection::vec(
                (proptest::option::of("[a-c\"(), é]{0,4}"), inner)
                    .prop_map(|(name, ty)| RowField { name, ty }),
                0..4
            )
            .prop_map(TrinoType::Row),
        ]
    })
}

proptest! {
    #[test]
    fn displayed_types_are_read_back(ty in any_type()) {
        prop_assert_eq!(TrinoType::parse(&ty.to_string()), ty);
    }

    #[test]
    fn any_text_is_read(text in "(row|array|map|varchar|time| with time zone|[()\", a1é]){0,40}") {
        let ty = TrinoType::parse(&text);
        // Reading is stable: what was made of the text means the same when shown and read again.
        let again = TrinoType::parse(&ty.to_string());
        prop_assert_eq!(TrinoType::parse(&again.to_string()), again);
    }
}
