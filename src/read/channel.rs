//! The sockets of the speed mode, as the read uses them.

use serde::Serialize;

use crate::encode::protobuf::protocol_message;
use crate::output;
use crate::sockets::Sockets;
use crate::sockets::environment::Format;
use crate::types::TrinoType;
use crate::types::expected::in_order_of_java;

/// The sockets of the speed mode, and how messages are written to them.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) sockets: Sockets,
    pub(crate) format: Format,
}

impl Channel {
    /// The columns in the order in which a query should have them: Protobuf has the values in the order
    /// of their names, and need not be brought into it.
    pub(crate) fn in_order(
        channel: Option<&Self>,
        columns: &[(String, TrinoType)],
    ) -> Vec<(String, TrinoType)> {
        let mut columns = columns.to_vec();
        if channel.is_some_and(|channel| channel.format == Format::Protobuf) {
            columns.sort_by(|(one, _), (other, _)| in_order_of_java(one, other));
        }
        columns
    }

    /// A message as it is written to a socket.
    pub(crate) fn framed(&self, message: &impl Serialize) -> Vec<u8> {
        let line = output::line(message);
        match self.format {
            Format::JsonLines => line,
            Format::Protobuf => protocol_message(&line),
        }
    }
}
