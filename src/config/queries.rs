//! `queries`: SQL statements that are streams.

use std::collections::HashSet;

use super::fields::Fields;

/// A SQL statement that is a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryStream {
    /// The stream's name.
    pub(crate) name: String,
    /// A query of Trino, without a semicolon at its end.
    pub(crate) sql: String,
    /// Key columns; none if the rows have no key.
    pub(crate) primary_key: Vec<String>,
    /// The column that tells new rows, if there is one.
    pub(crate) cursor: Option<String>,
}

pub(super) fn read(fields: &mut Fields<'_>) -> Vec<QueryStream> {
    let queries = fields.objects("queries", |fields| QueryStream {
        name: fields.required_text(
            "name",
            "the name of the stream, for example \"orders_by_day\"",
        ),
        sql: fields
            .required_text(
                "sql",
                "a query, for example \"SELECT id, name FROM a JOIN b ON …\"",
            )
            .trim_end_matches([';', ' ', '\n', '\r', '\t'])
            .to_owned(),
        primary_key: fields.texts("primary_key"),
        cursor: fields.text("cursor"),
    });
    let mut names = HashSet::new();
    for query in &queries {
        if !query.name.is_empty() && !names.insert(query.name.clone()) {
            let text = format!("two queries have the name \"{}\"", query.name);
            fields.problem("queries", &text);
        }
    }
    queries
}
