//! The listening sockets on disk: all there before Trino is asked for anything, and removed in the
//! end.
//!
//! A destination looks for each file and then connects once, without a second try. A file that is
//! there but not yet listened on would refuse it and end the sync. So each socket listens under a
//! temporary name first and is renamed, which also replaces what an earlier run has left.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf, absolute};

use tokio::net::UnixListener;

use crate::error::ConnectorError;

/// Bytes of the longest path of a socket; Linux keeps it in 108 with a zero at the end.
const LONGEST_PATH: usize = 107;

/// Removes the files of the sockets when it is dropped.
#[derive(Debug)]
pub(super) struct Files(Vec<PathBuf>);

impl Drop for Files {
    fn drop(&mut self) {
        for path in &self.0 {
            // Whoever has removed it already has done our work.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Listens on all paths. Must be called inside of the runtime.
///
/// # Errors
///
/// When a path cannot be a socket; the error says what to change. Then no file is left.
pub(super) fn listen(paths: &[PathBuf]) -> Result<(Vec<UnixListener>, Files), ConnectorError> {
    let mut files = Files(Vec::new());
    let mut listeners = Vec::with_capacity(paths.len());
    let mut named = Vec::with_capacity(paths.len());
    let mut places = HashMap::with_capacity(paths.len());
    for (number, path) in paths.iter().enumerate() {
        let temporary = temporary_name(path, number);
        let longest = path.as_os_str().len().max(temporary.as_os_str().len());
        if longest > LONGEST_PATH {
            return Err(unusable(
                path,
                &format!("it has {longest} bytes, and sockets have at most {LONGEST_PATH}"),
                "Use a shorter directory.",
            ));
        }
        if let Some(same) = places.insert(place(path), path) {
            return Err(unusable(
                path,
                &format!("it is named twice, also as {}", same.display()),
                "Name each socket once.",
            ));
        }
        if let Ok(found) = std::fs::symlink_metadata(path)
            && !found.file_type().is_socket()
        {
            return Err(unusable(
                path,
                "a file that is not a socket is there",
                "Remove it, or name another path.",
            ));
        }
        // A run that was killed and had our process id may have left it.
        let _ = std::fs::remove_file(&temporary);
        let listener = UnixListener::bind(&temporary).map_err(|error| refused(path, &error))?;
        files.0.push(temporary.clone());
        listeners.push(listener);
        named.push((temporary, path));
    }
    for (temporary, path) in named {
        std::fs::rename(&temporary, path).map_err(|error| refused(path, &error))?;
        files.0.push(path.clone());
    }
    Ok((listeners, files))
}

/// The path in its only spelling, if its directory exists.
fn place(path: &Path) -> PathBuf {
    let path = absolute(path).unwrap_or_else(|_| path.to_owned());
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(directory)), Some(name)) => directory.join(name),
        _ => path,
    }
}

/// A name in the same directory, which no run beside this one has.
fn temporary_name(path: &Path, number: usize) -> PathBuf {
    path.with_file_name(format!(".{}.{number}", std::process::id()))
}

fn refused(path: &Path, error: &io::Error) -> ConnectorError {
    unusable(
        path,
        &error.to_string(),
        "Its directory must exist, and the user of this process must be able to write there.",
    )
}

fn unusable(path: &Path, why: &str, what_to_do: &str) -> ConnectorError {
    ConnectorError::config(format!(
        "The socket {} of DATA_CHANNEL_SOCKET_PATHS cannot be used: {why}. {what_to_do}",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener as Listener, UnixStream};

    use super::*;

    fn inside<T>(work: impl FnOnce() -> T) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        let _inside = runtime.enter();
        work()
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn every_path_can_be_connected_to_and_no_file_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let paths = [
            directory.path().join("a.sock"),
            directory.path().join("b.sock"),
        ];
        // What a killed run has left: a file that nobody listens on.
        drop(Listener::bind(&paths[1]).unwrap());
        assert!(UnixStream::connect(&paths[1]).is_err());
        inside(|| {
            let (_listeners, files) = listen(&paths).unwrap();
            assert_eq!(names(directory.path()), ["a.sock", "b.sock"]);
            for path in &paths {
                UnixStream::connect(path).unwrap();
            }
            drop(files);
        });
        assert_eq!(names(directory.path()), [""; 0]);
    }

    #[test]
    fn a_socket_that_is_named_twice_is_refused_in_every_spelling() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("inside")).unwrap();
        let path = directory.path().join("a.sock");
        for again in ["a.sock", "./a.sock", "inside/../a.sock"] {
            let paths = [path.clone(), directory.path().join(again)];
            let error = inside(|| listen(&paths).map(drop)).unwrap_err();
            let part =
                format!("{again} of DATA_CHANNEL_SOCKET_PATHS cannot be used: it is named twice");
            assert!(error.message.contains(&part), "{}", error.message);
            assert_eq!(names(directory.path()), ["inside"]);
        }
    }

    #[test]
    fn a_path_that_cannot_be_a_socket_is_named_and_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("text"), "kept").unwrap();
        for (name, part) in [
            ("x".repeat(120), "bytes"),
            ("text".to_owned(), "not a socket"),
            ("missing/a.sock".to_owned(), "must exist"),
        ] {
            let paths = [
                directory.path().join("a.sock"),
                directory.path().join(&name),
            ];
            let error = inside(|| listen(&paths).map(drop)).unwrap_err();
            assert!(error.message.contains(part), "{}", error.message);
            assert!(error.message.contains(&name), "{}", error.message);
            assert_eq!(names(directory.path()), ["text"]);
        }
    }
}
