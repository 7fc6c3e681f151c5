//! Texts in a state, written so that no program that stores states changes or refuses them.
//!
//! A value of the data may hold control characters; a platform that keeps states as `jsonb` refuses
//! `\u0000`. So a text with control characters is written as `{"base64":"…"}` of its UTF-8, and any
//! other text as it is.

use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text as a state keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub(crate) struct SafeText(pub(crate) String);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Plain(String),
    Encoded {
        #[serde(with = "utf8_as_base64")]
        base64: String,
    },
}

impl From<SafeText> for Written {
    fn from(SafeText(text): SafeText) -> Self {
        if text.chars().any(char::is_control) {
            Self::Encoded { base64: text }
        } else {
            Self::Plain(text)
        }
    }
}

impl From<Written> for SafeText {
    fn from(written: Written) -> Self {
        match written {
            Written::Plain(text) | Written::Encoded { base64: text } => Self(text),
        }
    }
}

mod utf8_as_base64 {
    use base64::Engine as _;

    use super::{Deserialize, Deserializer, STANDARD_NO_PAD, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
        STANDARD_NO_PAD.encode(text).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<String, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD
            .decode(text)
            .map_err(serde::de::Error::custom)?;
        String::from_utf8(bytes).map_err(serde::de::Error::custom)
    }
}

/// A text, or a number that a person has written in place of its text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    Text(SafeText),
    Number(serde_json::Number),
}

/// For fields that are a text or null: `#[serde(default, with = "safe_text::option")]`.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Given, SafeText, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde gives fields by reference")]
    pub(crate) fn serialize<S: Serializer>(
        text: &Option<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        text.clone().map(SafeText).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        let given: Option<Given> = Option::deserialize(deserializer)?;
        Ok(given.map(|given| match given {
            Given::Text(SafeText(text)) => text,
            Given::Number(number) => number.to_string(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_text_with_control_characters_is_written_as_base64() {
        for (text, expected) in [
            ("a'\"é😀", r#""a'\"é😀""#),
            ("a\0", r#"{"base64":"YQA"}"#),
            ("\u{85}", r#"{"base64":"woU"}"#),
        ] {
            let written = serde_json::to_string(&SafeText(text.to_owned())).unwrap();
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for written in [r#"{"base64":"!"}"#, r#"{"base64":"/w"}"#, "7", "{}"] {
            assert!(
                serde_json::from_str::<SafeText>(written).is_err(),
                "{written}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn every_text_comes_back_and_none_is_written_with_control_characters(text: String) {
            let written = serde_json::to_string(&SafeText(text.clone())).unwrap();
            proptest::prop_assert!(!written.contains("\\u00") && !written.chars().any(char::is_control));
            proptest::prop_assert_eq!(serde_json::from_str::<SafeText>(&written).unwrap(), SafeText(text));
        }
    }
}
