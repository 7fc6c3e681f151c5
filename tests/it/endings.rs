//! How the process dies, and who hears of it: by the signal itself, with its parent, and never
//! because of a pipe that is only full.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::connector::{Connector, Running, each, read};
use crate::fake::{Answer, FakeTrino, Place, end, from, rows, text};

const N: &[(&str, &str)] = &[("n", "bigint")];

/// A table that never ends, a row every 50 ms.
fn endless() -> FakeTrino {
    let trino = FakeTrino::start();
    let step = rows(json!([[1]])).after(Duration::from_millis(50));
    trino.add_table("t", Answer::new(N, [step]).endless());
    trino
}

fn wait_for_rows(trino: &FakeTrino) {
    trino.wait_until("rows", |trino| trino.pages_asked(&from("t")) > 2);
}

fn wait_for_end_of_query(trino: &FakeTrino) {
    trino.wait_until("the end of the query", |trino| {
        trino.asked(&from("t"), Place::Delete).len() == 1
    });
}

/// Reads stdout away and waits for the end.
fn ended(running: Running, signal: &str) -> (Option<i32>, Option<i32>) {
    running.signal(signal);
    let outcome = running.end();
    assert_eq!(outcome.stderr, "");
    (outcome.signal, outcome.code)
}

#[test]
fn the_process_dies_by_the_signal_itself() {
    each(
        &[("TERM", 15), ("INT", 2), ("HUP", 1), ("QUIT", 3)],
        |(name, number)| {
            let trino = endless();
            // Whoever starts the tests below nohup has them ignore SIGHUP, which children inherit.
            let run = read(&trino, &["t"]).shell(r#"exec env --default-signal "$@""#);
            let running = run.start();
            wait_for_rows(&trino);
            let (signal, code) = ended(running, name);
            assert_eq!((signal, code), (Some(*number), Some(128 + number)));
            wait_for_end_of_query(&trino);
        },
    );
}

#[test]
fn a_closed_stdout_is_a_death_by_sigpipe() {
    let trino = endless();
    let mut running = read(&trino, &["t"]).start();
    wait_for_rows(&trino);
    drop(running.stdout());
    assert_eq!(running.end().signal, Some(13));
}

#[test]
fn a_shell_shows_the_codes_that_it_shows_for_every_program() {
    let trino = endless();
    let script = r#""$@" & pid=$!; sleep 1; kill -TERM $pid; wait $pid; echo "code $?""#;
    let outcome = read(&trino, &["t"]).shell(script).run();
    assert!(outcome.stdout.ends_with("code 143\n"), "{}", outcome.stdout);
    let trino = endless();
    let script = r#"{ "$@"; echo "code $?" >&2; } | head -n 3"#;
    let outcome = read(&trino, &["t"]).shell(script).run();
    assert_eq!(outcome.stderr, "code 141\n");
}

#[test]
fn a_hangup_that_is_ignored_on_purpose_is_ignored() {
    let trino = endless();
    let mut running = read(&trino, &["t"])
        .shell(r#"trap "" HUP; exec "$@""#)
        .start();
    let lines = BufReader::new(running.stdout()).lines();
    let reader = std::thread::spawn(move || lines.count());
    wait_for_rows(&trino);
    running.signal("HUP");
    let before = trino.pages_asked(&from("t"));
    trino.wait_until("more rows", |trino| {
        trino.pages_asked(&from("t")) > before + 5
    });
    assert_eq!(ended(running, "TERM").0, Some(15));
    assert!(reader.join().unwrap() > 5);
}

#[test]
fn below_the_platform_the_death_of_the_shell_cancels_the_queries() {
    let subshells = [
        r#"( "$@" ) & wait"#,
        r#"( eval '"$@"'; echo more ) & wait"#,
        r#""$@"; true"#,
    ];
    each(&subshells, |script| {
        let trino = endless();
        let run = read(&trino, &["t"])
            .below_platform()
            .shell(&format!("echo $$ >&2; {script}"));
        let mut running = run.start();
        let stdout = running.stdout();
        let reader = std::thread::spawn(move || std::io::read_to_string(stdout).unwrap());
        wait_for_rows(&trino);
        kill_parent_of_connector(&trino);
        wait_for_end_of_query(&trino);
        // It ends: nobody holds the other end of its stdout any more.
        let text = reader.join().unwrap();
        assert!(!text.contains("COMPLETE\""), "{text}");
    });
}

#[test]
fn elsewhere_the_death_of_a_parent_changes_nothing() {
    let trino = endless();
    let mut running = read(&trino, &["t"]).shell(r#"( "$@" ) & wait"#).start();
    let stdout = running.stdout();
    wait_for_rows(&trino);
    kill_parent_of_connector(&trino);
    let before = trino.pages_asked(&from("t"));
    trino.wait_until("more rows", |trino| {
        trino.pages_asked(&from("t")) > before + 5
    });
    assert!(trino.asked(&from("t"), Place::Delete).is_empty());
    drop(stdout);
    wait_for_end_of_query(&trino);
}

#[test]
fn the_marker_of_the_platform_ends_the_read_and_its_queries() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("cd '{}' && exec \"$@\"", folder.path().display());
    let marker = folder.path().join("TERMINATED");
    let trino = endless();
    let running = read(&trino, &["t"]).below_platform().shell(&script).start();
    wait_for_rows(&trino);
    std::fs::write(&marker, "").unwrap();
    let outcome = running.end();
    assert_eq!((outcome.signal, outcome.code), (None, Some(143)));
    assert_eq!(outcome.stderr, "");
    assert!(!outcome.stdout.contains("COMPLETE\""), "{}", outcome.stdout);
    wait_for_end_of_query(&trino);
    // To all others it is a file like any other.
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    let outcome = read(&trino, &["t"]).shell(&script).run();
    outcome.assert_complete("t", &[1]);
}

/// Kills the shell that the connector of this server is a child of.
fn kill_parent_of_connector(trino: &FakeTrino) {
    let port = format!("\"port\":{}", trino.port());
    let is_ours = |process: &std::path::Path| {
        let args = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let mut args = args.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        let binary = args.next().unwrap_or_default();
        let config = args
            .skip_while(|arg| arg != "--config")
            .nth(1)
            .unwrap_or_default();
        binary == env!("CARGO_BIN_EXE_source-trino")
            && std::fs::read_to_string(config.as_ref()).is_ok_and(|text| text.contains(&port))
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let connector = processes
        .map(|entry| entry.path())
        .find(|path| is_ours(path))
        .unwrap();
    let status = std::fs::read_to_string(connector.join("status")).unwrap();
    let parent = status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))
        .unwrap();
    let parent: i32 = parent.trim().parse().unwrap();
    let parent = rustix::process::Pid::from_raw(parent).unwrap();
    rustix::process::kill_process(parent, rustix::process::Signal::TERM).unwrap();
}

#[test]
fn a_stdout_that_does_not_block_is_waited_for() {
    let trino = FakeTrino::start();
    let row = format!(r#"["{}"]"#, "x".repeat(1000));
    let page = text(format!("[{}]", vec![row; 2000].join(",")));
    trino.table("t", &[("x", "varchar")], [page.clone(), page, end()]);
    let (mut reader, writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    let running = read(&trino, &["t"]).stdout_to(writer).start();
    // The pipe is full by then.
    std::thread::sleep(Duration::from_millis(500));
    let mut all = Vec::new();
    let mut chunk = vec![0; 10_000];
    loop {
        match reader.read(&mut chunk).unwrap() {
            0 => break,
            length => all.extend_from_slice(&chunk[..length]),
        }
    }
    let outcome = running.end();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    let text = String::from_utf8(all).unwrap();
    let records = text
        .lines()
        .filter(|line| line.starts_with("{\"type\":\"RECORD\""))
        .count();
    assert_eq!(records, 4000);
    for line in text.lines() {
        serde_json::from_str::<serde::de::IgnoredAny>(line).unwrap();
    }
}

#[test]
fn a_standard_input_that_does_not_block_is_waited_for() {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&reader, true).unwrap();
    let config = trino.config().to_string();
    let late = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        writer.write_all(config.as_bytes()).unwrap();
    });
    let run = Connector::new("check").arg("--config").arg("-");
    let outcome = run.stdin_from(reader).run();
    late.join().unwrap();
    assert_eq!(outcome.status().0, "SUCCEEDED", "{}", outcome.stdout);
}

