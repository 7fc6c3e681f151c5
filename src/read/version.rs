//! The version of a table that a read is pinned to, where its connector keeps versions.

use super::plan::StreamPlan;
use super::runner::Context;
use crate::discover::format::Format;
use crate::sql::ident::Table;
use crate::sql::versions;
use crate::trino::Client;
use crate::trino::control::{self, VersionRow};
use crate::trino::error::TrinoError;

/// The version to read of a stream: the present one, or that of `as_of`. `None` for what has no
/// versions: other connectors, views, and tables without a row ever.
pub(super) async fn of_stream(context: &Context, plan: &StreamPlan) -> Option<i64> {
    let table = plan.relation.table()?;
    let format = Format::of(plan.connector.as_deref())?;
    let as_of = context.connection.as_of.as_deref();
    match of_table(&context.client, format, table, as_of).await {
        Ok(version) => version,
        Err(error) => {
            // Views, for one, have no metadata tables.
            tracing::debug!(%error, "stream \"{}\" has no versions", plan.descriptor);
            None
        }
    }
}

async fn of_table(
    client: &Client,
    format: Format,
    table: &Table,
    as_of: Option<&str>,
) -> Result<Option<i64>, TrinoError> {
    let sql = match format {
        Format::Iceberg => versions::iceberg(table, as_of),
        Format::DeltaLake => versions::delta(table, as_of),
    };
    let rows: Vec<VersionRow> = control::rows(client, &sql).await?;
    Ok(rows.first().and_then(|row| row.version))
}
