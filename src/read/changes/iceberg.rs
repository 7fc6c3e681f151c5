//! The changes of Iceberg tables, from `table_changes` or as the difference of two versions.

use std::collections::HashMap;

use super::columns::Mapped;
use super::{Changes, Followed};
use crate::read::changes_state::ChangesState;
use crate::read::columns;
use crate::read::context::ReadError;
use crate::read::lost_version;
use crate::read::pin;
use crate::read::state::Content;
use crate::read::version::Version;
use crate::sql::changes::{self, ChangedFiles, Difference};
use crate::sql::field_ids::{Change, Column};
use crate::sql::metadata;
use crate::trino::control::{self, ChangedFileRow, SnapshotRow};
use crate::trino::error::TrinoError;

/// How many bytes of paths a statement may name. It names each path up to four times, and so stays
/// below Trino's limit of a million.
const PATHS_IN_QUERY: usize = 200_000;

/// The selected columns at both ends of a range of versions.
struct Ends {
    before: Mapped,
    now: Mapped,
}

/// The range of versions between two syncs.
struct Step {
    before: Version,
    now: Version,
    /// When the newest snapshot was made.
    at_ms: i64,
    ends: Ends,
    /// Whether one of the selected names stands for another column than in the last sync.
    is_other: bool,
    /// Whether the server shows the ids of columns.
    knows_ids: bool,
}

impl Ends {
    /// Whether all columns are the same in both versions and in the present table.
    fn are_alike(&self, names: &[String]) -> bool {
        [&self.before, &self.now]
            .iter()
            .all(|mapped| mapped.all().as_deref() == Some(names))
    }
}

