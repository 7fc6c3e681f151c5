//! The query for how far a cursor has come, and the query for the rows with one value.

use super::checksum::RowChecksum;
use super::cursor::Comparison;
use super::ident::Relation;
use super::literal::exact_text;
use super::partitions::partitions;
use super::select::{at_version, filter};

/// What is asked about a cursor's position.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PositionQuery<'a> {
    /// The table or query whose rows are looked at.
    pub(crate) relation: &'a Relation,
    /// The version of the table, if it has versions.
    pub(crate) version: Option<i64>,
    /// The value that the last sync ended with.
    pub(crate) from: Option<&'a str>,
    /// Rows from this value on do not count.
    pub(crate) before: Option<&'a str>,
    /// The checksum of rows at a boundary.
    pub(crate) checksum: Option<&'a RowChecksum>,
    /// Whether the rows without a value are counted.
    pub(crate) without_value: bool,
    /// Whether all rows are counted.
    pub(crate) all: bool,
    /// Whether the cursor is a partition column of a Hive table, so that the list of its partitions
    /// has the lowest and the highest value. Then `total` is a number of partitions.
    pub(crate) by_partition: bool,
}

/// A number or text about the rows for which a condition holds.
struct Figure {
    name: &'static str,
    aggregate: String,
    form: Form,
}

enum Form {
    Count,
    Base64,
    TextOfValue,
}

/// Figures about the rows of one condition.
struct Scan {
    condition: String,
    figures: Vec<Figure>,
}

