//! `discover`: writes all streams or, with `--configured`, a configured catalog that `read` takes.

use crate::cli::DiscoverArgs;
use crate::discover::{near, stream};
use crate::error::ConnectorError;
use crate::output::Output;
use crate::protocol::catalog::{AirbyteCatalog, AirbyteStream};
use crate::protocol::configured::ConfiguredAirbyteCatalog;
use crate::protocol::message::Message;
use crate::trino::{Client, Patience, Queries};

/// How many streams a warning names.
const NAMED: usize = 5;

pub(super) async fn run(
    args: &DiscoverArgs,
    output: &Output,
    queries: &Queries,
) -> anyhow::Result<u8> {
    let connection = super::connection(&args.config.config).await?;
    let client = Client::connect(&connection, queries, Patience::DISCOVER)
        .await
        .map_err(ConnectorError::from)?;
    let streams = crate::discover::streams(&client, &connection).await?;
    if args.configured {
        let named: Vec<&str> = args.streams.iter().map(|name| name.trim()).collect();
        let named: Vec<&str> = named.into_iter().filter(|name| !name.is_empty()).collect();
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
        };
        let mut text = serde_json::to_vec_pretty(&catalog)?;
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
        let more = if without.len() > NAMED { ", …" } else { "" };
        let count = without.len();
        without.truncate(NAMED);
        tracing::warn!(
            "{count} of {} streams have no column \"{cursor}\" for --cursor and are read whole: {}{more}",
            streams.len(),
            without.join(", ")
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
    let mut chosen = Vec::new();
    for name in wanted {
        let found: Vec<&AirbyteStream> = streams
            .iter()
            .filter(|s| s.name == **name || full(s) == **name)
            .collect();
        match found.as_slice() {
            [stream] => chosen.push((*stream).clone()),
            [] => {
                let names: Vec<String> = streams.iter().map(|s| s.name.clone()).collect();
                return Err(ConnectorError::config(format!(
                    "There is no stream \"{name}\". {}",
                    near::hint(name, &names)
                )));
            }
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
