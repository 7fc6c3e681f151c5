use super::*;
use crate::protocol::message::FailureType;
use crate::titles::shown;
use crate::trino::error::{CertificateProblem, FailedStep, QueryError, TransportProblem};

fn query_with(name: &str, kind: &str, text: &str) -> TrinoError {
    TrinoError::Query(Box::new(QueryError {
        message: text.into(),
        error_name: name.into(),
        error_type: kind.into(),
        query_id: "q1".into(),
        ..QueryError::default()
    }))
}

fn query(name: &str, kind: &str) -> TrinoError {
    query_with(name, kind, "line 1:1: it is so.")
}

fn status(status: u16, text: &str, is_page: bool) -> TrinoError {
    TrinoError::Status {
        status,
        text: text.into(),
        is_page,
        retry_after: None,
    }
}

fn said(error: TrinoError) -> String {
    ConnectorError::from(error).message
}

#[test]
fn failures_are_sorted_by_who_can_do_something() {
    let cases = [
        (query("TABLE_NOT_FOUND", "USER_ERROR"), FailureType::Config),
        (
            query("PERMISSION_DENIED", "USER_ERROR"),
            FailureType::Config,
        ),
        (query("USER_CANCELED", "USER_ERROR"), FailureType::Transient),
        (
            query("QUERY_QUEUE_FULL", "INSUFFICIENT_RESOURCES"),
            FailureType::Transient,
        ),
        (query("JDBC_ERROR", "EXTERNAL"), FailureType::Transient),
        (query("ICEBERG_BAD_DATA", "EXTERNAL"), FailureType::Config),
        (
            query("COMPILER_ERROR", "INTERNAL_ERROR"),
            FailureType::System,
        ),
        (TrinoError::Starting, FailureType::Transient),
        (TrinoError::BrowserLogin, FailureType::Config),
        (status(431, "", false), FailureType::Config),
        (TrinoError::Protocol("x".into()), FailureType::System),
    ];
    for (error, expected) in cases {
        let text = error.to_string();
        assert_eq!(ConnectorError::from(error).failure_type, expected, "{text}");
    }
}

#[test]
fn messages_name_the_setting_to_change() {
    let error = ConnectorError::from(query("PERMISSION_DENIED", "USER_ERROR"));
    assert_eq!(
        error.message,
        "Trino: line 1:1: it is so (PERMISSION_DENIED). Grant the user of ‹username› SELECT on it, or deselect the stream."
    );
    assert_eq!(
        error.detail.unwrap(),
        "query q1 failed with PERMISSION_DENIED (USER_ERROR)"
    );
}

#[test]
fn each_refusal_has_its_own_advice() {
    let cases = [
        ("Cannot select from table t", "SELECT on it"),
        (
            "Cannot select from columns [a] in table or view t",
            "SELECT on these columns",
        ),
        ("Cannot access catalog c", "Check ‹catalog›"),
        (
            "Cannot set system session property x",
            "‹session_properties›",
        ),
        (
            "Cannot execute function lake.system.table_changes",
            "EXECUTE on the function lake.system.table_changes",
        ),
    ];
    for (refused, advice) in cases {
        let text = format!("Access Denied: {refused}");
        let message = said(query_with("PERMISSION_DENIED", "USER_ERROR", &text));
        assert!(message.contains(advice), "{message}");
        let selects = message.contains("SELECT on it, or deselect");
        assert_eq!(selects, advice == "SELECT on it", "{message}");
    }
}

#[test]
fn a_missing_catalog_of_the_session_is_not_taken_for_the_configured_one() {
    let missing = |text| said(query_with("CATALOG_NOT_FOUND", "USER_ERROR", text));
    let of_session = missing("Catalog 'nosuch' not found");
    assert!(
        of_session.contains("‹session_properties›") && !of_session.contains("‹catalog›"),
        "{of_session}"
    );
    let of_statement = missing("line 1:15: Catalog 'nosuch' not found");
    assert!(of_statement.contains("‹catalog›"), "{of_statement}");
}

#[test]
fn errors_of_a_source_say_that_columns_can_be_cast_in_queries() {
    for text in [
        "ERROR: permission denied for table closed",
        "Bad value for type BigDecimal : NaN",
        "the connection was reset",
    ] {
        let message = said(query_with("JDBC_ERROR", "EXTERNAL", text));
        assert!(
            message.contains(text) && message.contains("‹queries›"),
            "{message}"
        );
    }
}

