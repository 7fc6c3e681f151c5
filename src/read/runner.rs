//! Reads several streams at once, each with its statuses.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::task::JoinSet;

use super::plan::{Mode, Planned, StreamPlan};
use super::{changes, estimate, full_refresh, incremental, restart, status};
use crate::amounts::amount;
use crate::error::ConnectorError;
use crate::output::Closed;
use crate::protocol::message::{StreamDescriptor, StreamStatus};
use crate::read::context::{Context, ReadError, StreamRun};
use crate::read::failures::Failures;
use crate::read::state::Content;

/// If there are more streams without a plan than this, they get no STARTED.
const MANY: usize = 100;

/// How a read ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Streams that were read whole.
    pub(crate) complete: usize,
    /// Streams that failed; each has said why, unless the state file cannot be written.
    pub(crate) failed: usize,
    /// Records written.
    pub(crate) records: u64,
}

/// Reads all planned streams, `concurrency` of them at once, in the catalog's order. A stream
/// that fails says so itself and does not stop the others.
///
/// # Errors
///
/// When stdout was closed or, in the speed mode, the destination is gone.
pub(crate) async fn run(context: &Context, plans: Vec<Planned>) -> Result<Summary, Closed> {
    let mut summary = Summary::default();
    let mut failures = Failures::new(&context.output);
    let mut streams = JoinSet::new();
    let mut descriptors = HashMap::new();
    // Thousands of streams without a plan end at once, with one status each.
    let without_plan = plans.iter().filter(|(_, plan)| plan.is_err()).count();
    let is_begun = without_plan <= MANY;
    let mut plans = plans.into_iter();
    let state_lost = context.output.state_lost();
    loop {
        while streams.len() < context.connection.concurrency()
            && !state_lost.is_cancelled()
            && let Some((descriptor, plan)) = plans.next()
        {
            let reading = stream(context.clone(), descriptor.clone(), plan, is_begun);
            let id = streams.spawn(Box::pin(reading)).id();
            descriptors.insert(id, descriptor);
        }
        let Some(ended) = streams.join_next_with_id().await else {
            failures.tell_rest().await?;
            return Ok(summary);
        };
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, outcome?),
            Err(panic) => (panic.id(), Ended::Failed(ReadError::Panicked.into())),
        };
        match (outcome, descriptors.remove(&id)) {
            (Ended::Complete(records), _) => {
                summary.complete += 1;
                summary.records += records;
            }
            (Ended::Failed(error), Some(descriptor)) => {
                summary.failed += 1;
                failures.add(descriptor, error).await?;
            }
            (Ended::Failed(_), None) | (Ended::WithoutStates, _) => summary.failed += 1,
        }
    }
}

/// How a stream ended.
enum Ended {
    /// Whole, with this number of records.
    Complete(u64),
    /// The caller tells the error and INCOMPLETE, because the order of errors matters.
    Failed(ConnectorError),
    /// The state file cannot be written, which is told once after all streams.
    WithoutStates,
}

/// Reads one stream.
async fn stream(
    context: Context,
    descriptor: StreamDescriptor,
    plan: Result<StreamPlan, ConnectorError>,
    is_begun: bool,
) -> Result<Ended, Closed> {
    let name = descriptor.to_string();
    let how = plan.as_ref().map(way_of_reading).unwrap_or_default();
    context.progress.start(&name, &how);
    if (is_begun || plan.is_ok()) && !context.client.is_lost() {
        status::send_to_destination(&context, &descriptor, StreamStatus::Started).await?;
    }
    let outcome = match plan {
        Ok(plan) => match read_stream(&context, &plan).await {
            Ok(records) => Ended::Complete(records),
            Err(ReadError::Closed(closed)) => return Err(closed),
            Err(ReadError::StateNotKept) => Ended::WithoutStates,
            Err(error) => Ended::Failed(ConnectorError::from(error).about_stream(&descriptor)),
        },
        Err(error) => Ended::Failed(error),
    };
    let is_failed = !matches!(outcome, Ended::Complete(_));
    context.progress.finish(&name, is_failed);
    match &outcome {
        Ended::Complete(records) => {
            status::send_to_destination(&context, &descriptor, StreamStatus::Complete).await?;
            tracing::info!("stream \"{descriptor}\": {}", amount(*records, "record"));
        }
        Ended::WithoutStates => {
            status::send_to_stdout(&context.output, &descriptor, StreamStatus::Incomplete).await?;
        }
        Ended::Failed(_) => {}
    }
    Ok(outcome)
}

