use super::*;

#[test]
fn a_slice_has_no_more_than_its_rows_and_a_table_few_slices() {
    let cases = [
        (0, 0),
        (1, 1),
        (10, 1),
        (11, 2),
        (30, 3),
        (u64::MAX, MOST_SLICES),
    ];
    for (rows, slices) in cases {
        assert_eq!(slices_for(rows, 10), slices, "{rows} rows");
    }
}

#[test]
fn bounds_are_written_as_what_is_new_in_them() {
    let bounds = ["s3://b/é1", "s3://b/é2x", "s3://b/ê"].map(str::to_owned);
    let cuts = Slices::by(
        "$path",
        &TrinoType::Varchar(None),
        bounds.to_vec(),
        Some(Version::Snapshot(5)),
    );
    let text = serde_json::to_string(&cuts).unwrap();
    assert_eq!(
        text,
        r#"{"version":"5","column":"$path","column_type":"varchar","bounds":[[0,"s3://b/é1"],[9,"2x"],[7,"ê"]]}"#
    );
    assert_eq!(serde_json::from_str::<Slices>(&text).unwrap(), cuts);
}

#[test]
fn bounds_that_do_not_fit_together_are_refused() {
    for text in [
        r#"{"bounds":[[1,"a"]]}"#,
        r#"{"bounds":[[0,"é"],[1,"a"]]}"#,
        r#"{"column":"k","column_type":"varchar","range":{"low":"a","high":"b","slices":3}}"#,
        r#"{"column":"k","column_type":"bigint","range":{"low":"1","high":"9","slices":5000}}"#,
    ] {
        assert!(serde_json::from_str::<Slices>(text).is_err(), "{text}");
    }
}

/// States keep the ends only, so the bounds between them must never become others: rows would
/// be in no slice.
#[test]
fn bounds_between_two_values_are_those_of_every_release() {
    for (ty, low, high, bounds) in [
        ("bigint", "-10", "91", &["15", "40", "65"][..]),
        ("decimal(5, 2)", "1.50", "9.99", &["3", "5", "7"]),
        (
            "date",
            "2024-01-01",
            "2024-12-31",
            &["2024-04-01", "2024-07-01", "2024-09-30"],
        ),
        (
            "timestamp(6)",
            "2024-01-01 00:00:00.000000",
            "2024-01-01 00:00:01.000001",
            &[
                "2024-01-01 00:00:00.250000",
                "2024-01-01 00:00:00.500000",
                "2024-01-01 00:00:00.750000",
            ],
        ),
    ] {
        let text = format!(
            r#"{{"column":"k","column_type":"{ty}","range":{{"low":"{low}","high":"{high}","slices":4}}}}"#
        );
        let slices: Slices = serde_json::from_str(&text).unwrap();
        assert_eq!(slices.bounds, bounds, "{ty}");
        assert_eq!(
            slices,
            Slices::between("k", &TrinoType::parse(ty), (low, high), 4, None)
        );
        assert_eq!(serde_json::to_string(&slices).unwrap(), text);
    }
}

/// The largest state that there is: as many slices as there may be, of 100,000 files with names
/// as Trino gives them, in partitions.
#[test]
fn the_bounds_of_a_table_of_100_000_files_stay_small() {
    let mut paths: Vec<String> = (0_u64..100_000)
        .map(|n| {
            let random = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let (day, insert) = (n % 365, n / 400);
            format!(
                "s3://warehouse/sales/orders-0a1b2c3d4e5f/data/day={day:03}/20251124_{insert:06}_00012_abcde-{random:016x}.parquet"
            )
        })
        .collect();
    paths.sort();
    let bounds = paths
        .windows(2)
        .step_by(400)
        .map(|pair| separator(&pair[0], &pair[1]))
        .collect();
    let cuts = Slices::by(
        "$path",
        &TrinoType::Varchar(None),
        bounds,
        Some(Version::Snapshot(i64::MAX)),
    );
    let text = serde_json::to_string(&cuts).unwrap();
    assert!(text.len() < 12_000, "{} bytes", text.len());
    assert_eq!(serde_json::from_str::<Slices>(&text).unwrap(), cuts);
}

#[test]
fn one_slice_has_no_condition() {
    assert_eq!(Slices::whole(None).conditions(), [None]);
    let cuts = Slices::by("k", &TrinoType::Bigint, vec!["7".into()], None);
    assert_eq!(cuts.conditions().len(), 2);
    assert_eq!(cuts.conditions()[1].as_deref(), Some("\"k\" >= 7"));
}

