//! The error of a query, as Trino tells it, and which failure it is.

use std::fmt;

use serde::Deserialize;

use crate::protocol::message::FailureType;
use crate::trino::wire::query_failure::{Denied, QueryFailure, TimeLimit};

/// The `error` member of an answer. Only `message` is certain to be there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct QueryError {
    /// For a person, in Trino's words.
    #[serde(deserialize_with = "one_line")]
    pub(crate) message: String,
    /// For example `TABLE_NOT_FOUND`.
    pub(crate) error_name: String,
    /// `USER_ERROR`, `INTERNAL_ERROR`, `INSUFFICIENT_RESOURCES` or `EXTERNAL`.
    pub(crate) error_type: String,
    /// Line and column in the statement.
    pub(crate) error_location: Option<ErrorLocation>,
    /// What was thrown on the server.
    pub(crate) failure_info: Option<Box<Failure>>,
    /// The query's id; filled in by the client.
    #[serde(skip)]
    pub(crate) query_id: String,
    /// Whether the query was still waiting in a queue; filled in by the client.
    #[serde(skip)]
    pub(crate) was_queued: bool,
}

/// An exception on the server.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Failure {
    /// Its class, for example `java.io.FileNotFoundException`.
    #[serde(rename = "type")]
    class: String,
    cause: Option<Box<Failure>>,
}

/// Where in a statement an error is; both count from 1.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorLocation {
    /// Line.
    pub(crate) line_number: u32,
    /// Column.
    pub(crate) column_number: u32,
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}, query {})",
            self.message, self.error_name, self.query_id
        )
    }
}

/// Errors of the server itself that go away by waiting (names of `StandardErrorCode`). Errors of
/// type EXTERNAL count as such as well, except for the lasting ones.
const TRANSIENT: &[&str] = &[
    "ABANDONED_QUERY",
    "ABANDONED_TASK",
    "ADMINISTRATIVELY_PREEMPTED",
    "CATALOG_NOT_AVAILABLE",
    "CATALOG_UNAVAILABLE",
    "CLUSTER_OUT_OF_MEMORY",
    "EXCEEDED_GLOBAL_MEMORY_LIMIT",
    "EXCEEDED_LOCAL_MEMORY_LIMIT",
    "GENERIC_INSUFFICIENT_RESOURCES",
    "GENERIC_INTERNAL_ERROR",
    "NO_NODES_AVAILABLE",
    "PAGE_TRANSPORT_ERROR",
    "PAGE_TRANSPORT_TIMEOUT",
    "QUERY_QUEUE_FULL",
    "REMOTE_HOST_GONE",
    "REMOTE_TASK_ERROR",
    "REMOTE_TASK_FAILED",
    "REMOTE_TASK_MISMATCH",
    "SERVER_SHUTTING_DOWN",
    "SERVER_STARTING_UP",
    "TOO_MANY_REQUESTS_FAILED",
    "TRANSACTION_CONFLICT",
];

/// How the names of errors end that a broken table causes every time, whichever connector reads it.
const BROKEN_TABLE: &[&str] = &[
    "_BAD_DATA",
    "_INVALID_BUCKET_FILES",
    "_INVALID_METADATA",
    "_INVALID_PARTITION_VALUE",
    "_INVALID_SCHEMA",
    "_MISSING_METADATA",
    "_PARTITION_SCHEMA_MISMATCH",
    "_UNSUPPORTED_FORMAT",
];

/// What databases and storages say when they refuse a user, in lower case: PostgreSQL, SQL Server,
/// MySQL, Oracle, MongoDB and Kafka, Cassandra, S3.
const SOURCE_DENIED: &[&str] = &[
    "permission denied",
    "permission was denied",
    "command denied to user",
    "insufficient privilege",
    "ora-01031",
    "not authorized",
    "has no select permission",
    "access denied (service:",
    "accessdenied",
];

/// What databases say when they do not accept a login, in lower case.
const SOURCE_LOGIN: &[&str] = &[
    "password authentication failed",
    "access denied for user",
    "login failed for user",
    "ora-01017",
    "authentication failed",
    "no pg_hba.conf entry",
];

