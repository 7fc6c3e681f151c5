//! Reads the changes of one stream: first a snapshot of one version of its table, then, sync by
//! sync, what has changed from exactly there on.
//!
//! | format | range of versions | by |
//! |---|---|---|
//! | Delta Lake | any | its change data feed |
//! | Iceberg | appends and compactions only | `table_changes` |
//! | Iceberg | any other | the difference of both versions, within the files that differ |
//!
//! Where the range cannot be read, a new snapshot is: versions expired, the feed was off, the
//! table was replaced or rolled back.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::changes_state::{ChangesState, Rising};
use super::context::Context;
use super::plan::StreamPlan;
use super::progress::Progress;
use super::state::Content;
use super::version::Version;
use crate::catalog::format::Format;
use crate::read::context::{ReadError, StreamRun};
use crate::read::pin;
use crate::read::queries;
use crate::read::query::StreamQuery;
use crate::read::slicing::{begin, slice_queries};
use crate::sql::changes::{self, ChangedFiles, Commit};
use crate::sql::ident::Table;
use crate::sql::{metadata, select, versions};
use crate::trino::control::{self, ChangedFileRow, CommitRow, DeltaVersionRow, SnapshotRow};
use crate::trino::error::TrinoError;

/// Bytes of paths that a statement may name, each twice: below Trino's limit of a million.
const PATHS_IN_QUERY: usize = 400_000;

/// What happened to a table since a version.
enum Feed {
    /// Nothing that a reader sees.
    Nothing,
    /// The query gives the changes.
    Changes(String),
    /// The changes cannot be told, for this reason.
    Gap(String),
}

/// What came of a [`Feed`].
enum Followed {
    /// So many changes were written.
    Records(u64),
    /// The changes cannot be told, for this reason.
    Gap(String),
    /// The server does not give the changes.
    Refused(TrinoError),
}

/// Reads the changes of a stream, or its snapshot, and sends the states after them; returns the
/// number of records.
///
/// # Errors
///
/// When a query failed or stdout was closed.
pub(crate) async fn read_changes(
    context: &Context,
    plan: &StreamPlan,
    format: Format,
    table: &Table,
    state: Option<Content>,
    stream_run: &Arc<StreamRun>,
) -> Result<u64, ReadError> {
    let stream = &plan.descriptor;
    if !plan.primary_key.is_empty() && plan.readable_key().is_empty() {
        tracing::warn!(
            "stream \"{stream}\": deletions are not told, since its key is not selected whole"
        );
    }
    let (begun, rising) = match state {
        Some(Content::Changes(ChangesState {
            table_version: Some(before),
            progress: None,
            rising,
        })) => {
            let gap = match follow(context, plan, format, table, before, rising, stream_run).await?
            {
                Followed::Records(records) => return Ok(records),
                Followed::Gap(reason) => reason,
                Followed::Refused(error) => error.to_string(),
            };
            tracing::warn!(
                "stream \"{stream}\" starts anew with a snapshot: the changes since version {before} cannot be told ({gap}). Rows that were deleted since then stay in the destination, unless it is refreshed."
            );
            (None, rising)
        }
        Some(Content::Changes(state)) => (state.progress, state.rising),
        Some(_) => {
            tracing::warn!("stream \"{stream}\" starts anew: its changes were not read before");
            (None, Rising::default())
        }
        None => (None, Rising::default()),
    };
    snapshot(context, plan, format, table, begun, rising, stream_run).await
}

