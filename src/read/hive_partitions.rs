//! Slices of a Hive table's partitions. Each partition is read once, whatever the read selects.
//!
//! A row keeps its partition, so the slices are disjoint and complete as those of a database's key
//! are. Trino itself leaves out the partitions of the other slices, before it looks for files. So
//! tables can be read that the catalog protects against reading many partitions at once.

use super::context::Context;
use super::estimate::row_count;
use super::plan::StreamPlan;
use super::slices::{MOST_SLICES, Slices, slices_for};
use crate::sql::ident::Table;
use crate::sql::metadata;
use crate::sql::partitions::{self, can_be_bound};
use crate::trino::answers::{NameRow, PartitionCountRow, PropertyRow};
use crate::trino::control;
use crate::trino::error::TrinoError;
use crate::types::TrinoType;

/// How many slices a table has whose number of rows is not known, if it has as many partitions.
const SLICES_OF_UNKNOWN_ROWS: u64 = 50;

/// The names of a table's partition columns; empty if it has none, and for tables that are not
/// Hive's.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn partition_columns(
    context: &Context,
    plan: &StreamPlan,
) -> Result<Vec<String>, TrinoError> {
    let Some(table) = plan.relation.table() else {
        return Ok(Vec::new());
    };
    if plan.connector.as_deref() != Some("hive") {
        return Ok(Vec::new());
    }
    let sql = partitions::partition_columns(table);
    match control::columns(&context.client, &sql).await {
        Ok(columns) => Ok(columns.into_iter().map(|column| column.name).collect()),
        // The table is then read as one without partitions, which gives the same rows.
        Err(error) if error.is_named(&["TABLE_NOT_FOUND"]) || error.is_denied() => {
            tracing::debug!(%error, "stream \"{}\": its partitions cannot be listed", plan.descriptor);
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// Cuts a table by its partitions. With `only`, by this partition column, and only those partitions
/// that fulfil its condition.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn cut_by_partition(
    context: &Context,
    plan: &StreamPlan,
    table: &Table,
    only: Option<(&str, &str)>,
) -> Result<Slices, TrinoError> {
    let columns = match only {
        Some((column, _)) => vec![column.to_owned()],
        None => partition_columns(context, plan).await?,
    };
    // A state names the column of its slices, which must still be there when the read goes on.
    let candidates: Vec<&(String, TrinoType)> = plan
        .columns
        .iter()
        .filter(|(name, ty)| columns.contains(name) && can_be_bound(ty))
        .collect();
    if candidates.is_empty() {
        return Ok(Slices::whole(None));
    }
    let client = &context.client;
    let condition = only.map(|(_, condition)| condition);
    let names: Vec<&str> = candidates.iter().map(|(name, _)| name.as_str()).collect();
    let counts = partitions::counts(table, &names, condition);
    let counts: Vec<PartitionCountRow> = control::rows(client, &counts).await?;
    // The column with most values cuts finest.
    let Some(most) = counts.iter().max_by_key(|row| row.distinct_values) else {
        return Ok(Slices::whole(None));
    };
    let Some((column, ty)) = candidates.into_iter().find(|(name, _)| *name == most.name) else {
        return Ok(Slices::whole(None));
    };
    let guards = guards(context, table, column).await?;
    let rows = match only {
        None => row_count(context, table).await.unwrap_or_default(),
        Some(_) => None,
    };
    let partitions = u64::try_from(most.partitions).unwrap_or_default();
    let wanted = wanted(partitions, rows, context.slice_rows(), &guards);
    if wanted < 2 && !guards.filter_required {
        return Ok(Slices::whole(None));
    }
    let bounds = partitions::bounds(
        table,
        (column, ty),
        wanted.max(1),
        condition,
        guards.filter_required,
    );
    let bounds: Vec<NameRow> = control::rows(client, &bounds).await?;
    // Platforms that keep states as jsonb refuse control characters, so such a bound is left out.
    let bounds = bounds
        .into_iter()
        .map(|row| row.name)
        .filter(|bound| !bound.contains(char::is_control));
    Ok(Slices::by(column, ty, bounds.collect(), None))
}

/// How a catalog protects itself against queries of too many partitions.
struct Guards {
    /// The most partitions of one scan, if a scan of all of them is refused.
    most: Option<u64>,
    /// Whether each scan needs a condition on a partition column.
    filter_required: bool,
}

/// Finds out how the catalog protects itself against queries of too many partitions of a table that
/// is partitioned by `column`.
///
/// # Errors
///
/// When Trino cannot be asked.
async fn guards(context: &Context, table: &Table, column: &str) -> Result<Guards, TrinoError> {
    let client = &context.client;
    let properties = metadata::session_properties("%query_partition_filter_required");
    let properties: Vec<PropertyRow> = control::rows(client, &properties).await?;
    // No session property tells the limit; a query that reaches it does, before it reads anything.
    let most = match control::columns(client, &partitions::one_row(table, column)).await {
        Err(error) if error.is_named(&["HIVE_EXCEEDED_PARTITION_LIMIT"]) => {
            Some(told_limit(&error.to_string()).unwrap_or(1))
        }
        answer => answer.map(|_| None)?,
    };
    Ok(Guards {
        most,
        filter_required: is_filter_required(&table.catalog, &properties),
    })
}

fn is_filter_required(catalog: &str, properties: &[PropertyRow]) -> bool {
    let name = format!("{catalog}.query_partition_filter_required");
    let mut properties = properties.iter();
    properties.any(|property| property.Name == name && property.Value == "true")
}

/// The number of partitions in Trino's words: "can potentially read more than 100 partitions".
fn told_limit(message: &str) -> Option<u64> {
    let (_, rest) = message.split_once("more than ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// How many slices a table of so many partitions is cut into.
fn wanted(partitions: u64, rows: Option<u64>, slice_rows: u64, guards: &Guards) -> u64 {
    let by_rows = match rows {
        Some(rows) => slices_for(rows, slice_rows),
        None => SLICES_OF_UNKNOWN_ROWS,
    };
    // Values of several partitions may make a slice larger than the others.
    let by_guard = guards
        .most
        .map_or(0, |most| partitions.div_ceil((most / 2).max(1)));
    by_rows.max(by_guard).min(partitions).min(MOST_SLICES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(most: Option<u64>) -> Guards {
        Guards {
            most,
            filter_required: false,
        }
    }

    #[test]
    fn there_are_no_more_slices_than_partitions() {
        assert_eq!(wanted(12, None, 1000, &guarded(None)), 12);
        assert_eq!(wanted(12, Some(1_000_000), 1000, &guarded(None)), 12);
        assert_eq!(wanted(2000, None, 1000, &guarded(None)), 50);
        assert_eq!(wanted(2000, Some(10), 1000, &guarded(None)), 1);
    }

    #[test]
    fn a_slice_stays_below_the_limit_of_the_catalog() {
        assert_eq!(wanted(150, Some(150), 1000, &guarded(Some(100))), 3);
        assert_eq!(wanted(100_000, None, 1000, &guarded(Some(10))), MOST_SLICES);
    }

    #[test]
    fn the_limit_is_the_number_in_trinos_words() {
        let message = "Query over table 's.t' can potentially read more than 100 partitions";
        assert_eq!(told_limit(message), Some(100));
        assert_eq!(told_limit("too many partitions"), None);
    }

    #[test]
    fn a_filter_is_required_by_the_session_property_of_the_catalog() {
        let property = |name: &str, value: &str| PropertyRow {
            Name: name.into(),
            Value: value.into(),
            Default: String::new(),
            Type: String::new(),
            Description: String::new(),
        };
        let properties = [
            property("other.query_partition_filter_required", "false"),
            property("hive.query_partition_filter_required", "true"),
        ];
        assert!(is_filter_required("hive", &properties));
        assert!(!is_filter_required("other", &properties));
        assert!(!is_filter_required("else", &properties));
    }
}
