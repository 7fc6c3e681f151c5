//! The sockets of the speed mode, as the read uses them.

use serde::Serialize;

use crate::encode::protobuf::protocol_message;
use crate::output;
use crate::sockets::Sockets;
use crate::sockets::environment::ChannelFormat;

/// The sockets of the speed mode, and how messages are written to them.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) sockets: Sockets,
    pub(crate) format: ChannelFormat,
}

impl Channel {
    /// A message as it is written to a socket.
    pub(crate) fn framed(&self, message: &impl Serialize) -> Vec<u8> {
        let line = output::line(message);
        match self.format {
            ChannelFormat::JsonLines => line,
            ChannelFormat::Protobuf => protocol_message(&line),
        }
    }
}
