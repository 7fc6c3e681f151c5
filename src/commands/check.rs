//! `check`: one pass over everything that a read needs, on the transport that `read` uses.

use std::path::Path;

use serde_json::Value;

use super::{FAILED, checked, json};
use crate::config::Connection;
use crate::discover::schemas::{self, Schema};
use crate::discover::{privileges, queries, tables};
use crate::error::ConnectorError;
use crate::logging::scrub;
use crate::output::Output;
use crate::protocol::message::{ConnectionStatus, Log, LogLevel, Message, Status};
use crate::trino::{Client, Queries};

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

/// Reachability, TLS and version; credentials, catalog and schemas; a table that can be read.
async fn examine(connection: &Connection, queries: &Queries) -> Result<(), ConnectorError> {
    let client = Client::connect(connection, queries).await?;
    let schemas = schemas::resolve(&client, connection).await?;
    for query in &connection.queries {
        let columns = queries::columns(&client, query).await?;
        queries::describe(query, &columns)?;
    }
    let mut refusal = None;
    for Schema { catalog, name } in &schemas {
        let tables = tables::names(&client, catalog, name).await?;
        for table in tables.iter().take(TRIED) {
            match privileges::validate(&client, catalog, name, &[table]).await {
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
        .map(|schema| {
            format!(
                "\"{}\"",
                connection.namespace(&schema.catalog, &schema.name)
            )
        })
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
