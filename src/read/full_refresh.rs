//! Reads one stream whole, with all its messages.

use super::plan::StreamPlan;
use super::runner::Context;
use super::slice::{self, ReadError, Running};
use super::{checkpoint, estimate, status};
use crate::protocol::message::StreamStatus;
use crate::sql;

/// STARTED, RUNNING, records, STATE, COMPLETE; returns the number of records.
///
/// # Errors
///
/// When the query failed or stdout was closed; the caller says INCOMPLETE.
pub(super) async fn read(context: &Context, plan: &StreamPlan) -> Result<u64, ReadError> {
    let output = &context.output;
    let stream = &plan.descriptor;
    status::say(output, stream, StreamStatus::Started).await?;
    tracing::info!(
        "stream \"{stream}\": reading {} columns with one query",
        plan.columns.len()
    );
    let estimate = estimate::send(context, plan);
    let sql = sql::select::select(&plan.table, &plan.columns);
    let records = slice::read(context, plan, &sql, &Running::default()).await;
    // An estimate that comes after the rows helps nobody.
    estimate.abort();
    let records = records?;
    output.send(&checkpoint::finished(stream, records)).await?;
    status::say(output, stream, StreamStatus::Complete).await?;
    tracing::info!("stream \"{stream}\": {records} records");
    Ok(records)
}
