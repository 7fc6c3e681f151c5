//! Versions of tables that keep them, from the connectors' metadata tables.

use super::ident::{Table, Text};

/// The snapshot of an Iceberg table as `id`: the present one, or the one that was it at
/// `as_of`, an ISO time in UTC.
pub(crate) fn iceberg(table: &Table, as_of: Option<&str>) -> String {
    match as_of {
        None => {
            let refs = metadata_table(table, "refs");
            format!("SELECT snapshot_id AS id FROM {refs} WHERE name = 'main' AND type = 'BRANCH'")
        }
        Some(time) => format!(
            "SELECT max_by(snapshot_id, made_current_at) AS id FROM {} WHERE made_current_at <= {}",
            metadata_table(table, "history"),
            instant(time)
        ),
    }
}

/// The version of a Delta Lake table as `version`, `at_ms` and `operation`: the present one, or
/// the last one at `as_of`.
pub(crate) fn delta(table: &Table, as_of: Option<&str>) -> String {
    let until = as_of.map(|time| format!(" WHERE timestamp <= {}", instant(time)));
    format!(
        "{}{} ORDER BY version DESC LIMIT 1",
        delta_history(table),
        until.unwrap_or_default()
    )
}

/// The versions of a Delta Lake table from one on, in the same columns.
pub(crate) fn delta_since(table: &Table, from: i64) -> String {
    format!(
        "{} WHERE version >= {from} ORDER BY version",
        delta_history(table)
    )
}

/// Whether an Iceberg table has a snapshot: `found` is the number of its entries in the list of
/// snapshots. `present` is the number of entries of the present snapshot, which proves that the
/// list is complete enough.
pub(crate) fn iceberg_standing(table: &Table, snapshot: i64) -> String {
    format!(
        "SELECT count_if(s.snapshot_id = {snapshot}) AS found, count(r.snapshot_id) AS present \
         FROM {} s LEFT JOIN (SELECT snapshot_id FROM {} WHERE name = 'main' AND type = 'BRANCH') r \
         ON s.snapshot_id = r.snapshot_id",
        metadata_table(table, "snapshots"),
        metadata_table(table, "refs")
    )
}

/// As [`iceberg_standing`], for a version of a Delta Lake table that was committed at a certain
/// time.
pub(crate) fn delta_standing(table: &Table, version: i64, at_ms: i64) -> String {
    format!(
        "SELECT count_if(version = {version} AND at_ms = {at_ms}) AS found, count(*) AS present \
         FROM ({})",
        delta_history(table)
    )
}

/// How many entries of an Iceberg table's metadata log have the same snapshot as their latest, at
/// most, as `total`: since a snapshot was made, with those of the snapshots after it. Null if the
/// log does not go back to it.
pub(crate) fn iceberg_log_entries(table: &Table, since: i64) -> String {
    let log = metadata_table(table, "metadata_log_entries");
    format!(
        "SELECT max(entries) AS total FROM (SELECT count(*) AS entries FROM {log} \
         WHERE timestamp >= (SELECT min(timestamp) FROM {log} WHERE latest_snapshot_id = {since}) \
         GROUP BY latest_snapshot_id)"
    )
}

/// The id of the schema that an Iceberg table had when it wrote a snapshot, as `total`; null if the
/// metadata's log does not go back to it.
pub(crate) fn iceberg_schema_id(table: &Table, snapshot: i64) -> String {
    format!(
        "SELECT CAST(max(latest_schema_id) AS bigint) AS total FROM {} WHERE latest_snapshot_id = {snapshot}",
        metadata_table(table, "metadata_log_entries")
    )
}

/// Whether an error's message names a file of the present version of an Iceberg table: `found` is
/// the number of such files, `present` the number of all files.
pub(crate) fn iceberg_files_in(table: &Table, message: &str) -> String {
    let files = metadata_table(table, "files");
    files_in(&format!("SELECT file_path AS path FROM {files}"), message)
}

/// As [`iceberg_files_in`], for a Delta Lake table, for which Trino has no list of files.
pub(crate) fn delta_files_in(table: &Table, message: &str) -> String {
    files_in(
        &format!("SELECT DISTINCT \"$path\" AS path FROM {table}"),
        message,
    )
}

/// Compares only the names of files, which are unique, because a message may write their folders in
/// another way.
fn files_in(files: &str, message: &str) -> String {
    format!(
        "SELECT count_if(strpos({}, element_at(split(path, '/'), -1)) > 0) AS found, \
         count(*) AS present FROM ({files})",
        Text(message)
    )
}

fn delta_history(table: &Table) -> String {
    format!(
        "SELECT version, to_milliseconds(timestamp - TIMESTAMP '1970-01-01 00:00:00 UTC') AS at_ms, \
         operation FROM {}",
        metadata_table(table, "history")
    )
}

/// A time of the configuration as a literal.
fn instant(time: &str) -> String {
    format!("from_iso8601_timestamp({})", Text(time))
}

/// A metadata table of a table.
pub(super) fn metadata_table(table: &Table, kind: &str) -> Table {
    Table {
        name: format!("{}${kind}", table.name),
        ..table.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_tables_are_one_quoted_name() {
        let table = Table::new("c", "s", "t\"x");
        assert_eq!(
            delta_since(&table, 1),
            "SELECT version, to_milliseconds(timestamp - TIMESTAMP '1970-01-01 00:00:00 UTC') AS at_ms, \
             operation FROM \"c\".\"s\".\"t\"\"x$history\" WHERE version >= 1 ORDER BY version"
        );
        assert!(
            iceberg(&table, Some("2020-01-01T00:00:00Z")).ends_with(
                "WHERE made_current_at <= from_iso8601_timestamp('2020-01-01T00:00:00Z')"
            )
        );
    }
}
