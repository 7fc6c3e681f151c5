//! `check`: one pass over everything that a read needs, on the transport that `read` uses.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use super::{FAILED, checked, configuration};
use crate::amounts::amount;
use crate::catalog::fault::{self, Fault};
use crate::catalog::{keys, queries, tables};
use crate::cli::CheckArgs;
use crate::config::Connection;
use crate::discover::schemas::{self, Schema};
use crate::discover::{patterns, privileges};
use crate::error::ConnectorError;
use crate::near;
use crate::output::Output;
use crate::protocol::message::{ConnectionStatus, Log, LogLevel, Message, Status};
use crate::sql::ident::Table;
use crate::sql::keys::key_of_every_table;
use crate::sql::metadata;
use crate::terminal::{self, Kind, Reader};
use crate::titles::shown;
use crate::trino::answers::{NameRow, PropertyRow};
use crate::trino::control;
use crate::trino::error::TrinoError;
use crate::trino::{Client, Patience, Queries};

/// How many tables of a schema are tried at most, until a row of one can be read.
const ROWS_TRIED: usize = 100;

/// How long to wait for the row.
const ROW_PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(
    args: &CheckArgs,
    output: &Output,
    queries: &Queries,
) -> anyhow::Result<u8> {
    let config: Value = match configuration(&args.config.config).await {
        Ok(config) => config,
        // Nothing could be checked: this is the caller's mistake and not the configuration's.
        Err(error) => {
            terminal::tell(Kind::Error, &error.message);
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
        Ok(found) => {
            terminal::tell(Kind::Good, &found);
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
            terminal::tell(Kind::Error, &error.message);
            output.send(&failed(&error)).await?;
            if args.exit_code {
                return Ok(FAILED);
            }
        }
    }
    Ok(0)
}

fn failed(error: &ConnectorError) -> Message {
    let message = Some(shown(&error.message));
    Message::ConnectionStatus {
        connection_status: ConnectionStatus {
            status: Status::Failed,
            message,
        },
    }
}

/// Checks everything that a read needs: reachability, TLS and version; credentials, session,
/// catalog and schemas; a table that can be read, and the protocol by which its rows would come.
/// Returns what was found, in a few words.
async fn examine(connection: &Connection, queries: &Queries) -> Result<String, ConnectorError> {
    let client = Client::connect(connection, queries, Patience::CHECK).await?;
    session(&client, connection).await?;
    for query in &connection.queries {
        let columns = queries::columns(&client, query).await?;
        queries::describe(query, &columns)?;
    }
    let tables = readable_table(&client, connection).await?;
    client.prove(connection.fetch_protocol).await?;
    let server = &connection.server;
    let keys = if terminal::reader() == Reader::Person {
        keys(&client, connection).await
    } else {
        ""
    };
    Ok(format!(
        "Trino {} at {}:{}, user {}, {tables}{keys}",
        client.version(),
        server.host,
        server.port,
        connection.username
    ))
}

/// Whether primary keys are known, which only a person wants to hear. Nothing is said of keys that
/// could not be asked for.
async fn keys(client: &Client, connection: &Connection) -> &'static str {
    let (catalog, schema) = (&connection.catalog, &connection.schema);
    let Ok(Some(connector)) = keys::connector(client, catalog).await else {
        return "";
    };
    let connector = Some(connector.as_str());
    if !key_of_every_table(connector).is_empty() {
        return ", keys known";
    }
    match keys::primary_keys(client, connector, catalog, &[schema]).await {
        Ok(keys) if keys.is_empty() => ", no keys known",
        Ok(_) => ", keys known",
        Err(_) => "",
    }
}

/// Checks whether the server accepts the configured session. An unknown property is reported with
/// the most similar names that exist.
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
    if !error.is_session_property() {
        return Err(error.into());
    }
    // With the properties, this statement would fail as well. It only serves to make suggestions,
    // so its own error does not matter.
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

