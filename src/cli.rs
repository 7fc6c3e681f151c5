//! The command line: four commands and their files.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::arguments::{self, SetAside};
use crate::files;
use crate::protocol::catalog::SyncMode;

/// What to do first, for somebody who gives no command.
pub const FIRST_STEPS: &str = "\
source-trino reads tables and views of Trino as Airbyte records.

  1. Write config.json:
     {\"hostname\": \"localhost\", \"port\": 8080, \"username\": \"test\",
      \"catalog\": \"tpch\", \"schema\": \"tiny\"}
  2. source-trino check --config config.json
  3. source-trino discover --config config.json --configured > catalog.json
  4. source-trino read --config config.json --catalog catalog.json > records.jsonl

All commands and options: source-trino --help
";

const EXAMPLES: &str = "\
Examples:
  source-trino check --config config.json
  source-trino discover --config config.json --configured > catalog.json
  source-trino read --config config.json --catalog catalog.json > records.jsonl
  source-trino read --config config.json --catalog catalog.json \\
      --state-file state.json >> records.jsonl

One of the files may be - for standard input. Messages of the Airbyte protocol
go to stdout, one JSON object a line; LOG_LEVEL (or RUST_LOG) sets how much is
logged there. Completions: source-trino completions bash (or zsh, fish).";

/// Airbyte source connector for Trino: reads tables and views as Airbyte records.
#[derive(Debug, Parser)]
#[command(name = "source-trino", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Show errors only: no warnings, no progress, no table at the end
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log what is for developers, too: every query
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// The commands of an Airbyte source.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the connector's specification
    Spec,
    /// Test a configuration: connection, credentials, catalog, schema, privileges
    Check(CheckArgs),
    /// List all streams (tables and views) with their columns
    Discover(DiscoverArgs),
    /// Read the streams of a configured catalog
    Read(ReadArgs),
    /// Print a script that completes commands and options in a shell
    #[command(hide = true)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man,
}

/// The configuration file.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// JSON file with the connection's configuration (see `source-trino spec`)
    #[arg(short, long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The configuration file.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// End with exit code 1 if the check has failed; without it, only the message on stdout says so
    #[arg(long)]
    pub exit_code: bool,
}

/// Arguments of `discover`.
#[derive(Debug, Args)]
pub struct DiscoverArgs {
    /// The configuration file.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print a configured catalog, ready for `read --catalog`, in place of the CATALOG message
    #[arg(long)]
    pub configured: bool,
    /// Only these streams: names, or schema.name where a name is ambiguous
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        requires = "configured"
    )]
    pub streams: Vec<String>,
    /// How the streams are to be read; without it, incrementally if there is a --cursor, else whole
    #[arg(long, value_name = "MODE", ignore_case = true, requires = "configured")]
    pub sync_mode: Option<SyncModeArg>,
    /// Column whose values tell what is new, for streams that define no cursor themselves
    #[arg(long, value_name = "COLUMN", requires = "configured")]
    pub cursor: Option<String>,
}

/// A sync mode on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SyncModeArg {
    /// All rows
    #[value(name = "full_refresh", alias = "full-refresh")]
    FullRefresh,
    /// What is new since the last read; streams that have no cursor are read whole
    Incremental,
}

impl DiscoverArgs {
    /// The sync mode that was given by name, or follows from a given cursor.
    pub(crate) fn sync_mode(&self) -> SyncMode {
        match self.sync_mode {
            Some(mode) => mode.into(),
            None if self.cursor.is_some() => SyncMode::Incremental,
            None => SyncMode::FullRefresh,
        }
    }
}

impl From<SyncModeArg> for SyncMode {
    fn from(mode: SyncModeArg) -> Self {
        match mode {
            SyncModeArg::FullRefresh => Self::FullRefresh,
            SyncModeArg::Incremental => Self::Incremental,
        }
    }
}

/// Arguments of `read`.
#[derive(Debug, Args)]
pub struct ReadArgs {
    /// The configuration file.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// JSON file with the configured catalog (see `source-trino discover --configured`)
    #[arg(short = 'k', long, value_name = "FILE")]
    pub catalog: PathBuf,
    /// JSON file with the states of an earlier read: an array of them, or the STATE lines of its
    /// output
    #[arg(short, long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// File that keeps the states: read if it is there, and replaced whenever a STATE and the
    /// records before it have left
    #[arg(long, value_name = "FILE", conflicts_with = "state")]
    pub state_file: Option<PathBuf>,
    /// Show the progress on stderr even if stdout is a pipe
    #[arg(long)]
    pub progress: bool,
}

/// Parses the command line. Arguments that are not known are set aside, as newer platforms may
/// pass more than this version knows; they are returned beside the result.
///
/// `by_person` makes an error of what looks like a typing mistake: a misspelt flag, or a value too
/// many.
///
/// # Errors
///
/// clap's own error, help and version included.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
    by_person: bool,
) -> Result<(Cli, Vec<SetAside>), clap::Error> {
    let mut command = Cli::command();
    command.build();
    let sorted = arguments::sort(args.into_iter().collect(), &command);
    let parsed = Cli::try_parse_from(&sorted.known);
    let asks_for_help = |error: &clap::Error| {
        matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        )
    };
    // A misspelt flag explains why another one is missing.
    if by_person
        && !parsed.as_ref().is_err_and(asks_for_help)
        && let Some(error) = sorted.mistake(&command)
    {
        return Err(error);
    }
    let cli = parsed?;
    refuse_shared_input(&cli.command, &command)?;
    Ok((cli, sorted.set_aside))
}

/// A script that completes the command line in a shell.
pub(crate) fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "source-trino", &mut script);
    script
}

/// The manual page, in roff.
///
/// # Errors
///
/// Never, as it is written to memory.
pub(crate) fn manual() -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    Ok(page)
}

/// Two files cannot both be standard input: the first one would take all of it.
fn refuse_shared_input(given: &Command, command: &clap::Command) -> Result<(), clap::Error> {
    let Command::Read(args) = given else {
        return Ok(());
    };
    let files = [
        ("--config", Some(&args.config.config)),
        ("--catalog", Some(&args.catalog)),
        ("--state", args.state.as_ref()),
        ("--state-file", args.state_file.as_ref()),
    ];
    let of_stdin = files
        .iter()
        .filter(|(_, file)| file.is_some_and(|file| files::is_stdin(file)));
    let names: Vec<&str> = of_stdin.map(|(name, _)| *name).collect();
    let problem = match names.as_slice() {
        [] | ["--config" | "--catalog" | "--state"] => return Ok(()),
        ["--state-file"] => {
            "--state-file must name a file that can be replaced, not standard input".to_owned()
        }
        several => format!(
            "{} cannot all be read from standard input: give all but one as files",
            several.join(" and ")
        ),
    };
    let read = command.find_subcommand("read").unwrap_or(command);
    Err(read.clone().error(ErrorKind::ArgumentConflict, problem))
}

#[cfg(test)]
mod tests;
