//! Reading the streams of a configured catalog.
//!
//! | file | job |
//! |---|---|
//! | `plan` | configured catalog → what is read of each stream, and how |
//! | `runner` | several streams at once, with their statuses |
//! | `full_refresh`, `incremental`, `changes` | one stream in one mode: state in, queries and states out |
//! | `slices` | asks Trino how a big table can be cut |
//! | `cuts`, `spread` | the slices themselves, as a state keeps them; values between two others (pure) |
//! | `parts` | several queries of a stream at once, a STATE after each |
//! | `slice` | one query: its blocks of rows encoded one after the other |
//! | `boundary` | rows at the cursor's boundary: which were sent, which came late |
//! | `state` | what a STATE holds |
//! | `version` | the version of a table that a read is pinned to |
//! | `status`, `estimate` | the messages around the records |

mod boundary;
mod changes;
mod cuts;
mod estimate;
mod full_refresh;
mod incremental;
mod parts;
pub mod plan;
pub mod runner;
mod slice;
mod slices;
mod spread;
mod state;
mod status;
mod version;
