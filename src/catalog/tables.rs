//! The tables and views of a schema, with their columns.
//!
//! Listings are quick, but they may be incomplete: a table whose metadata cannot be read, or whose
//! database refuses connections, is missing without an error (seen on 476). So a table that a
//! listing lacks is queried itself before anything is concluded.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::catalog::TableColumns;
use crate::catalog::bisect::{self, Sorted};
use crate::catalog::fault::{self, Fault};
use crate::catalog::listing::Listed;
use crate::catalog::patience::patiently;
use crate::catalog::row_types;
use crate::sql::ident::Table;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::answers::{ColumnRow, TableRow};
use crate::trino::control;
use crate::trino::error::TrinoError;
use crate::types::{TrinoType, column_type};

/// How many names one query has. This keeps it far below Trino's limit of a million characters.
const NAMES_PER_QUERY: usize = 500;

/// Tables of a schema, and the tables whose columns Trino does not tell, with its reason.
#[derive(Debug, Default)]
pub(crate) struct SchemaTables {
    /// Sorted by name.
    pub(crate) tables: Vec<TableColumns>,
    /// The names of the other tables, each with the error of a query of that table.
    pub(crate) failures: Vec<(String, TrinoError)>,
}

impl SchemaTables {
    fn sort(&mut self) {
        self.tables.sort_by(|a, b| a.name.cmp(&b.name));
        self.failures.sort_by(|a, b| a.0.cmp(&b.0));
    }
}

/// All tables and views of a schema. What is `listed` already is not listed again.
///
/// # Errors
///
/// When the tables cannot be listed, or when an error is not about a single table.
pub(crate) async fn all_tables(
    client: &Client,
    catalog: &str,
    schema: &str,
    listed: Listed,
) -> Result<SchemaTables, TrinoError> {
    let columns = async {
        match listed.columns {
            Some(rows) => with_exact_types(client, catalog, schema, rows).await,
            None => all_columns(client, catalog, schema, None).await,
        }
    };
    let names = async {
        match listed.names {
            Some(names) => Ok(names),
            None => names(client, catalog, schema).await,
        }
    };
    let (columns, names) = tokio::join!(columns, names);
    let names = names?;
    let tables = match columns {
        Ok(tables) => tables,
        Err(error) if fault::whose_fault(&error) == Fault::Server => return Err(error),
        Err(error) => {
            // One broken table can make the listing of all columns fail. Listing only the names is
            // less fragile.
            tracing::warn!(
                "the columns of schema {schema:?} cannot be listed at once ({error}); asking for them table by table"
            );
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            listed_by_name(client, catalog, schema, &names).await?
        }
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    with_missing(client, catalog, schema, &names, tables).await
}

/// The tables and views of a schema that have these names. Nothing is asked about the others, nor
/// of what is `listed` already.
///
/// # Errors
///
/// As [`all_tables`].
pub(crate) async fn tables_with_names(
    client: &Client,
    catalog: &str,
    schema: &str,
    names: &[&str],
    listed: Listed,
) -> Result<SchemaTables, TrinoError> {
    let tables = match listed.columns {
        Some(mut rows) => {
            rows.retain(|row| names.contains(&row.table_name.as_str()));
            with_exact_types(client, catalog, schema, rows).await?
        }
        None => listed_by_name(client, catalog, schema, names).await?,
    };
    with_missing(client, catalog, schema, names, tables).await
}

/// Names of all tables and views of a schema, sorted.
///
/// # Errors
///
/// As [`all_tables`].
pub(crate) async fn all_names(
    client: &Client,
    catalog: &str,
    schema: &str,
) -> Result<Vec<String>, TrinoError> {
    let names = names(client, catalog, schema).await?;
    if !names.is_empty() {
        return Ok(names);
    }
    // A listing of names may be empty although the listing of columns is not.
    let found = all_tables(client, catalog, schema, Listed::default()).await?;
    Ok(found.tables.into_iter().map(|table| table.name).collect())
}

/// The names that the listing of names has, sorted.
async fn names(client: &Client, catalog: &str, schema: &str) -> Result<Vec<String>, TrinoError> {
    let sql = metadata::tables(catalog, schema);
    let rows: Vec<TableRow> = patiently(|| control::rows(client, &sql)).await?;
    let mut names: Vec<String> = rows.into_iter().map(|row| row.table_name).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// The named tables of a schema, each with its columns or with Trino's reason why there are none.
///
/// # Errors
///
/// When the server cannot be asked.
pub(crate) async fn named_tables(
    client: &Client,
    catalog: &str,
    schema: &str,
    names: &[&str],
) -> Result<SchemaTables, TrinoError> {
    // A table tells the exact types of its columns by itself, where a listing needs a second
    // question for those of rows. If it does not tell them, it is listed as one of many would be: a
    // view that takes too long to plan is listed at once.
    if let [name] = names {
        match itself(client, catalog, schema, name).await {
            Ok(table) => {
                return Ok(SchemaTables {
                    tables: vec![table],
                    failures: Vec::new(),
                });
            }
            Err(error) if fault::ends_all(&error) => return Err(error),
            Err(error) => tracing::debug!(%error, table = name, "its columns are looked up"),
        }
    }
    let tables = listed_by_name(client, catalog, schema, names).await?;
    let missing = without(names, &tables);
    // The first failed question finds out whether waiting helps, so that not every stream has to
    // wait.
    let is_patient = AtomicBool::new(true);
    let asked = bisect::side_by_side(missing, |name| {
        let is_patient = &is_patient;
        async move {
            let table = if is_patient.load(Ordering::Relaxed) {
                patiently(|| itself(client, catalog, schema, name)).await
            } else {
                itself(client, catalog, schema, name).await
            };
            is_patient.fetch_and(table.is_ok(), Ordering::Relaxed);
            match table {
                Err(error) if error.query_error().is_none() => Err(error),
                table => Ok((name.to_owned(), table)),
            }
        }
    });
    let mut found = SchemaTables {
        failures: Vec::new(),
        tables,
    };
    for (name, table) in asked.await? {
        match table {
            Ok(table) => found.tables.push(table),
            Err(error) => found.failures.push((name, error)),
        }
    }
    found.sort();
    Ok(found)
}

/// The named tables that a listing of columns contains.
async fn listed_by_name(
    client: &Client,
    catalog: &str,
    schema: &str,
    names: &[&str],
) -> Result<Vec<TableColumns>, TrinoError> {
    let groups = names.chunks(NAMES_PER_QUERY);
    let listed = bisect::side_by_side(groups, |group| async move {
        match all_columns(client, catalog, schema, Some(group)).await {
            Err(error) if fault::whose_fault(&error) == Fault::Server => Err(error),
            // The tables are then queried one by one.
            Err(error) => {
                tracing::debug!(%error, "the columns of some tables cannot be listed");
                Ok(Vec::new())
            }
            tables => tables,
        }
    });
    Ok(listed.await?.into_iter().flatten().collect())
}

/// The names that are not among the tables.
fn without<'a>(names: &[&'a str], tables: &[TableColumns]) -> Vec<&'a str> {
    let listed: HashSet<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let names = names.iter().copied();
    names.filter(|name| !listed.contains(name)).collect()
}

