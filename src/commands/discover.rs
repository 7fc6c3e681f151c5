//! `discover`: writes all streams or, with `--configured`, a configured catalog that `read` takes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::amounts;
use crate::cli::DiscoverArgs;
use crate::discover::stream;
use crate::error::ConnectorError;
use crate::near;
use crate::output::Output;
use crate::protocol::catalog::{AirbyteCatalog, AirbyteStream, SyncMode};
use crate::protocol::configured::ConfiguredAirbyteCatalog;
use crate::protocol::message::Message;
use crate::terminal::table::{self, Column};
use crate::terminal::{self, Reader};
use crate::trino::{Client, Patience, Queries};

/// How many cursors of a stream are shown.
const CURSORS: usize = 4;

/// How many streams a warning names.
const NAMED: usize = 5;

pub(super) async fn run(
    args: &DiscoverArgs,
    output: &Output,
    queries: &Queries,
) -> anyhow::Result<u8> {
    let named = args.streams.iter().map(|name| name.trim());
    let named: Vec<&str> = named.filter(|name| !name.is_empty()).collect();
    if named.is_empty() && !args.streams.is_empty() {
        return Err(ConnectorError::config(
            "--streams names no stream. Name one, or leave the option out for all streams.",
        )
        .into());
    }
    let connection = super::connection(&args.config.config).await?;
    let client = Client::connect(&connection, queries, Patience::DISCOVER)
        .await
        .map_err(ConnectorError::from)?;
    let streams = crate::discover::streams(&client, &connection).await?;
    if args.configured {
        let chosen = choose(streams, &named)?;
        let cursor = args.cursor.as_deref().map(str::trim);
        let cursors = match cursor {
            Some(cursor) => cursors(&chosen, cursor, !named.is_empty())?,
            None => vec![None; chosen.len()],
        };
        let configured = chosen
            .into_iter()
            .zip(cursors)
            .flat_map(|(stream, cursor)| {
                stream::configured([stream], args.sync_mode(), cursor.as_deref()).streams
            });
        let catalog = ConfiguredAirbyteCatalog {
            streams: configured.collect(),
            problems: Vec::new(),
            hints: Vec::new(),
        };
        let mut text = serde_json::to_vec_pretty(&catalog)?;
        text.push(b'\n');
        output.send_lines(text).await?;
    } else if terminal::reader() == Reader::Instead {
        let mut text = table(&streams).into_bytes();
        text.push(b'\n');
        output.send_lines(text).await?;
    } else {
        output
            .send(&Message::Catalog {
                catalog: AirbyteCatalog { streams },
            })
            .await?;
    }
    Ok(0)
}

/// The streams as a table for a person at a terminal.
fn table(streams: &[AirbyteStream]) -> String {
    let columns = [
        Column::Text("stream"),
        Column::Number("columns"),
        Column::Text("key"),
        Column::Text("possible cursors"),
        Column::Text("sync modes"),
    ];
    let rows = streams.iter().map(|stream| {
        let properties = stream.json_schema["properties"].as_object();
        let names = properties.into_iter().flatten();
        let cursor = stream.default_cursor_field.iter().flatten();
        let cursors: Vec<&str> = if stream.default_cursor_field.is_some() {
            cursor.map(String::as_str).collect()
        } else {
            let rising = names.filter(|(_, schema)| can_rise(schema));
            rising.map(|(name, _)| name.as_str()).collect()
        };
        let shown = cursors.len().min(CURSORS);
        let more = if cursors.len() > shown { ", …" } else { "" };
        let key = stream.source_defined_primary_key.iter().flatten();
        let key: Vec<&str> = key.map(String::as_str).collect();
        let modes = stream.supported_sync_modes.iter().map(|mode| match mode {
            SyncMode::FullRefresh => "full refresh",
            SyncMode::Incremental => "incremental",
        });
        vec![
            full(stream),
            properties.map_or(0, serde_json::Map::len).to_string(),
            key.join(", "),
            format!("{}{more}", cursors[..shown].join(", ")),
            modes.collect::<Vec<_>>().join(", "),
        ]
    });
    table::lines(&columns, rows)
}

