//! `discover`: all streams, or, for people, a configured catalog ready to be read.

use crate::cli::DiscoverArgs;
use crate::discover::{near, stream};
use crate::error::ConnectorError;
use crate::output::Output;
use crate::protocol::catalog::{AirbyteCatalog, AirbyteStream};
use crate::protocol::message::Message;
use crate::trino::{Client, Queries};

pub(super) async fn run(
    args: &DiscoverArgs,
    output: &Output,
    queries: &Queries,
) -> anyhow::Result<u8> {
    let connection = super::connection(&args.config.config).await?;
    let client = Client::connect(&connection, queries)
        .await
        .map_err(ConnectorError::from)?;
    let streams = crate::discover::streams(&client, &connection).await?;
    if args.configured {
        let chosen = choose(streams, &args.streams)?;
        let catalog = stream::configured(chosen, args.sync_mode.into(), args.cursor.as_deref());
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

/// The streams named `wanted`, in that order; all when none is named.
fn choose(
    streams: Vec<AirbyteStream>,
    wanted: &[String],
) -> Result<Vec<AirbyteStream>, ConnectorError> {
    if wanted.is_empty() {
        return Ok(streams);
    }
    let full = |stream: &AirbyteStream| match &stream.namespace {
        Some(namespace) => format!("{namespace}.{}", stream.name),
        None => stream.name.clone(),
    };
    let mut chosen = Vec::new();
    for name in wanted {
        let found: Vec<&AirbyteStream> = streams
            .iter()
            .filter(|s| s.name == *name || full(s) == *name)
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
