//! The rows of small answers, decoded by prusto's derive.
//!
//! Queries select varchar, bigint, double and boolean only, and nullable columns are `Option`.

use prusto::Presto;

/// A row of `SHOW CATALOGS`.
#[derive(Debug, Presto)]
#[expect(
    non_snake_case,
    reason = "prusto matches fields to columns by name, and Trino names it so"
)]
pub(crate) struct CatalogRow {
    /// Name of the catalog.
    pub(crate) Catalog: String,
}

/// A row of `SHOW STATS`; the row without a column name describes the whole table.
#[derive(Debug, Presto)]
pub(crate) struct StatsRow {
    /// Column, or null for the table.
    pub(crate) column_name: Option<String>,
    /// Bytes of the column.
    pub(crate) data_size: Option<f64>,
    /// Distinct values.
    pub(crate) distinct_values_count: Option<f64>,
    /// Share of nulls.
    pub(crate) nulls_fraction: Option<f64>,
    /// Rows of the table.
    pub(crate) row_count: Option<f64>,
    /// Smallest value as text.
    pub(crate) low_value: Option<String>,
    /// Largest value as text.
    pub(crate) high_value: Option<String>,
}

/// A data file that differs between two versions of a table.
#[derive(Debug, Presto)]
pub(crate) struct ChangedFileRow {
    /// Its path.
    pub(crate) name: String,
    /// Whether it has rows in the earlier version.
    pub(crate) before: bool,
    /// Whether it has rows in the later version.
    pub(crate) after: bool,
}

/// A row with one name.
#[derive(Debug, Presto)]
pub(crate) struct NameRow {
    /// The name.
    pub(crate) name: String,
}

/// What a name of a schema stands for.
#[derive(Debug, Presto)]
pub(crate) struct TableKindRow {
    /// The name.
    pub(crate) name: String,
    /// Whether it is neither a view nor a materialized view.
    pub(crate) is_base: bool,
}

/// A row of `system.metadata.catalogs`.
#[derive(Debug, Presto)]
pub(crate) struct ConnectorRow {
    /// Name of the connector behind the catalog, for example `postgresql`.
    pub(crate) connector_name: String,
}

/// A row of `information_schema.tables`.
#[derive(Debug, Presto)]
pub(crate) struct TableRow {
    /// Name of the table or view.
    pub(crate) table_name: String,
}

/// A row of `information_schema.columns`.
#[derive(Debug, Presto)]
pub(crate) struct ColumnRow {
    /// Name of the table or view.
    pub(crate) table_name: String,
    /// Name of the column.
    pub(crate) column_name: String,
    /// Position in the table, from 1.
    pub(crate) ordinal_position: i64,
    /// Type as text.
    pub(crate) data_type: String,
}

/// A row of `information_schema.tables` about several schemas.
#[derive(Debug, Presto)]
pub(crate) struct SchemaTableRow {
    /// Name of the schema.
    pub(crate) table_schema: String,
    /// Name of the table or view.
    pub(crate) table_name: String,
}

/// A row of `information_schema.columns` about several schemas.
#[derive(Debug, Presto)]
pub(crate) struct SchemaColumnRow {
    /// Name of the schema.
    pub(crate) table_schema: String,
    /// As in [`ColumnRow`].
    pub(crate) table_name: String,
    /// As in [`ColumnRow`].
    pub(crate) column_name: String,
    /// As in [`ColumnRow`].
    pub(crate) ordinal_position: i64,
    /// As in [`ColumnRow`].
    pub(crate) data_type: String,
}

impl SchemaColumnRow {
    /// The schema, and the row as a listing of this schema alone has it.
    pub(crate) fn split(self) -> (String, ColumnRow) {
        let column = ColumnRow {
            table_name: self.table_name,
            column_name: self.column_name,
            ordinal_position: self.ordinal_position,
            data_type: self.data_type,
        };
        (self.table_schema, column)
    }
}

/// The id of an Iceberg table's snapshot.
#[derive(Debug, Presto)]
pub(crate) struct SnapshotIdRow {
    /// The id; null for a table without any.
    pub(crate) id: Option<i64>,
}

/// A version of a Delta Lake table.
#[derive(Debug, Presto)]
pub(crate) struct DeltaVersionRow {
    /// Counted from 0.
    pub(crate) version: i64,
    /// When it was made, in milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// What made it, for example `WRITE`.
    pub(crate) operation: String,
}

