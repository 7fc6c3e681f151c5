//! The queries of one stream, several at once, with a STATE after each.

use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::protocol::message::{StateMessage, StreamState};
use crate::read::context::Context;
use crate::read::context::{ReadError, StreamRun};
use crate::read::partition::Partition;
use crate::read::plan::StreamPlan;
use crate::read::query;
use crate::read::query::{FinishedQuery, StreamQuery};

/// Reads all parts, `concurrency` of them at once, so that other streams get their turn as well. If
/// a part fails, the others end and write nothing any more.
///
/// `finished` is called for each part whose rows are written, with the number of parts that are
/// left. It returns the state after the part.
///
/// # Errors
///
/// When a query failed or stdout was closed.
pub(crate) async fn read_queries(
    context: &Context,
    plan: &StreamPlan,
    stream_run: &Arc<StreamRun>,
    parts: Vec<StreamQuery>,
    finished: impl FnMut(FinishedQuery, usize) -> Value,
) -> Result<u64, ReadError> {
    let mut reading = JoinSet::new();
    let result = read_all(context, plan, stream_run, parts, &mut reading, finished).await;
    if result.is_err() {
        reading.shutdown().await;
        stream_run.stop_encoders().await;
    }
    result
}

async fn read_all(
    context: &Context,
    plan: &StreamPlan,
    stream_run: &Arc<StreamRun>,
    parts: Vec<StreamQuery>,
    reading: &mut JoinSet<Result<(FinishedQuery, Partition), ReadError>>,
    mut finished: impl FnMut(FinishedQuery, usize) -> Value,
) -> Result<u64, ReadError> {
    let mut left = parts.len();
    let mut parts = parts.into_iter();
    let mut records = 0;
    loop {
        while reading.len() < context.connection.concurrency()
            && let Some(part) = parts.next()
        {
            let (context, plan, stream_run) =
                (context.clone(), plan.clone(), Arc::clone(stream_run));
            reading
                .spawn(async move { query::read_query(&context, &plan, part, &stream_run).await });
        }
        let Some(part) = reading.join_next().await else {
            return Ok(records);
        };
        let (part, partition) = part.map_err(|_| ReadError::Panicked)??;
        let sent = part.records;
        records += sent;
        left -= 1;
        let state = message(plan, finished(part, left));
        partition.end(context, stream_run, state, sent).await?;
    }
}

/// Sends a STATE without a query. It covers all records of the stream that were sent before.
///
/// # Errors
///
/// When stdout was closed.
pub(crate) async fn send_state(
    context: &Context,
    plan: &StreamPlan,
    stream_run: &StreamRun,
    stream_state: Value,
) -> Result<(), ReadError> {
    let state = message(plan, stream_state);
    let partition = Partition::begin(context, stream_run).await?;
    Ok(partition.end(context, stream_run, state, 0).await?)
}

fn message(plan: &StreamPlan, stream_state: Value) -> StateMessage {
    StateMessage::new(StreamState {
        stream_descriptor: plan.descriptor.clone(),
        stream_state,
    })
}
