//! The statement protocol as bytes and words: nothing here sends or waits.
//!
//! | file | job |
//! |---|---|
//! | `page` | bytes of an answer → envelope and rows' bytes |
//! | `codec` | content of segments: bytes as stored → JSON text |
//! | `session`, `session_updates` | the `X-Trino-*` headers of every request, and what answers change of them |
//! | `query_error`, `query_failure` | the error of a query, as Trino tells it; which failures there are |

pub mod codec;
pub mod page;
pub(crate) mod query_error;
pub(crate) mod query_failure;
pub(crate) mod session;
pub(crate) mod session_updates;
