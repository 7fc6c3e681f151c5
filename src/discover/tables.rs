//! The tables of all schemas → streams.
//!
//! First the tables of each schema are found, then those that the user may not read are left out,
//! then the others are described. Each step is done for all schemas side by side, so that a
//! statement of a later step can be about tables of several schemas.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::schemas::{Schema, Schemas};
use super::{Discovered, NAMED, capabilities, privileges, stream};
use crate::catalog::bisect::side_by_side;
use crate::catalog::keys::Keys;
use crate::catalog::listing::{self, Listed};
use crate::catalog::{TableColumns, fault, hidden, keys, left_out, tables};
use crate::config::Connection;
use crate::sql::ident::Table;
use crate::trino::Client;
use crate::trino::error::TrinoError;

/// The connectors behind the catalogs, as far as they are known.
pub(super) type Connectors<'a> = HashMap<&'a str, Option<String>>;

/// The tables of a schema whose columns are known.
struct SchemaTables<'a> {
    schema: &'a Schema,
    connector: Option<&'a str>,
    tables: Vec<TableColumns>,
    /// The other tables, each with the reason.
    left_out: Vec<(String, String)>,
}

/// The streams of the tables of all schemas, or of those tables that are `chosen`.
///
/// # Errors
///
/// When a question fails for a reason that may pass.
pub(super) async fn streams(
    client: &Client,
    connection: &Connection,
    connectors: &Connectors<'_>,
    schemas: &Schemas,
    chosen: Option<&BTreeMap<&Schema, Vec<String>>>,
) -> Result<Vec<Discovered>, TrinoError> {
    let together = schemas.to_list_together();
    let mut listed: HashMap<&str, HashMap<String, Listed>> = HashMap::new();
    let mut readable = HashSet::new();
    for (catalog, names) in &together {
        let connector = connector(connectors, catalog);
        let tables = listing::list_names(client, catalog, names).await;
        let named = if connection.check_privileges {
            tables_named(catalog, &tables, schemas, chosen)
        } else {
            Vec::new()
        };
        // Side by side: a listing keeps a single processor of the server busy for a long time.
        let (tables, found) = tokio::join!(
            listing::list(client, connection, connector, catalog, names, tables),
            privileges::easily_readable(client, &named)
        );
        listed.insert(catalog, tables);
        readable.extend(found);
    }
    let schemas = schemas.chosen.iter().map(|schema| {
        let listed = listed.get_mut(&*schema.catalog);
        let listed = listed.and_then(|tables| tables.remove(&schema.name));
        (schema, listed.unwrap_or_default())
    });
    let schemas: Vec<(&Schema, Listed)> = schemas.collect();
    let found = side_by_side(schemas, |(schema, listed)| {
        let chosen = chosen.map(|names| names.get(schema).map_or(&[][..], Vec::as_slice));
        let connector = connector(connectors, &schema.catalog);
        find(client, connection, connector, schema, chosen, listed)
    });
    let mut found = found.await?;
    if connection.check_privileges {
        let others = readable_together(client, &found, &together, &readable).await;
        readable.extend(others);
        let readable = &readable;
        let checked = side_by_side(found, |tables| async move {
            without_unreadable(client, tables, readable).await
        });
        found = checked.await?;
    }
    let keys = primary_keys(client, connectors, &found).await?;
    let keys = &keys;
    let described = side_by_side(found, |tables| async move {
        let schema = tables.schema;
        let keys = keys.get(&*schema.catalog);
        let keys = keys.and_then(|keys| keys.get(&schema.name));
        describe(client, connection, tables, keys).await
    });
    described.await
}

fn connector<'a>(connectors: &'a Connectors<'_>, catalog: &str) -> Option<&'a str> {
    connectors.get(catalog).and_then(Option::as_deref)
}

/// The tables of a schema, or those that are `chosen`, with their columns.
async fn find<'a>(
    client: &Client,
    connection: &Connection,
    connector: Option<&'a str>,
    schema: &'a Schema,
    chosen: Option<&[String]>,
    mut listed: Listed,
) -> Result<SchemaTables<'a>, TrinoError> {
    let (catalog, name) = (schema.catalog.as_str(), schema.name.as_str());
    let chosen: Option<Vec<&str>> = chosen.map(|names| names.iter().map(String::as_str).collect());
    let chosen = chosen.as_deref();
    let columns_as_text = listed.columns_as_text.take();
    let tables::SchemaTables {
        mut tables,
        failures,
    } = match chosen {
        None => tables::all_tables(client, catalog, name, listed).await?,
        Some(names) => tables::tables_with_names(client, catalog, name, names, listed).await?,
    };
    let place = (catalog, name);
    match columns_as_text {
        Some(mut rows) => {
            rows.retain(|row| chosen.is_none_or(|names| names.contains(&&*row.table_name)));
            left_out::warn_of_difference(place, &tables, rows);
        }
        None => {
            left_out::warn_of_left_out(client, connection, connector, place, &tables, chosen).await;
        }
    }
    let columns = hidden::hidden_columns(connector, connection.file_columns);
    hidden::add(client, columns, place, &mut tables).await?;
    let left_out = failures.into_iter();
    let left_out = left_out
        .map(|(table, error)| {
            let reason = with_cure(&format!("its columns cannot be read ({error})"), &error);
            (table, reason)
        })
        .collect();
    Ok(SchemaTables {
        schema,
        connector,
        tables,
        left_out,
    })
}

