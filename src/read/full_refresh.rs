//! Reads one stream whole: slices, with a STATE after each, from where an earlier read stopped.

use std::sync::Arc;

use super::parts::{self, Part};
use super::plan::StreamPlan;
use super::runner::Context;
use super::slice::{ReadError, Running};
use super::slices;
use super::state::{Content, Progress};
use super::version::{self, Version};
use crate::clock;
use crate::sql::select;
use crate::trino::error::TrinoError;

/// Reads the rows of a stream that are not written yet, and sends the states after them; returns
/// the number of records.
///
/// # Errors
///
/// When a query failed or stdout was closed.
pub(super) async fn read(
    context: &Context,
    plan: &StreamPlan,
    state: Option<Content>,
    running: &Arc<Running>,
) -> Result<u64, ReadError> {
    let begun = match state {
        Some(Content::FullRefresh { progress, .. }) => progress,
        _ => None,
    };
    let columns = select::projections(&plan.columns);
    let mut progress = begin(context, plan, begun).await?;
    let parts = queries(plan, &progress, &columns, None);
    tracing::info!(
        "stream \"{}\": reading {} columns with {}",
        plan.descriptor,
        plan.columns.len(),
        progress.slices.describe()
    );
    let finished = || Content::finished(clock::now_ms()).write();
    if parts.is_empty() {
        parts::send_state(context, plan, running, finished()).await?;
        return Ok(0);
    }
    parts::read(context, plan, running, parts, |slice, left| {
        progress.finish(slice.number);
        if left == 0 {
            return finished();
        }
        let under_way = Content::FullRefresh {
            progress: Some(progress.clone()),
            finished_at_ms: None,
        };
        under_way.write()
    })
    .await
}

/// The slices of a read that had begun, if its version of the table is still there; else new ones.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(super) async fn begin(
    context: &Context,
    plan: &StreamPlan,
    begun: Option<Progress>,
) -> Result<Progress, TrinoError> {
    if let Some(progress) = begun {
        let stream = &plan.descriptor;
        match version::gone(context, plan, &progress.slices).await? {
            None => {
                let done = progress.done.len();
                tracing::info!("stream \"{stream}\" goes on after {done} finished slices");
                return Ok(progress);
            }
            Some(gone) => tracing::warn!("stream \"{stream}\" starts anew: {gone}"),
        }
    }
    let version = version::pin(context, plan).await?;
    Ok(Progress {
        slices: slices::plan(context, plan, version).await,
        done: Vec::new(),
    })
}

/// The queries of the slices that are not finished. `columns` is what they select.
pub(super) fn queries(
    plan: &StreamPlan,
    progress: &Progress,
    columns: &str,
    condition: Option<&str>,
) -> Vec<Part> {
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
            Part {
                number,
                sql,
                boundary: None,
            }
        })
        .collect()
}
