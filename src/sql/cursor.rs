//! Conditions of reads by cursor.

use serde::{Deserialize, Serialize};

use super::ident::{Ident, evaluated_by_trino};
use super::literal::{finite_ends, is_nan, just_below, literal};
use crate::types::TrinoType;

/// A cursor column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Its name.
    pub(crate) column: String,
    /// Its type, one of [`TrinoType::is_cursor`].
    pub(crate) ty: TrinoType,
    /// Whether Trino itself must find the rows without a value. Its connector for Kafka fails at
    /// that question about columns of its own, such as the time of a message (seen on 476).
    pub(crate) finds_nulls_in_trino: bool,
}

/// Which parts of a read by cursor the source behind Trino may evaluate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pushdown {
    /// Conditions, and the highest and lowest value of a column.
    #[default]
    Everything,
    /// Only conditions: the database cannot compute a highest value of the type.
    Conditions,
    /// Nothing: the source compares other values than Trino shows.
    Nothing,
}

/// The end of a range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Upper<'a> {
    /// Its value.
    pub(crate) value: &'a str,
    /// Whether rows with that value belong to the range.
    pub(crate) inclusive: bool,
}

/// How values of a cursor column are compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison<'a> {
    /// The column.
    pub(crate) cursor: &'a Cursor,
    /// What the source may evaluate.
    pub(crate) pushdown: Pushdown,
    /// Whether values that are no end of a sync are kept apart: `infinity`, and days outside of the
    /// years 1 to 9999.
    pub(crate) only_finite: bool,
}

