//! Primary keys, where the connector behind the catalog can be asked for them.
//!
//! Trino knows of no keys itself: not in `information_schema`, not in `system.jdbc`, and JDBC's
//! `getPrimaryKeys` is empty. Connectors with the table function `system.query` pass a query on
//! to their database, which knows them. Failing to get keys never fails `discover`: people may
//! set them in the connection.

use std::collections::HashMap;

use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::control;
use crate::trino::control::{ConnectorRow, KeyRow};
use crate::trino::error::{QueryError, TrinoError};

/// The connector behind a catalog; `None` where the user may not know it.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn connector(
    client: &Client,
    catalog: &str,
) -> Result<Option<String>, TrinoError> {
    let rows: Result<Vec<ConnectorRow>, _> =
        control::rows(client, &metadata::connector(catalog)).await;
    match rows {
        Ok(rows) => Ok(rows.into_iter().next().map(|row| row.connector_name)),
        Err(error) if error.query_error().is_some_and(QueryError::is_of_the_user) => {
            tracing::debug!(%error, "the connector behind the catalog is not known");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Key columns of the tables of a schema, in the order of the key.
pub(crate) async fn of_schema(
    client: &Client,
    connector: Option<&str>,
    catalog: &str,
    schema: &str,
) -> HashMap<String, Vec<String>> {
    let sql = connector.and_then(|connector| metadata::primary_keys(connector, catalog, schema));
    let Some(sql) = sql else {
        return HashMap::new();
    };
    match control::rows::<KeyRow>(client, &sql).await {
        Ok(rows) => grouped(rows),
        Err(error) => {
            tracing::warn!("the primary keys of schema {schema:?} are not known: {error}");
            HashMap::new()
        }
    }
}

fn grouped(mut rows: Vec<KeyRow>) -> HashMap<String, Vec<String>> {
    rows.sort_by_key(|row| row.key_position);
    let mut keys: HashMap<String, Vec<String>> = HashMap::new();
    for row in rows {
        // Trino's names are lower case, the database's may not be.
        keys.entry(row.table_name.to_lowercase())
            .or_default()
            .push(row.column_name.to_lowercase());
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_columns_keep_the_order_of_the_key() {
        let row = |table: &str, column: &str, key_position| KeyRow {
            table_name: table.into(),
            column_name: column.into(),
            key_position,
        };
        let keys = grouped(vec![row("T", "B", 2), row("T", "a", 1), row("u", "id", 1)]);
        assert_eq!(keys["t"], ["a", "b"]);
        assert_eq!(keys["u"], ["id"]);
    }
}
