//! Reads one query: its blocks of rows encoded one after the other.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::config::FetchProtocol;
use crate::encode::{EncodeError, Stopped};
use crate::lines::Lines;
use crate::output::{Closed, Output, RecordCount};
use crate::read::boundary::Boundary;
use crate::read::context::Context;
use crate::read::context::{ReadError, StreamRun};
use crate::read::lost_version;
use crate::read::partition::Partition;
use crate::read::plan::StreamPlan;
use crate::read::row_encoder::RowEncoder;
use crate::read::status;
use crate::read::version::Version;
use crate::trino::error::TrinoError;
use crate::trino::retry::Runs;
use crate::trino::rows::{Block, Rows};
use crate::trino::wire::page::Column;
use crate::types::column_type;

/// A query of a stream.
#[derive(Debug)]
pub(crate) struct StreamQuery {
    /// A number that tells it apart from the stream's other queries.
    pub(crate) number: u32,
    /// The query.
    pub(crate) sql: String,
    /// Checks its rows, if all of them have the same cursor value.
    pub(crate) boundary: Option<Boundary>,
    /// The version of the stream's table that it reads.
    pub(crate) version: Option<Version>,
}

/// A query whose rows are written.
pub(crate) struct FinishedQuery {
    /// The part's number.
    pub(crate) number: u32,
    /// The part's rows at the boundary, if it has any.
    pub(crate) boundary: Option<Boundary>,
    /// Records written.
    pub(crate) records: u64,
}

/// Writes the rows of a part as records of a stream. If the query fails for a passing reason before
/// its first row, it is run again. The partition is where its STATE goes.
///
/// # Errors
///
/// When the query failed, its version of the table is lost, its rows cannot be fetched, or stdout
/// was closed.
pub(crate) async fn read_query(
    context: &Context,
    plan: &StreamPlan,
    part: StreamQuery,
    stream_run: &Arc<StreamRun>,
) -> Result<(FinishedQuery, Partition), ReadError> {
    let version = part.version;
    let partition = Partition::begin(context, stream_run).await?;
    match run_query(context, plan, part, stream_run, &partition).await {
        Err(ReadError::Trino { query_id, error }) => {
            let lost = lost_version::why_query_failed(context, plan, version, &error).await;
            Err(match lost {
                Some(reason) => ReadError::VersionLost(reason),
                None => ReadError::Trino { query_id, error },
            })
        }
        Ok(part) => {
            partition.all_written().await?;
            Ok((part, partition))
        }
        Err(error) => Err(error),
    }
}

async fn run_query(
    context: &Context,
    plan: &StreamPlan,
    mut part: StreamQuery,
    stream_run: &Arc<StreamRun>,
    partition: &Partition,
) -> Result<FinishedQuery, ReadError> {
    let stream = &plan.descriptor;
    let mut runs = Runs::default();
    loop {
        let direct = stream_run.must_not_spool.load(Ordering::Relaxed);
        let protocol = if direct {
            FetchProtocol::Direct
        } else {
            context.fetch_protocol
        };
        let mut reader = Reader {
            context,
            plan,
            stream_run,
            partition,
            encoder: None,
            boundary: part.boundary.take(),
            rows: 0,
            records: 0,
        };
        let result = tokio::select! {
            biased;
            () = context.output.state_lost().cancelled() => Err(ReadError::StateNotKept),
            result = reader.run(&part.sql, protocol) => result,
        };
        let (rows, records) = (reader.rows, reader.records);
        part.boundary = reader.boundary;
        let (query_id, error) = match result {
            Ok(()) => {
                return Ok(FinishedQuery {
                    number: part.number,
                    boundary: part.boundary,
                    records,
                });
            }
            Err(ReadError::Trino { query_id, error }) if rows == 0 => (query_id, error),
            Err(error) => return Err(error),
        };
        if error.is_serialization() && protocol == FetchProtocol::Auto {
            tracing::info!(
                "stream \"{stream}\": this result cannot be spooled, so it is read direct"
            );
            stream_run.must_not_spool.store(true, Ordering::Relaxed);
        } else {
            let what = format!("stream \"{stream}\"");
            if !runs.may_go_on(&context.client, &what, &error).await {
                return Err(ReadError::Trino { query_id, error });
            }
        }
    }
}

struct Reader<'a> {
    context: &'a Context,
    plan: &'a StreamPlan,
    stream_run: &'a Arc<StreamRun>,
    partition: &'a Partition,
    encoder: Option<RowEncoder>,
    boundary: Option<Boundary>,
    /// Rows that were read.
    rows: u64,
    /// Records that were written: fewer than rows if some were sent before.
    records: u64,
}

