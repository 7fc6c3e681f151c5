//! `read --state-file`: states that are kept while the records leave.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::connector::{Connector, each, read};
use crate::fake::{Answer, FakeTrino, Place, end, from, nothing, rows, text};

const N: &[(&str, &str)] = &[("n", "bigint")];

/// A state of a stream that is not read, with a number that no double can hold.
const OTHER: &str = r#"{"type":"STREAM","stream":{"stream_descriptor":{"name":"other","namespace":"s"},"stream_state":{"id":7769510365661554395}}}"#;

fn server() -> FakeTrino {
    let trino = FakeTrino::start();
    trino.numbers("t", &[&[1]]);
    trino.numbers("u", &[&[2]]);
    trino
}

fn keeping(run: Connector, file: &Path) -> Connector {
    run.arg("--state-file").arg(file.to_str().unwrap())
}

/// The states in a file by the names of their streams.
fn kept(file: &Path) -> Vec<(String, Value)> {
    let states: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let named = |mut state: Value| {
        assert_eq!(state["type"], "STREAM");
        let name = state["stream"]["stream_descriptor"]["name"]
            .as_str()
            .unwrap()
            .to_owned();
        (name, state["stream"]["stream_state"].take())
    };
    states.into_iter().map(named).collect()
}

#[test]
fn the_newest_state_of_every_stream_is_kept_and_the_others_stay_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    std::fs::write(&file, format!("[{OTHER}]")).unwrap();
    let trino = server();
    let outcome = keeping(read(&trino, &["t", "u"]), &file).run();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
    outcome.assert_complete("t", &[1]);
    outcome.assert_complete("u", &[2]);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(OTHER), "{text}");
    let states = outcome
        .messages()
        .into_iter()
        .filter(|m| m["type"] == "STATE");
    let written: Vec<Value> = states
        .map(|mut state| state["state"]["stream"]["stream_state"].take())
        .collect();
    let kept = kept(&file);
    assert_eq!(kept.len(), 3);
    for (name, state) in kept.iter().filter(|(name, _)| name != "other") {
        assert!(written.contains(state), "{name}: {state}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_is_missing_or_empty_is_no_state_and_is_made() {
    each(
        &[None, Some(""), Some("[]"), Some("{}"), Some("null")],
        |content| {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("state.json");
            if let Some(content) = content {
                std::fs::write(&file, content).unwrap();
            }
            let trino = server();
            let outcome = keeping(read(&trino, &["t"]), &file).run();
            outcome.assert_complete("t", &[1]);
            assert_eq!(kept(&file)[0].0, "t");
            // What was written is read again, and told in no warning.
            let again = keeping(read(&trino, &["t"]), &file).run();
            again.assert_complete("t", &[1]);
            assert!(!again.stdout.contains("WARN"), "{}", again.stdout);
        },
    );
}

#[test]
fn a_state_is_kept_only_when_it_and_its_records_have_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let trino = FakeTrino::start();
    // Less than waits for stdout, so that the STATE is sent, and more than a pipe holds (1 MiB).
    let row = format!(r#"["{}"]"#, "x".repeat(1000));
    let page = text(format!("[{}]", vec![row; 1500].join(",")));
    trino.table("t", &[("x", "varchar")], [page, end()]);
    let mut running = keeping(read(&trino, &["t"]), &file).start();
    let mut stdout = running.stdout();
    trino.wait_until("the last page", |trino| trino.pages_asked(&from("t")) >= 2);
    std::thread::sleep(Duration::from_millis(400));
    assert!(!file.exists(), "kept before it was written");
    let mut all = String::new();
    stdout.read_to_string(&mut all).unwrap();
    assert_eq!(running.end().code, Some(0));
    assert!(all.contains("\"STATE\""));
    assert_eq!(kept(&file)[0].0, "t");
}

#[test]
fn a_file_that_cannot_be_used_is_told_before_any_query() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("other.json"), "{\"name\":\"x\"}").unwrap();
    std::fs::write(path("cut.json"), "[{").unwrap();
    std::fs::write(path("protected.json"), "[]").unwrap();
    let mut mode = std::fs::metadata(path("protected.json"))
        .unwrap()
        .permissions();
    mode.set_readonly(true);
    std::fs::set_permissions(path("protected.json"), mode).unwrap();
    let cases = [
        ("no/state.json", "cannot be written"),
        ("other.json", "is not the state"),
        ("cut.json", "cannot be used"),
        ("protected.json", "read-only"),
        (".", "regular file"),
    ];
    each(&cases, |(name, said)| {
        let trino = server();
        let outcome = keeping(read(&trino, &["t"]), &path(name)).run();
        assert_eq!(outcome.code, Some(1), "{name}: {}", outcome.stdout);
        let errors = outcome.errors();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0]["failure_type"], "config_error");
        let message = errors[0]["message"].as_str().unwrap();
        let shown = path(name).display().to_string();
        assert!(
            message.contains(said) && message.contains(&shown),
            "{message}"
        );
        assert!(trino.requests().is_empty(), "{:?}", trino.requests());
    });
    let text = std::fs::read_to_string(path("other.json")).unwrap();
    assert_eq!(text, "{\"name\":\"x\"}");
}

