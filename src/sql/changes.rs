//! Statements that give the changes of a table between two of its versions, with the columns that
//! Airbyte's change-data sources add.
//!
//! | column | value |
//! |---|---|
//! | `_ab_cdc_updated_at` | when the change was committed |
//! | `_ab_cdc_deleted_at` | the same for deletions, null for all others |
//! | `_ab_cdc_cursor` | rises with every commit: version (Delta Lake), milliseconds since 1970 (Iceberg), with an offset once the table was rolled back or made anew |

use super::checksum::RowChecksum;
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

/// The three columns that we add, for rows of one commit.
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

/// All snapshots of an Iceberg table as `id`, `parent`, `operation` and `at_ms`.
pub(crate) fn iceberg_snapshots(table: &Table) -> String {
    format!(
        "SELECT snapshot_id AS id, parent_id AS parent, operation, \
         to_milliseconds(committed_at - TIMESTAMP '1970-01-01 00:00:00 UTC') AS at_ms FROM {}",
        metadata_table(table, "snapshots")
    )
}

/// Changes of a Delta Lake table, from its change data feed. It leaves out the rows as they were
/// before an update, and the deletion of a row whose key the same commit writes again, since the two
/// have no order. It also leaves out deletions of rows without a `key`, because they cannot be matched
/// with a row of the destination. `offset` is added to [`CURSOR`].
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

fn all_null(key: &[String]) -> String {
    let parts: Vec<String> = key
        .iter()
        .map(|name| format!("{} IS NULL", Ident(name)))
        .collect();
    format!("({})", parts.join(" AND "))
}

