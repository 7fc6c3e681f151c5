//! The ids that Iceberg gives to columns and to the fields of rows, as `EXPLAIN` shows them.
//!
//! A name may later stand for another column: after a rename, a swap, or a column that was dropped
//! and added again. The id tells which column it is. Trino has no table of ids, but the plan of a
//! query shows each column that is read as `symbol := id:name:type` (seen on 476).

use std::collections::HashMap;

use serde_json::Value;

use super::ident::{Ident, Table};
use super::select::at_version;
use crate::types::{RowField, TrinoType};

/// A column of a table at one of its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: String,
    /// Its type.
    pub(crate) ty: TrinoType,
    /// Its id.
    pub(crate) id: i64,
    /// If it is a row, the ids of its fields: for each the names that lead to it, and the id.
    pub(crate) leaves: Vec<(Vec<String>, i64)>,
}

/// A statement whose plan shows the ids of what it selects.
pub(crate) fn explain(table: &Table, version: Option<i64>, expressions: &[String]) -> String {
    format!(
        "EXPLAIN (FORMAT JSON) SELECT {} FROM {table}{}",
        expressions.join(", "),
        at_version(version)
    )
}

/// The names that lead to each field of a row, down to fields that are no rows themselves. Empty
/// for a type that is no row. `None` if a field has no name.
pub(crate) fn paths(ty: &TrinoType) -> Option<Vec<Vec<String>>> {
    let TrinoType::Row(fields) = ty else {
        return Some(Vec::new());
    };
    let mut paths = Vec::new();
    for RowField { name, ty } in fields {
        let name = name.clone()?;
        match paths_below(&name, ty)? {
            below if below.is_empty() => paths.push(vec![name]),
            below => paths.extend(below),
        }
    }
    Some(paths)
}

fn paths_below(name: &str, ty: &TrinoType) -> Option<Vec<Vec<String>>> {
    let below = paths(ty)?.into_iter();
    Some(
        below
            .map(|path| std::iter::once(name.to_owned()).chain(path).collect())
            .collect(),
    )
}

/// Whether a type has rows within arrays or maps, whose fields no plan shows.
pub(crate) fn has_hidden_fields(ty: &TrinoType) -> bool {
    let is_row = |ty: &TrinoType| matches!(ty, TrinoType::Row(_));
    ty.any(&|ty| match ty {
        TrinoType::Array(element) => element.any(&is_row),
        TrinoType::Map(key, value) => key.any(&is_row) || value.any(&is_row),
        _ => false,
    })
}

/// The expression for a field of a column.
pub(crate) fn field(column: &str, path: &[String]) -> String {
    let names = std::iter::once(column).chain(path.iter().map(String::as_str));
    let names: Vec<String> = names.map(|name| Ident(name).to_string()).collect();
    names.join(".")
}

/// The ids of the selected expressions, in their order, from the text of a plan; `None` if it does
/// not show all of them.
pub(crate) fn ids(plan: &str) -> Option<Vec<i64>> {
    let plan: Value = serde_json::from_str(plan).ok()?;
    let mut shown = Shown::default();
    shown.visit(&plan);
    let ids = shown.outputs?.into_iter().map(|symbol| {
        let mut symbol = symbol;
        // Projections may give a symbol another name.
        for _ in 0..8 {
            let meaning = shown.meanings.get(symbol)?;
            let (id, _) = meaning.split_once(':').unwrap_or((meaning, ""));
            match id.parse() {
                Ok(id) => return Some(id),
                Err(_) => symbol = meaning,
            }
        }
        None
    });
    ids.collect()
}

/// What a plan tells about its symbols.
#[derive(Default)]
struct Shown<'a> {
    /// The symbols of the result.
    outputs: Option<Vec<&'a str>>,
    /// For each symbol the text after `:=`.
    meanings: HashMap<&'a str, &'a str>,
}

impl<'a> Shown<'a> {
    fn visit(&mut self, value: &'a Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.visit(item)),
            Value::Object(members) => {
                if members.get("name").and_then(Value::as_str) == Some("Output") {
                    let outputs = members.get("outputs").and_then(Value::as_array);
                    let symbol = |output: &'a Value| output.get("name").and_then(Value::as_str);
                    self.outputs = outputs.and_then(|all| all.iter().map(symbol).collect());
                } else {
                    self.note(members.get("details"));
                }
                members.values().for_each(|member| self.visit(member));
            }
            _ => {}
        }
    }

    fn note(&mut self, details: Option<&'a Value>) {
        let details = details.and_then(Value::as_array).into_iter().flatten();
        for (symbol, meaning) in details
            .filter_map(Value::as_str)
            .filter_map(|detail| detail.split_once(" := "))
        {
            // Some plans, such as that of a union, define a symbol twice. Then nothing is
            // concluded.
            if self
                .meanings
                .insert(symbol, meaning)
                .is_some_and(|before| before != meaning)
            {
                self.meanings.insert(symbol, symbol);
            }
        }
    }
}

/// How a column has to be taken from another version of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// It has the same name there.
    None,
    /// Neither the column nor another one with its name was there.
    Added,
    /// It had another name, or its name was another column's.
    Identity,
}

impl Column {
    /// How the column differs from the column of the same name at the time when the table had the
    /// columns `before`.
    pub(crate) fn change_since(&self, before: &[Self]) -> Change {
        let Some(same) = before.iter().find(|column| column.id == self.id) else {
            return if before.iter().any(|column| column.name == self.name) {
                Change::Identity
            } else {
                Change::Added
            };
        };
        if same.name != self.name {
            return Change::Identity;
        }
        let changes = self.leaves.iter().map(|(path, id)| {
            if same.leaves.contains(&(path.clone(), *id)) {
                Change::None
            } else if same.leaves.iter().any(|(p, i)| p == path || i == id) {
                Change::Identity
            } else {
                Change::Added
            }
        });
        changes.max().unwrap_or(Change::None)
    }