impl Comparison<'_> {
    /// The columns of the result: `low` and `high` (as texts) and `total`, the number, of the rows
    /// above `from`; `shown`, in how many of them Trino sees a value; `ties`, the number of rows
    /// with the value `from`; `outside`, the number of rows outside of all ranges; `ties_sum` and
    /// `outside_sum`, the checksums of these two; `without`, the number of rows without a value;
    /// and `everything`, the number of all rows.
    ///
    /// Each part is a separate scan, so that the source can evaluate it together with its
    /// condition. A query of the configuration may be a costly join, so it is scanned only once.
    pub(crate) fn position(&self, query: &PositionQuery<'_>) -> String {
        let column = self.aggregated();
        let count = |name| Figure {
            name,
            aggregate: "count(*)".to_owned(),
            form: Form::Count,
        };
        let boundary = |name, sum_name| {
            let sum = query.checksum.map(|checksum| Figure {
                name: sum_name,
                aggregate: checksum.aggregate.clone(),
                form: Form::Base64,
            });
            [count(name)].into_iter().chain(sum).collect()
        };
        let value = |name, function| Figure {
            name,
            aggregate: format!("{function}({column})"),
            form: Form::TextOfValue,
        };
        let mut scans = vec![Scan {
            condition: self.countable(query.from, query.before).join(" AND "),
            figures: vec![
                value("low", "min"),
                value("high", "max"),
                count("total"),
                Figure {
                    name: "shown",
                    aggregate: format!("count({column})"),
                    form: Form::Count,
                },
            ],
        }];
        if let Some(from) = query.from {
            scans.push(Scan {
                condition: self.compare("=", from),
                figures: boundary("ties", "ties_sum"),
            });
        }
        if let Some(condition) = self.outside() {
            scans.push(Scan {
                condition,
                figures: boundary("outside", "outside_sum"),
            });
        }
        if query.without_value {
            scans.push(Scan {
                condition: self.without_value(),
                figures: vec![count("without")],
            });
        }
        if query.all {
            scans.push(Scan {
                condition: String::new(),
                figures: vec![count("everything")],
            });
        }
        let figures: Vec<String> = FIGURES
            .iter()
            .map(|(name, absent)| {
                if scans
                    .iter()
                    .flat_map(|scan| &scan.figures)
                    .any(|figure| figure.name == *name)
                {
                    (*name).to_owned()
                } else {
                    format!("{absent} AS {name}")
                }
            })
            .collect();
        format!(
            "SELECT {} FROM {}",
            figures.join(", "),
            self.source(query, &scans)
        )
    }

    fn source(&self, query: &PositionQuery<'_>, scans: &[Scan]) -> String {
        let from = format!("{}{}", query.relation, at_version(query.version));
        if let Some(table) = query.relation.table() {
            let partitions = query.by_partition.then(|| partitions(table).to_string());
            let parts: Vec<String> = (0..)
                .zip(scans)
                .map(|(number, scan)| {
                    let conditions: Vec<&str> = [scan.condition.as_str()]
                        .into_iter()
                        .filter(|c| !c.is_empty())
                        .collect();
                    // The first scan is for the ends of the range.
                    let from = match partitions.as_deref() {
                        Some(partitions) if number == 0 => partitions,
                        _ => &from,
                    };
                    format!(
                        "(SELECT {} FROM {from}{}) s{number}",
                        self.select(&scan.figures, ""),
                        filter(&conditions)
                    )
                })
                .collect();
            return parts.join(" CROSS JOIN ");
        }
        let figures: Vec<String> = scans
            .iter()
            .map(|scan| {
                let only = if scan.condition.is_empty() {
                    String::new()
                } else {
                    format!(" FILTER (WHERE {})", scan.condition)
                };
                self.select(&scan.figures, &only)
            })
            .collect();
        let lowest = query
            .from
            .filter(|_| !self.only_finite && !query.without_value && !query.all)
            .map(|from| self.at_least(from));
        let conditions: Vec<&str> = lowest.iter().map(String::as_str).collect();
        format!(
            "(SELECT {} FROM {from}{}) s",
            figures.join(", "),
            filter(&conditions)
        )
    }

    fn select(&self, figures: &[Figure], only: &str) -> String {
        let texts: Vec<String> = figures
            .iter()
            .map(|figure| {
                let aggregate = format!("{}{only}", figure.aggregate);
                let expression = match figure.form {
                    Form::Count => aggregate,
                    Form::Base64 => format!("to_base64({aggregate})"),
                    Form::TextOfValue => exact_text(&aggregate, &self.cursor.ty),
                };
                format!("{expression} AS {}", figure.name)
            })
            .collect();
        texts.join(", ")
    }

    /// The query for the rows with the highest value, `high`: their number `ties`, their checksum
    /// `ties_sum` and, if `look_for_misplaced`, the number `misplaced` of rows that
    /// [`Comparison::misplaced`] finds.
    pub(crate) fn at_end(
        &self,
        query: &PositionQuery<'_>,
        high: &str,
        look_for_misplaced: bool,
    ) -> String {
        let from = format!("{}{}", query.relation, at_version(query.version));
        let sum = query.checksum.map_or_else(
            || "CAST(NULL AS varchar)".to_owned(),
            |checksum| format!("to_base64({})", checksum.aggregate),
        );
        let rows = format!(
            "SELECT count(*) AS ties, {sum} AS ties_sum FROM {from} WHERE {}",
            self.compare("=", high)
        );
        let misplaced = if look_for_misplaced {
            format!(
                "(SELECT count(*) AS misplaced FROM {from} WHERE {}) m",
                self.misplaced(high)
            )
        } else {
            "(VALUES CAST(0 AS bigint)) m(misplaced)".to_owned()
        };
        format!("SELECT ties, ties_sum, misplaced FROM ({rows}) s CROSS JOIN {misplaced}")
    }
}

/// The columns of a position, each with the expression that is used when it is not asked for.
const FIGURES: [(&str, &str); 10] = [
    ("low", "CAST(NULL AS varchar)"),
    ("high", "CAST(NULL AS varchar)"),
    ("total", "CAST(0 AS bigint)"),
    ("shown", "CAST(0 AS bigint)"),
    ("ties", "CAST(0 AS bigint)"),
    ("ties_sum", "CAST(NULL AS varchar)"),
    ("outside", "CAST(0 AS bigint)"),
    ("outside_sum", "CAST(NULL AS varchar)"),
    ("without", "CAST(0 AS bigint)"),
    ("everything", "CAST(NULL AS bigint)"),
];

