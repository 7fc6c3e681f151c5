//! The query that reads a table: only the selected columns, and timestamps with zone moved to UTC.
//!
//! Trino has to do this: the text of such a value has the name of its zone, and in the hour when
//! clocks are set back, this name does not tell which of two instants is meant. `AT TIME ZONE`
//! keeps the instant.

use super::ident::{Ident, Relation, Table};
use crate::types::{RowField, TrinoType};

/// `SELECT` of the `columns` of a table or query, in this order and under their own names, for the
/// rows for which all `conditions` hold. With `version`, it reads that version of the table.
pub(crate) fn select(
    relation: &Relation,
    columns: &[(String, TrinoType)],
    version: Option<i64>,
    conditions: &[&str],
) -> String {
    format!(
        "SELECT {} FROM {relation}{}{}",
        projections(columns),
        at_version(version),
        filter(conditions)
    )
}

/// The rows of a query with its columns in the order of `names`.
pub(crate) fn reordered(names: &[&str], query: &str) -> String {
    let names: Vec<String> = names.iter().map(|name| Ident(name).to_string()).collect();
    format!("SELECT {} FROM ({query})", names.join(", "))
}

/// A query of the number of a table's rows, as `total`.
pub(crate) fn count(table: &Table) -> String {
    format!("SELECT count(*) AS total FROM {table}")
}

/// The columns of a `SELECT` that reads rows, each under its own name.
pub(crate) fn projections(columns: &[(String, TrinoType)]) -> String {
    let list: Vec<String> = columns
        .iter()
        .map(|(name, ty)| projection(name, ty))
        .collect();
    list.join(", ")
}

/// The clause that picks a version of a table, with a blank before it; empty for none.
pub(crate) fn at_version(version: Option<i64>) -> String {
    version.map_or_else(String::new, |version| {
        format!(" FOR VERSION AS OF {version}")
    })
}

/// The clause for rows for which all `conditions` hold, with a blank before it; empty for none.
pub(crate) fn filter(conditions: &[&str]) -> String {
    if conditions.is_empty() {
        return String::new();
    }
    format!(" WHERE {}", conditions.join(" AND "))
}

/// As [`projections`], for a version of the table that has the columns under other names: each
/// column is the value of its expression.
pub(crate) fn renamed_projections(
    columns: &[(String, TrinoType)],
    expressions: &[String],
) -> String {
    let list: Vec<String> = columns
        .iter()
        .zip(expressions)
        .map(|((name, ty), expression)| projection_from(name, ty, expression))
        .collect();
    list.join(", ")
}

fn projection(name: &str, ty: &TrinoType) -> String {
    projection_from(name, ty, &Ident(name).to_string())
}

fn projection_from(name: &str, ty: &TrinoType, expression: &str) -> String {
    let column = Ident(name).to_string();
    match in_json_form(expression, ty, 0) {
        Some(expression) => format!("{expression} AS {column}"),
        None if expression == column => column,
        None => format!("{expression} AS {column}"),
    }
}

/// `expression` with all values inside changed whose form in JSON is of no use; `None` if there are
/// none. Timestamps with zone are moved to UTC, and a MongoDB id, which would come as the base64 of
/// its bytes, becomes the text that people know. `depth` keeps the variables of nested lambdas
/// apart.
fn in_json_form(expression: &str, ty: &TrinoType, depth: usize) -> Option<String> {
    match ty {
        TrinoType::TimestampWithTimeZone { .. } => Some(format!("{expression} AT TIME ZONE 'UTC'")),
        other if other.is_object_id() => Some(format!("CAST({expression} AS varchar)")),
        TrinoType::Array(element) => {
            let variable = format!("e{depth}");
            let inner = in_json_form(&variable, element, depth + 1)?;
            Some(format!("transform({expression}, {variable} -> {inner})"))
        }
        TrinoType::Map(key, value) => {
            let (k, v) = (format!("k{depth}"), format!("v{depth}"));
            let keys = in_json_form(&k, key, depth + 1);
            let values = in_json_form(&v, value, depth + 1);
            if keys.is_none() && values.is_none() {
                return None;
            }
            let mut map = expression.to_owned();
            if let Some(keys) = keys {
                map = format!("transform_keys({map}, ({k}, {v}) -> {keys})");
            }
            if let Some(values) = values {
                map = format!("transform_values({map}, ({k}, {v}) -> {values})");
            }
            Some(map)
        }
        TrinoType::Row(fields) => {
            let items: Vec<(String, Option<String>)> = fields
                .iter()
                .enumerate()
                .map(|(index, field)| {
                    let item = format!("{expression}[{}]", index + 1);
                    let moved = in_json_form(&item, &field.ty, depth + 1);
                    (item, moved)
                })
                .collect();
            if items.iter().all(|(_, moved)| moved.is_none()) {
                return None;
            }
            let items: Vec<String> = items
                .into_iter()
                .map(|(item, moved)| moved.unwrap_or(item))
                .collect();
            // Without the test, a null row would become a row of nulls.
            Some(format!(
                "IF({expression} IS NULL, NULL, CAST(ROW({}) AS {}))",
                items.join(", "),
                with_texts(ty)
            ))
        }
        _ => None,
    }
}

