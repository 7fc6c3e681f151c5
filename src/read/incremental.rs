//! Reads the rows of one stream whose cursor value is new.
//!
//! One sync reads, each with its own queries:
//!
//! | part | rows |
//! |---|---|
//! | late | those with the value that the last sync ended with, if their number has changed; what was sent is left out |
//! | slices | those between that value and the highest one; in the first sync those without a value, too |
//! | last | those with the highest value, whose hashes go into the state |
//!
//! The highest value is fixed at the start, so the parts are disjoint and may be read side by
//! side. A part that is finished stays so in the state: a sync that was stopped goes on with the
//! others, up to the same highest value and, where the table has versions, of the same version.

use std::sync::Arc;

use super::boundary::{Boundary, Seen};
use super::context::Context;
use super::cursor_state::{CursorState, CursorSync};
use super::plan::StreamPlan;
use super::progress::Progress;
use super::state::Content;
use super::version::Version;
use crate::clock;
use crate::config::Connection;
use crate::read::context::{ReadError, StreamRun};
use crate::read::pin;
use crate::read::queries;
use crate::read::query::StreamQuery;
use crate::read::restart;
use crate::read::slices::Slices;
use crate::read::slicing;
use crate::read::slicing::slice_queries;
use crate::sql::cursor::Cursor;
use crate::sql::select;
use crate::trino::control::{self, PositionRow};
use crate::trino::error::TrinoError;
use crate::types::TrinoType;

/// Numbers of the parts that are no slices.
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
    let mut state = known(plan, cursor, state);
    let sync = match begun(context, plan, &mut state).await? {
        Some(sync) => Some(sync),
        None => begin(context, plan, cursor, &mut state).await?,
    };
    let Some(sync) = sync else {
        tracing::info!("stream \"{}\": nothing new", plan.descriptor);
        queries::send_state(context, plan, stream_run, Content::Cursor(state).write()).await?;
        return Ok(0);
    };
    let parts = parts_of(plan, cursor, &state, &sync);
    tracing::info!(
        "stream \"{}\": reading {} columns where \"{}\" is {} with {}",
        plan.descriptor,
        plan.columns.len(),
        cursor.column,
        words(&state, &sync),
        sync.progress.slices.describe()
    );
    if parts.is_empty() {
        end(&mut state, sync);
        queries::send_state(context, plan, stream_run, Content::Cursor(state).write()).await?;
        return Ok(0);
    }
    state.sync = Some(sync);
    queries::read_queries(context, plan, stream_run, parts, |part, left| {
        if let Some(mut sync) = state.sync.take() {
            sync.progress.finish(part.number);
            match (part.number, part.boundary) {
                (LATE, Some(rows)) => state.seen = rows.seen(),
                (_, Some(rows)) => sync.seen_until = Some(rows.seen()),
                (_, None) => {}
            }
            if left == 0 {
                end(&mut state, sync);
            } else {
                state.sync = Some(sync);
            }
        }
        Content::Cursor(state.clone()).write()
    })
    .await
}

/// The state to go on from: the given one, if it is of this cursor, else an empty one.
fn known(plan: &StreamPlan, cursor: &Cursor, state: Option<Content>) -> CursorState {
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
    CursorState {
        cursor_field: field.into(),
        cursor_type: cursor.ty.to_string(),
        synced: false,
        cursor: None,
        seen: Seen::default(),
        table_version: None,
        sync: None,
    }
}

/// Whether a value of the one type can be taken for one of the other: lengths and precisions
/// change, kinds do not.
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

/// A sync of the state that can go on. A first one whose version is gone begins anew.
async fn begun(
    context: &Context,
    plan: &StreamPlan,
    state: &mut CursorState,
) -> Result<Option<CursorSync>, TrinoError> {
    let Some(mut sync) = state.sync.take() else {
        return Ok(None);
    };
    let stream = &plan.descriptor;
    if let Some(gone) = pin::gone(context, plan, &sync.progress.slices).await? {
        let progress = sync.progress.clone();
        let Some(goes_on) = sync.without_version() else {
            restart::begin_anew(plan, &progress, &gone)?;
            return Ok(None);
        };
        tracing::warn!("stream \"{stream}\" goes on in the present version: {gone}");
        sync = goes_on;
    }
    tracing::info!(
        "stream \"{stream}\" goes on after {} finished parts",
        sync.progress.done.len()
    );
    Ok(Some(sync))
}

