//! The command line: four commands and their files.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::protocol::catalog::SyncMode;

const EXAMPLES: &str = "\
Examples:
  source-trino check --config config.json
  source-trino discover --config config.json --configured > catalog.json
  source-trino read --config config.json --catalog catalog.json > records.jsonl

Any file may be - for standard input. Messages of the Airbyte protocol go to stdout, one JSON
object a line; LOG_LEVEL (or RUST_LOG) sets how much is logged there.";

/// Airbyte source connector for Trino: reads tables and views as Airbyte records.
#[derive(Debug, Parser)]
#[command(name = "source-trino", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands of an Airbyte source.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the connector's specification
    Spec,
    /// Test a configuration: connection, credentials, catalog, schema, privileges
    Check(ConfigArgs),
    /// List all streams (tables and views) with their columns
    Discover(DiscoverArgs),
    /// Read the streams of a configured catalog
    Read(ReadArgs),
}

/// The configuration file.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// JSON file with the connection's configuration (see `source-trino spec`)
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
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
    /// How the streams are to be read
    #[arg(
        long,
        value_name = "MODE",
        default_value = "full_refresh",
        requires = "configured"
    )]
    pub sync_mode: SyncModeArg,
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
    #[arg(long, value_name = "FILE")]
    pub catalog: PathBuf,
    /// JSON file with the states of an earlier read
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}

/// Parses the command line; arguments that are not known are set aside, as newer platforms may
/// pass more than this version knows. They are returned beside the result.
///
/// # Errors
///
/// clap's own error, help and version included.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<(Cli, Vec<String>), clap::Error> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let mut unknown = Vec::new();
    loop {
        let error = match Cli::try_parse_from(&args) {
            Ok(cli) => return Ok((cli, unknown)),
            Err(error) => error,
        };
        let named = match (error.kind(), error.get(ContextKind::InvalidArg)) {
            (ErrorKind::UnknownArgument, Some(ContextValue::String(named))) => named.clone(),
            _ => return Err(error),
        };
        // clap names `--flag=value` without its value.
        let is_named = |arg: &OsString| {
            arg.to_str()
                .is_some_and(|arg| arg == named || arg.starts_with(&format!("{named}=")))
        };
        let Some(at) = args.iter().position(is_named) else {
            return Err(error);
        };
        unknown.push(args.remove(at).to_string_lossy().into_owned());
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parsed(args: &str) -> Result<(Cli, Vec<String>), clap::Error> {
        parse(args.split(' ').map(OsString::from))
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn unknown_arguments_are_set_aside() {
        let (cli, unknown) =
            parsed("source-trino read --debug --config c --new=1 --catalog k --other x --state s")
                .unwrap();
        let Command::Read(args) = cli.command else {
            panic!()
        };
        assert_eq!(args.config.config, PathBuf::from("c"));
        assert_eq!(args.state, Some(PathBuf::from("s")));
        assert_eq!(unknown, ["--debug", "--new=1", "--other", "x"]);
    }

    #[test]
    fn a_mistyped_argument_that_is_needed_is_still_missed() {
        assert!(parsed("source-trino check --confg c").is_err());
    }

    #[test]
    fn streams_need_configured() {
        assert!(parsed("source-trino discover --config c --streams a").is_err());
        assert!(parsed("source-trino discover --config c --configured --streams a,b").is_ok());
    }
}
