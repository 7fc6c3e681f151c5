//! What a scripted Trino knows of its own tables: `information_schema`, `SHOW …`, `EXPLAIN`, and
//! the SELECT of a table.

use serde_json::{Value, json};

use super::answer::{Answer, end, failed};
use super::{CATALOG, NO_ROWS, SCHEMA, Script, is_meant};

/// Schemas besides [`SCHEMA`]; they have no tables.
const OTHER_SCHEMAS: &[&str] = &["sales", "information_schema"];

const STATISTICS: &[(&str, &str)] = &[
    ("column_name", "varchar"),
    ("data_size", "double"),
    ("distinct_values_count", "double"),
    ("nulls_fraction", "double"),
    ("row_count", "double"),
    ("low_value", "varchar"),
    ("high_value", "varchar"),
];

impl Script {
    /// The answer to a statement: a scripted one, or what the tables say.
    pub(super) fn answer_to(&mut self, sql: &str) -> Answer {
        let scripted = self.answers.iter_mut().rev();
        for scripted in scripted.filter(|scripted| is_meant(sql, &scripted.part)) {
            let next = match scripted.answers.as_slice() {
                [last] if scripted.stays => Some(last.clone()),
                _ => scripted.answers.pop(),
            };
            if let Some(answer) = next {
                return answer;
            }
        }
        if sql == "SHOW CATALOGS" {
            return Answer::small(&[("Catalog", "varchar(8)")], json!([["system"], [CATALOG]]));
        }
        if sql.contains("system.metadata.catalogs") {
            return Answer::small(&[("connector_name", "varchar")], json!([["memory"]]));
        }
        if !sql.contains(&format!("\"{CATALOG}\".")) {
            let text = "line 1:15: Catalog 'x' not found";
            return Answer::new(&[], [failed("CATALOG_NOT_FOUND", "USER_ERROR", text)]);
        }
        if sql.contains("information_schema.schemata") {
            let schemas = OTHER_SCHEMAS.iter().chain([&SCHEMA]);
            let schemas = schemas.map(|schema| json!([schema])).collect();
            return Answer::small(&[("name", "varchar")], schemas);
        }
        let in_schema = sql.contains(&format!("table_schema = '{SCHEMA}'"));
        if sql.contains("table_type = 'VIEW'") {
            return Answer::new(&[("name", "varchar")], [end()]);
        }
        if sql.contains("information_schema.tables") {
            let tables = self.tables.iter().filter(|_| in_schema);
            let names = tables.map(|(name, _)| json!([name])).collect();
            return Answer::small(&[("table_name", "varchar")], names);
        }
        if sql.contains("information_schema.columns") {
            return self.columns(sql, in_schema);
        }
        if sql.starts_with("SHOW STATS") {
            let unknown = json!([[null, null, null, null, null, null, null]]);
            return Answer::small(STATISTICS, unknown);
        }
        let named = |name: &str| {
            let name = name.replace('"', "\"\"");
            sql.contains(&format!("\"{SCHEMA}\".\"{name}\""))
        };
        if let Some(name) = self.denied.iter().find(|name| named(name)) {
            let text = format!("Access Denied: Cannot select from table {SCHEMA}.{name}");
            return Answer::new(&[], [failed("PERMISSION_DENIED", "USER_ERROR", &text)]);
        }
        if sql.starts_with("EXPLAIN (TYPE VALIDATE)") {
            return Answer::small(&[("Valid", "boolean")], json!([[true]]));
        }
        let Some((_, table)) = self.tables.iter().find(|(name, _)| named(name)) else {
            let text = format!("line 1:15: no table is scripted for {sql}");
            return Answer::new(&[], [failed("TABLE_NOT_FOUND", "USER_ERROR", &text)]);
        };
        let list = sql.split(" FROM ").next().unwrap_or_default();
        let table = if sql.contains(NO_ROWS) {
            &table.without_rows()
        } else {
            table
        };
        table.projected(|column| list == "SELECT *" || list.contains(&format!("\"{column}\"")))
    }

    fn columns(&self, sql: &str, in_schema: bool) -> Answer {
        let wanted = |name: &str| {
            in_schema && (!sql.contains("table_name IN") || sql.contains(&format!("'{name}'")))
        };
        let mut all: Vec<Value> = Vec::new();
        for (name, table) in self.tables.iter().filter(|(name, _)| wanted(name)) {
            for (at, (column, kind)) in table.columns().enumerate() {
                all.push(json!([name, column, at + 1, kind]));
            }
        }
        let columns = [
            ("table_name", "varchar"),
            ("column_name", "varchar"),
            ("ordinal_position", "bigint"),
            ("data_type", "varchar"),
        ];
        if all.is_empty() {
            return Answer::new(&columns, [end()]);
        }
        Answer::small(&columns, Value::Array(all))
    }
}

/// The answer to SHOW STATS of a table of `count` rows whose column `column` has `size` bytes.
pub(crate) fn statistics(column: &str, size: f64, count: f64) -> Answer {
    Answer::small(
        STATISTICS,
        json!([
            [column, size, 2.0, 0.0, null, "1", "9"],
            [null, null, null, null, count, null, null]
        ]),
    )
}
