//! The version that a read is pinned to: which one it is, and whether it can still be read.

use super::columns;
use super::context::Context;
use super::listing::{self, Listed};
use super::lost_version::{self, Standing};
use super::plan::{Mode, StreamPlan};
use super::slices::Slices;
use super::version::Version;
use crate::catalog::format::Format;
use crate::sql::field_ids::{self, Column};
use crate::sql::ident::Table;
use crate::sql::versions;
use crate::trino::error::TrinoError;

/// The version of a stream's table to read, if its columns are the present columns of the table.
/// `ALTER TABLE` makes no version in Iceberg, so the last version may have other columns under the
/// same names, and old servers cannot read versions of Delta Lake tables at all. In these cases the
/// present table is read with a WARN, but if `as_of` asks for a version, it is an error.
///
/// # Errors
///
/// When Trino cannot be asked, or when the version that `as_of` asks for cannot be read.
pub(crate) async fn pin(
    context: &Context,
    plan: &StreamPlan,
) -> Result<Option<Version>, TrinoError> {
    let listed = listing::version(context, plan).await?;
    pin_listed(context, plan, listed).await
}

/// As [`pin`], of the version that is `listed`.
///
/// # Errors
///
/// As [`pin`].
pub(crate) async fn pin_listed(
    context: &Context,
    plan: &StreamPlan,
    listed: Listed,
) -> Result<Option<Version>, TrinoError> {
    let stream = &plan.descriptor;
    let as_of = context.connection.as_of.as_deref();
    let version = match listed {
        Listed::Version(version) => version,
        Listed::NoVersions => {
            if let Some(time) = as_of {
                tracing::warn!(
                    "stream \"{stream}\" is read as it is now, not as of {time}: its table keeps no versions"
                );
            }
            return Ok(None);
        }
        Listed::Hidden(error) => {
            if let Some(time) = as_of {
                return Err(not_as_of(plan, time, &error));
            }
            warn_of_hidden(plan, &error);
            return Ok(None);
        }
    };
    let difference = match difference(context, plan, version).await {
        Err(error) if as_of.is_none() && error.is_named(&["NOT_SUPPORTED", "SYNTAX_ERROR"]) => {
            tracing::debug!(%error, "stream \"{stream}\": this server cannot read versions");
            return Ok(None);
        }
        difference => difference?,
    };
    match (difference, as_of) {
        (None, _) => Ok(Some(version)),
        (Some(why), Some(time)) => Err(other_columns_as_of(time, &why)),
        (Some(why), None) => {
            tracing::warn!(
                "stream \"{stream}\" is read with one query, of the table as it is now, and cannot go on if it breaks: of its last version, {why}. The next write to the table ends that."
            );
            Ok(None)
        }
    }
}

/// The error for a version that `as_of` asks for and that has other columns than the table has now.
pub(crate) fn other_columns_as_of(time: &str, why: &str) -> TrinoError {
    TrinoError::Settings(format!(
        "The table cannot be read as of {time}: {why}. Set ‹as_of› to a later time, or deselect the \
         column."
    ))
}

fn not_as_of(plan: &StreamPlan, time: &str, error: &TrinoError) -> TrinoError {
    let table = plan
        .relation
        .table()
        .map(Table::to_string)
        .unwrap_or_default();
    let error = error.to_string();
    TrinoError::Settings(format!(
        "The table {table} cannot be read as of {time}, because its versions cannot be listed: {}. Grant \
         the user of ‹username› SELECT on its metadata tables (\"$history\" and \"$refs\"), or \
         remove ‹as_of›.",
        error.trim_end_matches('.')
    ))
}

/// Warns that the versions of a table are not told, and which right is missing.
pub(crate) fn warn_of_hidden(plan: &StreamPlan, error: &TrinoError) {
    if error.is_named(&["TABLE_NOT_FOUND"]) {
        tracing::debug!(%error, "stream \"{}\": this server lists no versions", plan.descriptor);
        return;
    }
    let error = error.to_string();
    tracing::warn!(
        "stream \"{}\" is read with one query, of the table as it is now, and cannot go on if it breaks: the versions of its table cannot be listed ({}). Grant the user of ‹username› SELECT on the table's \"$refs\" (Iceberg) or \"$history\" (Delta Lake).",
        plan.descriptor,
        error.trim_end_matches('.')
    );
}