/// What drivers say about values that they cannot pass on, in lower case.
const VALUE: &[&str] = &[
    "exceeds max_int",
    "overflow",
    "bad value for type",
    "rounding necessary",
    "out of range",
    "cannot cast",
    "cannot be cast",
    "cannot convert",
    "could not convert",
    "conversion failed",
    "conversion error",
    "invalid input syntax",
    "invalid byte sequence",
    "zero date value prohibited",
    "cannot be decoded as",
    "invalid time value",
    "unparseable",
    "cannot parse",
    "could not parse",
    "unable to parse",
    "numberformatexception",
    "invalid value for",
];

impl QueryError {
    /// What failed.
    pub(crate) fn failure(&self) -> QueryFailure {
        let name = self.error_name.as_str();
        match name {
            "PERMISSION_DENIED" => QueryFailure::Denied(self.denied()),
            "INVALID_SESSION_PROPERTY" => QueryFailure::SessionProperty,
            // Trino tells the place of every name in a statement.
            "CATALOG_NOT_FOUND"
                if self.error_location.is_none() && !self.message.starts_with("line ") =>
            {
                QueryFailure::UnknownCatalogOfSession
            }
            "CATALOG_NOT_FOUND" => QueryFailure::UnknownCatalog,
            "SCHEMA_NOT_FOUND" => QueryFailure::UnknownSchema,
            "QUERY_QUEUE_FULL" => QueryFailure::QueueFull,
            "EXCEEDED_TIME_LIMIT" => QueryFailure::TimeLimit(self.time_limit()),
            "EXCEEDED_CPU_LIMIT" | "EXCEEDED_SCAN_LIMIT" => QueryFailure::CostLimit,
            "EXCEEDED_GLOBAL_MEMORY_LIMIT"
            | "EXCEEDED_LOCAL_MEMORY_LIMIT"
            | "CLUSTER_OUT_OF_MEMORY" => QueryFailure::Memory,
            "NO_NODES_AVAILABLE" => QueryFailure::NoWorkers,
            "GENERIC_INSUFFICIENT_RESOURCES" | "SERVER_STARTING_UP"
                if self.says_one(&["worker"]) =>
            {
                QueryFailure::NoWorkers
            }
            "ABANDONED_QUERY" => QueryFailure::Abandoned,
            "ADMINISTRATIVELY_KILLED" => QueryFailure::Killed,
            "SERIALIZATION_ERROR" => QueryFailure::Serialization,
            "QUERY_TEXT_TOO_LARGE" => QueryFailure::TextTooLong,
            "STACK_OVERFLOW" | "QUERY_HAS_TOO_MANY_STAGES" => QueryFailure::TooComplex,
            "QUERY_REJECTED" if self.says_one(&["filter required"]) => QueryFailure::FilterRequired,
            "HIVE_EXCEEDED_PARTITION_LIMIT" => QueryFailure::PartitionLimit,
            "TYPE_MISMATCH" if self.says_one(&["value for field"]) => QueryFailure::UndeclaredArray,
            "HIVE_FILE_NOT_FOUND" => QueryFailure::MissingFiles,
            "DECODER_CONVERSION_NOT_SUPPORTED" => QueryFailure::Value,
            // MongoDB's decimals have digits of their own in each value.
            "GENERIC_INTERNAL_ERROR" if self.says_one(&["rounding necessary"]) => {
                QueryFailure::Value
            }
            _ if BROKEN_TABLE.iter().any(|end| name.ends_with(end)) => QueryFailure::BrokenTable,
            _ if self.error_type == "EXTERNAL" => self.source_failure(),
            _ => QueryFailure::Other,
        }
    }

    /// What failed behind a catalog, found out from the words of the database or storage.
    fn source_failure(&self) -> QueryFailure {
        if self.says_one(SOURCE_LOGIN) {
            QueryFailure::SourceLogin
        } else if self.says_one(SOURCE_DENIED) {
            QueryFailure::SourceDenied
        } else if self.is_missing_file() {
            QueryFailure::Source
        } else if self.says_one(&["function ", "operator "]) && self.says_one(&["does not exist"]) {
            QueryFailure::SourceRefused
        } else if self.says_one(VALUE) {
            QueryFailure::Value
        } else {
            QueryFailure::Source
        }
    }

