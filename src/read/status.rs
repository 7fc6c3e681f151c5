//! `STREAM_STATUS` messages.

use crate::clock;
use crate::output::{Closed, Output};
use crate::protocol::message::{
    Message, StreamDescriptor, StreamStatus, StreamStatusTrace, Trace, TracePayload,
};

/// Sends the status of a stream.
///
/// # Errors
///
/// When stdout was closed.
pub(crate) async fn say(
    output: &Output,
    stream: &StreamDescriptor,
    status: StreamStatus,
) -> Result<(), Closed> {
    let stream_status = StreamStatusTrace {
        stream_descriptor: stream.clone(),
        status,
    };
    let payload = TracePayload::StreamStatus { stream_status };
    output
        .send(&Message::Trace {
            trace: Trace {
                payload,
                emitted_at: clock::now_ms(),
            },
        })
        .await
}
