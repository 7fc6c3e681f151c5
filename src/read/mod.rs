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
pub(crate) mod context;
mod estimate;
mod full_refresh;
mod incremental;
mod lookup;
mod pin;
pub(crate) mod plan;
mod queries;
mod query;
pub(crate) mod runner;
mod slices;
mod slicing;
mod spread;
mod state;
mod status;
mod version;

use crate::config::Connection;
use crate::error::ConnectorError;
use crate::protocol::catalog::ConfiguredAirbyteCatalog;
use crate::protocol::state::InputState;
use crate::trino::Client;

/// Looks the configured streams up in Trino and plans how each is read.
///
/// # Errors
///
/// When the catalog is not usable at all, or Trino cannot be asked. What is wrong with one stream
/// is in its place of the result, so that the others go on.
pub(crate) async fn plan_streams(
    client: &Client,
    connection: &Connection,
    catalog: &ConfiguredAirbyteCatalog,
    state: &InputState,
) -> Result<Vec<plan::Planned>, ConnectorError> {
    let lookup = lookup::look_up(client, connection, catalog).await?;
    plan::plan_streams(connection, catalog, lookup, state)
}
