//! Reading the streams of a configured catalog.
//!
//! | file | job |
//! |---|---|
//! | `lookup` | asks Trino what is behind each stream |
//! | `plan` | what is behind a stream, its configuration and its state → how it is read |
//! | `runner` | several streams at once, with their statuses |
//! | `full_refresh`, `incremental`, `changes` | one stream in one mode: state in, queries and states out |
//! | `context` | what every stream's read needs, what its queries share, why it ends early |
//! | `channel`, `partition` | the sockets of the speed mode; the records of a query, and their STATE |
//! | `column_order` | the order of columns that the format of the records wants |
//! | `row_encoder` | writes the rows of a query: as JSON or Protobuf |
//! | `query`, `queries` | one query: its blocks of rows encoded one after the other; several of a stream at once |
//! | `slicing` | asks Trino how a big table can be cut |
//! | `hive_partitions` | the same for a Hive table, by its partitions |
//! | `slices`, `spread` | the slices as a state keeps them; values between two others |
//! | `position`, `cursor_limit` | how far a cursor has come; how its values lie to the present |
//! | `cursor_slices` | the slices of a sync by cursor |
//! | `source_values` | whether the source compares other values of a cursor than Trino shows |
//! | `boundary` | rows at the cursor's boundary: which were sent, which are new |
//! | `state`, `cursor_state`, `changes_state`, `progress` | what a STATE holds |
//! | `safe_text` | texts of a state without control characters |
//! | `wrong_state` | the error for a cursor in a state that is no value of its column |
//! | `version`, `pin` | a version of a table; the one that a read is pinned to |
//! | `listing`, `lost_version` | asks Trino which versions a table has; proves that a version is lost |
//! | `columns` | asks Trino which columns a version of an Iceberg table has |
//! | `restart` | whether a stream may begin anew when its version is gone |
//! | `status`, `estimate` | the messages around the records |
//! | `failures` | tells the errors of streams, so that many alike do not hide another |

mod boundary;
mod changes;
mod changes_state;
pub(crate) mod channel;
mod column_order;
mod columns;
pub(crate) mod context;
mod cursor_limit;
mod cursor_slices;
mod cursor_state;
mod estimate;
pub(crate) mod failures;
mod full_refresh;
mod hive_partitions;
mod incremental;
mod listing;
mod lookup;
mod lost_version;
mod partition;
mod pin;
pub(crate) mod plan;
mod position;
mod progress;
mod queries;
mod query;
mod restart;
mod row_encoder;
pub(crate) mod runner;
mod safe_text;
mod slices;
mod slicing;
mod source_values;
mod spread;
mod state;
mod status;
#[cfg(test)]
mod test_inputs;
mod version;
mod wrong_state;

use crate::config::Connection;
use crate::error::ConnectorError;
use crate::protocol::configured::ConfiguredAirbyteCatalog;
use crate::protocol::state::InputState;
use crate::trino::Client;

/// Looks the configured streams up in Trino and plans how each is read.
///
/// # Errors
///
/// When the catalog is not usable at all, or Trino cannot be asked. An error of one stream is in
/// its place of the result, so that the other streams go on.
pub(crate) async fn plan_streams(
    client: &Client,
    connection: &Connection,
    catalog: &ConfiguredAirbyteCatalog,
    state: &InputState,
) -> Result<Vec<plan::Planned>, ConnectorError> {
    let lookup = lookup::look_up(client, connection, catalog).await?;
    plan::plan_streams(connection, catalog, lookup, state)
}
