//! Reads the rows of one stream whose cursor value is new.
//!
//! One sync reads, each with its own queries:
//!
//! | part | rows |
//! |---|---|
//! | late | rows with the value that the last sync ended with, if they have changed; rows that were sent are left out |
//! | outside | rows outside of the years 1 to 9999, if they have changed; rows that were sent are left out |
//! | slices | rows between that value and the highest one; in the first sync also rows without a value |
//! | last | rows with the highest value, whose hashes go into the state; part of the slices if there are many |
//!
//! The highest value is fixed at the start (`position`), so the parts are disjoint and may be read
//! side by side. The state remembers which parts are finished: a sync that was stopped goes on with
//! the other parts, up to the same highest value and, if the table has versions, in the same
//! version. At the end the number of rows that came is compared with the number that was counted.

use std::sync::Arc;

use super::boundary::Boundary;
use super::column_order::columns_in_order;
use super::context::{Context, ReadError, StreamRun};
use super::cursor_limit;
use super::cursor_state::{CursorState, CursorSync};
use super::pin;
use super::plan::StreamPlan;
use super::position;
use super::queries;
use super::query::{FinishedQuery, StreamQuery};
use super::restart;
use super::slicing::slice_queries;
use super::state::Content;
use super::version::Version;
use super::wrong_state;
use crate::amounts::amount;
use crate::sockets::environment::ChannelFormat;
use crate::sql::cursor::{Cursor, Upper};
use crate::sql::literal::is_exact;
use crate::sql::select;
use crate::trino::error::TrinoError;
use crate::types::TrinoType;

/// Numbers of the parts that are no slices.
const OUTSIDE: u32 = u32::MAX - 2;
const LATE: u32 = u32::MAX - 1;
const LAST: u32 = u32::MAX;

/// Reads the new rows of a stream and sends the states after them; returns the number of records.
///
/// # Errors
///
/// When a query failed or stdout was closed.
pub(crate) async fn read_by_cursor(
    context: &Context,
    plan: &StreamPlan,
    cursor: &Cursor,
    state: Option<Content>,
    stream_run: &Arc<StreamRun>,
) -> Result<u64, ReadError> {
    let state = continued(plan, cursor, state);
    let values: Vec<String> = state.values().map(str::to_owned).collect();
    let read = read_new(context, plan, cursor, state, stream_run).await;
    read.map_err(|error| wrong_state::explained(error, cursor, &values))
}

/// Reads the rows that are new since the state.
async fn read_new(
    context: &Context,
    plan: &StreamPlan,
    cursor: &Cursor,
    mut state: CursorState,
    stream_run: &Arc<StreamRun>,
) -> Result<u64, ReadError> {
    let sync = match begun(context, plan, &mut state).await? {
        Some(sync) => Some(sync),
        None => position::begin(context, plan, cursor, &mut state).await?,
    };
    let end = sync.as_ref().map_or(&state.cursor, |sync| &sync.until);
    cursor_limit::warn_of_the_future(plan, cursor, end.as_deref());
    let Some(sync) = sync else {
        tracing::info!("stream \"{}\": nothing new", plan.descriptor);
        queries::send_state(context, plan, stream_run, Content::Cursor(state).write()).await?;
        return Ok(0);
    };
    let conditions = Conditions::new(cursor, &state, &sync);
    let parts = parts(context.socket_format(), plan, &state, &sync, &conditions);
    // The value is not logged, because a cursor may be an e-mail address.
    tracing::info!(
        "stream \"{}\": reading {} of rows whose \"{}\" is new, with {}",
        plan.descriptor,
        amount(plan.columns.len(), "column"),
        cursor.column,
        sync.progress.slices.describe()
    );
    state.sync = Some(sync);
    let mut records = 0;
    if !parts.is_empty() {
        records = queries::read_queries(context, plan, stream_run, parts, |part, left| {
            state.finish_part(part, left);
            Content::Cursor(state.clone()).write()
        })
        .await?;
    }
    if let Some(sync) = state.sync.take() {
        position::check_count(context, plan, cursor, &sync, &conditions.all()).await?;
        state.end(sync);
        queries::send_state(context, plan, stream_run, Content::Cursor(state).write()).await?;
    }
    Ok(records)
}

