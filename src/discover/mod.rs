//! Schemas, tables, columns and keys → Airbyte streams.
//!
//! Each schema takes a handful of bulk queries and never one query per table, and many schemas of
//! one catalog are listed together. Schemas are queried side by side. If a bulk query fails,
//! its tables are queried in smaller groups, so that one broken table costs a WARN and not the
//! whole catalog. A failure that may pass ends `discover`: if the platform got fewer streams, it
//! would believe that the others were dropped.
//!
//! | file | job |
//! |---|---|
//! | `schemas`, `patterns` | which schemas the configuration means; `table_patterns` against the tables there |
//! | `tables` | the tables of all schemas → streams, with what only some of them have |
//! | `privileges` | which tables the user may read |
//! | `capabilities` | what can be done with the tables of a schema |
//! | `stream` | a table → an Airbyte stream |

mod capabilities;
pub(crate) mod patterns;
pub(crate) mod privileges;
pub(crate) mod schemas;
pub(crate) mod stream;
mod tables;

use std::collections::BTreeSet;

use crate::amounts;
use crate::catalog::bisect::side_by_side;
use crate::catalog::queries::NoColumns;
use crate::catalog::reserved::{is_written_by_airbyte, warn_of_reserved_columns};
use crate::catalog::{fault, keys, queries};
use crate::config::{Connection, QueryStream};
use crate::error::ConnectorError;
use crate::protocol::catalog::AirbyteStream;
use crate::trino::Client;
use schemas::Schema;
use tables::Connectors;

/// How many tables the log names when they are left out of a schema.
const NAMED: usize = 20;

/// All streams of the configured schemas and queries, sorted by namespace and name.
///
/// # Errors
///
/// When a catalog or a named schema does not exist, when a question fails for a reason that may
/// pass, or when there is no stream at all.
pub(crate) async fn streams(
    client: &Client,
    connection: &Connection,
) -> Result<Vec<AirbyteStream>, ConnectorError> {
    let schemas = schemas::resolve(client, connection).await?;
    let chosen = patterns::chosen_names(client, connection, &schemas).await?;
    let catalogs = schemas.chosen.iter();
    let catalogs: BTreeSet<&str> = catalogs.map(|schema| &*schema.catalog).collect();
    let connectors = side_by_side(catalogs, |catalog| async move {
        let connector = keys::connector(client, catalog).await;
        connector.map(|connector| (catalog, connector))
    });
    let connectors = connectors.await.map_err(fault::ended)?;
    let connectors: Connectors<'_> = connectors.into_iter().collect();
    let chosen = chosen.as_ref();
    let found = tables::streams(client, connection, &connectors, &schemas, chosen).await;
    let found = found.map_err(fault::ended)?;
    let queries = side_by_side(&connection.queries, |query| query_stream(client, query)).await?;
    let mut streams = Vec::new();
    let mut refusals = Vec::new();
    for part in found.into_iter().chain(queries) {
        streams.extend(part.streams);
        refusals.extend(part.refusal);
    }
    if streams.is_empty() {
        let reason = refusals.into_iter().min();
        return Err(nothing(connection, &schemas.chosen, reason));
    }
    let mut written_by_airbyte = Vec::new();
    for stream in &streams {
        let columns = stream.json_schema["properties"].as_object();
        let columns = columns.into_iter().flat_map(|columns| columns.keys());
        let columns = columns.map(String::as_str);
        let descriptor = stream::descriptor(stream);
        if is_written_by_airbyte(&stream.name, columns.clone()) {
            written_by_airbyte.push(descriptor.to_string());
        }
        // The columns that we add to changes are left out here: destinations know them.
        warn_of_reserved_columns(
            &descriptor.to_string(),
            columns
                .filter(|column| !(stream.source_defined_cursor && stream::is_of_changes(column))),
        );
    }
    warn_of_airbytes_tables(&written_by_airbyte);
    streams.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    Ok(streams)
}

/// The streams of a schema, or of a configured query.
struct Discovered {
    streams: Vec<AirbyteStream>,
    /// Why the first table or query that was left out cannot be read.
    refusal: Option<String>,
}

/// Warns of the tables that look like those that a destination has written.
fn warn_of_airbytes_tables(tables: &[String]) {
    if tables.is_empty() {
        return;
    }
    tracing::warn!(
        "tables that a destination of Airbyte has probably written ({}): {}. Deselect them \
         unless they are to be copied on, or leave them out by ‹exclude› of ‹table_patterns›.",
        tables.len(),
        amounts::names(tables, NAMED)
    );
}

/// The stream of a query. A query that Trino does not accept is left out with a WARN, like a broken
/// table.
async fn query_stream(client: &Client, query: &QueryStream) -> Result<Discovered, ConnectorError> {
    let stream = match queries::columns(client, query).await {
        Ok(columns) => queries::describe(query, &columns),
        Err(NoColumns::OfTheQuery(error)) => Err(error),
        Err(NoColumns::Unanswered(error)) => return Err(error),
    };
    match stream {
        Ok(stream) => Ok(Discovered {
            streams: vec![stream],
            refusal: None,
        }),
        Err(error) => {
            tracing::warn!("a query is left out: {error}");
            Ok(Discovered {
                streams: Vec::new(),
                refusal: Some(error.message),
            })
        }
    }
}

/// The error of a configuration without any stream. An empty catalog instead would mean to the
/// platform that all streams were dropped.
fn nothing(connection: &Connection, schemas: &[Schema], refusal: Option<String>) -> ConnectorError {
    let Some(reason) = refusal else {
        return patterns::no_table(connection, schemas);
    };
    let list = schemas::list(schemas);
    let catalog = &connection.catalog;
    ConnectorError::config(format!(
        "Nothing in {list} of the catalog \"{catalog}\" can be read. {reason} Grant the user SELECT \
         on what is wanted, or check ‹schema› and ‹queries›."
    ))
}
