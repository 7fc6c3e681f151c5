//! Airbyte's messages as types, and the two documents that come from outside, read tolerantly: the
//! configured catalog and the state. No I/O.
//!
//! Source: `airbyte_protocol.yaml` 0.18. Objects read from outside ignore unknown keys, as the
//! protocol asks; objects written leave absent members out.

pub(crate) mod catalog;
pub(crate) mod configured;
pub(crate) mod message;
pub(crate) mod state;