/// Which of the slices hold a value, by the conditions as Trino gets them. `read` makes a
/// literal comparable.
fn slices_of<T: PartialOrd>(
    cuts: &Slices,
    value: Option<&T>,
    read: impl Fn(&str) -> T,
) -> Vec<usize> {
    let of_literal = |literal: &str| {
        let text = literal.strip_prefix("CAST(").unwrap_or(literal);
        let text = text.split(" AS ").next().unwrap();
        let quoted = text
            .strip_prefix('\'')
            .and_then(|text| text.strip_suffix('\''));
        read(quoted.unwrap_or(text))
    };
    let holds = |condition: &str| {
        let nulls = condition.strip_suffix(" OR \"k\" IS NULL)");
        let Some(value) = value else {
            return nulls.is_some();
        };
        let condition = nulls.map_or(condition, |rest| &rest[1..]);
        condition
            .split(" AND ")
            .all(|part| match part.strip_prefix("\"k\" >= ") {
                Some(low) => *value >= of_literal(low),
                None => *value < of_literal(part.strip_prefix("\"k\" < ").unwrap()),
            })
    };
    let conditions = cuts.conditions();
    (0..conditions.len())
        .filter(|slice| conditions[*slice].as_deref().is_none_or(holds))
        .collect()
}

/// What is read of a state is what was written to it.
fn from_state(cuts: &Slices) -> Slices {
    serde_json::from_str(&serde_json::to_string(cuts).unwrap()).unwrap()
}

proptest::proptest! {
    /// Statistics may be old or estimates: values lie outside of them, too.
    #[test]
    fn every_number_is_in_one_slice(
        low: i64, high: i64, wanted in 0_u64..40, values: Vec<i64>, near in 0_i64..3,
    ) {
        let ends = (low.to_string(), high.to_string());
        let cuts = Slices::between("k", &TrinoType::Bigint, (&ends.0, &ends.1), wanted, None);
        let cuts = from_state(&cuts);
        let bounds = cuts.bounds.clone();
        let at_bounds = bounds.iter().map(|bound| bound.parse::<i64>().unwrap());
        let near_bounds = at_bounds.map(|bound| bound.saturating_add(near - 1));
        for value in values.into_iter().chain(near_bounds).map(Some).chain([None]) {
            let slices = slices_of(&cuts, value.as_ref(), |text| text.parse::<i64>().unwrap());
            proptest::prop_assert_eq!(slices.len(), 1, "{:?} {:?}", value, cuts);
        }
    }

    #[test]
    fn every_point_in_time_is_in_one_slice(
        ty in proptest::sample::select(vec!["date", "timestamp(6)", "timestamp(6) with time zone"]),
        mut days in proptest::collection::vec("(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])", 2..20),
        wanted in 0_u64..40,
    ) {
        let time = match ty {
            "date" => "",
            "timestamp(6)" => " 01:02:03.000004",
            _ => " 01:02:03.000004 UTC",
        };
        for day in &mut days {
            day.push_str(time);
        }
        let ty = TrinoType::parse(ty);
        let cuts = Slices::between("k", &ty, (&days[0], &days[1]), wanted, None);
        let cuts = from_state(&cuts);
        let bounds = cuts.bounds.clone();
        for value in days.into_iter().chain(bounds).map(Some).chain([None]) {
            // Of one form, so their order is that of time.
            let slices = slices_of(&cuts, value.as_ref(), str::to_owned);
            proptest::prop_assert_eq!(slices.len(), 1, "{:?} {:?}", value, cuts);
        }
    }

    #[test]
    fn every_file_is_in_one_slice_and_slices_are_even(
        files in proptest::collection::btree_map("[a-cé/']{1,8}", 0_u64..100, 1..60),
        rows in 1_u64..300,
    ) {
        // As `path_bounds` counts.
        let (mut sum, mut before, mut bounds) = (0, None, Vec::new());
        for (path, of_file) in &files {
            let slice = sum / rows;
            if let Some((path_before, slice_before)) = before
                && slice > slice_before
            {
                bounds.push(separator(path_before, path));
            }
            before = Some((path, slice));
            sum += of_file;
        }
        let cuts = from_state(&Slices::by("k", &TrinoType::Varchar(None), bounds, None));
        let mut sizes = vec![0; cuts.conditions().len()];
        for (path, of_file) in &files {
            // A quote is doubled in a literal.
            let slices = slices_of(&cuts, Some(path), |text| text.replace("''", "'"));
            proptest::prop_assert_eq!(slices.len(), 1, "{} {:?}", path, cuts);
            sizes[slices[0]] += of_file;
        }
        proptest::prop_assert_eq!(sizes.iter().sum::<u64>(), sum);
        let largest = files.values().max().unwrap();
        proptest::prop_assert!(sizes.iter().all(|size| *size < rows + largest), "{:?}", sizes);
    }
}

proptest::proptest! {
    #[test]
    fn a_separator_is_above_the_one_and_not_above_the_other(a in ".{0,9}", b in ".{0,9}") {
        let (low, high) = if a < b { (a, b) } else { (b, a) };
        let separator = separator(&low, &high);
        proptest::prop_assert!(low == high || low < separator);
        proptest::prop_assert!(separator <= high);
    }
}
