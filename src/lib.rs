//! source-trino: an Airbyte source connector for Trino.
//!
//! The way of a row, module by module (the long version is `docs/architecture.md`):
//!
//! ```text
//! config.json ─▶ config ─▶ trino::transport ───────────┐
//! catalog, state ─▶ protocol ─▶ read::plan              │
//!                                  │ sql                ▼
//!                        trino::statement ─POST─▶ Trino ─pages─▶ trino::page ─▶ rows' bytes ─┐
//! types (columns ─▶ kinds) ─▶ encode::plan ──────────────────────────────▶ encode ◀──────────┘
//!                                                                            │ full buffers
//! read::checkpoint ── STATE after the rows it covers ─────▶ output::writer ─▶ stdout
//! messages, logging ── LOG / TRACE ──────────────────────────▶
//! ```
//!
//! Dependencies point one way: `commands → read, discover → trino, encode, sql → types, protocol`.
//! `trino::page`, `encode`, `sql` and `types` are pure functions of bytes; only
//! `trino::transport` opens sockets and only `output::writer` writes to stdout.

pub(crate) mod catalog;
pub mod cli;
mod clock;
pub mod commands;
pub(crate) mod config;
pub(crate) mod discover;
pub mod encode;
pub(crate) mod error;
pub mod lines;
pub mod logging;
mod messages;
pub mod output;
mod progress;
pub(crate) mod protocol;
pub(crate) mod read;
pub(crate) mod secrets;
pub(crate) mod sql;
pub mod trino;
pub mod types;
