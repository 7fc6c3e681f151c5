//! `read --state-file`: a file that holds the newest STATE of every stream.
//!
//! It is always replaced as a whole. So a reader sees either the old or the new content, and so
//! does the next run if this process is killed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::files;
use crate::protocol::message::{StateType, StreamState};
use crate::state_entries::{Entries, Entry, Key};

/// How many links in a row are followed: as many as Linux follows.
const LINKS: usize = 40;

/// Why a state file cannot be used, as a sentence without its name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateFileError {
    /// Its content is no state.
    #[error("cannot be used: {0}. It was left as it is")]
    Content(String),
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// It cannot be replaced.
    #[error("cannot be written: {0}")]
    Unwritable(io::Error),
}

/// The states of all streams, those of earlier reads included, and where they are kept.
#[derive(Debug)]
pub(crate) struct StateFile {
    /// The file that is replaced, after following links.
    target: PathBuf,
    entries: Entries,
}

/// A state in the form that `--state` reads.
#[derive(Serialize)]
struct Stored<'a> {
    #[serde(rename = "type")]
    state_type: StateType,
    stream: &'a StreamState,
}

impl StateFile {
    /// Reads the file if it is there, and makes sure that it can be replaced.
    ///
    /// # Errors
    ///
    /// When it contains something other than states, or cannot be read or replaced.
    pub(crate) fn open(path: &Path) -> Result<Self, StateFileError> {
        let target = follow_links(path).map_err(StateFileError::Unreadable)?;
        let mut file = Self {
            target,
            entries: Entries::default(),
        };
        match fs::metadata(&file.target) {
            Ok(found) if !found.is_file() => {
                let problem = io::Error::other("it is not a regular file");
                return Err(StateFileError::Unwritable(problem));
            }
            Ok(found) => {
                let content = fs::read(&file.target).map_err(StateFileError::Unreadable)?;
                let text = files::text(content.clone()).map_err(StateFileError::Unreadable)?;
                file.entries = states(&text)?;
                refuse_protected(&found)
                    .and_then(|()| OpenOptions::new().write(true).open(&file.target))
                    .map_err(StateFileError::Unwritable)?;
                // Writes the same content again, because only an attempt shows whether the file can
                // be replaced.
                file.write(&content).map_err(StateFileError::Unwritable)?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                file.try_directory().map_err(StateFileError::Unwritable)?;
            }
            Err(error) => return Err(StateFileError::Unreadable(error)),
        }
        file.remove_leftovers();
        Ok(file)
    }

    /// The states that it holds.
    pub(crate) fn entries(&self) -> &Entries {
        &self.entries
    }

    /// Takes the newest state of a stream. Returns whether it differs from the state before.
    ///
    /// # Errors
    ///
    /// When the state cannot be written as JSON.
    pub(crate) fn put(&mut self, stream: &StreamState) -> io::Result<bool> {
        let json = serde_json::to_string(&Stored {
            state_type: StateType::Stream,
            stream,
        })?;
        let descriptor = &stream.stream_descriptor;
        let key = Key::new(&descriptor.name, descriptor.namespace.as_deref());
        let entry = Entry {
            key: Some(key),
            is_other_kind: false,
            is_empty: false,
            json,
        };
        Ok(self.entries.put(entry))
    }

    /// Replaces the file.
    ///
    /// # Errors
    ///
    /// When that fails. Then the file is unchanged.
    pub(crate) fn replace(&self) -> io::Result<()> {
        self.write(self.entries.to_json().as_bytes())
    }

    fn write(&self, content: &[u8]) -> io::Result<()> {
        let temporary = self.temporary();
        let written = self
            .write_to(&temporary, content)
            .and_then(|()| fs::rename(&temporary, &self.target));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    fn write_to(&self, temporary: &Path, content: &[u8]) -> io::Result<()> {
        let mut file = create(temporary)?;
        if let Ok(present) = fs::metadata(&self.target) {
            // Only root may change a file's owner. For everybody else the new file has the right
            // owner anyway.
            let _ = fchown(&file, Some(present.uid()), Some(present.gid()));
            file.set_permissions(present.permissions())?;
        }
        file.write_all(content)?;
        file.sync_all()
    }

    /// Checks whether a file can be created in the directory of a state file that does not exist
    /// yet.
    fn try_directory(&self) -> io::Result<()> {
        let temporary = self.temporary();
        create(&temporary)?;
        fs::remove_file(temporary)
    }

    /// The name of the temporary file, which no other process uses.
    fn temporary(&self) -> PathBuf {
        self.beside(&format!("{}.tmp", std::process::id()))
    }

    fn beside(&self, end: &str) -> PathBuf {
        let name = self.target.file_name().unwrap_or_default();
        let name = format!(".{}.{end}", name.to_string_lossy());
        self.target.with_file_name(name)
    }

    /// Removes temporary files of processes that were killed while they wrote.
    fn remove_leftovers(&self) {
        let prefix = self.beside("");
        let (Some(directory), Some(prefix)) = (prefix.parent(), prefix.file_name()) else {
            return;
        };
        let directory = if directory.as_os_str().is_empty() {
            Path::new(".")
        } else {
            directory
        };
        let prefix = prefix.to_string_lossy();
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let process = name
                .to_str()
                .and_then(|name| name.strip_prefix(prefix.as_ref()))
                .and_then(|rest| rest.strip_suffix(".tmp"))
                .and_then(|process| process.parse::<u32>().ok());
            let is_left = |process: u32| !Path::new("/proc").join(process.to_string()).exists();
            if process.is_some_and(is_left) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Creates a file. An existing file of that name comes from a process that was killed, and is
/// removed.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o666).open(path)
}

/// A file that nobody may write to is not replaced, not even by root, who would be able to.
fn refuse_protected(found: &fs::Metadata) -> io::Result<()> {
    if found.permissions().mode() & 0o222 == 0 {
        return Err(io::Error::other("it is read-only"));
    }
    Ok(())
}

/// The path that a link finally leads to, even if no file exists there yet.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(link) = fs::read_link(&path) else {
            return Ok(path);
        };
        path = path.parent().unwrap_or(Path::new("")).join(link);
    }
    Err(io::Error::other("it is a link that leads to itself"))
}

/// The states in a text. Anything else is refused, so that no file of another kind is overwritten.
fn states(text: &str) -> Result<Entries, StateFileError> {
    let unusable = |problem: String| StateFileError::Content(problem);
    let entries = Entries::parse(text).map_err(|error| unusable(files::json_problem(&error)))?;
    let is_state = |entry: &Entry| entry.key.is_some() || entry.is_empty || entry.is_other_kind;
    if let Some(other) = entries.list.iter().find(|entry| !is_state(entry)) {
        let start: String = other.json.chars().take(40).collect();
        return Err(unusable(format!("{start:?} is not the state of a stream")));
    }
    // If a stream has several states, the last one counts. Null and {} belong to no stream.
    let mut kept = Entries::default();
    for entry in entries.list {
        if entry.key.is_some() || !entry.is_empty {
            kept.put(entry);
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
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
}
