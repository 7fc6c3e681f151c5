//! Asks Trino what is behind the configured streams: a table or a query, and its columns.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio::task::JoinSet;

use crate::catalog::tables::{self, TableColumns};
use crate::catalog::{keys, namespaces, queries};
use crate::config::{Connection, Namespaces, QueryStream};
use crate::error::ConnectorError;
use crate::protocol::configured::{ConfiguredAirbyteCatalog, ConfiguredAirbyteStream};
use crate::protocol::message::StreamDescriptor;
use crate::sql::ident::{Relation, Table};
use crate::trino::Client;
use crate::types::TrinoType;

/// What is behind a configured stream.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) relation: Relation,
    pub(super) connector: Option<String>,
    pub(super) columns: Vec<(String, TrinoType)>,
    /// What the configuration says of a query.
    pub(super) query: Option<QueryStream>,
}

/// What is behind each stream, in the catalog's order, or why that cannot be told.
pub(super) type Lookup = Vec<Result<Found, ConnectorError>>;

/// Looks all streams up, with one query of metadata per schema.
///
/// # Errors
///
/// When Trino cannot be asked at all. What is wrong with one stream is in its place of the result,
/// so that the others go on.
pub(super) async fn look_up(
    client: &Client,
    connection: &Connection,
    catalog: &ConfiguredAirbyteCatalog,
) -> Result<Lookup, ConnectorError> {
    let has_dots = |stream: &ConfiguredAirbyteStream| {
        let schema = stream.stream.schema();
        schema.is_some_and(|schema| schema.contains('.'))
    };
    let namespaces = if catalog.streams.iter().any(has_dots) {
        namespaces::find_namespaces(client, connection).await?
    } else {
        connection.namespaces(&[])
    };
    // Several streams may be one table: by the configured schema, or in capital letters.
    let mut by_schema: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for stream in &catalog.streams {
        if query_of(connection, stream).is_none() {
            let table = table_of(connection, &namespaces, stream);
            let names = by_schema.entry((table.catalog, table.schema)).or_default();
            names.insert(table.name);
        }
    }
    let mut known: HashMap<Table, Result<TableColumns, ConnectorError>> = HashMap::new();
    let mut connectors: HashMap<String, Option<String>> = HashMap::new();
    for ((catalog, schema), names) in by_schema {
        if !connectors.contains_key(&catalog) {
            connectors.insert(catalog.clone(), keys::connector(client, &catalog).await?);
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (found, failed) = tables::of_tables(client, &catalog, &schema, &names).await?;
        let found = found
            .into_iter()
            .map(|table| (table.name.clone(), Ok(table)));
        let failed = failed
            .into_iter()
            .map(|(name, error)| (name, Err(ConnectorError::from(error))));
        let full = |name| Table {
            catalog: catalog.clone(),
            schema: schema.clone(),
            name,
        };
        known.extend(found.chain(failed).map(|(name, table)| (full(name), table)));
    }
    let mut queries = find_queries(client, connection, catalog).await;
    let found = catalog.streams.iter().map(|stream| {
        let query = queries.remove(&stream.stream.descriptor());
        query.unwrap_or_else(|| {
            find_table(
                table_of(connection, &namespaces, stream),
                &known,
                &connectors,
            )
        })
    });
    Ok(found.collect())
}

/// The query of the configuration that a stream is.
fn query_of<'a>(
    connection: &'a Connection,
    stream: &ConfiguredAirbyteStream,
) -> Option<&'a QueryStream> {
    if stream.stream.schema().is_some() {
        return None;
    }
    connection
        .queries
        .iter()
        .find(|query| query.name == stream.stream.name)
}

/// The table that a stream is.
fn table_of(
    connection: &Connection,
    namespaces: &Namespaces,
    stream: &ConfiguredAirbyteStream,
) -> Table {
    let (catalog, schema) = match stream.stream.schema() {
        Some(namespace) => namespaces.place(namespace),
        None => (connection.catalog.clone(), connection.schema.clone()),
    };
    Table {
        catalog,
        schema,
        name: stream.stream.table(),
    }
}

/// What is behind the streams that are queries, asked side by side.
async fn find_queries(
    client: &Client,
    connection: &Connection,
    catalog: &ConfiguredAirbyteCatalog,
) -> HashMap<StreamDescriptor, Result<Found, ConnectorError>> {
    let mut asking = JoinSet::new();
    for stream in &catalog.streams {
        if let Some(query) = query_of(connection, stream).cloned() {
            let (client, descriptor) = (client.clone(), stream.stream.descriptor());
            asking.spawn(async move {
                let found = queries::columns(&client, &query)
                    .await
                    .map(|columns| Found {
                        relation: Relation::Query(query.sql.clone()),
                        connector: None,
                        columns,
                        query: Some(query),
                    });
                (descriptor, found)
            });
        }
    }
    asking.join_all().await.into_iter().collect()
}

fn find_table(
    table: Table,
    known: &HashMap<Table, Result<TableColumns, ConnectorError>>,
    connectors: &HashMap<String, Option<String>>,
) -> Result<Found, ConnectorError> {
    let Some(found) = known.get(&table).cloned().transpose()? else {
        return Err(ConnectorError::config(format!(
            "the table {table} does not exist, or the user may not see it. Refresh the source's \
             schema, or deselect the stream."
        )));
    };
    Ok(Found {
        connector: connectors.get(&table.catalog).cloned().flatten(),
        relation: Relation::Table(table),
        columns: found.columns,
        query: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn connection(more: &serde_json::Value) -> Connection {
        let mut config = json!({"hostname": "h", "username": "u", "catalog": "c", "schema": "s"});
        config
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        Connection::from_json(&config).unwrap()
    }

    fn stream(json: serde_json::Value) -> ConfiguredAirbyteStream {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_table_that_is_gone_is_an_error_of_its_stream() {
        let stream = stream(json!({"stream": {"name": "t"}, "sync_mode": "full_refresh"}));
        let connection = connection(&json!({}));
        let table = table_of(&connection, &connection.namespaces(&[]), &stream);
        let error = find_table(table, &HashMap::new(), &HashMap::new()).unwrap_err();
        assert!(
            error.message.contains("\"c\".\"s\".\"t\" does not exist"),
            "{error}"
        );
    }

    #[test]
    fn a_stream_without_a_namespace_may_be_a_query() {
        let config = json!({"queries": [{"name": "q", "sql": "SELECT 1 AS a"}]});
        let connection = connection(&config);
        let is_query = |stream: serde_json::Value| {
            let stream = self::stream(json!({"stream": stream, "sync_mode": "full_refresh"}));
            query_of(&connection, &stream).is_some()
        };
        assert!(is_query(json!({"name": "q"})));
        assert!(!is_query(json!({"name": "q", "namespace": "s"})));
        assert!(!is_query(json!({"name": "t"})));
    }
}
