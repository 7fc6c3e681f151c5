//! Configured catalog → what is read of each stream, or why it cannot be.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::config::Connection;
use crate::discover::tables::{self, TableColumns};
use crate::error::ConnectorError;
use crate::protocol::catalog::{ConfiguredAirbyteCatalog, ConfiguredAirbyteStream, SyncMode};
use crate::protocol::message::StreamDescriptor;
use crate::sql::ident::Table;
use crate::trino::Client;
use crate::trino::error::TrinoError;
use crate::types::TrinoType;

/// Columns that Airbyte's change-data destinations add; no table has them.
const META_COLUMNS: &str = "_ab_cdc_";

/// What is read of one stream.
#[derive(Debug, Clone)]
pub struct StreamPlan {
    /// The stream's name, as all its messages carry it.
    pub descriptor: StreamDescriptor,
    /// The table behind it.
    pub table: Table,
    /// The selected columns that exist, in the table's order.
    pub columns: Vec<(String, TrinoType)>,
}

/// A stream with its plan, or with the reason why there is none.
pub type Planned = (StreamDescriptor, Result<StreamPlan, ConnectorError>);

/// Plans all streams, with one query of metadata per schema.
///
/// # Errors
///
/// When the catalog is not usable at all, or Trino cannot be asked. What is wrong with one stream
/// is in its place of the result, so that the others go on.
pub async fn plan(
    client: &Client,
    connection: &Connection,
    catalog: &ConfiguredAirbyteCatalog,
) -> Result<Vec<Planned>, ConnectorError> {
    refuse_repeated(catalog)?;
    warn_of_incremental(catalog);
    let mut by_schema: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for stream in &catalog.streams {
        by_schema
            .entry(schema_of(connection, stream))
            .or_default()
            .push(&stream.stream.name);
    }
    let mut known: HashMap<(String, String), Result<TableColumns, TrinoError>> = HashMap::new();
    for (schema, names) in by_schema {
        let (found, failed) =
            tables::of_tables(client, &connection.catalog, &schema, &names).await?;
        let found = found
            .into_iter()
            .map(|table| (table.name.clone(), Ok(table)));
        let failed = failed.into_iter().map(|(name, error)| (name, Err(error)));
        known.extend(
            found
                .chain(failed)
                .map(|(name, table)| ((schema.clone(), name), table)),
        );
    }
    let plans = catalog.streams.iter().map(|stream| {
        let descriptor = stream.stream.descriptor();
        let schema = schema_of(connection, stream);
        let table = known.remove(&(schema.clone(), stream.stream.name.clone()));
        let plan = plan_stream(connection, stream, schema, table)
            .map_err(|error| error.of_stream(&descriptor));
        (descriptor, plan)
    });
    Ok(plans.collect())
}

fn schema_of(connection: &Connection, stream: &ConfiguredAirbyteStream) -> String {
    stream
        .stream
        .namespace
        .clone()
        .unwrap_or_else(|| connection.schema.clone())
}

fn refuse_repeated(catalog: &ConfiguredAirbyteCatalog) -> Result<(), ConnectorError> {
    let mut seen = HashSet::new();
    match catalog
        .streams
        .iter()
        .map(|s| s.stream.descriptor())
        .find(|d| !seen.insert(d.clone()))
    {
        Some(twice) => Err(ConnectorError::config(format!(
            "The configured catalog has the stream \"{twice}\" more than once."
        ))),
        None => Ok(()),
    }
}

/// One line for all: PyAirbyte configures every stream as incremental, whatever it supports.
fn warn_of_incremental(catalog: &ConfiguredAirbyteCatalog) {
    let incremental = catalog
        .streams
        .iter()
        .filter(|s| s.sync_mode == SyncMode::Incremental);
    let names: Vec<String> = incremental
        .map(|s| s.stream.descriptor().to_string())
        .collect();
    if !names.is_empty() {
        tracing::warn!(
            "this version reads no stream incrementally, so all rows are read of {}",
            names.join(", ")
        );
    }
}

