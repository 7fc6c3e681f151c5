use super::*;

fn column(name: &str, ty: &str, id: i64, leaves: &[(&str, i64)]) -> Column {
    let leaves = leaves.iter().map(|(path, id)| {
        let path = path.split('.').map(str::to_owned).collect();
        (path, *id)
    });
    Column {
        name: name.into(),
        ty: TrinoType::parse(ty),
        id,
        leaves: leaves.collect(),
    }
}

/// Cut down from what Trino 476 answers.
const PLAN: &str = r#"{"0": {"id": "5", "name": "Output",
        "descriptor": {"columnNames": "[f, g, l, id]"},
        "outputs": [{"type": "integer", "name": "r_f"}, {"type": "integer", "name": "r_g"},
            {"type": "array(integer)", "name": "l_2"}, {"type": "integer", "name": "id_1"}],
        "details": ["f := r_f", "g := r_g"],
        "children": [{"id": "0", "name": "TableScan", "descriptor": {"table": "t"}, "outputs": [],
            "details": ["r_f := 8:f:integer", "l_2 := 5:l:array(integer)", "r_g := 9:g:integer",
                "id_1 := 1:id:integer"], "children": []}]}}"#;

#[test]
fn a_plan_shows_the_ids_of_what_is_selected_in_its_order() {
    assert_eq!(ids(PLAN), Some(vec![8, 9, 5, 1]));
    let projected = PLAN.replace("r_g := 9:g:integer", r#"r_g := x", "x := 9:g:integer"#);
    assert_eq!(ids(&projected), Some(vec![8, 9, 5, 1]));
}

#[test]
fn a_plan_that_shows_something_else_shows_no_ids() {
    for plan in [
        "no JSON",
        "{}",
        &PLAN.replace("8:f:integer", "f:integer:REGULAR"),
        &PLAN.replace("r_f := 8:f:integer", "other := 8:f:integer"),
        &PLAN.replace("r_f := 8:f:integer", "r_f := r_f"),
        &PLAN.replace("r_g := 9", r#"r_f := 4:f:integer", "r_g := 9"#),
    ] {
        assert_eq!(ids(plan), None, "{plan}");
    }
}

#[test]
fn paths_lead_to_what_is_no_row() {
    let ty = TrinoType::parse("row(a integer, b row(c integer, d array(row(e integer))))");
    let joined: Vec<String> = paths(&ty)
        .unwrap()
        .iter()
        .map(|path| path.join("."))
        .collect();
    assert_eq!(joined, ["a", "b.c", "b.d"]);
    assert_eq!(paths(&TrinoType::Integer), Some(vec![]));
    assert_eq!(paths(&TrinoType::parse("row(integer)")), None);
    assert_eq!(
        field("r\"", &["b".into(), "c".into()]),
        "\"r\"\"\".\"b\".\"c\""
    );
}

#[test]
fn columns_are_found_by_their_ids() {
    let before = [
        column("a", "integer", 1, &[]),
        column("b", "varchar", 2, &[]),
    ];
    let over = |name, ty, id| column(name, ty, id, &[]).over(&before);
    assert_eq!(over("a", "integer", 1).unwrap(), "\"a\"");
    assert_eq!(over("a", "varchar", 2).unwrap(), "\"b\"", "swapped");
    assert_eq!(over("a", "bigint", 1).unwrap(), "CAST(\"a\" AS bigint)");
    assert_eq!(over("c", "date", 3).unwrap(), "CAST(NULL AS date)");
    assert_eq!(over("a", "array(integer)", 1), None);
}

#[test]
fn values_are_compared_in_another_type_only_if_it_holds_them_all() {
    for (found, wanted, expected) in [
        ("integer", "bigint", Some("CAST(x AS bigint)")),
        ("bigint", "integer", Some("TRY_CAST(x AS integer)")),
        ("real", "double", Some("CAST(x AS double)")),
        ("double", "real", None),
        ("double", "bigint", None),
        (
            "decimal(5, 2)",
            "decimal(9, 2)",
            Some("CAST(x AS decimal(9, 2))"),
        ),
        ("decimal(5, 2)", "decimal(9, 1)", None),
        ("decimal(5, 2)", "decimal(5, 3)", None),
        ("varchar(3)", "varchar", Some("CAST(x AS varchar)")),
        ("varchar", "varchar(3)", None),
        ("varchar", "bigint", None),
        ("timestamp(6)", "date", None),
        (
            "timestamp(3)",
            "timestamp(6)",
            Some("CAST(x AS timestamp(6))"),
        ),
        ("array(integer)", "array(bigint)", None),
    ] {
        let cast = cast("x", &TrinoType::parse(found), &TrinoType::parse(wanted));
        assert_eq!(cast.as_deref(), expected, "{found} {wanted}");
    }
}

#[test]
fn a_row_is_put_together_from_the_fields_it_had() {
    let before = [column(
        "r",
        "row(f integer, g row(h integer))",
        1,
        &[("f", 5), ("g.h", 6)],
    )];
    let now = column(
        "s",
        "row(h bigint, g row(h integer, i bigint))",
        1,
        &[("h", 5), ("g.h", 7), ("g.i", 6)],
    );
    assert_eq!(
        now.over(&before).unwrap(),
        "IF(\"r\" IS NULL, NULL, CAST(ROW(CAST(\"r\".\"f\" AS bigint), \
         IF(\"r\".\"g\" IS NULL, NULL, CAST(ROW(CAST(NULL AS integer), \
         CAST(\"r\".\"g\".\"h\" AS bigint)) AS row(\"h\" integer, \"i\" bigint)))) \
         AS row(\"h\" bigint, \"g\" row(\"h\" integer, \"i\" bigint))))"
    );
    let swapped = column(
        "r",
        "row(f integer, g row(h integer))",
        1,
        &[("f", 6), ("g.h", 5)],
    );
    assert!(
        swapped
            .over(&before)
            .unwrap()
            .contains("ROW(\"r\".\"g\".\"h\", ")
    );
}

#[test]
fn a_new_column_is_not_taken_for_one_that_became_another() {
    let before = [
        column("a", "integer", 1, &[]),
        column("r", "row(f integer)", 2, &[("f", 5)]),
    ];
    for (now, change) in [
        (column("a", "bigint", 1, &[]), Change::None),
        (column("n", "integer", 3, &[]), Change::Added),
        (column("c", "integer", 1, &[]), Change::Identity),
        (column("a", "integer", 3, &[]), Change::Identity),
        (column("r", "row(f integer)", 2, &[("f", 5)]), Change::None),
        (
            column("r", "row(f integer, g date)", 2, &[("f", 5), ("g", 6)]),
            Change::Added,
        ),
        (
            column("r", "row(g integer)", 2, &[("g", 5)]),
            Change::Identity,
        ),
        (
            column("r", "row(f integer)", 2, &[("f", 6)]),
            Change::Identity,
        ),
    ] {
        assert_eq!(now.change_since(&before), change, "{now:?}");
    }
}
