//! Reads one stream whole: slices, with a STATE after each, from where an earlier read stopped.

use std::sync::Arc;

use super::column_order::columns_in_order;
use super::context::Context;
use super::plan::StreamPlan;
use super::progress::{Progress, Terms};
use super::restart;
use super::state::Content;
use crate::amounts::amount;
use crate::clock;
use crate::read::context::{ReadError, StreamRun};
use crate::read::queries;
use crate::read::slicing::{begin, slice_queries};
use crate::sql::select;
use crate::trino::error::TrinoError;

/// Reads the rows of a stream that are not written yet, and sends states after them. Returns the
/// number of records.
///
/// # Errors
///
/// When a query failed or stdout was closed.
pub(crate) async fn read_whole(
    context: &Context,
    plan: &StreamPlan,
    state: Option<Content>,
    stream_run: &Arc<StreamRun>,
) -> Result<u64, ReadError> {
    let finished = || Content::finished(clock::now_ms(), plan.attempt.clone()).write();
    let begun = match state {
        Some(Content::FullRefresh {
            progress: None,
            finished_at_ms: Some(_),
            attempt,
        }) if attempt.is_of_the_job(&plan.attempt) => {
            tracing::info!(
                "stream \"{}\" was finished by an earlier attempt of this job",
                plan.descriptor
            );
            queries::send_state(context, plan, stream_run, finished()).await?;
            return Ok(0);
        }
        Some(Content::FullRefresh { progress, .. }) => progress,
        _ => None,
    };
    let begun = begun.filter(|progress| is_of_the_generation(plan, progress));
    let names = plan.columns.iter().map(|(name, _)| name.as_str());
    let terms = Terms::new(context.connection.as_of.as_deref(), names);
    let begun = with_the_same_terms(plan, begun, &terms)?;
    let columns = columns_in_order(context.socket_format(), &plan.columns);
    let columns = select::projections(&columns);
    let mut progress = begin(context, plan, begun).await?;
    progress.terms = Some(terms);
    let parts = slice_queries(plan, &progress, &columns, None);
    tracing::info!(
        "stream \"{}\": reading {} with {}",
        plan.descriptor,
        amount(plan.columns.len(), "column"),
        progress.slices.describe()
    );
    if parts.is_empty() {
        queries::send_state(context, plan, stream_run, finished()).await?;
        return Ok(0);
    }
    queries::read_queries(context, plan, stream_run, parts, |slice, left| {
        progress.finish(slice.number);
        if left == 0 {
            return finished();
        }
        let under_way = Content::FullRefresh {
            progress: Some(progress.clone()),
            finished_at_ms: None,
            attempt: plan.attempt.clone(),
        };
        under_way.write()
    })
    .await
}

/// The read that had begun, unless its finished slices are of another time or have other columns
/// than the others would have.
///
/// # Errors
///
/// When the destination would keep these slices beside the others.
fn with_the_same_terms(
    plan: &StreamPlan,
    begun: Option<Progress>,
    terms: &Terms,
) -> Result<Option<Progress>, TrinoError> {
    let Some(progress) = begun else {
        return Ok(None);
    };
    let before = progress.terms.as_ref();
    match before.and_then(|before| before.why_other(terms)) {
        None => Ok(Some(progress)),
        Some(why) => {
            restart::begin_anew(plan, &progress, why)?;
            Ok(None)
        }
    }
}

/// Whether the finished slices belong to the present generation of the stream in the destination.
/// The destination drops the rows of earlier generations.
fn is_of_the_generation(plan: &StreamPlan, progress: &Progress) -> bool {
    match (progress.generation, plan.attempt.generation) {
        (Some(before), Some(now)) if before != now => {
            tracing::warn!(
                "stream \"{}\" starts anew: its state is of generation {before} in the destination, and this is {now}",
                plan.descriptor
            );
            false
        }
        _ => true,
    }
}
