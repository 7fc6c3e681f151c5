//! `table_patterns` against the tables that exist.

use super::near;
use super::schemas::Schema;
use crate::catalog::bisect::side_by_side;
use crate::catalog::{fault, tables};
use crate::config::{Connection, TablePatterns};
use crate::error::ConnectorError;
use crate::trino::Client;

/// Warns of each pattern that matches no table of the schemas.
///
/// # Errors
///
/// When the tables cannot be listed.
pub(crate) async fn warn_of_unused(
    client: &Client,
    connection: &Connection,
    schemas: &[Schema],
) -> Result<(), ConnectorError> {
    let names = side_by_side(schemas, |schema| async move {
        let names = tables::names(client, &schema.catalog, &schema.name).await?;
        Ok((schema.namespace.as_str(), names))
    });
    let names: Vec<(&str, Vec<String>)> = names.await.map_err(fault::ended)?;
    warn_of_unmatched(&connection.table_patterns, &names);
    Ok(())
}

/// What to add where no table was found, if the patterns may be the cause.
pub(crate) fn reminder(connection: &Connection) -> &'static str {
    if connection.table_patterns.is_empty() {
        ""
    } else {
        " that \"table_patterns\" chooses"
    }
}

/// `found` has the names of the tables of each namespace.
fn warn_of_unmatched(patterns: &TablePatterns, found: &[(&str, Vec<String>)]) {
    let tables = || {
        found.iter().flat_map(|(namespace, tables)| {
            tables.iter().map(move |table| (*namespace, table.as_str()))
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
            "no table matches \"{}\" of \"{}\" in \"table_patterns\". {}",
            pattern.text,
            pattern.list,
            near::hint(&pattern.text.to_lowercase(), &names)
        );
    }
}
