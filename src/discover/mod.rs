//! Schemas, tables, columns and keys → Airbyte streams.
//!
//! Each schema takes a handful of bulk queries and never one query per table, so a catalog of
//! 10,000 tables is described in seconds. Schemas are queried side by side. If a bulk query fails,
//! its tables are queried in smaller groups, so that one broken table costs a WARN and not the
//! whole catalog. A failure that may pass ends `discover`: if the platform got fewer streams, it
//! would believe that the others were dropped.

mod capabilities;
pub(crate) mod near;
pub(crate) mod patterns;
pub(crate) mod privileges;
pub(crate) mod schemas;
pub(crate) mod stream;

use std::collections::{BTreeSet, HashMap};

use crate::catalog::bisect::side_by_side;
use crate::catalog::queries::NoColumns;
use crate::catalog::reserved::{is_written_by_airbyte, warn_of_reserved_columns};
use crate::catalog::{fault, hidden, keys, left_out, queries, tables};
use crate::config::{Connection, QueryStream};
use crate::error::ConnectorError;
use crate::protocol::catalog::AirbyteStream;
use crate::trino::Client;
use crate::trino::error::TrinoError;
use schemas::Schema;

/// How many tables of a schema the log names when they are left out.
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
    let catalogs: BTreeSet<&str> = schemas.iter().map(|schema| &*schema.catalog).collect();
    let connectors = side_by_side(catalogs, |catalog| async move {
        let connector = keys::connector(client, catalog).await;
        connector.map(|connector| (catalog, connector))
    });
    let connectors: HashMap<&str, Option<String>> = connectors
        .await
        .map_err(fault::ended)?
        .into_iter()
        .collect();
    let found = side_by_side(&schemas, |schema| {
        let connector = connectors.get(&*schema.catalog).cloned().flatten();
        let chosen = chosen.as_ref();
        let chosen = chosen.map(|names| names.get(schema).map_or(&[][..], Vec::as_slice));
        async move { schema_streams(client, connection, connector.as_deref(), schema, chosen).await }
    });
    let found = found.await.map_err(fault::ended)?;
    let queries = side_by_side(&connection.queries, |query| query_stream(client, query)).await?;
    let mut streams = Vec::new();
    let mut refusals = Vec::new();
    for part in found.into_iter().chain(queries) {
        streams.extend(part.streams);
        refusals.extend(part.refusal);
    }
    if streams.is_empty() {
        let reason = refusals.into_iter().min();
        return Err(nothing(connection, &schemas, reason));
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

/// What was found in one place.
struct Found {
    streams: Vec<AirbyteStream>,
    /// Why the first table or query that was left out cannot be read.
    refusal: Option<String>,
}

/// The streams of a schema, or of its tables that are `chosen`.
async fn schema_streams(
    client: &Client,
    connection: &Connection,
    connector: Option<&str>,
    schema: &Schema,
    chosen: Option<&[String]>,
) -> Result<Found, TrinoError> {
    let Schema {
        catalog,
        name,
        namespace,
    } = schema;
    let chosen: Option<Vec<&str>> = chosen.map(|names| names.iter().map(String::as_str).collect());
    let chosen = chosen.as_deref();
    let tables::Found {
        mut tables,
        failures,
    } = match chosen {
        None => tables::all_tables(client, catalog, name).await?,
        Some(names) => tables::tables_with_names(client, catalog, name, names).await?,
    };
    let place = (catalog.as_str(), name.as_str());
    left_out::warn_of_left_out(client, connection, connector, place, &tables, chosen).await;
    let columns = hidden::hidden_columns(connector, connection.file_columns);
    hidden::add(client, columns, place, &mut tables).await?;
    let mut left_out: Vec<(String, String)> = failures
        .into_iter()
        .map(|(table, error)| (table, format!("its columns cannot be read ({error})")))
        .collect();
    if connection.check_privileges {
        let names: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (good, refused) = privileges::readable(client, catalog, name, &names).await?;
        tables.retain(|table| good.contains(table.name.as_str()));
        let refused = refused.into_iter();
        left_out.extend(refused.map(|(table, error)| {
            let cure = fault::cure_of_listed_table(&error);
            (
                table.to_owned(),
                format!("{error}.{cure}").trim_end_matches('.').to_owned(),
            )
        }));
    }
    warn_of_left_out(name, &mut left_out);
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let replication = connection.sync.replication;
    let (keys, can) = tokio::try_join!(
        keys::primary_keys(client, connector, catalog, name),
        capabilities::table_capabilities(client, connector, replication, schema, &names),
    )?;
    let streams = tables
        .iter()
        .map(|table| stream::describe(namespace, table, keys.get(&table.name), connector, &can));
    Ok(Found {
        streams: streams.collect(),
        refusal: left_out
            .into_iter()
            .next()
            .map(|(table, reason)| format!("Table \"{namespace}.{table}\" is left out: {reason}.")),
    })
}

fn warn_of_left_out(schema: &str, left_out: &mut [(String, String)]) {
    left_out.sort();
    for (table, reason) in left_out.iter().take(NAMED) {
        tracing::warn!("table {schema:?}.{table:?} is left out: {reason}");
    }
    if left_out.len() > NAMED {
        tracing::warn!(
            "{} tables of schema {schema:?} were left out, {NAMED} of them named above",
            left_out.len()
        );
    }
}

/// Warns of the tables that look like those that a destination has written.
fn warn_of_airbytes_tables(tables: &[String]) {
    if tables.is_empty() {
        return;
    }
    let named: Vec<String> = tables
        .iter()
        .take(NAMED)
        .map(|name| format!("\"{name}\""))
        .collect();
    let more = if tables.len() > NAMED { ", …" } else { "" };
    tracing::warn!(
        "tables that a destination of Airbyte has probably written ({}): {}{more}. Deselect them \
         unless they are to be copied on, or leave them out by ‹exclude› of ‹table_patterns›.",
        tables.len(),
        named.join(", ")
    );
}

/// The stream of a query. A query that Trino does not accept is left out with a WARN, like a broken
/// table.
async fn query_stream(client: &Client, query: &QueryStream) -> Result<Found, ConnectorError> {
    let stream = match queries::columns(client, query).await {
        Ok(columns) => queries::describe(query, &columns),
        Err(NoColumns::OfTheQuery(error)) => Err(error),
        Err(NoColumns::Unanswered(error)) => return Err(error),
    };
    match stream {
        Ok(stream) => Ok(Found {
            streams: vec![stream],
            refusal: None,
        }),
        Err(error) => {
            tracing::warn!("a query is left out: {error}");
            Ok(Found {
                streams: Vec::new(),
                refusal: Some(error.message),
            })
        }
    }
}

/// The error of a configuration without any stream. An empty catalog instead would mean to the
/// platform that all streams were dropped.
fn nothing(connection: &Connection, schemas: &[Schema], refusal: Option<String>) -> ConnectorError {
    let list = schemas
        .iter()
        .map(|schema| format!("\"{}\"", schema.namespace))
        .collect::<Vec<_>>()
        .join(", ");
    let catalog = &connection.catalog;
    let patterns = patterns::reminder(connection);
    ConnectorError::config(match refusal {
        None => format!(
            "The user sees no table in {list} of the catalog \"{catalog}\"{patterns}. Check ‹schema›, \
             or grant the user SELECT on a table."
        ),
        Some(reason) => format!(
            "Nothing in {list} of the catalog \"{catalog}\" can be read. {reason} Grant the user \
             SELECT on what is wanted, or check ‹schema› and ‹queries›."
        ),
    })
}