fn any_null(key: &[String]) -> String {
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

/// The data files whose rows differ between two versions of a table: their `name`, and whether they
/// have rows `before` and `after`. A data file never changes. So its rows differ only if one version
/// lacks the file, or if other rows of it are deleted.
///
/// If the earlier version led to the later one, deleted rows stay deleted, so their number tells,
/// and counting reads no column. Otherwise as many other rows may be deleted, and a `checksum` of
/// those that are left is needed: of the `key` if there is one, which does not tell rows apart in
/// which it is null.
pub(crate) fn changed_files(
    table: &Table,
    before: i64,
    after: i64,
    checksum: Option<(&RowChecksum, &[String])>,
) -> String {
    let (sum, differs) = match checksum {
        Some((checksum, key)) => {
            let nulls = key.iter().map(|name| format!("{} IS NULL", Ident(name)));
            let nulls: Vec<String> = nulls.collect();
            let has_nulls = if nulls.is_empty() {
                "false".to_owned()
            } else {
                nulls.join(" OR ")
            };
            (
                format!(
                    ", {} AS sum, bool_or({has_nulls}) AS nulls",
                    checksum.aggregate
                ),
                " OR a.sum IS DISTINCT FROM b.sum OR a.nulls OR b.nulls",
            )
        }
        None => (String::new(), ""),
    };
    let counts = |version: i64| {
        format!(
            "SELECT \"$path\" AS path, count(*) AS rows{sum} FROM {table}{} GROUP BY 1",
            at_version(Some(version))
        )
    };
    format!(
        "SELECT coalesce(a.path, b.path) AS name, a.path IS NOT NULL AS before, \
         b.path IS NOT NULL AS after FROM ({}) a FULL JOIN ({}) b ON a.path = b.path \
         WHERE a.rows IS DISTINCT FROM b.rows{differs}",
        counts(before),
        counts(after)
    )
}

/// The files in which two versions of a table differ, for a [`Difference`].
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ChangedFiles {
    /// Files with rows in the earlier version only.
    pub(crate) removed: Vec<String>,
    /// Files with rows in both versions, but fewer in the later one. The remaining rows of such a
    /// file have not changed.
    pub(crate) thinned: Vec<String>,
    /// Files with rows in the later version only.
    pub(crate) added: Vec<String>,
}

/// The difference of two versions of a table.
///
/// With a key, every new or changed row is in an added file, and its earlier form can be found by
/// the key. Of the rows that stayed in thinned files, only the key is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Difference<'a> {
    /// The table.
    pub(crate) table: &'a Table,
    /// The columns of the result.
    pub(crate) columns: &'a [(String, TrinoType)],
    /// The columns of the key. Without a key, whole rows are compared.
    pub(crate) key: &'a [String],
    /// Without a key: whether the result also has the rows that were deleted.
    pub(crate) tells_rows: bool,
    /// With a key: whether the result only has the keys that were deleted.
    pub(crate) only_deletions: bool,
    /// The earlier version, and `columns` as expressions over that version's columns.
    pub(crate) before: (i64, &'a [String]),
    /// The later version, and `columns` as expressions over that version's columns.
    pub(crate) after: (i64, &'a [String]),
    /// The files in which the versions differ. `None` compares all files.
    pub(crate) files: Option<&'a ChangedFiles>,
}

/// Kinds of files.
type Kinds = fn(&ChangedFiles) -> [&[String]; 2];

impl Difference<'_> {
    /// The statement for the rows that are new or have changed, and for the keys (or whole rows)
    /// that were deleted.
    pub(crate) fn sql(&self, commit: &Commit) -> String {
        let changed = format!(
            "SELECT {}, {}",
            projections(self.columns),
            columns_of(commit, false)
        );
        let (old, new) = (self.old_rows(), self.new_rows());
        if self.key.is_empty() {
            let rows = format!("{changed} FROM ({})", self.surplus(&new, &old));
            if !self.tells_rows {
                return rows;
            }
            return format!(
                "{rows} UNION ALL SELECT {}, {} FROM ({})",
                projections(self.columns),
                columns_of(commit, true),
                self.surplus(&old, &new)
            );
        }
        let added = self.rows(self.after, |files| [&files.added, &[]]);
        let keys = list(self.key);
        let only_key: Vec<String> = self
            .columns
            .iter()
            .map(|(name, ty)| {
                if self.key.contains(name) {
                    projections(&[(name.clone(), ty.clone())])
                } else {
                    format!("CAST(NULL AS {ty}) AS {}", Ident(name))
                }
            })
            .collect();
        let deletions = format!(
            "SELECT {}, {} FROM (SELECT {keys} FROM old EXCEPT SELECT {keys} FROM ({new})) \
             WHERE NOT {}",
            only_key.join(", "),
            columns_of(commit, true),
            all_null(self.key)
        );
        if self.only_deletions {
            return format!("WITH old AS ({old}) {deletions}");
        }
        // A comparison never finds rows whose key is null or partly null.
        let with_their_keys = format!(
            "SELECT * FROM old WHERE {} IN (SELECT {keys} FROM added) \
             UNION ALL SELECT * FROM old WHERE {}",
            self.key_value(),
            any_null(self.key)
        );
        format!(
            "WITH added AS ({added}), old AS ({old}) {changed} FROM ({}) UNION ALL {deletions}",
            self.surplus("SELECT * FROM added", &with_their_keys)
        )
    }

    /// The rows that are more often in `rows` than in `others`, each as often as it is more often
    /// there. `EXCEPT ALL` would be this, but Trino sorts for it, and refuses to sort rows with null
    /// fields (seen on 476). Grouping takes them.
    fn surplus(&self, rows: &str, others: &str) -> String {
        let names: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let columns = list(&names);
        let [count, block, one] =
            ["_ab_cdc_count", "_ab_cdc_block", "_ab_cdc_one"].map(|name| unused(name, &names));
        let [count, block, one] = [Ident(&count), Ident(&block), Ident(&one)];
        // A sequence has at most 10,000 numbers.
        format!(
            "SELECT {columns} FROM (SELECT {columns}, sum({count}) AS {count} FROM \
             (SELECT {columns}, 1 AS {count} FROM ({rows}) UNION ALL \
             SELECT {columns}, -1 AS {count} FROM ({others})) \
             GROUP BY {columns} HAVING sum({count}) > 0) \
             CROSS JOIN UNNEST(sequence(0, ({count} - 1) / 10000)) AS {block}({block}) \
             CROSS JOIN UNNEST(sequence(1, least(10000, {count} - 10000 * {block}))) AS {one}({one})"
        )
    }

    /// How many rows without a key were deleted, as `total`.
    pub(crate) fn rows_without_key(&self) -> String {
        let count = |rows: String| {
            format!(
                "(SELECT count(*) FROM ({rows}) WHERE {})",
                all_null(self.key)
            )
        };
        format!(
            "SELECT {} - {} AS total",
            count(self.old_rows()),
            count(self.new_rows())
        )
    }

    /// The key as a single value that can be looked up. A row alone would be taken for a list of
    /// columns.
    fn key_value(&self) -> String {
        let keys = list(self.key);
        let is_row = |name: &String| {
            let mut columns = self.columns.iter();
            columns.any(|(column, ty)| column == name && matches!(ty, TrinoType::Row(_)))
        };
        match self.key {
            [only] if is_row(only) => format!("ROW({keys})"),
            _ => format!("({keys})"),
        }
    }

    fn old_rows(&self) -> String {
        self.rows(self.before, |files| [&files.removed, &files.thinned])
    }

    fn new_rows(&self) -> String {
        self.rows(self.after, |files| [&files.added, &files.thinned])
    }

    fn rows(&self, (version, expressions): (i64, &[String]), kinds: Kinds) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .zip(expressions)
            .map(|((name, _), expression)| {
                let name = Ident(name).to_string();
                if *expression == name {
                    name
                } else {
                    format!("{expression} AS {name}")
                }
            })
            .collect();
        let condition = self.files.map(|files| within(&kinds(files).concat()));
        format!(
            "SELECT {} FROM {}{}{}",
            columns.join(", "),
            self.table,
            at_version(Some(version)),
            condition.unwrap_or_default()
        )
    }
}

/// The condition for the rows of some files.
fn within(files: &[String]) -> String {
    if files.is_empty() {
        return " WHERE false".to_owned();
    }
    let files: Vec<String> = files.iter().map(|path| Text(path).to_string()).collect();
    format!(" WHERE \"$path\" IN ({})", files.join(", "))
}

fn list(names: &[String]) -> String {
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

/// The name, with as many underscores behind it that no column has it. Trino's names have no case.
fn unused(name: &str, columns: &[String]) -> String {
    let mut name = name.to_owned();
    while columns
        .iter()
        .any(|column| column.eq_ignore_ascii_case(&name))
    {
        name.push('_');
    }
    name
}

#[cfg(test)]
mod tests {
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
