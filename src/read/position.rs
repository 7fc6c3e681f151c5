//! Asks Trino how far a cursor has come, and decides what a sync has to read.
//!
//! Each of these conclusions needs a proof of its own: that there are values which cannot be an end
//! of a range, that the database has no highest value of a type, and that the source behind Trino
//! compares other values than Trino shows.

use super::boundary::{Checksum, LIMIT, Seen};
use super::context::{Context, ReadError};
use super::cursor_limit;
use super::cursor_state::{BoundaryChecksums, CursorState, CursorSync};
use super::hive_partitions;
use super::listing::{self, Listed};
use super::pin;
use super::plan::StreamPlan;
use super::progress::Progress;
use super::version::Version;
use crate::amounts::amount;
use crate::sql::checksum::RowChecksum;
use crate::sql::cursor::{Cursor, Pushdown};
use crate::sql::literal::is_finite;
use crate::sql::partitions::is_partition_column;
use crate::sql::position::{PositionQuery, count_query};
use crate::trino::Client;
use crate::trino::answers::{PositionRow, TiesRow, TotalRow};
use crate::trino::control;
use crate::trino::error::TrinoError;
use crate::types::TrinoType;

/// A longer value does not fit into the statements that compare with it.
const LONGEST_VALUE: usize = 100_000;

/// How often a position is asked for, if its last rows have disappeared meanwhile.
const ATTEMPTS: u32 = 3;

/// The sync that has to be read now; `None` if nothing has changed.
///
/// # Errors
///
/// When Trino cannot be asked, or rows cannot be read by this cursor.
pub(super) async fn begin(
    context: &Context,
    plan: &StreamPlan,
    cursor: &Cursor,
    state: &mut CursorState,
) -> Result<Option<CursorSync>, TrinoError> {
    if plan.connector.as_deref() == Some("cassandra") {
        // It takes over nothing but `=`, by which decimals and floats that Trino shows are not
        // found.
        state.pushdown = Pushdown::Nothing;
    }
    let before = cursor_limit::before(&context.connection, cursor);
    let unlimited = before.is_none();
    let listed = listing::version(context, plan).await?;
    if let (Listed::Version(version), true) = (&listed, state.unlimited && unlimited)
        && state.table_version.as_ref() == Some(version)
    {
        return Ok(None);
    }
    let version = Box::pin(pin::pin_listed(context, plan, listed)).await?;
    let mut asking = Asking {
        context,
        plan,
        cursor,
        version,
        before,
        checksum: RowChecksum::new(&plan.columns),
        first: !state.synced,
        by_partition: {
            let columns = hive_partitions::partition_columns(context, plan).await?;
            is_partition_column(cursor, &columns)
        },
    };
    let (position, end) = asking.position_and_end(state).await?;
    let checksum = |sum: &Option<String>| Checksum::new(asking.checksum.as_ref(), sum.clone());
    let checksums = BoundaryChecksums {
        from: checksum(&position.ties_sum),
        until: end.as_ref().and_then(|end| checksum(&end.ties_sum)),
        outside: checksum(&position.outside_sum),
    };
    let (ties, outside_rows) = (number(position.ties), number(position.outside));
    let late = state.cursor.is_some() && state.seen.may_differ(ties, checksums.from.as_ref());
    let outside = match &state.outside {
        Some(seen) => seen.may_differ(outside_rows, checksums.outside.as_ref()),
        None => false,
    };
    asking.warn(state, &position, late, outside);
    if !asking.first && !late && !outside && end.is_none() {
        state.table_version = version;
        state.unlimited = unlimited;
        state.seen = std::mem::take(&mut state.seen).confirmed(checksums.from);
        let confirmed = state
            .outside
            .take()
            .map(|seen| seen.confirmed(checksums.outside));
        state.outside = confirmed;
        return Ok(None);
    }
    let same = end.as_ref().map_or(0, |end| number(end.ties));
    let slices = asking.slices(&position, same, state).await;
    let inclusive = same > context.slice_rows().max(LIMIT as u64)
        && !slices.bounds.is_empty()
        && slices.column != cursor.column;
    let counted = [
        (true, position.total),
        (late, position.ties),
        (outside, position.outside),
        (asking.first, position.without),
    ];
    let counted = counted.iter().filter(|(is_read, _)| *is_read);
    let until = if end.is_some() {
        position.high
    } else {
        state.cursor.clone()
    };
    Ok(Some(CursorSync {
        first: asking.first,
        until,
        late,
        outside,
        inclusive,
        unlimited,
        progress: Progress::new(slices, plan.attempt.generation),
        seen_until: inclusive.then(|| Seen::counted(same, checksums.until.clone())),
        checksums,
        // Trino itself compares the values of partitions, so no row can be overlooked.
        counted: (!asking.by_partition).then(|| counted.map(|(_, rows)| number(*rows)).sum()),
        came: 0,
    }))
}

