//! What can be done with the tables of a schema, by the connector behind them.

use std::collections::HashSet;

use crate::config::Replication;
use crate::sql::ident::Table;
use crate::sql::{changes, metadata};
use crate::trino::Client;
use crate::trino::control::{self, NameRow};
use crate::trino::error::TrinoError;

use super::schemas::Schema;
use crate::catalog::format::Format;
use crate::catalog::tables::TableColumns;

/// Tables in one statement.
const TABLES_PER_QUERY: usize = 50;

/// Tables of a schema of which more is known.
#[derive(Debug, Default)]
pub(crate) struct Capabilities {
    /// Those that are pinned to a version while they are read, so that an interrupted read goes on
    /// with the same rows.
    pub(crate) versioned: HashSet<String>,
    /// Those whose changes can be read.
    pub(crate) changes: HashSet<String>,
}

/// Finds out what can be done with the tables of a schema. What is not known counts as not
/// possible.
pub(crate) async fn of_schema(
    client: &Client,
    connector: Option<&str>,
    replication: Replication,
    schema: &Schema,
    tables: &[TableColumns],
) -> Capabilities {
    let Some(format) = Format::of(connector) else {
        return Capabilities::default();
    };
    let sql = metadata::base_tables(&schema.catalog, &schema.name);
    let versioned: HashSet<String> = match control::rows::<NameRow>(client, &sql).await {
        Ok(rows) => rows.into_iter().map(|row| row.name).collect(),
        Err(error) => {
            tracing::debug!(%error, "which tables are no views is not known");
            return Capabilities::default();
        }
    };
    let changes = match (replication, format) {
        (Replication::Standard, _) => HashSet::new(),
        (Replication::Changes, Format::Iceberg) => versioned.clone(),
        (Replication::Changes, Format::DeltaLake) => {
            let of_format = tables
                .iter()
                .filter(|table| versioned.contains(&table.name));
            let of_format: Vec<Table> = of_format
                .map(|table| Table {
                    catalog: schema.catalog.clone(),
                    schema: schema.name.clone(),
                    name: table.name.clone(),
                })
                .collect();
            with_feed(client, &of_format).await
        }
    };
    Capabilities { versioned, changes }
}

/// The Delta Lake tables that keep a change data feed.
async fn with_feed(client: &Client, tables: &[Table]) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut groups: Vec<&[Table]> = tables.chunks(TABLES_PER_QUERY).collect();
    while let Some(group) = groups.pop() {
        let sql = changes::with_delta_feed(group);
        match control::rows::<NameRow>(client, &sql).await {
            Ok(rows) => found.extend(rows.into_iter().map(|row| row.name)),
            Err(TrinoError::Query(_)) if group.len() > 1 => {
                let (left, right) = group.split_at(group.len() / 2);
                groups.extend([left, right]);
            }
            Err(error) => {
                tracing::debug!(%error, "whether there is a change data feed is not known");
            }
        }
    }
    found
}
