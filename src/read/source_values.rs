//! Whether the source behind Trino compares other values of a cursor than Trino shows.
//!
//! A condition that the source takes over finds its own values: decimals before rounding, texts
//! without the blanks at their ends, values of one type only. Each answer here is one row that
//! proves it, or a count that does.

use super::boundary::Checksum;
use super::cursor_state::CursorState;
use super::position::{Asking, number};
use super::version::Version;
use crate::sql::cursor::{Pushdown, Upper};
use crate::sql::literal::just_below;
use crate::sql::position::count_query;
use crate::trino::answers::{PositionRow, TotalRow};
use crate::trino::control;
use crate::trino::error::TrinoError;
use crate::types::TrinoType;

impl Asking<'_> {
    /// Whether the source compares texts otherwise than Trino. Where two texts are equal for it,
    /// rows would come twice; where it compares only values of the same type, rows would be
    /// missing.
    pub(super) async fn compares_other_texts(
        &self,
        state: &CursorState,
        high: &str,
    ) -> Result<bool, TrinoError> {
        if !matches!(self.cursor.ty, TrinoType::Varchar(_) | TrinoType::Char(_)) {
            return Ok(false);
        }
        let comparison = state.comparison(self.cursor);
        for value in state.cursor.as_deref().into_iter().chain([high]) {
            if self.is_there(&comparison.misplaced_at(value)).await? {
                return Ok(true);
            }
        }
        // In a later sync the position itself has shown it.
        if !self.finds_only_texts() || state.cursor.is_some() {
            return Ok(false);
        }
        let upper = Some(Upper {
            value: high,
            inclusive: true,
        });
        let by_source = comparison.between(None, upper, false);
        let by_trino = comparison.in_trino().between(None, upper, false);
        Ok(self.count(by_source).await? < self.count(by_trino).await?)
    }

    /// Whether the source shows values of any type as texts and finds only texts by a condition, as
    /// MongoDB does.
    fn finds_only_texts(&self) -> bool {
        self.plan.connector.as_deref() == Some("mongodb")
            && matches!(self.cursor.ty, TrinoType::Varchar(_))
    }

    /// Whether the source did not find all rows of a position.
    pub(super) async fn has_more_above(
        &self,
        state: &CursorState,
        row: &PositionRow,
    ) -> Result<bool, TrinoError> {
        // A first sync asks for all that is not null, which the source finds.
        if !self.finds_only_texts() || state.cursor.is_none() {
            return Ok(false);
        }
        let in_trino = state.comparison(self.cursor).in_trino();
        let conditions = in_trino.countable(state.cursor.as_deref(), self.before.as_deref());
        Ok(self.count(conditions.join(" AND ")).await? > row.total)
    }

    /// Whether there are rows whose value is above `from` for the source, but not as Trino shows
    /// it.
    pub(super) fn is_not_above(&self, row: &PositionRow, from: Option<&str>) -> bool {
        let Some(from) = from else { return false };
        let below = just_below(from, &self.cursor.ty);
        [&row.low, &row.high]
            .into_iter()
            .flatten()
            .any(|end| end == from || Some(end) == below.as_ref())
    }

    /// Whether the source has values that Trino does not show, so that no condition would find
    /// their rows.
    pub(super) async fn lacks_rows(
        &self,
        state: &CursorState,
        row: &PositionRow,
    ) -> Result<bool, TrinoError> {
        let found = [row.total, row.outside, row.without].iter().sum();
        if self.version.is_some() || row.everything.is_none_or(|all| all <= found) {
            return Ok(false);
        }
        let comparison = state.comparison(self.cursor);
        self.is_there(&comparison.without_shown_value()).await
    }

    /// Whether the source has rows above the last value that Trino shows at it. The scans of a
    /// table show that by themselves, since the source takes each of them over; the one scan of a
    /// query is looked at by Trino.
    pub(super) async fn hides_rows_at_end(
        &self,
        state: &CursorState,
        row: &PositionRow,
    ) -> Result<bool, TrinoError> {
        let is_query = self.plan.relation.table().is_none();
        let checksum = Checksum::new(self.checksum.as_ref(), row.ties_sum.clone());
        match &state.cursor {
            Some(from)
                if is_query && state.seen.may_differ(number(row.ties), checksum.as_ref()) =>
            {
                let comparison = state.comparison(self.cursor);
                self.is_there(&comparison.misplaced(from)).await
            }
            _ => Ok(false),
        }
    }

    pub(super) fn compare_in_trino(&self, state: &mut CursorState) {
        state.pushdown = Pushdown::Nothing;
        tracing::warn!(
            "stream \"{}\": the source behind Trino compares other values of the cursor \"{}\" than Trino shows; rounded decimals are an example. From now on Trino compares them, and reads the whole column in every sync. Another cursor, or a column of a type that Trino shows exactly, costs less",
            self.plan.descriptor,
            self.cursor.column
        );
    }

    /// Whether a condition holds for a row.
    pub(super) async fn is_there(&self, condition: &str) -> Result<bool, TrinoError> {
        Ok(self.count(condition.to_owned()).await? > 0)
    }

    /// How many rows a condition holds for.
    async fn count(&self, condition: String) -> Result<i64, TrinoError> {
        let version = self.version.map(Version::number);
        let sql = count_query(&self.plan.relation, version, &[condition]);
        let row: TotalRow = control::only_row(self.client(), &sql).await?;
        Ok(row.total.unwrap_or_default())
    }
}
