//! The meaning of a JSON value or text of the configuration, which may be written in different
//! forms.

use serde_json::Value;

/// `"a", "b" or "c"`.
pub(super) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}

/// Whether a value says something: null and empty text do not.
pub(super) fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        _ => true,
    }
}

/// Whether a value has nothing in it.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        value => !is_set(value),
    }
}

/// Whether two words are the same, apart from small and capital letters and from `_` or `-` between
/// their parts.
pub(super) fn is_same_word(a: &str, b: &str) -> bool {
    let plain = |word: &str| word.to_ascii_lowercase().replace('_', "-");
    plain(a) == plain(b)
}

/// The whole number that a text means, as JSON or a person writes it: `60`, `60.0`, `6e1`.
pub(super) fn whole_number(text: &str) -> Option<u64> {
    /// From here on, doubles cannot represent every whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number: f64 = text.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole and within the range"
    )]
    (number.fract() == 0.0 && (0.0..EXACT).contains(&number)).then_some(number as u64)
}

/// The parts of a text between its commas, without outer blanks; a comma in quotes separates
/// nothing.
pub(super) fn split_at_commas(text: &str) -> Vec<String> {
    let mut is_quoted = false;
    text.split(|character| {
        is_quoted ^= character == '"';
        character == ',' && !is_quoted
    })
    .map(|part| part.trim().to_owned())
    .collect()
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
