//! SQL text for Trino. Pure: names and types in, text out.
//!
//! | file | job |
//! |---|---|
//! | `ident`, `literal` | names and texts in quotes; a value's text as a literal of its column's type |
//! | `select` | the query that reads a table |
//! | `slices` | statements that cut a table into slices |
//! | `cursor` | conditions of reads by cursor |
//! | `position`, `checksum` | how far a cursor has come; a checksum of the rows with its last value |
//! | `changes` | changes of a table between two of its versions |
//! | `difference`, `field_ids` | the same by comparing the versions; which columns of one are those of the other |
//! | `versions` | the versions of tables that keep them |
//! | `metadata`, `keys` | schemas, tables, columns, privileges; primary keys |
//! | `partitions` | the partitions of a Hive table |
//! | `remote` | queries that a connector passes on to its database |

pub(crate) mod changes;
pub(crate) mod checksum;
pub(crate) mod cursor;
pub(crate) mod difference;
pub(crate) mod field_ids;
pub(crate) mod ident;
pub(crate) mod keys;
pub(crate) mod literal;
pub(crate) mod metadata;
pub(crate) mod partitions;
pub(crate) mod position;
pub(crate) mod remote;
pub(crate) mod select;
pub(crate) mod slices;
pub(crate) mod versions;
