//! Finds out whether the spooled protocol works from this machine, before the first row of a read.
//!
//! A server that spools sends links to a storage that this machine may not reach. After the first
//! row has left, it is too late to use the direct protocol instead, so one segment is downloaded
//! first.

use crate::config::FetchProtocol;
use crate::trino::error::TrinoError;
use crate::trino::http::transport::Extras;
use crate::trino::rows::Rows;
use crate::trino::wire::codec;
use crate::trino::{Client, statement};

/// A row of three megabytes, which compresses to a few kilobytes. It is so large because servers
/// send up to two megabytes inline even if they are told not to (seen on 476).
const SQL: &str = "SELECT rpad('', 3000000, 'x')";

/// Makes the server store the row instead of sending it inline.
const STORED: (&str, &str) = ("spooling_inlining_enabled", "false");

/// The protocol to read tables with: the configured one or, for `auto`, the one that works.
pub(crate) async fn settle(client: &Client, configured: FetchProtocol) -> FetchProtocol {
    if configured != FetchProtocol::Auto {
        return configured;
    }
    match stores_segments(client).await {
        Ok(true) => FetchProtocol::Auto,
        Ok(false) => FetchProtocol::Direct,
        Err(error @ TrinoError::Segment { .. }) => {
            tracing::warn!(
                "spooled results cannot be read from here, so rows are read direct: {error}"
            );
            FetchProtocol::Direct
        }
        Err(error) if error.is_session_property() => FetchProtocol::Direct,
        // The read itself will report what is wrong.
        Err(error) => {
            tracing::debug!(%error, "whether spooling works is not known");
            FetchProtocol::Auto
        }
    }
}

/// Tests the configured protocol; see [`Client::prove`].
pub(crate) async fn prove(client: &Client, configured: FetchProtocol) -> Result<(), TrinoError> {
    if configured != FetchProtocol::Spooled {
        settle(client, configured).await;
        return Ok(());
    }
    match stores_segments(client).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(TrinoError::NotSpooled),
        Err(error) if error.is_session_property() => Err(TrinoError::NotSpooled),
        Err(error) => Err(error),
    }
}

/// Whether rows come as stored segments. If the user may not set the session property, the query is
/// run without it; the row is larger than what servers usually send inline.
async fn stores_segments(client: &Client) -> Result<bool, TrinoError> {
    match fetch_one_row(client, Some(STORED)).await {
        Err(error) if error.is_denied() => fetch_one_row(client, None).await,
        answer => answer,
    }
}

/// Whether the row came as a stored segment.
async fn fetch_one_row(
    client: &Client,
    property: Option<(&'static str, &'static str)>,
) -> Result<bool, TrinoError> {
    let extras = Extras {
        encodings: Some(codec::ACCEPTED),
        property,
        bare: false,
    };
    let statement = statement::start(client, SQL, extras).await?;
    let mut rows = Rows::new(client.clone(), statement, FetchProtocol::Auto);
    let mut stored = false;
    while let Some(block) = rows.next().await? {
        stored |= block.is_stored();
        block.accept(client, 1)?;
    }
    Ok(stored)
}