#[test]
fn an_input_of_the_read_is_never_replaced() {
    let trino = server();
    let run = read(&trino, &["t"]);
    let catalog = run.path("catalog");
    let outcome = keeping(run, &catalog).run();
    assert_eq!(outcome.code, Some(1));
    let message = outcome.errors()[0]["message"].to_string();
    assert!(message.contains("also the input"), "{message}");
}

#[test]
fn a_file_that_can_no_longer_be_written_ends_the_read_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("gone");
    std::fs::create_dir(&inside).unwrap();
    let file = inside.join("state.json");
    let trino = FakeTrino::start();
    let pause = nothing().after(Duration::from_millis(700));
    trino.table("t", N, [rows(json!([[1]])), pause, end()]);
    let step = rows(json!([[2]])).after(Duration::from_millis(50));
    trino.add_table("endless", Answer::new(N, [step]).endless());
    let running = keeping(read(&trino, &["t", "endless"]), &file).start();
    trino.wait_until("rows", |trino| trino.pages_asked(&from("t")) > 0);
    std::fs::remove_dir_all(&inside).unwrap();
    let outcome = running.end();
    assert_eq!(outcome.code, Some(1), "{}", outcome.stdout);
    let errors = outcome.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let message = errors[0]["message"].as_str().unwrap();
    assert!(message.contains(file.to_str().unwrap()), "{message}");
    assert_eq!(outcome.statuses("t").last().unwrap(), "COMPLETE");
    assert_eq!(
        outcome.statuses("endless"),
        ["STARTED", "RUNNING", "INCOMPLETE"]
    );
    let last = outcome
        .messages()
        .into_iter()
        .rfind(|message| message.to_string().contains("\"endless\"") && message["type"] != "LOG");
    assert!(last.unwrap().to_string().contains("INCOMPLETE"));
    assert_eq!(trino.asked(&from("endless"), Place::Delete).len(), 1);
}

#[test]
fn the_last_state_of_a_read_counts_as_well() {
    // The read is over when its last state is written.
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("gone");
    std::fs::create_dir(&inside).unwrap();
    let file = inside.join("state.json");
    let trino = FakeTrino::start();
    let pause = nothing().after(Duration::from_millis(500));
    trino.table("t", N, [rows(json!([[1]])), pause, end()]);
    let running = keeping(read(&trino, &["t"]), &file).start();
    trino.wait_until("rows", |trino| trino.pages_asked(&from("t")) > 0);
    std::fs::remove_dir_all(&inside).unwrap();
    let outcome = running.end();
    assert_eq!(
        (outcome.code, outcome.errors().len()),
        (Some(1), 1),
        "{}",
        outcome.stdout
    );
}

#[test]
fn states_of_other_streams_in_the_file_are_no_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    std::fs::write(&file, format!("[{OTHER}]")).unwrap();
    let trino = server();
    let outcome = keeping(read(&trino, &["t"]), &file).run();
    outcome.assert_complete("t", &[1]);
    assert!(!outcome.stdout.contains("WARN"), "{}", outcome.stdout);
}

#[test]
fn no_state_is_kept_of_records_that_have_nowhere_to_go() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let trino = server();
    let outcome = keeping(read(&trino, &["t"]), &file)
        .shell("exec \"$@\" >&-")
        .run();
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.contains("stdout is closed"),
        "{}",
        outcome.stderr
    );
    assert!(!file.exists() && trino.requests().is_empty());
    // Whoever throws the records away on purpose says it.
    let outcome = keeping(read(&trino, &["t"]), &file)
        .shell("exec \"$@\" > /dev/null")
        .run();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(kept(&file)[0].0, "t");
}
