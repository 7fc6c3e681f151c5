//! Configured catalog and state → what is read of each stream and how, or why it cannot be.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tokio::task::JoinSet;

use super::state::Content;
use crate::config::{Connection, Namespaces, QueryStream, Replication};
use crate::discover::format::Format;
use crate::discover::tables::{self, TableColumns};
use crate::discover::{keys, queries, schemas};
use crate::error::ConnectorError;
use crate::protocol::catalog::{ConfiguredAirbyteCatalog, ConfiguredAirbyteStream, SyncMode};
use crate::protocol::message::StreamDescriptor;
use crate::protocol::state::InputState;
use crate::sql::changes::{CURSOR, DELETED_AT, UPDATED_AT};
use crate::sql::cursor::Cursor;
use crate::sql::ident::{Relation, Table};
use crate::trino::Client;
use crate::types::TrinoType;

/// Columns that a table does not have: those of changes.
const META_COLUMNS: &str = "_ab_cdc_";

/// What is read of one stream.
#[derive(Debug, Clone)]
pub struct StreamPlan {
    /// The stream's name, as all its messages carry it.
    pub descriptor: StreamDescriptor,
    /// What is behind it.
    pub relation: Relation,
    /// The connector behind its catalog, for example `iceberg`, where that is known.
    pub connector: Option<String>,
    /// The selected columns that exist, in the table's order.
    pub columns: Vec<(String, TrinoType)>,
    /// The key columns that the configured catalog names.
    pub primary_key: Vec<String>,
    /// How it is read.
    pub mode: Mode,
    /// Where an earlier read stopped.
    pub(super) state: Option<Content>,
}

/// How a stream is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Whole.
    FullRefresh,
    /// What is new by a cursor.
    Cursor(Cursor),
    /// What has changed in a table that keeps its versions.
    Changes(Format, Table),
}

impl StreamPlan {
    /// Whether the table keeps versions.
    pub(super) fn has_versions(&self) -> bool {
        self.relation.table().is_some() && Format::of(self.connector.as_deref()).is_some()
    }

    /// The key, if all of it is selected; else none.
    pub(super) fn readable_key(&self) -> &[String] {
        let selected = |name: &String| self.columns.iter().any(|(column, _)| column == name);
        if self.primary_key.iter().all(selected) {
            &self.primary_key
        } else {
            &[]
        }
    }
}

/// A stream with its plan, or with the reason why there is none.
pub type Planned = (StreamDescriptor, Result<StreamPlan, ConnectorError>);

