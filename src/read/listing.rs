//! Asks Trino which version a stream's table has: the present one, or that of `as_of`.
//!
//! It is concluded that there are no versions only from a proof: a view, another connector, or a
//! table that never had a row. An error or an empty list proves nothing.

use super::context::Context;
use super::plan::StreamPlan;
use super::version::Version;
use crate::catalog::format::Format;
use crate::catalog::redirection;
use crate::sql::ident::Table;
use crate::sql::{metadata, select, versions};
use crate::trino::answers::{DeltaVersionRow, NameRow, SnapshotIdRow, TotalRow};
use crate::trino::control;
use crate::trino::error::TrinoError;

/// What Trino tells about a table's versions.
pub(crate) enum Listed {
    /// The version.
    Version(Version),
    /// There are none.
    NoVersions,
    /// They are not told: the user may not ask for them, or the server has no list of versions.
    Hidden(TrinoError),
}

/// What kind of thing a name in a catalog is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    View,
    Missing,
}

impl From<&DeltaVersionRow> for Version {
    fn from(row: &DeltaVersionRow) -> Self {
        Self::Commit {
            number: row.version,
            at_ms: row.at_ms,
        }
    }
}

/// The version of a stream's table: the present one, or the one of `as_of`.
///
/// # Errors
///
/// When Trino cannot be asked, or the table had no version at that time.
pub(crate) async fn version(context: &Context, plan: &StreamPlan) -> Result<Listed, TrinoError> {
    let Some(table) = plan.relation.table() else {
        return Ok(Listed::NoVersions);
    };
    let Some(format) = Format::of_connector(plan.connector.as_deref()) else {
        return of_other_connector(context, plan, table).await;
    };
    let as_of = context.connection.as_of.as_deref();
    let at = ask(context, format, table, as_of).await?;
    let Some(time) = as_of else {
        return Ok(at);
    };
    match at {
        // An empty list for `as_of` means something only if the list of all versions is there.
        Listed::Hidden(TrinoError::Unclear(_)) => match ask(context, format, table, None).await? {
            Listed::Version(_) => Err(TrinoError::Settings(format!(
                "The table {table} has no version that old. Set ‹as_of› to a later time than \
                 {time}, or deselect the stream."
            ))),
            other => Ok(other),
        },
        other => Ok(other),
    }
}

/// The present version of a table, whatever `as_of` says.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn present_version(
    context: &Context,
    format: Format,
    table: &Table,
) -> Result<Listed, TrinoError> {
    ask(context, format, table, None).await
}