/// Checks a sync for which fewer rows came than were counted.
///
/// # Errors
///
/// When Trino cannot be asked, or rows of a version are missing, which cannot have changed.
pub(super) async fn check_count(
    context: &Context,
    plan: &StreamPlan,
    cursor: &Cursor,
    sync: &CursorSync,
    conditions: &[String],
) -> Result<(), ReadError> {
    let Some(counted) = sync.counted.filter(|counted| *counted > sync.came) else {
        return Ok(());
    };
    let version = sync.progress.slices.version;
    let sql = count_query(&plan.relation, version.map(Version::number), conditions);
    let row: TotalRow = control::only_row(&context.client, &sql).await?;
    let now = row.total.map_or(0, number);
    if now <= sync.came {
        // Rows were changed or deleted while they were read.
        return Ok(());
    }
    let (came, column) = (sync.came, &cursor.column);
    if version.is_some() {
        return Err(ReadError::UnfitCursor(format!(
            "Only {} came of {counted} that Trino had counted in the same version of the table: the source behind Trino compares other values of \"{column}\" than Trino shows. Choose another cursor for the stream, and clear the stream.",
            amount(came, "row")
        )));
    }
    tracing::warn!(
        "stream \"{}\": only {} came of {counted} that had been counted before by the cursor \"{column}\", and {now} are counted now. If the table was not changed meanwhile, the source behind Trino compares other values of \"{column}\" than Trino shows: choose another cursor",
        plan.descriptor,
        amount(came, "row")
    );
    Ok(())
}

/// What the questions about one stream's position share.
pub(super) struct Asking<'a> {
    pub(super) context: &'a Context,
    pub(super) plan: &'a StreamPlan,
    pub(super) cursor: &'a Cursor,
    pub(super) version: Option<Version>,
    pub(super) before: Option<String>,
    pub(super) checksum: Option<RowChecksum>,
    pub(super) first: bool,
    pub(super) by_partition: bool,
}