impl CursorState {
    /// Notes that the rows of a part are written. After the last part the sync is finished, unless
    /// rows are missing.
    fn finish_part(&mut self, part: FinishedQuery, left: usize) {
        let Some(mut sync) = self.sync.take() else {
            return;
        };
        sync.progress.finish(part.number);
        let seen = part.boundary.map(Boundary::seen);
        sync.came += seen.as_ref().map_or(part.records, |seen| seen.rows);
        match (part.number, seen) {
            (LATE, Some(seen)) => self.seen = seen.with_checksum(sync.checksums.from.clone()),
            (OUTSIDE, Some(seen)) => {
                self.outside = Some(seen.with_checksum(sync.checksums.outside.clone()));
            }
            (_, Some(seen)) => {
                sync.seen_until = Some(seen.with_checksum(sync.checksums.until.clone()));
            }
            (_, None) => {}
        }
        if left == 0 && sync.counted.is_none_or(|counted| sync.came >= counted) {
            self.end(sync);
        } else {
            self.sync = Some(sync);
        }
    }

    /// All parts are finished.
    fn end(&mut self, sync: CursorSync) {
        if let Some(seen) = sync.seen_until {
            self.seen = seen;
        }
        self.synced = true;
        self.cursor = sync.until;
        self.table_version = sync.progress.slices.version;
        self.unlimited = sync.unlimited;
    }
}

/// The state to go on from: the given one if it is of this cursor, otherwise an empty one.
fn continued(plan: &StreamPlan, cursor: &Cursor, state: Option<Content>) -> CursorState {
    let stream = &plan.descriptor;
    let field = [cursor.column.clone()];
    match state {
        Some(Content::Cursor(state)) if state.cursor_field != field => tracing::warn!(
            "stream \"{stream}\" starts anew: its cursor was \"{}\" and is \"{}\" now",
            state.cursor_field.join("."),
            cursor.column
        ),
        Some(Content::Cursor(state)) if !is_alike(&state.cursor_type, &cursor.ty) => {
            tracing::warn!(
                "stream \"{stream}\" starts anew: its cursor \"{}\" was of type {} and is {} now",
                cursor.column,
                state.cursor_type,
                cursor.ty
            );
        }
        Some(Content::Cursor(state)) if !is_exact_in(&state, &cursor.ty) => {
            tracing::warn!(
                "stream \"{stream}\" starts anew: its cursor \"{}\" is of type {} now, which has fewer digits than the value of the last sync",
                cursor.column,
                cursor.ty
            );
        }
        Some(Content::Cursor(state)) => {
            return CursorState {
                cursor_type: cursor.ty.to_string(),
                ..state
            };
        }
        Some(Content::FullRefresh { .. } | Content::Changes(_)) => {
            tracing::warn!("stream \"{stream}\" starts anew: it was not read by cursor before");
        }
        None => {}
    }
    CursorState::new(cursor)
}

/// Whether the values of a state are values of the type that the cursor has now.
fn is_exact_in(state: &CursorState, ty: &TrinoType) -> bool {
    state.values().all(|value| is_exact(value, ty))
}

/// Whether a value of one type can be used as a value of the other: lengths and precisions may
/// differ, but not the kind.
fn is_alike(before: &str, now: &TrinoType) -> bool {
    use TrinoType::{Bigint, Integer, Smallint, Tinyint};
    let before = TrinoType::parse(before);
    let integers = [Tinyint, Smallint, Integer, Bigint];
    (integers.contains(&before) && integers.contains(now))
        || match (&before, now) {
            (TrinoType::Other(before), TrinoType::Other(now)) => before.eq_ignore_ascii_case(now),
            (before, now) => std::mem::discriminant(before) == std::mem::discriminant(now),
        }
}

