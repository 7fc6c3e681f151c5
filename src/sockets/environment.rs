//! Where records go: to stdout, or, in Airbyte's speed mode, over sockets. The platform says it by
//! variables of the environment.
//!
//! | variable | values |
//! |---|---|
//! | `DATA_CHANNEL_MEDIUM` | `STDIO` (also if unset), `SOCKET` |
//! | `DATA_CHANNEL_FORMAT` | `JSONL` (also if unset), `PROTOBUF` |
//! | `DATA_CHANNEL_SOCKET_PATHS` | with `SOCKET`: paths, separated by commas |
//! | `SOURCE_TRINO_SOCKET_WAIT_SECONDS` | our own: how long the destination may take to connect |

use std::path::PathBuf;
use std::time::Duration;

use crate::error::ConnectorError;

const MEDIUM: &str = "DATA_CHANNEL_MEDIUM";
const FORMAT: &str = "DATA_CHANNEL_FORMAT";
const PATHS: &str = "DATA_CHANNEL_SOCKET_PATHS";
const WAIT: &str = "SOURCE_TRINO_SOCKET_WAIT_SECONDS";

/// A destination of Airbyte gives up after 15 minutes, so nobody connects after that.
const DEFAULT_WAIT: Duration = Duration::from_mins(16);

/// How messages are written to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelFormat {
    /// One JSON text a line, as on stdout.
    JsonLines,
    /// Airbyte's Protobuf messages, each after its length.
    Protobuf,
}

impl std::fmt::Display for ChannelFormat {
    /// The name that the variable has for it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::JsonLines => "JSONL",
            Self::Protobuf => "PROTOBUF",
        })
    }
}

/// The sockets that the platform wants to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataChannel {
    /// How messages are written.
    pub(crate) format: ChannelFormat,
    /// One path for each socket, in the platform's order.
    pub(crate) paths: Vec<PathBuf>,
    /// How long the destination may take until its first connection.
    pub(crate) wait: Duration,
}

impl DataChannel {
    /// What the environment says; `None` for stdout. `variable` gives the value of a variable.
    ///
    /// # Errors
    ///
    /// When the variables contradict each other, or a value is not known.
    pub(crate) fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ConnectorError> {
        let value = |name| variable(name).map(|value| value.trim().to_owned());
        let set = |name| value(name).filter(|value| !value.is_empty());
        let format = match set(FORMAT).as_deref() {
            None | Some("JSONL") => ChannelFormat::JsonLines,
            Some("PROTOBUF") => ChannelFormat::Protobuf,
            Some(other) => return Err(not_understood(FORMAT, other, "\"JSONL\" or \"PROTOBUF\"")),
        };
        match set(MEDIUM).as_deref() {
            None | Some("STDIO") => {
                if format == ChannelFormat::Protobuf {
                    tracing::warn!(
                        "{FORMAT} is PROTOBUF, but over stdout records are always JSON lines"
                    );
                }
                return Ok(None);
            }
            Some("SOCKET") => {}
            Some(other) => return Err(not_understood(MEDIUM, other, "\"STDIO\" or \"SOCKET\"")),
        }
        let paths = paths(&set(PATHS).unwrap_or_default())?;
        let wait = match set(WAIT) {
            None => DEFAULT_WAIT,
            Some(text) => match text.parse() {
                Ok(seconds @ 1..=86_400) => Duration::from_secs(seconds),
                _ => {
                    return Err(not_understood(
                        WAIT,
                        &text,
                        "a number of seconds from 1 to 86400",
                    ));
                }
            },
        };
        Ok(Some(Self {
            format,
            paths,
            wait,
        }))
    }
}

fn paths(list: &str) -> Result<Vec<PathBuf>, ConnectorError> {
    let named = list.split(',').map(str::trim);
    let named = named.filter(|path| !path.is_empty());
    let paths: Vec<PathBuf> = named.map(PathBuf::from).collect();
    if paths.is_empty() {
        return Err(ConnectorError::config(format!(
            "{MEDIUM} is SOCKET, but {PATHS} names no socket. Set it to one path or more, separated \
             by commas, or set {MEDIUM} to STDIO."
        )));
    }
    Ok(paths)
}

fn not_understood(name: &str, value: &str, expected: &str) -> ConnectorError {
    ConnectorError::config(format!(
        "The environment variable {name} is \"{value}\", which this version does not know. It must \
         be {expected}."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<DataChannel>, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        DataChannel::from_environment(variable).map_err(|error| error.message)
    }

    #[test]
    fn records_go_to_stdout_unless_sockets_are_asked_for() {
        for variables in [
            &[][..],
            &[(MEDIUM, "")],
            &[(MEDIUM, "STDIO"), (FORMAT, "JSONL")],
            &[(MEDIUM, "STDIO"), (FORMAT, "PROTOBUF")],
            &[(MEDIUM, "STDIO"), (PATHS, "/a.sock")],
        ] {
            assert_eq!(read(variables), Ok(None), "{variables:?}");
        }
    }

    #[test]
    fn sockets_keep_their_order() {
        let variables = [
            (MEDIUM, "SOCKET"),
            (FORMAT, "PROTOBUF"),
            (PATHS, "/s/b.sock, /s/a.sock,"),
        ];
        let expected = DataChannel {
            format: ChannelFormat::Protobuf,
            paths: vec!["/s/b.sock".into(), "/s/a.sock".into()],
            wait: DEFAULT_WAIT,
        };
        assert_eq!(read(&variables), Ok(Some(expected)));
        let lines = read(&[(MEDIUM, "SOCKET"), (PATHS, "/a"), (WAIT, "5")]);
        let lines = lines.unwrap().unwrap();
        assert_eq!(lines.format, ChannelFormat::JsonLines);
        assert_eq!(lines.wait, Duration::from_secs(5));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (variables, part) in [
            (&[(MEDIUM, "TCP")][..], "DATA_CHANNEL_MEDIUM is \"TCP\""),
            (&[(FORMAT, "FLATBUFFERS")], "\"JSONL\" or \"PROTOBUF\""),
            (
                &[(MEDIUM, "SOCKET")],
                "DATA_CHANNEL_SOCKET_PATHS names no socket",
            ),
            (&[(MEDIUM, "SOCKET"), (PATHS, " , ")], "names no socket"),
            (
                &[(MEDIUM, "SOCKET"), (PATHS, "/a"), (WAIT, "soon")],
                "SOURCE_TRINO_SOCKET_WAIT_SECONDS",
            ),
        ] {
            let error = read(variables).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
