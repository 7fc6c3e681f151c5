//! Reads one stream whole: one query, its pages encoded one after the other.

use std::time::Duration;

use super::plan::StreamPlan;
use super::runner::Context;
use super::{checkpoint, estimate, status};
use crate::clock;
use crate::encode::{EncodeError, Encoder, RecordPlan, Stopped};
use crate::error::ConnectorError;
use crate::output::{Closed, Output};
use crate::progress::Progress;
use crate::protocol::message::StreamStatus;
use crate::sql;
use crate::trino::error::TrinoError;
use crate::trino::page::{Column, Page};
use crate::trino::statement::Statement;
use crate::types::column_type;

/// How often a query is run again that failed before its first row.
const ATTEMPTS: u32 = 3;

/// Pause before the second attempt; doubled before the third.
const PAUSE: Duration = Duration::from_secs(2);

/// Why a stream ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Trino(#[from] TrinoError),
    #[error("a page of query {query_id} cannot be read as rows: {cause}")]
    Encode {
        query_id: String,
        cause: EncodeError,
    },
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The thread that encoded the page panicked; the panic hook has said why.
    #[error("encoding failed")]
    Encoder,
}

impl From<ReadError> for ConnectorError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Trino(error) => error.into(),
            other => ConnectorError::system(other.to_string()),
        }
    }
}

/// Reads a stream with all its messages: STARTED, RUNNING, records, STATE, COMPLETE.
///
/// # Errors
///
/// When the query failed or stdout was closed; the caller says INCOMPLETE.
pub(super) async fn read(context: &Context, plan: &StreamPlan) -> Result<u64, ReadError> {
    let Context {
        client,
        output,
        progress,
    } = context;
    let stream = &plan.descriptor;
    status::say(output, stream, StreamStatus::Started).await?;
    let sql = sql::select::select(&plan.table, &plan.columns);
    tracing::info!(
        "stream \"{stream}\": reading {} columns with one query",
        plan.columns.len()
    );
    let estimate = tokio::spawn({
        let (client, output, plan) = (client.clone(), output.clone(), plan.clone());
        async move {
            if let Some(estimate) = estimate::of(&client, &plan).await {
                let _ = output.send(&estimate).await;
            }
        }
    });
    let mut attempt = 1;
    let records = loop {
        let mut reader = StreamReader::new(output.clone(), progress.clone(), plan);
        match reader.run(client.execute(&sql).await).await {
            Ok(()) => break reader.records,
            Err(ReadError::Trino(error))
                if reader.records == 0 && error.is_transient_query() && attempt < ATTEMPTS =>
            {
                let pause = PAUSE * attempt;
                tracing::warn!("stream \"{stream}\": {error}; starting again in {pause:?}");
                tokio::time::sleep(pause).await;
                attempt += 1;
            }
            Err(error) => {
                estimate.abort();
                return Err(error);
            }
        }
    };
    estimate.abort();
    output.send(&checkpoint::finished(stream, records)).await?;
    status::say(output, stream, StreamStatus::Complete).await?;
    tracing::info!("stream \"{stream}\": {records} records");
    Ok(records)
}

/// Turns the pages of one query into records on stdout.
struct StreamReader<'a> {
    output: Output,
    progress: Progress,
    plan: &'a StreamPlan,
    encoder: Option<Encoder>,
    running: bool,
    records: u64,
}

impl<'a> StreamReader<'a> {
    fn new(output: Output, progress: Progress, plan: &'a StreamPlan) -> Self {
        Self {
            output,
            progress,
            plan,
            encoder: None,
            running: false,
            records: 0,
        }
    }

    async fn run(&mut self, statement: Result<Statement, TrinoError>) -> Result<(), ReadError> {
        let mut statement = statement?;
        let query_id = statement.query_id().to_owned();
        tracing::debug!("stream \"{}\": query {query_id}", self.plan.descriptor);
        while let Some(page) = statement.next_page().await? {
            if self.encoder.is_none()
                && let Some(columns) = page.columns().map_err(TrinoError::from)?
            {
                self.encoder = Some(self.encoder_for(&columns));
            }
            self.say_running().await?;
            if page.rows().is_some() {
                self.write(page, &query_id).await?;
            }
        }
        self.say_running().await
    }

    async fn say_running(&mut self) -> Result<(), ReadError> {
        if !std::mem::replace(&mut self.running, true) {
            status::say(&self.output, &self.plan.descriptor, StreamStatus::Running).await?;
        }
        Ok(())
    }

    /// The types that the server says of the result count, not those of the metadata: only they
    /// describe the bytes.
    fn encoder_for(&self, columns: &[Column]) -> Encoder {
        let columns: Vec<_> = columns
            .iter()
            .map(|column| {
                let ty = column_type(&column.type_text, column.type_signature.as_deref());
                (column.name.clone(), ty)
            })
            .collect();
        let stream = &self.plan.descriptor;
        Encoder::new(RecordPlan::new(
            &stream.name,
            stream.namespace.as_deref(),
            &columns,
        ))
    }

    /// Encodes one page on a thread that may block: both for the work and for a slow stdout.
    async fn write(&mut self, page: Page, query_id: &str) -> Result<(), ReadError> {
        let Some(mut encoder) = self.encoder.take() else {
            let text = format!("Query {query_id} sent rows before it said their columns.");
            return Err(TrinoError::Protocol(text).into());
        };
        let output = self.output.clone();
        let progress = self.progress.clone();
        let job = move || {
            let mut buffer = output.buffer();
            let rows = page.rows().unwrap_or_default();
            let mut flush = |buffer: &mut Vec<u8>| {
                let lines = std::mem::replace(buffer, output.buffer());
                output.send_lines_blocking(lines).map_err(|Closed| Stopped)
            };
            let result = encoder.encode_page(rows, clock::now_ms(), &mut buffer, &mut flush);
            let result = match result {
                Ok(records) if buffer.is_empty() => Ok(records),
                Ok(records) => flush(&mut buffer)
                    .map(|()| records)
                    .map_err(EncodeError::from),
                Err(error) => Err(error),
            };
            progress.add(*result.as_ref().unwrap_or(&0), page.len());
            (encoder, result)
        };
        let (encoder, result) = tokio::task::spawn_blocking(job)
            .await
            .map_err(|_| ReadError::Encoder)?;
        self.encoder = Some(encoder);
        match result {
            Ok(records) => {
                self.records += records;
                Ok(())
            }
            Err(EncodeError::Stopped(_)) => Err(Closed.into()),
            Err(cause) => Err(ReadError::Encode {
                query_id: query_id.to_owned(),
                cause,
            }),
        }
    }
}
