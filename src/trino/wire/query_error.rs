//! The error of a query, as Trino tells it, and what a person can do about it.

use std::fmt;

use serde::Deserialize;

use crate::protocol::message::FailureType;

/// The `error` member of an answer. Only `message` is certain to be there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct QueryError {
    /// For a person, in Trino's words.
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

/// Errors of the server's own making that go away by themselves (trino-facts 1.5; names of
/// `StandardErrorCode`). All of type EXTERNAL are taken as such, too.
const TRANSIENT: &[&str] = &[
    "ABANDONED_QUERY",
    "ABANDONED_TASK",
    "ADMINISTRATIVELY_PREEMPTED",
    "CATALOG_NOT_AVAILABLE",
    "CATALOG_UNAVAILABLE",
    "CLUSTER_OUT_OF_MEMORY",
    "EXCEEDED_GLOBAL_MEMORY_LIMIT",
    "EXCEEDED_LOCAL_MEMORY_LIMIT",
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

impl QueryError {
    /// Whether the same query may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        self.error_type == "EXTERNAL" || TRANSIENT.contains(&self.error_name.as_str())
    }

    /// Whether the statement is at fault, and not the server.
    pub(crate) fn is_of_the_user(&self) -> bool {
        self.error_type == "USER_ERROR"
    }

    /// Whether a file that belongs to a table is not there any more.
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

    /// Whether the user that is proven may not be the one that the query is for.
    pub(crate) fn is_impersonation(&self) -> bool {
        self.error_name == "PERMISSION_DENIED" && self.message.contains("cannot impersonate")
    }

    /// What a person can do, for the errors where that is known.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        Some(match self.error_name.as_str() {
            "PERMISSION_DENIED" if self.is_impersonation() => {
                "The first is whom \"authentication\" proves, the second is \"session_user\" or else \
                 \"username\": correct that, or have Trino allow the impersonation."
            }
            "PERMISSION_DENIED" => {
                "Grant the user of \"username\" SELECT on it, or deselect the stream."
            }
            "INVALID_SESSION_PROPERTY" => "Correct or remove it in \"session_properties\".",
            "CATALOG_NOT_FOUND" => "Check \"catalog\".",
            "SCHEMA_NOT_FOUND" => "Check \"schema\" and \"schemas\".",
            "QUERY_QUEUE_FULL" => {
                "The cluster's resource group accepts no more queries now. Try later, lower \
                 \"concurrency\", or ask for a resource group with \"client_tags\" or \"source\"."
            }
            "EXCEEDED_TIME_LIMIT" if self.was_queued => {
                "It waited in the queue of the cluster's resource group all that time. Lower \
                 \"concurrency\", ask for another resource group with \"client_tags\" or \"source\", or \
                 run the sync at a quieter time."
            }
            "EXCEEDED_TIME_LIMIT" => {
                "Raise query_max_run_time or query_max_execution_time in \"session_properties\", \
                 or ask the administrator to."
            }
            "EXCEEDED_CPU_LIMIT" | "EXCEEDED_SCAN_LIMIT" => {
                "The cluster's administrator has set this limit; read fewer columns or ask for a \
                 higher one."
            }
            "EXCEEDED_GLOBAL_MEMORY_LIMIT"
            | "EXCEEDED_LOCAL_MEMORY_LIMIT"
            | "CLUSTER_OUT_OF_MEMORY" => "Lower \"concurrency\" or run the sync at a quieter time.",
            "ABANDONED_QUERY" => {
                "Trino gave the query up because nobody asked for its rows for too long: the \
                 destination was too slow."
            }
            "SERIALIZATION_ERROR" => "If it was spooled, set \"fetch_protocol\" to \"direct\".",
            "ADMINISTRATIVELY_KILLED" => "An administrator of Trino ended the query.",
            _ => return None,
        })
    }

    pub(crate) fn failure_type(&self) -> FailureType {
        // Worth another run within this read, but also the code of plain bugs: a platform that
        // took it for transient would try for ever.
        if self.error_name == "GENERIC_INTERNAL_ERROR" {
            return FailureType::System;
        }
        // A user's cancellation is a person's act outside of this connection's configuration.
        if self.is_transient() || self.error_name == "USER_CANCELED" {
            FailureType::Transient
        } else if self.is_of_the_user() || self.advice().is_some() {
            FailureType::Config
        } else {
            FailureType::System
        }
    }
}
