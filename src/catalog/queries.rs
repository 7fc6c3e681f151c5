//! The queries of the configuration → streams.
//!
//! The server is asked for the columns of `SELECT * FROM (query) WHERE false`: it plans the query
//! and reads nothing. Between these brackets SQL allows only a query, so the server's parser
//! refuses any statement that would change something.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::fault::{self, Fault};
use super::patience::patiently;
use crate::config::QueryStream;
use crate::error::ConnectorError;
use crate::protocol::catalog::{AirbyteStream, SyncMode};
use crate::protocol::message::FailureType;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::control;
use crate::trino::error::{QueryError, TrinoError};
use crate::types::{TrinoType, column_type, json_schema, record_schema};

/// How many lines come before the query in the statement that the server gets.
const LINES_BEFORE: u32 = 1;

/// Why the columns of a query are not known.
pub(crate) enum NoColumns {
    /// The query itself cannot be read.
    OfTheQuery(ConnectorError),
    /// Trino could not be asked.
    Unanswered(ConnectorError),
}

impl From<NoColumns> for ConnectorError {
    fn from(reason: NoColumns) -> Self {
        match reason {
            NoColumns::OfTheQuery(error) | NoColumns::Unanswered(error) => error,
        }
    }
}

/// The columns of a query.
///
/// # Errors
///
/// When the server does not accept the query (the error has line and column), when two columns
/// have the same name, or when Trino cannot be asked.
pub(crate) async fn columns(
    client: &Client,
    query: &QueryStream,
) -> Result<Vec<(String, TrinoType)>, NoColumns> {
    let sql = metadata::columns_of_query(&query.sql);
    let columns = patiently(|| control::columns(client, &sql))
        .await
        .map_err(|error| why_unknown(query, error))?;
    let columns: Vec<(String, TrinoType)> = columns
        .into_iter()
        .map(|column| {
            let ty = column_type(&column.type_text, column.type_signature.as_deref());
            (column.name, ty)
        })
        .collect();
    let mut seen = HashSet::new();
    let mut names = columns.iter().map(|(name, _)| name);
    if let Some(name) = names.find(|name| !seen.insert(name.to_lowercase())) {
        return Err(NoColumns::OfTheQuery(ConnectorError::config(format!(
            "The query \"{}\" has two columns named \"{name}\". Give each its own name with AS in ‹queries›.",
            query.name
        ))));
    }
    all_have_names(client, query, &columns).await?;
    Ok(columns)
}

/// Makes sure that all columns of a query can be selected by their names. Trino shows a column
/// without a name as `_col0` (counted from 0), but it cannot be selected by that name.
async fn all_have_names(
    client: &Client,
    query: &QueryStream,
    columns: &[(String, TrinoType)],
) -> Result<(), NoColumns> {
    let numbered = columns.iter().enumerate();
    for (at, (name, _)) in numbered.filter(|(at, (name, _))| *name == format!("_col{at}")) {
        let sql = metadata::named_column(&query.sql, name);
        match patiently(|| control::columns(client, &sql)).await {
            Ok(_) => {}
            Err(error) if error.is_named(&["COLUMN_NOT_FOUND"]) => {
                return Err(NoColumns::OfTheQuery(ConnectorError::config(format!(
                    "Column {} of the query \"{}\" has no name. Give it one with AS in ‹queries›.",
                    at + 1,
                    query.name
                ))));
            }
            Err(error) => return Err(why_unknown(query, error)),
        }
    }
    Ok(())
}

/// An error of a request, such as a refused password, says nothing about the query.
fn why_unknown(query: &QueryStream, error: TrinoError) -> NoColumns {
    let is_of_a_query = error.query_error().is_some();
    let error = explain(query, error);
    if is_of_a_query && error.failure_type == FailureType::Config {
        NoColumns::OfTheQuery(error)
    } else {
        NoColumns::Unanswered(error)
    }
}