    /// Whether the message contains one of these texts, which are in lower case.
    fn says_one(&self, texts: &[&str]) -> bool {
        let message = self.message.to_lowercase();
        texts.iter().any(|text| message.contains(text))
    }

    fn denied(&self) -> Denied {
        let message = self.message.as_str();
        if self.is_impersonation() {
            return Denied::Impersonation;
        }
        let Some((_, refused)) = message.split_once("Cannot ") else {
            return Denied::Table;
        };
        if let Some((kind, function)) = refused.split_once("function ")
            && kind.starts_with("execute ")
        {
            let name = function.split([':', ' ']).next().unwrap_or(function);
            return Denied::Function(name.trim_end_matches('.').to_owned());
        }
        if refused.starts_with("set ") && refused.contains("session property") {
            Denied::SessionProperty
        } else if refused.starts_with("access catalog") {
            Denied::Catalog
        } else if refused.starts_with("select from columns") {
            Denied::Columns
        } else if refused.starts_with("execute query") {
            Denied::Queries
        } else {
            Denied::Table
        }
    }

    fn time_limit(&self) -> TimeLimit {
        let limits = [
            ("queue", TimeLimit::Queued),
            ("planning", TimeLimit::Planning),
            ("execution", TimeLimit::Execution),
        ];
        // A limit on the whole run may be over before the query leaves the queue; the others say
        // themselves what took so long.
        let otherwise = if self.was_queued {
            TimeLimit::Queued
        } else {
            TimeLimit::Run
        };
        let named = limits.iter().find(|(word, _)| self.says_one(&[word]));
        named.map_or(otherwise, |(_, limit)| *limit)
    }

    /// Whether the same query fails every time, because of the data that it reads.
    pub(crate) fn is_lasting(&self) -> bool {
        matches!(
            self.failure(),
            QueryFailure::SourceDenied
                | QueryFailure::SourceLogin
                | QueryFailure::Value
                | QueryFailure::SourceRefused
                | QueryFailure::BrokenTable
        )
    }

    /// Whether the same query may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        let name = self.error_name.as_str();
        !self.is_lasting() && (self.error_type == "EXTERNAL" || TRANSIENT.contains(&name))
    }

    /// Whether the statement is at fault, and not the server.
    pub(crate) fn is_of_the_user(&self) -> bool {
        self.error_type == "USER_ERROR"
    }

    /// Whether a file of a table does not exist any more.
    pub(crate) fn is_missing_file(&self) -> bool {
        let first = self.failure_info.as_deref();
        let mut causes = std::iter::successors(first, |failure| failure.cause.as_deref());
        causes.any(|failure| {
            [
                "FileNotFoundException",
                "NoSuchFileException",
                "NoSuchKeyException",
            ]
            .iter()
            .any(|class| failure.class.ends_with(class))
        })
    }

    /// Whether the proven user may not run queries as the session's user.
    pub(crate) fn is_impersonation(&self) -> bool {
        self.error_name == "PERMISSION_DENIED" && self.message.contains("cannot impersonate")
    }

    /// Who can do something about it. This decides whether the platform tries again.
    pub(crate) fn failure_type(&self) -> FailureType {
        // It is worth another run within this read. But it is also the code of bugs, and the
        // platform would retry a transient error for ever.
        if self.error_name == "GENERIC_INTERNAL_ERROR" {
            return FailureType::System;
        }
        match self.failure() {
            // A file may come back while a query is run again, but after that a missing location
            // stays missing.
            QueryFailure::MissingFiles => FailureType::Config,
            _ if self.is_lasting() => FailureType::Config,
            // If a person has cancelled the query, nothing is wrong with the configuration.
            _ if self.is_transient() || self.error_name == "USER_CANCELED" => {
                FailureType::Transient
            }
            QueryFailure::Other if !self.is_of_the_user() => FailureType::System,
            _ => FailureType::Config,
        }
    }
}

/// A text of the server on one line, without control characters.
fn one_line<'de, D: serde::Deserializer<'de>>(text: D) -> Result<String, D::Error> {
    let text = Option::<String>::deserialize(text)?.unwrap_or_default();
    Ok(crate::secrets::one_line(&text))
}

#[cfg(test)]
mod tests;