async fn ask(
    context: &Context,
    format: Format,
    table: &Table,
    as_of: Option<&str>,
) -> Result<Listed, TrinoError> {
    let client = &context.client;
    let asked = match format {
        Format::Iceberg => {
            let sql = versions::iceberg(table, as_of);
            let rows: Result<Vec<SnapshotIdRow>, _> = control::rows(client, &sql).await;
            rows.map(|rows| rows.first().and_then(|row| row.id).map(Version::Snapshot))
        }
        Format::DeltaLake => {
            let sql = versions::delta(table, as_of);
            let rows: Result<Vec<DeltaVersionRow>, _> = control::rows(client, &sql).await;
            rows.map(|rows| rows.first().map(Version::from))
        }
    };
    match asked {
        Ok(Some(version)) => Ok(Listed::Version(version)),
        Ok(None) if as_of.is_none() && is_empty(context, table).await? => Ok(Listed::NoVersions),
        Ok(None) => Ok(Listed::Hidden(TrinoError::Unclear(format!(
            "Trino's list of the versions of {table} is empty, though the table has rows. Try again, \
             and see whether a row filter is on its metadata tables."
        )))),
        Err(error) if is_hidden(&error) => Ok(Listed::Hidden(error)),
        Err(error) if error.is_named(&["TABLE_NOT_FOUND"]) => match kind(context, table).await? {
            Kind::View => Ok(Listed::NoVersions),
            Kind::Table => Ok(Listed::Hidden(error)),
            Kind::Missing => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// Whether an error means that the user may not ask for this.
pub(crate) fn is_hidden(error: &TrinoError) -> bool {
    error.is_named(&[
        "PERMISSION_DENIED",
        "INVALID_ROW_FILTER",
        "INVALID_COLUMN_MASK",
    ])
}

/// Whether a name is a view now, so that nothing is left of a table with that name.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn is_view(context: &Context, table: &Table) -> Result<bool, TrinoError> {
    Ok(kind(context, table).await? == Kind::View)
}

async fn kind(context: &Context, table: &Table) -> Result<Kind, TrinoError> {
    let types: Vec<NameRow> = control::rows(&context.client, &metadata::table_type(table)).await?;
    match types.first().map(|row| row.name.as_str()) {
        None => kind_of_unlisted(context, table).await,
        Some("VIEW") => Ok(Kind::View),
        Some(_) => {
            let sql = metadata::materialized_view(table);
            match control::rows::<NameRow>(&context.client, &sql).await {
                Ok(rows) if rows.is_empty() => Ok(Kind::Table),
                Ok(_) => Ok(Kind::View),
                // It is taken for a table, so that it is not concluded that it has no versions.
                Err(error) if is_hidden(&error) => Ok(Kind::Table),
                Err(error) => Err(error),
            }
        }
    }
}

/// What a name is that the listing lacks, which proves nothing.
async fn kind_of_unlisted(context: &Context, table: &Table) -> Result<Kind, TrinoError> {
    let sql = metadata::show_create_view(table);
    match control::columns(&context.client, &sql).await {
        Ok(_) => Ok(Kind::View),
        Err(error) if error.is_named(&["TABLE_NOT_FOUND"]) => Ok(Kind::Missing),
        Err(error) if error.is_named(&["NOT_SUPPORTED"]) => {
            let is_view = error.to_string().contains("is a materialized view");
            Ok(if is_view { Kind::View } else { Kind::Table })
        }
        Err(error) if is_hidden(&error) => Ok(Kind::Table),
        Err(error) => Err(error),
    }
}

/// Whether a table has no row. Counting all rows reads no data in these formats.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn is_empty(context: &Context, table: &Table) -> Result<bool, TrinoError> {
    let rows: Vec<TotalRow> = control::rows(&context.client, &select::count(table)).await?;
    Ok(rows.first().and_then(|row| row.total) == Some(0))
}

/// The one number that a statement over the log of an Iceberg table's metadata gives; `None` if the
/// user may not see that log, or if the server has none.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn in_metadata_log(
    context: &Context,
    sql: &str,
) -> Result<Option<i64>, TrinoError> {
    match control::rows::<TotalRow>(&context.client, sql).await {
        Ok(rows) => Ok(rows.first().and_then(|row| row.total)),
        Err(error) if is_hidden(&error) || error.is_named(&["TABLE_NOT_FOUND"]) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is told about a table whose connector is not one of those whose versions we read. If
/// `as_of` is set, the table itself is asked whether it keeps versions: a Hive catalog may show an
/// Iceberg table, and other connectors read several formats.
async fn of_other_connector(
    context: &Context,
    plan: &StreamPlan,
    table: &Table,
) -> Result<Listed, TrinoError> {
    let connector = plan.connector.as_deref();
    if context.connection.as_of.is_none() || redirection::keeps_no_versions(connector) {
        return Ok(Listed::NoVersions);
    }
    for sql in [versions::iceberg(table, None), versions::delta(table, None)] {
        match control::columns(&context.client, &metadata::columns_of_query(&sql)).await {
            Err(error) if error.is_named(&["TABLE_NOT_FOUND"]) => {}
            Err(error) => return Ok(Listed::Hidden(error)),
            Ok(_) => {
                return Ok(Listed::Hidden(TrinoError::Settings(format!(
                    "The table {table} keeps versions, but the connector of its catalog ({}) is not \
                     one whose versions can be read",
                    connector.unwrap_or("not known: SELECT on system.metadata.catalogs is missing")
                ))));
            }
        }
    }
    Ok(Listed::NoVersions)
}
