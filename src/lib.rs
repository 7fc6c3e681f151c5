//! source-trino: an Airbyte source connector for Trino.
//!
//! The way of a row, module by module (the long version is `docs/architecture.md`):
//!
//! ```text
//! config.json ─▶ config ─▶ trino::http ────────────────┐
//! catalog, state ─▶ protocol ─▶ read::{lookup, plan}   │
//!                                  │ sql               ▼
//!                        trino::statement ─POST─▶ Trino ─pages─▶ trino::wire::page ─▶ rows' bytes ─┐
//! types (columns ─▶ kinds) ─▶ encode::plan ─────────────────────────────────▶ encode ◀─────────────┘
//!                                                                               │ full buffers
//! read::state ── STATE after the rows it covers ─────────▶ output::writer ─▶ stdout
//! messages, logging ── LOG / TRACE ─────────────────────────▶
//! ```
//!
//! Dependencies point one way: `commands → read, discover → catalog → trino, sql → types`, and
//! `read → encode, output`. `trino::wire`, `encode`, `sql` and `types` are pure functions of bytes.
//! Only `trino::http`, `trino::tunnel` and `sockets` open sockets, and only `output::writer` writes
//! to stdout.

pub mod amounts;
pub(crate) mod arguments;
pub(crate) mod catalog;
pub mod cli;
mod clock;
pub mod commands;
pub(crate) mod config;
pub(crate) mod discover;
pub mod encode;
pub(crate) mod error;
pub(crate) mod files;
pub mod lines;
pub mod logging;
mod messages;
mod near;
pub mod output;
pub mod platform;
pub(crate) mod protocol;
pub(crate) mod read;
pub(crate) mod secrets;
pub mod signals;
pub(crate) mod sockets;
pub(crate) mod sql;
pub(crate) mod state_entries;
pub(crate) mod state_file;
pub mod terminal;
mod titles;
pub mod trino;
pub mod types;
