//! Reads the changes of one stream: first a snapshot of one version of its table, then, sync by
//! sync, what has changed from exactly there on.
//!
//! | format | range of versions | by |
//! |---|---|---|
//! | Delta Lake | with a feed | its change data feed |
//! | Delta Lake | replaced or restored, or partly without a feed | the difference of both versions |
//! | Iceberg | appends and compactions only | `table_changes` |
//! | Iceberg | any other | the difference of both versions, within the files that differ |
//!
//! | file | job |
//! |---|---|
//! | `delta`, `iceberg` | what has changed since a version |
//! | `difference` | what two versions differ in |
//! | `columns` | the columns of versions of an Iceberg table, in terms of those that it has now |
//! | `snapshot` | one version of the table whole |
//!
//! If it is proved that the range cannot be read (versions expired, files are lost), a new snapshot
//! is read. Without a proof the stream fails, and the state keeps its position.

mod columns;
mod delta;
mod difference;
mod iceberg;
mod snapshot;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::changes_state::{ChangesState, Rising};
use super::column_order::query_in_order;
use super::context::Context;
use super::listing::{self, Listed};
use super::lost_version;
use super::pin;
use super::plan::StreamPlan;
use super::restart;
use super::state::Content;
use super::version::Version;
use crate::amounts::amount;
use crate::catalog::format::Format;
use crate::read::context::{ReadError, StreamRun};
use crate::read::queries;
use crate::read::query::StreamQuery;
use crate::sql::changes::{self, Commit};
use crate::sql::ident::Table;
use crate::trino::answers::{CommitRow, TotalRow};
use crate::trino::control;
use crate::trino::error::TrinoError;

/// Pause before versions that were refused are asked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// A stream whose changes are read.
#[derive(Clone, Copy)]
pub(crate) struct Changes<'a> {
    /// What every stream's read needs.
    pub(crate) context: &'a Context,
    /// The stream.
    pub(crate) plan: &'a StreamPlan,
    /// The format of its table.
    pub(crate) format: Format,
    /// The table.
    pub(crate) table: &'a Table,
    /// What the queries of this stream share.
    pub(crate) stream_run: &'a Arc<StreamRun>,
}

/// The result of looking for changes.
enum Followed {
    /// So many changes were written, and this state after them.
    Told(u64, Box<ChangesState>),
    /// So many changes were written, and the state after them says that a snapshot follows.
    ThenSnapshot(u64, Box<ChangesState>),
    /// It is proved that the changes cannot be read, for this reason.
    Gap(String),
    /// So many changes were written, and this state after them. It is proved that the changes since
    /// then cannot be read, for this reason.
    ToldThenGap(u64, Box<ChangesState>, String),
}

