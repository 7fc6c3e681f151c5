//! STATE messages: what is in them and when they may be sent.
//!
//! The content carries a `version`, so that every later release can tell what it reads. A
//! finished full refresh leaves a state that says when it finished and nothing that a later sync
//! could take for "already done".

use serde_json::json;

use crate::clock;
use crate::protocol::message::{
    Message, SourceStats, StateMessage, StateType, StreamDescriptor, StreamState,
};

/// Version of the state's content.
pub(super) const VERSION: u64 = 1;

/// The state after a full refresh of `records` records, which are all since the last state.
pub(super) fn finished(stream: &StreamDescriptor, records: u64) -> Message {
    Message::State {
        state: StateMessage {
            state_type: StateType::Stream,
            stream: StreamState {
                stream_descriptor: stream.clone(),
                stream_state: json!({
                    "version": VERSION,
                    "mode": "full_refresh",
                    "finished_at_ms": clock::now_ms(),
                }),
            },
            source_stats: SourceStats {
                record_count: as_number(records),
            },
        },
    }
}

/// Exact up to 2^53, which no stream reaches.
#[expect(
    clippy::cast_precision_loss,
    reason = "the protocol types counts as numbers"
)]
fn as_number(records: u64) -> f64 {
    records as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_full_refresh_counts_its_records() {
        let stream = StreamDescriptor {
            name: "t".into(),
            namespace: Some("s".into()),
        };
        let mut message = serde_json::to_value(finished(&stream, 25)).unwrap();
        message["state"]["stream"]["stream_state"]["finished_at_ms"] = json!(0);
        insta::assert_snapshot!(message.to_string(), @r#"{"state":{"sourceStats":{"recordCount":25.0},"stream":{"stream_descriptor":{"name":"t","namespace":"s"},"stream_state":{"finished_at_ms":0,"mode":"full_refresh","version":1}},"type":"STREAM"},"type":"STATE"}"#);
    }
}
