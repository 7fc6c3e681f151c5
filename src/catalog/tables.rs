//! Tables and views of a schema with their columns.

use std::collections::{BTreeMap, HashSet};

use crate::catalog::row_types;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::control;
use crate::trino::control::{ColumnRow, TableRow};
use crate::trino::error::TrinoError;
use crate::types::TrinoType;

/// Names in one query, far below Trino's limit of a million characters.
const NAMES_PER_QUERY: usize = 500;

/// A table or view with its columns in their order.
#[derive(Debug, Clone)]
pub(crate) struct TableColumns {
    /// Table name.
    pub(crate) name: String,
    /// Column names and types. Hidden columns are not among them.
    pub(crate) columns: Vec<(String, TrinoType)>,
}

/// All tables and views of a schema.
///
/// # Errors
///
/// When the tables cannot even be listed. Tables whose columns cannot be had are left out with a
/// WARN.
pub(crate) async fn of_schema(
    client: &Client,
    catalog: &str,
    schema: &str,
) -> Result<Vec<TableColumns>, TrinoError> {
    let error = match all_columns(client, catalog, schema, None).await {
        Ok(tables) => return Ok(tables),
        Err(error) => error,
    };
    if error.query_error().is_none() {
        return Err(error);
    }
    // One broken table can fail the listing of all columns; names alone are less fragile.
    tracing::warn!(
        "the columns of schema {schema:?} cannot be listed at once ({error}); asking for them table by table"
    );
    let names = names(client, catalog, schema).await?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (tables, failures) = of_tables(client, catalog, schema, &names).await?;
    for (table, error) in failures {
        tracing::warn!(
            "table {schema:?}.{table:?} is left out: its columns cannot be read ({error})"
        );
    }
    Ok(tables)
}

/// Names of all tables and views of a schema, sorted.
///
/// # Errors
///
/// When they cannot be listed.
pub(crate) async fn names(
    client: &Client,
    catalog: &str,
    schema: &str,
) -> Result<Vec<String>, TrinoError> {
    let rows: Vec<TableRow> = control::rows(client, &metadata::tables(catalog, schema)).await?;
    let mut names: Vec<String> = rows.into_iter().map(|row| row.table_name).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// The named tables of a schema, and those whose columns cannot be had, with the reason. Names
/// that do not exist are in neither.
///
/// # Errors
///
/// When the server cannot be asked at all.
pub(crate) async fn of_tables(
    client: &Client,
    catalog: &str,
    schema: &str,
    names: &[&str],
) -> Result<(Vec<TableColumns>, Vec<(String, TrinoError)>), TrinoError> {
    let mut tables = Vec::new();
    let mut failures = Vec::new();
    let mut groups: Vec<Vec<&str>> = names.chunks(NAMES_PER_QUERY).map(<[_]>::to_vec).collect();
    while let Some(group) = groups.pop() {
        match all_columns(client, catalog, schema, Some(&group)).await {
            Ok(found) => tables.extend(found),
            Err(error) if error.query_error().is_none() => return Err(error),
            Err(error) => match group.as_slice() {
                [only] => failures.push(((*only).to_owned(), error)),
                many => {
                    let (left, right) = many.split_at(many.len() / 2);
                    groups.extend([left.to_vec(), right.to_vec()]);
                }
            },
        }
    }
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((tables, failures))
}

async fn all_columns(
    client: &Client,
    catalog: &str,
    schema: &str,
    tables: Option<&[&str]>,
) -> Result<Vec<TableColumns>, TrinoError> {
    let sql = metadata::columns(catalog, schema, tables);
    let mut tables = grouped(control::rows(client, &sql).await?);
    row_types::refine(client, catalog, schema, &mut tables).await?;
    Ok(tables)
}

/// Rows of columns → tables. A table may occur twice in a listing (Trino before 484, #31488).
fn grouped(rows: Vec<ColumnRow>) -> Vec<TableColumns> {
    let mut tables: BTreeMap<String, Vec<ColumnRow>> = BTreeMap::new();
    for row in rows {
        tables.entry(row.table_name.clone()).or_default().push(row);
    }
    tables
        .into_iter()
        .map(|(name, mut columns)| {
            columns.sort_by_key(|column| column.ordinal_position);
            let mut seen = HashSet::new();
            let columns = columns
                .into_iter()
                .filter(|column| seen.insert(column.column_name.clone()))
                .map(|column| (column.column_name, TrinoType::parse(&column.data_type)))
                .collect();
            TableColumns { name, columns }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(table: &str, column: &str, position: i64) -> ColumnRow {
        ColumnRow {
            table_name: table.into(),
            column_name: column.into(),
            ordinal_position: position,
            data_type: "bigint".into(),
        }
    }

    #[test]
    fn columns_are_grouped_by_table_in_their_order() {
        let tables = grouped(vec![
            row("b", "y", 2),
            row("a", "x", 1),
            row("b", "x", 1),
            row("b", "x", 1),
        ]);
        let names: Vec<(&str, Vec<&str>)> = tables
            .iter()
            .map(|t| {
                (
                    t.name.as_str(),
                    t.columns.iter().map(|c| c.0.as_str()).collect(),
                )
            })
            .collect();
        assert_eq!(names, [("a", vec!["x"]), ("b", vec!["x", "y"])]);
    }
}