impl Reader<'_> {
    async fn run(&mut self, sql: &str, protocol: FetchProtocol) -> Result<(), ReadError> {
        let rows = self.context.client.start_query(sql, protocol).await?;
        self.stream_run.begun.notify_one();
        let query_id = rows.query_id().to_owned();
        let result = self.copy(rows, &query_id).await;
        result.map_err(|error| match error {
            ReadError::Trino {
                query_id: None,
                error,
            } => ReadError::Trino {
                query_id: Some(query_id),
                error,
            },
            other => other,
        })
    }

    async fn copy(&mut self, mut rows: Rows, query_id: &str) -> Result<(), ReadError> {
        while let Some(block) = rows.next().await? {
            status::running(self.context, self.plan, self.stream_run).await?;
            if self.encoder.is_none() {
                let columns = rows.columns();
                self.encoder = columns
                    .map(|columns| self.encoder_for(columns))
                    .transpose()?;
            }
            rows = self.write(block, rows, query_id).await?;
        }
        Ok(status::running(self.context, self.plan, self.stream_run).await?)
    }

    /// Uses the types that the server tells with the result, and not those of the metadata, because
    /// only the former describe the bytes of the rows.
    fn encoder_for(&self, columns: &[Column]) -> Result<RowEncoder, TrinoError> {
        let columns: Vec<_> = columns
            .iter()
            .map(|column| {
                let ty = column_type(&column.type_text, column.type_signature.as_deref());
                (column.name.clone(), ty)
            })
            .collect();
        RowEncoder::new(self.plan, self.partition, &columns)
    }

    /// Encodes a block, and those that are there by then, on a thread that may block, because
    /// encoding takes time and stdout may be slow. Returns what is left of the rows.
    async fn write(&mut self, block: Block, rows: Rows, query_id: &str) -> Result<Rows, ReadError> {
        let Some(encoder) = self.encoder.take() else {
            let text = format!("Query {query_id} sent rows before it said their columns.");
            return Err(TrinoError::Protocol(text).into());
        };
        let mut blocks = Blocks {
            context: self.context.clone(),
            output: self.partition.output.clone(),
            count: self.partition.count.clone(),
            stream: self.plan.descriptor.to_string(),
            stream_run: Arc::clone(self.stream_run),
            rows,
            encoder,
            boundary: self.boundary.take(),
            read: 0,
            written: 0,
        };
        let job = move || {
            let result = blocks.write(block);
            (blocks, result)
        };
        let done = self.stream_run.encoders.spawn_blocking(job).await;
        let (blocks, result) = done.map_err(|_| ReadError::Panicked)?;
        self.stream_run
            .say_left_out(self.plan, blocks.encoder.columns_left_out().into_iter());
        self.encoder = Some(blocks.encoder);
        self.boundary = blocks.boundary;
        self.rows += blocks.read;
        self.records += blocks.written;
        result?;
        Ok(blocks.rows)
    }
}

/// The rows of a query on a thread that may block.
struct Blocks {
    context: Context,
    output: Output,
    count: RecordCount,
    stream: String,
    stream_run: Arc<StreamRun>,
    rows: Rows,
    encoder: RowEncoder,
    boundary: Option<Boundary>,
    /// Rows that were read.
    read: u64,
    /// Records that were written.
    written: u64,
}

impl Blocks {
    /// Writes a block, and goes on as long as the next one is already there: to give each one to a
    /// thread costs time.
    fn write(&mut self, first: Block) -> Result<(), ReadError> {
        let mut next = Some(first);
        while let Some(block) = next {
            self.write_one(block)?;
            // Rows that were all sent before do not find out by themselves.
            if self.stream_run.is_stopped() {
                return Err(Closed.into());
            }
            next = self.rows.next_if_ready()?;
        }
        Ok(())
    }

    fn write_one(&mut self, block: Block) -> Result<(), ReadError> {
        let mut buffer = self.output.buffer();
        let rows = block.rows();
        let mut send = |buffer: &mut Lines| {
            if buffer.is_empty() {
                return Ok(());
            }
            if !self.stream_run.may_send() {
                return Err(Stopped);
            }
            self.output
                .send_records_blocking(buffer, &self.count)
                .map_err(|Closed| Stopped)
        };
        let outcome = self
            .encoder
            .encode(rows, &mut buffer, &mut self.boundary, &mut send);
        self.output.give_back(buffer);
        let encoded = *outcome.rows.as_ref().unwrap_or(&0);
        let progress = &self.context.progress;
        progress.add(&self.stream, encoded, rows.len());
        match outcome.rows {
            Ok(rows) => {
                self.read += rows;
                self.written += rows - outcome.left_out;
                Ok(block.accept(&self.context.client, rows)?)
            }
            Err(EncodeError::Stopped(_)) => Err(Closed.into()),
            Err(cause) => Err(ReadError::Encode {
                query_id: self.rows.query_id().to_owned(),
                cause,
            }),
        }
    }
}
