//! Whether the spooled protocol works from here, found out before the first row of a read.
//!
//! A server that spools hands out links to a storage that this machine may not reach. Once rows
//! have left there is no way back to the direct protocol, so one segment is fetched first.

use super::error::TrinoError;
use super::rows::Rows;
use super::{Client, codec, statement};
use crate::config::FetchProtocol;

/// A row of three megabytes, a few kilobytes compressed: servers send up to two megabytes inline
/// even when told not to (seen on 476).
const SQL: &str = "SELECT rpad('', 3000000, 'x')";

/// Makes the server store the row instead of sending it inline.
const STORED: (&str, &str) = ("spooling_inlining_enabled", "false");

/// The protocol to read tables with: what is configured, or, for `auto`, what works.
pub(super) async fn settle(client: &Client, configured: FetchProtocol) -> FetchProtocol {
    if configured != FetchProtocol::Auto {
        return configured;
    }
    match fetch_one_row(client).await {
        Ok(true) => FetchProtocol::Auto,
        Ok(false) => FetchProtocol::Direct,
        Err(error @ TrinoError::Segment { .. }) => {
            tracing::warn!(
                "spooled results cannot be read from here, so rows are read direct: {error}"
            );
            FetchProtocol::Direct
        }
        Err(error)
            if error
                .query_error()
                .is_some_and(|e| e.error_name == "INVALID_SESSION_PROPERTY") =>
        {
            FetchProtocol::Direct
        }
        // The read itself will say what is wrong.
        Err(error) => {
            tracing::debug!(%error, "whether spooling works is not known");
            FetchProtocol::Auto
        }
    }
}

/// Whether the row came by way of a stored segment.
async fn fetch_one_row(client: &Client) -> Result<bool, TrinoError> {
    let statement = statement::start(client, SQL, Some(codec::ACCEPTED), Some(STORED)).await?;
    let mut rows = Rows::new(client.clone(), statement, FetchProtocol::Auto);
    let mut stored = false;
    while let Some(block) = rows.next().await? {
        stored |= block.is_stored();
        block.accept(client, 1)?;
    }
    Ok(stored)
}
