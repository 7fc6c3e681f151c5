//! `tracing` events become LOG messages on stdout, with secrets scrubbed.
//!
//! The level comes from `LOG_LEVEL`, as the platform sets it (INFO where it is unset), or, for
//! developers, from `RUST_LOG` with the full filter syntax of `tracing-subscriber`.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::OnceLock;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::output::Output;
use crate::protocol::message::{Log, LogLevel, Message};
use crate::secrets::scrub;

/// Who reads stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stderr {
    /// Nobody, because the platform takes every line on stderr for an error.
    Unused,
    /// A person, who sees warnings and errors there, besides what goes to stdout.
    Person,
    /// Somebody who runs a command whose stdout is not Airbyte's protocol. All log lines go to
    /// stderr then.
    Instead,
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

static STDERR: OnceLock<Stderr> = OnceLock::new();

/// Sends all events of this process to `output`, and to stderr if somebody reads it. Later calls
/// have no effect.
pub fn install(output: &Output, stderr: Stderr) {
    let _ = STDERR.set(stderr);
    let layer = LogLines {
        output: output.clone(),
    };
    let _ = tracing_subscriber::registry()
        .with(filter())
        .with(layer)
        .try_init();
}

/// Shows a text to the person at the terminal, if there is one.
pub fn tell_person(text: &str) -> Told {
    let told = match STDERR.get() {
        Some(Stderr::Person) => Told::Beside,
        Some(Stderr::Instead) => Told::Instead,
        _ => return Told::No,
    };
    // These bytes remove the progress line, which is drawn again later.
    let clear = if told == Told::Beside { "\r\x1b[K" } else { "" };
    // If stderr is closed, there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{clear}{}", scrub(text.to_owned()));
    told
}

fn filter() -> EnvFilter {
    if let Ok(filter) = EnvFilter::try_from_default_env() {
        return filter;
    }
    let level = std::env::var("LOG_LEVEL")
        .unwrap_or_default()
        .to_ascii_lowercase();
    // Dependencies log one level less, because their DEBUG shows every HTTP frame.
    EnvFilter::new(match level.as_str() {
        "fatal" | "error" => "error",
        "warn" | "warning" => "warn",
        "debug" => "info,source_trino=debug",
        "trace" => "debug,source_trino=trace",
        _ => "warn,source_trino=info",
    })
}

struct LogLines {
    output: Output,
}

impl<S: Subscriber> Layer<S> for LogLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let message = scrub(text.message + &text.fields);
        let level = match *event.metadata().level() {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            Level::INFO => LogLevel::Info,
            Level::DEBUG => LogLevel::Debug,
            Level::TRACE => LogLevel::Trace,
        };
        let urgent = matches!(level, LogLevel::Error | LogLevel::Warn);
        let told = if urgent || STDERR.get() == Some(&Stderr::Instead) {
            tell_person(&message)
        } else {
            Told::No
        };
        if told == Told::Instead {
            return;
        }
        self.output.note(&Message::Log {
            log: Log { level, message },
        });
    }
}

/// The event's message, then its fields as ` name=value`.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
