//! `STREAM_STATUS` messages: to stdout and, in the speed mode, to a socket as well.

use std::sync::atomic::Ordering;

use super::context::{Context, StreamRun};
use super::plan::StreamPlan;
use crate::clock;
use crate::output::{Closed, Output};
use crate::protocol::message::{
    Message, StreamDescriptor, StreamStatus, StreamStatusTrace, Trace, TracePayload,
};

/// Sends the status of a stream to stdout only.
///
/// INCOMPLETE never goes to a socket: destinations from before May 2026 end with an error of their
/// own when they see it, and to the later ones it says no more than that COMPLETE is missing.
///
/// # Errors
///
/// When stdout was closed.
pub(crate) async fn send_to_stdout(
    output: &Output,
    stream: &StreamDescriptor,
    status: StreamStatus,
) -> Result<(), Closed> {
    output.send(&message(stream, status)).await
}

/// Sends the status of a stream that has not failed.
///
/// # Errors
///
/// When stdout was closed or, in the speed mode, the destination is gone.
pub(crate) async fn send_to_destination(
    context: &Context,
    stream: &StreamDescriptor,
    status: StreamStatus,
) -> Result<(), Closed> {
    let message = message(stream, status);
    context.output.send(&message).await?;
    let Some(channel) = &context.channel else {
        return Ok(());
    };
    // The platform sees each status before the destination does.
    context.output.all_written().await?;
    channel.sockets.send(channel.framed(&message)).await
}

/// Says RUNNING, once for all queries of a stream.
///
/// # Errors
///
/// When stdout was closed or, in the speed mode, the destination is gone.
pub(crate) async fn running(
    context: &Context,
    plan: &StreamPlan,
    stream_run: &StreamRun,
) -> Result<(), Closed> {
    if stream_run.running_was_sent.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    send_to_destination(context, &plan.descriptor, StreamStatus::Running).await
}

/// The message with the status of a stream.
fn message(stream: &StreamDescriptor, status: StreamStatus) -> Message {
    let stream_status = StreamStatusTrace {
        stream_descriptor: stream.clone(),
        status,
    };
    let payload = TracePayload::StreamStatus { stream_status };
    Message::Trace {
        trace: Trace {
            payload,
            emitted_at: clock::now_ms(),
        },
    }
}
