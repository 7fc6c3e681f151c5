//! `tracing` events become LOG messages on stdout, with secrets scrubbed.
//!
//! The level comes from `LOG_LEVEL`, as the platform sets it (INFO where it is unset), or, for
//! developers, from `RUST_LOG` with the full filter syntax of `tracing-subscriber`.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::output::Output;
use crate::protocol::message::{Log, LogLevel, Message};
use crate::terminal::{self, Kind, Reader, Told};
use crate::titles::shown;

/// Sends all events of this process to `output`, and to stderr if somebody reads it. With
/// `verbose`, what is for developers as well. Later calls have no effect.
pub fn install(output: &Output, verbose: bool) {
    let layer = LogLines {
        output: output.clone(),
    };
    let word = std::env::var("LOG_LEVEL").unwrap_or_default();
    let of_word = log_filter(&word, verbose);
    let of_developer = EnvFilter::try_from_default_env().ok();
    let is_unknown = of_developer.is_none() && of_word.is_none();
    let filter = of_developer.unwrap_or_else(|| {
        let usual = || log_filter("", verbose);
        EnvFilter::new(of_word.or_else(usual).unwrap_or_default())
    });
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init();
    if is_unknown {
        tracing::warn!(
            "LOG_LEVEL is {word:?}, which is no level, so it has no effect; choose error, warn, info, debug or trace"
        );
    }
}

/// What is logged at a level; `None` if there is no such level. Dependencies log one level less,
/// because their DEBUG shows every HTTP frame.
fn log_filter(level: &str, verbose: bool) -> Option<&'static str> {
    match level.trim().to_ascii_lowercase().as_str() {
        "fatal" | "error" => Some("error"),
        "warn" | "warning" => Some("warn"),
        "trace" => Some("debug,source_trino=trace"),
        "debug" => Some("info,source_trino=debug"),
        "" | "info" if verbose => Some("info,source_trino=debug"),
        "" | "info" => Some("warn,source_trino=info"),
        _ => None,
    }
}

struct LogLines {
    output: Output,
}

impl<S: Subscriber> Layer<S> for LogLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let message = shown(&(text.message + &text.fields));
        let level = match *event.metadata().level() {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            Level::INFO => LogLevel::Info,
            Level::DEBUG => LogLevel::Debug,
            Level::TRACE => LogLevel::Trace,
        };
        let kind = match level {
            LogLevel::Error => Some(Kind::Error),
            LogLevel::Warn => Some(Kind::Warning),
            _ if terminal::reader() == Reader::Instead => Some(Kind::Plain),
            _ => None,
        };
        let told = kind.map_or(Told::No, |kind| terminal::tell(kind, &message));
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
