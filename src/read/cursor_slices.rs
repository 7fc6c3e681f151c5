//! Cuts the rows of a sync by cursor into slices: by the table's own order, by its partitions, or
//! by the values of the cursor.

use super::cursor_state::CursorState;
use super::hive_partitions::cut_by_partition;
use super::position::{Asking, number};
use super::slices::{Slices, slices_for};
use super::slicing;
use crate::sql::cursor::Pushdown;
use crate::sql::select;
use crate::trino::answers::PositionRow;

impl Asking<'_> {
    /// The slices of the rows up to `high`. `same` rows have exactly this value.
    pub(super) async fn slices(
        &self,
        position: &PositionRow,
        same: u64,
        state: &CursorState,
    ) -> Slices {
        if self.by_partition {
            return self.by_partition(state).await;
        }
        let rows = number(position.total);
        let slice_rows = self.context.slice_rows();
        if slices_for(rows, slice_rows) < 2 {
            return Slices::whole(self.version);
        }
        // Rows with one value cannot be cut by it.
        if self.first || same > slice_rows {
            let slices = slicing::cut(self.context, self.plan, self.version).await;
            if !slices.bounds.is_empty() {
                return slices;
            }
        }
        self.by_cursor(position, state).await
    }

    /// Slices of the partitions that are new.
    async fn by_partition(&self, state: &CursorState) -> Slices {
        let Some(table) = self.plan.relation.table() else {
            return Slices::whole(self.version);
        };
        let comparison = state.comparison(self.cursor);
        let from = state.cursor.as_deref();
        let condition = comparison
            .countable(from, self.before.as_deref())
            .join(" AND ");
        let only = Some((self.cursor.column.as_str(), condition.as_str()));
        let cut = cut_by_partition(self.context, self.plan, table, only).await;
        cut.unwrap_or_else(|error| {
            tracing::debug!(%error, "stream \"{}\" is read with one query", self.plan.descriptor);
            Slices::whole(self.version)
        })
    }

    async fn by_cursor(&self, position: &PositionRow, state: &CursorState) -> Slices {
        let whole = Slices::whole(self.version);
        // The source cannot evaluate conditions, so every slice would scan the whole table.
        if state.pushdown == Pushdown::Nothing {
            return whole;
        }
        let rows = number(position.total);
        let wanted = slices_for(rows, self.context.slice_rows());
        let ty = &self.cursor.ty;
        let (Some(low), Some(high)) = (&position.low, &position.high) else {
            return whole;
        };
        let slices = Slices::between(&self.cursor.column, ty, (low, high), wanted, self.version);
        // Files of a table with versions have lowest and highest values, by which Trino leaves
        // files out. The plan does not show that.
        if self.version.is_some() || slices.bounds.is_empty() {
            return slices;
        }
        let conditions = slices.conditions();
        let one: Vec<&str> = conditions
            .iter()
            .flatten()
            .map(String::as_str)
            .skip(1)
            .take(1)
            .collect();
        let query = select::select(&self.plan.relation, &self.plan.columns, None, &one);
        if slicing::is_filtered_by_source(self.context, &query).await {
            slices
        } else {
            tracing::info!(
                "stream \"{}\" is read with one query: Trino itself compares its cursor \"{}\", so each slice would read the whole table",
                self.plan.descriptor,
                self.cursor.column
            );
            whole
        }
    }
}