/// How the selected columns of a version differ from the present columns of the table, in words.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn difference(
    context: &Context,
    plan: &StreamPlan,
    version: Version,
) -> Result<Option<String>, TrinoError> {
    let Some(table) = plan.relation.table() else {
        return Ok(None);
    };
    let at_version = columns::types_at(context, table, version, &plan.columns).await;
    let types = match at_version {
        Ok(types) => types,
        Err(error) if error.is_named(&["COLUMN_NOT_FOUND"]) => {
            let error = error.to_string();
            return Ok(Some(error.trim_end_matches('.').to_owned()));
        }
        Err(error) => return Err(error),
    };
    if let Some(why) = columns::other_types(&plan.columns, &types) {
        return Ok(Some(why));
    }
    if Format::of_connector(plan.connector.as_deref()) != Some(Format::Iceberg) {
        return Ok(None);
    }
    let (now, then) = tokio::join!(
        columns::with_field_ids(context, table, None, &plan.columns),
        columns::with_field_ids(context, table, Some(version), &plan.columns),
    );
    if let (Some(now), Some(then)) = (now?, then?)
        && let Some(column) = other_column(&now, &then)
    {
        return Ok(Some(format!(
            "another column than now has the name \"{column}\""
        )));
    }
    let may_be_others = may_have_other_fields(context, plan, version).await?;
    Ok(may_be_others.then(|| OTHER_FIELDS.to_owned()))
}

/// What is said if [`may_have_other_fields`] is true.
pub(crate) const OTHER_FIELDS: &str =
    "it is not known whether fields within arrays or maps have the names that they have now";

/// Whether fields that no plan shows may have other names now than in a version.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn may_have_other_fields(
    context: &Context,
    plan: &StreamPlan,
    version: Version,
) -> Result<bool, TrinoError> {
    match plan.relation.table() {
        Some(table)
            if context.connection.as_of.is_none()
                && plan
                    .columns
                    .iter()
                    .any(|(_, ty)| field_ids::has_hidden_fields(ty)) =>
        {
            was_altered(context, table, version).await
        }
        _ => Ok(false),
    }
}

fn other_column(now: &[Column], then: &[Column]) -> Option<String> {
    let differs = |(now, then): &(&Column, &Column)| now.id != then.id || now.leaves != then.leaves;
    let mut pairs = now.iter().zip(then);
    pairs.find(differs).map(|(now, _)| now.name.clone())
}

/// Whether the table may have been altered since a version, also after later versions, and whether
/// or not it was rolled back since. A write of Trino leaves two entries in the metadata's log, and
/// swapping two fields takes at least two more.
async fn was_altered(
    context: &Context,
    table: &Table,
    version: Version,
) -> Result<bool, TrinoError> {
    let sql = versions::iceberg_log_entries(table, version.number());
    let entries = listing::in_metadata_log(context, &sql).await?;
    Ok(entries.unwrap_or_default() > 2)
}

/// Why the slices of a state cannot be read any more; `None` if they can.
///
/// # Errors
///
/// When Trino cannot be asked, or when its answer proves neither.
pub(crate) async fn why_slices_are_lost(
    context: &Context,
    plan: &StreamPlan,
    slices: &Slices,
) -> Result<Option<String>, TrinoError> {
    let Some(version) = slices.version else {
        return Ok(why_column_is_lost(plan, slices));
    };
    if let Some(reason) = why_version_is_lost(context, plan, version).await? {
        return Ok(Some(reason));
    }
    let Some(table) = plan.relation.table() else {
        return Ok(None);
    };
    // The read goes on with the columns of its version, if they fit the selected columns.
    let different = match columns::types_at(context, table, version, &plan.columns).await {
        Ok(types) => columns::other_types(&plan.columns, &types),
        Err(error) if error.is_named(&["COLUMN_NOT_FOUND"]) => {
            // Trino's error is believed only if the list of the version's columns confirms it.
            let there = columns::names(context, table, Some(version)).await?;
            let has = |name: &String| there.iter().any(|(column, _)| column == name);
            if plan.columns.iter().all(|(name, _)| has(name)) {
                return Err(error);
            }
            Some(error.to_string())
        }
        Err(error) => return Err(error),
    };
    Ok(different.map(|why| {
        format!("the version {version} of the table that was being read lacks what is selected now ({why})")
    }))
}

/// Why a version cannot be read any more; `None` if it can.
///
/// # Errors
///
/// When Trino cannot be asked, or when its answer proves neither.
pub(crate) async fn why_version_is_lost(
    context: &Context,
    plan: &StreamPlan,
    version: Version,
) -> Result<Option<String>, TrinoError> {
    match lost_version::standing(context, plan, version).await {
        Ok(Standing::Listed) => Ok(None),
        Ok(Standing::Lost(reason)) => Ok(Some(lost_version::sentence(version, reason))),
        // A snapshot's id is unique, so if the version can be read, it is the right one.
        Err(error) if listing::is_hidden(&error) && matches!(version, Version::Snapshot(_)) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Why the slices of a table without versions cannot be read any more. They are ranges of a column,
/// which may have been dropped or changed, unless it is a hidden one.
fn why_column_is_lost(plan: &StreamPlan, slices: &Slices) -> Option<String> {
    let column = &slices.column;
    let is_there = column.is_empty()
        || column.starts_with('$')
        || matches!(&plan.mode, Mode::Cursor(cursor) if cursor.column == *column)
        || plan
            .columns
            .iter()
            .any(|(name, ty)| name == column && ty.to_string() == slices.column_type);
    (!is_there).then(|| format!("its slices were cut by \"{column}\", which is not what it was"))
}
