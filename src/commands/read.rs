//! `read`: the records of the configured streams.

use std::sync::Arc;

use crate::cli::ReadArgs;
use crate::error::ConnectorError;
use crate::output::Output;
use crate::progress::Progress;
use crate::protocol::catalog::ConfiguredAirbyteCatalog;
use crate::protocol::state::InputState;
use crate::read::context::Context;
use crate::read::{self, runner};
use crate::trino::{Client, Patience, Queries};

pub(super) async fn run(args: &ReadArgs, output: &Output, queries: &Queries) -> anyhow::Result<u8> {
    let connection = super::connection(&args.config.config).await?;
    let catalog: ConfiguredAirbyteCatalog = super::json(&args.catalog, "configured catalog")
        .await
        .map_err(hint_at_discover)?;
    let state = state(args).await?;
    note_state(&state);
    let client = Client::connect(&connection, queries, Patience::READ)
        .await
        .map_err(ConnectorError::from)?;
    let plans = read::plan_streams(&client, &connection, &catalog, &state).await?;
    let fetch_protocol = client.settle(connection.fetch_protocol).await;
    let progress = Progress::new(plans.len());
    let context = Context {
        client,
        output: output.clone(),
        fetch_protocol,
        connection: Arc::new(connection),
        progress: progress.clone(),
    };
    let summary = runner::run(&context, plans).await?;
    progress.end();
    tracing::info!(
        "read {} records of {} streams; {} streams failed",
        summary.records,
        summary.complete,
        summary.failed
    );
    Ok(if summary.failed == 0 {
        0
    } else {
        super::FAILED
    })
}

fn hint_at_discover(error: ConnectorError) -> ConnectorError {
    let message = format!(
        "{} It must be a configured catalog; \"source-trino discover --configured\" writes one.",
        error.message
    );
    ConnectorError { message, ..error }
}

async fn state(args: &ReadArgs) -> Result<InputState, ConnectorError> {
    let Some(path) = &args.state else {
        return Ok(InputState::default());
    };
    let text = super::text(path, "state").await?;
    InputState::parse(&text).map_err(|error| {
        let path = path.display();
        ConnectorError::config(format!("The state file {path} is not usable: {error}."))
    })
}

fn note_state(state: &InputState) {
    if state.ignored > 0 {
        tracing::warn!(
            "{} entries of the state are not of a stream and were ignored",
            state.ignored
        );
    }
    for stream in &state.repeated {
        tracing::warn!("the state has stream \"{stream}\" more than once; the last entry counts");
    }
}