/// How a stream is read, in a few words for a person.
fn way_of_reading(plan: &StreamPlan) -> String {
    let after = match plan.state {
        Some(_) => ", from its state",
        None => "",
    };
    match &plan.mode {
        Mode::FullRefresh => format!("whole{after}"),
        Mode::Cursor(cursor) => format!("by cursor \"{}\"{after}", cursor.column),
        Mode::Changes(..) => format!("changes{after}"),
    }
}

/// The outcome of a part of a read; a panic in it is an error like any other, so that the stream
/// ends with its status as well.
async fn caught<T>(reading: impl Future<Output = Result<T, ReadError>>) -> Result<T, ReadError> {
    let outcome = AssertUnwindSafe(reading).catch_unwind().await;
    outcome.unwrap_or(Err(ReadError::Panicked))
}

/// Sends RUNNING, the records and the states of a stream. Returns the number of records.
async fn read_stream(context: &Context, plan: &StreamPlan) -> Result<u64, ReadError> {
    let stream_run = Arc::new(StreamRun::default());
    let estimate = estimate::send(context, plan, Arc::clone(&stream_run));
    let reading = async {
        match read_in_mode(context, plan, plan.state.clone(), &stream_run).await {
            // Rows of two versions in one run would be a table that never existed, so this is only
            // done before the first record.
            Err(ReadError::VersionLost(reason)) if !stream_run.has_sent() => {
                read_without_version(context, plan, &reason, &stream_run).await
            }
            result => result,
        }
    };
    let result = Box::pin(caught(reading)).await;
    if matches!(result, Err(ReadError::Panicked)) {
        stream_run.stop_encoders().await;
    }
    // An estimate that comes after the rows helps nobody.
    estimate.abort();
    let _ = estimate.await;
    let records = result?;
    // A stream without a query has not sent RUNNING yet.
    status::running(context, plan, &stream_run).await?;
    Ok(records)
}

/// Reads a stream again whose version is lost, of which no record has left yet.
async fn read_without_version(
    context: &Context,
    plan: &StreamPlan,
    reason: &str,
    stream_run: &Arc<StreamRun>,
) -> Result<u64, ReadError> {
    let begun = plan.state.as_ref().and_then(Content::progress);
    let state = plan.state.clone().and_then(Content::without_version);
    match begun {
        Some(progress) if state.as_ref().and_then(Content::progress).is_none() => {
            restart::begin_anew(plan, progress, reason)?;
        }
        Some(_) => tracing::warn!(
            "stream \"{}\" goes on in the present version: {reason}",
            plan.descriptor
        ),
        None => tracing::warn!("stream \"{}\" is read anew: {reason}", plan.descriptor),
    }
    read_in_mode(context, plan, state, stream_run).await
}

async fn read_in_mode(
    context: &Context,
    plan: &StreamPlan,
    state: Option<Content>,
    stream_run: &Arc<StreamRun>,
) -> Result<u64, ReadError> {
    match &plan.mode {
        Mode::FullRefresh => full_refresh::read_whole(context, plan, state, stream_run).await,
        Mode::Cursor(cursor) => {
            incremental::read_by_cursor(context, plan, cursor, state, stream_run).await
        }
        Mode::Changes(format, table) => {
            let changes = changes::Changes {
                context,
                plan,
                format: *format,
                table,
                stream_run,
            };
            changes.read(state).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_of_the_stream() {
        let panics = async { panic!("a fault") };
        let outcome: Result<u64, ReadError> = caught(panics).await;
        assert!(matches!(outcome, Err(ReadError::Panicked)), "{outcome:?}");
        assert!(matches!(caught(async { Ok(7) }).await, Ok(7)));
    }
}
