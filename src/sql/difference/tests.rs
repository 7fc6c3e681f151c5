use super::*;

fn table() -> Table {
    Table::new("c", "s", "t")
}

fn commit() -> Commit {
    Commit {
        time: "2024-01-01 00:00:00.000 UTC".into(),
        cursor: 7,
    }
}

fn columns() -> Vec<(String, TrinoType)> {
    vec![
        ("id".into(), TrinoType::Bigint),
        ("v".into(), TrinoType::Varchar(None)),
    ]
}

fn files() -> ChangedFiles {
    ChangedFiles {
        removed: vec!["r".into()],
        thinned: vec!["t".into()],
        added: vec!["a'b".into()],
    }
}

fn difference<'a>(
    table: &'a Table,
    columns: &'a [(String, TrinoType)],
    key: &'a [String],
    expressions: &'a [String],
    files: &'a ChangedFiles,
) -> Difference<'a> {
    Difference {
        table,
        columns,
        key,
        tells_rows: key.is_empty(),
        only_deletions: false,
        before: (1, expressions),
        begun: None,
        after: (2, expressions),
        files: Some(files),
    }
}

fn names() -> Vec<String> {
    vec!["\"id\"".into(), "\"v\"".into()]
}

#[test]
fn with_a_key_only_added_rows_are_compared_and_keys_that_are_gone_are_deletions() {
    let (table, columns, key) = (table(), columns(), ["id".to_owned()]);
    let (names, files) = (names(), files());
    let sql = difference(&table, &columns, &key, &names, &files).sql(&commit());
    for part in [
        "added AS (SELECT \"id\", \"v\" FROM \"c\".\"s\".\"t\" FOR VERSION AS OF 2 WHERE \"$path\" IN ('a''b'))",
        "old AS (SELECT \"id\", \"v\" FROM \"c\".\"s\".\"t\" FOR VERSION AS OF 1 WHERE \"$path\" IN ('r', 't'))",
        "WHERE (\"id\") IN (SELECT \"id\" FROM added)",
        "UNION ALL SELECT \"id\", CAST(NULL AS varchar) AS \"v\"",
        "EXCEPT SELECT \"id\" FROM (SELECT \"id\", \"v\" FROM \"c\".\"s\".\"t\" FOR VERSION AS OF 2 WHERE \"$path\" IN ('a''b', 't')))",
        " WHERE NOT (\"id\" IS NULL)",
    ] {
        assert!(sql.contains(part), "{part}\n{sql}");
    }
}

#[test]
fn where_a_snapshot_follows_only_deletions_are_told() {
    let (table, columns, files, names) = (table(), columns(), files(), names());
    let key = ["id".to_owned()];
    let only_deletions = Difference {
        only_deletions: true,
        ..difference(&table, &columns, &key, &names, &files)
    };
    let sql = only_deletions.sql(&commit());
    assert!(sql.starts_with("WITH old AS (SELECT"), "{sql}");
    assert!(!sql.contains("UNION ALL"), "{sql}");
    assert!(
        sql.contains("SELECT \"id\" FROM old EXCEPT SELECT"),
        "{sql}"
    );
}

#[test]
fn an_unused_name_differs_from_all_columns_whatever_their_case() {
    let columns = ["N", "n_", "m"].map(str::to_owned);
    assert_eq!(unused("n", &columns), "n__");
    assert_eq!(unused("o", &columns), "o");
}

#[test]
fn a_key_that_is_a_row_is_compared_as_one_value() {
    let (table, key, files) = (table(), ["k".to_owned()], files());
    let columns = [("k".to_owned(), TrinoType::parse("row(id integer)"))];
    let expressions = ["\"k\"".to_owned()];
    let sql = difference(&table, &columns, &key, &expressions, &files).sql(&commit());
    assert!(
        sql.contains("WHERE ROW(\"k\") IN (SELECT \"k\" FROM added)"),
        "{sql}"
    );
}

#[test]
fn columns_of_the_version_before_are_taken_as_they_were_called() {
    let (table, columns, key) = (table(), columns(), ["id".to_owned()]);
    let (names, files) = (names(), files());
    let before = ["\"id\"".to_owned(), "CAST(NULL AS varchar)".to_owned()];
    let difference = Difference {
        before: (1, &before),
        ..difference(&table, &columns, &key, &names, &files)
    };
    let sql = difference.sql(&commit());
    let part = "old AS (SELECT \"id\", CAST(NULL AS varchar) AS \"v\" FROM";
    assert!(sql.contains(part), "{sql}");
}

#[test]
fn without_a_key_whole_rows_are_compared_both_ways() {
    let (table, columns, names, files) = (table(), columns(), names(), files());
    let both = difference(&table, &columns, &[], &names, &files);
    let sql = both.sql(&commit());
    let old = "SELECT \"id\", \"v\" FROM \"c\".\"s\".\"t\" FOR VERSION AS OF 1 WHERE \"$path\" IN ('r', 't')";
    let subtracted = format!("-1 AS \"_ab_cdc_count\" FROM ({old})");
    assert_eq!(sql.matches(&subtracted).count(), 1, "{sql}");
    let counted = format!(" 1 AS \"_ab_cdc_count\" FROM ({old})");
    assert_eq!(sql.matches(&counted).count(), 1, "{sql}");
    let one_way = Difference {
        tells_rows: false,
        ..both
    };
    let sql = one_way.sql(&commit());
    assert_eq!(sql.matches(&subtracted).count(), 1, "{sql}");
    assert!(!sql.contains(&counted), "{sql}");
}

#[test]
fn without_files_on_one_side_nothing_is_read_there() {
    let (table, columns, names) = (table(), columns(), names());
    let files = ChangedFiles {
        added: vec!["a".into()],
        ..ChangedFiles::default()
    };
    let sql = difference(&table, &columns, &[], &names, &files).sql(&commit());
    assert!(sql.contains("FOR VERSION AS OF 1 WHERE false"), "{sql}");
}
