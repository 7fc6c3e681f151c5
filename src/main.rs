//! The binary: arguments, output, signals, exit code. What the commands do is in the library.

use std::io::{self, ErrorKind, IsTerminal as _};
use std::process::ExitCode;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use source_trino::logging::{self, Stderr};
use source_trino::output::Output;
use source_trino::trino::Queries;
use source_trino::{cli, commands};
use tokio::signal::unix::{SignalKind, signal};

/// Exit codes of a process that ends because of a signal, as shells report them.
const SIGINT: u8 = 130;
const SIGPIPE: u8 = 141;
const SIGTERM: u8 = 143;

/// How long the last lines may take to leave after a signal.
const LAST_LINES: Duration = Duration::from_millis(100);

fn main() -> anyhow::Result<ExitCode> {
    let (cli, unknown) = match cli::parse(std::env::args_os()) {
        Ok(parsed) => parsed,
        Err(error) => error.exit(),
    };
    let (output, writer) = Output::start(|| Box::new(io::stdout().lock()))?;
    logging::install(&output, stderr(&cli.command));
    commands::report_panics(&output);
    for argument in unknown {
        let name = argument.split('=').next().unwrap_or_default();
        tracing::warn!("the argument {name:?} is not known and was ignored");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (code, interrupted) = runtime.block_on(run(cli.command, &output));
    // A thread that waits for stdout must not keep an interrupted process alive.
    runtime.shutdown_background();
    Ok(ExitCode::from(match end(writer, interrupted) {
        Ok(()) => code,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => SIGPIPE,
        Err(error) => return Err(error).context("stdout cannot be written"),
    }))
}

/// Who reads stderr of this command.
fn stderr(command: &cli::Command) -> Stderr {
    match command {
        cli::Command::Discover(args) if args.configured => Stderr::Instead,
        _ if io::stderr().is_terminal() && !io::stdout().is_terminal() => Stderr::Person,
        _ => Stderr::Unused,
    }
}

/// Runs the command until it ends, a signal comes, or the reader of stdout goes away.
async fn run(command: cli::Command, output: &Output) -> (u8, bool) {
    let queries = Queries::default();
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return (1, true);
    };
    let (code, interrupted) = tokio::select! {
        code = commands::run(command, output, &queries) => (code, false),
        // The code comes from the writer, which knows why.
        () = output.closed().cancelled() => (1, true),
        _ = interrupt.recv() => (SIGINT, true),
        _ = terminate.recv() => (SIGTERM, true),
    };
    queries.cancel_all().await;
    let finish = output.finish();
    if interrupted {
        let _ = tokio::time::timeout(LAST_LINES, finish).await;
    } else {
        finish.await;
    }
    (code, interrupted)
}

/// Waits for the writer thread, shortly after a signal, and says whether it wrote everything.
fn end(writer: JoinHandle<io::Result<()>>, interrupted: bool) -> io::Result<()> {
    let limit = Instant::now() + LAST_LINES;
    while interrupted && !writer.is_finished() && Instant::now() < limit {
        std::thread::sleep(Duration::from_millis(2));
    }
    if interrupted && !writer.is_finished() {
        return Ok(());
    }
    let failed = |_| Err(io::Error::other("the writer thread failed"));
    writer.join().unwrap_or_else(failed)
}
