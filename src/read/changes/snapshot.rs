//! The snapshot of a stream whose changes are read: all rows of one version of its table.

use super::Changes;
use crate::amounts::amount;
use crate::catalog::format::Format;
use crate::read::changes_state::ChangesState;
use crate::read::columns;
use crate::read::context::ReadError;
use crate::read::pin;
use crate::read::progress::Progress;
use crate::read::queries;
use crate::read::query::StreamQuery;
use crate::read::restart;
use crate::read::slices::Slices;
use crate::read::slicing::{cut, slice_queries};
use crate::read::state::Content;
use crate::read::version::Version;
use crate::sql::changes::{self, Commit};
use crate::sql::field_ids::Change;
use crate::sql::select;
use crate::trino::error::TrinoError;

/// What a snapshot selects.
struct Selected {
    /// One expression for each column.
    expressions: Vec<String>,
    /// Shows in a later sync whether a name stands for another column.
    fingerprint: Option<String>,
    /// Shows the same of the fields of rows within arrays or maps.
    schema_id: Option<i64>,
    /// The ids of the columns of the key.
    key: Vec<i64>,
    /// Whether a name stands for another column in that version.
    is_other: bool,
}

impl Selected {
    /// Whether slices that were read for a state were selected under other names.
    fn differs_from(&self, state: &ChangesState) -> bool {
        (self.is_other || state.is_renamed)
            && self.fingerprint.is_some()
            && state.columns.is_some()
            && self.fingerprint != state.columns
    }
}

