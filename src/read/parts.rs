//! The queries of one stream, several at once, with a STATE after each.

use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinSet;

use super::boundary::Boundary;
use super::plan::StreamPlan;
use super::runner::Context;
use super::slice::{self, Finished, ReadError, Running};
use crate::protocol::message::{StateMessage, StreamState};

/// A query of a stream.
#[derive(Debug)]
pub(super) struct Part {
    /// Tells it from the stream's other queries.
    pub(super) number: u32,
    /// The query.
    pub(super) sql: String,
    /// Looks at its rows, if they all have one cursor value.
    pub(super) boundary: Option<Boundary>,
}

/// Reads all parts, `concurrency` of them at once, so that other streams get their turn, too. A
/// part that fails ends the others.
///
/// `finished` is told of each part whose rows are written, and how many are left, and gives the
/// state after it.
///
/// # Errors
///
/// When a query failed or stdout was closed.
pub(super) async fn read(
    context: &Context,
    plan: &StreamPlan,
    running: &Arc<Running>,
    parts: Vec<Part>,
    mut finished: impl FnMut(Finished, usize) -> Value,
) -> Result<u64, ReadError> {
    let mut left = parts.len();
    let mut parts = parts.into_iter();
    let mut reading = JoinSet::new();
    let mut records = 0;
    loop {
        while reading.len() < context.connection.concurrency
            && let Some(part) = parts.next()
        {
            let (context, plan, running) = (context.clone(), plan.clone(), Arc::clone(running));
            reading.spawn(async move { slice::read(&context, &plan, part, &running).await });
        }
        let Some(part) = reading.join_next().await else {
            return Ok(records);
        };
        let part = part.map_err(|_| ReadError::Encoder)??;
        records += part.records;
        left -= 1;
        let state = finished(part, left);
        send_state(context, plan, running, state).await?;
    }
}

/// Sends a STATE: all records of the stream that were sent before belong to it.
///
/// # Errors
///
/// When stdout was closed.
pub(super) async fn send_state(
    context: &Context,
    plan: &StreamPlan,
    running: &Running,
    stream_state: Value,
) -> Result<(), ReadError> {
    let state = StateMessage::new(StreamState {
        stream_descriptor: plan.descriptor.clone(),
        stream_state,
    });
    Ok(context.output.send_state(state, running.count()).await?)
}
