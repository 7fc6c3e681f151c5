//! Cuts a big table into slices that are read side by side, where that can be done exactly.
//!
//! | connector | cut by | consistent because |
//! |---|---|---|
//! | `iceberg`, `delta_lake` | ranges of `$path` | all slices read one pinned snapshot |
//! | `postgresql` | ranges of an integer primary key | a row's key puts it into one slice only |
//! | all others | not at all | one query |
//!
//! The ranges cover every possible value, so the slices are disjoint and complete even where the
//! bounds come from figures that are not quite right; those only decide how even the slices are.
//! A table that cannot be examined is read with one query: nothing here is a reason to fail.

use super::plan::StreamPlan;
use super::runner::Context;
use crate::discover::keys;
use crate::sql::ident::Table;
use crate::sql::{metadata, select, slices};
use crate::trino::control::{self, PathRow, RangeRow, StatsRow, TotalRow, VersionRow};
use crate::trino::error::TrinoError;
use crate::types::TrinoType;

/// Slices of one stream; Trino plans each as a query of its own.
const MOST_SLICES: u64 = 1_000;

/// How a stream is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Slices {
    /// The version of the table that all slices read.
    version: Option<i64>,
    /// One condition per slice; none means one slice without a condition.
    conditions: Vec<String>,
    /// What the slices are cut by, for the log.
    by: &'static str,
}

impl Slices {
    const WHOLE: Self = Self {
        version: None,
        conditions: Vec::new(),
        by: "",
    };

    /// The queries of a stream, one per slice.
    pub(super) fn queries(&self, plan: &StreamPlan) -> Vec<String> {
        if self.conditions.is_empty() {
            return vec![select::select(
                &plan.table,
                &plan.columns,
                self.version,
                None,
            )];
        }
        let query = |c: &String| select::select(&plan.table, &plan.columns, self.version, Some(c));
        self.conditions.iter().map(query).collect()
    }

    /// The choice in words.
    pub(super) fn describe(&self) -> String {
        let pinned = self.version.map(|version| format!(" of version {version}"));
        let pinned = pinned.unwrap_or_default();
        match self.conditions.len() {
            0 => format!("one query{pinned}"),
            slices => format!("{slices} slices by {}{pinned}", self.by),
        }
    }
}

/// Decides how a stream is read.
pub(super) async fn plan(context: &Context, plan: &StreamPlan) -> Slices {
    let planned = match context.connector.as_deref() {
        Some("iceberg") => iceberg(context, &plan.table).await,
        Some("delta_lake") => delta(context, &plan.table).await,
        Some("postgresql") => postgresql(context, plan).await,
        _ => Ok(Slices::WHOLE),
    };
    let checked = match planned {
        Ok(slices) if slices.version.is_some() => readable(context, plan, slices).await,
        planned => planned,
    };
    checked.unwrap_or_else(|error| {
        // Views, for one, have no metadata tables.
        tracing::debug!(%error, "stream \"{}\" is read with one query", plan.descriptor);
        Slices::WHOLE
    })
}

/// The slices, if their version can be read: a column that was added or renamed after the last
/// write is not in it, and old servers cannot read versions of Delta Lake tables at all.
async fn readable(
    context: &Context,
    plan: &StreamPlan,
    slices: Slices,
) -> Result<Slices, TrinoError> {
    let query = slices.queries(plan).swap_remove(0);
    control::columns(&context.client, &metadata::validate(&query)).await?;
    Ok(slices)
}

async fn iceberg(context: &Context, table: &Table) -> Result<Slices, TrinoError> {
    let Some(version) = version(context, &slices::iceberg_version(table)).await? else {
        return Ok(Slices::WHOLE);
    };
    by_path(context, version, &slices::iceberg_files(table)).await
}

async fn delta(context: &Context, table: &Table) -> Result<Slices, TrinoError> {
    let Some(version) = version(context, &slices::delta_version(table)).await? else {
        return Ok(Slices::WHOLE);
    };
    // Listing the files means opening them all; only worth it for a table that is big.
    if row_count(context, table)
        .await?
        .is_none_or(|rows| rows < 2 * context.slice_rows)
    {
        return Ok(Slices {
            version: Some(version),
            ..Slices::WHOLE
        });
    }
    by_path(context, version, &slices::delta_files(table, version)).await
}

