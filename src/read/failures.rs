//! Streams that failed: in which order this is told, and how often.
//!
//! The platform decides by the first ERROR trace whether it tries again. So errors that last wait
//! as long as a stream may still fail for a passing reason. The INCOMPLETE of a stream waits with
//! its error, because nothing may follow it. An error about all streams is told once, and of
//! thousands of errors only a few dozen are told.

use std::collections::HashMap;

use super::status;
use crate::amounts::{self, amount};
use crate::error::ConnectorError;
use crate::output::{Closed, Output};
use crate::protocol::message::{FailureType, StreamDescriptor, StreamStatus};
use crate::terminal::{self, Kind};

/// How many errors of one kind are told one by one.
const TOLD: usize = 20;

/// How many streams one message names.
const NAMED: usize = 20;

/// The failures of one read.
pub(crate) struct Failures {
    output: Output,
    told: HashMap<FailureType, usize>,
    /// The failures that wait for the end of the read, or for an error that passes.
    waiting: Vec<(StreamDescriptor, ConnectorError)>,
}

impl Failures {
    pub(crate) fn new(output: &Output) -> Self {
        Self {
            output: output.clone(),
            told: HashMap::new(),
            waiting: Vec::new(),
        }
    }

    /// Tells of a stream that failed, now or later.
    ///
    /// # Errors
    ///
    /// When stdout was closed.
    pub(crate) async fn add(
        &mut self,
        stream: StreamDescriptor,
        error: ConnectorError,
    ) -> Result<(), Closed> {
        let passes = error.failure_type == FailureType::Transient;
        let told = self.told.get(&error.failure_type).copied();
        // For a person the order does not matter, so nothing has to wait.
        if !error.is_shared && self.waiting.len() < TOLD {
            terminal::tell(Kind::Error, &error.message);
        }
        if error.is_shared
            || told.is_some_and(|told| told >= TOLD)
            || !passes && !self.told.contains_key(&FailureType::Transient)
        {
            self.waiting.push((stream, error));
            return Ok(());
        }
        self.tell(stream, error).await?;
        // Now the platform's decision is made, so nothing has to wait any more.
        for (stream, error) in std::mem::take(&mut self.waiting) {
            let told = self.told.get(&error.failure_type).copied();
            if error.is_shared || told.is_some_and(|told| told >= TOLD) {
                self.waiting.push((stream, error));
            } else {
                self.tell(stream, error).await?;
            }
        }
        Ok(())
    }

    /// Tells the waiting failures at the end of the read.
    ///
    /// # Errors
    ///
    /// When stdout was closed.
    pub(crate) async fn tell_rest(mut self) -> Result<(), Closed> {
        let waiting = std::mem::take(&mut self.waiting);
        let (shared, others): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(_, error)| error.is_shared);
        self.tell_together(shared).await?;
        self.tell_in_order(others).await
    }

    /// Tells the errors that pass first, then faults of the server, then errors for which somebody
    /// has to change something.
    async fn tell_in_order(
        &mut self,
        mut failed: Vec<(StreamDescriptor, ConnectorError)>,
    ) -> Result<(), Closed> {
        failed.sort_by_key(|(_, error)| match error.failure_type {
            FailureType::Transient => 0,
            FailureType::System => 1,
            FailureType::Config => 2,
        });
        let mut left = Vec::new();
        for (stream, error) in failed {
            let told = self.told.get(&error.failure_type);
            if told.copied().unwrap_or_default() < TOLD {
                self.tell(stream, error).await?;
            } else {
                left.push((stream, error));
            }
        }
        for kind in [
            FailureType::Transient,
            FailureType::System,
            FailureType::Config,
        ] {
            let (of_kind, others): (Vec<_>, Vec<_>) = left
                .into_iter()
                .partition(|(_, error)| error.failure_type == kind);
            left = others;
            self.tell_sum(of_kind).await?;
        }
        Ok(())
    }

    /// Tells the error of one stream, and the stream's last status.
    async fn tell(
        &mut self,
        stream: StreamDescriptor,
        error: ConnectorError,
    ) -> Result<(), Closed> {
        *self.told.entry(error.failure_type).or_default() += 1;
        self.output.send(&error.trace()).await?;
        status::send_to_stdout(&self.output, &stream, StreamStatus::Incomplete).await
    }

    /// Tells one error that is about all of these streams.
    async fn tell_together(
        &mut self,
        failed: Vec<(StreamDescriptor, ConnectorError)>,
    ) -> Result<(), Closed> {
        let streams: Vec<&StreamDescriptor> = failed.iter().map(|(stream, _)| stream).collect();
        let Some((first, error)) = failed.first() else {
            return Ok(());
        };
        let mut message = error.message.clone();
        if streams.len() > 1 {
            let own = format!("Stream \"{first}\": ");
            let bare = message.strip_prefix(&own).unwrap_or(&message);
            message = format!("Streams {}: {bare}", amounts::names(&streams, NAMED));
        }
        *self.told.entry(error.failure_type).or_default() += 1;
        let together = ConnectorError {
            message,
            detail: error.detail.clone(),
            stream: Some(first.clone()),
            ..*error
        };
        terminal::tell(Kind::Error, &together.message);
        self.output.send(&together.trace()).await?;
        for stream in streams {
            status::send_to_stdout(&self.output, stream, StreamStatus::Incomplete).await?;
        }
        Ok(())
    }

    /// Tells one error in place of many of the same kind.
    async fn tell_sum(
        &mut self,
        failed: Vec<(StreamDescriptor, ConnectorError)>,
    ) -> Result<(), Closed> {
        let streams: Vec<&StreamDescriptor> = failed.iter().map(|(stream, _)| stream).collect();
        let Some((_, error)) = failed.first() else {
            return Ok(());
        };
        let sum = ConnectorError::new(
            error.failure_type,
            format!(
                "{} failed: {}. The first of them: {}",
                amount(streams.len(), "more stream"),
                amounts::names(&streams, NAMED),
                error.message
            ),
        );
        terminal::tell(Kind::Error, &sum.message);
        self.output.send(&sum.trace()).await?;
        for stream in streams {
            status::send_to_stdout(&self.output, stream, StreamStatus::Incomplete).await?;
        }
        Ok(())
    }
}
