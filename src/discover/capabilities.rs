//! What can be done with the tables of a schema. This depends on their formats.

use std::collections::{HashMap, HashSet};

use crate::catalog::bisect;
use crate::catalog::contradiction::refuse_contradictions;
use crate::catalog::format::{self, Format};
use crate::catalog::redirection::{self, Target};
use crate::config::Replication;
use crate::sql::changes;
use crate::sql::ident::Table;
use crate::trino::Client;
use crate::trino::answers::NameRow;
use crate::trino::control;
use crate::trino::error::TrinoError;

use super::schemas::Schema;

/// How many tables one statement asks about.
const TABLES_PER_QUERY: usize = 50;

/// The names of those tables of a schema that can do more than be read.
#[derive(Debug, Default)]
pub(crate) struct Capabilities {
    /// Tables of which one fixed version is read, so that an interrupted read can go on with the
    /// same rows.
    pub(crate) versioned: HashSet<String>,
    /// Tables whose changes can be read.
    pub(crate) changes: HashSet<String>,
    /// The connectors of the tables that were asked for it.
    pub(crate) connectors: HashMap<String, String>,
}

/// Finds out what can be done with the tables of a schema.
///
/// # Errors
///
/// When this cannot be found out for a reason that may pass. Going on would take their cursors away
/// from the streams.
pub(crate) async fn table_capabilities(
    client: &Client,
    connector: Option<&str>,
    replication: Replication,
    schema: &Schema,
    names: &[&str],
) -> Result<Capabilities, TrinoError> {
    let targets =
        redirection::table_targets(client, connector, &schema.catalog, &schema.name, names).await?;
    let connectors: HashMap<String, String> = targets
        .iter()
        .map(|(name, target)| (name.clone(), target.connector.clone()))
        .collect();
    let mut versioned = targets;
    versioned.retain(|_, target| target.format().is_some());
    // Tables of other connectors were found by the metadata tables themselves.
    if redirection::is_told_by_plans(connector) {
        drop_denied(client, &mut versioned).await?;
    }
    let changes = match replication {
        Replication::Standard => HashSet::new(),
        Replication::Changes => with_changes(client, &versioned).await?,
    };
    Ok(Capabilities {
        versioned: versioned.into_keys().collect(),
        changes,
        connectors,
    })
}

/// Drops the tables for whose versions the user may not ask.
async fn drop_denied(
    client: &Client,
    targets: &mut HashMap<String, Target>,
) -> Result<(), TrinoError> {
    for format in [Format::Iceberg, Format::DeltaLake] {
        let mut tables: Vec<Table> = targets
            .values()
            .filter(|target| target.format() == Some(format))
            .map(|target| target.table.clone())
            .collect();
        tables.sort_unstable();
        let denied = format::with_denied_versions(client, format, &tables).await?;
        targets.retain(|_, target| !denied.contains(&target.table));
    }
    Ok(())
}

/// The tables whose changes can be read: Iceberg tables, and Delta Lake tables with a feed.
async fn with_changes(
    client: &Client,
    targets: &HashMap<String, Target>,
) -> Result<HashSet<String>, TrinoError> {
    let mut found = HashSet::new();
    let mut delta = Vec::new();
    for (name, target) in targets {
        match target.format() {
            Some(Format::Iceberg) => {
                found.insert(name.clone());
            }
            Some(Format::DeltaLake) => delta.push(target.table.clone()),
            None => {}
        }
    }
    delta.sort_unstable();
    found.extend(with_feed(client, &delta).await?);
    Ok(found)
}

/// The Delta Lake tables that keep a change data feed.
async fn with_feed(client: &Client, tables: &[Table]) -> Result<Vec<String>, TrinoError> {
    let ask = |group: Vec<Table>| async move {
        control::rows::<NameRow>(client, &changes::with_delta_feed(&group)).await
    };
    let sorted = bisect::ask_in_groups(tables, TABLES_PER_QUERY, &[], ask).await?;
    let sorted = refuse_contradictions(client, sorted, Table::clone).await?;
    for (table, error) in sorted.refused {
        let advice = if error.is_denied() {
            format!(". Grant the user SELECT on \"{}$properties\"", table.name)
        } else {
            String::new()
        };
        tracing::warn!(
            "whether {table} has a change data feed is not known, so its changes are not offered: {error}{advice}"
        );
    }
    let found = sorted.answers.into_iter().flat_map(|(_, rows)| rows);
    Ok(found.map(|row| row.name).collect())
}
