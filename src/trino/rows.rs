//! The rows of a query as blocks of JSON text, whether the server sends them directly or spools
//! them.
//!
//! A few spooled segments are downloaded and unpacked side by side, ahead of the consumer and
//! within a memory budget that all queries share. They are handed out in the order of their rows.
//! Their offsets and counts are checked, so that a lost segment is an error and not a gap.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::AbortOnDropHandle;

use super::Client;
use super::error::TrinoError;
use super::segment::{self, Receipt, Segment};
use super::statement::Statement;
use crate::config::FetchProtocol;
use crate::trino::wire::page::{Column, Page};

/// Segments of one query that are downloaded at once.
const PARALLEL: usize = 4;

/// Bytes of one permit of the memory budget.
const PERMIT: u64 = 64 << 10;

/// Permits of the memory budget: 64 MiB of segments in flight, compressed and unpacked together.
pub(crate) const BUDGET: u32 = 1024;

/// The rows of a running query.
pub(crate) struct Rows {
    client: Client,
    protocol: FetchProtocol,
    statement: Statement,
    columns: Option<Vec<Column>>,
    waiting: VecDeque<Segment>,
    fetching: VecDeque<AbortOnDropHandle<Result<Block, TrinoError>>>,
    statement_ended: bool,
    /// Number of rows of all segments so far; `None` after a segment that does not tell its number.
    offset: Option<u64>,
}

/// Some rows, as the JSON text of an array of row arrays.
pub(crate) struct Block {
    rows: Bytes,
    expected: Option<u64>,
    receipt: Option<Receipt>,
    _memory: Option<OwnedSemaphorePermit>,
}

impl Rows {
    pub(crate) fn new(client: Client, statement: Statement, protocol: FetchProtocol) -> Self {
        Self {
            client,
            protocol,
            statement,
            columns: None,
            waiting: VecDeque::new(),
            fetching: VecDeque::new(),
            statement_ended: false,
            offset: Some(0),
        }
    }

    /// Trino's id of the query.
    pub(crate) fn query_id(&self) -> &str {
        self.statement.query_id()
    }

    /// The result's columns. They are known from the first block on, or at the end of an empty
    /// result.
    pub(crate) fn columns(&self) -> Option<&[Column]> {
        self.columns.as_deref()
    }

    /// The next rows; `None` after the query has ended well and all its rows were handed out.
    ///
    /// # Errors
    ///
    /// When the query failed, or when a segment cannot be downloaded or is missing.
    pub(crate) async fn next(&mut self) -> Result<Option<Block>, TrinoError> {
        loop {
            self.start_downloads().await?;
            let Some(first) = self.fetching.front_mut() else {
                if self.statement_ended {
                    return Ok(None);
                }
                let page = self.statement.next_page().await?;
                if let Some(block) = self.take(page)? {
                    return Ok(Some(block));
                }
                continue;
            };
            // The next answer is asked for while the known segments are still being downloaded.
            let hungry = !self.statement_ended && self.waiting.is_empty();
            tokio::select! {
                block = first => {
                    self.fetching.pop_front();
                    return block.map_err(|_| TrinoError::Stopped)?.map(Some);
                }
                page = self.statement.next_page(), if hungry => {
                    if let Some(block) = self.take(page?)? {
                        return Ok(Some(block));
                    }
                }
            }
        }
    }

    /// The next rows if they are already there. `None` says that they are not, or that there are
    /// none: only [`Rows::next`] tells the end.
    ///
    /// # Errors
    ///
    /// As [`Rows::next`].
    pub(crate) fn next_if_ready(&mut self) -> Result<Option<Block>, TrinoError> {
        // What is dropped here has taken nothing: `next` loses nothing at any of its waits.
        let next = pin!(self.next());
        match next.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(block) => block,
            Poll::Pending => Ok(None),
        }
    }

    /// Takes the content of an answer: rows to hand out at once, or segments to download.
    fn take(&mut self, page: Option<Page>) -> Result<Option<Block>, TrinoError> {
        let Some(page) = page else {
            self.statement_ended = true;
            return Ok(None);
        };
        if self.columns.is_none() {
            self.columns = page.columns()?;
        }
        let Some(rows) = page.rows() else {
            return Ok(None);
        };
        if rows.starts_with(b"{") {
            for segment in segment::segments(&rows)? {
                self.check_offset(&segment)?;
                self.waiting.push_back(segment);
            }
            return Ok(None);
        }
        if self.protocol == FetchProtocol::Spooled {
            return Err(TrinoError::NotSpooled);
        }
        Ok(Some(Block {
            rows,
            expected: None,
            receipt: None,
            _memory: None,
        }))
    }

    /// Checks that the rows of the segments follow one another without a gap, as far as the server
    /// tells where they begin and how many there are.
    fn check_offset(&mut self, segment: &Segment) -> Result<(), TrinoError> {
        let begins = segment.row_offset().or(self.offset);
        if let (Some(begins), Some(expected)) = (begins, self.offset)
            && begins != expected
        {
            return Err(TrinoError::Protocol(format!(
                "Query {}: a segment begins at row {begins}, but the one before ended at row {expected}.",
                self.query_id(),
            )));
        }
        self.offset = begins
            .zip(segment.rows_count())
            .map(|(begins, rows)| begins + rows);
        Ok(())
    }

    /// Starts downloads as long as there is room for them. Waits for memory only if this query has
    /// no download in flight, because finished downloads give memory back.
    async fn start_downloads(&mut self) -> Result<(), TrinoError> {
        while self.fetching.len() < PARALLEL
            && let Some(segment) = self.waiting.front()
        {
            let permits = u32::try_from(segment.memory() / PERMIT + 1).unwrap_or(BUDGET);
            let budget = Arc::clone(&self.client.memory);
            let memory = if self.fetching.is_empty() {
                budget.acquire_many_owned(permits.min(BUDGET)).await
            } else {
                match budget.try_acquire_many_owned(permits.min(BUDGET)) {
                    Ok(memory) => Ok(memory),
                    Err(_) => return Ok(()),
                }
            };
            let memory = memory.map_err(|_| TrinoError::Stopped)?;
            let Some(segment) = self.waiting.pop_front() else {
                return Ok(());
            };
            let transport = Arc::clone(&self.client.transport);
            let download = async move {
                let expected = segment.rows_count();
                let (rows, receipt) = segment.download(&transport).await?;
                Ok(Block {
                    rows,
                    expected,
                    receipt,
                    _memory: Some(memory),
                })
            };
            self.fetching
                .push_back(AbortOnDropHandle::new(tokio::spawn(download)));
        }
        Ok(())
    }
}

impl Block {
    /// The JSON text of an array of row arrays.
    pub(crate) fn rows(&self) -> &[u8] {
        &self.rows
    }

    /// Whether the rows were stored outside of the answers.
    pub(crate) fn is_stored(&self) -> bool {
        self.receipt.is_some()
    }

    /// Tells the server that it need not keep the block any more, because its `rows` rows have left
    /// for stdout.
    ///
    /// # Errors
    ///
    /// When the server had announced another number of rows.
    pub(crate) fn accept(self, client: &Client, rows: u64) -> Result<(), TrinoError> {
        if let Some(expected) = self.expected
            && expected != rows
        {
            return Err(TrinoError::Protocol(format!(
                "A segment has {rows} rows, but the server said {expected}."
            )));
        }
        if let Some(receipt) = self.receipt {
            let transport = Arc::clone(&client.transport);
            client
                .queries
                .tasks
                .spawn(async move { receipt.acknowledge(&transport).await });
        }
        Ok(())
    }
}