/// What is to be read now; `None` if nothing has changed.
async fn begin(
    context: &Context,
    plan: &StreamPlan,
    cursor: &Cursor,
    state: &mut CursorState,
) -> Result<Option<CursorSync>, TrinoError> {
    let first = !state.synced;
    let before = before(&context.connection, cursor);
    let version = pin::pin(context, plan).await?;
    if version.is_some() && version == state.table_version && before.is_none() {
        return Ok(None);
    }
    let from = state.cursor.as_deref();
    let number = version.map(Version::number);
    let sql = cursor.position(&plan.relation, number, from, before.as_deref());
    let rows: Vec<PositionRow> = control::rows(&context.client, &sql).await?;
    let Some(position) = rows.into_iter().next() else {
        return Err(TrinoError::Protocol(
            "The highest cursor value was not told.".to_owned(),
        ));
    };
    let ties = u64::try_from(position.ties).unwrap_or_default();
    let late = from.is_some() && ties > 0 && ties != state.seen.rows;
    let until = position.high.clone().or_else(|| state.cursor.clone());
    let moved = until != state.cursor;
    if let Some(from) = from
        && position.high.is_none()
        && state.seen.rows > 0
    {
        tracing::warn!(
            "stream \"{}\" has no row with \"{}\" of {from}, where the last sync ended, or above: if the table was emptied or made anew, clear the stream, or rows with lower values are never read",
            plan.descriptor,
            cursor.column
        );
    }
    if !first && !late && !moved {
        state.table_version = version;
        return Ok(None);
    }
    if late && !state.seen.is_known() {
        tracing::info!(
            "stream \"{}\": {} rows have the cursor value that the last sync ended with, {} then; all of them are sent again, since they are too many to be told apart",
            plan.descriptor,
            ties,
            state.seen.rows
        );
    }
    let slices = if first {
        first_slices(context, plan, cursor, version, &position).await
    } else {
        by_cursor(context, cursor, version, &position)
    };
    Ok(Some(CursorSync {
        first,
        until,
        late,
        progress: Progress::new(slices, plan.attempt.generation),
        seen_until: None,
    }))
}

/// Slices of the whole table, by whatever it can be cut by; by the cursor if by nothing else.
async fn first_slices(
    context: &Context,
    plan: &StreamPlan,
    cursor: &Cursor,
    version: Option<Version>,
    position: &PositionRow,
) -> Slices {
    let rows = u64::try_from(position.total).unwrap_or_default();
    if slicing::slices_for(rows, context.slice_rows()) < 2 {
        return Slices::whole(version);
    }
    let slices = slicing::cut(context, plan, version).await;
    if slices.bounds.is_empty() {
        by_cursor(context, cursor, version, position)
    } else {
        slices
    }
}

fn by_cursor(
    context: &Context,
    cursor: &Cursor,
    version: Option<Version>,
    position: &PositionRow,
) -> Slices {
    let rows = u64::try_from(position.total).unwrap_or_default();
    let wanted = slicing::slices_for(rows, context.slice_rows());
    match (&position.low, &position.high) {
        (Some(low), Some(high)) => {
            Slices::between(&cursor.column, &cursor.ty, (low, high), wanted, version)
        }
        _ => Slices::whole(version),
    }
}

/// The queries that are not finished.
fn parts_of(
    plan: &StreamPlan,
    cursor: &Cursor,
    state: &CursorState,
    sync: &CursorSync,
) -> Vec<StreamQuery> {
    let columns = select::projections(&plan.columns);
    let from = state.cursor.as_deref();
    let until = sync.until.as_deref();
    let mut parts = Vec::new();
    let with_value = |number, value: &str, boundary| StreamQuery {
        number,
        sql: select::select(
            &plan.relation,
            &plan.columns,
            sync.progress.slices.version.map(Version::number),
            &[&cursor.compare("=", value)],
        ),
        boundary: Some(boundary),
        version: sync.progress.slices.version,
    };
    if let (true, Some(from)) = (sync.late, from) {
        parts.push(with_value(LATE, from, Boundary::new(&state.seen)));
    }
    if sync.first || until != from {
        let condition = cursor.between(from, until, sync.first);
        parts.extend(slice_queries(
            plan,
            &sync.progress,
            &columns,
            Some(&condition),
        ));
        if let Some(until) = until {
            parts.push(with_value(LAST, until, Boundary::default()));
        }
    }
    parts.retain(|part| !sync.progress.is_done(part.number));
    parts
}

/// All parts are finished.
fn end(state: &mut CursorState, sync: CursorSync) {
    if let Some(seen) = sync.seen_until {
        state.seen = seen;
    }
    state.synced = true;
    state.cursor = sync.until;
    state.table_version = sync.progress.slices.version;
}

/// Rows from this value on are left for later, by `exclude_todays_data` and `cursor_lag`.
fn before(connection: &Connection, cursor: &Cursor) -> Option<String> {
    if !cursor.ty.is_point_in_time() {
        return None;
    }
    let limits = [
        connection.sync.cursor_lag.map(clock::utc_before),
        connection
            .sync
            .exclude_todays_data
            .then(clock::utc_midnight),
    ];
    // Of one form, so their order is that of time.
    let limit = limits.into_iter().flatten().min()?;
    Some(match cursor.ty {
        TrinoType::Date => limit[..10].to_owned(),
        TrinoType::Timestamp { .. } => limit,
        _ => format!("{limit} UTC"),
    })
}

fn words(state: &CursorState, sync: &CursorSync) -> String {
    let until = sync.until.as_deref().unwrap_or("null");
    match &state.cursor {
        Some(from) if sync.until.as_ref() == Some(from) => format!("{from} (late rows)"),
        Some(from) => format!("from {from} to {until}"),
        None => format!("up to {until}, or null"),
    }
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
