//! Cuts a big table into slices that are read side by side, if that can be done exactly.
//!
//! | connector | cut by | consistent because |
//! |---|---|---|
//! | `iceberg`, `delta_lake` | ranges of `$path` | all slices read one pinned version |
//! | `postgresql`, `mariadb`, `mysql` | ranges of an integer primary key | a row's key puts it into one slice only |
//! | all others | not at all, but for reads by cursor | one query |
//!
//! The ranges cover every possible value, so the slices are disjoint and complete even if the
//! bounds come from outdated figures. The figures only decide whether the slices are of equal size.
//! A table that cannot be examined is read with one query; this is never a reason to fail.

use crate::catalog::format::Format;
use crate::catalog::keys;
use crate::read::context::Context;
use crate::read::pin;
use crate::read::plan::StreamPlan;
use crate::read::progress::Progress;
use crate::read::query::StreamQuery;
use crate::read::restart;
use crate::read::slices::{MOST_SLICES, Slices, separator};
use crate::read::version::Version;
use crate::sql::ident::Table;
use crate::sql::{metadata, select, slices};
use crate::trino::control;
use crate::trino::control::{PathRow, RangeRow, StatsRow, TotalRow};
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
        match pin::why_slices_gone(context, plan, &progress.slices).await? {
            None => {
                let done = progress.done.len();
                tracing::info!("stream \"{stream}\" goes on after {done} finished slices");
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

/// Whether the database behind a connector compares integer keys itself, so that no slice reads
/// the whole table.
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
        .find(|(name, ty)| name == only && is_integer(ty));
    let Some((key, ty)) = key else {
        return Ok(Slices::whole(None));
    };
    let range: Vec<RangeRow> =
        control::rows(&context.client, &slices::key_range(table, key)).await?;
    Ok(match range.first() {
        Some(RangeRow {
            low: Some(low),
            high: Some(high),
        }) => {
            let ends = (low.to_string(), high.to_string());
            Slices::between(key, ty, (&ends.0, &ends.1), wanted, None)
        }
        _ => Slices::whole(None),
    })
}

async fn row_count(context: &Context, table: &Table) -> Result<Option<u64>, TrinoError> {
    let rows: Vec<StatsRow> = control::rows(&context.client, &metadata::statistics(table)).await?;
    let rows = rows
        .iter()
        .find(|row| row.column_name.is_none())
        .and_then(|row| row.row_count);
    Ok(rows.map(crate::read::estimate::whole))
}

fn is_integer(ty: &TrinoType) -> bool {
    use TrinoType::{Bigint, Integer, Smallint, Tinyint};
    matches!(ty, Tinyint | Smallint | Integer | Bigint)
}

/// How many slices of `slice_rows` rows are needed for a number of rows.
pub(crate) fn slices_for(rows: u64, slice_rows: u64) -> u64 {
    rows.div_ceil(slice_rows).min(MOST_SLICES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_has_no_more_than_its_rows_and_a_table_few_slices() {
        let cases = [
            (0, 0),
            (1, 1),
            (10, 1),
            (11, 2),
            (30, 3),
            (u64::MAX, MOST_SLICES),
        ];
        for (rows, slices) in cases {
            assert_eq!(slices_for(rows, 10), slices, "{rows} rows");
        }
    }
}