/// The sync of the state, if it can go on. A first sync whose version is lost begins anew.
async fn begun(
    context: &Context,
    plan: &StreamPlan,
    state: &mut CursorState,
) -> Result<Option<CursorSync>, TrinoError> {
    let Some(mut sync) = state.sync.take() else {
        return Ok(None);
    };
    let stream = &plan.descriptor;
    if let Some(reason) = pin::why_slices_are_lost(context, plan, &sync.progress.slices).await? {
        let progress = sync.progress.clone();
        let Some(goes_on) = sync.without_version() else {
            restart::begin_anew(plan, &progress, &reason)?;
            return Ok(None);
        };
        tracing::warn!("stream \"{stream}\" goes on in the present version: {reason}");
        sync = goes_on;
    }
    tracing::info!(
        "stream \"{stream}\" goes on after {}",
        amount(sync.progress.done.len(), "finished part")
    );
    Ok(Some(sync))
}

/// Which rows the parts of a sync hold.
struct Conditions {
    late: Option<String>,
    outside: Option<String>,
    slices: Option<String>,
    last: Option<String>,
}

impl Conditions {
    fn new(cursor: &Cursor, state: &CursorState, sync: &CursorSync) -> Self {
        let comparison = state.comparison(cursor);
        let from = state.cursor.as_deref();
        let until = sync.until.as_deref();
        let is_moved = sync.first || until != from;
        let upper = until.map(|value| Upper {
            value,
            inclusive: sync.inclusive,
        });
        Self {
            late: from
                .filter(|_| sync.late)
                .map(|from| comparison.compare("=", from)),
            outside: comparison.outside().filter(|_| sync.outside),
            slices: is_moved.then(|| comparison.between(from, upper, sync.first)),
            last: until
                .filter(|_| is_moved && !sync.inclusive)
                .map(|until| comparison.compare("=", until)),
        }
    }

    fn all(&self) -> Vec<String> {
        [&self.late, &self.outside, &self.slices, &self.last]
            .into_iter()
            .filter_map(Clone::clone)
            .collect()
    }
}

/// The queries that are not finished.
fn parts(
    format: Option<ChannelFormat>,
    plan: &StreamPlan,
    state: &CursorState,
    sync: &CursorSync,
    conditions: &Conditions,
) -> Vec<StreamQuery> {
    let progress = &sync.progress;
    let version = progress.slices.version.map(Version::number);
    let at_boundary = |number, condition: &Option<String>, boundary| {
        let condition = condition.as_deref()?;
        Some(StreamQuery {
            number,
            sql: select::select(&plan.relation, &plan.columns, version, &[condition]),
            boundary: Some(boundary),
            version: progress.slices.version,
        })
    };
    let outside = state.outside.as_ref().map(Boundary::new);
    let mut parts: Vec<StreamQuery> = [
        at_boundary(LATE, &conditions.late, Boundary::new(&state.seen)),
        at_boundary(OUTSIDE, &conditions.outside, outside.unwrap_or_default()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let Some(condition) = &conditions.slices {
        let columns = columns_in_order(format, &plan.columns);
        let columns = select::projections(&columns);
        parts.extend(slice_queries(plan, progress, &columns, Some(condition)));
    }
    parts.extend(at_boundary(LAST, &conditions.last, Boundary::default()));
    parts.retain(|part| !progress.is_done(part.number));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_may_grow_but_not_become_another() {
        for (before, now, expected) in [
            ("integer", "bigint", true),
            ("timestamp(3)", "timestamp(6)", true),
            ("varchar(5)", "varchar", true),
            ("UUID", "uuid", true),
            ("uuid", "ipaddress", false),
            ("timestamp(3)", "timestamp(3) with time zone", false),
            ("varchar", "bigint", false),
        ] {
            assert_eq!(
                is_alike(before, &TrinoType::parse(now)),
                expected,
                "{before} {now}"
            );
        }
    }
}
