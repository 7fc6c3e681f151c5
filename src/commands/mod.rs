//! The four commands: inputs → Trino calls → messages.

mod check;
mod discover;
mod read;
mod spec;
mod states;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::{self, Command};
use crate::config::{self, Connection};
use crate::error::ConnectorError;
use crate::files;
use crate::output::{Closed, Output};
use crate::terminal::{self, Kind, Told};
use crate::trino::Queries;

/// Exit code of a command that failed.
const FAILED: u8 = 1;

/// Remembers whether a thread has panicked.
#[derive(Debug, Clone, Default)]
pub struct Panics(Arc<AtomicBool>);

impl Panics {
    /// Whether any thread has panicked.
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs a command and reports what went wrong. Returns the exit code.
pub async fn run(command: Command, output: &Output, queries: &Queries) -> u8 {
    let result = match command {
        Command::Spec => spec::run(output).await,
        Command::Check(args) => check::run(&args, output, queries).await,
        Command::Discover(args) => discover::run(&args, output, queries).await,
        Command::Read(args) => read::run(&args, output, queries).await,
        Command::Completions { shell } => print(cli::completions(shell), output).await,
        Command::Man => match cli::manual() {
            Ok(page) => print(page, output).await,
            Err(error) => Err(error.into()),
        },
    };
    match result {
        Ok(code) => code,
        // The caller notices the closed output by itself, so nothing is reported here.
        Err(error) if error.is::<Closed>() => FAILED,
        Err(error) => {
            let error = error
                .downcast::<ConnectorError>()
                .unwrap_or_else(|error| ConnectorError::system(format!("{error:#}")));
            if terminal::tell(Kind::Error, &error.message) != Told::Instead {
                let _ = output.send(&error.trace()).await;
            }
            FAILED
        }
    }
}

/// Writes a text that is no message of the protocol.
async fn print(text: Vec<u8>, output: &Output) -> anyhow::Result<u8> {
    output.send_lines(text).await?;
    Ok(0)
}

/// Writes an ERROR trace for each panic. A panic ends the task that it happens in, and so fails the
/// stream that this task reads; the other streams go on.
pub fn report_panics(output: &Output) -> Panics {
    let panics = Panics::default();
    let (output, seen) = (output.clone(), panics.clone());
    std::panic::set_hook(Box::new(move |panic| {
        seen.0.store(true, Ordering::Relaxed);
        let error = ConnectorError::system(
            "source-trino failed because of a fault of its own. Please report it with the detail below.",
        )
        .with_detail(panic.to_string());
        output.note_always(&error.trace());
    }));
    panics
}

/// Reads the configuration. All its problems become one error.
async fn connection(path: &Path) -> Result<Connection, ConnectorError> {
    let config = configuration(path).await?;
    checked(&config)
}

/// The JSON of a configuration. Of members that are there twice, it has the last one.
async fn configuration(path: &Path) -> Result<Value, ConnectorError> {
    const WHAT: &str = "configuration";
    let text = text(path, WHAT).await?;
    let config = parsed(path, WHAT, &text)?;
    for member in config::repeated_members(&text) {
        tracing::warn!("the configuration has \"{member}\" more than once; the last one counts");
    }
    Ok(config)
}

fn checked(config: &Value) -> Result<Connection, ConnectorError> {
    // Before the configuration is checked: an unknown field may be the reason why it cannot be
    // used.
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
    parsed(path, what, &text)
}

/// Parses the text of a JSON file.
fn parsed<T: DeserializeOwned>(path: &Path, what: &str, text: &str) -> Result<T, ConnectorError> {
    let parsed = if text.trim().is_empty() {
        Err("the file is empty".to_owned())
    } else {
        serde_json::from_str(text).map_err(|error| files::json_problem(&error))
    };
    parsed.map_err(|problem| {
        let path = path.display();
        ConnectorError::config(format!("The {what} file {path} cannot be used: {problem}."))
    })
}

/// Reads a file; `-` is standard input. This happens on a thread that may block: the other end of a
/// pipe may be slow, and meanwhile signals must still be handled.
async fn text(path: &Path, what: &str) -> Result<String, ConnectorError> {
    // It may have a password, so it is not repeated.
    if path.to_string_lossy().trim_start().starts_with(['{', '[']) {
        return Err(ConnectorError::config(format!(
            "Give the name of the {what} file, or - for the standard input, instead of the JSON itself."
        )));
    }
    let file = path.to_owned();
    let result = tokio::task::spawn_blocking(move || files::read_text(&file)).await;
    result
        .map_err(std::io::Error::other)
        .flatten()
        .map_err(|error| {
            let path = path.display();
            ConnectorError::config(format!("The {what} file {path} cannot be read: {error}."))
        })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    struct Sink(mpsc::Sender<Vec<u8>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.0.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_told_as_an_error_and_ends_only_its_thread() {
        let (sender, written) = mpsc::channel();
        let (output, writer) = Output::start(Sink(sender), None).unwrap();
        let usual = std::panic::take_hook();
        let panics = report_panics(&output);
        assert!(!panics.any());
        let failed = std::thread::spawn(|| panic!("out of order")).join();
        std::panic::set_hook(usual);
        assert!(failed.is_err() && panics.any());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(output.finish());
        writer.join().unwrap().unwrap();
        let text = String::from_utf8(written.iter().flatten().collect()).unwrap();
        let trace: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        let error = &trace["trace"]["error"];
        assert_eq!(error["failure_type"], "system_error");
        assert!(
            error["internal_message"]
                .to_string()
                .contains("out of order"),
            "{text}"
        );
    }
}