impl Changes<'_> {
    /// Reads all rows of a version of the table: of the version that `state` is in the middle of,
    /// or else of `version`.
    pub(super) async fn snapshot(
        &self,
        mut state: ChangesState,
        version: Option<Version>,
    ) -> Result<u64, ReadError> {
        let stream = &self.plan.descriptor;
        let mut begun = state.progress.clone();
        let listed = begun.as_ref().map_or(version, |begun| begun.slices.version);
        let (version, begun, selected) = match self.selected(listed, begun.as_ref()).await? {
            Ok(selected) => {
                if let Some(begun) = &mut begun
                    && selected.differs_from(&state)
                {
                    tracing::warn!(
                        "stream \"{stream}\": a selected column is another one than when the snapshot began, so all its rows are read again"
                    );
                    begun.done.clear();
                    state.snapshot_cursor = None;
                }
                (listed, begun, selected)
            }
            Err(reason) => {
                if let Some(begun) = &begun {
                    restart::begin_anew(self.plan, begun, &reason)?;
                }
                tracing::warn!(
                    "stream \"{stream}\" is read with one query, of the table as it is now: of its last version, {reason}. The next write to the table ends that."
                );
                let present = self.present_columns().await?;
                let selected = Selected {
                    expressions: self.by_name(),
                    fingerprint: present.as_deref().map(columns::fingerprint),
                    schema_id: None,
                    key: self.key_ids(present.as_deref()),
                    is_other: true,
                };
                (None, None, selected)
            }
        };
        let mut commit = match version {
            Some(version) => self.commit(version.number()).await?,
            None => Commit {
                time: format!("{} UTC", &crate::clock::utc_before(0)[..23]),
                cursor: 0,
            },
        };
        let mut rising = state.rising;
        commit.cursor = match state.snapshot_cursor {
            // A read that goes on must give the same values as before.
            Some(cursor) if begun.is_some() => cursor,
            _ => {
                rising = rising.above_all(commit.cursor);
                let cursor = commit.cursor.saturating_add(rising.offset);
                rising = rising.sent(commit.cursor);
                cursor
            }
        };
        let mut progress = match begun {
            Some(progress) => {
                let done = progress.done.len();
                tracing::info!(
                    "stream \"{stream}\" goes on after {}",
                    amount(done, "finished slice")
                );
                progress
            }
            None => self.begun(version).await,
        };
        let is_begun = state.progress.is_some();
        let columns = format!(
            "{}, {}",
            select::renamed_projections(&self.plan.columns, &selected.expressions),
            changes::commit_columns(&commit, false)
        );
        let parts: Vec<StreamQuery> = slice_queries(self.plan, &progress, &columns, None)
            .into_iter()
            .map(|part| StreamQuery {
                sql: self.in_order(part.sql),
                ..part
            })
            .collect();
        tracing::info!(
            "stream \"{stream}\": reading a snapshot of {} with {}",
            amount(self.plan.columns.len(), "column"),
            progress.slices.describe()
        );
        let after = |progress: Option<Progress>| {
            let is_whole = progress.is_none();
            // Without a version, the next sync tells the changes since the version before again.
            let (table_version, schema_id) = match version {
                Some(version) if is_whole => (Some(version), selected.schema_id),
                _ => (state.table_version, state.schema_id),
            };
            let state = ChangesState {
                table_version,
                next_version: None,
                progress,
                snapshot_cursor: (!is_whole).then_some(commit.cursor),
                rising,
                columns: selected.fingerprint.clone(),
                key: selected.key.clone(),
                is_renamed: selected.is_other,
                is_read_again: false,
                schema_id,
            };
            Content::Changes(state).write()
        };
        if parts.is_empty() {
            self.send(&after(None)).await?;
            return Ok(0);
        }
        if version.is_some() && !is_begun {
            // If this run ends before its first slice, the next one goes on with the same version.
            // From a newer one, nobody would be told of the rows that were sent now and deleted by
            // then.
            self.send(&after(Some(progress.clone()))).await?;
        }
        let (context, plan) = (self.context, self.plan);
        let records =
            queries::read_queries(context, plan, self.stream_run, parts, |slice, left| {
                progress.finish(slice.number);
                after((left > 0).then(|| progress.clone()))
            })
            .await?;
        if let (None, Some(listed)) = (version, listed) {
            let whole = ChangesState {
                rising,
                columns: selected.fingerprint,
                key: selected.key,
                is_renamed: selected.is_other,
                ..ChangesState::default()
            };
            self.take_for_read(listed, whole).await?;
        }
        Ok(records)
    }

    /// Sends the state of a version whose rows were read from the present table, if that has stayed
    /// the present version: then the next sync tells which of these rows were deleted.
    async fn take_for_read(&self, version: Version, state: ChangesState) -> Result<(), ReadError> {
        if self.version(&state).await? != Some(version) {
            return Ok(());
        }
        let state = ChangesState {
            table_version: Some(version),
            schema_id: self.schema_id(version).await?,
            ..state
        };
        self.send(&Content::Changes(state).write()).await
    }

    /// The state before a snapshot of a version is read.
    pub(super) async fn before_snapshot(
        &self,
        state: ChangesState,
        version: Version,
    ) -> Result<ChangesState, TrinoError> {
        let commit = self.commit(version.number()).await?;
        let rising = state.rising.above_all(commit.cursor);
        Ok(ChangesState {
            progress: Some(self.begun(Some(version)).await),
            next_version: None,
            snapshot_cursor: Some(commit.cursor.saturating_add(rising.offset)),
            rising: rising.sent(commit.cursor),
            ..state
        })
    }

    async fn begun(&self, version: Option<Version>) -> Progress {
        let slices: Slices = cut(self.context, self.plan, version).await;
        Progress::new(slices, self.plan.attempt.generation)
    }

    /// The selected columns as expressions over the columns of a version, or the reason why the
    /// version lacks some.
    async fn selected(
        &self,
        version: Option<Version>,
        begun: Option<&Progress>,
    ) -> Result<Result<Selected, String>, TrinoError> {
        let by_name = Selected {
            expressions: self.by_name(),
            fingerprint: None,
            schema_id: None,
            key: Vec::new(),
            is_other: false,
        };
        let Some(version) = version else {
            return Ok(Ok(by_name));
        };
        if self.format == Format::DeltaLake {
            if begun.is_none() {
                return Ok(Ok(by_name));
            }
            // The table may have got columns since.
            return Ok(match self.by_name_at(version).await?.all() {
                Some(expressions) => Ok(Selected {
                    expressions,
                    ..by_name
                }),
                None => Err("a column was of another type".to_owned()),
            });
        }
        let Some(present) = self.present_columns().await? else {
            let columns = &self.plan.columns;
            let types = columns::types_at(self.context, self.table, version, columns).await;
            return match types {
                Ok(types) => Ok(match columns::other_types(columns, &types) {
                    None => Ok(by_name),
                    Some(reason) => Err(reason),
                }),
                Err(error) if error.is_named(&["COLUMN_NOT_FOUND"]) => Ok(Err(error.to_string())),
                Err(error) => Err(error),
            };
        };
        let mapped = self.columns_at(version, &present).await?;
        let has_slices = begun.is_some_and(|begun| !begun.done.is_empty());
        if !has_slices && pin::may_have_other_fields(self.context, self.plan, version).await? {
            return Ok(Err(pin::OTHER_FIELDS.to_owned()));
        }
        Ok(match mapped.all() {
            Some(expressions) => Ok(Selected {
                expressions,
                fingerprint: Some(columns::fingerprint(&present)),
                schema_id: self.schema_id(version).await?,
                key: self.key_ids(Some(&present)),
                is_other: mapped.change == Change::Identity,
            }),
            None => Err("a nested column was of another type".to_owned()),
        })
    }
}
