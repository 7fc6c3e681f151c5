//! Rules of the source tree that the compiler does not know.

use std::path::{Path, PathBuf};

/// A file that is longer is two rooms.
const LONGEST: usize = 600;

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
            "config/route.rs",
            "config/server.rs",
            "trino/amendments.rs",
            "trino/auth.rs",
            "trino/home.rs",
            "trino/problem.rs",
            "trino/segment.rs",
            "trino/server.rs",
            "trino/session.rs",
            "trino/statement.rs",
            "trino/token.rs",
            "trino/transport.rs",
            "trino/way.rs"
        ]
    );
    assert_eq!(
        files_with("reqwest::Client::builder"),
        ["trino/transport.rs"]
    );
}

#[test]
fn only_the_transport_and_the_tunnel_open_sockets() {
    assert_eq!(files_with("TcpListener"), ["trino/tunnel.rs"]);
    // The SSH session, and what comes in through the tunnel's entrance.
    let streams = files_with("TcpStream");
    assert_eq!(streams, ["trino/ssh.rs", "trino/tunnel.rs"]);
    for part in ["UdpSocket", "UnixStream", "lookup_host"] {
        assert_eq!(files_with(part), [""; 0], "{part}");
    }
}

#[test]
fn only_the_writer_gets_stdout() {
    // `main` hands it to the writer, and asks like `progress` whether it is a terminal.
    assert_eq!(files_with("stdout()"), ["main.rs", "progress.rs"]);
    let asks = files_with("stdout().is_terminal()");
    assert_eq!(asks, ["main.rs", "progress.rs"]);
    for part in ["println!", "print!(", "eprint", "dbg!"] {
        assert_eq!(files_with(part), [""; 0], "{part}");
    }
}

#[test]
fn words_of_the_protocol_have_no_behaviour() {
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

#[test]
fn dependencies_point_one_way() {
    // folder, what it must not name.
    let rules = [
        (
            "types",
            &[
                "crate::trino",
                "crate::read",
                "crate::discover",
                "crate::commands",
                "crate::sql",
                "crate::encode",
            ][..],
        ),
        (
            "sql",
            &[
                "crate::trino",
                "crate::read",
                "crate::discover",
                "crate::commands",
                "crate::encode",
            ],
        ),
        (
            "encode",
            &[
                "crate::trino",
                "crate::read",
                "crate::discover",
                "crate::commands",
                "crate::sql",
            ],
        ),
        (
            "trino",
            &[
                "crate::read",
                "crate::discover",
                "crate::commands",
                "crate::sql",
                "crate::encode",
            ],
        ),
        (
            "config",
            &[
                "crate::trino",
                "crate::read",
                "crate::discover",
                "crate::commands",
            ],
        ),
        (
            "output",
            &["crate::trino", "crate::read", "crate::commands"],
        ),
        ("discover", &["crate::read", "crate::commands"]),
        ("read", &["crate::commands"]),
    ];
    for (folder, forbidden) in rules {
        for part in forbidden {
            let files = files_with(part);
            let wrong: Vec<_> = files
                .iter()
                .filter(|f| f.starts_with(&format!("{folder}/")))
                .collect();
            assert!(wrong.is_empty(), "{part} in {wrong:?}");
        }
    }
}
