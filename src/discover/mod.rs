//! Schemas, tables, columns and keys → Airbyte streams.
//!
//! A handful of bulk queries per schema, never one per table: a catalog of 10,000 tables is
//! described in seconds. Only where a bulk query fails, its tables are asked for in smaller
//! groups, so that one broken table costs a WARN and not the catalog.

pub mod keys;
pub mod near;
pub mod privileges;
mod row_types;
pub mod schemas;
pub mod stream;
pub mod tables;

use crate::config::Connection;
use crate::error::ConnectorError;
use crate::protocol::catalog::AirbyteStream;
use crate::trino::Client;

/// All streams of the configured schemas, sorted by namespace and name.
///
/// # Errors
///
/// When the catalog or a named schema does not exist, or nothing in them can be read.
pub async fn streams(
    client: &Client,
    connection: &Connection,
) -> Result<Vec<AirbyteStream>, ConnectorError> {
    let mut streams = Vec::new();
    let connector = keys::connector(client, &connection.catalog).await;
    for schema in schemas::resolve(client, connection).await? {
        let mut tables = tables::of_schema(client, &connection.catalog, &schema).await?;
        if connection.check_privileges {
            tables = privileges::readable(client, &connection.catalog, &schema, tables).await?;
        }
        let keys =
            keys::of_schema(client, connector.as_deref(), &connection.catalog, &schema).await;
        streams.extend(
            tables
                .into_iter()
                .map(|table| stream::describe(&schema, &table, keys.get(&table.name))),
        );
    }
    streams.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    Ok(streams)
}
