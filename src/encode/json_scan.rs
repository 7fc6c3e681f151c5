//! Where a JSON value ends, found without recursion and without memory, at the speed of the fast
//! path.
//!
//! It accepts exactly the JSON that serde accepts, which the slow path uses; a test compares the
//! two.

use super::number;
use super::short::number_length;
use super::simd::{self, Level};

/// Why no end was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// This is no JSON.
    NotJson,
    /// It has more than [`MAX_DEPTH`] levels, which only the slow path can handle.
    TooDeep,
}

/// How many levels of arrays and objects fit in one word, at one bit each.
pub(super) const MAX_DEPTH: u32 = 64;

/// The end of the JSON value at `start` or, after white space, beyond it.
#[inline(always)]
pub(super) fn value_end<L: Level>(level: L, text: &[u8], start: usize) -> Result<usize, Unfit> {
    let mut open = Nesting::default();
    let mut at = start;
    loop {
        // Here a value begins.
        at = skip_whitespace(text, at);
        at = match text.get(at) {
            Some(b'"') => string_end(level, text, at).ok_or(Unfit::NotJson)?,
            Some(b'-' | b'0'..=b'9') => number_end(level, text, at)?,
            Some(b't') => word_end(text, at, b"true")?,
            Some(b'f') => word_end(text, at, b"false")?,
            Some(b'n') => word_end(text, at, b"null")?,
            Some(b'[') => {
                let first = skip_whitespace(text, at + 1);
                if text.get(first) != Some(&b']') {
                    open.push(Container::Array)?;
                    at = first;
                    continue;
                }
                first + 1
            }
            Some(b'{') => {
                let first = skip_whitespace(text, at + 1);
                if text.get(first) != Some(&b'}') {
                    open.push(Container::Object)?;
                    at = key_end(level, text, first)?;
                    continue;
                }
                first + 1
            }
            _ => return Err(Unfit::NotJson),
        };
        // Here a value has ended, and perhaps the containers around it.
        loop {
            let Some(container) = open.last() else {
                return Ok(at);
            };
            at = skip_whitespace(text, at);
            match (container, text.get(at)) {
                (Container::Array, Some(b',')) => {
                    at += 1;
                    break;
                }
                (Container::Object, Some(b',')) => {
                    at = key_end(level, text, skip_whitespace(text, at + 1))?;
                    break;
                }
                (Container::Array, Some(b']')) | (Container::Object, Some(b'}')) => {
                    at += 1;
                    open.pop();
                }
                _ => return Err(Unfit::NotJson),
            }
        }
    }
}

/// Whether the text is one JSON value, with white space around it or not.
#[inline(always)]
pub(super) fn is_json<L: Level>(level: L, text: &[u8]) -> Result<(), Unfit> {
    let end = skip_whitespace(text, value_end(level, text, 0)?);
    if end == text.len() {
        Ok(())
    } else {
        Err(Unfit::NotJson)
    }
}

/// The end of the JSON string whose opening quote is at `start`.
#[inline(always)]
fn string_end<L: Level>(level: L, text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        let rest = text.get(at..)?;
        at += match rest.first_chunk() {
            Some(block) => match level.string_marks(block) {
                0 => {
                    at += simd::BYTES;
                    continue;
                }
                marks => marks.trailing_zeros() as usize,
            },
            None => rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?,
        };
        match text[at] {
            b'"' => return Some(at + 1),
            b'\\' => at += escape_length(&text[at..])?,
            _ => return None,
        }
    }
}

/// The length of the escape sequence that the text begins with.
#[inline(always)]
pub(super) fn escape_length(text: &[u8]) -> Option<usize> {
    match text {
        [
            _,
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
            ..,
        ] => Some(2),
        [_, b'u', h1, h2, h3, h4, ..] => [h1, h2, h3, h4]
            .iter()
            .all(|digit| digit.is_ascii_hexdigit())
            .then_some(6),
        _ => None,
    }
}

