//! The real executable against a scripted Trino: one test binary, so that it links once.
//!
//! `fake` is the server, `connector` runs the executable, `outcome` is what it said, `destination`
//! takes what leaves over sockets; every other file or folder holds the tests of one behaviour. No
//! test needs a network, a real Trino or another test.
#![allow(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in tests, but knows helpers of tests only inside `cfg(test)`"
)]

mod architecture;
mod cancel;
mod catalogs;
mod command_line;
mod concurrency;
mod configured;
mod connector;
mod destination;
mod endings;
mod failures;
mod fake;
mod fields;
mod gateways;
mod headers;
mod heartbeat;
mod inputs;
mod kerberos;
mod limits;
mod messages;
mod old_server;
mod outcome;
mod pem;
mod prefetch;
mod protocol;
mod prusto;
mod retries;
mod secrets;
mod speed;
mod spooled;
mod state_file;
mod table_patterns;
mod texts;
mod tls;
