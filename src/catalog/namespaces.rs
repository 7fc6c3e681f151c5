//! Which catalogs exist, where the names of `schemas` and of namespaces depend on it.

use crate::config::{Connection, DottedName, Namespaces};
use crate::error::ConnectorError;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::control::{self, CatalogRow};
use crate::trino::error::TrinoError;

/// The namespaces of a configuration.
///
/// # Errors
///
/// As [`existing_catalogs`].
pub(crate) async fn find_namespaces(
    client: &Client,
    connection: &Connection,
) -> Result<Namespaces, ConnectorError> {
    let catalogs = existing_catalogs(client, connection).await?;
    Ok(connection.namespaces(&catalogs.unwrap_or_default()))
}

/// The catalogs that exist; `None` where no entry of `schemas` has a dot, so that nothing depends
/// on it, or where Trino does not tell this user.
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
    match control::rows::<CatalogRow>(client, metadata::CATALOGS).await {
        Ok(rows) => Ok(Some(rows.into_iter().map(|row| row.Catalog).collect())),
        Err(error) if is_denied(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_denied(error: &TrinoError) -> bool {
    let error = error.query_error();
    error.is_some_and(|error| error.error_name == "PERMISSION_DENIED")
}
