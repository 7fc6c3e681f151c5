//! Statements that cut a table into slices: disjoint parts that together are the whole table.

use super::ident::{Ident, Table, evaluated_by_trino};
use super::literal::exact_text;
use super::versions::metadata_table;
use crate::types::TrinoType;

/// The data files of an Iceberg table as `path` and `rows`.
pub(crate) fn iceberg_files(table: &Table) -> String {
    let files = metadata_table(table, "files");
    format!("SELECT file_path AS path, record_count AS rows FROM {files} WHERE content = 0")
}

/// The data files of a Delta Lake table as `path` and `rows`. Trino has no list of them, but it can
/// count the rows of a file without reading its columns.
pub(crate) fn delta_files(table: &Table, version: i64) -> String {
    format!(
        "SELECT \"$path\" AS path, count(*) AS rows FROM {table} FOR VERSION AS OF {version} GROUP BY 1"
    )
}

/// The number of rows in all files, as `total`. `files` is a query for files.
pub(crate) fn total_rows(files: &str) -> String {
    format!("SELECT sum(rows) AS total FROM ({files})")
}

/// Where slices of about `rows` rows begin: for each slice but the first one, its first path as
/// `path` and the path before it as `before`. `files` is a query for files.
pub(crate) fn path_bounds(files: &str, rows: u64) -> String {
    format!(
        "SELECT before, path FROM (SELECT path, slice, lag(path) OVER (ORDER BY path) AS before, \
         lag(slice) OVER (ORDER BY path) AS slice_before FROM (\
         SELECT path, (sum(rows) OVER (ORDER BY path) - rows) / {rows} AS slice FROM ({files}))) \
         WHERE slice > slice_before ORDER BY path"
    )
}

/// The texts of the smallest and the largest value of a column, as `low` and `high`.
pub(crate) fn key_range(table: &Table, column: &str, ty: &TrinoType) -> String {
    // Trino lets PostgreSQL compute `min` of a uuid, which PostgreSQL does not have before 18.
    let column = if ty.is_uuid() {
        evaluated_by_trino(column)
    } else {
        Ident(column).to_string()
    };
    format!(
        "SELECT {} AS low, {} AS high FROM {table}",
        exact_text(&format!("min({column})"), ty),
        exact_text(&format!("max({column})"), ty)
    )
}

/// A query for the number of a table's rows for which a condition holds.
pub(crate) fn count_where(table: &Table, condition: &str) -> String {
    format!("SELECT count(*) FROM {table} WHERE {condition}")
}

/// The plan of a query as text.
pub(crate) fn plan(query: &str) -> String {
    format!("EXPLAIN {query}")
}

/// Whether a plan says that Trino compares the rows of a scan itself. Otherwise the source does, or
/// there is nothing to compare.
pub(crate) fn is_filtered_by_trino(plan: &str) -> bool {
    plan.contains("filterPredicate")
}

/// Conditions for the slices between `bounds`, which are sorted literals of the type of
/// `column`. Every value, null included, is in exactly one of them.
pub(crate) fn ranges(column: &str, bounds: &[String]) -> Vec<String> {
    let column = Ident(column);
    let (Some(first), Some(last)) = (bounds.first(), bounds.last()) else {
        return Vec::new();
    };
    let mut conditions = vec![format!("({column} < {first} OR {column} IS NULL)")];
    for pair in bounds.windows(2) {
        conditions.push(format!(
            "{column} >= {} AND {column} < {}",
            pair[0], pair[1]
        ));
    }
    conditions.push(format!("{column} >= {last}"));
    conditions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_shows_whether_the_source_filters() {
        // Seen on 476: a column of an ORC file, and a column of PostgreSQL.
        let by_trino = "└─ ScanFilter[table = hive:s:t, filterPredicate = (\"c\" < bigint '5')]";
        let by_source = "└─ TableScan[table = postgresql:s.t constraint on [c]]";
        assert!(is_filtered_by_trino(by_trino));
        assert!(!is_filtered_by_trino(by_source));
    }

    #[test]
    fn ranges_hold_every_value_once() {
        let bounds = ["10".to_owned(), "20".to_owned()];
        assert_eq!(
            ranges("k", &bounds),
            [
                "(\"k\" < 10 OR \"k\" IS NULL)",
                "\"k\" >= 10 AND \"k\" < 20",
                "\"k\" >= 20"
            ]
        );
        assert!(ranges("k", &[]).is_empty());
    }
}