async fn by_path(context: &Context, version: i64, files: &str) -> Result<Slices, TrinoError> {
    let total: Vec<TotalRow> = control::rows(&context.client, &slices::total_rows(files)).await?;
    let total = total.first().and_then(|row| row.total);
    let total = total
        .and_then(|total| u64::try_from(total).ok())
        .unwrap_or_default();
    let wanted = slices_for(total, context.slice_rows);
    let mut bounds = Vec::new();
    if wanted > 1 {
        let rows = total / wanted;
        let paths: Vec<PathRow> =
            control::rows(&context.client, &slices::path_bounds(files, rows.max(1))).await?;
        bounds = paths
            .iter()
            .map(|row| slices::text_literal(&row.path))
            .collect();
    }
    let conditions = slices::ranges("$path", &bounds);
    Ok(Slices {
        version: Some(version),
        conditions,
        by: "files",
    })
}

async fn postgresql(context: &Context, plan: &StreamPlan) -> Result<Slices, TrinoError> {
    let Some(rows) = row_count(context, &plan.table).await? else {
        return Ok(Slices::WHOLE);
    };
    let wanted = slices_for(rows, context.slice_rows);
    if wanted < 2 {
        return Ok(Slices::WHOLE);
    }
    let (catalog, schema) = (&plan.table.catalog, &plan.table.schema);
    let keys = keys::of_schema(
        &context.client,
        context.connector.as_deref(),
        catalog,
        schema,
    )
    .await;
    let key = match keys.get(&plan.table.name).map(Vec::as_slice) {
        Some([only])
            if plan
                .columns
                .iter()
                .any(|(name, ty)| name == only && is_integer(ty)) =>
        {
            only
        }
        _ => return Ok(Slices::WHOLE),
    };
    let range: Vec<RangeRow> =
        control::rows(&context.client, &slices::key_range(&plan.table, key)).await?;
    let range = range.first().and_then(|row| Some((row.low?, row.high?)));
    let bounds = range
        .map(|(low, high)| key_bounds(low, high, wanted))
        .unwrap_or_default();
    Ok(Slices {
        version: None,
        conditions: slices::ranges(key, &bounds),
        by: "primary key",
    })
}

async fn version(context: &Context, sql: &str) -> Result<Option<i64>, TrinoError> {
    let rows: Vec<VersionRow> = control::rows(&context.client, sql).await?;
    Ok(rows.first().and_then(|row| row.version))
}

async fn row_count(context: &Context, table: &Table) -> Result<Option<u64>, TrinoError> {
    let rows: Vec<StatsRow> = control::rows(&context.client, &metadata::statistics(table)).await?;
    let rows = rows
        .iter()
        .find(|row| row.column_name.is_none())
        .and_then(|row| row.row_count);
    Ok(rows.map(super::estimate::whole))
}

fn is_integer(ty: &TrinoType) -> bool {
    use TrinoType::{Bigint, Integer, Smallint, Tinyint};
    matches!(ty, Tinyint | Smallint | Integer | Bigint)
}

fn slices_for(rows: u64, slice_rows: u64) -> u64 {
    rows.div_ceil(slice_rows).min(MOST_SLICES)
}

/// The first keys of all slices but the first, evenly spread over the range.
fn key_bounds(low: i64, high: i64, slices: u64) -> Vec<String> {
    let (low, width) = (i128::from(low), i128::from(high) - i128::from(low));
    let slices = i128::from(slices);
    let mut bounds: Vec<i128> = (1..slices).map(|n| low + width * n / slices).collect();
    bounds.dedup();
    bounds.retain(|bound| *bound > low);
    bounds.iter().map(ToString::to_string).collect()
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

    proptest::proptest! {
        #[test]
        fn key_bounds_rise_within_the_range(low: i64, high: i64, slices in 0_u64..50) {
            let (low, high) = (low.min(high), low.max(high));
            let bounds: Vec<i64> =
                key_bounds(low, high, slices).iter().map(|b| b.parse().unwrap()).collect();
            proptest::prop_assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]));
            proptest::prop_assert!(bounds.iter().all(|bound| low < *bound && *bound <= high));
        }
    }
}
