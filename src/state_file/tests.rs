use serde_json::json;

use super::*;
use crate::protocol::message::StreamDescriptor;

const OTHER: &str = r#"{"type":"STREAM","stream":{"stream_descriptor":{"name":"other"},"stream_state":{"id": 7769510365661554395}}}"#;

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("state.json")
    }

    fn with(content: &str) -> Self {
        let place = Self::new();
        fs::write(place.path(), content).unwrap();
        place
    }

    fn content(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        entries.map(|e| name(e).into_string().unwrap()).collect()
    }
}

fn state(name: &str, namespace: Option<&str>, n: i64) -> StreamState {
    StreamState {
        stream_descriptor: StreamDescriptor {
            name: name.into(),
            namespace: namespace.map(Into::into),
        },
        stream_state: json!({"n": n}),
    }
}

fn keep(file: &mut StateFile, state: &StreamState) {
    assert!(file.put(state).unwrap());
    file.replace().unwrap();
}

#[test]
fn a_file_that_is_not_there_is_made_with_the_first_state() {
    let place = Place::new();
    let mut file = StateFile::open(&place.path()).unwrap();
    assert_eq!(place.names(), [""; 0]);
    keep(&mut file, &state("t", Some("s"), 1));
    let text = place.content();
    let states: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = json!([{"type": "STREAM", "stream": {
        "stream_descriptor": {"name": "t", "namespace": "s"}, "stream_state": {"n": 1}}}]);
    assert_eq!(states, expected);
    assert_eq!(place.names(), ["state.json"]);
}

#[test]
fn the_newest_state_of_a_stream_replaces_its_older_one_and_no_other() {
    let place = Place::with(&format!("[{OTHER}]"));
    let mut file = StateFile::open(&place.path()).unwrap();
    keep(&mut file, &state("t", None, 1));
    keep(&mut file, &state("t", Some("s"), 2));
    keep(&mut file, &state("t", Some(""), 3));
    assert!(!file.put(&state("t", Some(""), 3)).unwrap(), "no change");
    let text = place.content();
    assert!(text.contains(OTHER), "{text}");
    assert_eq!(text.matches("stream_descriptor").count(), 3, "{text}");
    assert!(
        text.contains("{\"n\":3}") && !text.contains("{\"n\":1}"),
        "{text}"
    );
}

#[test]
fn of_several_states_of_one_stream_the_last_counts() {
    let place = Place::with(&format!(
        "{OTHER}\n{}",
        OTHER.replace("7769510365661554395", "1")
    ));
    let file = StateFile::open(&place.path()).unwrap();
    assert_eq!(file.entries().list.len(), 1);
    assert!(file.entries().list[0].json.contains("{\"id\": 1}"));
}

#[test]
fn a_file_without_states_is_no_error_and_any_other_file_is_left_alone() {
    for content in [
        "",
        " \n",
        "[]",
        "{}",
        "null",
        "[null]",
        r#"[{"type":"GLOBAL","global":{}}]"#,
    ] {
        let place = Place::with(content);
        StateFile::open(&place.path()).unwrap();
        assert_eq!(place.content(), content);
    }
    for content in [
        "{\"name\": \"x\"}",
        "[1]",
        "id,name\n1,x\n",
        r#"{"t":{"cursor":"5"}}"#,
    ] {
        let place = Place::with(content);
        let error = StateFile::open(&place.path()).unwrap_err();
        assert!(
            matches!(error, StateFileError::Content(_)),
            "{content}: {error}"
        );
        assert_eq!(place.content(), content);
    }
}

#[test]
fn permissions_stay_and_a_link_stays_a_link() {
    let place = Place::with("[]");
    let link = place.directory.path().join("link");
    std::os::unix::fs::symlink("state.json", &link).unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let mut file = StateFile::open(&link).unwrap();
    keep(&mut file, &state("t", None, 1));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(place.content().contains("stream_state"));
    let mode = fs::metadata(place.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
}

#[test]
fn a_link_to_a_file_that_is_not_there_makes_that_file() {
    let place = Place::new();
    let link = place.directory.path().join("link");
    std::os::unix::fs::symlink(place.path(), &link).unwrap();
    keep(&mut StateFile::open(&link).unwrap(), &state("t", None, 1));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(place.content().contains("stream_state"));
}

#[test]
fn a_file_that_cannot_be_replaced_is_told_at_once() {
    let place = Place::with("[]");
    let read_only = fs::Permissions::from_mode(0o444);
    fs::set_permissions(place.path(), read_only).unwrap();
    for (path, said) in [
        (place.path(), "read-only"),
        (place.directory.path().to_owned(), "not a regular file"),
        (place.directory.path().join("no/state.json"), "No such file"),
        (place.path().join("state.json"), "Not a directory"),
        ("/proc/state.json".into(), ""),
        ("/dev/null".into(), "not a regular file"),
    ] {
        let error = StateFile::open(&path).unwrap_err().to_string();
        assert!(error.contains(said), "{}: {error}", path.display());
    }
}

#[test]
fn what_killed_processes_left_behind_is_removed() {
    let place = Place::with("[]");
    let process = std::process::id();
    let path = |name: &str| place.directory.path().join(name);
    let alive = format!(".state.json.{process}.tmp");
    for name in [
        ".state.json.4194999.tmp",
        ".state.json.x.tmp",
        ".other.4194999.tmp",
    ] {
        fs::write(path(name), "[").unwrap();
    }
    StateFile::open(&place.path()).unwrap();
    fs::write(path(&alive), "[").unwrap();
    let mut names = place.names();
    names.sort();
    assert_eq!(
        names,
        [
            ".other.4194999.tmp",
            &alive,
            ".state.json.x.tmp",
            "state.json"
        ]
    );
    // One of this process is from another one that had its number.
    keep(
        &mut StateFile::open(&place.path()).unwrap(),
        &state("t", None, 1),
    );
    assert!(!path(&alive).exists());
}