/// The type of what [`in_json_form`] gives: MongoDB ids are texts.
fn with_texts(ty: &TrinoType) -> TrinoType {
    let inner = |ty: &TrinoType| Box::new(with_texts(ty));
    match ty {
        other if other.is_object_id() => TrinoType::Varchar(None),
        TrinoType::Array(element) => TrinoType::Array(inner(element)),
        TrinoType::Map(key, value) => TrinoType::Map(inner(key), inner(value)),
        TrinoType::Row(fields) => {
            let fields = fields.iter().map(|field| RowField {
                ty: with_texts(&field.ty),
                ..field.clone()
            });
            TrinoType::Row(fields.collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn projected(ty: &str) -> String {
        projection("c", &TrinoType::parse(ty))
    }

    #[test]
    fn only_timestamps_with_zone_are_touched() {
        let table = Relation::Table(Table::new("c", "s", "t"));
        let columns = [
            ("a".to_owned(), TrinoType::Bigint),
            (
                "at".to_owned(),
                TrinoType::TimestampWithTimeZone { precision: 3 },
            ),
        ];
        assert_eq!(
            select(&table, &columns, None, &[]),
            "SELECT \"a\", \"at\" AT TIME ZONE 'UTC' AS \"at\" FROM \"c\".\"s\".\"t\""
        );
        let one_slice = select(&table, &columns[..1], Some(7), &["\"a\" < 3"]);
        let expected = "SELECT \"a\" FROM \"c\".\"s\".\"t\" FOR VERSION AS OF 7 WHERE \"a\" < 3";
        assert_eq!(one_slice, expected);
        assert_eq!(projected("array(row(a bigint))"), "\"c\"");
        assert_eq!(projected("timestamp(3)"), "\"c\"");
    }

    #[test]
    fn nested_timestamps_are_moved_where_they_are() {
        assert_eq!(
            projected("array(array(timestamp(3) with time zone))"),
            "transform(\"c\", e0 -> transform(e0, e1 -> e1 AT TIME ZONE 'UTC')) AS \"c\""
        );
        assert_eq!(
            projected("map(timestamp(3) with time zone, bigint)"),
            "transform_keys(\"c\", (k0, v0) -> k0 AT TIME ZONE 'UTC') AS \"c\""
        );
        assert_eq!(
            projected("map(bigint, timestamp(3) with time zone)"),
            "transform_values(\"c\", (k0, v0) -> v0 AT TIME ZONE 'UTC') AS \"c\""
        );
        assert_eq!(
            projected("row(a bigint, at timestamp(3) with time zone)"),
            "IF(\"c\" IS NULL, NULL, CAST(ROW(\"c\"[1], \"c\"[2] AT TIME ZONE 'UTC') AS \
             row(\"a\" bigint, \"at\" timestamp(3) with time zone))) AS \"c\""
        );
    }

    #[test]
    fn ids_of_mongodb_are_texts_wherever_they_are() {
        assert_eq!(projected("ObjectId"), "CAST(\"c\" AS varchar) AS \"c\"");
        assert_eq!(
            projected("array(ObjectId)"),
            "transform(\"c\", e0 -> CAST(e0 AS varchar)) AS \"c\""
        );
        assert_eq!(
            projected("row(id ObjectId, n array(ObjectId))"),
            "IF(\"c\" IS NULL, NULL, CAST(ROW(CAST(\"c\"[1] AS varchar), transform(\"c\"[2], e1 \
             -> CAST(e1 AS varchar))) AS row(\"id\" varchar, \"n\" array(varchar)))) AS \"c\""
        );
    }
}
