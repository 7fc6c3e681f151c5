//! JSON strings read and written, and foreign JSON embedded in a one-line message.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// The characters that a JSON string stands for. `raw` is the string with its quotes.
///
/// `None` if they are no text (half a surrogate pair) or `raw` is no JSON string.
pub(super) fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Whether `text` is one JSON value. Needs no stack, however deep the value.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Writes JSON in place of a value. Line ends between its tokens become blanks: a message is one
/// line.
///
/// Valid JSON has line ends nowhere else, strings hold them escaped.
pub(super) fn embed(json: &str, out: &mut Vec<u8>) {
    out.extend(json.bytes().map(|byte| {
        if matches!(byte, b'\n' | b'\r') {
            b' '
        } else {
            byte
        }
    }));
}

/// Writes `text` as a JSON string with its quotes.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1f => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn strings_are_unescaped() {
        for (raw, expected) in [
            (r#""""#, Some("")),
            (r#""plain é""#, Some("plain é")),
            (r#""a\"b\\c\/\n\u00e9\ud83d\ude00""#, Some("a\"b\\c/\né😀")),
            (r#""\ud83d""#, None),
            ("7", None),
            ("\"", None),
        ] {
            assert_eq!(unescape(raw).as_deref(), expected, "{raw}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "large")]
    fn json_of_any_depth_is_checked_and_embedded_on_one_line() {
        let deep = format!("{}1{}", "[\n".repeat(200_000), "]\r\n".repeat(200_000));
        assert!(is_json(&deep));
        assert!(!is_json(&deep[..deep.len() - 4]));
        let mut out = Vec::new();
        embed(&deep, &mut out);
        assert_eq!(out.len(), deep.len());
        assert!(!out.contains(&b'\n') && !out.contains(&b'\r'));
    }

    #[test]
    fn what_is_not_one_json_value_is_refused() {
        for text in [
            "", " ", "a", "{", "{\"a\":}", "1 2", "NaN", "'a'", "[1,]", "01",
        ] {
            assert!(!is_json(text), "{text}");
        }
        for text in ["null", " 1 ", "\"s\"", "[]", "{\"a\":[1.10,null]}", "1E400"] {
            assert!(is_json(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn written_strings_read_back(text in any::<String>()) {
            let mut out = Vec::new();
            write_string(&text, &mut out);
            prop_assert!(!out.contains(&b'\n'));
            let raw = String::from_utf8(out).unwrap();
            prop_assert_eq!(unescape(&raw).unwrap(), text);
        }
    }
}
