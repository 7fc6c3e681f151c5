//! Schemas, tables, columns and keys → Airbyte streams.
//!
//! A handful of bulk queries per schema, never one per table: a catalog of 10,000 tables is
//! described in seconds. Only where a bulk query fails, its tables are asked for in smaller
//! groups, so that one broken table costs a WARN and not the catalog.

mod capabilities;
pub(crate) mod near;
pub(crate) mod privileges;
pub(crate) mod schemas;
pub(crate) mod stream;

use std::collections::HashMap;

use crate::catalog::{keys, queries, tables};
use crate::config::Connection;
use crate::error::ConnectorError;
use crate::protocol::catalog::AirbyteStream;
use crate::trino::Client;

/// All streams of the configured schemas and queries, sorted by namespace and name.
///
/// # Errors
///
/// When a catalog or a named schema does not exist, or a query is not accepted.
pub(crate) async fn streams(
    client: &Client,
    connection: &Connection,
) -> Result<Vec<AirbyteStream>, ConnectorError> {
    let mut streams = Vec::new();
    let mut connectors: HashMap<String, Option<String>> = HashMap::new();
    for schema in schemas::resolve(client, connection).await? {
        let catalog = &schema.catalog;
        if !connectors.contains_key(catalog) {
            let connector = keys::connector(client, catalog).await?;
            connectors.insert(catalog.clone(), connector);
        }
        let connector = connectors[catalog].as_deref();
        let mut tables = tables::of_schema(client, catalog, &schema.name).await?;
        if connection.check_privileges {
            tables = privileges::readable(client, catalog, &schema.name, tables).await?;
        }
        let keys = keys::of_schema(client, connector, catalog, &schema.name).await;
        let replication = connection.sync.replication;
        let can = capabilities::of_schema(client, connector, replication, &schema, &tables).await;
        streams.extend(
            tables.iter().map(|table| {
                stream::describe(&schema.namespace, table, keys.get(&table.name), &can)
            }),
        );
    }
    for query in &connection.queries {
        let columns = queries::columns(client, query).await?;
        streams.push(queries::describe(query, &columns)?);
    }
    streams.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    Ok(streams)
}
