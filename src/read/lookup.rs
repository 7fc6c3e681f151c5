//! Asks Trino what is behind the configured streams: a table or a query, and its columns.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::catalog::bisect::side_by_side;
use crate::catalog::reserved::warn_of_reserved_columns;
use crate::catalog::{TableColumns, tables};
use crate::catalog::{fault, hidden, keys, left_out, namespaces, queries, redirection};
use crate::config::{Connection, Namespaces, QueryStream};
use crate::error::ConnectorError;
use crate::near;
use crate::protocol::configured::{ConfiguredAirbyteCatalog, ConfiguredAirbyteStream};
use crate::sql::changes;
use crate::sql::ident::{Relation, Table};
use crate::trino::Client;
use crate::trino::error::TrinoError;
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

/// What is behind each stream, in the catalog's order, or why this is not known.
pub(super) type Lookup = Vec<Result<Found, ConnectorError>>;

/// What is known about the tables of the streams.
type FoundTables = HashMap<Table, Result<Found, ConnectorError>>;

/// Looks all streams up, with a few queries of metadata per schema.
///
/// # Errors
///
/// When Trino cannot be asked at all. An error of one stream is in its place of the result, so that
/// the other streams go on.
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
    // Several streams may stand for the same table: one with its schema as namespace, one without.
    let mut by_schema: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let mut queries = BTreeSet::new();
    for stream in &catalog.streams {
        if let Some(query) = configured_query(connection, stream) {
            queries.insert(&query.name);
        } else {
            let table = named_table(connection, &namespaces, stream);
            let names = by_schema.entry((table.catalog, table.schema)).or_default();
            names.insert(table.name);
        }
    }
    let catalogs: BTreeSet<&str> = by_schema.keys().map(|(catalog, _)| &**catalog).collect();
    let connectors = side_by_side(catalogs, |catalog| async move {
        let connector = or_fatal(keys::connector(client, catalog).await)?;
        Ok::<_, ConnectorError>((catalog, connector))
    });
    let listings = side_by_side(&by_schema, |((catalog, schema), names)| async move {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let listed = tables::named_tables(client, catalog, schema, &names).await;
        Ok::<_, ConnectorError>(((&**catalog, &**schema), names, or_fatal(listed)?))
    });
    let (connectors, listings) = tokio::try_join!(connectors, listings)?;
    let connectors: HashMap<&str, Result<Option<String>, ConnectorError>> =
        connectors.into_iter().collect();
    let tables = side_by_side(listings, |(place, names, listed)| {
        let connector = connectors[place.0].clone();
        async move {
            match (connector, listed) {
                (Ok(connector), Ok(found)) => {
                    let connector = connector.as_deref();
                    find_tables(client, connection, connector, place, &names, found).await
                }
                (Err(error), _) | (_, Err(error)) => Ok(same_error_for_all(place, &names, &error)),
            }
        }
    });
    let asked = connection.queries.iter();
    let asked = asked.filter(|query| queries.contains(&query.name));
    let found = side_by_side(asked, |query| async move {
        let found = find_query(client, query).await;
        Ok::<_, ConnectorError>((query.name.as_str(), found))
    });
    let (tables, found) = tokio::try_join!(tables, found)?;
    let tables: FoundTables = tables.into_iter().flatten().collect();
    let found: HashMap<&str, Result<Found, ConnectorError>> = found.into_iter().collect();
    let lookup = catalog.streams.iter().map(|stream| {
        let found = match configured_query(connection, stream) {
            Some(query) => found[query.name.as_str()].clone(),
            None => find_table(&named_table(connection, &namespaces, stream), &tables),
        };
        if let Ok(found) = &found {
            warn_of_reserved(stream, &found.columns);
        }
        found
    });
    Ok(lookup.collect())
}

/// Warns that a destination may overwrite columns of a selected stream with its own columns. Only
/// columns of the table are named: others were added to the stream's schema by the platform, and
/// nothing of theirs can be lost.
fn warn_of_reserved(stream: &ConfiguredAirbyteStream, columns: &[(String, TrinoType)]) {
    let selected = stream.stream.selected_columns();
    let is_selected = |name: &str| {
        let selected = selected.as_deref();
        selected.is_none_or(|selected| selected.contains(&name))
    };
    // The columns of changes are our own.
    let names = columns.iter().map(|(name, _)| name.as_str());
    let names = names.filter(|name| is_selected(name) && !changes::COLUMNS.contains(name));
    warn_of_reserved_columns(&stream.stream.descriptor().to_string(), names);
}

/// An error of a query concerns only the streams that it is about. If Trino cannot be asked at all,
/// no stream can be read, so that error is returned as the outer one.
fn or_fatal<T>(answer: Result<T, TrinoError>) -> Result<Result<T, ConnectorError>, ConnectorError> {
    match answer {
        Err(error) if error.query_error().is_none() => Err(error.into()),
        answer => Ok(answer.map_err(fault::ended)),
    }
}

/// The same error for all tables of a schema.
fn same_error_for_all(
    (catalog, schema): (&str, &str),
    names: &[&str],
    error: &ConnectorError,
) -> Vec<(Table, Result<Found, ConnectorError>)> {
    let table = |name: &&str| Table::new(catalog, schema, *name);
    let tables = names.iter().map(table);
    tables.map(|table| (table, Err(error.clone()))).collect()
}

