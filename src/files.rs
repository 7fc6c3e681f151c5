//! Reads the text of a file that a person or a program hands over, in any of the usual encodings.

use std::borrow::Cow;
use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// How many bytes are read from standard input at once.
const CHUNK: usize = 64 * 1024;

/// The byte order mark that Windows tools put before UTF-8.
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether a name stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]
        .iter()
        .any(|name| path == Path::new(name))
}

/// Reads a file; `-` is standard input. May block for long if the file is a pipe.
///
/// # Errors
///
/// When the file cannot be read, or is no text; the error says which of the two.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let bytes = if path == Path::new("-") {
        read_stdin()?
    } else {
        std::fs::read(path)?
    };
    text(bytes)
}

/// Decodes the bytes of a file to text.
///
/// # Errors
///
/// When the bytes are no text; the error says why.
pub(crate) fn text(bytes: Vec<u8>) -> io::Result<String> {
    decode(bytes).map_err(|problem| io::Error::new(io::ErrorKind::InvalidData, problem))
}

/// What is wrong with a text that cannot be read as JSON, and where, as the end of a sentence.
pub(crate) fn json_problem(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    if error.is_eof() {
        return format!("it breaks off in line {line}: a bracket or quotation mark is not closed");
    }
    let text = error.to_string();
    let what = text.strip_suffix(&format!(" at line {line} column {column}"));
    match what {
        Some(what) if error.is_syntax() => {
            let what = in_plain_words(what);
            format!("it is not JSON at line {line}, column {column} ({what})")
        }
        _ => text,
    }
}

/// The parser's words for what is wrong with a text, in those of a person who has written it.
fn in_plain_words(what: &str) -> &str {
    match what {
        "expected value" => "here a value is missing, or a text is without quotation marks",
        "expected ident" => "a text is without quotation marks, or true, false or null is misspelt",
        "key must be a string" => "names stand in double quotation marks",
        "trailing comma" => "there is a comma behind the last value",
        "trailing characters" => "there is more behind its end",
        "expected `:`" => "a colon is missing",
        "expected `,` or `}`" => "a comma or a closing brace is missing",
        "expected `,` or `]`" => "a comma or a closing bracket is missing",
        "invalid escape" => "a backslash in a text is written as two",
        "number out of range" => "the number is too large",
        other if other.starts_with("control character") => {
            "a line end or a tab in a text is written as \\n or \\t"
        }
        other => other,
    }
}

/// Reads standard input to its end, even if the process that owns it has made it non-blocking.
fn read_stdin() -> io::Result<Vec<u8>> {
    let stdin = io::stdin().lock();
    let mut bytes = Vec::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match rustix::io::read(stdin.as_fd(), &mut chunk) {
            Ok(0) => return Ok(bytes),
            Ok(length) => bytes.extend_from_slice(&chunk[..length]),
            Err(Errno::AGAIN) => {
                let mut waits = [PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN)];
                match poll(&mut waits, None) {
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Text from UTF-8 or UTF-16, with or without a byte order mark: PowerShell writes the latter.
fn decode(bytes: Vec<u8>) -> Result<String, Cow<'static, str>> {
    match bytes.as_slice() {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [_, 0, 0, 0, ..] | [0, 0, 0, _, ..] => {
            Err("the file is in UTF-32; save it as UTF-8".into())
        }
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        // JSON begins with an ASCII character, so a zero byte after it means UTF-16.
        [first, 0, ..] if *first != 0 => utf16(&bytes, u16::from_le_bytes),
        [0, first, ..] if *first != 0 => utf16(&bytes, u16::from_be_bytes),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String, Cow<'static, str>> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        format!("the file is not in UTF-8, from line {line} on; save it as UTF-8")
    })?;
    let mark = text.as_bytes().starts_with(UTF8_MARK);
    Ok(if mark {
        text[UTF8_MARK.len()..].to_owned()
    } else {
        text
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Cow<'static, str>> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    let text = String::from_utf16(&units).ok().filter(|_| rest.is_empty());
    text.ok_or_else(|| "the file begins as UTF-16 and is damaged; save it as UTF-8".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\"ä\": \"🙂\"}\n";

    fn units(to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        TEXT.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn every_usual_encoding_is_read() {
        let (little, big) = (units(u16::to_le_bytes), units(u16::to_be_bytes));
        for bytes in [
            TEXT.as_bytes().to_vec(),
            [UTF8_MARK, TEXT.as_bytes()].concat(),
            [&[0xff, 0xfe], little.as_slice()].concat(),
            [&[0xfe, 0xff], big.as_slice()].concat(),
            little,
            big,
        ] {
            assert_eq!(decode(bytes.clone()).unwrap(), TEXT, "{bytes:x?}");
        }
    }

    #[test]
    fn a_text_that_is_no_json_is_told_with_the_place_to_look_at() {
        let problem = |text: &str| {
            json_problem(&serde_json::from_str::<serde_json::Value>(text).unwrap_err())
        };
        let cut = "it breaks off in line 2: a bracket or quotation mark is not closed";
        for text in ["{\n", "{\n\"a\": [1, ", "{\n\"a\": \"b"] {
            assert_eq!(problem(text), cut, "{text:?}");
        }
        let comma = "it is not JSON at line 2, column 1 (there is a comma behind the last value)";
        assert_eq!(problem("{\"a\": 1,\n}"), comma);
        for (text, words) in [
            ("{'a': 1}", "double quotation marks"),
            ("{\"a\": x}", "without quotation marks"),
            ("{\"a\": tru}", "misspelt"),
            ("{\"a\" 1}", "a colon is missing"),
            ("{\"a\": 1 \"b\": 2}", "a closing brace is missing"),
            ("[1 2]", "a closing bracket is missing"),
            ("{} x", "more behind its end"),
            ("[\"C:\\x\"]", "written as two"),
            ("[\"a\nb\"]", "written as \\n"),
            ("[1e999]", "too large"),
        ] {
            let problem = problem(text);
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }

    #[test]
    fn short_and_empty_files_are_texts() {
        for bytes in [&b""[..], b"1", b"{}", UTF8_MARK, b"\xff\xfe", b"\xfe\xff"] {
            let text = decode(bytes.to_vec()).unwrap();
            assert!(["", "1", "{}"].contains(&text.as_str()), "{bytes:x?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (bytes, said) in [
            (&b"{\n\"name\": \"M\xfcller\"}"[..], "UTF-8, from line 2"),
            (b"\xff\xfe\0\0{\0\0\0", "UTF-32"),
            (b"\0\0\0{", "UTF-32"),
            (b"{\0\0\0}\0\0\0", "UTF-32"),
            (b"{\0\"", "UTF-16"),
            (b"\xff\xfe\x00\xd8", "UTF-16"),
        ] {
            let problem = decode(bytes.to_vec()).unwrap_err();
            assert!(problem.contains(said), "{problem}");
        }
    }
}
