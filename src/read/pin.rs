//! The version that a read is pinned to: which one it is, and whether it can still be read.

use super::context::Context;
use super::plan::{Mode, StreamPlan};
use super::slices::Slices;
use super::version::Version;
use crate::catalog::format::Format;
use crate::sql::ident::Table;
use crate::sql::{metadata, select, versions};
use crate::trino::control::{self, DeltaVersionRow, SnapshotIdRow};
use crate::trino::error::TrinoError;
use crate::trino::wire::query_error::QueryError;

impl From<&DeltaVersionRow> for Version {
    fn from(row: &DeltaVersionRow) -> Self {
        Self::Commit {
            number: row.version,
            at_ms: row.at_ms,
        }
    }
}

/// The version to read of a stream: the present one, or that of `as_of`. `None` for what has no
/// versions: other connectors, views, and tables without a row ever.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn of_stream(
    context: &Context,
    plan: &StreamPlan,
) -> Result<Option<Version>, TrinoError> {
    let (Some(table), Some(format)) =
        (plan.relation.table(), Format::of(plan.connector.as_deref()))
    else {
        return Ok(None);
    };
    match of_table(context, format, table).await {
        Ok(None) => match &context.connection.as_of {
            Some(time) => Err(TrinoError::Settings(format!(
                "The table {table} has no version that old. Set \"as_of\" to a later time than \
                 {time}, or deselect the stream."
            ))),
            None => Ok(None),
        },
        // Views, for one, have no metadata tables.
        Err(error) if error.query_error().is_some_and(QueryError::is_of_the_user) => {
            tracing::debug!(%error, "stream \"{}\" has no versions", plan.descriptor);
            Ok(None)
        }
        version => version,
    }
}

async fn of_table(
    context: &Context,
    format: Format,
    table: &Table,
) -> Result<Option<Version>, TrinoError> {
    let client = &context.client;
    let as_of = context.connection.as_of.as_deref();
    Ok(match format {
        Format::Iceberg => {
            let sql = versions::iceberg(table, as_of);
            let rows: Vec<SnapshotIdRow> = control::rows(client, &sql).await?;
            rows.first().and_then(|row| row.id).map(Version::Snapshot)
        }
        Format::DeltaLake => {
            let sql = versions::delta(table, as_of);
            let rows: Vec<DeltaVersionRow> = control::rows(client, &sql).await?;
            rows.first().map(Version::from)
        }
    })
}

/// The version of a stream's table to read, if all selected columns can be read of it: a column
/// that was added or renamed after the last write is not in it, and old servers cannot read
/// versions of Delta Lake tables at all. What `as_of` asks for is an error then.
///
/// # Errors
///
/// When Trino cannot be asked, or not what `as_of` says.
pub(crate) async fn pin(
    context: &Context,
    plan: &StreamPlan,
) -> Result<Option<Version>, TrinoError> {
    let Some(version) = of_stream(context, plan).await? else {
        return Ok(None);
    };
    match readable(context, plan, version).await {
        Ok(()) => Ok(Some(version)),
        Err(error)
            if context.connection.as_of.is_none()
                && error.query_error().is_some_and(QueryError::is_of_the_user) =>
        {
            tracing::debug!(%error, "stream \"{}\" is not pinned to a version", plan.descriptor);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Says why the slices of a state cannot be read any more, if that is so.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn gone(
    context: &Context,
    plan: &StreamPlan,
    slices: &Slices,
) -> Result<Option<String>, TrinoError> {
    let Some(version) = slices.version else {
        // A hidden column stays; one of the table may not.
        let column = &slices.column;
        let is_there = column.is_empty()
            || column.starts_with('$')
            || matches!(&plan.mode, Mode::Cursor(cursor) if cursor.column == *column)
            || plan
                .columns
                .iter()
                .any(|(name, ty)| name == column && ty.to_string() == slices.column_type);
        return Ok((!is_there)
            .then(|| format!("its slices were cut by \"{column}\", which is not what it was")));
    };
    let reason = match check(context, plan, version).await {
        Ok(true) => return Ok(None),
        Ok(false) => "the table was made anew".to_owned(),
        Err(error) if error.query_error().is_some() && !error.is_transient_query() => {
            error.to_string()
        }
        Err(error) => return Err(error),
    };
    Ok(Some(format!(
        "the version {version} of the table that was being read is gone ({reason})"
    )))
}

/// Whether a version is one of the stream's table, and not of an earlier table with its name.
async fn check(context: &Context, plan: &StreamPlan, version: Version) -> Result<bool, TrinoError> {
    if Format::of(plan.connector.as_deref()) == Some(Format::DeltaLake)
        && let Some(table) = plan.relation.table()
    {
        let number = version.number();
        let sql = versions::delta_between(table, number, number);
        let rows: Vec<DeltaVersionRow> = control::rows(&context.client, &sql).await?;
        if !rows.iter().any(|row| Version::from(row) == version) {
            return Ok(false);
        }
    }
    readable(context, plan, version).await?;
    Ok(true)
}

async fn readable(
    context: &Context,
    plan: &StreamPlan,
    version: Version,
) -> Result<(), TrinoError> {
    let query = select::select(&plan.relation, &plan.columns, Some(version.number()), &[]);
    control::columns(&context.client, &metadata::validate(&query)).await?;
    Ok(())
}