/// Reads what has changed since a version.
async fn follow(
    context: &Context,
    plan: &StreamPlan,
    format: Format,
    table: &Table,
    before: Version,
    rising: Rising,
    stream_run: &Arc<StreamRun>,
) -> Result<Followed, ReadError> {
    let stream = &plan.descriptor;
    let Some(now) = pin::of_stream(context, plan).await? else {
        return Ok(Followed::Gap(
            "the table has no versions any more".to_owned(),
        ));
    };
    let finished = |rising| {
        let state = ChangesState {
            table_version: Some(now),
            progress: None,
            rising,
        };
        Content::Changes(state).write()
    };
    if now == before {
        let state = finished(rising);
        return carry_out(context, plan, Ok(Feed::Nothing), state, stream_run).await;
    }
    tracing::info!("stream \"{stream}\": reading changes from version {before} to {now}");
    match format {
        Format::DeltaLake => {
            let state = finished(rising.sent(now.number()));
            let feed = delta(context, plan, table, before, now, rising.offset).await;
            carry_out(context, plan, feed, state, stream_run).await
        }
        Format::Iceberg => {
            let range = (before.number(), now.number());
            let mut commit = commit(context, format, table, now.number()).await?;
            let state = finished(rising.sent(commit.cursor));
            commit.cursor = commit.cursor.saturating_add(rising.offset);
            let feed = iceberg(context, plan, table, range, &commit, rising.offset).await;
            match carry_out(context, plan, feed, state.clone(), stream_run).await? {
                // `table_changes` refuses appends, too, to a table with deleted rows (seen on 476),
                // before its first row.
                Followed::Refused(error) => {
                    tracing::debug!(%error, "stream \"{stream}\" is compared with the version before");
                    let feed = iceberg_difference(context, plan, table, range, &commit).await;
                    carry_out(context, plan, feed, state, stream_run).await
                }
                followed => Ok(followed),
            }
        }
    }
}

