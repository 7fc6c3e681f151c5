//! Lists many schemas of a catalog together.
//!
//! A listing of one schema takes a server some tenths of a second, whatever the schema holds. The
//! listing of a whole catalog takes hardly more per table: 1,000 schemas of 10 tables in PostgreSQL
//! are listed in 39 seconds, and one by one in several minutes. What a listing of many schemas
//! lacks proves nothing, as ever: such a schema is listed by itself.

use std::collections::HashMap;

use super::left_out;
use super::patience::patiently;
use crate::config::Connection;
use crate::sql::{metadata, remote};
use crate::trino::Client;
use crate::trino::answers::{ColumnCountRow, ColumnRow, SchemaColumnRow, SchemaTableRow};
use crate::trino::control;
use crate::trino::error::TrinoError;

/// Up to so many schemas of a condition, Trino asks a catalog about each of them alone
/// (`optimizer.max-prefetched-information-schema-prefixes`), so that nothing would be gained.
const ONE_BY_ONE: usize = 100;

/// More than so many schemas exist for each one that is wanted: then a listing of the catalog would
/// mostly be thrown away.
const EXISTING_PER_WANTED: usize = 4;

/// How many names a condition has, which keeps a statement far below a million characters.
const NAMES_PER_QUERY: usize = 5000;

/// What was listed of a schema together with others. It has to be asked of the schema itself where
/// there is `None`.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// Names of the tables and views, sorted.
    pub(crate) names: Option<Vec<String>>,
    /// Columns of the tables and views.
    pub(crate) columns: Option<Vec<ColumnRow>>,
    /// The same, with those that Trino leaves out otherwise; empty if it leaves none out.
    pub(crate) columns_as_text: Option<Vec<ColumnRow>>,
}

/// Whether so many schemas of a catalog are worth listing together.
pub(crate) fn is_worth_it(wanted: usize, existing: usize) -> bool {
    wanted > ONE_BY_ONE && existing <= wanted * EXISTING_PER_WANTED
}

/// Lists the names of the tables of many schemas. Schemas of which nothing is listed are missing,
/// and all are if they cannot be listed together.
pub(crate) async fn list_names(
    client: &Client,
    catalog: &str,
    schemas: &[&str],
) -> HashMap<String, Vec<String>> {
    let mut names: HashMap<String, Vec<String>> = HashMap::new();
    for group in schemas.chunks(NAMES_PER_QUERY) {
        let sql = metadata::tables_in_schemas(catalog, group);
        let rows = patiently(|| control::rows::<SchemaTableRow>(client, &sql)).await;
        for row in listed_or_none(catalog, rows) {
            names
                .entry(row.table_schema)
                .or_default()
                .push(row.table_name);
        }
    }
    for names in names.values_mut() {
        names.sort();
        names.dedup();
    }
    names
}

/// Lists the columns of the tables of many schemas. `names` is what [`list_names`] has listed of
/// these schemas.
pub(crate) async fn list(
    client: &Client,
    connection: &Connection,
    connector: Option<&str>,
    catalog: &str,
    schemas: &[&str],
    names: HashMap<String, Vec<String>>,
) -> HashMap<String, Listed> {
    let property = left_out::property(connection, connector, catalog);
    let counts = async {
        match (&property, connector) {
            (Some(_), Some(connector)) => column_counts(client, connector, catalog, schemas).await,
            _ => None,
        }
    };
    let (columns, counts) = tokio::join!(list_columns(client, catalog, schemas, None), counts);
    let columns_as_text = match &property {
        Some(property) => {
            let counts = counts.unwrap_or_default();
            list_columns_as_text(client, catalog, schemas, property, &counts, &columns).await
        }
        None => HashMap::new(),
    };
    let mut listed: HashMap<String, Listed> = HashMap::new();
    for (schema, names) in names {
        listed.entry(schema).or_default().names = Some(names);
    }
    for (schema, columns) in columns {
        listed.entry(schema).or_default().columns = Some(columns);
    }
    for (schema, columns) in columns_as_text {
        listed.entry(schema).or_default().columns_as_text = Some(columns);
    }
    listed
}

