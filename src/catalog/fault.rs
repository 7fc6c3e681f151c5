//! Who is at fault for an error: the table that was asked about, or the server.
//!
//! One broken table must not make us lose the others, and an overloaded database must not make us
//! lose any table. Only the errors of Trino's own analysis of a statement are about the table for
//! sure. An error of a database, a metastore or a storage may be about either; `bisect` finds out
//! which.

use crate::error::ConnectorError;
use crate::protocol::message::FailureType;
use crate::trino::error::TrinoError;

/// Who is at fault for an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The table: a missing right, a wrong name, or the text of a view.
    Table,
    /// The server: its resources, the way to it, or somebody who ended the query.
    Server,
    /// Both are possible.
    Unclear,
}

/// Errors that Trino reports while it analyses a statement: they are about the tables in it.
const OF_THE_TABLE: &[&str] = &[
    "AMBIGUOUS_NAME",
    "COLUMN_NOT_FOUND",
    "COLUMN_TYPE_UNKNOWN",
    "EXPRESSION_NOT_AGGREGATE",
    "FUNCTION_NOT_FOUND",
    "INVALID_ARGUMENTS",
    "INVALID_CAST_ARGUMENT",
    "INVALID_COLUMN_MASK",
    "INVALID_COLUMN_REFERENCE",
    "INVALID_FUNCTION_ARGUMENT",
    "INVALID_ROW_FILTER",
    "INVALID_TABLE_FUNCTION_INVOCATION",
    "INVALID_VIEW",
    "MISMATCHED_COLUMN_ALIASES",
    "NOT_FOUND",
    "NOT_SUPPORTED",
    "PERMISSION_DENIED",
    "SYNTAX_ERROR",
    "TABLE_NOT_FOUND",
    "TYPE_MISMATCH",
    "TYPE_NOT_FOUND",
    "UNSUPPORTED_TABLE_TYPE",
    "VIEW_IS_RECURSIVE",
    "VIEW_IS_STALE",
];

/// Errors that say that a person ended the query.
const ENDED: &[&str] = &["ADMINISTRATIVELY_KILLED", "USER_CANCELED"];

/// Who is at fault for an error.
pub(crate) fn whose_fault(error: &TrinoError) -> Fault {
    let Some(query) = error.query_error().filter(|_| !ends_all(error)) else {
        return Fault::Server;
    };
    let name = query.error_name.as_str();
    if query.is_of_the_user() && OF_THE_TABLE.contains(&name) {
        Fault::Table
    } else if query.error_type == "INSUFFICIENT_RESOURCES" || ENDED.contains(&name) {
        Fault::Server
    } else {
        Fault::Unclear
    }
}

/// Whether any other question would meet the same error now: the server cannot be asked, or its
/// queue stayed full, or its workers stayed away, for as long as the client waits.
pub(crate) fn ends_all(error: &TrinoError) -> bool {
    error.query_error().is_none() || (error.is_transient_query() && !error.may_be_of_the_table())
}

/// The error of a question about metadata, for a person. It blames no table: such small statements
/// only reach limits of time or memory, or are killed, because of the server.
pub(crate) fn ended(error: TrinoError) -> ConnectorError {
    let is_of_the_server = whose_fault(&error) == Fault::Server;
    let is_of_a_query = error.query_error().is_some();
    let error = ConnectorError::from(error);
    if is_of_the_server && is_of_a_query {
        ConnectorError {
            failure_type: FailureType::Transient,
            ..error
        }
    } else {
        error
    }
}

/// Whether Trino says that there is no such table.
pub(crate) fn is_no_such_table(error: &TrinoError) -> bool {
    error.is_named(&["SCHEMA_NOT_FOUND", "TABLE_NOT_FOUND"])
}

/// What to do about a table that Trino lists and then does not find. Nothing for other errors.
pub(crate) fn cure_of_listed_table(error: &TrinoError) -> &'static str {
    if error.is_named(&["TABLE_NOT_FOUND"]) {
        " Trino lists it all the same: if its name has capital letters in the database, add \
         case-insensitive-name-matching=true to Trino's file of the catalog."
    } else {
        ""
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::trino::error::QueryError;

    /// An error of a query.
    pub(crate) fn error(name: &str, kind: &str) -> TrinoError {
        TrinoError::Query(Box::new(QueryError {
            message: "it is so".into(),
            error_name: name.into(),
            error_type: kind.into(),
            ..QueryError::default()
        }))
    }

    #[test]
    fn only_errors_of_the_analysis_are_of_the_table_for_sure() {
        for (name, kind, expected) in [
            ("PERMISSION_DENIED", "USER_ERROR", Fault::Table),
            ("VIEW_IS_STALE", "USER_ERROR", Fault::Table),
            ("USER_CANCELED", "USER_ERROR", Fault::Server),
            ("ADMINISTRATIVELY_KILLED", "USER_ERROR", Fault::Server),
            (
                "EXCEEDED_TIME_LIMIT",
                "INSUFFICIENT_RESOURCES",
                Fault::Server,
            ),
            ("QUERY_QUEUE_FULL", "INSUFFICIENT_RESOURCES", Fault::Server),
            ("NO_NODES_AVAILABLE", "INTERNAL_ERROR", Fault::Server),
            ("A_NEW_ERROR", "USER_ERROR", Fault::Unclear),
            ("GENERIC_INTERNAL_ERROR", "INTERNAL_ERROR", Fault::Unclear),
            ("JDBC_ERROR", "EXTERNAL", Fault::Unclear),
            ("ICEBERG_INVALID_METADATA", "EXTERNAL", Fault::Unclear),
        ] {
            assert_eq!(whose_fault(&error(name, kind)), expected, "{name}");
        }
        assert_eq!(whose_fault(&TrinoError::Starting), Fault::Server);
    }

    #[test]
    fn a_limit_that_ends_a_question_about_metadata_is_worth_another_try() {
        for name in ["EXCEEDED_TIME_LIMIT", "EXCEEDED_SCAN_LIMIT"] {
            let error = ended(error(name, "INSUFFICIENT_RESOURCES"));
            assert_eq!(error.failure_type, FailureType::Transient, "{name}");
        }
        let denied = ended(error("PERMISSION_DENIED", "USER_ERROR"));
        assert_eq!(denied.failure_type, FailureType::Config);
    }
}
