//! The failures of a query that a person can do something about.

/// What failed, as far as a person can do something about it; `crate::messages` words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum QueryFailure {
    /// Trino's access control refused something.
    Denied(Denied),
    /// The server does not know a session property, or does not accept its value.
    SessionProperty,
    /// There is no such catalog, which the statement names.
    UnknownCatalog,
    /// There is no such catalog, which the session names, for a property or a role.
    UnknownCatalogOfSession,
    /// There is no such schema.
    UnknownSchema,
    /// The resource group takes no more queries.
    QueueFull,
    /// A time limit was reached.
    TimeLimit(TimeLimit),
    /// A limit of CPU time or of bytes scanned was reached.
    CostLimit,
    /// The cluster has too little memory for it now.
    Memory,
    /// The cluster has too few workers now.
    NoWorkers,
    /// Nobody asked for the rows for too long.
    Abandoned,
    /// An administrator ended the query.
    Killed,
    /// The result cannot be written in the protocol that was asked for.
    Serialization,
    /// The text of the statement is too long.
    TextTooLong,
    /// The statement has too many parts.
    TooComplex,
    /// The catalog asks for a condition on a partition column.
    FilterRequired,
    /// The catalog lets no query read so many partitions.
    PartitionLimit,
    /// Documents of a search engine have several values where its mapping tells of one.
    UndeclaredArray,
    /// The database or storage behind a catalog refused its user.
    SourceDenied,
    /// The database behind a catalog did not accept the login.
    SourceLogin,
    /// The connector cannot pass a value on.
    Value,
    /// Trino asks for something that the database behind the catalog cannot do.
    SourceRefused,
    /// The table's own data or metadata are damaged.
    BrokenTable,
    /// The table's files are not where its metadata say.
    MissingFiles,
    /// Something behind the catalog failed, probably only for a while.
    Source,
    /// Anything else.
    Other,
}

/// What Trino's access control refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denied {
    /// To run a query as another user.
    Impersonation,
    /// To call this function.
    Function(String),
    /// To set a session property.
    SessionProperty,
    /// To use the catalog at all.
    Catalog,
    /// To read some of the columns.
    Columns,
    /// To run queries at all.
    Queries,
    /// To read the table.
    Table,
}

/// Which time limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeLimit {
    /// `query_max_queued_time`, or any other limit while the query was still waiting.
    Queued,
    /// `query_max_planning_time`.
    Planning,
    /// `query_max_execution_time`.
    Execution,
    /// `query_max_run_time`.
    Run,
}
