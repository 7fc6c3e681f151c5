//! The records of a query and the STATE after them: to stdout, or, in the speed mode, the records
//! to a socket and the STATE to stdout first and then to the same socket.
//!
//! In the speed mode the records of a query are one partition, and all of them go over one socket.
//! The destination commits a STATE when it has as many records of its partition as the STATE
//! counts, and has committed all states of the stream with lower ids. So each STATE has a partition
//! for itself, even if there is no record in it.

use super::context::{Context, StreamRun};
use crate::output::{Closed, Output, RecordCount};
use crate::protocol::message::{Message, SourceStats, StateMessage};
use crate::sockets::Lease;
use crate::sockets::environment::ChannelFormat;

/// The records of a query, on their way.
pub(crate) struct Partition {
    /// Where they go.
    pub(crate) output: Output,
    /// Counts what the next STATE on stdout tells, if they go there.
    pub(crate) count: RecordCount,
    /// The socket, in the speed mode.
    lease: Option<Lease>,
    format: ChannelFormat,
}

impl Partition {
    /// Begins a partition, in the speed mode as soon as a socket is free for it.
    ///
    /// # Errors
    ///
    /// When the destination is gone.
    pub(crate) async fn begin(context: &Context, stream_run: &StreamRun) -> Result<Self, Closed> {
        Ok(match &context.channel {
            None => Self {
                output: context.output.clone(),
                count: stream_run.count().clone(),
                lease: None,
                format: ChannelFormat::JsonLines,
            },
            Some(channel) => {
                let lease = channel.sockets.take().await?;
                Self {
                    output: lease.output().clone(),
                    count: RecordCount::default(),
                    lease: Some(lease),
                    format: channel.format,
                }
            }
        })
    }

    /// The id that the records carry, and how they are written; none on stdout.
    pub(crate) fn socket(&self) -> Option<(&str, ChannelFormat)> {
        let lease = self.lease.as_ref()?;
        Some((lease.partition(), self.format))
    }

    /// Waits until the destination has the records, so that no STATE on stdout precedes them. On
    /// stdout itself the order of the lines says the same.
    ///
    /// # Errors
    ///
    /// When the destination is gone.
    pub(crate) async fn all_written(&self) -> Result<(), Closed> {
        match &self.lease {
            None => Ok(()),
            Some(lease) => lease.output().all_written().await,
        }
    }

    /// Sends the STATE after the partition's records.
    ///
    /// # Errors
    ///
    /// When stdout was closed or the destination is gone.
    pub(crate) async fn end(
        self,
        context: &Context,
        stream_run: &StreamRun,
        mut state: StateMessage,
        records: u64,
    ) -> Result<(), Closed> {
        let (Some(channel), Some(lease)) = (&context.channel, &self.lease) else {
            return context.output.send_state(state, &self.count).await;
        };
        state.source_stats = SourceStats::with_records(records);
        state.partition_id = Some(lease.partition().to_owned());
        state.id = Some(stream_run.next_state_id());
        let message = Message::State { state };
        let copy = channel.framed(&message);
        if let Message::State { state } = message {
            let count = RecordCount::starting_at(records);
            context.output.send_state(state, &count).await?;
            // Written, not only in the queue: the platform has to see it before the destination can
            // commit it.
            context.output.all_written().await?;
        }
        lease.output().send_lines(copy).await
    }
}
