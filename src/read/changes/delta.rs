//! The changes of Delta Lake tables, from their change data feed, or, where it has a gap, as the
//! difference of two versions.

use super::difference::DifferentFiles;
use super::{Changes, Followed};
use crate::read::changes_state::ChangesState;
use crate::read::columns;
use crate::read::context::ReadError;
use crate::read::lost_version;
use crate::read::version::Version;
use crate::sql::difference::Difference;
use crate::sql::{changes, versions};
use crate::trino::answers::{DeltaVersionRow, NameRow};
use crate::trino::control;
use crate::trino::error::TrinoError;

/// Why the feed does not lead from one version to another.
enum Gap {
    /// The earlier version, or a file of it, is lost.
    Lost(String),
    /// No feed leads from one to the other, but both versions may still be read.
    NoFeed {
        /// Why.
        reason: String,
        /// Whether columns were altered. Delta Lake's are known by their names only, so one of them
        /// may be another one now.
        is_other: bool,
    },
}

/// What the history calls a change of columns that may give a name to another column.
const COLUMN_OPERATIONS: [&str; 3] = ["DROP COLUMNS", "RENAME COLUMN", "REPLACE COLUMNS"];

impl Changes<'_> {
    pub(super) async fn follow_delta(
        &self,
        state: &ChangesState,
        before: Version,
        now: Version,
    ) -> Result<Followed, ReadError> {
        let after = |rising| ChangesState {
            table_version: Some(now),
            rising,
            ..ChangesState::default()
        };
        if now == before {
            return self.nothing(after(state.rising)).await;
        }
        match self.gap_in_history(before, now).await? {
            Some(Gap::Lost(reason)) => return Ok(Followed::Gap(reason)),
            Some(Gap::NoFeed { reason, is_other }) => {
                return self
                    .follow_versions(state, before, now, &reason, is_other)
                    .await;
            }
            None => {}
        }
        let range = (before.number(), now.number());
        let key = self.plan.readable_key();
        let rising = state.rising.above_all(before.number() + 1);
        // Rows that leave now are told again up to this version if this run ends before its last
        // state, also if there will be a gap behind it.
        let rising_after = rising.sent(now.number());
        self.begin_up_to(now, state, rising_after, false).await?;
        let sql = changes::delta_feed(self.table, &self.plan.columns, key, range, rising.offset);
        let after = after(rising_after);
        let written = self.write(sql, &after).await;
        let records = match written {
            Ok(records) => records,
            Err(ReadError::Trino { query_id, error }) if !self.stream_run.has_sent() => {
                return match self.gap_in_feed(before, &error).await? {
                    Some(reason) => {
                        self.follow_versions(state, before, now, &reason, false)
                            .await
                    }
                    None => Err(ReadError::Trino {
                        query_id,
                        error: self.with_the_right(error),
                    }),
                };
            }
            Err(error) => return Err(error),
        };
        if !key.is_empty() {
            let count = changes::delta_deletions_without_key(self.table, key, range);
            self.warn_of_deletions_without_key(&count).await?;
        }
        Ok(Followed::Told(records, Box::new(after)))
    }

    /// Tells how two versions differ where no feed leads from one to the other, for this `reason`.
    /// If columns may be others (`is_other`), all rows follow.
    async fn follow_versions(
        &self,
        state: &ChangesState,
        before: Version,
        now: Version,
        reason: &str,
        is_other: bool,
    ) -> Result<Followed, ReadError> {
        let stream = &self.plan.descriptor;
        let old = match self.by_name_at(before).await {
            Ok(old) => old.to_compare(&self.plan.columns, self.plan.readable_key()),
            Err(error) if self.reads_no_versions(now, &error).await? => {
                return Ok(Followed::Gap(format!(
                    "{reason}, and this server cannot read versions of Delta Lake tables"
                )));
            }
            Err(error) => match self.gap(before, &error).await {
                Some(reason) => return Ok(Followed::Gap(reason)),
                None => return Err(error.into()),
            },
        };
        let Some(old) = old else {
            return Ok(Followed::Gap(format!(
                "{reason}, and the columns were others before"
            )));
        };
        tracing::info!("stream \"{stream}\": comparing the two versions: {reason}");
        let rising = state.rising.above_all(now.number());
        self.begin_up_to(now, state, rising.sent(now.number()), false)
            .await?;
        // After it, names may have been given to other columns.
        let Some(new) = self.by_name_at(now).await?.all() else {
            return Ok(Followed::Gap(format!(
                "{reason}, and the columns were others then"
            )));
        };
        let files = if is_other {
            DifferentFiles::All
        } else {
            let (before, now) = ((before, &*old), (now, &*new));
            self.files_with_other_rows(before, now).await?
        };
        let mut commit = self.commit(now.number()).await?;
        commit.cursor = now.number().saturating_add(rising.offset);
        let mut after = ChangesState {
            table_version: Some(now),
            rising: rising.sent(now.number()),
            ..ChangesState::default()
        };
        if files == DifferentFiles::None {
            return self.nothing(after).await;
        }
        if is_other {
            after = self.before_snapshot(after, now).await?;
        }
        let difference = Difference {
            table: self.table,
            columns: &self.plan.columns,
            key: self.plan.readable_key(),
            tells_rows: self.plan.primary_key.is_empty(),
            only_deletions: after.progress.is_some(),
            before: (before.number(), &old),
            begun: None,
            after: (now.number(), &new),
            files: files.to_name(),
        };
        self.tell_difference(before, &difference, &commit, &after, true)
            .await
    }

    /// Whether an error means that the server reads no version of a Delta Lake table at all, as old
    /// ones do: it says so of the present version too, and reads the table. The consequence is that
    /// deletions are not told.
    async fn reads_no_versions(
        &self,
        now: Version,
        error: &TrinoError,
    ) -> Result<bool, TrinoError> {
        const REFUSALS: &[&str] = &["NOT_SUPPORTED", "SYNTAX_ERROR"];
        if !error.is_named(REFUSALS) {
            return Ok(false);
        }
        match self.by_name_at(now).await {
            Ok(_) => return Ok(false),
            Err(error) if error.is_named(REFUSALS) => {}
            Err(error) => return Err(error),
        }
        columns::names(self.context, self.table, None).await?;
        Ok(true)
    }

    /// Why a range of versions cannot have a feed, according to the table's history.
    async fn gap_in_history(
        &self,
        before: Version,
        now: Version,
    ) -> Result<Option<Gap>, TrinoError> {
        if self.context.connection.as_of.is_some() && before.number() > now.number() {
            return Ok(Some(Gap::NoFeed {
                reason: "‹as_of› is earlier than the last sync".to_owned(),
                is_other: false,
            }));
        }
        let sql = versions::delta_since(self.table, before.number());
        let all: Vec<DeltaVersionRow> = control::rows(&self.context.client, &sql).await?;
        let is_later = |row: &DeltaVersionRow| row.version > now.number();
        let (later, commits): (Vec<_>, Vec<_>) = all.into_iter().partition(is_later);
        if commits.first().map(Version::from) != Some(before) {
            // If the table has fewer versions than before, the range is empty although the history
            // can be read.
            let is_there =
                before.number() > now.number() || commits.last().map(Version::from) == Some(now);
            return if is_there {
                Ok(Some(Gap::Lost(
                    "it is not one of those that led to the present one".to_owned(),
                )))
            } else {
                Err(TrinoError::Unclear(format!(
                    "Trino's list of the versions of {} lacks the present one.",
                    self.table
                )))
            };
        }
        let done = || commits.iter().skip(1).map(|row| row.operation.as_str());
        let alters = |operation: &&str| COLUMN_OPERATIONS.contains(operation);
        let altered = done().find(alters);
        let replaced =
            done().find(|operation| operation.contains("REPLACE TABLE") || *operation == "RESTORE");
        // The feed has the present names, also for versions before they were given.
        let altered_later = later.iter().map(|row| row.operation.as_str()).find(alters);
        let operation = altered.or(replaced).or(altered_later);
        Ok(operation.map(|operation| Gap::NoFeed {
            reason: format!("there was a {operation}"),
            is_other: altered.is_some(),
        }))
    }

    /// Why the feed cannot be read, if that is what an error means: VACUUM has deleted its files,
    /// or it is switched off. The versions themselves may still be there.
    async fn gap_in_feed(
        &self,
        before: Version,
        error: &TrinoError,
    ) -> Result<Option<String>, TrinoError> {
        let Some(query) = error.query_error() else {
            return Ok(None);
        };
        if lost_version::has_lost_a_file(self.context, self.plan, before, query).await? {
            return Ok(Some(error.to_string()));
        }
        // Trino says this for a version that deletes rows without writing them to the feed: while
        // the feed was off, and of engines that overwrite tables.
        if query.message.contains("Change Data Feed is not enabled") {
            return Ok(Some(error.to_string()));
        }
        if !query.is_of_the_user() {
            return Ok(None);
        }
        let sql = changes::with_delta_feed(std::slice::from_ref(self.table));
        let with_feed: Vec<NameRow> = control::rows(&self.context.client, &sql).await?;
        Ok(with_feed
            .is_empty()
            .then(|| format!("the table has no change data feed now: {error}")))
    }

    fn with_the_right(&self, error: TrinoError) -> TrinoError {
        if !error.is_named(&["PERMISSION_DENIED"]) {
            return error;
        }
        let catalog = &self.table.catalog;
        let error = error.to_string();
        TrinoError::Settings(format!(
            "The change data feed of {} may not be read: {}. Grant the user of ‹username› EXECUTE \
             on the function {catalog}.system.table_changes, and SELECT on the table.",
            self.table,
            error.trim_end_matches('.')
        ))
    }
}
