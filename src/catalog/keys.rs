//! The connectors behind catalogs, and the primary keys of tables, if the connector tells them.
//!
//! Trino itself knows no keys: they are neither in `information_schema` nor in `system.jdbc`, and
//! JDBC's `getPrimaryKeys` is empty. But connectors with the table function `system.query` pass a
//! query on to their database, which knows its keys. If the user has no right to do that,
//! `discover` goes on without keys, because people can set keys in the connection. If the database
//! fails for a moment, `discover` fails, because otherwise the streams would lose their keys.

use std::collections::HashMap;

use super::patience::patiently;
use crate::amounts::amount;
use crate::sql::keys::key_queries;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::answers::{ConnectorRow, KeyRow};
use crate::trino::control;
use crate::trino::error::TrinoError;

/// The connector behind a catalog. `None` if the user may not know it (then there is a WARN), and
/// on servers such as 352, which list catalogs without their connectors.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn connector(
    client: &Client,
    catalog: &str,
) -> Result<Option<String>, TrinoError> {
    let sql = metadata::connector(catalog);
    let rows: Result<Vec<ConnectorRow>, _> = patiently(|| control::rows(client, &sql)).await;
    let reason = match rows {
        Ok(rows) => match rows.into_iter().next() {
            Some(row) => return Ok(Some(row.connector_name)),
            None => "system.metadata.catalogs does not list it".to_owned(),
        },
        Err(error) if error.is_denied() => error.to_string(),
        Err(error) if error.is_named(&["COLUMN_NOT_FOUND"]) => {
            // Only the list of the columns proves that the server does not tell connectors.
            let columns =
                patiently(|| control::columns(client, metadata::CATALOGS_AS_LISTED)).await?;
            if columns.iter().any(|column| column.name == "connector_name") {
                return Err(error);
            }
            tracing::debug!(%error, "this server does not list the connectors of its catalogs");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    tracing::warn!(
        "the connector behind the catalog \"{catalog}\" is not known ({reason}). So primary keys are \
         not found, tables of databases are read with one query each, and every table is asked \
         whether it keeps versions. Check the catalog's name. Grant the user SELECT on \
         system.metadata.catalogs."
    );
    Ok(None)
}

/// The key columns of the tables of a schema, by the tables' names and in the order of the key.
pub(crate) type Keys = HashMap<String, Vec<String>>;

/// How many schemas one statement asks about.
const SCHEMAS_PER_QUERY: usize = 1000;

/// The keys in some schemas, by the schemas' names. If they are refused for good, there is a WARN
/// and the result is empty.
///
/// # Errors
///
/// When the keys cannot be found out for a reason that may pass.
pub(crate) async fn primary_keys(
    client: &Client,
    connector: Option<&str>,
    catalog: &str,
    schemas: &[&str],
) -> Result<HashMap<String, Keys>, TrinoError> {
    let mut found = HashMap::new();
    for group in schemas.chunks(SCHEMAS_PER_QUERY) {
        found.extend(keys_of_group(client, connector, catalog, group).await?);
    }
    Ok(found)
}

async fn keys_of_group(
    client: &Client,
    connector: Option<&str>,
    catalog: &str,
    schemas: &[&str],
) -> Result<HashMap<String, Keys>, TrinoError> {
    let queries = connector.and_then(|connector| key_queries(connector, catalog, schemas));
    let Some(queries) = queries else {
        return Ok(HashMap::new());
    };
    let error = match patiently(|| control::rows::<KeyRow>(client, &queries.keys)).await {
        Ok(rows) => return Ok(grouped(rows)),
        Err(error) => error,
    };
    let unknown = not_known(schemas, &error);
    if error.is_named(&["FUNCTION_NOT_FOUND", "PERMISSION_DENIED"]) {
        tracing::warn!(
            "{unknown}. Grant the user EXECUTE on the table function \"{catalog}\".system.query, or \
             set the keys in the connection."
        );
        return Ok(HashMap::new());
    }
    // If the database answers another query but not this one, its metadata tables are different
    // ones.
    if error.may_be_of_the_table() && control::columns(client, &queries.probe).await.is_ok() {
        return match control::rows::<KeyRow>(client, &queries.keys).await {
            Ok(rows) => Ok(grouped(rows)),
            Err(_) if control::columns(client, &queries.probe).await.is_ok() => {
                tracing::warn!("{unknown}. Set them in the connection.");
                Ok(HashMap::new())
            }
            Err(error) => Err(error),
        };
    }
    Err(error)
}

/// As [`primary_keys`], but without keys after any error. For callers that can do without keys.
pub(crate) async fn primary_keys_if_known(
    client: &Client,
    connector: Option<&str>,
    catalog: &str,
    schema: &str,
) -> Keys {
    match primary_keys(client, connector, catalog, &[schema]).await {
        Ok(mut keys) => keys.remove(schema).unwrap_or_default(),
        Err(error) => {
            tracing::warn!("{}", not_known(&[schema], &error));
            HashMap::new()
        }
    }
}

fn not_known(schemas: &[&str], error: &TrinoError) -> String {
    let schemas = match schemas {
        [only] => format!("schema {only:?}"),
        several => amount(several.len(), "schema"),
    };
    format!("the primary keys of {schemas} are not known: {error}")
}

fn grouped(mut rows: Vec<KeyRow>) -> HashMap<String, Keys> {
    rows.sort_by_key(|row| row.key_position);
    let mut keys: HashMap<String, Keys> = HashMap::new();
    for row in rows {
        // Trino's names are in lower case, but the database's may not be.
        keys.entry(row.table_schema)
            .or_default()
            .entry(row.table_name.to_lowercase())
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
            table_schema: "s".into(),
            table_name: table.into(),
            column_name: column.into(),
            key_position,
        };
        let keys = grouped(vec![row("T", "B", 2), row("T", "a", 1), row("u", "id", 1)]);
        assert_eq!(keys["s"]["t"], ["a", "b"]);
        assert_eq!(keys["s"]["u"], ["id"]);
    }
}