#[test]
fn statuses_name_who_refused_and_what_to_change() {
    let cases = [
        (
            status(403, "", false),
            "Trino refused access (HTTP 403). Check ‹username›",
        ),
        (
            status(403, "Forbidden", true),
            "Something in front of Trino refused access (HTTP 403: Forbidden)",
        ),
        (status(431, "", false), "‹session_properties›"),
        (TrinoError::BrowserLogin, "‹oauth2_client_credentials›"),
    ];
    for (error, expected) in cases {
        let message = said(error);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn certificates_without_names_and_of_the_first_version_are_told_as_such() {
    let refused = |problem| {
        said(TrinoError::Transport {
            problem: Box::new(TransportProblem {
                server: "https://h:1".into(),
                step: FailedStep::Certificate(problem),
                cause: "x".into(),
            }),
            sent: false,
        })
    };
    let text = refused(CertificateProblem::NoNames);
    assert!(text.contains("no subject alternative name"), "{text}");
    let text = refused(CertificateProblem::FirstVersion);
    assert!(text.contains("X.509 version 1"), "{text}");
}

#[test]
fn a_lost_server_is_told_with_its_last_failure() {
    let error = TrinoError::Lost {
        after: std::time::Duration::from_secs(121),
        cause: std::sync::Arc::new(status(503, "no backend", true)),
    };
    let error = ConnectorError::from(error);
    assert_eq!(error.failure_type, FailureType::Transient);
    assert!(
        error
            .message
            .starts_with("Trino did not answer for 2 minutes")
    );
    assert!(error.message.contains("HTTP status 503: no backend"));
}

/// One error for each line of the table "Messages of a read".
fn documented_errors() -> Vec<ConnectorError> {
    let transport = |step| TrinoError::Transport {
        problem: Box::new(TransportProblem {
            server: "https://h:1".into(),
            step,
            cause: "x".into(),
        }),
        sent: false,
    };
    let denied = |what: &str| {
        query_with(
            "PERMISSION_DENIED",
            "USER_ERROR",
            &format!("Access Denied: {what}"),
        )
    };
    let external = |name: &str, text: &str| query_with(name, "EXTERNAL", text);
    let segment = TrinoError::Segment {
        place: "https://h".into(),
        cause: Box::new(TrinoError::PlainRedirect {
            target: "http://s".into(),
        }),
    };
    let errors = vec![
        transport(FailedStep::ResolveLater),
        status(403, "Forbidden", true),
        TrinoError::BrowserLogin,
        status(431, "", false),
        denied("Cannot set system session property x"),
        denied("Cannot execute function c.system.f"),
        denied("Cannot select from columns [a] in table t"),
        external("JDBC_ERROR", "permission denied for table t"),
        external("JDBC_ERROR", "password authentication failed for user u"),
        external("JDBC_ERROR", "Rounding necessary"),
        external("HIVE_BAD_DATA", "x"),
        external("HIVE_FILE_NOT_FOUND", "x"),
        query_with(
            "QUERY_REJECTED",
            "USER_ERROR",
            "Filter required on t for day",
        ),
        query_with(
            "HIVE_EXCEEDED_PARTITION_LIMIT",
            "USER_ERROR",
            "Query over table 't' can potentially read more than 100 partitions",
        ),
        query_with(
            "TYPE_MISMATCH",
            "USER_ERROR",
            "Expected a string or numeric value for field 'list' of type VARCHAR: [a, b] [ArrayList]",
        ),
        query_with("NO_NODES_AVAILABLE", "INSUFFICIENT_RESOURCES", "x"),
        TrinoError::Lost {
            after: std::time::Duration::from_mins(2),
            cause: std::sync::Arc::new(TrinoError::Starting),
        },
        segment,
        TrinoError::TooLarge {
            server: "http://h:1".into(),
            limit: 512 << 20,
        },
        query_with("EXCEEDED_TIME_LIMIT", "INSUFFICIENT_RESOURCES", "x"),
    ];
    let errors = errors.into_iter().map(ConnectorError::from);
    errors.chain([record_too_large("k")]).collect()
}

#[test]
fn the_users_table_has_these_messages_and_no_others() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/connections.md");
    let page = std::fs::read_to_string(page).unwrap();
    let table = page.split("## Messages of a read").nth(1).unwrap();
    let table = table.split("\n## ").next().unwrap();
    let documented: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split("` |").next())
        // A warning of the log, which tests/it/limits.rs produces.
        .filter(|text| !text.starts_with("values of the column"))
        .collect();
    let errors = documented_errors();
    let said: Vec<String> = errors.iter().map(|e| shown(&e.message)).collect();
    // `…` stands for any text.
    let fits = |text: &str, message: &str| {
        let mut rest = message;
        text.split('…')
            .all(|part| match rest.split_once(part.trim()) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
    };
    for text in &documented {
        assert!(
            said.iter().any(|message| fits(text, message)),
            "nothing says: {text}"
        );
    }
    for message in &said {
        assert!(
            documented.iter().any(|text| fits(text, message)),
            "not documented: {message}"
        );
    }
}
