//! Reads one stream whole, with all its messages.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::plan::StreamPlan;
use super::runner::Context;
use super::slice::{self, ReadError, Running};
use super::{checkpoint, estimate, slices, status};
use crate::protocol::message::StreamStatus;

/// STARTED, RUNNING, records, STATE, COMPLETE; returns the number of records.
///
/// # Errors
///
/// When the query failed or stdout was closed; the caller says INCOMPLETE.
pub(super) async fn read(context: &Context, plan: &StreamPlan) -> Result<u64, ReadError> {
    let output = &context.output;
    let stream = &plan.descriptor;
    status::say(output, stream, StreamStatus::Started).await?;
    let running = Arc::new(Running::default());
    let estimate = estimate::send(context, plan, Arc::clone(&running));
    let slices = slices::plan(context, plan).await;
    tracing::info!(
        "stream \"{stream}\": reading {} columns with {}",
        plan.columns.len(),
        slices.describe()
    );
    let records = read_slices(context, plan, slices.queries(plan), &running).await;
    // An estimate that comes after the rows helps nobody.
    estimate.abort();
    let _ = estimate.await;
    let records = records?;
    output.send(&checkpoint::finished(stream, records)).await?;
    status::say(output, stream, StreamStatus::Complete).await?;
    tracing::info!("stream \"{stream}\": {records} records");
    Ok(records)
}

/// Reads all slices, `concurrency` of them at once, so that other streams get their turn, too.
/// One that fails ends the others.
async fn read_slices(
    context: &Context,
    plan: &StreamPlan,
    queries: Vec<String>,
    running: &Arc<Running>,
) -> Result<u64, ReadError> {
    let mut queries = queries.into_iter();
    let mut slices = JoinSet::new();
    let mut records = 0;
    loop {
        while slices.len() < context.concurrency
            && let Some(sql) = queries.next()
        {
            let (context, plan, running) = (context.clone(), plan.clone(), Arc::clone(running));
            slices.spawn(async move { slice::read(&context, &plan, &sql, &running).await });
        }
        match slices.join_next().await {
            None => return Ok(records),
            Some(slice) => records += slice.map_err(|_| ReadError::Encoder)??,
        }
    }
}
