//! Rules of the source tree that the compiler does not know.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file that is longer is two rooms.
const LONGEST: usize = 400;

/// All Rust files below `src`, with their text, sorted by path.
pub(crate) fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    files.sort();
    assert!(files.len() > 30, "{}", files.len());
    files
}

/// The text without comments and without the unit tests at its end.
pub(crate) fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines();
    lines
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |code, line| code + line + "\n")
}

fn files_with(part: &str) -> Vec<String> {
    let sources = sources().into_iter();
    sources
        .filter(|(_, text)| code(text).contains(part))
        .map(|(path, _)| path.display().to_string())
        .collect()
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(path, lines)| format!("{}: {lines}", path.display()))
        .collect();
    assert!(long.is_empty(), "more than {LONGEST} lines: {long:?}");
}

#[test]
fn only_the_transport_and_its_neighbours_know_reqwest() {
    // `config` uses its `Url` to read addresses, and opens nothing.
    assert_eq!(
        files_with("reqwest::"),
        [
            "config/auth.rs",
            "config/headers.rs",
            "config/mod.rs",
            "config/route.rs",
            "config/server.rs",
            "trino/http/answer.rs",
            "trino/http/auth.rs",
            "trino/http/client.rs",
            "trino/http/failure.rs",
            "trino/http/origin.rs",
            "trino/http/route.rs",
            "trino/http/token.rs",
            "trino/http/transport.rs",
            "trino/segment.rs",
            "trino/server.rs",
            "trino/statement.rs",
            "trino/wire/session.rs",
            "trino/wire/session_updates.rs"
        ]
    );
    assert_eq!(
        files_with("reqwest::Client::builder"),
        ["trino/http/client.rs"]
    );
}

#[test]
fn only_the_transport_the_tunnel_and_the_speed_mode_open_sockets() {
    assert_eq!(files_with("TcpListener"), ["trino/tunnel/mod.rs"]);
    // The SSH session, and what comes in through the tunnel's entrance.
    let streams = files_with("TcpStream");
    assert_eq!(streams, ["trino/tunnel/mod.rs", "trino/tunnel/ssh.rs"]);
    // The speed mode's sockets on this machine.
    let local = ["sockets/listeners.rs", "sockets/pool.rs"];
    assert_eq!(files_with("UnixListener"), local);
    assert_eq!(files_with("UnixStream"), ["sockets/pool.rs"]);
    for part in ["UdpSocket", "lookup_host"] {
        assert_eq!(files_with(part), [""; 0], "{part}");
    }
}

#[test]
fn only_the_writer_gets_stdout() {
    // `main` hands it to the writer; who shows things to people asks what it is.
    assert_eq!(files_with("stdout()"), ["main.rs", "terminal/mod.rs"]);
    assert_eq!(files_with("stdout().is_terminal()"), ["main.rs"]);
    for part in ["println!", "print!(", "eprint", "dbg!"] {
        assert_eq!(files_with(part), [""; 0], "{part}");
    }
}

#[test]
fn the_protocol_does_no_io_and_names_no_room_above() {
    for part in [
        "std::fs",
        "tokio::",
        "crate::trino",
        "crate::read",
        "crate::output",
    ] {
        let files = files_with(part);
        assert!(
            !files.iter().any(|file| file.starts_with("protocol/")),
            "{part}: {files:?}"
        );
    }
}

/// What each room may use, by the table of docs/architecture.md: a room is a folder, or a file
/// beside `lib.rs`. Rooms that may use all below them are left out.
fn arrows() -> BTreeMap<String, Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md");
    let text = std::fs::read_to_string(path).unwrap();
    let table = text
        .split("| room | job | may use |\n|---|---|---|\n")
        .nth(1);
    let rows = table
        .unwrap()
        .lines()
        .take_while(|line| line.starts_with('|'));
    let names = |cell: &str| -> Vec<String> {
        let quoted = cell.split('`').skip(1).step_by(2);
        quoted.map(|name| name.replace("::", "/")).collect()
    };
    let mut arrows = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [room, _, uses] = cells[..] else {
            panic!("{row}");
        };
        if uses.trim() != "all below" {
            let [room] = &names(room)[..] else {
                panic!("one room in a row: {row}");
            };
            arrows.insert(room.clone(), names(uses));
        }
    }
    arrows
}

/// The folder of a file of `src`, or its own name where it has none. The unit tests of a file lie
/// in a folder with its name, and belong to its room.
fn room(path: &Path) -> String {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let tested = path.parent().map(|folder| folder.with_extension("rs"));
    let tested = tested.filter(|file| path.ends_with("tests.rs") && src.join(file).exists());
    let parts: Vec<String> = tested
        .as_deref()
        .unwrap_or(path)
        .with_extension("")
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    match parts.as_slice() {
        [trino, folder, _, ..] if trino == "trino" => format!("trino/{folder}"),
        [first, ..] => first.clone(),
        [] => String::new(),
    }
}

/// The rooms that a file names.
fn named_rooms(code: &str) -> impl Iterator<Item = String> + '_ {
    code.split("crate::").skip(1).map(|rest| {
        let path = rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
        let mut names = path.take(1).flat_map(|path| path.split("::"));
        let first = names.next().unwrap_or_default();
        match names.next() {
            Some(folder @ ("wire" | "http" | "kerberos" | "tunnel")) if first == "trino" => {
                format!("trino/{folder}")
            }
            _ => first.to_owned(),
        }
    })
}

