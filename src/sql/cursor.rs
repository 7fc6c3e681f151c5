//! Statements and conditions of reads by cursor.

use super::ident::{Ident, Relation};
use super::literal::{is_nan, literal, text_of};
use super::select::{at_version, filter};
use crate::types::TrinoType;

/// A cursor column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Its name.
    pub(crate) column: String,
    /// Its type, one of [`TrinoType::is_cursor`].
    pub(crate) ty: TrinoType,
}

impl Cursor {
    /// `column operator value`; null and NaN never fulfil it.
    pub(crate) fn compare(&self, operator: &str, value: &str) -> String {
        let value = literal(value, &self.ty);
        format!("{} {operator} {value}", Ident(&self.column))
    }

    /// The rows that only a first sync reads: those without a cursor value.
    pub(crate) fn without_value(&self) -> String {
        let null = format!("{} IS NULL", Ident(&self.column));
        match is_nan(&self.column, &self.ty) {
            Some(nan) => format!("({null} OR {nan})"),
            None => null,
        }
    }

    /// Rows with a value between two others, both exclusive; without an upper one, none.
    /// `first` adds the rows without a value.
    pub(crate) fn between(&self, after: Option<&str>, before: Option<&str>, first: bool) -> String {
        let after = after.map(|value| self.compare(">", value));
        let before = before.map(|value| self.compare("<", value));
        let range = match (after, before) {
            (Some(after), Some(before)) => format!("{after} AND {before}"),
            (None, Some(before)) => before,
            (_, None) => {
                return if first {
                    self.without_value()
                } else {
                    "false".to_owned()
                };
            }
        };
        if first {
            format!("({range} OR {})", self.without_value())
        } else {
            range
        }
    }

    /// A query of how far the cursor has come: `low` and `high` as texts, the number `total` of
    /// rows with a value, and `ties`, those that have the value `from`. Only rows from `from` on
    /// and before `before` count, where these are given.
    pub(crate) fn position(
        &self,
        relation: &Relation,
        version: Option<i64>,
        from: Option<&str>,
        before: Option<&str>,
    ) -> String {
        let column = Ident(&self.column).to_string();
        let conditions: Vec<String> = [
            from.map(|value| self.compare(">=", value)),
            before.map(|value| self.compare("<", value)),
            is_nan(&self.column, &self.ty).map(|nan| format!("NOT {nan}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        let conditions: Vec<&str> = conditions.iter().map(String::as_str).collect();
        let ties = from.map_or_else(
            || "CAST(0 AS bigint)".to_owned(),
            |value| format!("count_if({})", self.compare("=", value)),
        );
        format!(
            "SELECT {} AS low, {} AS high, count({column}) AS total, {ties} AS ties FROM {relation}{}{}",
            text_of(&format!("min({column})"), &self.ty),
            text_of(&format!("max({column})"), &self.ty),
            at_version(version),
            filter(&conditions)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::ident::Table;

    fn cursor(ty: &str) -> Cursor {
        Cursor {
            column: "c".into(),
            ty: TrinoType::parse(ty),
        }
    }

    #[test]
    fn rows_without_a_value_come_first_and_never_again() {
        let bigint = cursor("bigint");
        assert_eq!(
            bigint.between(None, Some("5"), true),
            "(\"c\" < 5 OR \"c\" IS NULL)"
        );
        assert_eq!(
            bigint.between(Some("3"), Some("5"), false),
            "\"c\" > 3 AND \"c\" < 5"
        );
        assert_eq!(bigint.between(None, None, true), "\"c\" IS NULL");
        assert_eq!(
            cursor("real").between(None, None, true),
            "(\"c\" IS NULL OR is_nan(\"c\"))"
        );
    }

    #[test]
    fn the_position_is_asked_for_from_the_last_value_on() {
        let table = Relation::Table(Table {
            catalog: "a".into(),
            schema: "s".into(),
            name: "t".into(),
        });
        assert_eq!(
            cursor("date").position(&table, Some(7), Some("2020-01-01"), None),
            "SELECT CAST(min(\"c\") AS varchar) AS low, CAST(max(\"c\") AS varchar) AS high, \
             count(\"c\") AS total, count_if(\"c\" = CAST('2020-01-01' AS date)) AS ties \
             FROM \"a\".\"s\".\"t\" FOR VERSION AS OF 7 WHERE \"c\" >= CAST('2020-01-01' AS date)"
        );
    }
}
