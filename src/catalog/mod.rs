//! What Trino's catalogs tell about their tables. `discover` and `read` both use this.
//!
//! | file | job |
//! |---|---|
//! | `tables`, `row_types` | tables and views of a schema with their columns and exact types |
//! | `keys` | connectors behind catalogs, and the primary keys that their databases tell |
//! | `format` | which tables keep versions |
//! | `queries` | the columns of the configuration's queries |
//! | `namespaces` | which catalogs exist, where names with dots depend on it |
//! | `reserved` | columns whose names destinations write themselves |
//! | `bisect` | one statement about many tables, and which of them it fails for |
//! | `fault`, `patience` | who is at fault for an error; what is asked again |

pub(crate) mod bisect;
pub(crate) mod fault;
pub(crate) mod format;
pub(crate) mod keys;
pub(crate) mod namespaces;
mod patience;
pub(crate) mod queries;
pub(crate) mod reserved;
mod row_types;
pub(crate) mod tables;

use crate::types::TrinoType;

/// A table or view with its columns in their order.
#[derive(Debug, Clone)]
pub(crate) struct TableColumns {
    /// Table name.
    pub(crate) name: String,
    /// Column names and types. Hidden columns are not among them.
    pub(crate) columns: Vec<(String, TrinoType)>,
}