/// Why a listed table is left out, and what helps if that is known, without the last point.
fn with_cure(reason: &str, error: &TrinoError) -> String {
    match fault::cure_of_listed_table(error) {
        "" => reason.trim_end_matches('.').to_owned(),
        cure => format!("{reason}.{}", cure.trim_end_matches('.')),
    }
}

/// The tables with the listed `names` by schemas: all, or those that are `chosen`.
fn tables_named(
    catalog: &str,
    names: &HashMap<String, Vec<String>>,
    schemas: &Schemas,
    chosen: Option<&BTreeMap<&Schema, Vec<String>>>,
) -> Vec<Table> {
    let schemas = schemas.chosen.iter();
    let schemas = schemas.filter(|schema| schema.catalog == catalog);
    let tables = schemas.flat_map(|schema| {
        let names = match chosen {
            None => names.get(&schema.name),
            Some(chosen) => chosen.get(schema),
        };
        let names = names.into_iter().flatten();
        names.map(|table| Table::new(catalog, &*schema.name, &**table))
    });
    tables.collect()
}

/// Those tables of the catalogs listed `together` of which it is easily shown that they can be
/// read, beside those that are `readable`. Tables that were only named may have spoilt the
/// statement about their whole group, for example if Trino knows no type of a table's columns.
async fn readable_together(
    client: &Client,
    found: &[SchemaTables<'_>],
    together: &BTreeMap<&str, Vec<&str>>,
    readable: &HashSet<Table>,
) -> HashSet<Table> {
    let found = found.iter();
    let found = found.filter(|found| together.contains_key(&*found.schema.catalog));
    let tables = found.flat_map(|found| {
        let Schema { catalog, name, .. } = found.schema;
        let tables = found.tables.iter();
        tables.map(move |table| Table::new(catalog, name, &*table.name))
    });
    let tables: Vec<Table> = tables.filter(|table| !readable.contains(table)).collect();
    privileges::easily_readable(client, &tables).await
}

/// Leaves out the tables that the user may not read. Those that are `readable` are not asked for
/// again.
async fn without_unreadable<'a>(
    client: &Client,
    mut found: SchemaTables<'a>,
    readable: &HashSet<Table>,
) -> Result<SchemaTables<'a>, TrinoError> {
    let Schema { catalog, name, .. } = found.schema;
    let names = found.tables.iter().map(|table| table.name.clone());
    let names: Vec<String> = names
        .filter(|table| !readable.contains(&Table::new(catalog, name, &**table)))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (_, refused) = privileges::readable(client, catalog, name, &names).await?;
    let refused: BTreeMap<&str, TrinoError> = refused.into_iter().collect();
    let tables = &mut found.tables;
    tables.retain(|table| !refused.contains_key(&*table.name));
    found
        .left_out
        .extend(refused.into_iter().map(|(table, error)| {
            let reason = with_cure(&error.to_string(), &error);
            (table.to_owned(), reason)
        }));
    Ok(found)
}

/// The keys of the tables, by catalogs and schemas: one question for all schemas of a catalog.
async fn primary_keys<'a>(
    client: &Client,
    connectors: &Connectors<'_>,
    found: &[SchemaTables<'a>],
) -> Result<HashMap<&'a str, HashMap<String, Keys>>, TrinoError> {
    let mut schemas: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for SchemaTables { schema, .. } in found {
        let names = schemas.entry(&schema.catalog).or_default();
        names.push(&schema.name);
    }
    let keys = side_by_side(schemas, |(catalog, names)| async move {
        let connector = connector(connectors, catalog);
        let keys = keys::primary_keys(client, connector, catalog, &names).await;
        keys.map(|keys| (catalog, keys))
    });
    Ok(keys.await?.into_iter().collect())
}

/// The streams of a schema's tables.
async fn describe(
    client: &Client,
    connection: &Connection,
    found: SchemaTables<'_>,
    keys: Option<&Keys>,
) -> Result<Discovered, TrinoError> {
    let SchemaTables {
        schema,
        connector,
        tables,
        mut left_out,
    } = found;
    let namespace = &schema.namespace;
    warn_of_left_out(&schema.name, &mut left_out);
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let replication = connection.sync.replication;
    let can =
        capabilities::table_capabilities(client, connector, replication, schema, &names).await?;
    let streams = tables.iter().map(|table| {
        let key = keys.and_then(|keys| keys.get(&table.name));
        stream::describe(namespace, table, key, connector, &can)
    });
    Ok(Discovered {
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
