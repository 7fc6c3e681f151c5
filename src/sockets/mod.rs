//! Airbyte's speed mode: records leave over Unix sockets that the destination connects to.
//!
//! | file | job |
//! |---|---|
//! | `environment` | what the platform wants, from its variables |
//! | `listeners` | the files of the sockets |
//! | `pool` | the connections: who may use which, and whether the destination is still there |
//!
//! Nothing here knows what is written. A connection is an [`Output`](crate::output::Output), the
//! same thread and bounded queue that stdout has, so a slow destination slows Trino down.

pub(crate) mod environment;
mod listeners;
mod pool;

pub(crate) use pool::{Lease, Sockets};

use crate::error::ConnectorError;
use environment::DataChannel;
use listeners::Files;

/// Open sockets. When it is dropped, nobody can connect any more and the files are removed.
#[derive(Debug)]
pub(crate) struct OpenSockets {
    /// The way to the connections.
    pub(crate) sockets: Sockets,
    _files: Files,
}

impl OpenSockets {
    /// Listens on all sockets and begins to accept the destination's connections.
    ///
    /// # Errors
    ///
    /// When a path cannot be used.
    pub(crate) fn open(channel: &DataChannel) -> Result<Self, ConnectorError> {
        let (listeners, files) = listeners::listen(&channel.paths)?;
        let sockets = Sockets::accept(listeners, &channel.paths, channel.wait);
        Ok(Self {
            sockets,
            _files: files,
        })
    }
}

impl Drop for OpenSockets {
    fn drop(&mut self) {
        self.sockets.close();
    }
}
