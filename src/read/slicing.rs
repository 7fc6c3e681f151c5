//! Cuts a big table into slices that are read side by side, if that can be done exactly.
//!
//! | connector | cut by | consistent because |
//! |---|---|---|
//! | `iceberg`, `delta_lake` | ranges of `$path` | all slices read one pinned version |
//! | `postgresql`, `mariadb`, `mysql` | ranges of a primary key of one column | a row's key puts it into one slice only |
//! | `hive` | ranges of a partition column | a row's partition puts it into one slice only |
//! | all others | not at all, but for reads by cursor | one query |
//!
//! The ranges cover every possible value, so the slices are disjoint and complete even if the
//! bounds come from outdated figures. The figures only decide whether the slices are of equal size.
//! A table that cannot be examined is read with one query; this is never a reason to fail.

use crate::amounts::amount;
use crate::catalog::format::Format;
use crate::catalog::keys;
use crate::read::context::Context;
use crate::read::estimate::row_count;
use crate::read::hive_partitions::cut_by_partition;
use crate::read::pin;
use crate::read::plan::StreamPlan;
use crate::read::progress::Progress;
use crate::read::query::StreamQuery;
use crate::read::restart;
use crate::read::slices::{Slices, separator, slices_for};
use crate::read::version::Version;
use crate::sql::ident::Table;
use crate::sql::{select, slices};
use crate::trino::answers::{PathRow, RangeRow, TotalRow};
use crate::trino::control;
use crate::trino::error::TrinoError;
use crate::types::TrinoType;

/// The column of Iceberg and Delta Lake tables that holds the file of a row.
const PATH: &str = "$path";

/// Decides into which slices a table is cut that is read whole. If it has versions, `version` is
/// read.
pub(crate) async fn cut(context: &Context, plan: &StreamPlan, version: Option<Version>) -> Slices {
    let Some(table) = plan.relation.table() else {
        return Slices::whole(None);
    };
    let format = Format::of_connector(plan.connector.as_deref());
    let cuts = match (format, version) {
        (Some(Format::Iceberg), Some(version)) => {
            by_path(context, version, &slices::iceberg_files(table)).await
        }
        (Some(Format::DeltaLake), Some(version)) => delta(context, table, version).await,
        _ if is_cut_by_key(plan.connector.as_deref()) => by_key(context, plan, table).await,
        _ if plan.connector.as_deref() == Some("hive") => {
            cut_by_partition(context, plan, table, None).await
        }
        _ => Ok(Slices::whole(version)),
    };
    cuts.unwrap_or_else(|error| {
        tracing::debug!(%error, "stream \"{}\" is read with one query", plan.descriptor);
        Slices::whole(version)
    })
}

/// The slices of a read that had begun, if its version of the table still exists; otherwise new
/// ones.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn begin(
    context: &Context,
    plan: &StreamPlan,
    begun: Option<Progress>,
) -> Result<Progress, TrinoError> {
    if let Some(progress) = begun {
        let stream = &plan.descriptor;
        match pin::why_slices_are_lost(context, plan, &progress.slices).await? {
            None => {
                let done = progress.done.len();
                tracing::info!(
                    "stream \"{stream}\" goes on after {}",
                    amount(done, "finished slice")
                );
                return Ok(progress);
            }
            Some(gone) => restart::begin_anew(plan, &progress, &gone)?,
        }
    }
    let version = pin::pin(context, plan).await?;
    let slices = cut(context, plan, version).await;
    Ok(Progress::new(slices, plan.attempt.generation))
}

/// The queries of the slices that are not finished. `columns` is what they select.
pub(crate) fn slice_queries(
    plan: &StreamPlan,
    progress: &Progress,
    columns: &str,
    condition: Option<&str>,
) -> Vec<StreamQuery> {
    let slices = (0..).zip(progress.slices.conditions());
    slices
        .filter(|(number, _)| !progress.is_done(*number))
        .map(|(number, slice)| {
            let conditions: Vec<&str> = condition.into_iter().chain(slice.as_deref()).collect();
            let sql = format!(
                "SELECT {columns} FROM {}{}{}",
                plan.relation,
                select::at_version(progress.slices.version.map(Version::number)),
                select::filter(&conditions)
            );
            StreamQuery {
                number,
                sql,
                boundary: None,
                version: progress.slices.version,
            }
        })
        .collect()
}

