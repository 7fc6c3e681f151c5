//! The changes of Iceberg tables, from `table_changes` or as the difference of two versions.

use std::collections::HashMap;

use super::columns::Mapped;
use super::difference::{DifferentFiles, OTHER_TYPE};
use super::{Changes, Followed};
use crate::read::changes_state::ChangesState;
use crate::read::columns;
use crate::read::context::ReadError;
use crate::read::state::Content;
use crate::read::version::Version;
use crate::sql::changes;
use crate::sql::difference::Difference;
use crate::sql::field_ids::{Change, Column};
use crate::trino::answers::SnapshotRow;
use crate::trino::control;
use crate::trino::error::TrinoError;

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
    /// When the first and the last snapshot on the way were made, by the clocks of their writers.
    times: (i64, i64),
    ends: Ends,
    /// Whether one of the selected names stands for another column than in the last sync.
    is_other: bool,
    /// The ids of the columns under whose values the rows before were told.
    told_key: Vec<i64>,
    /// The version of which an interrupted sync may have told rows in the same way.
    begun: Option<Version>,
    /// Whether `before` led to `now`: the table was not rolled back or made anew in between.
    is_descendant: bool,
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
        let schema_id = if now != before || state.schema_id.is_none() {
            self.schema_id(now).await?
        } else {
            None
        };
        let schema_id = schema_id.or(state.schema_id);
        if now == before && !may_be_others && !state.is_read_again {
            let columns = fingerprint.or_else(|| state.columns.clone());
            return self
                .nothing(ChangesState {
                    columns,
                    schema_id,
                    ..state.clone()
                })
                .await;
        }
        let snapshots: Vec<SnapshotRow> =
            control::rows(client, &changes::iceberg_snapshots(self.table)).await?;
        let listed = |version: Version| snapshots.iter().find(|row| row.id == version.number());
        let (Some(newest), oldest) = (listed(now), listed(before)) else {
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
        let key_ids = self.key_ids(present.as_deref());
        let ends = self.ends(present, before, now).await?;
        let is_identity = ends.before.change == Change::Identity;
        let has_other_columns = state.is_read_again
            || may_be_others && (is_identity || state.is_renamed)
            || is_identity && now != before && state.columns.is_none();
        // Of fields within arrays and maps only this is known, so they may be others after any
        // change of the schema.
        let may_have_other_fields = state.schema_id.is_some() && schema_id != state.schema_id;
        let times = || {
            let on_the_way = range.iter().flatten();
            on_the_way.map(|row| row.at_ms).chain([newest.at_ms])
        };
        let step = Step {
            before,
            now,
            at_ms: newest.at_ms,
            times: (
                times().min().unwrap_or(newest.at_ms),
                times().max().unwrap_or(newest.at_ms),
            ),
            is_other: has_other_columns || may_have_other_fields,
            told_key: state.key.clone(),
            begun: state.next_version,
            is_descendant: range.is_some(),
            ends,
            knows_ids,
        };
        let after = ChangesState {
            table_version: Some(now),
            rising: state.rising,
            columns: fingerprint,
            key: key_ids,
            is_renamed: step.ends.now.change == Change::Identity,
            schema_id,
            ..ChangesState::default()
        };
        let has_only = |operations: &[&str]| {
            range.as_deref().is_some_and(|range| {
                let mut done = range.iter().map(|row| row.operation.as_deref());
                done.all(|operation| operations.contains(&operation.unwrap_or_default()))
            })
        };
        if !step.is_other && has_only(&["replace"]) {
            return self.nothing(after).await;
        }
        if now != before || step.is_other {
            let (lowest, highest) = step.times;
            let rising = state.rising.above_all(lowest).sent(highest);
            self.begin_up_to(now, state, rising, step.is_other).await?;
        }
        if !step.is_other
            && has_only(&["append", "replace"])
            && step.ends.are_alike(&self.by_name())
            && let Some(told) = self.write_appends(&step, &after).await?
        {
            return Ok(told);
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
        after: &ChangesState,
    ) -> Result<Option<Followed>, ReadError> {
        // All values must be above those that were sent, whatever the clocks of the writers show.
        let (lowest, highest) = step.times;
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
            result => Ok(Some(Followed::Told(result?, Box::new(after)))),
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
        let (Some(mut old), Some(new)) = (old, step.ends.now.all()) else {
            return Ok(Followed::Gap(OTHER_TYPE.to_owned()));
        };
        let mut has_other_key = false;
        if step.is_other && !key.is_empty() {
            let Some(told) = self
                .with_key_as_told(step.before, &step.told_key, &old)
                .await?
            else {
                return Ok(Followed::Gap(OTHER_TYPE.to_owned()));
            };
            has_other_key = told != old;
            old = told;
        }
        let begun = if has_other_key && step.begun == Some(step.now) {
            self.with_key_as_told(step.now, &step.told_key, &new)
                .await?
        } else {
            None
        };
        let files = match step.is_descendant {
            // Every row of the destination may have a key that no row of the table has now.
            _ if has_other_key => DifferentFiles::All,
            _ if step.before == step.now => DifferentFiles::None,
            true => self.files_with_other_counts(step.before, step.now).await?,
            false => {
                let (before, now) = ((step.before, &*old), (step.now, &*new));
                self.files_with_other_rows(before, now).await?
            }
        };
        if files == DifferentFiles::None {
            return if step.is_other {
                let after = self.before_snapshot(after, step.now).await?;
                self.send(&Content::Changes(after.clone()).write()).await?;
                Ok(Followed::ThenSnapshot(0, Box::new(after)))
            } else {
                self.nothing(after).await
            };
        }
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
            // A snapshot follows, and tells all rows that are there.
            only_deletions: step.is_other,
            before: (step.before.number(), &old),
            begun: begun.as_deref(),
            after: (step.now.number(), &new),
            files: files.to_name(),
        };
        self.tell_difference(step.before, &difference, &commit, &after, step.knows_ids)
            .await
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
