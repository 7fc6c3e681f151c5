//! Columns that Trino leaves out of a table, because it does not know the types that a database
//! has.
//!
//! Trino says nothing about them. Connectors of databases show them as text with a session
//! property, so the columns are listed a second time with it, and the difference is told.

use std::collections::{BTreeMap, BTreeSet};

use super::TableColumns;
use crate::config::Connection;
use crate::sql::metadata;
use crate::trino::answers::ColumnRow;
use crate::trino::control;
use crate::trino::{Client, Extras};

/// Connectors that have the session property.
const CONNECTORS: [&str; 15] = [
    "clickhouse",
    "druid",
    "duckdb",
    "exasol",
    "ignite",
    "mariadb",
    "mysql",
    "oracle",
    "phoenix5",
    "postgresql",
    "redshift",
    "singlestore",
    "snowflake",
    "sqlserver",
    "vertica",
];

/// Its name, after the catalog's, and the value that brings the columns.
const PROPERTY: (&str, &str) = ("unsupported_type_handling", "CONVERT_TO_VARCHAR");

/// How many tables one WARN names.
const NAMED: usize = 20;

/// The session property with which a catalog shows the columns that are left out.
pub(crate) struct Property {
    name: String,
}

impl Property {
    /// What a listing with the property has beside the session.
    pub(crate) fn extras(&self) -> Extras<'_> {
        Extras {
            property: Some((&self.name, PROPERTY.1)),
            ..Extras::default()
        }
    }
}

/// The session property of a catalog; `None` if its connector has none, or if the configuration
/// sets it.
pub(crate) fn property(
    connection: &Connection,
    connector: Option<&str>,
    catalog: &str,
) -> Option<Property> {
    let name = format!("{catalog}.{}", PROPERTY.0);
    let mut configured = connection.session_properties.iter();
    let has_it = connector.is_some_and(|connector| CONNECTORS.contains(&connector));
    (has_it && configured.all(|(configured, _)| *configured != name)).then_some(Property { name })
}

/// Warns of the columns that Trino leaves out of the tables of a schema: of all tables, or only of
/// the `named` ones. `tables` are the columns that it shows. Where it cannot be found out, nothing
/// is said, because nothing depends on it.
pub(crate) async fn warn_of_left_out(
    client: &Client,
    connection: &Connection,
    connector: Option<&str>,
    (catalog, schema): (&str, &str),
    tables: &[TableColumns],
    named: Option<&[&str]>,
) {
    let Some(property) = property(connection, connector, catalog) else {
        return;
    };
    let sql = metadata::columns(catalog, schema, named);
    match control::rows_with::<ColumnRow>(client, &sql, property.extras()).await {
        Ok(rows) => warn_of_difference((catalog, schema), tables, rows),
        Err(error) => {
            tracing::debug!(%error, "it cannot be found out which columns are left out of schema {schema:?}");
        }
    }
}

/// Warns of the columns that only the second listing shows, which was made with the session
/// property.
pub(crate) fn warn_of_difference(
    (catalog, schema): (&str, &str),
    tables: &[TableColumns],
    rows: Vec<ColumnRow>,
) {
    let missing = difference(tables, rows);
    for (table, columns) in missing.iter().take(NAMED) {
        let columns: Vec<String> = columns.iter().map(|name| format!("\"{name}\"")).collect();
        tracing::warn!(
            "table {schema:?}.{table:?}: Trino leaves out {}, whose types it does not know. \"{catalog}.{}={}\" in ‹session_properties› brings them as text",
            columns.join(", "),
            PROPERTY.0,
            PROPERTY.1
        );
    }
    if missing.len() > NAMED {
        tracing::warn!(
            "Trino leaves columns out of {} tables of schema {schema:?}, {NAMED} of them named above",
            missing.len()
        );
    }
}

/// The columns of the second listing that the first one lacks, by table.
fn difference(tables: &[TableColumns], rows: Vec<ColumnRow>) -> BTreeMap<String, BTreeSet<String>> {
    let shown: BTreeSet<(&str, &str)> = tables
        .iter()
        .flat_map(|table| {
            let columns = table.columns.iter();
            columns.map(|(column, _)| (table.name.as_str(), column.as_str()))
        })
        .collect();
    let mut missing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        if !shown.contains(&(row.table_name.as_str(), row.column_name.as_str())) {
            missing
                .entry(row.table_name)
                .or_default()
                .insert(row.column_name);
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::TrinoType;

    #[test]
    fn what_only_the_second_listing_shows_is_left_out() {
        let row = |table: &str, column: &str| ColumnRow {
            table_name: table.into(),
            column_name: column.into(),
            ordinal_position: 1,
            data_type: "varchar".into(),
        };
        let tables = [TableColumns {
            name: "t".into(),
            columns: vec![("id".into(), TrinoType::Bigint)],
        }];
        let rows = vec![
            row("t", "id"),
            row("t", "u"),
            row("only", "b"),
            row("only", "a"),
        ];
        let missing: Vec<(String, Vec<String>)> = difference(&tables, rows)
            .into_iter()
            .map(|(table, columns)| (table, columns.into_iter().collect()))
            .collect();
        assert_eq!(
            missing,
            [
                ("only".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
                ("t".to_owned(), vec!["u".to_owned()])
            ]
        );
    }
}
