//! `check`: one pass over everything that a read needs, on the transport that `read` uses.

use std::path::Path;

use serde_json::Value;

use super::{FAILED, checked, json};
use crate::catalog::{queries, tables};
use crate::config::Connection;
use crate::discover::schemas::{self, Schema};
use crate::discover::{near, privileges};
use crate::error::ConnectorError;
use crate::output::Output;
use crate::protocol::message::{ConnectionStatus, Log, LogLevel, Message, Status};
use crate::secrets::scrub;
use crate::trino::control::{self, PropertyRow};
use crate::trino::error::TrinoError;
use crate::trino::{Client, Patience, Queries};

/// Tables that are tried until one can be read.
const TRIED: usize = 25;

pub(super) async fn run(path: &Path, output: &Output, queries: &Queries) -> anyhow::Result<u8> {
    let config: Value = match json(path, "configuration").await {
        Ok(config) => config,
        // Nothing could be checked at all: the caller's mistake, not the configuration's.
        Err(error) => {
            output.send(&error.trace()).await?;
            output.send(&failed(&error)).await?;
            return Ok(FAILED);
        }
    };
    let result = match checked(&config) {
        Ok(connection) => examine(&connection, queries).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => {
            let message = "Check succeeded".to_owned();
            output
                .send(&Message::Log {
                    log: Log {
                        level: LogLevel::Info,
                        message,
                    },
                })
                .await?;
            let connection_status = ConnectionStatus {
                status: Status::Succeeded,
                message: None,
            };
            output
                .send(&Message::ConnectionStatus { connection_status })
                .await?;
        }
        Err(error) => {
            if let Some(detail) = &error.detail {
                tracing::debug!("{detail}");
            }
            output.send(&failed(&error)).await?;
        }
    }
    Ok(0)
}

fn failed(error: &ConnectorError) -> Message {
    let message = Some(scrub(error.message.clone()));
    Message::ConnectionStatus {
        connection_status: ConnectionStatus {
            status: Status::Failed,
            message,
        },
    }
}

/// Reachability, TLS and version; credentials and session, catalog and schemas; a table that can
/// be read, and the way in which its rows would come.
async fn examine(connection: &Connection, queries: &Queries) -> Result<(), ConnectorError> {
    let client = Client::connect(connection, queries, Patience::CHECK).await?;
    session(&client, connection).await?;
    for query in &connection.queries {
        let columns = queries::columns(&client, query).await?;
        queries::describe(query, &columns)?;
    }
    readable_table(&client, connection).await?;
    client.prove(connection.fetch_protocol).await?;
    Ok(())
}

/// Whether the server takes the session as it is configured; an unknown property is reported
/// with the names that are most like it.
async fn session(client: &Client, connection: &Connection) -> Result<(), ConnectorError> {
    let grants = &connection.grants;
    if connection.session_properties.is_empty()
        && grants.session_user.is_none()
        && grants.roles.is_empty()
    {
        return Ok(());
    }
    let Err(error) = control::columns(client, "SELECT 1").await else {
        return Ok(());
    };
    if !is_session_property(&error) {
        return Err(error.into());
    }
    // With the properties, this would fail as well. What it says of those that it lists is no
    // more than help: an error of its own does not count.
    let known: Vec<PropertyRow> = control::rows_bare(client, "SHOW SESSION")
        .await
        .unwrap_or_default();
    let known: Vec<String> = known.into_iter().map(|row| row.Name).collect();
    let unknown = connection
        .session_properties
        .iter()
        .map(|(name, _)| name)
        .find(|name| !known.contains(name));
    let cause = ConnectorError::from(error);
    Err(match unknown {
        Some(unknown) if !known.is_empty() => ConnectorError {
            message: format!("{} {}", cause.message, near::hint(unknown, &known)),
            ..cause
        },
        _ => cause,
    })
}

fn is_session_property(error: &TrinoError) -> bool {
    let error = error.query_error();
    error.is_some_and(|error| error.error_name == "INVALID_SESSION_PROPERTY")
}

/// Whether there is a table that the user may read.
async fn readable_table(client: &Client, connection: &Connection) -> Result<(), ConnectorError> {
    let schemas = schemas::resolve(client, connection).await?;
    let mut refusal = None;
    for Schema { catalog, name, .. } in &schemas {
        let tables = tables::names(client, catalog, name).await?;
        for table in tables.iter().take(TRIED) {
            match privileges::validate(client, catalog, name, &[table]).await {
                Ok(()) => return Ok(()),
                Err(error) if error.query_error().is_none() => return Err(error.into()),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
    }
    if refusal.is_none() && !connection.queries.is_empty() {
        return Ok(());
    }
    let catalog = &connection.catalog;
    let list = schemas
        .iter()
        .map(|schema| format!("\"{}\"", schema.namespace))
        .collect::<Vec<_>>()
        .join(", ");
    Err(match refusal {
        None => ConnectorError::config(format!(
            "The user sees no table in {list} of the catalog \"{catalog}\". Check \"schema\", or \
             grant the user SELECT on a table."
        )),
        Some(error) => {
            let cause = ConnectorError::from(error);
            ConnectorError {
                message: format!(
                    "None of the tables in {list} of the catalog \"{catalog}\" can be read. {}",
                    cause.message
                ),
                ..cause
            }
        }
    })
}
