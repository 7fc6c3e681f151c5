//! Finds out which catalogs exist, because the meaning of a name with dots depends on it.

use crate::config::{Connection, DottedName, Namespaces};
use crate::error::ConnectorError;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::answers::CatalogRow;
use crate::trino::control;

/// The namespaces of a configuration, for the catalogs that exist: those of streams may have dots,
/// whatever `schemas` has.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn find_namespaces(
    client: &Client,
    connection: &Connection,
) -> Result<Namespaces, ConnectorError> {
    let catalogs = listed_catalogs(client).await?;
    Ok(connection.namespaces(&catalogs.unwrap_or_default()))
}

/// The catalogs that exist. `None` if no entry of `schemas` has a dot, because then nothing depends
/// on them, and if Trino does not tell this user.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn existing_catalogs(
    client: &Client,
    connection: &Connection,
) -> Result<Option<Vec<String>>, ConnectorError> {
    if !connection.schemas.iter().any(DottedName::has_parts) {
        return Ok(None);
    }
    listed_catalogs(client).await
}

async fn listed_catalogs(client: &Client) -> Result<Option<Vec<String>>, ConnectorError> {
    match control::rows::<CatalogRow>(client, metadata::CATALOGS).await {
        Ok(rows) => Ok(Some(rows.into_iter().map(|row| row.Catalog).collect())),
        Err(error) if error.is_denied() => Ok(None),
        Err(error) => Err(error.into()),
    }
}