/// Whether the values of a column of this schema usually rise: dates, times and whole numbers. A
/// text can be a cursor as well, but seldom is.
fn can_rise(schema: &Value) -> bool {
    let is = |member: &str, value: &str| schema[member] == value;
    is("airbyte_type", "integer") || is("format", "date") || is("format", "date-time")
}

/// The name of a stream with its namespace.
fn full(stream: &AirbyteStream) -> String {
    match &stream.namespace {
        Some(namespace) => format!("{namespace}.{}", stream.name),
        None => stream.name.clone(),
    }
}

/// The cursor of each stream: its column with the given name. A cursor that the source defines
/// takes precedence.
///
/// # Errors
///
/// When a stream has no such column although a person has `named` the stream.
fn cursors(
    streams: &[AirbyteStream],
    cursor: &str,
    named: bool,
) -> Result<Vec<Option<String>>, ConnectorError> {
    let mut without = Vec::new();
    let mut cursors = Vec::with_capacity(streams.len());
    for stream in streams {
        let columns = &stream.json_schema["properties"];
        // Trino's names are in lower case, but people may write capital letters.
        let spellings = [cursor.to_owned(), cursor.to_lowercase()];
        let column = spellings.into_iter().find(|name| !columns[name].is_null());
        if column.is_none() && stream.default_cursor_field.is_none() {
            let name = full(stream);
            if named {
                let columns = columns.as_object().into_iter().flatten();
                let columns: Vec<String> = columns.map(|(column, _)| column.clone()).collect();
                return Err(ConnectorError::config(format!(
                    "The stream \"{name}\" has no column \"{cursor}\" for --cursor. {}",
                    near::hint(cursor, &columns)
                )));
            }
            without.push(name);
        }
        cursors.push(column);
    }
    if !without.is_empty() {
        tracing::warn!(
            "{} of {} streams have no column \"{cursor}\" for --cursor and are read whole: {}",
            without.len(),
            streams.len(),
            amounts::names(&without, NAMED)
        );
    }
    Ok(cursors)
}

/// The streams named `wanted`, in that order; all when none is named.
fn choose(
    streams: Vec<AirbyteStream>,
    wanted: &[&str],
) -> Result<Vec<AirbyteStream>, ConnectorError> {
    if wanted.is_empty() {
        return Ok(streams);
    }
    let mut chosen: Vec<AirbyteStream> = Vec::new();
    for name in wanted {
        let found: Vec<&AirbyteStream> = streams
            .iter()
            .filter(|s| s.name == **name || full(s) == **name)
            .collect();
        match found.as_slice() {
            // A stream that is named in two ways is one.
            [stream] if chosen.iter().any(|chosen| full(chosen) == full(stream)) => {}
            [stream] => chosen.push((*stream).clone()),
            [] => return Err(no_stream(name, &streams)),
            many => {
                let names: Vec<String> = many.iter().map(|s| full(s)).collect();
                return Err(ConnectorError::config(format!(
                    "\"{name}\" is ambiguous: say which of {}.",
                    names.join(", ")
                )));
            }
        }
    }
    Ok(chosen)
}

/// The error for a name that no stream has.
fn no_stream(name: &str, streams: &[AirbyteStream]) -> ConnectorError {
    let existing: BTreeSet<String> = if name.contains('.') {
        streams.iter().map(full).collect()
    } else {
        streams.iter().map(|stream| stream.name.clone()).collect()
    };
    let existing: Vec<String> = existing.into_iter().collect();
    let hint = near::hint(name, &existing);
    let pattern = if name.contains('*') {
        " --streams takes no patterns; ‹table_patterns› does."
    } else {
        ""
    };
    ConnectorError::config(format!("There is no stream \"{name}\". {hint}{pattern}"))
}
