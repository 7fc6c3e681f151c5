//! Queries of metadata. All of them ask for whole schemas at once: a condition on `table_schema`
//! is pushed down, but a pattern is not (`InformationSchemaMetadata` in Trino).

use super::ident::{Ident, Table, Text, texts};

/// Names of all catalogs that the user sees.
pub(crate) const CATALOGS: &str = "SHOW CATALOGS";

/// Names of the schemas of a catalog.
pub(crate) fn schemas(catalog: &str) -> String {
    format!(
        "SELECT schema_name AS name FROM {}.information_schema.schemata",
        Ident(catalog)
    )
}

/// The tables of one schema, by a statement that fails where there is no such schema.
pub(crate) fn show_tables(catalog: &str, schema: &str) -> String {
    format!("SHOW TABLES FROM {}.{}", Ident(catalog), Ident(schema))
}

/// The connector behind a catalog.
pub(crate) fn connector(catalog: &str) -> String {
    format!(
        "SELECT connector_name FROM system.metadata.catalogs WHERE catalog_name = {}",
        Text(catalog)
    )
}

/// A statement whose result has the columns of the list of catalogs, and no rows.
pub(crate) const CATALOGS_AS_LISTED: &str = "SELECT * FROM system.metadata.catalogs WHERE false";

/// Names of the tables and views of a schema.
pub(crate) fn tables(catalog: &str, schema: &str) -> String {
    format!(
        "SELECT table_name FROM {}.information_schema.tables WHERE table_schema = {}",
        Ident(catalog),
        Text(schema)
    )
}

/// Names of the tables and views of several schemas.
pub(crate) fn tables_in_schemas(catalog: &str, schemas: &[&str]) -> String {
    format!(
        "SELECT table_schema, table_name FROM {}.information_schema.tables WHERE table_schema IN ({})",
        Ident(catalog),
        texts(schemas)
    )
}

/// Columns of the tables and views of several schemas.
pub(crate) fn columns_in_schemas(catalog: &str, schemas: &[&str]) -> String {
    format!(
        "SELECT table_schema, table_name, column_name, CAST(ordinal_position AS bigint) AS \
         ordinal_position, data_type FROM {}.information_schema.columns WHERE table_schema IN ({})",
        Ident(catalog),
        texts(schemas)
    )
}

/// What the names of a schema stand for: `is_base` is false for views and for materialized views.
/// `information_schema` calls the latter base tables.
pub(crate) fn table_kinds(catalog: &str, schema: &str) -> String {
    format!(
        "SELECT table_name AS name, table_type = 'BASE TABLE' AND table_name NOT IN (SELECT name \
         FROM system.metadata.materialized_views WHERE catalog_name = {} AND schema_name = {}) AS \
         is_base FROM {}.information_schema.tables WHERE table_schema = {}",
        Text(catalog),
        Text(schema),
        Ident(catalog),
        Text(schema)
    )
}

/// What a table is, as `name`: `BASE TABLE` or `VIEW`; no row for what does not exist.
pub(crate) fn table_type(table: &Table) -> String {
    format!(
        "SELECT table_type AS name FROM {}.information_schema.tables WHERE table_schema = {} \
         AND table_name = {}",
        Ident(&table.catalog),
        Text(&table.schema),
        Text(&table.name)
    )
}

/// The text of a view, by a statement that fails in words of its own for tables, materialized
/// views, and what does not exist.
pub(crate) fn show_create_view(table: &Table) -> String {
    format!("SHOW CREATE VIEW {table}")
}

/// The name of a table, if it is a materialized view: `information_schema` calls these base tables.
pub(crate) fn materialized_view(table: &Table) -> String {
    format!(
        "SELECT name FROM system.metadata.materialized_views WHERE catalog_name = {} \
         AND schema_name = {} AND name = {}",
        Text(&table.catalog),
        Text(&table.schema),
        Text(&table.name)
    )
}

/// Names of the views of a schema, as `name`.
pub(crate) fn views(catalog: &str, schema: &str) -> String {
    format!(
        "SELECT table_name AS name FROM {}.information_schema.tables WHERE table_schema = {} AND \
         table_type = 'VIEW'",
        Ident(catalog),
        Text(schema)
    )
}