/// The query for the number of rows, as `total`, for which any of the conditions holds.
pub(crate) fn count_query(
    relation: &Relation,
    version: Option<i64>,
    conditions: &[String],
) -> String {
    let any: Vec<String> = conditions
        .iter()
        .map(|condition| format!("({condition})"))
        .collect();
    format!(
        "SELECT count(*) AS total FROM {relation}{}{}",
        at_version(version),
        filter(&[&any.join(" OR ")])
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::cursor::{Cursor, Pushdown};
    use crate::sql::ident::Table;
    use crate::types::TrinoType;

    fn position(ty: &str, relation: &Relation, from: Option<&str>) -> String {
        let cursor = Cursor {
            column: "c".into(),
            ty: TrinoType::parse(ty),
            finds_nulls_in_trino: false,
        };
        let checksum = RowChecksum::new(&[("c".into(), cursor.ty.clone())]);
        let comparison = Comparison {
            cursor: &cursor,
            pushdown: Pushdown::Everything,
            only_finite: false,
        };
        comparison.position(&PositionQuery {
            relation,
            version: relation.table().map(|_| 7),
            from,
            before: None,
            checksum: checksum.as_ref(),
            without_value: from.is_none(),
            all: from.is_none(),
            by_partition: false,
        })
    }

    #[test]
    fn the_ends_of_a_partition_column_come_from_the_list_of_partitions() {
        let table = Relation::Table(Table::new("c", "s", "t"));
        let cursor = Cursor {
            column: "p".into(),
            ty: TrinoType::parse("bigint"),
            finds_nulls_in_trino: false,
        };
        let comparison = Comparison {
            cursor: &cursor,
            pushdown: Pushdown::Everything,
            only_finite: false,
        };
        let sql = comparison.position(&PositionQuery {
            relation: &table,
            version: None,
            from: Some("5"),
            before: None,
            checksum: None,
            without_value: false,
            all: false,
            by_partition: true,
        });
        let ends = "count(\"p\") AS shown FROM \"c\".\"s\".\"t$partitions\" WHERE \"p\" > 5";
        assert!(sql.contains(ends), "{sql}");
        let ties = "count(*) AS ties FROM \"c\".\"s\".\"t\" WHERE \"p\" = 5";
        assert!(sql.contains(ties), "{sql}");
    }

    #[test]
    fn each_part_of_a_tables_position_is_a_scan_with_its_condition() {
        let table = Relation::Table(Table::new("a", "s", "t"));
        let sql = position("date", &table, Some("2020-01-01"));
        for part in [
            "SELECT low, high, total, shown, ties, ties_sum, CAST(0 AS bigint) AS outside, ",
            "(SELECT CAST(min(\"c\") AS varchar) AS low, CAST(max(\"c\") AS varchar) AS high, \
             count(*) AS total, count(\"c\") AS shown FROM \"a\".\"s\".\"t\" FOR VERSION AS OF 7 \
             WHERE \"c\" > CAST('2020-01-01' AS date)) s0",
            "CROSS JOIN (SELECT count(*) AS ties, to_base64(checksum(ROW(\"c\"))) AS ties_sum \
             FROM \"a\".\"s\".\"t\" FOR VERSION AS OF 7 WHERE \"c\" = CAST('2020-01-01' AS date)) s1",
        ] {
            assert!(sql.contains(part), "{sql}\nhas not\n{part}");
        }
    }

    #[test]
    fn a_query_is_scanned_once() {
        let query = Relation::Query("SELECT 1 AS c".into());
        for from in [None, Some("5")] {
            let sql = position("bigint", &query, from);
            assert_eq!(sql.matches("SELECT 1 AS c").count(), 1, "{sql}");
        }
        assert!(position("bigint", &query, Some("5")).ends_with(" WHERE \"c\" >= 5) s"));
    }
}