fn skip_whitespace(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// The end of an object's key and its colon.
#[inline(always)]
fn key_end<L: Level>(level: L, text: &[u8], at: usize) -> Result<usize, Unfit> {
    if text.get(at) != Some(&b'"') {
        return Err(Unfit::NotJson);
    }
    let colon = skip_whitespace(text, string_end(level, text, at).ok_or(Unfit::NotJson)?);
    if text.get(colon) == Some(&b':') {
        Ok(colon + 1)
    } else {
        Err(Unfit::NotJson)
    }
}

#[inline(always)]
fn number_end<L: Level>(level: L, text: &[u8], at: usize) -> Result<usize, Unfit> {
    let rest = &text[at..];
    let short = rest
        .first_chunk()
        .and_then(|bytes| number_length::<_, true>(level, bytes));
    match short {
        Some(length) if rest.get(length) != Some(&b'e') => Ok(at + length),
        _ => long_number_end(rest, at),
    }
}

/// The end of a number that is long, has an `e`, or is near the end of the text. `rest` is the text
/// from `at`.
#[cold]
fn long_number_end(rest: &[u8], at: usize) -> Result<usize, Unfit> {
    let in_number = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    let length = rest.iter().take_while(in_number).count();
    if number::is_number(&rest[..length]) {
        Ok(at + length)
    } else {
        Err(Unfit::NotJson)
    }
}

fn word_end(text: &[u8], at: usize, word: &[u8]) -> Result<usize, Unfit> {
    if text[at..].starts_with(word) {
        Ok(at + word.len())
    } else {
        Err(Unfit::NotJson)
    }
}

#[derive(Clone, Copy)]
enum Container {
    Array,
    Object,
}

/// The containers around a place, one bit each: 1 is an object.
#[derive(Default)]
struct Nesting {
    objects: u64,
    depth: u32,
}

impl Nesting {
    fn push(&mut self, container: Container) -> Result<(), Unfit> {
        if self.depth == MAX_DEPTH {
            return Err(Unfit::TooDeep);
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u64::from(matches!(container, Container::Object));
        Ok(())
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.objects >>= 1;
    }

    fn last(&self) -> Option<Container> {
        match (self.depth, self.objects & 1) {
            (0, _) => None,
            (_, 0) => Some(Container::Array),
            _ => Some(Container::Object),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::super::simd::Usual;
    use super::*;

    fn check(text: &str) {
        let serde = serde_json::from_str::<&RawValue>(text).is_ok();
        assert_eq!(is_json(Usual, text.as_bytes()).is_ok(), serde, "{text:?}");
    }

    #[test]
    fn json_is_what_serde_takes_for_json() {
        for text in [
            "",
            " ",
            "null",
            " null ",
            "nul",
            "nulll",
            "true",
            "false",
            "0",
            "-0",
            "01",
            "-",
            "1.",
            "1e",
            "1e+5",
            "1E400",
            ".5",
            "\"\"",
            "\"",
            "\"\\\"",
            "\"\\\"\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"\\ud800\"",
            "\"a\nb\"",
            "\"\u{7f}\"",
            "[]",
            "[ ]",
            "[",
            "]",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1]]",
            "{}",
            "{ }",
            "{",
            "}",
            "{1:2}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1,}",
            "{\"a\" : 1 , \"b\" : [ { } , [ ] ] }",
            "[}",
            "{]",
            "[{}",
            "1 2",
            "[1-2]",
            "[1,2,[3,{\"a\":[]}],\"long enough to need more than one block\\n of sixteen\"]",
        ] {
            check(text);
        }
    }

    #[test]
    fn values_end_where_they_end() {
        for (text, end) in [
            ("1,2", 1),
            ("\"a\",", 3),
            ("[1,[2]],", 7),
            ("{\"a\":{}}]", 8),
            ("truefalse", 4),
        ] {
            assert_eq!(value_end(Usual, text.as_bytes(), 0), Ok(end), "{text}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        // The innermost array is empty, and never entered.
        assert_eq!(is_json(Usual, nested(65).as_bytes()), Ok(()));
        assert_eq!(is_json(Usual, nested(66).as_bytes()), Err(Unfit::TooDeep));
    }

    proptest! {
        #[test]
        fn any_text_is_judged_as_serde_does(text in "[\\[\\]{},: \n\"\\\\a0-2eE.+ntu-]{0,24}") {
            check(&text);
        }

        #[test]
        fn any_tokens_are_judged_as_serde_does(
            tokens in prop::collection::vec(prop::sample::select(vec![
                "[", "]", "{", "}", ",", ":", "\"a\"", "\"\\n\"", "1", "-1.5e3", "true", "false", "null", " ", "\n",
            ]), 0..16)
        ) {
            check(&tokens.concat());
        }
    }
}
