//! The difference of two versions of a table, computed by Trino.

use super::{Changes, Followed};
use crate::read::changes_state::ChangesState;
use crate::read::context::ReadError;
use crate::read::lost_version;
use crate::read::pin;
use crate::read::version::Version;
use crate::sql::changes::Commit;
use crate::sql::checksum::RowChecksum;
use crate::sql::difference::{self, ChangedFiles, Difference};
use crate::sql::metadata;
use crate::trino::answers::{ChangedFileRow, TotalRow};
use crate::trino::control;
use crate::trino::error::TrinoError;

/// How many bytes of paths a statement may name. It names each path up to four times, and so stays
/// below Trino's limit of a million.
const PATHS_IN_QUERY: usize = 200_000;

/// Why versions are not compared if a column had a type whose values cannot be compared with the
/// present ones.
pub(super) const OTHER_TYPE: &str =
    "the type of a column has changed so that its values cannot be compared";

/// The files whose rows differ between two versions.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DifferentFiles {
    /// No file.
    None,
    /// These files.
    These(ChangedFiles),
    /// Any file may.
    All,
}

impl DifferentFiles {
    /// The files that a statement has to name; `None` if it has to compare all of them, because
    /// they are not known or too many.
    pub(super) fn to_name(&self) -> Option<&ChangedFiles> {
        let Self::These(files) = self else {
            return None;
        };
        let all = [&files.removed, &files.thinned, &files.added];
        let bytes: usize = all.into_iter().flatten().map(String::len).sum();
        (bytes < PATHS_IN_QUERY).then_some(files)
    }
}

impl Changes<'_> {
    /// The files in which two versions differ, of which the earlier one led to the later one.
    pub(super) async fn files_with_other_counts(
        &self,
        before: Version,
        now: Version,
    ) -> Result<DifferentFiles, TrinoError> {
        let sql = difference::changed_files(self.table, before.number(), now.number(), None);
        let rows: Vec<ChangedFileRow> = control::rows(&self.context.client, &sql).await?;
        Ok(different(rows, |name, files| files.thinned.push(name)))
    }

    /// The same of two versions in any order, in each of which other rows of a file may be deleted:
    /// after a rollback, deleted rows exist again. `before` and `now` are the versions, and the
    /// selected columns as expressions over theirs.
    pub(super) async fn files_with_other_rows(
        &self,
        (before, old): (Version, &[String]),
        (now, new): (Version, &[String]),
    ) -> Result<DifferentFiles, TrinoError> {
        let key = self.plan.readable_key();
        let columns = self.plan.columns.iter();
        let told: Vec<_> = columns
            .filter(|(name, _)| key.is_empty() || key.contains(name))
            .cloned()
            .collect();
        let names = self.by_name();
        let checksum = RowChecksum::new(&told).filter(|checksum| checksum.is_complete);
        let Some(checksum) = checksum.filter(|_| old == names && new == names) else {
            return Ok(DifferentFiles::All);
        };
        let (before, now) = (before.number(), now.number());
        let sql = difference::changed_files(self.table, before, now, Some((&checksum, key)));
        match control::rows::<ChangedFileRow>(&self.context.client, &sql).await {
            Ok(rows) => Ok(different(rows, |name, files| {
                files.removed.push(name.clone());
                files.added.push(name);
            })),
            // Comparing everything is just as exact.
            Err(error) if error.query_error().is_some() => {
                tracing::debug!(%error, "all files are compared");
                Ok(DifferentFiles::All)
            }
            Err(error) => Err(error),
        }
    }

    /// Tells the difference since the version `before`, or why it cannot be read: its columns
    /// cannot be compared, or it is proved that the version is lost and nothing has left yet. If
    /// the state `after` it is in a snapshot, that snapshot follows.
    pub(super) async fn tell_difference(
        &self,
        before: Version,
        difference: &Difference<'_>,
        commit: &Commit,
        after: &ChangesState,
        knows_ids: bool,
    ) -> Result<Followed, ReadError> {
        match self
            .write_difference(difference, commit, after, knows_ids)
            .await
        {
            Ok(Ok(records)) if after.progress.is_some() => {
                Ok(Followed::ThenSnapshot(records, Box::new(after.clone())))
            }
            Ok(Ok(records)) => Ok(Followed::Told(records, Box::new(after.clone()))),
            Ok(Err(reason)) => Ok(Followed::Gap(reason)),
            Err(ReadError::Trino { query_id, error }) => match self.gap(before, &error).await {
                Some(reason) if !self.stream_run.has_sent() => Ok(Followed::Gap(reason)),
                _ => Err(ReadError::Trino { query_id, error }),
            },
            Err(error) => Err(error),
        }
    }

    /// Writes the difference, or returns why its columns cannot be compared. `knows_ids` says that
    /// the expressions of the difference are only over columns that are there.
    async fn write_difference(
        &self,
        difference: &Difference<'_>,
        commit: &Commit,
        after: &ChangesState,
        knows_ids: bool,
    ) -> Result<Result<u64, String>, ReadError> {
        if self.has_too_large_values(difference).await? {
            return Ok(Err(OTHER_TYPE.to_owned()));
        }
        let mut difference = *difference;
        let mut refused = self.refused(&difference, commit, knows_ids).await?;
        if let (Some(reason), false) = (&refused, difference.key.is_empty()) {
            let without_key = Difference {
                key: &[],
                tells_rows: false,
                ..difference
            };
            // If rows can be compared without the key, the key is the reason.
            if self
                .refused(&without_key, commit, knows_ids)
                .await?
                .is_none()
            {
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

    /// Whether a row before the difference cannot be found by its key, or without a key by its
    /// values, because one of them is too large for the present type of its column.
    async fn has_too_large_values(&self, difference: &Difference<'_>) -> Result<bool, TrinoError> {
        let (version, expressions) = difference.before;
        let columns = difference.columns.iter().zip(expressions);
        let found_by = columns
            .filter(|((name, _), _)| difference.key.is_empty() || difference.key.contains(name))
            .map(|(_, expression)| expression);
        let Some(sql) = difference::too_large(difference.table, version, found_by) else {
            return Ok(false);
        };
        let rows: Vec<TotalRow> = control::rows(&self.context.client, &sql).await?;
        Ok(rows.first().and_then(|row| row.total) != Some(0))
    }

    /// Why a difference cannot be computed, if its columns are the reason. The server has to say so
    /// twice, because the consequence is that deletions are not told.
    async fn refused(
        &self,
        difference: &Difference<'_>,
        commit: &Commit,
        knows_ids: bool,
    ) -> Result<Option<String>, TrinoError> {
        // If ids are known, the columns that the version lacks are known as well.
        let names: &[&str] = if knows_ids {
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
    pub(super) async fn gap(&self, before: Version, error: &TrinoError) -> Option<String> {
        let query = error.query_error()?;
        let proof = match pin::why_version_is_lost(self.context, self.plan, before).await {
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
}

/// Sorts files by the versions that have them; `in_both` is for those that both have.
fn different(
    rows: Vec<ChangedFileRow>,
    in_both: impl Fn(String, &mut ChangedFiles),
) -> DifferentFiles {
    if rows.is_empty() {
        return DifferentFiles::None;
    }
    tracing::debug!(files = rows.len(), "files that differ");
    let mut files = ChangedFiles::default();
    for ChangedFileRow {
        name,
        before,
        after,
    } in rows
    {
        match (before, after) {
            (true, true) => in_both(name, &mut files),
            (true, false) => files.removed.push(name),
            (false, _) => files.added.push(name),
        }
    }
    DifferentFiles::These(files)
}
