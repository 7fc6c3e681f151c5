//! SQL text for Trino. Pure: names and types in, text out.

pub mod ident;
pub mod metadata;
pub mod select;
pub mod slices;
