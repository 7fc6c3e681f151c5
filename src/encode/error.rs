//! Why a page could not be turned into records.

use crate::amounts::amount;

/// The receiver of the records accepts no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the receiver of the records is gone")]
pub struct Stopped;

/// Why a page could not be turned into records. Rows are counted from 1 within the page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The receiver of the records accepts no more; this is not a fault of the page.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The page is not JSON of the form that Trino writes: an array of rows, each an array of
    /// values.
    #[error("row {row} of the page{}: not the JSON that Trino writes: {found}", in_column(column.as_deref()))]
    Syntax {
        /// The row that was being read; the rows before it are complete.
        row: u64,
        /// The column whose value was read, `None` outside a row's values.
        column: Option<String>,
        /// The start of what was there.
        found: String,
    },
    /// A row does not have one value per column.
    #[error("row {row} of the page has {}, the query has {}", amount(*found, "value"), amount(*expected, "column"))]
    RowLength {
        /// The row.
        row: u64,
        /// The query's columns.
        expected: usize,
        /// The row's values.
        found: usize,
    },
    /// A value is not of its column's type.
    #[error("row {row} of the page, column {column:?}: expected {expected}, found {found}")]
    Cell {
        /// The row.
        row: u64,
        /// The column.
        column: String,
        /// What the type has, with its article: "an integer".
        expected: String,
        /// The start of what was there.
        found: String,
    },
    /// A record has 20,000,000 bytes or more because of a value that must not be left out.
    #[error(
        "row {row} of the page, column {column:?}: the value is too large for a record, and it must not be left out"
    )]
    TooLarge {
        /// The row.
        row: u64,
        /// The column.
        column: String,
    },
}

fn in_column(column: Option<&str>) -> String {
    column.map_or_else(String::new, |column| format!(", column {column:?}"))
}