/// Reads the changes and sends the state after them.
async fn carry_out(
    context: &Context,
    plan: &StreamPlan,
    feed: Result<Feed, TrinoError>,
    finished: Value,
    stream_run: &Arc<StreamRun>,
) -> Result<Followed, ReadError> {
    let result = match feed {
        Ok(Feed::Nothing) => {
            tracing::info!("stream \"{}\": nothing has changed", plan.descriptor);
            queries::send_state(context, plan, stream_run, finished).await?;
            return Ok(Followed::Records(0));
        }
        Ok(Feed::Gap(reason)) => return Ok(Followed::Gap(reason)),
        Ok(Feed::Changes(sql)) => {
            let part = StreamQuery {
                number: 0,
                sql,
                boundary: None,
            };
            queries::read_queries(context, plan, stream_run, vec![part], |_, _| {
                finished.clone()
            })
            .await
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(records) => Ok(Followed::Records(records)),
        Err(ReadError::Trino { error, .. }) if error.is_of_the_version() => {
            Ok(Followed::Refused(error))
        }
        Err(error) => Err(error),
    }
}

async fn delta(
    context: &Context,
    plan: &StreamPlan,
    table: &Table,
    before: Version,
    now: Version,
    offset: i64,
) -> Result<Feed, TrinoError> {
    let sql = versions::delta_between(table, before.number(), now.number());
    let mut commits: Vec<DeltaVersionRow> = control::rows(&context.client, &sql).await?;
    if commits.first().map(Version::from) != Some(before) {
        return Ok(Feed::Gap(
            "it is not one of those that led to the present one".to_owned(),
        ));
    }
    commits.remove(0);
    let replaced = commits
        .iter()
        .find(|row| row.operation.contains("REPLACE TABLE") || row.operation == "RESTORE");
    if let Some(commit) = replaced {
        return Ok(Feed::Gap(format!("there was a {}", commit.operation)));
    }
    let sql = changes::delta_feed(table, &plan.columns, before.number(), now.number(), offset);
    Ok(Feed::Changes(sql))
}

async fn iceberg(
    context: &Context,
    plan: &StreamPlan,
    table: &Table,
    (before, now): (i64, i64),
    commit: &Commit,
    offset: i64,
) -> Result<Feed, TrinoError> {
    let client = &context.client;
    let snapshots: Vec<SnapshotRow> =
        control::rows(client, &changes::iceberg_snapshots(table)).await?;
    let Some(operations) = operations(&snapshots, before, now) else {
        return Ok(Feed::Gap(
            "it is not one of those that led to the present one".to_owned(),
        ));
    };
    if operations.iter().all(|operation| *operation == "replace") {
        return Ok(Feed::Nothing);
    }
    if operations
        .iter()
        .all(|operation| matches!(*operation, "append" | "replace"))
    {
        let sql = changes::iceberg_appends(table, &plan.columns, before, now, offset);
        return Ok(Feed::Changes(sql));
    }
    iceberg_difference(context, plan, table, (before, now), commit).await
}

async fn iceberg_difference(
    context: &Context,
    plan: &StreamPlan,
    table: &Table,
    (before, now): (i64, i64),
    commit: &Commit,
) -> Result<Feed, TrinoError> {
    let client = &context.client;
    let rows: Vec<ChangedFileRow> =
        control::rows(client, &changes::changed_files(table, before, now)).await?;
    if rows.is_empty() {
        return Ok(Feed::Nothing);
    }
    tracing::debug!(files = rows.len(), "files that differ");
    let fits = rows.iter().map(|row| row.name.len()).sum::<usize>() < PATHS_IN_QUERY;
    let mut files = ChangedFiles::default();
    for row in rows {
        let kind = match (row.before, row.after) {
            // No way is known in which deleted rows come back.
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
    let key = plan.readable_key();
    let sql = changes::difference(
        table,
        &plan.columns,
        key,
        (before, now),
        fits.then_some(&files),
        commit,
    );
    // A column may not be in the version before, or not be comparable.
    match control::columns(client, &metadata::validate(&sql)).await {
        Ok(_) => Ok(Feed::Changes(sql)),
        Err(error) if error.query_error().is_some() && !error.is_transient_query() => {
            Ok(Feed::Gap(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

/// The operations that led from one snapshot to another; `None` if none did.
fn operations(snapshots: &[SnapshotRow], before: i64, now: i64) -> Option<Vec<&str>> {
    let known: HashMap<i64, &SnapshotRow> = snapshots.iter().map(|row| (row.id, row)).collect();
    let mut operations = Vec::new();
    let mut at = now;
    while at != before {
        let snapshot = known.get(&at)?;
        operations.push(snapshot.operation.as_deref().unwrap_or_default());
        if operations.len() > snapshots.len() {
            return None;
        }
        at = snapshot.parent?;
    }
    known.contains_key(&before).then_some(operations)
}

async fn commit(
    context: &Context,
    format: Format,
    table: &Table,
    version: i64,
) -> Result<Commit, TrinoError> {
    let sql = match format {
        Format::Iceberg => changes::iceberg_commit(table, version),
        Format::DeltaLake => changes::delta_commit(table, version),
    };
    let rows: Vec<CommitRow> = control::rows(&context.client, &sql).await?;
    let row = rows.into_iter().next();
    let row = row.ok_or_else(|| {
        TrinoError::Protocol(format!(
            "The commit of version {version} of {table} is not known."
        ))
    })?;
    Ok(Commit {
        time: row.time,
        cursor: row.cursor,
    })
}

/// Reads one version of the table whole.
async fn snapshot(
    context: &Context,
    plan: &StreamPlan,
    format: Format,
    table: &Table,
    begun: Option<Progress>,
    rising: Rising,
    stream_run: &Arc<StreamRun>,
) -> Result<u64, ReadError> {
    let mut progress = begin(context, plan, begun).await?;
    let version = progress.slices.version;
    let mut commit = match version {
        Some(version) => commit(context, format, table, version.number()).await?,
        None => Commit {
            time: format!("{} UTC", &crate::clock::utc_before(0)[..23]),
            cursor: 0,
        },
    };
    let value = commit.cursor;
    let rising_over = rising.above_all(value);
    commit.cursor = value.saturating_add(rising_over.offset);
    let columns = format!(
        "{}, {}",
        select::projections(&plan.columns),
        changes::columns_of(&commit, false)
    );
    let parts = slice_queries(plan, &progress, &columns, None);
    tracing::info!(
        "stream \"{}\": reading a snapshot of {} columns with {}",
        plan.descriptor,
        plan.columns.len(),
        progress.slices.describe()
    );
    let after = |progress: Option<Progress>| {
        let rising = match progress {
            // A read that goes on must come to the same values.
            Some(_) => rising,
            None => rising_over.sent(value),
        };
        let state = ChangesState {
            table_version: version,
            progress,
            rising,
        };
        Content::Changes(state).write()
    };
    if parts.is_empty() {
        queries::send_state(context, plan, stream_run, after(None)).await?;
        return Ok(0);
    }
    queries::read_queries(context, plan, stream_run, parts, |slice, left| {
        progress.finish(slice.number);
        after((left > 0).then(|| progress.clone()))
    })
    .await
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
        })
        .collect()
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