/// What is behind a configured stream.
#[derive(Debug, Clone)]
struct Found {
    relation: Relation,
    connector: Option<String>,
    columns: Vec<(String, TrinoType)>,
    /// What the configuration says of a query.
    query: Option<QueryStream>,
}

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
    state: &InputState,
) -> Result<Vec<Planned>, ConnectorError> {
    refuse_repeated(catalog)?;
    let has_dots = |stream: &ConfiguredAirbyteStream| {
        let schema = stream.stream.schema();
        schema.is_some_and(|schema| schema.contains('.'))
    };
    let namespaces = if catalog.streams.iter().any(has_dots) {
        schemas::namespaces(client, connection).await?
    } else {
        connection.namespaces(&[])
    };
    // Several streams may be one table, by the configured schema and by its name.
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
    let mut of_queries = find_queries(client, connection, catalog).await;
    let mut plans = Vec::with_capacity(catalog.streams.len());
    for stream in &catalog.streams {
        let descriptor = stream.stream.descriptor();
        let found = of_queries.remove(&descriptor).unwrap_or_else(|| {
            let table = table_of(connection, &namespaces, stream);
            find_table(table, &known, &connectors)
        });
        let plan = found
            .and_then(|found| plan_stream(connection, stream, found))
            .map_err(|error| error.of_stream(&descriptor))
            .map(|plan| StreamPlan {
                state: state
                    .of(&descriptor)
                    .and_then(|state| Content::read(&descriptor, state)),
                ..plan
            });
        plans.push((descriptor, plan));
    }
    for problem in &catalog.problems {
        if let Some(descriptor) = &problem.stream {
            let error = ConnectorError::config(format!("{problem}.")).of_stream(descriptor);
            plans.push((descriptor.clone(), Err(error)));
        }
    }
    Ok(plans)
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

fn plan_stream(
    connection: &Connection,
    stream: &ConfiguredAirbyteStream,
    found: Found,
) -> Result<StreamPlan, ConnectorError> {
    let descriptor = stream.stream.descriptor();
    let mode = mode(connection, stream, &found);
    let columns = match stream.stream.selected_columns() {
        None => found.columns,
        Some(selected) => select(&descriptor, found.columns, &selected),
    };
    let columns = match mode {
        Mode::Changes(..) => without_meta_columns(&descriptor, columns),
        _ => columns,
    };
    if columns.is_empty() {
        let what = found.relation.table().map_or_else(
            || "the query".to_owned(),
            |table| format!("the table {table}"),
        );
        return Err(ConnectorError::config(format!(
            "none of the selected columns is in {what}. Refresh the source's schema."
        )));
    }
    let key = stream.primary_key.iter().flatten();
    Ok(StreamPlan {
        descriptor,
        relation: found.relation,
        connector: found.connector,
        columns,
        primary_key: key.filter_map(|path| path.first().cloned()).collect(),
        mode,
        state: None,
    })
}

/// How a stream is read. What cannot be read incrementally is read whole, with a WARN: PyAirbyte
/// configures every stream as incremental.
fn mode(connection: &Connection, stream: &ConfiguredAirbyteStream, found: &Found) -> Mode {
    if stream.sync_mode == SyncMode::FullRefresh {
        return Mode::FullRefresh;
    }
    let descriptor = stream.stream.descriptor();
    let whole = |why: &str| {
        tracing::warn!("stream \"{descriptor}\" is read whole, not incrementally: {why}");
        Mode::FullRefresh
    };
    let configured = stream.cursor_field.as_deref().unwrap_or_default();
    let configured = configured.iter().find(|name| !name.is_empty()).cloned();
    // Tables whose changes cannot be read have a cursor that a person has picked.
    if connection.sync.replication == Replication::Changes
        && configured
            .as_ref()
            .is_none_or(|name| name.starts_with(META_COLUMNS))
        && let Some(table) = found.relation.table()
        && let Some(format) = Format::of(found.connector.as_deref())
    {
        return Mode::Changes(format, table.clone());
    }
    let of_query = found.query.as_ref().and_then(|query| query.cursor.clone());
    let Some(name) = configured.or(of_query) else {
        return whole("it has no cursor");
    };
    let column = found.columns.iter().find(|(column, _)| *column == name);
    match column {
        Some((column, ty)) if ty.is_cursor() => Mode::Cursor(Cursor {
            column: column.clone(),
            ty: ty.clone(),
        }),
        Some((_, ty)) => whole(&format!(
            "its cursor \"{name}\" is of type {ty}, whose values have no order that lasts"
        )),
        None => whole(&format!("it has no column \"{name}\" for the cursor")),
    }
}

/// Leaves out what was made of another table's changes, which would be taken for those of this one.
fn without_meta_columns(
    descriptor: &StreamDescriptor,
    mut columns: Vec<(String, TrinoType)>,
) -> Vec<(String, TrinoType)> {
    columns.retain(|(name, _)| {
        let kept = ![UPDATED_AT, DELETED_AT, CURSOR].contains(&name.as_str());
        if !kept {
            tracing::warn!(
                "stream \"{descriptor}\": the table's own column \"{name}\" is left out, since its changes have one of that name"
            );
        }
        kept
    });
    columns
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

    fn found(connector: Option<&str>) -> Found {
        let column = |name: &str| (name.to_owned(), TrinoType::Bigint);
        Found {
            relation: Relation::Table(Table {
                catalog: "c".into(),
                schema: "s".into(),
                name: "t".into(),
            }),
            connector: connector.map(str::to_owned),
            columns: vec![
                column("b"),
                column("a"),
                column("c"),
                ("flag".to_owned(), TrinoType::Boolean),
            ],
            query: None,
        }
    }

    fn planned(stream: &ConfiguredAirbyteStream) -> Result<StreamPlan, ConnectorError> {
        plan_stream(&connection(&json!({})), stream, found(None))
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
            assert_eq!(names(&planned(&stream).unwrap()), ["b", "a", "c", "flag"]);
        }
    }

    #[test]
    fn columns_named_like_those_of_changes_are_left_out_of_changes() {
        let changes = json!({"replication_method": {"method": "CHANGES"}});
        let columns = |config, sync_mode| {
            let stream = stream(json!({"stream": {"name": "t"}, "sync_mode": sync_mode}));
            let mut found = found(Some("iceberg"));
            found
                .columns
                .push((DELETED_AT.to_owned(), TrinoType::Bigint));
            plan_stream(&connection(config), &stream, found)
                .unwrap()
                .columns
                .len()
        };
        assert_eq!(columns(&changes, "incremental"), 4);
        assert_eq!(columns(&changes, "full_refresh"), 5);
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
        let connection = connection(&json!({}));
        let table = table_of(&connection, &connection.namespaces(&[]), &stream);
        let error = find_table(table, &HashMap::new(), &HashMap::new()).unwrap_err();
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

    #[test]
    fn the_mode_follows_sync_mode_cursor_and_replication_method() {
        let changes = json!({"replication_method": {"method": "CHANGES"}});
        let cases = [
            ("full_refresh", Some("a"), json!({}), None, "FullRefresh"),
            ("incremental", Some("a"), json!({}), None, "Cursor"),
            ("incremental", None, json!({}), None, "FullRefresh"),
            ("incremental", Some("flag"), json!({}), None, "FullRefresh"),
            ("incremental", Some("gone"), json!({}), None, "FullRefresh"),
            (
                "incremental",
                None,
                changes.clone(),
                Some("iceberg"),
                "Changes",
            ),
            (
                "incremental",
                Some("_ab_cdc_cursor"),
                changes.clone(),
                Some("iceberg"),
                "Changes",
            ),
            (
                "incremental",
                Some("a"),
                changes.clone(),
                Some("iceberg"),
                "Cursor",
            ),
            (
                "incremental",
                Some("a"),
                changes.clone(),
                Some("hive"),
                "Cursor",
            ),
            (
                "full_refresh",
                None,
                changes,
                Some("iceberg"),
                "FullRefresh",
            ),
        ];
        for (sync_mode, cursor, config, connector, expected) in cases {
            let cursor: Vec<&str> = cursor.into_iter().collect();
            let stream = stream(
                json!({"stream": {"name": "t"}, "sync_mode": sync_mode, "cursor_field": cursor}),
            );
            let mode = mode(&connection(&config), &stream, &found(connector));
            let said = format!("{mode:?}");
            assert!(said.starts_with(expected), "{said} {cursor:?} {config}");
        }
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