/// What is behind the named tables of a schema, which are `found` in its listing.
async fn find_tables(
    client: &Client,
    connection: &Connection,
    connector: Option<&str>,
    place: (&str, &str),
    names: &[&str],
    mut found: tables::SchemaTables,
) -> Result<Vec<(Table, Result<Found, ConnectorError>)>, ConnectorError> {
    let (catalog, schema) = place;
    let tables = &found.tables;
    left_out::warn_of_left_out(client, connection, connector, place, tables, Some(names)).await;
    let columns = hidden::hidden_columns(connector, connection.file_columns);
    let added = hidden::add(client, columns, place, &mut found.tables).await;
    if let Err(error) = or_fatal(added)? {
        return Ok(same_error_for_all(place, names, &error));
    }
    let full = |name: String| Table::new(catalog, schema, name);
    let mut targets = {
        let names: Vec<&str> = found.tables.iter().map(|table| &*table.name).collect();
        let asked = redirection::table_targets(client, connector, catalog, schema, &names).await;
        match or_fatal(asked)? {
            Ok(targets) => targets,
            Err(error) => return Ok(same_error_for_all(place, &names, &error)),
        }
    };
    let tables = found
        .tables
        .into_iter()
        .map(|TableColumns { name, columns }| {
            let target = targets.remove(&name);
            let table = full(name);
            let (relation, connector) = match target {
                Some(target) => (target.table, Some(target.connector)),
                None => (table.clone(), connector.map(str::to_owned)),
            };
            let found = Found {
                relation: Relation::Table(relation),
                connector,
                columns,
                query: None,
            };
            (table, Ok(found))
        });
    let is_missing = |(_, error): &(String, TrinoError)| error.is_named(&["TABLE_NOT_FOUND"]);
    let existing = if found.failures.iter().any(is_missing) {
        // They only serve to make suggestions, so an error does not matter.
        tables::all_names(client, catalog, schema).await
    } else {
        Ok(Vec::new())
    };
    let existing = existing.unwrap_or_default();
    let failures = found.failures.into_iter().map(|(name, error)| {
        let table = full(name);
        let error = explain(&table, error, &existing);
        (table, Err(error))
    });
    Ok(tables.chain(failures).collect())
}

/// The error for a table without columns. It says that the table does not exist only if Trino says
/// so, and names those that `existing` has and that are similar.
fn explain(table: &Table, error: TrinoError, existing: &[String]) -> ConnectorError {
    if fault::is_no_such_table(&error) {
        let alike = near::alike(&table.name, existing);
        let alike = alike.map_or_else(String::new, |alike| format!("{alike} "));
        return ConnectorError::config(format!(
            "the table {table} does not exist, or the user may not see it. {alike}Refresh the \
             source's schema, or deselect the stream."
        ))
        .with_detail(error.to_string());
    }
    fault::ended(error)
}

/// What is behind a query of the configuration.
async fn find_query(client: &Client, query: &QueryStream) -> Result<Found, ConnectorError> {
    let columns = queries::columns(client, query).await?;
    Ok(Found {
        relation: Relation::Query(query.sql.clone()),
        connector: None,
        columns,
        query: Some(query.clone()),
    })
}

/// The query of the configuration that a stream stands for.
fn configured_query<'a>(
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

/// The table that a stream stands for.
fn named_table(
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

fn find_table(table: &Table, found: &FoundTables) -> Result<Found, ConnectorError> {
    // Every configured table was asked for.
    found.get(table).cloned().unwrap_or_else(|| {
        Err(ConnectorError::system(format!(
            "nothing was found out about the table {table}."
        )))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::read::test_inputs::{connection, stream};
    use crate::trino::error::QueryError;

    #[test]
    fn only_trinos_word_makes_a_table_missing() {
        let table = Table::new("c", "s", "t");
        let error = |name: &str, kind: &str| {
            let error = QueryError {
                error_name: name.into(),
                error_type: kind.into(),
                ..QueryError::default()
            };
            let existing = ["r", "t_1"].map(str::to_owned);
            explain(&table, TrinoError::Query(Box::new(error)), &existing)
        };
        let missing = error("TABLE_NOT_FOUND", "USER_ERROR");
        assert!(
            missing.message.contains("\"c\".\"s\".\"t\" does not exist"),
            "{missing}"
        );
        assert!(
            missing.message.contains("Did you mean \"t_1\"?"),
            "{missing}"
        );
        let refused = error("JDBC_ERROR", "EXTERNAL");
        assert!(!refused.message.contains("does not exist"), "{refused}");
    }

    #[test]
    fn a_stream_without_a_namespace_may_be_a_query() {
        let config = json!({"queries": [{"name": "q", "sql": "SELECT 1 AS a"}]});
        let connection = connection(&config);
        let is_query = |stream: serde_json::Value| {
            let stream = self::stream(json!({"stream": stream, "sync_mode": "full_refresh"}));
            configured_query(&connection, &stream).is_some()
        };
        assert!(is_query(json!({"name": "q"})));
        assert!(!is_query(json!({"name": "q", "namespace": "s"})));
        assert!(!is_query(json!({"name": "t"})));
    }
}
