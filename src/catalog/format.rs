//! Table formats that keep versions of a table, and which format a table has.
//!
//! Where no connector tells the format of a table, the table is asked for a metadata table that
//! only one format has.

use super::bisect::{self, Sorted};
use super::contradiction::refuse_contradictions;
use crate::sql::ident::Table;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::control;
use crate::trino::error::TrinoError;
use crate::trino::wire::page::Column;

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

/// Those of some tables of a format whose versions the user may not ask for. Each of them has a
/// WARN.
///
/// # Errors
///
/// When it cannot be found out for a reason that may pass.
pub(crate) async fn with_denied_versions(
    client: &Client,
    format: Format,
    tables: &[Table],
) -> Result<Vec<Table>, TrinoError> {
    let sorted = match format {
        Format::Iceberg => ask(client, tables, metadata::all_iceberg).await?,
        Format::DeltaLake => ask(client, tables, metadata::all_delta).await?,
    };
    let denied = sorted
        .refused
        .into_iter()
        .filter(|(table, error)| is_denied(table, error));
    Ok(denied.map(|(table, _)| table).collect())
}

/// The formats of tables, found by asking for their metadata tables. Tables that keep no versions,
/// and views, are not in the result.
///
/// # Errors
///
/// When a format cannot be found out for a reason that may pass.
pub(super) async fn formats_by_metadata_tables(
    client: &Client,
    tables: &[Table],
) -> Result<Vec<(Table, Format)>, TrinoError> {
    let iceberg = ask(client, tables, metadata::all_iceberg).await?;
    let iceberg = refuse_contradictions(client, iceberg, Table::clone).await?;
    let (found, others) = sorted(iceberg, Format::Iceberg);
    let delta = ask(client, &others, metadata::all_delta).await?;
    let delta = refuse_contradictions(client, delta, Table::clone).await?;
    let (more, _) = sorted(delta, Format::DeltaLake);
    Ok(found.into_iter().chain(more).collect())
}

/// Asks whether all tables have a metadata table, and finds those that do not.
async fn ask(
    client: &Client,
    tables: &[Table],
    all: fn(&[Table]) -> String,
) -> Result<Sorted<Table, Vec<Column>>, TrinoError> {
    let ask = |group: Vec<Table>| async move { control::columns(client, &all(&group)).await };
    bisect::ask_in_groups(tables, TABLES_PER_QUERY, &[], ask).await
}

/// The tables of a format, and the tables of other formats. A table whose metadata table may not be
/// read is in neither list.
fn sorted<R>(tables: Sorted<Table, R>, format: Format) -> (Vec<(Table, Format)>, Vec<Table>) {
    let mut others = Vec::new();
    for (table, error) in tables.refused {
        if !is_denied(&table, &error) {
            others.push(table);
        }
    }
    let found = tables.answers.into_iter().flat_map(|(group, _)| group);
    (found.map(|table| (table, format)).collect(), others)
}

/// Whether the user may not ask for the versions of a table, which is told by a WARN.
fn is_denied(table: &Table, error: &TrinoError) -> bool {
    if error.is_denied() {
        tracing::warn!(
            "whether {table} keeps versions is not known, so it is not pinned while it is read, and its changes cannot be read: {error}. Grant the user SELECT on its metadata tables (\"{}$…\")",
            table.name
        );
        return true;
    }
    false
}
