//! `table_patterns` against the tables that exist.

use std::collections::{BTreeMap, HashMap};

use super::schemas::{self, Schema, Schemas};
use crate::catalog::bisect::side_by_side;
use crate::catalog::{fault, listing, tables};
use crate::config::{Connection, TablePatterns};
use crate::error::ConnectorError;
use crate::near;
use crate::trino::Client;

/// The names of the tables that become streams, by their schemas; `None` if there are no patterns,
/// so that all of them do. Warns of each pattern that matches no table.
///
/// # Errors
///
/// When the tables cannot be listed.
pub(crate) async fn chosen_names<'s>(
    client: &Client,
    connection: &Connection,
    schemas: &'s Schemas,
) -> Result<Option<BTreeMap<&'s Schema, Vec<String>>>, ConnectorError> {
    let patterns = &connection.table_patterns;
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut listed: HashMap<&str, HashMap<String, Vec<String>>> = HashMap::new();
    for (catalog, names) in schemas.to_list_together() {
        let names = listing::list_names(client, catalog, &names).await;
        listed.insert(catalog, names);
    }
    let schemas = schemas.chosen.iter().map(|schema| {
        let listed = listed.get_mut(&*schema.catalog);
        (schema, listed.and_then(|names| names.remove(&schema.name)))
    });
    let schemas: Vec<(&Schema, Option<Vec<String>>)> = schemas.collect();
    let names = side_by_side(schemas, |(schema, listed)| async move {
        let names = match listed {
            Some(names) => names,
            None => tables::all_names(client, &schema.catalog, &schema.name).await?,
        };
        Ok((schema, names))
    });
    let names: Vec<(&Schema, Vec<String>)> = names.await.map_err(fault::ended)?;
    let mut names: BTreeMap<&Schema, Vec<String>> = names.into_iter().collect();
    warn_of_unmatched(patterns, &names);
    for (schema, names) in &mut names {
        names.retain(|table| patterns.choose(&schema.namespace, table));
    }
    Ok(Some(names))
}

/// What to add where no table was found, if the patterns may be the cause.
pub(crate) fn reminder(connection: &Connection) -> &'static str {
    if connection.table_patterns.is_empty() {
        ""
    } else {
        " that ‹table_patterns› chooses"
    }
}

/// `found` has the names of all tables of each schema.
fn warn_of_unmatched(patterns: &TablePatterns, found: &BTreeMap<&Schema, Vec<String>>) {
    let tables = || {
        found.iter().flat_map(|(schema, tables)| {
            let namespace = schema.namespace.as_str();
            tables.iter().map(move |table| (namespace, table.as_str()))
        })
    };
    for pattern in patterns.all() {
        if tables().any(|(namespace, table)| pattern.matches(namespace, table)) {
            continue;
        }
        let has_namespace = pattern.text.contains('.');
        let names = tables().map(|(namespace, table)| {
            if has_namespace {
                format!("{namespace}.{table}")
            } else {
                table.to_owned()
            }
        });
        let names: Vec<String> = names.collect();
        tracing::warn!(
            "no table matches \"{}\" of ‹{}› in ‹table_patterns›. {}",
            pattern.text,
            pattern.list,
            near::hint(&pattern.text, &names)
        );
    }
}

/// The error of schemas in which there is no table, or none that Trino shows to the user.
pub(crate) fn no_table(connection: &Connection, schemas: &[Schema]) -> ConnectorError {
    let list = schemas::list(schemas);
    let catalog = &connection.catalog;
    let patterns = reminder(connection);
    ConnectorError::config(format!(
        "The user sees no table in {list} of the catalog \"{catalog}\"{patterns}. Check ‹schema›, or \
         grant the user SELECT on a table."
    ))
}