/// Adds the named tables that a listing of columns lacks, by querying each of them.
async fn with_missing(
    client: &Client,
    catalog: &str,
    schema: &str,
    names: &[&str],
    tables: Vec<TableColumns>,
) -> Result<SchemaTables, TrinoError> {
    let missing = without(names, &tables);
    let controls: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
    let controls: Vec<&str> = controls.iter().map(String::as_str).collect();
    let ask = |group: Vec<&str>| {
        let name = group.first().copied().map(str::to_owned);
        async move { itself(client, catalog, schema, &name.unwrap_or_default()).await }
    };
    if controls.is_empty() {
        bisect::one_works(&missing, &ask).await?;
    }
    let Sorted { answers, refused } = bisect::ask_in_groups(&missing, 1, &controls, ask).await?;
    let failures = refused
        .into_iter()
        .map(|(name, error)| (name.to_owned(), error));
    let mut found = SchemaTables {
        failures: failures.collect(),
        tables,
    };
    let answers = answers.into_iter().map(|(_, table)| table);
    found.tables.extend(answers);
    found.sort();
    Ok(found)
}

/// The columns of a table, from a query of the table itself. Their names are in small letters, as
/// in listings: a view keeps the capitals of its query in its result, though not in its metadata.
async fn itself(
    client: &Client,
    catalog: &str,
    schema: &str,
    name: &str,
) -> Result<TableColumns, TrinoError> {
    let table = Table::new(catalog, schema, name);
    let columns = control::columns(client, &metadata::columns_of_table(&table)).await?;
    let mut seen = HashSet::new();
    let columns = columns
        .into_iter()
        .map(|column| {
            let ty = column_type(&column.type_text, column.type_signature.as_deref());
            (column.name.to_lowercase(), ty)
        })
        .filter(|(name, _)| seen.insert(name.clone()))
        .collect();
    Ok(TableColumns {
        name: name.into(),
        columns,
    })
}

async fn all_columns(
    client: &Client,
    catalog: &str,
    schema: &str,
    tables: Option<&[&str]>,
) -> Result<Vec<TableColumns>, TrinoError> {
    let sql = metadata::columns(catalog, schema, tables);
    let rows = patiently(|| control::rows(client, &sql)).await?;
    with_exact_types(client, catalog, schema, rows).await
}

async fn with_exact_types(
    client: &Client,
    catalog: &str,
    schema: &str,
    rows: Vec<ColumnRow>,
) -> Result<Vec<TableColumns>, TrinoError> {
    let mut tables = grouped(rows);
    row_types::refine(client, catalog, schema, &mut tables).await?;
    Ok(tables)
}

/// Groups the rows of a listing by table. A table may occur twice in a listing (Trino before 484,
/// #31488).
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
