//! A cursor in a state that is no value of its column, because somebody has edited the state.

use super::context::ReadError;
use crate::sql::cursor::Cursor;
use crate::trino::error::{QueryError, TrinoError};

/// Trino's errors about a text that is no value of a type.
const NO_VALUE: &[&str] = &[
    "INVALID_CAST_ARGUMENT",
    "INVALID_FUNCTION_ARGUMENT",
    "INVALID_LITERAL",
];

/// The error of a read that began with these `values` of the state; if it is about one of them, it
/// blames the state. The value itself is not shown, because it may be an e-mail address.
pub(super) fn explained(error: ReadError, cursor: &Cursor, values: &[String]) -> ReadError {
    match error {
        ReadError::Trino { error, .. } if is_about_one(&error, values) => {
            let Cursor { column, ty, .. } = cursor;
            let detail = |query: &QueryError| {
                format!("query {} failed with {}", query.query_id, query.error_name)
            };
            ReadError::WrongState {
                text: format!(
                    "the cursor in its state is no value of the column \"{column}\" of type {ty}. \
                     Correct the state, or read everything again: clear the stream on the platform, \
                     or take its entry out of the state file"
                ),
                detail: error.query_error().map(detail).unwrap_or_default(),
            }
        }
        other => other,
    }
}

/// Whether Trino could not read one of the values. It repeats a text that it cannot read.
fn is_about_one(error: &TrinoError, values: &[String]) -> bool {
    let Some(query) = error.query_error() else {
        return false;
    };
    // As a whole: a short value may be a part of any other text.
    let repeats = |value: &String| {
        query.message.contains(&format!("'{value}'"))
            || query.message.ends_with(&format!(": {value}"))
    };
    error.is_named(NO_VALUE) && values.iter().any(repeats)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::TrinoType;

    fn is_explained(name: &str, message: &str) -> bool {
        let error = ReadError::from(TrinoError::Query(Box::new(QueryError {
            message: message.into(),
            error_name: name.into(),
            error_type: "USER_ERROR".into(),
            ..QueryError::default()
        })));
        let cursor = Cursor {
            column: "n".into(),
            ty: TrinoType::Bigint,
            finds_nulls_in_trino: false,
        };
        let explained = explained(error, &cursor, &["abc".to_owned()]);
        matches!(explained, ReadError::WrongState { .. })
    }

    #[test]
    fn only_an_error_that_repeats_the_value_is_about_the_state() {
        let name = "INVALID_CAST_ARGUMENT";
        assert!(is_explained(name, "Cannot cast 'abc' to BIGINT"));
        assert!(is_explained(name, "Value cannot be cast to date: abc"));
        assert!(!is_explained(name, "Cannot cast 'x' to BIGINT"));
        assert!(!is_explained("TABLE_NOT_FOUND", "There is no table abc"));
        assert!(!is_explained(name, "Cannot cast 'abcd' to BIGINT"));
    }
}
