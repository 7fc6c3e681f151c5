//! Table formats that keep versions of a table, and which format a table has.
//!
//! A catalog's connector does not tell the format: one metastore may hold tables of three formats,
//! and an Iceberg catalog shows all of them. So each table is asked for a metadata table that only
//! one format has. This is skipped only if the connector is known to keep no versions.

use std::collections::{BTreeSet, HashMap};

use super::bisect::{self, Sorted};
use super::patience::patiently;
use crate::sql::ident::Table;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::control::{self, TableKindRow};
use crate::trino::error::TrinoError;

/// How many tables one statement asks about.
const TABLES_PER_QUERY: usize = 50;

/// Table formats that keep versions of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Iceberg; versions are snapshots.
    Iceberg,
    /// Delta Lake.
    DeltaLake,
}

impl Format {
    /// The format of the tables that a connector is named after.
    pub(crate) fn of_connector(connector: Option<&str>) -> Option<Self> {
        match connector? {
            "iceberg" => Some(Self::Iceberg),
            "delta_lake" => Some(Self::DeltaLake),
            _ => None,
        }
    }

    /// The name of the connector that is made for the format.
    pub(crate) fn connector(self) -> &'static str {
        match self {
            Self::Iceberg => "iceberg",
            Self::DeltaLake => "delta_lake",
        }
    }
}

/// The formats of the named tables, without the tables that keep no versions. Views keep none.
///
/// # Errors
///
/// When a format cannot be found out for a reason that may pass.
pub(crate) async fn table_formats(
    client: &Client,
    connector: Option<&str>,
    catalog: &str,
    schema: &str,
    names: &[&str],
) -> Result<HashMap<String, Format>, TrinoError> {
    let mut asked: BTreeSet<&str> = names.iter().copied().collect();
    if connector.is_some() {
        if Format::of_connector(connector).is_none() {
            return Ok(HashMap::new());
        }
        for TableKindRow { name, is_base } in kinds(client, catalog, schema).await? {
            if !is_base {
                asked.remove(name.as_str());
            }
        }
    }
    let full = |name: &str| Table {
        catalog: catalog.into(),
        schema: schema.into(),
        name: name.into(),
    };
    let asked: Vec<Table> = asked.into_iter().map(full).collect();
    let formats = asked_for_themselves(client, &asked).await?;
    Ok(formats.into_iter().collect())
}

/// Whether each name in a schema is a base table. Empty, if the user may not know.
async fn kinds(
    client: &Client,
    catalog: &str,
    schema: &str,
) -> Result<Vec<TableKindRow>, TrinoError> {
    let sql = metadata::table_kinds(catalog, schema);
    match patiently(|| control::rows(client, &sql)).await {
        Err(error) if error.is_denied() => {
            tracing::debug!(%error, "which tables are views is not told");
            Ok(Vec::new())
        }
        kinds => kinds,
    }
}

/// Finds the formats of tables by asking for their metadata tables.
async fn asked_for_themselves(
    client: &Client,
    tables: &[Table],
) -> Result<Vec<(String, Format)>, TrinoError> {
    let iceberg = |group: Vec<Table>| async move {
        control::columns(client, &metadata::all_iceberg(&group)).await
    };
    let iceberg = bisect::ask_in_groups(tables, TABLES_PER_QUERY, &[], iceberg).await?;
    let (found, others) = sorted(iceberg, Format::Iceberg);
    let delta = |group: Vec<Table>| async move {
        control::columns(client, &metadata::all_delta(&group)).await
    };
    let delta = bisect::ask_in_groups(&others, TABLES_PER_QUERY, &[], delta).await?;
    let (more, _) = sorted(delta, Format::DeltaLake);
    Ok(found.into_iter().chain(more).collect())
}

/// The tables of a format, and the tables of other formats. A table whose metadata table may not be
/// read is in neither list.
fn sorted<R>(tables: Sorted<Table, R>, format: Format) -> (Vec<(String, Format)>, Vec<Table>) {
    let mut others = Vec::new();
    for (table, error) in tables.refused {
        if error.is_denied() {
            tracing::warn!(
                "whether {table} keeps versions is not known, so it is not pinned while it is read, and its changes cannot be told: {error}. Grant the user SELECT on its metadata tables (\"{}$…\")",
                table.name
            );
        } else {
            others.push(table);
        }
    }
    let found = tables.answers.into_iter().flat_map(|(group, _)| group);
    (found.map(|table| (table.name, format)).collect(), others)
}
