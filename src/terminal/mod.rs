//! What a person sees who has started the connector: lines on stderr, beside the protocol on
//! stdout.
//!
//! | file | job |
//! |---|---|
//! | `progress` | one line, drawn again and again while `read` runs, and the table at its end |
//! | `tally` | what was read of each stream so far |
//! | `table` | columns under one another |

pub(crate) mod progress;
pub(crate) mod table;
mod tally;

use std::io::{IsTerminal as _, Write as _};
use std::os::fd::AsFd;
use std::sync::OnceLock;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use rustix::fs::{FileType, fstat};

use crate::titles::shown;

/// Who reads stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Nobody, because the platform takes every line on stderr for an error.
    Nobody,
    /// A person, who sees warnings and errors there, besides what goes to stdout.
    Person,
    /// The same, who wants to see errors only.
    QuietPerson,
    /// Whoever gets the mail of a job at night, whose stdout is a file: errors, and how far a read
    /// came that was stopped, besides what goes to that file.
    Log,
    /// Somebody who runs a command whose stdout is not Airbyte's protocol. All log lines go to
    /// stderr then.
    Instead,
}

/// What kind of message it is; its first word says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something failed.
    Error,
    /// Something is not as it should be.
    Warning,
    /// A signal, or a reader that went away, has ended it before its end.
    Stopped,
    /// What to do now.
    Hint,
    /// Something is as it should be.
    Good,
    /// Anything else; it has no first word.
    Plain,
}

/// Whether a person was told something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// No.
    No,
    /// Yes, on stderr, and the same goes to stdout.
    Beside,
    /// Yes, on stderr, and it does not belong on stdout.
    Instead,
}

static READER: OnceLock<Reader> = OnceLock::new();

/// Sets who reads stderr. Later calls have no effect.
pub fn set_reader(reader: Reader) {
    let _ = READER.set(reader);
}

/// Who reads stderr.
pub(crate) fn reader() -> Reader {
    READER.get().copied().unwrap_or(Reader::Nobody)
}

/// Whether a person looks at stderr.
pub fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether stdout is a file, and neither a terminal nor a pipe into something else.
pub fn stdout_is_file() -> bool {
    is_file(std::io::stdout().as_fd())
}

fn is_file(end: impl AsFd) -> bool {
    fstat(end).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_file())
}

/// Leaves the colours out of all that follows, help texts too, if the terminal has none.
///
/// `AutoStream` heeds `NO_COLOR`, but takes a terminal to have colours wherever `CI` is set.
pub fn heed_dumb_terminal() {
    if std::env::var_os("TERM").is_some_and(|name| name == "dumb") {
        ColorChoice::Never.write_global();
    }
}

/// Shows a message to whoever reads stderr, if it is of a kind that this reader wants.
pub fn tell(kind: Kind, text: &str) -> Told {
    let told = match (reader(), kind) {
        (Reader::Instead, _) => Told::Instead,
        (Reader::Person, _)
        | (Reader::QuietPerson | Reader::Log, Kind::Error)
        | (Reader::Log, Kind::Stopped) => Told::Beside,
        (Reader::Nobody | Reader::QuietPerson | Reader::Log, _) => return Told::No,
    };
    // These bytes remove the progress line, which is drawn again later.
    let clear = if is_watched() { "\r\x1b[K" } else { "" };
    let text = shown(text);
    let mut stderr = AutoStream::auto(std::io::stderr());
    // If stderr is closed, there is nobody to tell.
    let _ = writeln!(stderr, "{clear}{}{text}", kind.first_word());
    told
}

impl Kind {
    fn first_word(self) -> String {
        let (color, word) = match self {
            Self::Error => (AnsiColor::Red, "error:"),
            Self::Warning | Self::Stopped => (AnsiColor::Yellow, "warning:"),
            Self::Hint => (AnsiColor::Cyan, "hint:"),
            Self::Good => (AnsiColor::Green, "ok "),
            Self::Plain => return String::new(),
        };
        let style = Style::new().bold().fg_color(Some(color.into()));
        format!("{style}{word}{style:#} ")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn only_a_regular_file_is_a_file() {
        assert!(is_file(tempfile::tempfile().unwrap()));
        assert!(!is_file(UnixStream::pair().unwrap().0));
        assert!(!is_file(rustix::pipe::pipe().unwrap().1));
        assert!(!is_file(std::fs::File::open("/dev/null").unwrap()));
    }

    #[test]
    fn a_message_begins_with_its_kind() {
        let plain = |kind: Kind| anstream::adapter::strip_str(&kind.first_word()).to_string();
        assert_eq!(plain(Kind::Error), "error: ");
        assert_eq!(plain(Kind::Warning), "warning: ");
        assert_eq!(plain(Kind::Hint), "hint: ");
        assert_eq!(plain(Kind::Plain), "");
    }
}