#[test]
fn dependencies_point_one_way() {
    let arrows = arrows();
    let mut unused: BTreeMap<String, Vec<String>> = arrows.clone();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let room = room(&path);
        if ["lib", "main", "commands"].contains(&room.as_str()) {
            continue;
        }
        let Some(allowed) = arrows.get(&room) else {
            wrong.push(format!(
                "the room of {} is not in the table",
                path.display()
            ));
            continue;
        };
        for named in named_rooms(&code(&text)) {
            if named != room && !allowed.contains(&named) {
                wrong.push(format!("{} names {named}", path.display()));
            }
            unused
                .entry(room.clone())
                .or_default()
                .retain(|used| *used != named);
        }
    }
    unused.retain(|_, rooms| !rooms.is_empty());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        unused.is_empty(),
        "in the table, but not in the code: {unused:#?}"
    );
}

/// From this number of files on, a newcomer needs a table to find the right one.
const MANY: usize = 6;

#[test]
fn a_folder_of_many_files_says_what_each_is_for() {
    let mut folders: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for (path, _) in sources() {
        let (Some(folder), Some(name)) = (path.parent(), path.file_stem()) else {
            continue;
        };
        let name = name.to_string_lossy().into_owned();
        let is_room = !["mod", "tests", "test_inputs"].contains(&name.as_str());
        if is_room && folder != Path::new("") {
            folders.entry(folder.to_owned()).or_default().push(name);
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut missing = Vec::new();
    for (folder, names) in folders.iter().filter(|(_, names)| names.len() >= MANY) {
        let text = std::fs::read_to_string(src.join(folder).join("mod.rs")).unwrap();
        let is_row = |line: &&str| line.starts_with("//! | `");
        let rows: String = text.lines().filter(is_row).collect();
        let without_row = names
            .iter()
            .filter(|name| !rows.contains(&format!("`{name}`")));
        missing.extend(without_row.map(|name| format!("{}: {name}", folder.display())));
    }
    assert!(
        missing.is_empty(),
        "not in the table of its folder: {missing:#?}"
    );
}

/// Files of one folder that may name each other: `slow` writes a cell, and for a nested one
/// `nested` writes the cells inside, with `slow` again.
const CYCLES: &[(&str, &str)] = &[("encode/nested", "encode/slow")];

/// The files of a folder that a file of it names.
fn named_siblings(folder: &str, code: &str, siblings: &[String]) -> Vec<String> {
    let prefixes = [
        "super::".to_owned(),
        format!("crate::{}::", folder.replace('/', "::")),
    ];
    let mut named = Vec::new();
    for prefix in prefixes {
        for rest in code.split(prefix.as_str()).skip(1) {
            let group = rest
                .strip_prefix('{')
                .and_then(|rest| rest.split(';').next());
            let words = group.unwrap_or_else(|| {
                rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .unwrap_or_default()
            });
            for word in words.split(|c: char| !c.is_alphanumeric() && c != '_') {
                if siblings.iter().any(|sibling| sibling == word) {
                    named.push(word.to_owned());
                }
            }
        }
    }
    named
}

#[test]
fn files_of_a_folder_do_not_name_each_other_in_a_circle() {
    let mut folders: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (path, text) in sources() {
        let folder = path.parent().unwrap().display().to_string();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !folder.is_empty() && name != "mod" && !folder.ends_with("tests") {
            folders.entry(folder).or_default().push((name, code(&text)));
        }
    }
    let mut circles = Vec::new();
    for (folder, files) in &folders {
        let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
        let arrows: Vec<(usize, usize)> = files
            .iter()
            .enumerate()
            .flat_map(|(from, (_, code))| {
                let siblings = named_siblings(folder, code, &names);
                let to = siblings
                    .into_iter()
                    .filter_map(|name| names.iter().position(|n| *n == name));
                to.map(move |to| (from, to)).collect::<Vec<_>>()
            })
            .filter(|(from, to)| {
                let pair = (
                    format!("{folder}/{}", names[*from]),
                    format!("{folder}/{}", names[*to]),
                );
                let allowed = |(a, b): &(&str, &str)| {
                    (pair.0 == *a && pair.1 == *b) || (pair.0 == *b && pair.1 == *a)
                };
                from != to && !CYCLES.iter().any(allowed)
            })
            .collect();
        // What is left after all files without an arrow out of the rest are taken away is in a
        // circle.
        let mut left: Vec<usize> = (0..names.len()).collect();
        loop {
            let ends = |file: &usize| {
                !arrows
                    .iter()
                    .any(|(from, to)| from == file && left.contains(to))
            };
            let rest: Vec<usize> = left.iter().copied().filter(|file| !ends(file)).collect();
            if rest.len() == left.len() {
                break;
            }
            left = rest;
        }
        circles.extend(left.iter().map(|file| format!("{folder}/{}", names[*file])));
    }
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_panic_unwinds_in_the_release_as_it_does_in_the_tests() {
    // A thread or task that panics fails one stream; the code is written for that.
    let manifest = include_str!("../../Cargo.toml");
    assert!(
        !manifest
            .lines()
            .any(|line| line.trim_start().starts_with("panic"))
    );
}
