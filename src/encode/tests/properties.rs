//! The fast path and the slow one give the same bytes or the same error, whatever the page.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use super::*;
use crate::types::parse::tests::any_type;

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

/// The JSON of a cell of this type as Trino writes it, now and then as it never does.
fn any_cell(ty: &TrinoType) -> BoxedStrategy<String> {
    let usual = match ty {
        TrinoType::Boolean => select(vec!["true", "false"]).prop_map(str::to_owned).boxed(),
        TrinoType::Tinyint | TrinoType::Smallint | TrinoType::Integer | TrinoType::Bigint => "-?(0|[1-9][0-9]{0,19})".boxed(),
        TrinoType::Real | TrinoType::Double => {
            "-?(0|[1-9][0-9]{0,9})\\.[0-9]{1,17}(E-?[0-9]{1,3})?|\"(NaN|-?Infinity)\"".boxed()
        }
        TrinoType::Decimal { .. } => "\"-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,19})?\"".boxed(),
        TrinoType::Number => "\"-?[0-9]{1,40}(\\.[0-9]{1,20})?(E\\+?[0-9]{1,3})?\"|\"(NaN|[+-]Infinity)\"".boxed(),
        TrinoType::Date => "\"[+-]?[0-9]{4,5}-[01][0-9]-[0-3][0-9]\"".boxed(),
        TrinoType::Time { .. } => "\"[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,10}(00)?)?\"".boxed(),
        TrinoType::TimeWithTimeZone { .. } => {
            "\"[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,12})?[+-][01][0-9]:[0-5][0-9]\"".boxed()
        }
        TrinoType::Timestamp { .. } => {
            "\"([0-9]{4}|[+-][0-9]{4,5})-0[1-9]-[0-2][1-9] [01][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,13})?\"".boxed()
        }
        TrinoType::TimestampWithTimeZone { .. } => {
            "\"([0-9]{4}|-[0-9]{4})-0[1-9]-[0-2][1-9] [01][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,12})? (UTC|[+-][01][0-9]:30|Asia/Tokyo)\"".boxed()
        }
        TrinoType::Array(element) => prop::collection::vec(any_cell(element), 0..4)
            .prop_map(|cells| format!("[{}]", cells.join(",")))
            .boxed(),
        TrinoType::Map(_, value) => prop::collection::vec(("\"[a-c\\\\\\\\\"]{0,20}\"", any_cell(value)), 0..4)
            .prop_map(|members| {
                let members = members.into_iter().map(|(key, value)| {
                    let key = serde_json::to_string(&key).unwrap();
                    format!("{key}:{value}")
                });
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            })
            .boxed(),
        TrinoType::Row(fields) => fields
            .iter()
            .map(|field| any_cell(&field.ty))
            .collect::<Vec<_>>()
            .prop_map(|cells| format!("[{}]", cells.join(",")))
            .boxed(),
        TrinoType::Json => any_json().prop_map(|json| serde_json::to_string(&json).unwrap()).boxed(),
        TrinoType::Variant => any_json().boxed(),
        _ => any_string().boxed(),
    };
    let odd = select(vec![
        "7",
        "-",
        "1.5e3",
        "01",
        "\"\"",
        "\"x\"",
        "\"\\\"\"",
        "\"\\u00e9\"",
        "\"\\ud800\"",
        "\"1.5\"",
        "true",
        "nul",
        "nulls",
        "[]",
        "[1]",
        "{}",
        "{\"a\":1}",
        " 1",
        "1 ",
        "\"2020-01-02\"",
        "\"NaN\"",
        "\"\u{fffd}\"",
        "",
        ",",
        "]",
        "\"",
    ]);
    prop_oneof![
        40 => usual,
        4 => Just("null".to_owned()),
        1 => odd.prop_map(str::to_owned),
    ]
    .boxed()
}

fn any_string() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        "\"[ -!#-\\[\\]-~]{0,70}\"",
        "\"([a-z ]{0,16}|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4}|é|日本|😀){0,12}\"",
    ]
}

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,2})?",
        any_string(),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let blank = select(vec!["", "", "", " ", "\n", "\r\n\t"]);
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..4), blank.clone()).prop_map(
                |(items, blank)| format!("[{blank}{}]", items.join(&format!(",{blank}")))
            ),
            (prop::collection::vec((any_string(), inner), 0..4), blank).prop_map(
                |(members, blank)| {
                    let members = members
                        .into_iter()
                        .map(|(key, value)| format!("{blank}{key}:{blank}{value}"));
                    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
                }
            ),
        ]
    })
}

/// Column types and the bytes of a page for them.
pub(in crate::encode) fn any_page() -> impl Strategy<Value = (Vec<TrinoType>, String)> {
    prop::collection::vec(any_type(), 1..6).prop_flat_map(|types| {
        let row = types.iter().map(any_cell).collect::<Vec<_>>();
        let rows =
            prop::collection::vec(row.prop_map(|cells| format!("[{}]", cells.join(","))), 1..6);
        let blank = select(vec!["", "", "", "", " ", "\n"]);
        (Just(types), rows, blank).prop_map(|(types, rows, blank)| {
            // Twice, so that most rows are not near the end of the page.
            (
                types,
                format!(
                    "[{0}{1}{2},{1}]",
                    blank,
                    rows.join(&format!(",{blank}")),
                    blank
                ),
            )
        })
    })
}

fn check_paths_agree(types: &[TrinoType], page: &[u8]) -> Result<(), TestCaseError> {
    let columns: Vec<_> = types
        .iter()
        .enumerate()
        .map(|(index, ty)| (format!("c{index}"), ty.clone()))
        .collect();
    let encoder = || Encoder::new(RecordPlan::new("s", None, &columns));
    let mut slow = Lines::default();
    let slow_result = encoder().encode_page_slowly(page, 17, &mut slow, &mut no_flush);
    let (slow, mut fast_result) = (text(&slow), Ok(0));
    let mut fast = String::new();
    for level in [Best::detect(), Best::Usual(simd::Usual)] {
        let mut encoder = encoder();
        encoder.level = level;
        let mut lines = Lines::default();
        fast_result = encoder.encode_page(page, 17, &mut lines, &mut no_flush);
        fast = text(&lines);
        let of_page = || format!("{types:?}\n{}", String::from_utf8_lossy(page));
        prop_assert_eq!(&fast, &slow, "{}", of_page());
        prop_assert_eq!(&fast_result, &slow_result, "{}", of_page());
    }
    for line in fast.lines() {
        prop_assert!(
            serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok(),
            "{}",
            line
        );
    }
    prop_assert!(fast.is_empty() || fast.ends_with("}}\n"));
    if let Ok(rows) = fast_result {
        prop_assert_eq!(fast.lines().count() as u64, rows);
    }
    Ok(())
}

prop_compose! {
    /// A page in which one byte was changed, added or removed, or whose end is missing.
    pub(in crate::encode) fn any_damaged_page()(
        (types, page) in any_page(),
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), select(b"\"\\[]{},: 0n-.".to_vec())],
        damage in 0..4,
    ) -> (Vec<TrinoType>, Vec<u8>) {
        let mut page = page.into_bytes();
        let at = at.index(page.len());
        match damage {
            0 => page.truncate(at),
            1 => page[at] = byte,
            2 => page.insert(at, byte),
            _ => drop(page.remove(at)),
        }
        (types, page)
    }
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
}
