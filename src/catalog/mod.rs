//! What Trino's catalogs tell about their tables. `discover` and `read` both use this.
//!
//! | file | job |
//! |---|---|
//! | `tables`, `row_types` | tables and views of a schema with their columns and exact types |
//! | `listing` | many schemas of a catalog, listed together |
//! | `keys` | connectors behind catalogs, and the primary keys that their databases tell |
//! | `redirection` | which table, of which connector, the rows of a table really come from |
//! | `format` | which tables keep versions, where no connector tells it |
//! | `queries` | the columns of the configuration's queries |
//! | `namespaces` | which catalogs exist, where names with dots depend on it |
//! | `contradiction` | an error about a part of a table, held against the table itself |
//! | `hidden` | columns that Trino hides and that are read all the same |
//! | `left_out` | columns of types that Trino does not know |
//! | `reserved` | columns whose names destinations write themselves |
//! | `bisect` | one statement about many tables, and which of them it fails for |
//! | `fault`, `patience` | who is at fault for an error; what is asked again |

pub(crate) mod bisect;
pub(crate) mod contradiction;
pub(crate) mod fault;
pub(crate) mod format;
pub(crate) mod hidden;
pub(crate) mod keys;
pub(crate) mod left_out;
pub(crate) mod listing;
pub(crate) mod namespaces;
mod patience;
pub(crate) mod queries;
pub(crate) mod redirection;
pub(crate) mod reserved;
mod row_types;
pub(crate) mod tables;

use crate::types::TrinoType;

/// A table or view with its columns in their order.
#[derive(Debug, Clone)]
pub(crate) struct TableColumns {
    /// Table name.
    pub(crate) name: String,
    /// Column names and types; of the hidden columns only those that [`hidden`] adds.
    pub(crate) columns: Vec<(String, TrinoType)>,
}
