//! Statements that give the changes of a table between two of its versions, with the columns that
//! Airbyte's change-data sources add.
//!
//! | column | value |
//! |---|---|
//! | `_ab_cdc_updated_at` | when the change was committed |
//! | `_ab_cdc_deleted_at` | the same for deletions, null for all others |
//! | `_ab_cdc_cursor` | rises with every commit |
//!
//! The cursor is the version (Delta Lake) or milliseconds since 1970 (Iceberg), with an offset once
//! the table was rolled back or made anew.

use super::ident::{Ident, Table, Text};
use super::select::projections;
use super::versions::metadata_table;
use crate::types::TrinoType;

/// When a change was committed.
pub(crate) const UPDATED_AT: &str = "_ab_cdc_updated_at";
/// When a row was deleted.
pub(crate) const DELETED_AT: &str = "_ab_cdc_deleted_at";
/// Rises with every commit.
pub(crate) const CURSOR: &str = "_ab_cdc_cursor";
/// The columns that a change has behind those of its table.
pub(crate) const COLUMNS: [&str; 3] = [UPDATED_AT, DELETED_AT, CURSOR];

/// The commit that made a version of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Its time in UTC as Trino writes it.
    pub(crate) time: String,
    /// The value of [`CURSOR`].
    pub(crate) cursor: i64,
}

/// The three columns that we add, for rows of one commit.
pub(crate) fn commit_columns(commit: &Commit, deleted: bool) -> String {
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
    let [updated, deleted, rising] = COLUMNS.map(Ident);
    format!("{updated_at} AS {updated}, {deleted_at} AS {deleted}, {cursor} AS {rising}")
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

/// All snapshots of an Iceberg table as `id`, `parent`, `operation` and `at_ms`.
pub(crate) fn iceberg_snapshots(table: &Table) -> String {
    format!(
        "SELECT snapshot_id AS id, parent_id AS parent, operation, \
         to_milliseconds(committed_at - TIMESTAMP '1970-01-01 00:00:00 UTC') AS at_ms FROM {}",
        metadata_table(table, "snapshots")
    )
}

/// Changes of a Delta Lake table, from its change data feed. It leaves out the rows as they were
/// before an update, and the deletion of a row whose key the same commit writes again, since the
/// two have no order. It also leaves out deletions of rows without a `key`, because they cannot be
/// matched with a row of the destination. `offset` is added to [`CURSOR`].
pub(crate) fn delta_feed(
    table: &Table,
    columns: &[(String, TrinoType)],
    key: &[String],
    (after, until): (i64, i64),
    offset: i64,
) -> String {
    let time = "_commit_timestamp AT TIME ZONE 'UTC'";
    let deleted = format!("IF(_change_type = 'delete', {time})");
    let named = if key.is_empty() {
        String::new()
    } else {
        let keys = list(key);
        format!(
            " AND NOT (_change_type = 'delete' AND ({} OR coalesce((_commit_version, {keys}) IN \
             (SELECT _commit_version, {keys} FROM {} WHERE _commit_version <= {until} \
             AND _change_type IN ('insert', 'update_postimage')), false)))",
            all_null(key),
            feed_since(table, after)
        )
    };
    format!(
        "SELECT {}, {} FROM {} WHERE _commit_version <= {until} \
         AND _change_type <> 'update_preimage'{named}",
        projections(columns),
        three_columns(time, &deleted, &format!("_commit_version + {offset}")),
        feed_since(table, after),
    )
}

/// The number of deletions that [`delta_feed`] leaves out, as `total`.
pub(crate) fn delta_deletions_without_key(
    table: &Table,
    key: &[String],
    (after, until): (i64, i64),
) -> String {
    format!(
        "SELECT count(*) AS total FROM {} WHERE _commit_version <= {until} \
         AND _change_type = 'delete' AND {}",
        feed_since(table, after),
        all_null(key)
    )
}

fn feed_since(table: &Table, after: i64) -> String {
    format!(
        "TABLE({}.system.table_changes(schema_name => {}, table_name => {}, \
         since_version => {after}))",
        Ident(&table.catalog),
        Text(&table.schema),
        Text(&table.name),
    )
}

pub(super) fn all_null(key: &[String]) -> String {
    let parts: Vec<String> = key
        .iter()
        .map(|name| format!("{} IS NULL", Ident(name)))
        .collect();
    format!("({})", parts.join(" AND "))
}

pub(super) fn any_null(key: &[String]) -> String {
    let parts: Vec<String> = key
        .iter()
        .map(|name| format!("{} IS NULL", Ident(name)))
        .collect();
    format!("({})", parts.join(" OR "))
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

pub(super) fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| Ident(name).to_string()).collect();
    names.join(", ")
}

/// The named tables that keep a change data feed, as `name`.
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
        Table::new("c", "s", "t")
    }

    fn columns() -> Vec<(String, TrinoType)> {
        vec![
            ("id".into(), TrinoType::Bigint),
            ("v".into(), TrinoType::Varchar(None)),
        ]
    }

    #[test]
    fn deletions_of_rows_without_any_key_are_left_out_of_the_feed() {
        let key = ["id".to_owned(), "v".to_owned()];
        let sql = delta_feed(&table(), &columns(), &key, (1, 2), 0);
        let part = "AND NOT (_change_type = 'delete' AND ((\"id\" IS NULL AND \"v\" IS NULL) OR";
        assert!(sql.contains(part), "{sql}");
        assert!(!delta_feed(&table(), &columns(), &[], (1, 2), 0).contains("NULL AND"));
    }

    #[test]
    fn a_deletion_is_left_out_if_its_commit_writes_the_key_again() {
        let sql = delta_feed(&table(), &columns(), &["id".to_owned()], (1, 2), 0);
        let part =
            "coalesce((_commit_version, \"id\") IN (SELECT _commit_version, \"id\" FROM TABLE(";
        assert!(sql.contains(part), "{sql}");
    }
}
