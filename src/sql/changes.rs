//! Statements that give the changes of a table between two of its versions, with the columns that
//! Airbyte's change-data sources add.
//!
//! | column | value |
//! |---|---|
//! | `_ab_cdc_updated_at` | when the change was committed |
//! | `_ab_cdc_deleted_at` | the same for deletions, null for all others |
//! | `_ab_cdc_cursor` | rises with every commit: version (Delta Lake), milliseconds since 1970 (Iceberg) |

use super::ident::{Ident, Table, Text};
use super::select::{at_version, projections};
use super::versions::metadata_table;
use crate::types::TrinoType;

/// When a change was committed.
pub const UPDATED_AT: &str = "_ab_cdc_updated_at";
/// When a row was deleted.
pub const DELETED_AT: &str = "_ab_cdc_deleted_at";
/// Rises with every commit.
pub const CURSOR: &str = "_ab_cdc_cursor";

/// The commit that made a version of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its time in UTC as Trino writes it.
    pub time: String,
    /// The value of [`CURSOR`].
    pub cursor: i64,
}

/// The three columns, for rows of one commit.
pub fn columns_of(commit: &Commit, deleted: bool) -> String {
    let time = format!(
        "CAST({} AS timestamp(3) with time zone)",
        Text(&commit.time)
    );
    let deleted_at = if deleted {
        time.clone()
    } else {
        NO_TIME.to_owned()
    };
    three_columns(&time, &deleted_at, &format!("BIGINT '{}'", commit.cursor))
}

const NO_TIME: &str = "CAST(NULL AS timestamp(3) with time zone)";

fn three_columns(updated_at: &str, deleted_at: &str, cursor: &str) -> String {
    format!(
        "{updated_at} AS {}, {deleted_at} AS {}, {cursor} AS {}",
        Ident(UPDATED_AT),
        Ident(DELETED_AT),
        Ident(CURSOR)
    )
}

/// The commit of an Iceberg snapshot as `time` and `cursor`.
pub fn iceberg_commit(table: &Table, snapshot: i64) -> String {
    format!(
        "SELECT CAST(committed_at AT TIME ZONE 'UTC' AS varchar) AS time, \
         to_milliseconds(committed_at - TIMESTAMP '1970-01-01 00:00:00 UTC') AS cursor \
         FROM {} WHERE snapshot_id = {snapshot}",
        metadata_table(table, "snapshots")
    )
}

/// The commit of a Delta Lake version as `time` and `cursor`.
pub fn delta_commit(table: &Table, version: i64) -> String {
    format!(
        "SELECT CAST(timestamp AT TIME ZONE 'UTC' AS varchar) AS time, version AS cursor \
         FROM {} WHERE version = {version}",
        metadata_table(table, "history")
    )
}

/// All snapshots of an Iceberg table as `id`, `parent` and `operation`.
pub fn iceberg_snapshots(table: &Table) -> String {
    format!(
        "SELECT snapshot_id AS id, parent_id AS parent, operation FROM {}",
        metadata_table(table, "snapshots")
    )
}

/// Changes of a Delta Lake table by its change data feed, without the rows as they were before an
/// update.
pub fn delta_feed(
    table: &Table,
    columns: &[(String, TrinoType)],
    after: i64,
    until: i64,
) -> String {
    let time = "_commit_timestamp AT TIME ZONE 'UTC'";
    let deleted = format!("IF(_change_type = 'delete', {time})");
    format!(
        "SELECT {}, {} FROM TABLE({}.system.table_changes(schema_name => {}, table_name => {}, \
         since_version => {after})) WHERE _commit_version <= {until} \
         AND _change_type <> 'update_preimage'",
        projections(columns),
        three_columns(time, &deleted, "_commit_version"),
        Ident(&table.catalog),
        Text(&table.schema),
        Text(&table.name),
    )
}

/// Rows that were appended to an Iceberg table; Trino refuses ranges with other changes.
pub fn iceberg_appends(
    table: &Table,
    columns: &[(String, TrinoType)],
    after: i64,
    until: i64,
) -> String {
    let time = "_change_timestamp AT TIME ZONE 'UTC'";
    let cursor = "to_milliseconds(_change_timestamp - TIMESTAMP '1970-01-01 00:00:00 UTC')";
    format!(
        "SELECT {}, {} FROM TABLE({}.system.table_changes(schema_name => {}, table_name => {}, \
         start_snapshot_id => {after}, end_snapshot_id => {until}))",
        projections(columns),
        three_columns(time, NO_TIME, cursor),
        Ident(&table.catalog),
        Text(&table.schema),
        Text(&table.name),
    )
}