/// A query for a column of another query, by its name. It fails if Trino has invented the name.
pub(crate) fn named_column(sql: &str, column: &str) -> String {
    format!("SELECT {} FROM (\n{sql}\n) WHERE false", Ident(column))
}

/// A statement whose result has the columns of a table, and no rows.
pub(crate) fn columns_of_table(table: &Table) -> String {
    format!("SELECT * FROM {table} WHERE false")
}

/// A query of one row of a table.
pub(crate) fn one_row(table: &Table) -> String {
    format!("SELECT * FROM {table} LIMIT 1")
}

/// A statement whose result has the columns of a query, and no rows.
pub(crate) fn columns_of_query(sql: &str) -> String {
    format!("SELECT * FROM (\n{sql}\n) WHERE false")
}

/// Columns of the tables and views of a schema: of all, or only of the named ones.
pub(crate) fn columns(catalog: &str, schema: &str, tables: Option<&[&str]>) -> String {
    let mut sql = format!(
        "SELECT table_name, column_name, CAST(ordinal_position AS bigint) AS ordinal_position, \
         data_type FROM {}.information_schema.columns WHERE table_schema = {}",
        Ident(catalog),
        Text(schema)
    );
    if let Some(tables) = tables {
        sql = format!("{sql} AND table_name IN ({})", texts(tables));
    }
    sql
}

/// A statement that fails if one of the tables may not be read, and reads nothing.
pub(crate) fn readable(tables: &[Table]) -> String {
    let selects: Vec<String> = tables
        .iter()
        .map(|table| format!("SELECT 1 FROM {table}"))
        .collect();
    validate(&selects.join(" UNION ALL "))
}

/// A statement whose answer, a text of JSON, names the tables from which the rows of `tables`
/// really come. It reads nothing.
pub(crate) fn io_plan(tables: &[Table]) -> String {
    let selects: Vec<String> = tables
        .iter()
        .map(|table| format!("SELECT 1 FROM {table}"))
        .collect();
    format!(
        "EXPLAIN (TYPE IO, FORMAT JSON) {}",
        selects.join(" UNION ALL ")
    )
}

/// A statement that fails if one of the tables is not an Iceberg table: only Iceberg has
/// `"t$refs"`.
pub(crate) fn all_iceberg(tables: &[Table]) -> String {
    all_with(tables, "1", "$refs")
}

/// A statement that fails if one of the tables is not a Delta Lake table. Iceberg has a
/// `"t$history"` as well, but without this column.
pub(crate) fn all_delta(tables: &[Table]) -> String {
    all_with(tables, "version", "$history")
}

fn all_with(tables: &[Table], column: &str, suffix: &str) -> String {
    let selects: Vec<String> = tables
        .iter()
        .map(|table| {
            let name = format!("{}{suffix}", table.name);
            let table = Table {
                name,
                ..table.clone()
            };
            format!("SELECT {column} FROM {table}")
        })
        .collect();
    validate(&selects.join(" UNION ALL "))
}

/// A statement that fails if a query would not be accepted, and reads nothing.
pub(crate) fn validate(query: &str) -> String {
    format!("EXPLAIN (TYPE VALIDATE) {query}")
}

/// A query for the named columns of many tables that reads no rows: only the types of its columns
/// are needed.
pub(crate) fn no_rows(tables: &[(Table, Vec<&str>)]) -> String {
    let parts: Vec<String> = tables
        .iter()
        .map(|(table, columns)| {
            let columns: Vec<String> = columns.iter().map(|name| Ident(name).to_string()).collect();
            format!("(SELECT {} FROM {table} WHERE false)", columns.join(", "))
        })
        .collect();
    format!("SELECT * FROM {}", parts.join(" CROSS JOIN "))
}

/// The session properties whose names are like a pattern.
pub(crate) fn session_properties(pattern: &str) -> String {
    format!("SHOW SESSION LIKE {}", Text(pattern))
}

/// Statistics of a table.
pub(crate) fn statistics(table: &Table) -> String {
    format!("SHOW STATS FOR {table}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_asked_for_by_schema_and_tables() {
        assert_eq!(
            columns("c", "it's", Some(&["a", "b"])),
            "SELECT table_name, column_name, CAST(ordinal_position AS bigint) AS ordinal_position, data_type \
             FROM \"c\".information_schema.columns WHERE table_schema = 'it''s' AND table_name IN ('a', 'b')"
        );
    }
}
