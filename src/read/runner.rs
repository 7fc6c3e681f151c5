//! Reads several streams at once.

use tokio::task::JoinSet;

use super::full_refresh;
use super::plan::{Planned, StreamPlan};
use super::slice::ReadError;
use super::status;
use crate::config::FetchProtocol;
use crate::error::ConnectorError;
use crate::logging;
use crate::output::{Closed, Output};
use crate::progress::Progress;
use crate::protocol::message::{StreamDescriptor, StreamStatus};
use crate::trino::Client;

/// What every stream's read needs.
#[derive(Clone)]
pub struct Context {
    /// The connected Trino; its slots bound how many queries run at once.
    pub client: Client,
    /// The way to stdout.
    pub output: Output,
    /// How the rows of tables are fetched.
    pub fetch_protocol: FetchProtocol,
    /// Streams, and slices of one stream, that are read at once.
    pub concurrency: usize,
    /// Rows of one slice.
    pub slice_rows: u64,
    /// The connector behind the catalog, for example `iceberg`, where it is known.
    pub connector: Option<String>,
    /// What a person at a terminal sees.
    pub progress: Progress,
}

/// How a read ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Streams that were read whole.
    pub complete: usize,
    /// Streams that were not; each has said why.
    pub failed: usize,
    /// Records written.
    pub records: u64,
}

/// Reads all planned streams, `concurrency` of them at once, in the catalog's order. A stream
/// that fails says so itself and does not stop the others.
///
/// # Errors
///
/// When stdout was closed.
pub async fn run(context: &Context, plans: Vec<Planned>) -> Result<Summary, Closed> {
    let mut summary = Summary::default();
    let mut running = JoinSet::new();
    let mut plans = plans.into_iter();
    loop {
        while running.len() < context.concurrency
            && let Some((descriptor, plan)) = plans.next()
        {
            running.spawn(stream(context.clone(), descriptor, plan));
        }
        match running.join_next().await {
            None => return Ok(summary),
            Some(Ok(outcome)) => match outcome? {
                Some(records) => {
                    summary.complete += 1;
                    summary.records += records;
                }
                None => summary.failed += 1,
            },
            // A panic; the hook has said why.
            Some(Err(_)) => summary.failed += 1,
        }
    }
}

/// Reads one stream; `None` when it failed and said so.
async fn stream(
    context: Context,
    descriptor: StreamDescriptor,
    plan: Result<StreamPlan, ConnectorError>,
) -> Result<Option<u64>, Closed> {
    let name = descriptor.to_string();
    context.progress.start(&name);
    let outcome = match plan {
        Ok(plan) => match full_refresh::read(&context, &plan).await {
            Ok(records) => Ok(records),
            Err(ReadError::Closed(closed)) => return Err(closed),
            Err(error) => Err(ConnectorError::from(error).of_stream(&descriptor)),
        },
        Err(error) => {
            status::say(&context.output, &descriptor, StreamStatus::Started).await?;
            Err(error)
        }
    };
    context.progress.finish(&name, outcome.is_err());
    match outcome {
        Ok(records) => Ok(Some(records)),
        Err(error) => {
            logging::tell_person(&error.message);
            context.output.send(&error.trace()).await?;
            status::say(&context.output, &descriptor, StreamStatus::Incomplete).await?;
            Ok(None)
        }
    }
}
