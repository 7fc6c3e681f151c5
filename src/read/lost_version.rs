//! Proves that a version of a table is lost, so that it can never be read again. Without a proof
//! the error is returned as it is: the version may be readable later, and giving it up would lose
//! deletions or send rows again.

use super::context::Context;
use super::listing::{self, Listed};
use super::plan::StreamPlan;
use super::version::Version;
use crate::catalog::format::Format;
use crate::sql::ident::Table;
use crate::sql::versions;
use crate::trino::answers::StandingRow;
use crate::trino::control;
use crate::trino::error::{QueryError, TrinoError};

/// Whether a version that once existed still exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is in the table's list of versions.
    Listed,
    /// It is lost, for this reason: the list has the present version but not this one, or nothing
    /// is left of the table.
    Lost(&'static str),
}

/// Whether a stream's table still has a version.
///
/// # Errors
///
/// When Trino cannot be asked, or when its answer proves neither.
pub(crate) async fn standing(
    context: &Context,
    plan: &StreamPlan,
    version: Version,
) -> Result<Standing, TrinoError> {
    let (Some(table), Some(format)) = (
        plan.relation.table(),
        Format::of_connector(plan.connector.as_deref()),
    ) else {
        return match plan.connector {
            Some(_) => Ok(Standing::Lost("its catalog has another connector now")),
            None => Err(TrinoError::Settings(format!(
                "The version {version} was being read, and the connector of the catalog is not known \
                 now. Grant the user of ‹username› SELECT on system.metadata.catalogs."
            ))),
        };
    };
    let sql = match (format, version) {
        (Format::Iceberg, Version::Snapshot(id)) => versions::iceberg_standing(table, id),
        (Format::DeltaLake, Version::Commit { number, at_ms }) => {
            versions::delta_standing(table, number, at_ms)
        }
        _ => return Ok(Standing::Lost("it is one of another format")),
    };
    match control::rows::<StandingRow>(&context.client, &sql).await {
        Ok(rows) => match rows.first() {
            Some(row) if row.found > 0 => Ok(Standing::Listed),
            Some(row) if row.present > 0 => {
                Ok(Standing::Lost("it has expired, or the table was made anew"))
            }
            _ if listing::is_empty(context, table).await? => {
                Ok(Standing::Lost("the table was made anew, without rows"))
            }
            _ => Err(TrinoError::Unclear(format!(
                "Trino's list of the versions of {table} lacks the present one."
            ))),
        },
        Err(error)
            if error.is_named(&["TABLE_NOT_FOUND"]) && listing::is_view(context, table).await? =>
        {
            Ok(Standing::Lost("there is a view in its place"))
        }
        Err(error) => Err(error),
    }
}

/// Why a query failed, if the reason is that the version which it was reading is lost.
pub(crate) async fn why_query_failed(
    context: &Context,
    plan: &StreamPlan,
    version: Option<Version>,
    error: &TrinoError,
) -> Option<String> {
    let version = version?;
    let query = error.query_error()?;
    let proof = match standing(context, plan, version).await {
        Ok(Standing::Lost(_)) => Ok(true),
        Ok(Standing::Listed) => has_lost_a_file(context, plan, version, query).await,
        Err(error) => Err(error),
    };
    match proof {
        Ok(true) => Some(sentence(version, &error.to_string())),
        Ok(false) => None,
        Err(unclear) => {
            tracing::debug!(%unclear, "it is not known whether version {version} is gone");
            None
        }
    }
}

/// The sentence for a version that is lost.
pub(crate) fn sentence(version: Version, reason: &str) -> String {
    format!("the version {version} of the table that was being read is gone ({reason})")
}

/// Whether an error means that a file is missing which belongs to an earlier version and not to the
/// present one. Then maintenance has deleted it, and it will not come back.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn has_lost_a_file(
    context: &Context,
    plan: &StreamPlan,
    version: Version,
    error: &QueryError,
) -> Result<bool, TrinoError> {
    let (Some(table), Some(format)) = (
        plan.relation.table(),
        Format::of_connector(plan.connector.as_deref()),
    ) else {
        return Ok(false);
    };
    // A message that names no file would differ from all files of the present version.
    if !error.is_missing_file() || !names_a_file(&error.message) {
        return Ok(false);
    }
    match listing::present_version(context, format, table).await? {
        Listed::Version(present) if present != version => {
            is_none_of_the_present(context, format, table, &error.message).await
        }
        _ => Ok(false),
    }
}

async fn is_none_of_the_present(
    context: &Context,
    format: Format,
    table: &Table,
    message: &str,
) -> Result<bool, TrinoError> {
    let sql = match format {
        Format::Iceberg => versions::iceberg_files_in(table, message),
        Format::DeltaLake => versions::delta_files_in(table, message),
    };
    let rows: Vec<StandingRow> = control::rows(&context.client, &sql).await?;
    Ok(match rows.first() {
        Some(row) if row.present > 0 => row.found == 0,
        _ => listing::is_empty(context, table).await?,
    })
}

/// Whether a message has a path in it: `s3://bucket/folder/file`, `file:/folder/file` or
/// `/folder/file`.
fn names_a_file(message: &str) -> bool {
    message.split_whitespace().any(|word| {
        let word = word.trim_start_matches(['(', '[', '<', '"', '\'', '`']);
        word.contains(":/")
            || word
                .strip_prefix('/')
                .is_some_and(|rest| rest.contains('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_message_with_a_path_names_a_file() {
        for (message, expected) in [
            (
                "Error opening Iceberg split s3://lake/t/data/a.orc (offset=0, length=9): gone",
                true,
            ),
            (
                "Error opening Hive split \"/warehouse/t/_change_data/cdc_1\"",
                true,
            ),
            (
                "(/warehouse/t/20261126_0001) (No such file or directory)",
                true,
            ),
            ("File does not exist: file:/warehouse/t/000000_0", true),
            ("Failed to open hdfs:/warehouse/t/part-0: not found", true),
            ("iceberg cannot open split", false),
            ("read and/or write failed", false),
            ("input / output error", false),
            ("", false),
        ] {
            assert_eq!(names_a_file(message), expected, "{message}");
        }
    }
}