/// Checks whether there is a table that the user may read. A configured query that works is enough.
async fn readable_table(
    client: &Client,
    connection: &Connection,
) -> Result<String, ConnectorError> {
    let schemas = schemas::resolve(client, connection).await?;
    let mut chosen = patterns::chosen_names(client, connection, &schemas).await?;
    if !connection.queries.is_empty() {
        return Ok(match connection.queries.len() {
            1 => "1 query".to_owned(),
            several => format!("{several} queries"),
        });
    }
    let mut refusal = None;
    for schema in &schemas.chosen {
        let chosen = chosen
            .as_mut()
            .map(|names| names.remove(schema).unwrap_or_default());
        match one_readable(client, schema, chosen).await {
            Ok(None) => {}
            Ok(Some(Readable::Yes { total })) => {
                let Schema { catalog, name, .. } = schema;
                let more = match schemas.chosen.len() {
                    1 => String::new(),
                    several => format!(" and more in {}", amount(several - 1, "schema")),
                };
                return Ok(format!(
                    "{} in {catalog}.{name}{more}",
                    amount(total, "table")
                ));
            }
            Ok(Some(Readable::No(error))) => refusal = refusal.or(Some(error)),
            Err(error) => return Err(fault::ended(error)),
        }
    }
    Err(match refusal {
        None => patterns::no_table(connection, &schemas.chosen),
        Some(error) => {
            let list = schemas::list(&schemas.chosen);
            let catalog = &connection.catalog;
            let cure = fault::cure_of_listed_table(&error);
            let cause = ConnectorError::from(error);
            let reason = cause.message.trim_start_matches("Trino: ");
            ConnectorError {
                message: format!(
                    "None of the tables in {list} of the catalog \"{catalog}\" can be read: {reason}{cure}"
                ),
                ..cause
            }
        }
    })
}

/// Whether a table of a schema can be read, or else why the first one cannot be.
enum Readable {
    /// It can. So many tables does the schema have.
    Yes {
        total: usize,
    },
    No(TrinoError),
}

/// Whether one of the tables of a schema can be read, or one of those that are `chosen`; `None` if
/// there are none.
///
/// Tables are tried before views, because the first row of a view may take long. They are tried in
/// groups that grow: usually one statement is enough, and many unreadable tables do not need many
/// statements.
async fn one_readable(
    client: &Client,
    schema: &Schema,
    chosen: Option<Vec<String>>,
) -> Result<Option<Readable>, TrinoError> {
    let Schema { catalog, name, .. } = schema;
    let names = match chosen {
        Some(chosen) => chosen,
        None => tables::all_names(client, catalog, name).await?,
    };
    let names = tables_before_views(client, catalog, name, names).await?;
    let total = names.len();
    let mut names: &[String] = &names;
    let mut refusal = None;
    let mut size = 1;
    let mut rows_left = ROWS_TRIED;
    while !names.is_empty() && rows_left > 0 {
        let (group, rest) = names.split_at(size.min(names.len()));
        (names, size) = (rest, size * 10);
        let group: Vec<&str> = group.iter().map(String::as_str).collect();
        let (good, refused) = privileges::readable(client, catalog, name, &group).await?;
        refusal = refusal.or(refused.into_iter().next().map(|(_, error)| error));
        for table in group.into_iter().filter(|table| good.contains(table)) {
            if rows_left == 0 {
                break;
            }
            rows_left -= 1;
            let table = Table::new(catalog, name, table);
            match read_one_row(client, &table).await {
                Ok(()) => return Ok(Some(Readable::Yes { total })),
                Err(error) if fault::whose_fault(&error) == Fault::Server => return Err(error),
                // The database's error about a row says more than Trino's error about a name.
                Err(error) => refusal = Some(error),
            }
        }
    }
    Ok(refusal.map(Readable::No))
}

/// Reads a row of a table, because a database may refuse what Trino allows.
async fn read_one_row(client: &Client, table: &Table) -> Result<(), TrinoError> {
    let sql = metadata::one_row(table);
    let row = tokio::time::timeout(ROW_PATIENCE, control::columns(client, &sql)).await;
    match row {
        // A view over much data may take long. If Trino has begun to compute it, the user may read
        // it.
        Err(_) | Ok(Ok(_)) => Ok(()),
        // The table wants a condition in every query, and some reads have one.
        Ok(Err(error)) if error.is_named(&["QUERY_REJECTED"]) => Ok(()),
        Ok(Err(error)) => Err(error),
    }
}

/// The names of the tables of a schema, then those of its views, if they can be told apart.
async fn tables_before_views(
    client: &Client,
    catalog: &str,
    schema: &str,
    mut names: Vec<String>,
) -> Result<Vec<String>, TrinoError> {
    if names.len() < 2 {
        return Ok(names);
    }
    let sql = metadata::views(catalog, schema);
    let views: Vec<NameRow> = match control::rows(client, &sql).await {
        Err(error) if fault::whose_fault(&error) == Fault::Server => return Err(error),
        // It only decides the order, so an error does not matter.
        views => views.unwrap_or_default(),
    };
    let views: HashSet<String> = views.into_iter().map(|view| view.name).collect();
    names.sort_by_key(|name| views.contains(name));
    Ok(names)
}
