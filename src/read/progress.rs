//! How far a read of several slices is.

use serde::{Deserialize, Serialize};

use super::slices::Slices;

/// A read of several slices that is under way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// All slices.
    pub(crate) slices: Slices,
    /// The numbers of those whose rows are written, sorted.
    pub(crate) done: Vec<u32>,
}

impl Progress {
    /// Notes that a slice is finished.
    pub(crate) fn finish(&mut self, slice: u32) {
        if let Err(at) = self.done.binary_search(&slice) {
            self.done.insert(at, slice);
        }
    }

    /// Whether a slice is finished.
    pub(crate) fn is_done(&self, slice: u32) -> bool {
        self.done.binary_search(&slice).is_ok()
    }
}