/// The server's error, with line and column counted in the configured query.
fn explain(query: &QueryStream, error: TrinoError) -> ConnectorError {
    let is_of_the_query = fault::whose_fault(&error) != Fault::Server
        && error.query_error().is_some_and(QueryError::is_of_the_user);
    let mut cause = match error {
        TrinoError::Query(cause) if is_of_the_query => cause,
        error => {
            let error = fault::ended(error);
            let message = format!("The query \"{}\": {}", query.name, error.message);
            return ConnectorError { message, ..error };
        }
    };
    let place = cause
        .error_location
        .take()
        .map_or_else(String::new, |place| {
            let line = place.line_number.saturating_sub(LINES_BEFORE).max(1);
            format!(" at line {line}, column {}", place.column_number)
        });
    // The message repeats line and column as the server counts them.
    let message = cause
        .message
        .split_once(": ")
        .filter(|(place, _)| place.starts_with("line "));
    let message = message.map_or(cause.message.as_str(), |(_, message)| message);
    let message = if query.defines_functions() {
        // Trino would say that it did not expect FUNCTION, which is true only for subqueries.
        format!(
            "The query \"{}\" is not accepted: it begins with WITH FUNCTION, and a query must be usable as a subquery. Make the function with CREATE FUNCTION, or write out what it does. Check ‹queries›.",
            query.name
        )
    } else {
        format!(
            "The query \"{}\" is not accepted{place}: {} ({}). Check ‹queries›: only SELECT, WITH, VALUES and TABLE are queries.",
            query.name,
            message.trim_end_matches('.'),
            cause.error_name
        )
    };
    let error = ConnectorError::from(TrinoError::Query(cause));
    ConnectorError { message, ..error }
}

/// Describes a query as a stream. Columns of the key and the cursor must be among its columns.
///
/// # Errors
///
/// When one of them is missing, or has a type that cannot be a cursor.
pub(crate) fn describe(
    query: &QueryStream,
    columns: &[(String, TrinoType)],
) -> Result<AirbyteStream, ConnectorError> {
    let has = |wanted: &str| columns.iter().find(|(name, _)| name == wanted);
    let missing = |role: &str, name: &str| {
        ConnectorError::config(format!(
            "The query \"{}\" has no column \"{name}\" for its {role}. Check ‹queries›.",
            query.name
        ))
    };
    if let Some(name) = query.primary_key.iter().find(|name| has(name).is_none()) {
        return Err(missing("primary_key", name));
    }
    if let Some(name) = &query.cursor {
        let (_, ty) = has(name).ok_or_else(|| missing("cursor", name))?;
        if !ty.is_cursor() {
            return Err(ConnectorError::config(format!(
                "The cursor \"{name}\" of the query \"{}\" is of type {ty}, whose values have no fixed order. Check ‹queries›.",
                query.name
            )));
        }
    }
    let properties: Map<String, Value> = columns
        .iter()
        .map(|(name, ty)| (name.clone(), json_schema(ty)))
        .collect();
    let can_be_incremental = columns.iter().any(|(_, ty)| ty.is_cursor());
    Ok(AirbyteStream {
        name: query.name.clone(),
        namespace: None,
        json_schema: record_schema(properties),
        supported_sync_modes: SyncMode::supported(can_be_incremental),
        source_defined_cursor: false,
        default_cursor_field: query.cursor.clone().map(|name| vec![name]),
        source_defined_primary_key: query
            .primary_key
            .iter()
            .map(|name| vec![name.clone()])
            .collect(),
        is_resumable: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trino::wire::query_error::ErrorLocation;

    fn query(key: &[&str], cursor: Option<&str>) -> QueryStream {
        QueryStream {
            name: "q".into(),
            sql: "SELECT 1 AS id".into(),
            primary_key: key.iter().map(|name| (*name).to_owned()).collect(),
            cursor: cursor.map(str::to_owned),
        }
    }

    fn columns() -> Vec<(String, TrinoType)> {
        vec![
            ("id".into(), TrinoType::Bigint),
            ("ok".into(), TrinoType::Boolean),
        ]
    }

    #[test]
    fn key_and_cursor_are_columns_of_the_query() {
        let stream = describe(&query(&["id"], Some("id")), &columns()).unwrap();
        assert_eq!(stream.default_cursor_field, Some(vec!["id".to_owned()]));
        assert_eq!(stream.source_defined_primary_key, [["id"]]);
        for wrong in [
            query(&["x"], None),
            query(&[], Some("x")),
            query(&[], Some("ok")),
        ] {
            let error = describe(&wrong, &columns()).unwrap_err();
            assert!(error.message.contains("Check ‹queries›"), "{error}");
        }
    }

    #[test]
    fn the_place_of_an_error_is_that_in_the_query() {
        let error = QueryError {
            message: "line 3:8: Column 'x' cannot be resolved".into(),
            error_name: "COLUMN_NOT_FOUND".into(),
            error_type: "USER_ERROR".into(),
            error_location: Some(ErrorLocation {
                line_number: 3,
                column_number: 8,
            }),
            query_id: "1".into(),
            ..QueryError::default()
        };
        let error = explain(&query(&[], None), TrinoError::Query(Box::new(error)));
        assert!(
            error.message.starts_with(
                "The query \"q\" is not accepted at line 2, column 8: Column 'x' cannot be resolved (COLUMN_NOT_FOUND)."
            ),
            "{error}"
        );
    }
}
