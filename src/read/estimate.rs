//! The number of a table's rows by its statistics, if it has any, and ESTIMATE messages.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::clock;
use crate::protocol::message::{Estimate, Message, StateType, Trace, TracePayload};
use crate::sql::ident::Table;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::answers::StatsRow;
use crate::trino::control;
use crate::trino::error::TrinoError;

use super::context::Context;
use super::plan::{Mode, StreamPlan};
use crate::read::context::StreamRun;

/// How long rows come before the statistics are asked for. A shorter read needs no progress bar,
/// and would only take longer: the server answers both at the same time.
const PATIENCE: Duration = Duration::from_secs(1);

/// Time limit for the statistics, because they take a slot that rows may be waiting for.
const LIMIT: Duration = Duration::from_secs(5);

/// Sends the estimate of a stream once its first query has run for a while. Statistics never take
/// the slot of a query that brings rows; without a free slot there is no estimate. Statistics tell
/// nothing about the rows after a state, so there is no estimate either if the read goes on from a
/// state.
pub(crate) fn send(
    context: &Context,
    plan: &StreamPlan,
    stream_run: Arc<StreamRun>,
) -> JoinHandle<()> {
    let (context, plan) = (context.clone(), plan.clone());
    tokio::spawn(async move {
        if plan.mode != Mode::FullRefresh && plan.state.is_some() {
            return;
        }
        stream_run.begun().await;
        sleep(PATIENCE).await;
        if !context.client.has_free_slot() {
            return;
        }
        if let Ok(Some(estimate)) = timeout(LIMIT, estimate_of_stream(&context.client, &plan)).await
        {
            let stream = plan.descriptor.to_string();
            context.progress.expect(&stream, estimate.row_estimate);
            let payload = TracePayload::Estimate { estimate };
            let estimate = Message::Trace {
                trace: Trace {
                    payload,
                    emitted_at: clock::now_ms(),
                },
            };
            // The read itself notices a closed stdout.
            let _ = context.output.send(&estimate).await;
        }
    })
}

/// The estimate of a stream. `None` if Trino knows no number of rows or may not tell it.
async fn estimate_of_stream(client: &Client, plan: &StreamPlan) -> Option<Estimate> {
    let table = plan.relation.table()?;
    let rows: Vec<StatsRow> = control::rows(client, &metadata::statistics(table))
        .await
        .ok()?;
    let row_count = rows
        .iter()
        .find(|row| row.column_name.is_none())?
        .row_count?;
    let selected = |row: &&StatsRow| {
        row.column_name
            .as_ref()
            .is_some_and(|name| plan.columns.iter().any(|(c, _)| c == name))
    };
    let sizes: Vec<f64> = rows
        .iter()
        .filter(selected)
        .filter_map(|row| row.data_size)
        .collect();
    Some(Estimate {
        name: plan.descriptor.name.clone(),
        estimate_type: StateType::Stream,
        namespace: plan.descriptor.namespace.clone(),
        row_estimate: whole(row_count),
        byte_estimate: (!sizes.is_empty()).then(|| whole(sizes.iter().sum())),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate; `as` saturates"
)]
pub(crate) fn whole(number: f64) -> u64 {
    number.max(0.0) as u64
}
/// The number of a table's rows, if its statistics tell it.
pub(crate) async fn row_count(context: &Context, table: &Table) -> Result<Option<u64>, TrinoError> {
    let rows: Vec<StatsRow> = control::rows(&context.client, &metadata::statistics(table)).await?;
    let rows = rows
        .iter()
        .find(|row| row.column_name.is_none())
        .and_then(|row| row.row_count);
    Ok(rows.map(whole))
}