fn plan_stream(
    connection: &Connection,
    stream: &ConfiguredAirbyteStream,
    schema: String,
    found: Option<Result<TableColumns, TrinoError>>,
) -> Result<StreamPlan, ConnectorError> {
    let descriptor = stream.stream.descriptor();
    let table = Table {
        catalog: connection.catalog.clone(),
        schema,
        name: stream.stream.name.clone(),
    };
    let Some(found) = found.transpose()? else {
        return Err(ConnectorError::config(format!(
            "the table {table} does not exist, or the user may not see it. Refresh the source's \
             schema, or deselect the stream."
        )));
    };
    let columns = match stream.stream.selected_columns() {
        None => found.columns,
        Some(selected) => select(&descriptor, found.columns, &selected),
    };
    if columns.is_empty() {
        return Err(ConnectorError::config(format!(
            "none of the selected columns is in the table {table}. Refresh the source's schema."
        )));
    }
    Ok(StreamPlan {
        descriptor,
        table,
        columns,
    })
}

/// The selected ones of a table's columns. Those that are gone are said in a WARN: a column that
/// was dropped must not stop the others (airbyte-protocol, "Schema Mismatches").
fn select(
    descriptor: &StreamDescriptor,
    columns: Vec<(String, TrinoType)>,
    selected: &[&str],
) -> Vec<(String, TrinoType)> {
    let exists: HashSet<String> = columns.iter().map(|(name, _)| name.clone()).collect();
    for name in selected {
        if !exists.contains(*name) && !name.starts_with(META_COLUMNS) {
            tracing::warn!(
                "stream \"{descriptor}\" has no column \"{name}\" any more; it is left out"
            );
        }
    }
    let selected: HashSet<&str> = selected.iter().copied().collect();
    columns
        .into_iter()
        .filter(|(name, _)| selected.contains(name.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn connection() -> Connection {
        let config = json!({"hostname": "h", "username": "u", "catalog": "c", "schema": "s"});
        Connection::from_json(&config).unwrap()
    }

    fn stream(json: serde_json::Value) -> ConfiguredAirbyteStream {
        serde_json::from_value(json).unwrap()
    }

    fn table() -> TableColumns {
        let column = |name: &str| (name.to_owned(), TrinoType::Bigint);
        TableColumns {
            name: "t".into(),
            columns: vec![column("b"), column("a"), column("c")],
        }
    }

    fn planned(stream: &ConfiguredAirbyteStream) -> Result<StreamPlan, ConnectorError> {
        plan_stream(&connection(), stream, "s".into(), Some(Ok(table())))
    }

    fn names(plan: &StreamPlan) -> Vec<&str> {
        plan.columns.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn only_selected_columns_are_read_in_the_tables_order() {
        let stream = stream(
            json!({"stream": {"name": "t", "json_schema": {"properties": {"a": {}, "b": {}, "gone": {}, "_ab_cdc_lsn": {}}}}, "sync_mode": "full_refresh"}),
        );
        assert_eq!(names(&planned(&stream).unwrap()), ["b", "a"]);
    }

    #[test]
    fn a_catalog_that_names_no_columns_means_all() {
        for schema in [json!(null), json!({}), json!({"properties": {}})] {
            let stream = stream(
                json!({"stream": {"name": "t", "json_schema": schema}, "sync_mode": "full_refresh"}),
            );
            assert_eq!(names(&planned(&stream).unwrap()), ["b", "a", "c"]);
        }
    }

    #[test]
    fn a_stream_without_any_column_left_is_an_error() {
        let stream = stream(
            json!({"stream": {"name": "t", "json_schema": {"properties": {"x": {}}}}, "sync_mode": "full_refresh"}),
        );
        assert!(
            planned(&stream)
                .unwrap_err()
                .message
                .contains("none of the selected columns")
        );
    }

    #[test]
    fn a_table_that_is_gone_is_an_error_of_its_stream() {
        let stream = stream(json!({"stream": {"name": "t"}, "sync_mode": "full_refresh"}));
        let error = plan_stream(&connection(), &stream, "s".into(), None).unwrap_err();
        assert!(
            error.message.contains("\"c\".\"s\".\"t\" does not exist"),
            "{error}"
        );
    }

    #[test]
    fn a_stream_twice_is_refused() {
        let catalog = serde_json::from_value(json!({"streams": [
            {"stream": {"name": "t"}, "sync_mode": "full_refresh"},
            {"stream": {"name": "t"}, "sync_mode": "full_refresh"}]}))
        .unwrap();
        assert!(refuse_repeated(&catalog).is_err());
    }
}