/// The data files whose rows differ between two versions of a table, as `name`. A data file never
/// changes, so it differs where it is missing, or where another number of its rows is deleted;
/// counting reads no column.
pub fn changed_files(table: &Table, before: i64, after: i64) -> String {
    let counts = |version: i64| {
        format!(
            "SELECT \"$path\" AS path, count(*) AS rows FROM {table}{} GROUP BY 1",
            at_version(Some(version))
        )
    };
    format!(
        "SELECT coalesce(a.path, b.path) AS name FROM ({}) a FULL JOIN ({}) b ON a.path = b.path \
         WHERE a.rows IS DISTINCT FROM b.rows",
        counts(before),
        counts(after)
    )
}

/// The difference of two versions of a table, looked for in `files`, or everywhere without:
/// rows that are new or have changed, and, with a `key`, the keys that are gone.
pub fn difference(
    table: &Table,
    columns: &[(String, TrinoType)],
    key: &[String],
    (before, after): (i64, i64),
    files: Option<&[String]>,
    commit: &Commit,
) -> String {
    let condition = files.map(|files| {
        let files: Vec<String> = files.iter().map(|path| Text(path).to_string()).collect();
        format!(" WHERE \"$path\" IN ({})", files.join(", "))
    });
    let condition = condition.unwrap_or_default();
    let names: Vec<String> = columns
        .iter()
        .map(|(name, _)| Ident(name).to_string())
        .collect();
    let names = names.join(", ");
    let mut sql = format!(
        "WITH before AS (SELECT {names} FROM {table}{}{condition}), \
         after AS (SELECT {names} FROM {table}{}{condition}) \
         SELECT {}, {} FROM (SELECT * FROM after EXCEPT ALL SELECT * FROM before)",
        at_version(Some(before)),
        at_version(Some(after)),
        projections(columns),
        columns_of(commit, false)
    );
    if key.is_empty() {
        return sql;
    }
    let keys: Vec<String> = key.iter().map(|name| Ident(name).to_string()).collect();
    let keys = keys.join(", ");
    let only_key: Vec<String> = columns
        .iter()
        .map(|(name, ty)| {
            if key.contains(name) {
                projections(&[(name.clone(), ty.clone())])
            } else {
                format!("CAST(NULL AS {ty}) AS {}", Ident(name))
            }
        })
        .collect();
    sql = format!(
        "{sql} UNION ALL SELECT {}, {} FROM (SELECT {keys} FROM before EXCEPT SELECT {keys} FROM after)",
        only_key.join(", "),
        columns_of(commit, true)
    );
    sql
}

/// Those of the named tables of a schema that keep a change data feed, as `name`.
pub fn with_delta_feed(tables: &[Table]) -> String {
    let parts: Vec<String> = tables
        .iter()
        .map(|table| {
            format!(
                "SELECT {} AS name FROM {} WHERE key = 'delta.enableChangeDataFeed' AND value = 'true'",
                Text(&table.name),
                metadata_table(table, "properties")
            )
        })
        .collect();
    parts.join(" UNION ALL ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table {
            catalog: "c".into(),
            schema: "s".into(),
            name: "t".into(),
        }
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

    #[test]
    fn keys_that_are_gone_are_deletions() {
        let sql = difference(
            &table(),
            &columns(),
            &["id".to_owned()],
            (1, 2),
            None,
            &commit(),
        );
        assert!(
            sql.contains("SELECT * FROM after EXCEPT ALL SELECT * FROM before"),
            "{sql}"
        );
        assert!(
            sql.contains("UNION ALL SELECT \"id\", CAST(NULL AS varchar) AS \"v\""),
            "{sql}"
        );
    }

    #[test]
    fn without_a_key_there_are_no_deletions() {
        let files = ["a'b".to_owned()];
        let sql = difference(&table(), &columns(), &[], (1, 2), Some(&files), &commit());
        assert!(!sql.contains("UNION ALL"), "{sql}");
        assert!(
            sql.contains("FOR VERSION AS OF 1 WHERE \"$path\" IN ('a''b')"),
            "{sql}"
        );
    }
}
