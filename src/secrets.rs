//! Secrets of this process, which no message may show.

use std::sync::{OnceLock, RwLock};

/// What a secret is replaced with.
const MASK: &str = "***";

/// Shorter texts are not scrubbed: replacing every `a` would garble the log and hide nothing.
const SHORTEST_SECRET: usize = 3;

static SECRETS: OnceLock<RwLock<Vec<String>>> = OnceLock::new();

/// Makes sure that `secret` never leaves in a LOG or TRACE message, in any of the forms in which
/// it might be printed: as it is, line by line, and with JSON's escapes.
pub(crate) fn hide(secret: &str) {
    let secrets = SECRETS.get_or_init(RwLock::default);
    let mut forms: Vec<String> = secret.lines().map(|line| line.trim().to_owned()).collect();
    forms.push(secret.to_owned());
    forms.push(
        serde_json::Value::from(secret)
            .to_string()
            .trim_matches('"')
            .to_owned(),
    );
    forms.retain(|form| form.len() >= SHORTEST_SECRET);
    let mut hidden = secrets
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    hidden.extend(forms);
    // Longest first, so that a secret that contains another is masked whole.
    hidden.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    // The same token is hidden at each renewal.
    hidden.dedup();
}

/// `text` in a form that may be shown: without the hidden secrets, and without control characters
/// except line ends and tabs.
pub(crate) fn scrub(text: String) -> String {
    without_controls(without_secrets(text))
}

/// `text` on one line: each run of blanks and line ends is one blank, other control characters are
/// replaced. For texts that come from servers.
pub(crate) fn one_line(text: &str) -> String {
    without_controls(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A terminal obeys control characters, and databases that keep logs refuse NUL.
fn without_controls(text: String) -> String {
    let is_unfit = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.contains(is_unfit) {
        text.replace("\r\n", "\n").replace(is_unfit, "\u{fffd}")
    } else {
        text
    }
}

fn without_secrets(text: String) -> String {
    let Some(secrets) = SECRETS.get() else {
        return text;
    };
    let secrets = secrets
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    secrets.iter().fold(text, |text, secret| {
        if text.contains(secret.as_str()) {
            text.replace(secret.as_str(), MASK)
        } else {
            text
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_whole_and_line_by_line() {
        hide("hunter22");
        hide("-----BEGIN KEY-----\nabcdef0123\n-----END KEY-----");
        assert_eq!(
            scrub("password hunter22 is wrong".into()),
            "password *** is wrong"
        );
        assert_eq!(scrub("line abcdef0123 leaked".into()), "line *** leaked");
    }

    #[test]
    fn a_secret_that_is_hidden_again_is_held_once() {
        for secret in ["renewed-1", "renewed-2", "renewed-1", "renewed-2"] {
            hide(secret);
        }
        let held = SECRETS.get().unwrap().read().unwrap();
        for secret in ["renewed-1", "renewed-2"] {
            assert_eq!(held.iter().filter(|form| *form == secret).count(), 1);
        }
    }

    #[test]
    fn control_characters_are_not_shown() {
        assert_eq!(
            scrub("a\0b\u{1b}[2Jc\r\nd\te\u{9b}".into()),
            "a\u{fffd}b\u{fffd}[2Jc\nd\te\u{fffd}"
        );
        assert_eq!(one_line(" a \r\n\t b\0 "), "a b\u{fffd}");
    }

    #[test]
    fn very_short_secrets_do_not_garble_the_log() {
        hide("a");
        assert_eq!(scrub("a cat".into()), "a cat");
    }
}
