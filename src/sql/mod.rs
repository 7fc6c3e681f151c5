//! SQL text for Trino. Pure: names and types in, text out.

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