/// Lists the columns with those that Trino leaves out, which costs a database as much as the first
/// listing. So only schemas are listed of which the `counts` of the database do not show that Trino
/// tells all columns.
async fn list_columns_as_text(
    client: &Client,
    catalog: &str,
    schemas: &[&str],
    property: &left_out::Property,
    counts: &Counts,
    columns: &HashMap<String, Vec<ColumnRow>>,
) -> HashMap<String, Vec<ColumnRow>> {
    let is_complete = |schema: &&str| {
        let columns = columns.get(*schema).map_or(&[][..], Vec::as_slice);
        let counts = counts.get(*schema);
        counts.is_some_and(|counts| *counts == counted(columns))
    };
    let (complete, others): (Vec<&str>, Vec<&str>) = schemas.iter().copied().partition(is_complete);
    let mut listed = list_columns(client, catalog, &others, Some(property)).await;
    let complete = complete.into_iter();
    listed.extend(complete.map(|schema| (schema.to_owned(), Vec::new())));
    listed
}

/// Numbers of columns by schemas and tables.
type Counts = HashMap<String, HashMap<String, i64>>;

fn counted(columns: &[ColumnRow]) -> HashMap<String, i64> {
    let mut counts = HashMap::new();
    for column in columns {
        *counts.entry(column.table_name.clone()).or_default() += 1;
    }
    counts
}

/// Asks the database how many columns its tables have. `None` if it cannot be asked, which is no
/// fault: then everything is listed again.
async fn column_counts(
    client: &Client,
    connector: &str,
    catalog: &str,
    schemas: &[&str],
) -> Option<Counts> {
    let mut counts = Counts::new();
    for group in schemas.chunks(NAMES_PER_QUERY) {
        let sql = remote::column_counts(connector, catalog, group)?;
        let rows = control::rows::<ColumnCountRow>(client, &sql).await;
        let rows = rows.inspect_err(|error| tracing::debug!(%error, "columns cannot be counted"));
        for row in rows.ok()? {
            let tables = counts.entry(row.table_schema).or_default();
            tables.insert(row.table_name, row.total);
        }
    }
    Some(counts)
}

async fn list_columns(
    client: &Client,
    catalog: &str,
    schemas: &[&str],
    property: Option<&left_out::Property>,
) -> HashMap<String, Vec<ColumnRow>> {
    let extras = property.map(left_out::Property::extras).unwrap_or_default();
    let mut columns: HashMap<String, Vec<ColumnRow>> = HashMap::new();
    for group in schemas.chunks(NAMES_PER_QUERY) {
        let sql = metadata::columns_in_schemas(catalog, group);
        let rows = patiently(|| control::rows_with::<SchemaColumnRow>(client, &sql, extras)).await;
        for row in listed_or_none(catalog, rows) {
            let (schema, column) = row.split();
            columns.entry(schema).or_default().push(column);
        }
    }
    columns
}

/// One broken table can make the listing of a whole catalog fail. Then each schema is listed by
/// itself, and meets the error again if it lasts.
fn listed_or_none<R>(catalog: &str, rows: Result<Vec<R>, TrinoError>) -> Vec<R> {
    rows.unwrap_or_else(|error| {
        tracing::warn!(
            "the schemas of the catalog \"{catalog}\" cannot be listed together ({error}); asking for \
             them one by one"
        );
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_is_listed_whole_only_where_most_of_it_is_wanted() {
        for (wanted, existing, is_worth) in [
            (1, 1, false),
            (100, 100, false),
            (101, 101, true),
            (101, 404, true),
            (101, 405, false),
            (1000, 1002, true),
        ] {
            assert_eq!(
                is_worth_it(wanted, existing),
                is_worth,
                "{wanted} of {existing}"
            );
        }
    }
}
