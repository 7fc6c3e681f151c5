//! Statements about the partitions of a Hive table, which read metadata only.

use super::cursor::Cursor;
use super::ident::{Ident, Table, Text};
use super::literal::exact_text;
use super::versions::metadata_table;
use crate::types::TrinoType;

/// The table of a table's partitions, with one column for each partition column.
pub(crate) fn partitions(table: &Table) -> Table {
    metadata_table(table, "partitions")
}

/// A statement whose result has the partition columns of a table, and no rows.
pub(crate) fn partition_columns(table: &Table) -> String {
    format!("SELECT * FROM {} WHERE false", partitions(table))
}

/// For each of the columns, as `name`: how many partitions fulfil `condition`, as `partitions`, and
/// how many values they have, as `distinct_values`.
pub(crate) fn counts(table: &Table, columns: &[&str], condition: Option<&str>) -> String {
    let of_one = |name: &&str| {
        format!(
            "SELECT CAST({} AS varchar) AS name, count(*) AS partitions, count(DISTINCT {}) AS \
             distinct_values FROM {}{}",
            Text(name),
            Ident(name),
            partitions(table),
            condition.map_or_else(String::new, |condition| format!(" WHERE {condition}"))
        )
    };
    let parts: Vec<String> = columns.iter().map(of_one).collect();
    parts.join(" UNION ALL ")
}

/// The lowest values, as `name`, of all groups but the first, if the partitions that fulfil
/// `condition` are put into `groups` of about the same number, by a column. With `also_lowest` of
/// the first one as well.
pub(crate) fn bounds(
    table: &Table,
    (column, ty): (&str, &TrinoType),
    groups: u64,
    condition: Option<&str>,
    also_lowest: bool,
) -> String {
    let name = Ident(column);
    let condition = condition.map_or_else(String::new, |condition| format!(" AND {condition}"));
    let first = if also_lowest { 1 } else { 2 };
    format!(
        "SELECT {} AS name FROM (SELECT min(value) AS value, part FROM (SELECT {name} AS value, \
         ntile({groups}) OVER (ORDER BY {name}) AS part FROM {} WHERE {name} IS NOT \
         NULL{condition}) GROUP BY part) WHERE part >= {first} GROUP BY value ORDER BY value",
        exact_text("value", ty),
        partitions(table)
    )
}

/// A query of one row of any partition.
pub(crate) fn one_row(table: &Table, column: &str) -> String {
    format!(
        "SELECT 1 AS one FROM {table} WHERE {} IS NOT NULL LIMIT 1",
        Ident(column)
    )
}

/// Whether values of a type can be bounds between partitions: they have an order that Trino and the
/// text of its values agree on, and none of them stands apart from it.
pub(crate) fn can_be_bound(ty: &TrinoType) -> bool {
    ty.is_cursor()
        && !matches!(
            ty,
            TrinoType::Real | TrinoType::Double | TrinoType::Other(_)
        )
}

/// Whether a cursor is one of a table's partition columns.
pub(crate) fn is_partition_column(cursor: &Cursor, columns: &[String]) -> bool {
    can_be_bound(&cursor.ty) && columns.contains(&cursor.column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table::new("c", "s", "t")
    }

    #[test]
    fn bounds_are_the_lowest_values_of_groups_of_partitions() {
        let day = ("day", &TrinoType::Date);
        let sql = bounds(&table(), day, 4, Some("\"day\" > DATE '2020-01-01'"), false);
        assert_eq!(
            sql,
            "SELECT CAST(value AS varchar) AS name FROM (SELECT min(value) AS value, part FROM \
             (SELECT \"day\" AS value, ntile(4) OVER (ORDER BY \"day\") AS part FROM \
             \"c\".\"s\".\"t$partitions\" WHERE \"day\" IS NOT NULL AND \"day\" > DATE \
             '2020-01-01') GROUP BY part) WHERE part >= 2 GROUP BY value ORDER BY value"
        );
        let sql = bounds(&table(), day, 1, None, true);
        assert!(sql.contains("part >= 1"), "{sql}");
    }

    #[test]
    fn each_partition_column_is_counted() {
        let sql = counts(&table(), &["a", "it's"], None);
        assert!(sql.contains("CAST('it''s' AS varchar) AS name"), "{sql}");
        assert_eq!(sql.matches(" UNION ALL ").count(), 1);
    }

    #[test]
    fn values_that_stand_apart_are_no_bounds() {
        for (ty, expected) in [
            ("date", true),
            ("varchar", true),
            ("double", false),
            ("boolean", false),
        ] {
            assert_eq!(can_be_bound(&TrinoType::parse(ty)), expected, "{ty}");
        }
    }
}