impl Changes<'_> {
    /// Reads the changes of the stream, or its snapshot, and sends the states after them; returns
    /// the number of records.
    ///
    /// # Errors
    ///
    /// When a query failed or stdout was closed.
    pub(crate) async fn read(&self, state: Option<Content>) -> Result<u64, ReadError> {
        let stream = &self.plan.descriptor;
        if !self.plan.primary_key.is_empty() && self.plan.readable_key().is_empty() {
            tracing::warn!(
                "stream \"{stream}\": deletions are not reported, because its key ({}) is not made of selected columns",
                self.plan.primary_key.join(", ")
            );
        }
        let mut state = match state {
            Some(Content::Changes(state)) => state,
            Some(_) => {
                tracing::warn!(
                    "stream \"{stream}\" starts anew with a snapshot: its last sync did not read changes. Rows that were deleted since its changes were last read, if they ever were, stay in the destination, unless it is refreshed."
                );
                ChangesState::default()
            }
            None => ChangesState::default(),
        };
        if state.progress.is_some() {
            state = self.with_readable_snapshot(state).await?;
            state = self.without_snapshot_of_another_key(state).await?;
            if state.progress.is_some() {
                return self.snapshot(state, None).await;
            }
        }
        let now = self.version(&state).await?;
        if let (Some(time), Some(now)) = (&self.context.connection.as_of, now)
            && let Some(why) = pin::difference(self.context, self.plan, now).await?
        {
            return Err(pin::other_columns_as_of(time, &why).into());
        }
        let Some(before) = state.table_version else {
            return self.snapshot(state, now).await;
        };
        let followed = match now {
            Some(now) => self.follow_from(&state, before, now).await?,
            None => Followed::Gap("the table has no versions any more".to_owned()),
        };
        match followed {
            Followed::Told(records, _) => Ok(records),
            Followed::ThenSnapshot(records, state) => {
                tracing::warn!(
                    "stream \"{stream}\": a selected column is another one than in the last sync, so all rows are read again, after the deletions"
                );
                Ok(records + self.snapshot(*state, None).await?)
            }
            Followed::Gap(reason) => {
                self.warn_of_gap(before, &reason);
                self.snapshot(state, now).await
            }
            Followed::ToldThenGap(records, state, reason) => {
                self.warn_of_gap(state.table_version.unwrap_or(before), &reason);
                Ok(records + self.snapshot(*state, now).await?)
            }
        }
    }

    fn warn_of_gap(&self, before: Version, reason: &str) {
        tracing::warn!(
            "stream \"{}\" starts anew with a snapshot: the changes since version {before} cannot be read ({}). Rows that were deleted since then stay in the destination, unless it is refreshed.",
            self.plan.descriptor,
            reason.trim_end_matches('.')
        );
    }

    /// The state. If it was in the middle of a snapshot whose version is lost, that snapshot is
    /// removed.
    async fn with_readable_snapshot(&self, state: ChangesState) -> Result<ChangesState, ReadError> {
        let version = state
            .progress
            .as_ref()
            .and_then(|progress| progress.slices.version);
        let (Some(progress), Some(version)) = (&state.progress, version) else {
            return Ok(state);
        };
        match pin::why_version_is_lost(self.context, self.plan, version).await? {
            None => Ok(state),
            Some(reason) => {
                restart::begin_anew(self.plan, progress, &reason)?;
                Ok(ChangesState {
                    progress: None,
                    snapshot_cursor: None,
                    ..state
                })
            }
        }
    }

    /// The state. If it was in the middle of a snapshot, and the key is another column now, the
    /// version of that snapshot counts as told: what is told since then begins with the deletions
    /// of the keys that it has sent.
    async fn without_snapshot_of_another_key(
        &self,
        state: ChangesState,
    ) -> Result<ChangesState, ReadError> {
        let progress = state.progress.as_ref();
        let version = progress.and_then(|progress| progress.slices.version);
        if version.is_none() || state.key.is_empty() || self.format != Format::Iceberg {
            return Ok(state);
        }
        let present = self.present_columns().await?;
        let key = self.key_ids(present.as_deref());
        if key.len() != state.key.len() || key == state.key {
            return Ok(state);
        }
        Ok(ChangesState {
            table_version: version,
            next_version: None,
            progress: None,
            snapshot_cursor: None,
            is_read_again: true,
            ..state
        })
    }

    /// The version up to which to read; `None` if the table has no versions. If the versions are
    /// not told, a stream that has a position fails and so keeps it.
    async fn version(&self, state: &ChangesState) -> Result<Option<Version>, TrinoError> {
        let as_of = self.context.connection.as_of.as_deref();
        let mut listed = listing::version(self.context, self.plan).await?;
        if let Listed::Hidden(error) = &listed {
            // Without a version, deletions are lost, so one refusal is no proof.
            tracing::debug!(%error, "the versions are asked for again");
            sleep(PAUSE).await;
            listed = listing::version(self.context, self.plan).await?;
        }
        match listed {
            Listed::Version(version) => Ok(Some(version)),
            Listed::NoVersions => Ok(None),
            Listed::Hidden(error) if state.table_version.is_some() || as_of.is_some() => Err(error),
            Listed::Hidden(error) => {
                pin::warn_of_hidden(self.plan, &error);
                tracing::warn!(
                    "stream \"{}\": as long as that is so, every sync sends all rows, and deletions are not reported",
                    self.plan.descriptor
                );
                Ok(None)
            }
        }
    }

    /// Reads what has changed since a version: up to the version at which an interrupted sync would
    /// have ended, if there was one, or else up to `now`.
    async fn follow_from(
        &self,
        state: &ChangesState,
        before: Version,
        now: Version,
    ) -> Result<Followed, ReadError> {
        let Some(next) = state.next_version.filter(|next| *next != now) else {
            return self.follow(state, before, now).await;
        };
        let stream = &self.plan.descriptor;
        let mut lost = pin::why_version_is_lost(self.context, self.plan, next).await?;
        if lost.is_none() {
            tracing::info!(
                "stream \"{stream}\": finishing an interrupted sync; the next sync tells what has changed since version {next}"
            );
            let (query_id, error) = match self.follow(state, before, next).await {
                Err(ReadError::Trino { query_id, error }) => (query_id, error),
                // Whoever asks for the table as it was at some time wants no later version.
                Ok(Followed::Told(records, state)) if self.context.connection.as_of.is_some() => {
                    return Ok(match self.follow(&state, next, now).await? {
                        Followed::Told(more, state) => Followed::Told(records + more, state),
                        Followed::ThenSnapshot(more, state) => {
                            Followed::ThenSnapshot(records + more, state)
                        }
                        Followed::Gap(reason) => Followed::ToldThenGap(records, state, reason),
                        Followed::ToldThenGap(more, state, reason) => {
                            Followed::ToldThenGap(records + more, state, reason)
                        }
                    });
                }
                followed => return followed,
            };
            if self.stream_run.has_sent() || !self.has_lost_a_file(next, &error).await? {
                return Err(ReadError::Trino { query_id, error });
            }
            lost = Some(error.to_string());
        }
        let reason = lost.unwrap_or_default();
        tracing::warn!(
            "stream \"{stream}\": the changes up to version {next}, with which an interrupted sync had begun, cannot be read any more ({}). Rows that it sent and that were deleted since then stay in the destination, unless it is refreshed.",
            reason.trim_end_matches('.')
        );
        self.follow(state, before, now).await
    }

    /// Whether an error means that maintenance has deleted a file of a version.
    async fn has_lost_a_file(
        &self,
        version: Version,
        error: &TrinoError,
    ) -> Result<bool, TrinoError> {
        match error.query_error() {
            Some(query) => {
                lost_version::has_lost_a_file(self.context, self.plan, version, query).await
            }
            None => Ok(false),
        }
    }

    /// Reads what has changed since a version.
    async fn follow(
        &self,
        state: &ChangesState,
        before: Version,
        now: Version,
    ) -> Result<Followed, ReadError> {
        if now != before {
            let stream = &self.plan.descriptor;
            tracing::info!("stream \"{stream}\": reading changes from version {before} to {now}");
        }
        match self.format {
            Format::DeltaLake => self.follow_delta(state, before, now).await,
            Format::Iceberg => self.follow_iceberg(state, before, now).await,
        }
    }

    /// Sends the state that the changes up to a version are being written, so that a later run
    /// finishes them up to there. `rising` has what they will have sent: if the version is lost by
    /// then, later rows are above them all the same. `is_read_again` says that all rows follow.
    async fn begin_up_to(
        &self,
        now: Version,
        state: &ChangesState,
        rising: Rising,
        is_read_again: bool,
    ) -> Result<(), ReadError> {
        let begun = ChangesState {
            next_version: Some(now),
            rising,
            is_read_again,
            ..state.clone()
        };
        self.send(&Content::Changes(begun).write()).await
    }

    /// Sends the state of a stream in which nothing has changed.
    async fn nothing(&self, state: ChangesState) -> Result<Followed, ReadError> {
        tracing::info!("stream \"{}\": nothing has changed", self.plan.descriptor);
        self.send(&Content::Changes(state.clone()).write()).await?;
        Ok(Followed::Told(0, Box::new(state)))
    }

    async fn send(&self, state: &Value) -> Result<(), ReadError> {
        queries::send_state(self.context, self.plan, self.stream_run, state.clone()).await
    }

    /// Writes the rows of a query, and the state after them.
    async fn write(&self, sql: String, state: &ChangesState) -> Result<u64, ReadError> {
        let state = Content::Changes(state.clone()).write();
        let part = StreamQuery {
            number: 0,
            sql: self.in_order(sql),
            boundary: None,
            version: None,
        };
        queries::read_queries(
            self.context,
            self.plan,
            self.stream_run,
            vec![part],
            |_, _| state.clone(),
        )
        .await
    }

    /// A query of rows of this stream, with its columns in the order in which they are written.
    fn in_order(&self, sql: String) -> String {
        let names = self.plan.columns.iter().map(|(name, _)| name.as_str());
        let names = names.chain(changes::COLUMNS);
        query_in_order(self.context.socket_format(), names, sql)
    }

    /// Warns how many rows without a key were deleted. Nobody knows which rows of the destination
    /// they are, so they cannot be deleted there.
    async fn warn_of_deletions_without_key(&self, count: &str) -> Result<(), TrinoError> {
        let rows: Vec<TotalRow> = control::rows(&self.context.client, count).await?;
        let total = rows.first().and_then(|row| row.total).unwrap_or_default();
        if total > 0 {
            let were = if total == 1 { "was" } else { "were" };
            tracing::warn!(
                "stream \"{}\": {} without a key (null) {were} deleted. The destination keeps what it has of such rows, because it cannot know which of its rows they are",
                self.plan.descriptor,
                amount(total, "row")
            );
        }
        Ok(())
    }

    async fn commit(&self, version: i64) -> Result<Commit, TrinoError> {
        let sql = match self.format {
            Format::Iceberg => changes::iceberg_commit(self.table, version),
            Format::DeltaLake => changes::delta_commit(self.table, version),
        };
        let rows: Vec<CommitRow> = control::rows(&self.context.client, &sql).await?;
        let row = rows.into_iter().next().ok_or_else(|| {
            TrinoError::Unclear(format!(
                "Trino does not list the commit of version {version} of {}.",
                self.table
            ))
        })?;
        Ok(Commit {
            time: row.time,
            cursor: row.cursor,
        })
    }
}