async fn delta(context: &Context, table: &Table, version: Version) -> Result<Slices, TrinoError> {
    // Listing the files means opening all of them, which is worth it only for a big table.
    let rows = row_count(context, table).await?;
    if rows.is_none_or(|rows| rows < 2 * context.slice_rows()) {
        return Ok(Slices::whole(Some(version)));
    }
    by_path(
        context,
        version,
        &slices::delta_files(table, version.number()),
    )
    .await
}

async fn by_path(context: &Context, version: Version, files: &str) -> Result<Slices, TrinoError> {
    let total: Vec<TotalRow> = control::rows(&context.client, &slices::total_rows(files)).await?;
    let total = total.first().and_then(|row| row.total);
    let total = total
        .and_then(|total| u64::try_from(total).ok())
        .unwrap_or_default();
    let wanted = slices_for(total, context.slice_rows());
    if wanted < 2 {
        return Ok(Slices::whole(Some(version)));
    }
    let rows = (total / wanted).max(1);
    let paths: Vec<PathRow> =
        control::rows(&context.client, &slices::path_bounds(files, rows)).await?;
    // Platforms that keep states as jsonb refuse control characters, so such a bound is left out:
    // its two slices become one.
    let bounds = paths
        .iter()
        .map(|row| separator(&row.before, &row.path))
        .filter(|bound| !bound.contains(char::is_control));
    Ok(Slices::by(
        PATH,
        &TrinoType::Varchar(None),
        bounds.collect(),
        Some(version),
    ))
}

/// Whether the database behind a connector compares numbers and times itself, so that no slice
/// reads the whole table. Texts are compared by Trino, so keys of texts are not cut.
fn is_cut_by_key(connector: Option<&str>) -> bool {
    connector.is_some_and(|connector| ["postgresql", "mariadb", "mysql"].contains(&connector))
}

async fn by_key(context: &Context, plan: &StreamPlan, table: &Table) -> Result<Slices, TrinoError> {
    let Some(rows) = row_count(context, table).await? else {
        return Ok(Slices::whole(None));
    };
    let wanted = slices_for(rows, context.slice_rows());
    if wanted < 2 {
        return Ok(Slices::whole(None));
    }
    let keys = keys::primary_keys_if_known(
        &context.client,
        plan.connector.as_deref(),
        &table.catalog,
        &table.schema,
    )
    .await;
    let Some([only]) = keys.get(&table.name).map(Vec::as_slice) else {
        return Ok(Slices::whole(None));
    };
    let key = plan
        .columns
        .iter()
        .find(|(name, ty)| name == only && can_be_spread(ty));
    let Some((key, ty)) = key else {
        return Ok(Slices::whole(None));
    };
    let range = slices::key_range(table, key, ty);
    let range: RangeRow = control::only_row(&context.client, &range).await?;
    let cut = match (&range.low, &range.high) {
        (Some(low), Some(high)) => Slices::between(key, ty, (low, high), wanted, None),
        _ => Slices::whole(None),
    };
    // The database compares numbers and times; of UUIDs a plan must show it.
    if ty.is_uuid()
        && let Some(Some(condition)) = cut.conditions().first()
        && !is_filtered_by_source(context, &slices::count_where(table, condition)).await
    {
        return Ok(Slices::whole(None));
    }
    Ok(cut)
}

/// Whether the source compares the values of a column itself, as far as a plan of a query tells. If
/// Trino does, every slice of that column would read the whole table.
pub(crate) async fn is_filtered_by_source(context: &Context, query: &str) -> bool {
    match control::text(&context.client, &slices::plan(query)).await {
        Ok(plan) => !slices::is_filtered_by_trino(&plan),
        Err(error) => {
            tracing::debug!(%error, "it cannot be found out who filters the rows of a slice");
            false
        }
    }
}

/// Whether a key's values lie evenly enough between the lowest and the highest one, and are the
/// same for the database and for Trino. `bigint unsigned` of MariaDB is a decimal without a scale.
/// UUIDs are random, or rise with time.
fn can_be_spread(ty: &TrinoType) -> bool {
    use TrinoType::{Bigint, Date, Decimal, Integer, Smallint, Timestamp, Tinyint};
    matches!(
        ty,
        Tinyint | Smallint | Integer | Bigint | Decimal { scale: 0, .. } | Date | Timestamp { .. }
    ) || ty.is_uuid()
}