    /// The column's value as an expression over `there`, the columns of another version. Fields
    /// that this version lacks are null. `None` if it cannot be expressed.
    pub(crate) fn over(&self, there: &[Self]) -> Option<String> {
        let Some(column) = there.iter().find(|column| column.id == self.id) else {
            return Some(null(&self.ty));
        };
        if column.ty == self.ty && column.leaves == self.leaves {
            return Some(Ident(&column.name).to_string());
        }
        match (&self.ty, &column.ty) {
            (TrinoType::Row(fields), TrinoType::Row(_)) => {
                self.row_over(fields, &self.ty, &mut Vec::new(), column)
            }
            (wanted, found) => cast(&Ident(&column.name).to_string(), found, wanted),
        }
    }

    /// The row at `path` within the column, put together from the fields of `column`.
    fn row_over(
        &self,
        fields: &[RowField],
        ty: &TrinoType,
        path: &mut Vec<String>,
        column: &Self,
    ) -> Option<String> {
        let mut items = Vec::with_capacity(fields.len());
        for RowField { name, ty } in fields {
            path.push(name.clone()?);
            let item = match (ty, type_at(&column.ty, path)) {
                (TrinoType::Row(fields), Some(TrinoType::Row(_))) => {
                    self.row_over(fields, ty, path, column)
                }
                (TrinoType::Row(_), _) => Some(null(ty)),
                _ => self.leaf_over(ty, path, column),
            };
            items.push(item?);
            path.pop();
        }
        // Without the test, a null row would become a row of nulls.
        Some(format!(
            "IF({} IS NULL, NULL, CAST(ROW({}) AS {ty}))",
            field(&column.name, path),
            items.join(", ")
        ))
    }

    fn leaf_over(&self, ty: &TrinoType, path: &[String], column: &Self) -> Option<String> {
        let (_, id) = self.leaves.iter().find(|(p, _)| p == path)?;
        match column.leaves.iter().find(|(_, i)| i == id) {
            None => Some(null(ty)),
            Some((there, _)) => cast(&field(&column.name, there), type_at(&column.ty, there)?, ty),
        }
    }
}

/// Null of a type.
pub(crate) fn null(ty: &TrinoType) -> String {
    format!("CAST(NULL AS {ty})")
}

/// An expression as a value of another type; `None` if that type cannot hold every value, so that
/// two different values may become one. A smaller integer type is taken: what is too large for it
/// is null, and so differs from what is there now.
pub(crate) fn cast(expression: &str, found: &TrinoType, wanted: &TrinoType) -> Option<String> {
    if found == wanted {
        Some(expression.to_owned())
    } else if is_wider(wanted, found) {
        Some(format!("CAST({expression} AS {wanted})"))
    } else if is_wider(found, wanted) && INTEGERS.contains(found) {
        Some(format!("{NULL_IF_TOO_LARGE}{expression} AS {wanted})"))
    } else {
        None
    }
}

/// How an expression of [`cast`] begins that is null for values that the type cannot hold.
const NULL_IF_TOO_LARGE: &str = "TRY_CAST(";

/// The condition that an expression of [`cast`] is null in place of a value that is too large, so
/// that no row can be found by it. `None` for expressions that have all values, and `true` where it
/// is not known.
pub(crate) fn is_too_large(expression: &str) -> Option<String> {
    if !expression.contains(NULL_IF_TOO_LARGE) {
        return None;
    }
    let whole = expression.strip_prefix(NULL_IF_TOO_LARGE);
    let value = whole.and_then(|rest| rest.rsplit_once(" AS "));
    Some(match value {
        Some((value, _)) => format!("({value} IS NOT NULL AND {expression} IS NULL)"),
        None => "true".to_owned(),
    })
}

const INTEGERS: [TrinoType; 4] = [
    TrinoType::Tinyint,
    TrinoType::Smallint,
    TrinoType::Integer,
    TrinoType::Bigint,
];

/// Whether a type holds all values of another one of its kind.
fn is_wider(wider: &TrinoType, ty: &TrinoType) -> bool {
    use TrinoType::{
        Bigint, Decimal, Double, Integer, Real, Smallint, Timestamp, TimestampWithTimeZone,
        Tinyint, Varchar,
    };
    match (ty, wider) {
        (Tinyint, Smallint | Integer | Bigint)
        | (Smallint, Integer | Bigint)
        | (Integer, Bigint)
        | (Real, Double)
        | (Varchar(Some(_)), Varchar(None)) => true,
        (Varchar(Some(length)), Varchar(Some(wider))) => wider >= length,
        (
            Decimal { precision, scale },
            Decimal {
                precision: wider,
                scale: wider_scale,
            },
        ) => wider_scale >= scale && wider - wider_scale >= precision - scale,
        (Timestamp { precision }, Timestamp { precision: wider })
        | (TimestampWithTimeZone { precision }, TimestampWithTimeZone { precision: wider }) => {
            wider >= precision
        }
        _ => false,
    }
}

fn type_at<'a>(ty: &'a TrinoType, path: &[String]) -> Option<&'a TrinoType> {
    path.iter().try_fold(ty, |ty, name| match ty {
        TrinoType::Row(fields) => fields
            .iter()
            .find(|field| field.name.as_ref() == Some(name))
            .map(|field| &field.ty),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
