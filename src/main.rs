//! The binary: arguments, output, signals, and how the process ends. What the commands do is in
//! the library.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use source_trino::amounts::{amount, grouped_amount};
use source_trino::cli::{Cli, Command};
use source_trino::logging;
use source_trino::output::Output;
use source_trino::output::pipe::{self, Pipe};
use source_trino::signals::{Ending, Parent, Signals};
use source_trino::terminal::{self, Kind, Reader};
use source_trino::trino::{self, Queries};
use source_trino::{cli, commands, platform};
use tokio::time::timeout;

/// Exit code for a command line that makes no sense.
const USAGE: u8 = 2;

/// How long the last lines may take to leave after a signal.
const LAST_LINES: Duration = Duration::from_millis(100);

/// How a command ended.
#[derive(Clone, Copy)]
enum End {
    /// By itself, with this exit code.
    Finished(u8),
    /// By a signal.
    Stopped(Ending),
    /// By an error of stdout: nothing can be written any more. The writer knows why.
    OutputLost,
}

fn main() -> ExitCode {
    let parent = Parent::present().filter(|_| platform::is_caller());
    let end = start(parent).unwrap_or_else(|error| {
        // If stderr is closed, there is nobody to tell.
        let _ = writeln!(io::stderr(), "Error: {error}");
        End::Finished(1)
    });
    match end {
        End::Finished(code) => ExitCode::from(code),
        End::Stopped(ending) => ending.die(),
        End::OutputLost => Ending::ClosedPipe.die(),
    }
}

fn start(parent: Option<Parent>) -> io::Result<End> {
    terminal::heed_dumb_terminal();
    if std::env::args_os().len() == 1 && terminal::is_watched() {
        let _ = write!(io::stderr(), "{}", cli::FIRST_STEPS);
        return Ok(End::Finished(USAGE));
    }
    let (cli, set_aside) = match cli::parse(std::env::args_os(), platform::reports_to_person()) {
        Ok(parsed) => parsed,
        Err(error) => error.exit(),
    };
    let keeps_states = matches!(&cli.command, Command::Read(args) if args.state_file.is_some());
    if keeps_states && pipe::was_closed(io::stdout()) {
        return Err(io::Error::other(
            "stdout is closed, so records would be lost although --state-file counts them as sent. \
             Redirect it, for example with \"> records.jsonl\"; \"> /dev/null\" throws them away.",
        ));
    }
    // If states are kept in a file, the records before them must be on the disk first.
    let file = if keeps_states && terminal::stdout_is_file() {
        Some(File::from(io::stdout().as_fd().try_clone_to_owned()?))
    } else {
        None
    };
    let (output, writer) = Output::start(Pipe::new(io::stdout()), file)?;
    terminal::set_reader(reader(&cli));
    logging::install(&output, cli.verbose);
    let panics = commands::report_panics(&output);
    for argument in set_aside {
        tracing::warn!("{}", argument.remark());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(receiving_threads())
        .on_thread_park(trino::gather)
        .enable_all()
        .build()?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::listen(parent)?
    };
    let queries = Queries::default();
    let going_on = going_on(&cli.command);
    let ran = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(run(cli.command, &output, &queries, &mut signals))
    }));
    let end = ran.unwrap_or(End::Finished(1));
    let end = runtime.block_on(leave(end, &output, &queries, &mut signals));
    // A thread that waits for stdout must not keep an interrupted process alive.
    runtime.shutdown_background();
    let written = written(writer, end);
    if let (Some(going_on), End::Stopped(_) | End::OutputLost) = (going_on, end) {
        say_what_was_reached(&output, &going_on);
    }
    Ok(match (end, written) {
        (End::Stopped(ending), _) => End::Stopped(ending),
        (End::Finished(0), Ok(())) if panics.any() => End::Finished(1),
        (end, Ok(())) => end,
        (_, Err(error)) if is_closed(&error) => End::OutputLost,
        (_, Err(error)) => {
            return Err(io::Error::other(format!(
                "stdout cannot be written: {error}"
            )));
        }
    })
}

/// Threads that talk to servers: half as many as there are processors. Each query has a thread
/// beside them that encodes its rows, which takes longer than to receive them, and threads that
/// have nothing to do only wake each other up (docs/architecture.md).
fn receiving_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| processors.get().div_ceil(2))
}

/// Who reads stderr of this command.
fn reader(cli: &Cli) -> Reader {
    let is_screen = io::stdout().is_terminal();
    match &cli.command {
        Command::Discover(args) if args.configured || is_screen => Reader::Instead,
        // On the screen, a line of JSON is hard to read; records would only run through.
        command
            if terminal::is_watched() && (!is_screen || matches!(command, Command::Check(_))) =>
        {
            if cli.quiet {
                Reader::QuietPerson
            } else {
                Reader::Person
            }
        }
        _ if terminal::stdout_is_file() && !platform::is_caller() => Reader::Log,
        _ => Reader::Nobody,
    }
}

/// How a read that was stopped goes on; `None` for the other commands.
fn going_on(command: &Command) -> Option<String> {
    let Command::Read(args) = command else {
        return None;
    };
    Some(if args.state_file.is_some() {
        "the same command goes on from there".to_owned()
    } else {
        "its last STATE is in the output; a read with --state goes on from there".to_owned()
    })
}

/// Tells whoever reads stderr how far a read came that was stopped.
fn say_what_was_reached(output: &Output, going_on: &str) {
    let (records, states) = output.reached();
    let records = grouped_amount(records, "record");
    if states == 0 {
        terminal::tell(
            Kind::Stopped,
            &format!("stopped after {records}, with no checkpoint yet"),
        );
    } else {
        terminal::tell(
            Kind::Stopped,
            &format!(
                "stopped after {records} and {}",
                amount(states, "checkpoint")
            ),
        );
        terminal::tell(Kind::Hint, going_on);
    }
}

/// Runs the command until it ends, a signal comes, or the reader of stdout goes away.
async fn run(command: Command, output: &Output, queries: &Queries, signals: &mut Signals) -> End {
    tokio::select! {
        code = commands::run(command, output, queries) => End::Finished(code),
        () = output.closed().cancelled() => End::OutputLost,
        ending = signals.next() => End::Stopped(ending),
    }
}

/// Cancels the queries that still run on the server and lets the last lines out. A signal that
/// comes meanwhile ends this, so that nobody has to wait for a reader that does not read.
async fn leave(end: End, output: &Output, queries: &Queries, signals: &mut Signals) -> End {
    let clean_up = async {
        queries.cancel_all().await;
        match end {
            End::Finished(_) => {
                // If this fails, the writer says why.
                let _ = output.all_written().await;
                output.finish().await;
            }
            _ => finish_soon(output).await,
        }
    };
    tokio::select! {
        () = clean_up => end,
        ending = signals.next() => {
            queries.cancel_all().await;
            finish_soon(output).await;
            End::Stopped(ending)
        }
    }
}

async fn finish_soon(output: &Output) {
    let _ = timeout(LAST_LINES, output.finish()).await;
}

/// Waits for the writer thread (only shortly if the command was interrupted) and returns whether it
/// wrote everything.
fn written(writer: JoinHandle<io::Result<()>>, end: End) -> io::Result<()> {
    let limit = Instant::now() + LAST_LINES;
    let is_finished = matches!(end, End::Finished(_));
    while !is_finished && !writer.is_finished() {
        if Instant::now() > limit {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let failed = |_| Err(io::Error::other("the writer thread failed"));
    writer.join().unwrap_or_else(failed)
}

/// Whether the reader of stdout is gone.
fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
    )
}