#[test]
fn a_signal_ends_a_process_that_only_waits_for_its_reader() {
    // The command has finished; its last lines do not fit into the pipe, which holds 1 MiB.
    let trino = FakeTrino::start();
    let row = format!(r#"["{}"]"#, "x".repeat(1000));
    let page = text(format!("[{}]", vec![row; 1500].join(",")));
    trino.table("t", &[("x", "varchar")], [page, end()]);
    let mut running = read(&trino, &["t"]).start();
    let _stdout = running.stdout();
    trino.wait_until("the last page", |trino| trino.pages_asked(&from("t")) >= 2);
    std::thread::sleep(Duration::from_millis(500));
    let sent = Instant::now();
    assert_eq!(ended(running, "TERM").0, Some(15));
    assert!(
        sent.elapsed() < Duration::from_millis(1500),
        "{:?}",
        sent.elapsed()
    );
}

#[test]
fn where_stdout_is_a_file_stderr_says_how_far_a_stopped_read_came() {
    for (name, number) in [("TERM", 15), ("INT", 2)] {
        let trino = endless();
        let run = read(&trino, &["t"]).stdout_to(tempfile::tempfile().unwrap());
        let running = run.start();
        wait_for_rows(&trino);
        running.signal(name);
        let outcome = running.end();
        assert_eq!(outcome.signal, Some(number));
        let stderr = outcome.stderr;
        assert!(
            stderr.starts_with("warning: stopped after ") && stderr.lines().count() == 1,
            "{stderr}"
        );
        // Of a server that has been asked for rows before, nothing could be waited for.
        let trino = endless();
        let run = read(&trino, &["t"]).below_platform();
        let running = run.stdout_to(tempfile::tempfile().unwrap()).start();
        wait_for_rows(&trino);
        running.signal(name);
        assert_eq!(running.end().stderr, "");
    }
}