impl Comparison<'_> {
    /// The same, with nothing for the source to evaluate.
    pub(crate) fn in_trino(self) -> Self {
        Self {
            pushdown: Pushdown::Nothing,
            ..self
        }
    }

    fn name(&self) -> String {
        Ident(&self.cursor.column).to_string()
    }

    /// The column's value as Trino shows it.
    fn shown(&self) -> String {
        evaluated_by_trino(&self.cursor.column)
    }

    fn column(&self) -> String {
        match self.pushdown {
            Pushdown::Everything | Pushdown::Conditions => self.name(),
            Pushdown::Nothing => self.shown(),
        }
    }

    /// The column as the argument of `min` and `max`.
    pub(super) fn aggregated(&self) -> String {
        match self.pushdown {
            Pushdown::Everything => self.name(),
            Pushdown::Conditions | Pushdown::Nothing => self.shown(),
        }
    }

    fn literal(&self, value: &str) -> String {
        literal(value, &self.cursor.ty)
    }

    /// `column operator value`. Null and NaN never fulfil this condition.
    pub(crate) fn compare(&self, operator: &str, value: &str) -> String {
        format!("{} {operator} {}", self.column(), self.literal(value))
    }

    /// The condition for rows without a cursor value, which only a first sync reads.
    pub(crate) fn without_value(&self) -> String {
        let column = if self.cursor.finds_nulls_in_trino {
            self.shown()
        } else {
            self.column()
        };
        let null = format!("{column} IS NULL");
        match is_nan(&column, &self.cursor.ty) {
            Some(nan) => format!("({null} OR {nan})"),
            None => null,
        }
    }

    /// The lowest and the highest value that may be an end of a range, as literals.
    fn ends(&self) -> Option<(String, String)> {
        let (low, high) = finite_ends(&self.cursor.ty).filter(|_| self.only_finite)?;
        Some((self.literal(&low), self.literal(&high)))
    }

    /// The condition for rows whose value is outside of the years 1 to 9999, if these are kept
    /// apart.
    pub(crate) fn outside(&self) -> Option<String> {
        let (low, high) = self.ends()?;
        let column = self.column();
        Some(format!("({column} < {low} OR {column} > {high})"))
    }

    /// Rows at `from` or above it, also those that the source has just below it and Trino at it.
    pub(super) fn at_least(&self, from: &str) -> String {
        match just_below(from, &self.cursor.ty) {
            Some(below) => self.compare(">", &below),
            None => self.compare(">=", from),
        }
    }

    /// The conditions for rows that may be an end of a range: above `from` and below `before`.
    pub(crate) fn countable(&self, from: Option<&str>, before: Option<&str>) -> Vec<String> {
        let column = self.column();
        let mut conditions = Vec::new();
        let below = from.and_then(|from| just_below(from, &self.cursor.ty));
        match (from, below) {
            // There is no decimal between two that differ by one in the last digit. If the source
            // has such a value, Trino rounds it.
            (Some(from), Some(below)) => {
                conditions.push(self.compare(">", &below));
                conditions.push(self.compare("<>", from));
            }
            (Some(from), None) => conditions.push(self.compare(">", from)),
            // Some connectors refuse a query without a condition on the partition column.
            (None, _) => conditions.push(format!("{column} IS NOT NULL")),
        }
        if let Some((low, high)) = self.ends() {
            conditions.push(format!("{column} >= {low}"));
            conditions.push(format!("{column} <= {high}"));
        }
        if let Some(before) = before {
            conditions.push(self.compare("<", before));
        }
        if let Some(nan) = is_nan(&column, &self.cursor.ty) {
            conditions.push(format!("NOT {nan}"));
        }
        conditions
    }

    /// The condition for rows with a value above `after` and up to `upper`. Without `upper` there
    /// are none. `first` adds the rows without a value.
    pub(crate) fn between(
        &self,
        after: Option<&str>,
        upper: Option<Upper<'_>>,
        first: bool,
    ) -> String {
        let Some(upper) = upper else {
            return if first {
                self.without_value()
            } else {
                "false".to_owned()
            };
        };
        let operator = if upper.inclusive { "<=" } else { "<" };
        let upper = self.compare(operator, upper.value);
        let lower = match (after, self.ends()) {
            (Some(after), _) => Some(self.compare(">", after)),
            (None, Some((low, _))) => Some(format!("{} >= {low}", self.column())),
            (None, None) => None,
        };
        let range = match lower {
            Some(lower) => format!("{lower} AND {upper}"),
            None => upper,
        };
        if first {
            format!("({range} OR {})", self.without_value())
        } else {
            range
        }
    }

    /// The condition for rows whose value is above `high` for the source, although `high` is the
    /// highest value that Trino shows. For decimals also for rows whose value is just below `high`
    /// for the source and equal to `high` as Trino shows it. One such row proves that the source
    /// compares other values than Trino shows.
    pub(crate) fn misplaced(&self, high: &str) -> String {
        let (name, shown) = (self.name(), self.shown());
        let in_source = match just_below(high, &self.cursor.ty) {
            None => format!("{name} > {}", self.literal(high)),
            // The source alone evaluates each of the two comparisons; Trino does not repeat them.
            Some(below) => format!(
                "{name} > {} AND {name} <> {}",
                self.literal(&below),
                self.literal(high)
            ),
        };
        format!(
            "{in_source} AND NOT ({shown} > {}){}",
            self.literal(high),
            self.shown_finite()
        )
    }

    /// The condition for rows whose value is below `high` for the source, and at or above it as
    /// Trino shows it. One such row is a proof as in [`Self::misplaced`].
    pub(crate) fn misplaced_below(&self, high: &str) -> String {
        let (name, shown, high) = (self.name(), self.shown(), self.literal(high));
        format!(
            "{name} < {high} AND NOT ({shown} < {high}){}",
            self.shown_finite()
        )
    }

    /// The condition for rows whose value is `value` for the source and another one as Trino shows
    /// it: MySQL passes over blanks at the end of a text. One such row is a proof as in
    /// [`Self::misplaced`].
    pub(crate) fn misplaced_at(&self, value: &str) -> String {
        let (name, shown, value) = (self.name(), self.shown(), self.literal(value));
        format!("{name} = {value} AND {shown} <> {value}")
    }

    /// The condition for rows that have a value in the source and none in Trino. One such row is a
    /// proof as in [`Self::misplaced`].
    pub(crate) fn without_shown_value(&self) -> String {
        format!("{} IS NOT NULL AND {} IS NULL", self.name(), self.shown())
    }

    /// Leaves out PostgreSQL's `infinity`: Trino shows it as a value with another place in the
    /// order, which proves nothing.
    fn shown_finite(&self) -> String {
        finite_ends(&self.cursor.ty).map_or_else(String::new, |(low, high)| {
            let (shown, low, high) = (self.shown(), self.literal(&low), self.literal(&high));
            format!(" AND {shown} BETWEEN {low} AND {high}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(ty: &str) -> Cursor {
        Cursor {
            column: "c".into(),
            ty: TrinoType::parse(ty),
            finds_nulls_in_trino: false,
        }
    }

    fn pushed(cursor: &Cursor) -> Comparison<'_> {
        Comparison {
            cursor,
            pushdown: Pushdown::Everything,
            only_finite: false,
        }
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "it stands where a sync may have no upper end"
    )]
    fn up_to(value: &str, inclusive: bool) -> Option<Upper<'_>> {
        Some(Upper { value, inclusive })
    }

    #[test]
    fn rows_without_a_value_come_first_and_never_again() {
        let bigint = cursor("bigint");
        let bigint = pushed(&bigint);
        assert_eq!(
            bigint.between(None, up_to("5", false), true),
            "(\"c\" < 5 OR \"c\" IS NULL)"
        );
        assert_eq!(
            bigint.between(Some("3"), up_to("5", true), false),
            "\"c\" > 3 AND \"c\" <= 5"
        );
        assert_eq!(bigint.between(None, None, true), "\"c\" IS NULL");
        assert_eq!(
            pushed(&cursor("real")).between(None, None, true),
            "(\"c\" IS NULL OR is_nan(\"c\"))"
        );
    }

    #[test]
    fn values_outside_of_the_years_are_in_no_range() {
        let date = cursor("date");
        let date = Comparison {
            only_finite: true,
            ..pushed(&date)
        };
        let (low, high) = ("CAST('0001-01-01' AS date)", "CAST('9999-12-31' AS date)");
        assert_eq!(
            date.outside(),
            Some(format!("(\"c\" < {low} OR \"c\" > {high})"))
        );
        assert_eq!(
            date.between(None, up_to("2020-01-01", false), true),
            format!("(\"c\" >= {low} AND \"c\" < CAST('2020-01-01' AS date) OR \"c\" IS NULL)")
        );
        assert_eq!(pushed(&cursor("date")).outside(), None);
        assert_eq!(pushed(&cursor("bigint")).outside(), None);
    }

    #[test]
    fn trino_finds_the_rows_without_a_value_where_a_connector_fails_at_it() {
        let time = Cursor {
            finds_nulls_in_trino: true,
            ..cursor("bigint")
        };
        let comparison = pushed(&time);
        let null = "IF(rand() < 2, \"c\") IS NULL";
        assert_eq!(comparison.without_value(), null);
        assert_eq!(comparison.between(None, None, true), null);
        let range = comparison.between(None, up_to("5", true), true);
        assert_eq!(range, format!("(\"c\" <= 5 OR {null})"));
    }

    #[test]
    fn nothing_reaches_the_source_where_it_compares_other_values() {
        let decimal = cursor("decimal(5, 2)");
        let shown = Comparison {
            pushdown: Pushdown::Nothing,
            ..pushed(&decimal)
        };
        assert_eq!(
            shown.compare("=", "2.00"),
            "IF(rand() < 2, \"c\") = CAST('2.00' AS decimal(5, 2))"
        );
        assert_eq!(shown.without_value(), "IF(rand() < 2, \"c\") IS NULL");
        assert!(
            pushed(&decimal)
                .misplaced("2.00")
                .starts_with("\"c\" > CAST('1.99' AS decimal(5, 2)) AND \"c\" <> ")
        );
    }
}
