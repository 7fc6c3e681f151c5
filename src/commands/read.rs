//! `read`: the records of the configured streams.

use std::sync::Arc;

use super::states;
use crate::amounts::amount;
use crate::cli::ReadArgs;
use crate::error::ConnectorError;
use crate::output::{Closed, Output};
use crate::protocol::configured::ConfiguredAirbyteCatalog;
use crate::protocol::state::InputState;
use crate::read::channel::Channel;
use crate::read::context::Context;
use crate::read::plan::Planned;
use crate::read::runner::Summary;
use crate::read::{self, runner};
use crate::sockets::OpenSockets;
use crate::sockets::environment::DataChannel;
use crate::terminal::progress::Progress;
use crate::terminal::{self, Kind};
use crate::trino::{Client, Patience, Queries};

/// The most queries at once that can be configured.
const MOST_CONCURRENCY: usize = 64;

pub(super) async fn run(args: &ReadArgs, output: &Output, queries: &Queries) -> anyhow::Result<u8> {
    let channel = DataChannel::from_environment(variable)?;
    let mut connection = super::connection(&args.config.config).await?;
    let catalog: ConfiguredAirbyteCatalog = super::json(&args.catalog, "configured catalog")
        .await
        .map_err(hint_at_discover)?;
    let input = states::input(args, &catalog.descriptors()).await?;
    note_state(&input.state, &catalog);
    let keeps_states = input.file.is_some();
    if let Some(file) = input.file {
        output.keep_states(file).await?;
    }
    // Before Trino is asked for anything: the destination may be looking for the sockets already.
    let open = match &channel {
        None => None,
        Some(channel) => {
            let sockets = channel.paths.len();
            if connection.concurrency.is_none() {
                connection.concurrency = Some(sockets.clamp(1, MOST_CONCURRENCY));
            }
            tracing::info!(
                "speed mode: records go over {} as {}, with a concurrency of {}",
                amount(sockets, "socket"),
                channel.format,
                connection.concurrency()
            );
            Some(OpenSockets::open(channel)?)
        }
    };
    let channel = channel.zip(open.as_ref()).map(|(channel, open)| Channel {
        sockets: open.sockets.clone(),
        format: channel.format,
    });
    for hint in &catalog.hints {
        tracing::warn!("{hint}");
    }
    if catalog.streams.is_empty() && catalog.problems.is_empty() {
        tracing::warn!("the configured catalog has no streams, so nothing is read");
    }
    let client = Client::connect(&connection, queries, Patience::READ)
        .await
        .map_err(ConnectorError::from)?;
    // Side by side, because each of the two takes as long as a small stream.
    let (plans, fetch_protocol) = tokio::try_join!(
        read::plan_streams(&client, &connection, &catalog, &input.state),
        async { Ok(client.settle(connection.fetch_protocol).await) }
    )?;
    let progress = Progress::new(plans.len(), args.progress);
    let context = Context {
        client,
        output: output.clone(),
        channel,
        fetch_protocol,
        connection: Arc::new(connection),
        progress: progress.clone(),
    };
    let summary = run_and_deliver(&context, plans).await?;
    if keeps_states {
        output.all_written().await?;
    }
    if let (Some(path), Some(error)) = (&args.state_file, output.state_error()) {
        return Err(states::not_kept(path, error).into());
    }
    progress.end();
    let nameless = catalog
        .problems
        .iter()
        .filter(|problem| problem.stream.is_none());
    let nameless: Vec<ConnectorError> = nameless
        .map(|problem| ConnectorError::config(format!("{problem}.")))
        .collect();
    // These come last, because the first error of a sync decides whether the platform tries again.
    for error in &nameless {
        terminal::tell(Kind::Error, &error.message);
        output.send(&error.trace()).await?;
    }
    let failed = summary.failed + nameless.len();
    tracing::info!(
        "read {} of {}; {} failed",
        amount(summary.records, "record"),
        amount(summary.complete, "stream"),
        if failed == 0 {
            "none".to_owned()
        } else {
            failed.to_string()
        }
    );
    Ok(if failed == 0 { 0 } else { super::FAILED })
}

/// Reads all streams and, in the speed mode, waits until the destination has everything.
async fn run_and_deliver(context: &Context, plans: Vec<Planned>) -> anyhow::Result<Summary> {
    let Some(Channel { sockets, .. }) = &context.channel else {
        return Ok(runner::run(context, plans).await?);
    };
    let delivered = async {
        let summary = runner::run(context, plans).await?;
        // A read that has failed waits for nobody who has not come.
        if summary.failed == 0 || sockets.is_connected() {
            sockets.finish().await?;
        }
        Ok::<Summary, Closed>(summary)
    };
    let delivered = tokio::select! {
        delivered = delivered => delivered,
        () = sockets.lost() => Err(Closed),
    };
    // Whoever fails to write to a socket is told that the output is closed, whichever it is.
    delivered.map_err(|closed| match sockets.error() {
        Some(error) => error.into(),
        None => closed.into(),
    })
}

/// The value of a variable of the environment.
fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    Some(value.to_string_lossy().into_owned())
}

fn hint_at_discover(error: ConnectorError) -> ConnectorError {
    let message = format!(
        "{} It must be a configured catalog; \"source-trino discover --configured\" writes one.",
        error.message
    );
    ConnectorError { message, ..error }
}

/// Logs which parts of the state are not used.
fn note_state(state: &InputState, catalog: &ConfiguredAirbyteCatalog) {
    if state.ignored > 0 {
        let (entries, are) = match state.ignored {
            1 => ("entry", "is"),
            _ => ("entries", "are"),
        };
        tracing::warn!(
            "the state has {} {entries} that {are} not of a stream and had no effect",
            state.ignored
        );
    }
    for stream in &state.repeated {
        tracing::warn!("the state has stream \"{stream}\" more than once; the last entry counts");
    }
    let configured = catalog.descriptors();
    let unused = state.unused(&configured);
    let mut others = 0;
    for stream in unused {
        let without_state = configured.iter().find(|configured| {
            configured.name.eq_ignore_ascii_case(&stream.name)
                && state.of_stream(configured).is_none()
        });
        match without_state {
            Some(configured) => tracing::warn!(
                "the state of stream \"{stream}\" is not used: the configured catalog has \"{configured}\", which has no state and is read from its beginning"
            ),
            None => others += 1,
        }
    }
    if others > 0 {
        tracing::info!("streams in the state that the configured catalog does not have: {others}");
    }
}
