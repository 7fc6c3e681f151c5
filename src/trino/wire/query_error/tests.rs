use super::*;

fn error(name: &str, kind: &str, message: &str) -> QueryError {
    let answer = serde_json::json!({"message": message, "errorName": name, "errorType": kind});
    serde_json::from_value(answer).unwrap()
}

#[test]
fn errors_that_a_table_gives_every_time_are_not_taken_for_passing() {
    let lasting = [
        ("JDBC_ERROR", "ERROR: permission denied for table closed"),
        (
            "JDBC_ERROR",
            "The SELECT permission was denied on the object 't'",
        ),
        (
            "JDBC_ERROR",
            "SELECT command denied to user 'u'@'h' for table 't'",
        ),
        (
            "JDBC_ERROR",
            "FATAL: password authentication failed for user \"u\"",
        ),
        (
            "JDBC_ERROR",
            "Value 365241780471 exceeds MAX_INT for type date",
        ),
        ("JDBC_ERROR", "Millis overflow: 9223372036825200000"),
        ("JDBC_ERROR", "Bad value for type BigDecimal : NaN"),
        ("JDBC_ERROR", "Rounding necessary"),
        ("JDBC_ERROR", "Cannot cast to boolean: \"101\""),
        (
            "JDBC_ERROR",
            "ERROR: time zone displacement out of range: \"x\"",
        ),
        ("JDBC_ERROR", "ERROR: function min(uuid) does not exist"),
        ("ICEBERG_BAD_DATA", "Error opening Iceberg split"),
        ("HIVE_BAD_DATA", "Malformed Parquet file"),
        ("HIVE_PARTITION_SCHEMA_MISMATCH", "There is a mismatch"),
        ("HIVE_INVALID_METADATA", "unknown serde"),
        ("ICEBERG_MISSING_METADATA", "Metadata not found"),
        ("DELTA_LAKE_INVALID_SCHEMA", "Metadata not found"),
        ("DECODER_CONVERSION_NOT_SUPPORTED", "cannot decode"),
        (
            "HIVE_CANNOT_OPEN_SPLIT",
            "Access Denied (Service: S3, Status Code: 403)",
        ),
    ];
    for (name, message) in lasting {
        let error = error(name, "EXTERNAL", message);
        assert!(!error.is_transient(), "{message}");
        assert_eq!(error.failure_type(), FailureType::Config, "{message}");
    }
    let passing = [
        ("JDBC_ERROR", "Connection to db:5432 refused"),
        ("JDBC_ERROR", "FATAL: sorry, too many clients already"),
        ("HIVE_METASTORE_ERROR", "Read timed out"),
        ("ICEBERG_CATALOG_ERROR", "Failed to load table"),
        ("HIVE_FILESYSTEM_ERROR", "Connection reset"),
    ];
    for (name, message) in passing {
        let error = error(name, "EXTERNAL", message);
        assert!(error.is_transient(), "{message}");
        assert_eq!(error.failure_type(), FailureType::Transient, "{message}");
    }
}

#[test]
fn a_missing_location_is_tried_again_and_then_somebodys_to_mend() {
    let gone = error(
        "HIVE_FILE_NOT_FOUND",
        "EXTERNAL",
        "Partition location does not exist",
    );
    assert!(gone.is_transient());
    assert_eq!(gone.failure_type(), FailureType::Config);
}

#[test]
fn what_is_denied_is_told_apart() {
    let denied = |what: &str| {
        let text = format!("Access Denied: {what}");
        error("PERMISSION_DENIED", "USER_ERROR", &text).denied()
    };
    let cases = [
        ("Cannot select from table s.t", Denied::Table),
        ("Cannot show columns of table s.t", Denied::Table),
        (
            "Cannot select from columns [a, b] in table or view s.t",
            Denied::Columns,
        ),
        ("Cannot access catalog hive", Denied::Catalog),
        (
            "Cannot set system session property x",
            Denied::SessionProperty,
        ),
        (
            "Cannot set catalog session property hive.x",
            Denied::SessionProperty,
        ),
        ("Cannot execute query", Denied::Queries),
        ("User a cannot impersonate user b", Denied::Impersonation),
        (
            "Cannot execute function lake.system.table_changes",
            Denied::Function("lake.system.table_changes".into()),
        ),
        (
            "Cannot execute table function lake.system.table_changes: no",
            Denied::Function("lake.system.table_changes".into()),
        ),
    ];
    for (what, expected) in cases {
        assert_eq!(denied(what), expected, "{what}");
    }
}

#[test]
fn the_time_limit_that_was_reached_is_known() {
    let limit =
        |text: &str| error("EXCEEDED_TIME_LIMIT", "INSUFFICIENT_RESOURCES", text).time_limit();
    for (text, expected) in [
        (
            "Query exceeded the maximum planning time limit of 1.00s",
            TimeLimit::Planning,
        ),
        (
            "Query exceeded the maximum execution time limit of 1.00s",
            TimeLimit::Execution,
        ),
        (
            "Query exceeded the maximum queued time limit of 1.00s",
            TimeLimit::Queued,
        ),
        ("Query exceeded maximum time limit of 1.00s", TimeLimit::Run),
    ] {
        assert_eq!(limit(text), expected, "{text}");
    }
}

#[test]
fn missing_workers_pass() {
    let text = "Insufficient active worker nodes. Waited 3.00s for at least 5 workers, but only 1 workers are active";
    let error = error(
        "GENERIC_INSUFFICIENT_RESOURCES",
        "INSUFFICIENT_RESOURCES",
        text,
    );
    assert_eq!(error.failure(), QueryFailure::NoWorkers);
    assert!(error.is_transient());
    assert_eq!(error.failure_type(), FailureType::Transient);
}

#[test]
fn the_servers_text_has_no_control_characters() {
    let error = error("X", "EXTERNAL", "a\u{0}b\nc\u{1b}[31m");
    assert_eq!(error.message, "a\u{fffd}b c\u{fffd}[31m");
}