impl Asking<'_> {
    pub(super) fn client(&self) -> &Client {
        &self.context.client
    }

    fn query<'a>(&'a self, state: &'a CursorState) -> PositionQuery<'a> {
        PositionQuery {
            relation: &self.plan.relation,
            version: self.version.map(Version::number),
            from: state.cursor.as_deref(),
            before: self.before.as_deref(),
            checksum: self.checksum.as_ref(),
            without_value: self.first,
            all: false,
            by_partition: self.by_partition,
        }
    }

    /// The position, and the rows with the highest value if this value is new.
    async fn position_and_end(
        &mut self,
        state: &mut CursorState,
    ) -> Result<(PositionRow, Option<TiesRow>), TrinoError> {
        let mut attempt = 1;
        loop {
            let position = self.position(state).await?;
            let Some(high) = &position.high else {
                return Ok((position, None));
            };
            if high.len() > LONGEST_VALUE {
                return Err(self.unusable("has a value that is too long to be compared with"));
            }
            // The files of a table that keeps versions are read by Trino itself, so it compares
            // what it shows.
            let may_be_misplaced = self.version.is_none() && state.pushdown != Pushdown::Nothing;
            let comparison = state.comparison(self.cursor);
            let sql = comparison.at_end(&self.query(state), high, may_be_misplaced);
            let end: TiesRow = control::only_row(self.client(), &sql).await?;
            if end.misplaced > 0
                || may_be_misplaced && self.compares_other_texts(state, high).await?
                || end.ties == 0
                    && may_be_misplaced
                    && self.is_there(&comparison.misplaced_below(high)).await?
            {
                self.compare_in_trino(state);
            } else if end.ties > 0 {
                return Ok((position, Some(end)));
            } else if self.by_partition {
                // The last partition has no rows: one that was made in advance, or a projected one.
                // No sync may end there, or rows of the partitions before it would be below its
                // end.
                self.by_partition = false;
            } else if attempt < ATTEMPTS {
                // The rows with the highest value were changed or deleted meanwhile.
                attempt += 1;
            } else if self.version.is_none() && state.pushdown == Pushdown::Nothing {
                return Ok((position, Some(end)));
            } else if self.version.is_none() {
                // Trino has just told a value that no row has for the source.
                self.compare_in_trino(state);
                attempt = 1;
            } else {
                let text = "has no row with its highest value in the version of the table";
                return Err(self.unusable(text));
            }
        }
    }

    /// Asks for the position in the way that this table and its source need.
    async fn position(&self, state: &mut CursorState) -> Result<PositionRow, TrinoError> {
        let mut all =
            self.first && self.before.is_none() && self.version.is_none() && !self.by_partition;
        let mut failures = 0;
        loop {
            let comparison = state.comparison(self.cursor);
            let query = PositionQuery {
                all,
                ..self.query(state)
            };
            let sql = comparison.position(&query);
            let answer = control::only_row(self.client(), &sql).await;
            let row: PositionRow = match answer {
                Ok(row) => row,
                Err(error) if all && error.is_named(&["QUERY_REJECTED"]) => {
                    all = false;
                    continue;
                }
                Err(error) if failures < ATTEMPTS && is_external(&error) => {
                    failures += 1;
                    if !self.find_other_way(state, failures).await? {
                        return Err(error);
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            let are_within = [&row.low, &row.high]
                .into_iter()
                .flatten()
                .all(|end| is_finite(end, &self.cursor.ty));
            let contradicts = state.pushdown != Pushdown::Nothing
                && (row.shown < row.total
                    || row.high.is_none() && row.total > 0
                    || comparison.only_finite && !are_within
                    || self.is_not_above(&row, state.cursor.as_deref())
                    || self.lacks_rows(state, &row).await?
                    || self.has_more_above(state, &row).await?
                    || self.hides_rows_at_end(state, &row).await?);
            if contradicts {
                self.compare_in_trino(state);
            } else if !are_within && !comparison.only_finite {
                state.outside = Some(Seen::default());
            } else {
                return Ok(row);
            }
        }
    }

    /// Finds out why the database refused the position. Returns whether it can be asked for in
    /// another way.
    async fn find_other_way(
        &self,
        state: &mut CursorState,
        failures: u32,
    ) -> Result<bool, TrinoError> {
        if self.cursor.ty.is_point_in_time() {
            let mut apart = state.clone();
            apart.outside.get_or_insert_default();
            // Counting needs no value.
            let query = PositionQuery {
                checksum: None,
                ..self.query(state)
            };
            let sql = apart.comparison(self.cursor).position(&query);
            match control::only_row::<PositionRow>(self.client(), &sql).await {
                Ok(row) if row.outside > 0 && failures < ATTEMPTS => {
                    state.outside = apart.outside;
                    return Ok(true);
                }
                Ok(row) if row.outside > 0 => {
                    let text = "has values outside of the years 1 to 9999 (infinity, for one) that cannot be read";
                    return Err(self.unusable(text));
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "there is no other position"),
            }
        }
        // For example, PostgreSQL cannot compute a highest uuid.
        let is_of_few_functions = matches!(self.cursor.ty, TrinoType::Other(_));
        if is_of_few_functions && state.pushdown == Pushdown::Everything {
            state.pushdown = Pushdown::Conditions;
            return Ok(true);
        }
        Ok(false)
    }

    fn unusable(&self, what: &str) -> TrinoError {
        TrinoError::Settings(format!(
            "The column \"{}\" cannot be the cursor: it {what}. Choose another cursor, or make a stream of a query in ‹queries› that leaves such values out, with NULLIF for example.",
            self.cursor.column
        ))
    }

    fn warn(&self, state: &CursorState, position: &PositionRow, late: bool, outside: bool) {
        let (stream, column) = (&self.plan.descriptor, &self.cursor.column);
        if state.cursor.is_some()
            && position.high.is_none()
            && position.ties == 0
            && state.seen.rows > 0
        {
            tracing::warn!(
                "stream \"{stream}\" has no row with \"{column}\" as the last sync ended, or above: if the table was emptied or made anew, clear the stream, or rows with lower values are never read"
            );
        }
        if late && !state.seen.has_all_hashes() {
            tracing::info!(
                "stream \"{stream}\": rows with the \"{column}\" that the last sync ended with have changed, {} now and {} then; all of them are sent again, because there are too many to compare them one by one",
                position.ties,
                state.seen.rows
            );
        }
        if outside {
            let have = if position.outside == 1 { "has" } else { "have" };
            tracing::warn!(
                "stream \"{stream}\": {} {have} a \"{column}\" {}. A sync reads such rows when they have changed, and never ends with such a value",
                amount(position.outside, "row"),
                if self.cursor.ty.is_point_in_time() {
                    "outside of the years 1 to 9999 (infinity, for one)"
                } else {
                    "that is infinite"
                }
            );
        }
    }
}

pub(super) fn number(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or_default()
}

fn is_external(error: &TrinoError) -> bool {
    error
        .query_error()
        .is_some_and(|error| error.error_type == "EXTERNAL")
}
