//! Lists many schemas of a catalog together.
//!
//! A listing of one schema takes a server some tenths of a second, whatever the schema holds. The
//! listing of a whole catalog takes hardly more per table: 1,000 schemas of 10 tables in PostgreSQL
//! are listed in 39 seconds, and one by one in several minutes. What a listing of many schemas lacks
//! proves nothing, as ever: such a schema is listed by itself.

use std::collections::HashMap;

use super::left_out;
use super::patience::patiently;
use crate::config::Connection;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::control::{self, ColumnRow, SchemaColumnRow, SchemaTableRow};
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
    /// The same, with those that Trino leaves out otherwise.
    pub(crate) columns_as_text: Option<Vec<ColumnRow>>,
}

/// Whether so many schemas of a catalog are worth listing together.
pub(crate) fn is_worth_it(wanted: usize, existing: usize) -> bool {
    wanted > ONE_BY_ONE && existing <= wanted * EXISTING_PER_WANTED
}

/// Lists the names of the tables of many schemas. Schemas of which nothing is listed are missing, and
/// all are if they cannot be listed together.
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

/// Lists the tables of many schemas with their columns, as [`list_names`].
pub(crate) async fn list(
    client: &Client,
    connection: &Connection,
    connector: Option<&str>,
    catalog: &str,
    schemas: &[&str],
) -> HashMap<String, Listed> {
    let property = left_out::property(connection, connector, catalog);
    let as_text = async {
        match &property {
            Some(property) => list_columns(client, catalog, schemas, Some(property)).await,
            None => HashMap::new(),
        }
    };
    let (names, columns, columns_as_text) = tokio::join!(
        list_names(client, catalog, schemas),
        list_columns(client, catalog, schemas, None),
        as_text
    );
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
