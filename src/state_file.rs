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
mod tests;
