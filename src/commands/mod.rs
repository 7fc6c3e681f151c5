//! The four commands: inputs → Trino calls → messages.

mod check;
mod discover;
mod read;
mod spec;

use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::Command;
use crate::config::{self, Connection};
use crate::error::ConnectorError;
use crate::logging::{self, Told};
use crate::output::{Closed, Output};
use crate::trino::Queries;

/// Exit code of a command that failed.
const FAILED: u8 = 1;

/// Time for the last words of a panic.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs a command and says what went wrong; the result is the exit code.
pub async fn run(command: Command, output: &Output, queries: &Queries) -> u8 {
    let result = match command {
        Command::Spec => spec::run(output).await,
        Command::Check(args) => check::run(&args.config, output, queries).await,
        Command::Discover(args) => discover::run(&args, output, queries).await,
        Command::Read(args) => read::run(&args, output, queries).await,
    };
    match result {
        Ok(code) => code,
        // The caller sees the closed output itself.
        Err(error) if error.is::<Closed>() => FAILED,
        Err(error) => {
            let error = error
                .downcast::<ConnectorError>()
                .unwrap_or_else(|error| ConnectorError::system(format!("{error:#}")));
            if logging::tell_person(&error.message) != Told::Instead {
                let _ = output.send(&error.trace()).await;
            }
            FAILED
        }
    }
}

/// Makes a panic end with an ERROR trace, as any other failure.
pub fn report_panics(output: &Output) {
    let output = output.clone();
    std::panic::set_hook(Box::new(move |panic| {
        let error = ConnectorError::system(
            "source-trino failed because of a fault of its own. Please report it with the detail below.",
        )
        .with_detail(panic.to_string());
        output.note(&error.trace());
        output.drain_notes(LAST_WORDS);
    }));
}

/// Reads the configuration, with its problems as one error.
async fn connection(path: &Path) -> Result<Connection, ConnectorError> {
    let config: Value = json(path, "configuration").await?;
    checked(&config)
}

fn checked(config: &Value) -> Result<Connection, ConnectorError> {
    // Also where the configuration cannot be used: one of them may be why.
    for unknown in config::unknown_fields(config) {
        tracing::warn!("{unknown}");
    }
    let connection = Connection::from_json(config).map_err(|all| config::describe(&all))?;
    for remark in &connection.remarks {
        tracing::info!("{remark}");
    }
    Ok(connection)
}

/// Reads a JSON file; `what` names it in errors.
async fn json<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T, ConnectorError> {
    let text = text(path, what).await?;
    serde_json::from_str(&text).map_err(|error| {
        let path = path.display();
        ConnectorError::config(format!("The {what} file {path} is not usable: {error}."))
    })
}

/// Reads a file; `-` is standard input. On a thread that may block, since the other end of a
/// pipe may take its time and signals must still count.
async fn text(path: &Path, what: &str) -> Result<String, ConnectorError> {
    let file = path.to_owned();
    let read = move || {
        if file == Path::new("-") {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(file)
        }
    };
    let result = tokio::task::spawn_blocking(read).await;
    result
        .map_err(std::io::Error::other)
        .flatten()
        .map_err(|error| {
            let path = path.display();
            ConnectorError::config(format!("The {what} file {path} cannot be read: {error}."))
        })
}