impl Changes<'_> {
    pub(super) async fn follow_iceberg(
        &self,
        state: &ChangesState,
        before: Version,
        now: Version,
    ) -> Result<Followed, ReadError> {
        let client = &self.context.client;
        let present = self.present_columns().await?;
        let fingerprint = present.as_deref().map(columns::fingerprint);
        // If it is not known which columns they were, nothing can be concluded.
        let may_be_others =
            fingerprint.is_some() && state.columns.is_some() && fingerprint != state.columns;
        if now == before && !may_be_others {
            let columns = fingerprint.or_else(|| state.columns.clone());
            return self
                .nothing(ChangesState {
                    columns,
                    ..state.clone()
                })
                .await;
        }
        let snapshots: Vec<SnapshotRow> =
            control::rows(client, &changes::iceberg_snapshots(self.table)).await?;
        let of = |version: Version| snapshots.iter().find(|row| row.id == version.number());
        let (Some(newest), oldest) = (of(now), of(before)) else {
            return Err(TrinoError::Unclear(format!(
                "Trino's list of the snapshots of {} lacks the present one.",
                self.table
            ))
            .into());
        };
        if oldest.is_none() {
            return Ok(Followed::Gap(
                "it has expired, or the table was made anew".to_owned(),
            ));
        }
        let range = range(&snapshots, before.number(), now.number());
        let knows_ids = present.is_some();
        let ends = self.ends(present, before, now).await?;
        let step = Step {
            before,
            now,
            at_ms: newest.at_ms,
            is_other: ends.before.change == Change::Identity
                && (may_be_others || (now != before && state.columns.is_none())),
            ends,
            knows_ids,
        };
        let after = ChangesState {
            table_version: Some(now),
            rising: state.rising,
            columns: fingerprint,
            ..ChangesState::default()
        };
        if !step.is_other
            && let Some(range) = &range
            && range
                .iter()
                .all(|row| row.operation.as_deref() == Some("replace"))
        {
            return self.nothing(after).await;
        }
        if now != before && state.next_version != Some(now) {
            let begun = ChangesState {
                next_version: Some(now),
                ..state.clone()
            };
            self.send(&Content::Changes(begun).write()).await?;
        }
        if !step.is_other
            && let Some(range) = range
        {
            let is = |names: &[&str]| {
                range
                    .iter()
                    .all(|row| names.contains(&row.operation.as_deref().unwrap_or_default()))
            };
            if is(&["append", "replace"])
                && step.ends.are_alike(&self.by_name())
                && let Some(records) = self.write_appends(&step, &range, &after).await?
            {
                return Ok(Followed::Records(records));
            }
        }
        self.follow_difference(&step, after).await
    }

    /// Writes the rows of a range of appends. `None` if the server refuses before the first row:
    /// `table_changes` refuses a table with deleted rows even if the range has only appends (seen
    /// on 476), and the user may not be allowed to call it. The difference of the versions is just
    /// as exact.
    async fn write_appends(
        &self,
        step: &Step,
        range: &[&SnapshotRow],
        after: &ChangesState,
    ) -> Result<Option<u64>, ReadError> {
        // All values must be above those that were sent, whatever the clocks of the writers show.
        let times = || range.iter().map(|row| row.at_ms);
        let lowest = times().min().unwrap_or(step.at_ms);
        let highest = times().max().unwrap_or(step.at_ms);
        let rising = after.rising.above_all(lowest);
        let sql = changes::iceberg_appends(
            self.table,
            &self.plan.columns,
            step.before.number(),
            step.now.number(),
            rising.offset,
        );
        let after = ChangesState {
            rising: rising.sent(highest),
            ..after.clone()
        };
        match self.write(sql, &after).await {
            Err(ReadError::Trino { error, .. })
                if error.query_error().is_some() && !self.stream_run.has_sent() =>
            {
                let stream = &self.plan.descriptor;
                tracing::debug!(%error, "stream \"{stream}\" is compared with the version before");
                Ok(None)
            }
            result => result.map(Some),
        }
    }

    /// Writes the difference of two versions.
    async fn follow_difference(
        &self,
        step: &Step,
        after: ChangesState,
    ) -> Result<Followed, ReadError> {
        let key = self.plan.readable_key();
        let old = step.ends.before.to_compare(&self.plan.columns, key);
        let (Some(old), Some(new)) = (old, step.ends.now.all()) else {
            return Ok(Followed::Gap(
                "the type of a nested column has changed".to_owned(),
            ));
        };
        let Some(files) = self.changed_files(step.before, step.now).await? else {
            return if step.is_other {
                let after = self.before_snapshot(after, step.now).await?;
                self.send(&Content::Changes(after.clone()).write()).await?;
                Ok(Followed::ThenSnapshot(0, Box::new(after)))
            } else {
                self.nothing(after).await
            };
        };
        let mut commit = self.commit(step.now.number()).await?;
        let rising = after.rising.above_all(step.at_ms);
        commit.cursor = step.at_ms.saturating_add(rising.offset);
        let mut after = ChangesState {
            rising: rising.sent(step.at_ms),
            ..after
        };
        if step.is_other {
            after = self.before_snapshot(after, step.now).await?;
        }
        let difference = Difference {
            table: self.table,
            columns: &self.plan.columns,
            key,
            tells_rows: self.plan.primary_key.is_empty(),
            before: (step.before.number(), &old),
            after: (step.now.number(), &new),
            files: files.fit().then_some(&files),
        };
        match self
            .write_difference(step, &difference, &commit, &after)
            .await
        {
            Ok(Ok(records)) if step.is_other => {
                Ok(Followed::ThenSnapshot(records, Box::new(after)))
            }
            Ok(Ok(records)) => Ok(Followed::Records(records)),
            Ok(Err(reason)) => Ok(Followed::Gap(reason)),
            Err(ReadError::Trino { query_id, error }) => {
                match self.gap(step.before, &error).await {
                    Some(reason) if !self.stream_run.has_sent() => Ok(Followed::Gap(reason)),
                    _ => Err(ReadError::Trino { query_id, error }),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn ends(
        &self,
        present: Option<Vec<Column>>,
        before: Version,
        now: Version,
    ) -> Result<Ends, TrinoError> {
        let Some(columns) = present else {
            // Without ids, the columns are matched by their names.
            let mapped = Mapped::by_name(&self.by_name());
            return Ok(Ends {
                before: mapped.clone(),
                now: mapped,
            });
        };
        let (old, new) = tokio::join!(
            self.columns_at(before, &columns),
            self.columns_at(now, &columns)
        );
        Ok(Ends {
            before: old?,
            now: new?,
        })
    }

    /// Writes the difference, or returns why its columns cannot be compared.
    async fn write_difference(
        &self,
        step: &Step,
        difference: &Difference<'_>,
        commit: &changes::Commit,
        after: &ChangesState,
    ) -> Result<Result<u64, String>, ReadError> {
        let mut difference = *difference;
        let mut refused = self.refused(step, &difference, commit).await?;
        if let (Some(reason), false) = (&refused, difference.key.is_empty()) {
            let without_key = Difference {
                key: &[],
                tells_rows: false,
                ..difference
            };
            // If rows can be compared without the key, the key is the reason.
            if self.refused(step, &without_key, commit).await?.is_none() {
                tracing::warn!(
                    "stream \"{}\": deletions are not reported, because its key cannot be compared: {reason}",
                    self.plan.descriptor
                );
                difference = without_key;
                refused = None;
            }
        }
        if let Some(reason) = refused {
            return Ok(Err(reason));
        }
        let records = self.write(difference.sql(commit), after).await?;
        if !difference.key.is_empty() {
            let count = difference.rows_without_key();
            self.warn_of_deletions_without_key(&count).await?;
        }
        Ok(Ok(records))
    }

    /// Why a difference cannot be computed, if its columns are the reason. The server has to say so
    /// twice, because the consequence is that deletions are not told.
    async fn refused(
        &self,
        step: &Step,
        difference: &Difference<'_>,
        commit: &changes::Commit,
    ) -> Result<Option<String>, TrinoError> {
        // If ids are known, the columns that the version lacks are known as well.
        let names: &[&str] = if step.knows_ids {
            &["TYPE_MISMATCH"]
        } else {
            &["TYPE_MISMATCH", "COLUMN_NOT_FOUND"]
        };
        let sql = metadata::validate(&difference.sql(commit));
        let mut said = None;
        for _ in 0..2 {
            match control::columns(&self.context.client, &sql).await {
                Ok(_) => return Ok(None),
                Err(error) if error.is_named(names) => said = Some(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        Ok(said)
    }

    /// Why the difference cannot be read, if that is what an error means.
    async fn gap(&self, before: Version, error: &TrinoError) -> Option<String> {
        let query = error.query_error()?;
        let proof = match pin::why_version_gone(self.context, self.plan, before).await {
            Ok(Some(reason)) => return Some(reason),
            Ok(None) => lost_version::has_lost_a_file(self.context, self.plan, before, query).await,
            Err(error) => Err(error),
        };
        proof
            .unwrap_or_else(|unclear| {
                tracing::debug!(%unclear, "it is not known whether version {before} can be read");
                false
            })
            .then(|| error.to_string())
    }

    /// The files in which two versions differ; `None` if they do not differ.
    async fn changed_files(
        &self,
        before: Version,
        now: Version,
    ) -> Result<Option<ChangedFiles>, TrinoError> {
        if before == now {
            return Ok(None);
        }
        let sql = changes::changed_files(self.table, before.number(), now.number());
        let rows: Vec<ChangedFileRow> = control::rows(&self.context.client, &sql).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        tracing::debug!(files = rows.len(), "files that differ");
        let mut files = ChangedFiles::default();
        for row in rows {
            let kind = match (row.before, row.after) {
                // After a rollback, rows that were deleted exist again.
                (true, true) if row.more => {
                    files.removed.push(row.name.clone());
                    &mut files.added
                }
                (true, true) => &mut files.thinned,
                (true, false) => &mut files.removed,
                (false, _) => &mut files.added,
            };
            kind.push(row.name);
        }
        Ok(Some(files))
    }
}

impl ChangedFiles {
    /// Whether one statement can name all of them.
    fn fit(&self) -> bool {
        let all = [&self.removed, &self.thinned, &self.added];
        let bytes: usize = all.into_iter().flatten().map(String::len).sum();
        bytes < PATHS_IN_QUERY
    }
}

/// The snapshots that led from one snapshot to another, without the first one. `None` if there is
/// no such way.
fn range(snapshots: &[SnapshotRow], before: i64, now: i64) -> Option<Vec<&SnapshotRow>> {
    let known: HashMap<i64, &SnapshotRow> = snapshots.iter().map(|row| (row.id, row)).collect();
    let mut range = Vec::new();
    let mut at = now;
    while at != before {
        let snapshot = known.get(&at)?;
        range.push(*snapshot);
        if range.len() > snapshots.len() {
            return None;
        }
        at = snapshot.parent?;
    }
    known.contains_key(&before).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshots() -> Vec<SnapshotRow> {
        [
            (1, None, "append"),
            (2, Some(1), "delete"),
            (3, Some(1), "append"),
            (4, Some(3), "replace"),
        ]
        .into_iter()
        .map(|(id, parent, operation)| SnapshotRow {
            id,
            parent,
            operation: Some(operation.to_owned()),
            at_ms: id,
        })
        .collect()
    }

    fn operations(snapshots: &[SnapshotRow], before: i64, now: i64) -> Option<Vec<&str>> {
        let range = range(snapshots, before, now)?.into_iter();
        range.map(|row| row.operation.as_deref()).collect()
    }

    #[test]
    fn operations_are_those_on_the_way_between_two_snapshots() {
        let all = snapshots();
        assert_eq!(operations(&all, 1, 4), Some(vec!["replace", "append"]));
        assert_eq!(operations(&all, 3, 3), Some(vec![]));
        for (before, now, why) in [
            (2, 4, "rolled back"),
            (4, 3, "the other way"),
            (9, 4, "expired"),
            (1, 9, "unknown"),
        ] {
            assert_eq!(operations(&all, before, now), None, "{why}");
        }
        assert_eq!(
            operations(&all[1..], 1, 4),
            None,
            "the snapshot itself expired"
        );
    }
}
