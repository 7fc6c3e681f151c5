//! SQL text for Trino. Pure: names and types in, text out.

pub mod changes;
pub mod cursor;
pub mod ident;
pub mod literal;
pub mod metadata;
pub mod select;
pub mod slices;
pub mod versions;
