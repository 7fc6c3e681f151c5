//! Runs the real executable.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fake::{FakeTrino, SCHEMA};
pub(crate) use crate::outcome::Outcome;

/// A run that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(50);

/// A run that is being prepared.
pub(crate) struct Connector {
    args: Vec<String>,
    env: Vec<(String, String)>,
    input: Option<Vec<u8>>,
    stdin: Option<Stdio>,
    shell: Option<String>,
    stdout: Option<Stdio>,
    limit: Duration,
    files: tempfile::TempDir,
}

/// A run that goes on.
pub(crate) struct Running {
    child: Child,
    started: Instant,
    limit: Duration,
    stderr: Option<JoinHandle<Vec<u8>>>,
    /// Holds the files while the child may read them.
    _files: tempfile::TempDir,
}

/// `read` of these streams, all their columns.
pub(crate) fn read(trino: &FakeTrino, streams: &[&str]) -> Connector {
    Connector::new("read")
        .config(&trino.config())
        .catalog(&catalog(streams))
}

/// A configured catalog with all columns of these streams.
pub(crate) fn catalog(streams: &[&str]) -> Value {
    let stream = |name: &&str| {
        json!({"stream": {"name": name, "namespace": SCHEMA, "json_schema": {}},
            "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"})
    };
    json!({"streams": streams.iter().map(stream).collect::<Vec<_>>()})
}

/// `value` with some members replaced.
pub(crate) fn with(mut value: Value, changes: &Value) -> Value {
    for (name, changed) in changes.as_object().unwrap() {
        value[name] = changed.clone();
    }
    value
}

/// Runs `test` for each case, several at the same time, so that pauses do not add up. The name
/// of a thread that panics says which case it was, from 0.
pub(crate) fn each<T: Sync>(cases: &[T], test: impl Fn(&T) + Sync) {
    /// Runs at once; each is a process of its own, and most of them wait.
    const AT_ONCE: usize = 10;
    let running = Mutex::new(0);
    let ended = Condvar::new();
    std::thread::scope(|scope| {
        for (number, case) in cases.iter().enumerate() {
            let all_busy = |running: &mut usize| *running >= AT_ONCE;
            *ended.wait_while(running.lock().unwrap(), all_busy).unwrap() += 1;
            let (running, ended, test) = (&running, &ended, &test);
            let run = move || {
                // Also where the test panics, or the others would wait for ever.
                let result = catch_unwind(AssertUnwindSafe(|| test(case)));
                *running.lock().unwrap() -= 1;
                ended.notify_one();
                result.unwrap_or_else(|panic| resume_unwind(panic));
            };
            let thread = std::thread::Builder::new().name(format!("case {number}"));
            thread.spawn_scoped(scope, run).unwrap();
        }
    });
}

impl Connector {
    pub(crate) fn new(command: &str) -> Self {
        Self {
            args: vec![command.to_owned()],
            env: Vec::new(),
            input: None,
            stdin: None,
            shell: None,
            stdout: None,
            limit: LIMIT,
            files: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn config(self, config: &Value) -> Self {
        self.file("config", config.to_string())
    }

    pub(crate) fn catalog(self, catalog: &Value) -> Self {
        self.file("catalog", catalog.to_string())
    }

    /// Passes a file with this text as `--name`.
    pub(crate) fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        let option = format!("--{name}");
        self.arg(&option).arg(path.to_str().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(format!("{name}.json"))
    }

    pub(crate) fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Standard input.
    pub(crate) fn input(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.input = Some(text.into());
        self
    }

    /// Below a shell that runs this script; `"$@"` in it is the command.
    pub(crate) fn shell(mut self, script: &str) -> Self {
        self.shell = Some(script.to_owned());
        self
    }

    /// As Airbyte's platform starts it.
    pub(crate) fn below_platform(self) -> Self {
        self.env("WORKER_JOB_ID", "1")
    }

    /// With a stdout that nobody will ever read.
    pub(crate) fn closed_stdout(self) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        self.stdout_to(writer)
    }

    pub(crate) fn stdout_to(mut self, stdout: impl Into<Stdio>) -> Self {
        self.stdout = Some(stdout.into());
        self
    }

    /// With a standard input of the test's own.
    pub(crate) fn stdin_from(mut self, stdin: impl Into<Stdio>) -> Self {
        self.stdin = Some(stdin.into());
        self
    }

    /// Fails a run that takes longer.
    pub(crate) fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Starts it, with nobody reading stdout yet.
    pub(crate) fn start(self) -> Running {
        let started = Instant::now();
        let binary = env!("CARGO_BIN_EXE_source-trino");
        let mut command = match &self.shell {
            None => Command::new(binary),
            Some(script) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", script, "sh", binary]);
                shell
            }
        };
        let mut child = command
            .args(&self.args)
            // Proxies and log levels of whoever runs the tests must not matter.
            .env_clear()
            .envs(self.env)
            .stdin(self.stdin.unwrap_or_else(Stdio::piped))
            .stdout(self.stdout.unwrap_or_else(Stdio::piped))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if let Some(mut stdin) = child.stdin.take() {
            // A program that never reads it may be gone already.
            let _ = stdin.write_all(&self.input.unwrap_or_default());
        }
        let mut pipe = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).unwrap();
            bytes
        });
        Running {
            child,
            started,
            limit: self.limit,
            stderr: Some(stderr),
            _files: self.files,
        }
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn run(self) -> Outcome {
        self.start().end()
    }
}

impl Running {
    /// The read end of stdout; dropping it closes the pipe.
    pub(crate) fn stdout(&mut self) -> std::process::ChildStdout {
        self.child.stdout.take().unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let script = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &script]).status().unwrap();
        assert!(status.success());
    }

    /// The most memory that the process has had so far, in MiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.peak_memory_so_far().unwrap()
    }

    /// The same; `None` where the process has ended.
    pub(crate) fn peak_memory_so_far(&self) -> Option<u64> {
        let path = Path::new("/proc").join(self.child.id().to_string());
        let status = std::fs::read_to_string(path.join("status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
        let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes / 1024)
    }

    /// Reads stdout, unless it was taken, and waits for the end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Outcome {
        let stdout = self.child.stdout.take().map(|mut pipe| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                pipe.read_to_end(&mut bytes).unwrap();
                bytes
            })
        });
        let limit = Instant::now() + self.limit;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < limit, "source-trino does not end");
            std::thread::sleep(Duration::from_millis(3));
        };
        let took = self.started.elapsed();
        let text = |thread: Option<JoinHandle<Vec<u8>>>| {
            let bytes = thread.map(|thread| thread.join().unwrap());
            String::from_utf8(bytes.unwrap_or_default()).unwrap()
        };
        let (stdout, stderr) = (text(stdout), text(self.stderr.take()));
        // A mark of a field's name that no title or name has replaced.
        assert!(
            !stdout.contains('‹') && !stderr.contains('‹'),
            "{stdout}{stderr}"
        );
        Outcome {
            code: status.code().or(status.signal().map(|signal| 128 + signal)),
            signal: status.signal(),
            stdout,
            stderr,
            took,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only one that a failed test left behind is still there.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