/// Whether something is in a list, and whether the list can be trusted.
#[derive(Debug, Presto)]
pub(crate) struct StandingRow {
    /// How often it is in the list.
    pub(crate) found: i64,
    /// How many entries the list has that must be there; 0 if it is not complete.
    pub(crate) present: i64,
}

/// One number, such as that of the rows in all files of a table.
#[derive(Debug, Presto)]
pub(crate) struct TotalRow {
    /// The number; null where there is nothing to count, such as a table without files.
    pub(crate) total: Option<i64>,
}

/// A file of a table, with which a slice begins.
#[derive(Debug, Presto)]
pub(crate) struct PathRow {
    /// The path of the file before.
    pub(crate) before: String,
    /// Its path.
    pub(crate) path: String,
}

/// A commit of a table.
#[derive(Debug, Presto)]
pub(crate) struct CommitRow {
    /// Its time in UTC.
    pub(crate) time: String,
    /// Rises with every commit.
    pub(crate) cursor: i64,
}

/// A snapshot of an Iceberg table.
#[derive(Debug, Presto)]
pub(crate) struct SnapshotRow {
    /// Its id.
    pub(crate) id: i64,
    /// The one before; null for the first.
    pub(crate) parent: Option<i64>,
    /// `append`, `replace`, `overwrite` or `delete`.
    pub(crate) operation: Option<String>,
    /// When it was made, in milliseconds since 1970. Clocks of writers differ.
    pub(crate) at_ms: i64,
}

/// How far a cursor column has come.
#[derive(Debug, Presto)]
pub(crate) struct PositionRow {
    /// Smallest value as text; null without any.
    pub(crate) low: Option<String>,
    /// Largest value as text.
    pub(crate) high: Option<String>,
    /// Rows with a value above the one that the last read ended with.
    pub(crate) total: i64,
    /// In how many of them Trino sees a value. It is fewer if the source takes for a value what
    /// Trino cannot show.
    pub(crate) shown: i64,
    /// Rows with the value that the last read ended with.
    pub(crate) ties: i64,
    /// Their checksum.
    pub(crate) ties_sum: Option<String>,
    /// Rows whose value cannot be an end of a range.
    pub(crate) outside: i64,
    /// Their checksum.
    pub(crate) outside_sum: Option<String>,
    /// Rows without a value.
    pub(crate) without: i64,
    /// All rows, if they were counted.
    pub(crate) everything: Option<i64>,
}

/// The rows with one value of a cursor column.
#[derive(Debug, Presto)]
pub(crate) struct TiesRow {
    /// Their number.
    pub(crate) ties: i64,
    /// Their checksum.
    pub(crate) ties_sum: Option<String>,
    /// Rows whose value the source compares differently than Trino shows it.
    pub(crate) misplaced: i64,
}

/// The smallest and the largest value of a column.
#[derive(Debug, Presto)]
pub(crate) struct RangeRow {
    /// Smallest value as text; null in an empty table.
    pub(crate) low: Option<String>,
    /// Largest value as text.
    pub(crate) high: Option<String>,
}

/// The partitions of a table, seen by one of its partition columns.
#[derive(Debug, Presto)]
pub(crate) struct PartitionCountRow {
    /// Name of the column.
    pub(crate) name: String,
    /// How many partitions there are.
    pub(crate) partitions: i64,
    /// How many values they have in this column.
    pub(crate) distinct_values: i64,
}

/// How many columns a table has in its database.
#[derive(Debug, Presto)]
pub(crate) struct ColumnCountRow {
    /// Name of the schema, in lower case.
    pub(crate) table_schema: String,
    /// Name of the table, in lower case.
    pub(crate) table_name: String,
    /// Number of columns.
    pub(crate) total: i64,
}

/// A column of a primary key.
#[derive(Debug, Presto)]
pub(crate) struct KeyRow {
    /// Name of the schema, in lower case.
    pub(crate) table_schema: String,
    /// Name of the table.
    pub(crate) table_name: String,
    /// Name of the column.
    pub(crate) column_name: String,
    /// Position in the key, from 1.
    pub(crate) key_position: i64,
}

/// A row of `SHOW SESSION`.
#[derive(Debug, Presto)]
#[expect(
    non_snake_case,
    reason = "prusto matches fields to columns by name, and Trino names them so"
)]
pub(crate) struct PropertyRow {
    /// Name of the property, with its catalog's in front if it is one of a catalog.
    pub(crate) Name: String,
    /// Value in this session.
    pub(crate) Value: String,
    /// Value if nothing is set.
    pub(crate) Default: String,
    /// Its type.
    pub(crate) Type: String,
    /// What it does.
    pub(crate) Description: String,
}
