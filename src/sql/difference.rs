//! Statements for the difference of two versions of a table, and for the files in which they
//! differ.

use super::changes::{Commit, all_null, any_null, commit_columns, list};
use super::checksum::RowChecksum;
use super::field_ids::is_too_large;
use super::ident::{Ident, Table, texts};
use super::select::{at_version, projections};
use crate::types::TrinoType;

/// The data files whose rows differ between two versions of a table: their `name`, and whether they
/// have rows `before` and `after`. A data file never changes. So its rows differ only if one
/// version lacks the file, or if other rows of it are deleted.
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

/// How many rows of a version have a value that is too large for the present type of its column, as
/// `total`. `expressions` are the columns by which rows are found, over that version's. `None` if
/// their types hold all values.
pub(crate) fn too_large<'a>(
    table: &Table,
    version: i64,
    expressions: impl IntoIterator<Item = &'a String>,
) -> Option<String> {
    let expressions = expressions.into_iter();
    let conditions: Vec<String> = expressions
        .filter_map(|expression| is_too_large(expression))
        .collect();
    (!conditions.is_empty()).then(|| {
        // Not as a condition on the rows: Trino would look for it in the statistics of files whose
        // column has another type now, and fail (seen on 476).
        format!(
            "SELECT count_if({}) AS total FROM {table}{}",
            conditions.join(" OR "),
            at_version(Some(version))
        )
    })
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
    /// If rows of the later version may have been told under the key of the earlier one: `columns`
    /// as expressions over its columns, with that key.
    pub(crate) begun: Option<&'a [String]>,
    /// The later version, and `columns` as expressions over that version's columns.
    pub(crate) after: (i64, &'a [String]),
    /// The files in which the versions differ. `None` compares all files.
    pub(crate) files: Option<&'a ChangedFiles>,
}

/// Kinds of files.
type Kinds = fn(&ChangedFiles) -> [&[String]; 2];

/// Those that have rows in the later version.
const NEW: Kinds = |files| [&files.added, &files.thinned];

impl Difference<'_> {
    /// The statement for the rows that are new or have changed, and for the keys (or whole rows)
    /// that were deleted.
    pub(crate) fn sql(&self, commit: &Commit) -> String {
        let changed = format!(
            "SELECT {}, {}",
            projections(self.columns),
            commit_columns(commit, false)
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
                commit_columns(commit, true),
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
            commit_columns(commit, true),
            all_null(self.key)
        );
        if self.only_deletions {
            let begun = self.begun.map_or_else(String::new, |expressions| {
                format!(" UNION ALL {}", self.rows((self.after.0, expressions), NEW))
            });
            return format!("WITH old AS ({old}{begun}) {deletions}");
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
    /// there. `EXCEPT ALL` would be this, but Trino sorts for it, and refuses to sort rows with
    /// null fields (seen on 476). Grouping takes them.
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
        self.rows(self.after, NEW)
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
    format!(" WHERE \"$path\" IN ({})", texts(files))
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
mod tests;
