//! Statements that give the changes of a table between two of its versions, with the columns that
//! Airbyte's change-data sources add.
//!
//! | column | value |
//! |---|---|
//! | `_ab_cdc_updated_at` | when the change was committed |
//! | `_ab_cdc_deleted_at` | the same for deletions, null for all others |
//! | `_ab_cdc_cursor` | rises with every commit: version (Delta Lake), milliseconds since 1970 (Iceberg), with an offset once the table was rolled back or made anew |

use super::ident::{Ident, Table, Text};
use super::select::{at_version, projections};
use super::versions::metadata_table;
use crate::types::TrinoType;

/// When a change was committed.
pub(crate) const UPDATED_AT: &str = "_ab_cdc_updated_at";
/// When a row was deleted.
pub(crate) const DELETED_AT: &str = "_ab_cdc_deleted_at";
/// Rises with every commit.
pub(crate) const CURSOR: &str = "_ab_cdc_cursor";

/// The commit that made a version of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Its time in UTC as Trino writes it.
    pub(crate) time: String,
    /// The value of [`CURSOR`].
    pub(crate) cursor: i64,
}

/// The three columns, for rows of one commit.
pub(crate) fn columns_of(commit: &Commit, deleted: bool) -> String {
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
pub(crate) fn iceberg_commit(table: &Table, snapshot: i64) -> String {
    format!(
        "SELECT CAST(committed_at AT TIME ZONE 'UTC' AS varchar) AS time, \
         to_milliseconds(committed_at - TIMESTAMP '1970-01-01 00:00:00 UTC') AS cursor \
         FROM {} WHERE snapshot_id = {snapshot}",
        metadata_table(table, "snapshots")
    )
}

/// The commit of a Delta Lake version as `time` and `cursor`.
pub(crate) fn delta_commit(table: &Table, version: i64) -> String {
    format!(
        "SELECT CAST(timestamp AT TIME ZONE 'UTC' AS varchar) AS time, version AS cursor \
         FROM {} WHERE version = {version}",
        metadata_table(table, "history")
    )
}

/// All snapshots of an Iceberg table as `id`, `parent` and `operation`.
pub(crate) fn iceberg_snapshots(table: &Table) -> String {
    format!(
        "SELECT snapshot_id AS id, parent_id AS parent, operation FROM {}",
        metadata_table(table, "snapshots")
    )
}

/// Changes of a Delta Lake table by its change data feed, without the rows as they were before an
/// update. `offset` is added to [`CURSOR`].
pub(crate) fn delta_feed(
    table: &Table,
    columns: &[(String, TrinoType)],
    after: i64,
    until: i64,
    offset: i64,
) -> String {
    let time = "_commit_timestamp AT TIME ZONE 'UTC'";
    let deleted = format!("IF(_change_type = 'delete', {time})");
    format!(
        "SELECT {}, {} FROM TABLE({}.system.table_changes(schema_name => {}, table_name => {}, \
         since_version => {after})) WHERE _commit_version <= {until} \
         AND _change_type <> 'update_preimage'",
        projections(columns),
        three_columns(time, &deleted, &format!("_commit_version + {offset}")),
        Ident(&table.catalog),
        Text(&table.schema),
        Text(&table.name),
    )
}

/// Rows that were appended to an Iceberg table; Trino refuses ranges with other changes. `offset`
/// is added to [`CURSOR`].
pub(crate) fn iceberg_appends(
    table: &Table,
    columns: &[(String, TrinoType)],
    after: i64,
    until: i64,
    offset: i64,
) -> String {
    let time = "_change_timestamp AT TIME ZONE 'UTC'";
    let cursor = format!(
        "to_milliseconds(_change_timestamp - TIMESTAMP '1970-01-01 00:00:00 UTC') + {offset}"
    );
    format!(
        "SELECT {}, {} FROM TABLE({}.system.table_changes(schema_name => {}, table_name => {}, \
         start_snapshot_id => {after}, end_snapshot_id => {until}))",
        projections(columns),
        three_columns(time, NO_TIME, &cursor),
        Ident(&table.catalog),
        Text(&table.schema),
        Text(&table.name),
    )
}

/// The data files whose rows differ between two versions of a table, as `name`, whether they have
/// rows `before` and `after`, and whether they have `more` of them then. A data file never changes, so it differs where it is missing, or
/// where another number of its rows is deleted; counting reads no column.
pub(crate) fn changed_files(table: &Table, before: i64, after: i64) -> String {
    let counts = |version: i64| {
        format!(
            "SELECT \"$path\" AS path, count(*) AS rows FROM {table}{} GROUP BY 1",
            at_version(Some(version))
        )
    };
    format!(
        "SELECT coalesce(a.path, b.path) AS name, a.path IS NOT NULL AS before, \
         b.path IS NOT NULL AS after, coalesce(b.rows > a.rows, false) AS more FROM ({}) a FULL JOIN ({}) b ON a.path = b.path \
         WHERE a.rows IS DISTINCT FROM b.rows",
        counts(before),
        counts(after)
    )
}

/// The files in which two versions of a table differ, for [`difference`].
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ChangedFiles {
    /// With rows in the earlier version only.
    pub(crate) removed: Vec<String>,
    /// With rows in both, fewer in the later one: what is left of such a file has not changed.
    pub(crate) thinned: Vec<String>,
    /// With rows in the later version only.
    pub(crate) added: Vec<String>,
}

/// The difference of two versions of a table, looked for in `files`, or everywhere without:
/// rows that are new or have changed, and, with a `key`, the keys that are gone.
///
/// With a key, a row that is new or has changed is in an added file, and what was there before can
/// be found by the key; what stayed in thinned files is not looked at but for its key.
pub(crate) fn difference(
    table: &Table,
    columns: &[(String, TrinoType)],
    key: &[String],
    (before, after): (i64, i64),
    files: Option<&ChangedFiles>,
    commit: &Commit,
) -> String {
    let rows = |version: i64, of: fn(&ChangedFiles) -> [&[String]; 2]| {
        let version = at_version(Some(version));
        let condition = files.map(|files| within(&of(files).concat()));
        format!("{table}{version}{}", condition.unwrap_or_default())
    };
    let old = rows(before, |files| [&files.removed, &files.thinned]);
    let new = rows(after, |files| [&files.added, &files.thinned]);
    let added = rows(after, |files| [&files.added, &[]]);
    let names = columns.iter().map(|(name, _)| name);
    let names = list(names);
    let changed = format!(
        "SELECT {}, {}",
        projections(columns),
        columns_of(commit, false)
    );
    if key.is_empty() {
        return format!(
            "{changed} FROM (SELECT {names} FROM {new} EXCEPT ALL SELECT {names} FROM {old})"
        );
    }
    let keys = list(key.iter());
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
    format!(
        "WITH added AS (SELECT {names} FROM {added}), old AS (SELECT {names} FROM {old}) \
         {changed} FROM (SELECT * FROM added EXCEPT ALL \
         SELECT * FROM old WHERE ({keys}) IN (SELECT {keys} FROM added)) \
         UNION ALL SELECT {}, {} FROM (SELECT {keys} FROM old EXCEPT SELECT {keys} FROM {new})",
        only_key.join(", "),
        columns_of(commit, true)
    )
}

/// The condition for the rows of some files.
fn within(files: &[String]) -> String {
    if files.is_empty() {
        return " WHERE false".to_owned();
    }
    let files: Vec<String> = files.iter().map(|path| Text(path).to_string()).collect();
    format!(" WHERE \"$path\" IN ({})", files.join(", "))
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<String> = names.map(|name| Ident(name).to_string()).collect();
    names.join(", ")
}

/// Those of the named tables of a schema that keep a change data feed, as `name`.
pub(crate) fn with_delta_feed(tables: &[Table]) -> String {
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

    fn files() -> ChangedFiles {
        ChangedFiles {
            removed: vec!["r".into()],
            thinned: vec!["t".into()],
            added: vec!["a'b".into()],
        }
    }

    #[test]
    fn with_a_key_only_added_rows_are_compared_and_keys_that_are_gone_are_deletions() {
        let key = ["id".to_owned()];
        let sql = difference(
            &table(),
            &columns(),
            &key,
            (1, 2),
            Some(&files()),
            &commit(),
        );
        for part in [
            "added AS (SELECT \"id\", \"v\" FROM \"c\".\"s\".\"t\" FOR VERSION AS OF 2 WHERE \"$path\" IN ('a''b'))",
            "old AS (SELECT \"id\", \"v\" FROM \"c\".\"s\".\"t\" FOR VERSION AS OF 1 WHERE \"$path\" IN ('r', 't'))",
            "UNION ALL SELECT \"id\", CAST(NULL AS varchar) AS \"v\"",
            "EXCEPT SELECT \"id\" FROM \"c\".\"s\".\"t\" FOR VERSION AS OF 2 WHERE \"$path\" IN ('a''b', 't'))",
        ] {
            assert!(sql.contains(part), "{part}\n{sql}");
        }
    }

    #[test]
    fn without_a_key_there_are_no_deletions() {
        let files = files();
        let sql = difference(&table(), &columns(), &[], (1, 2), Some(&files), &commit());
        assert!(!sql.contains("UNION ALL"), "{sql}");
        assert!(
            sql.contains("FOR VERSION AS OF 1 WHERE \"$path\" IN ('r', 't')"),
            "{sql}"
        );
    }

    #[test]
    fn without_files_on_one_side_nothing_is_read_there() {
        let files = ChangedFiles {
            added: vec!["a".into()],
            ..ChangedFiles::default()
        };
        let sql = difference(&table(), &columns(), &[], (1, 2), Some(&files), &commit());
        assert!(sql.contains("FOR VERSION AS OF 1 WHERE false"), "{sql}");
    }
}
