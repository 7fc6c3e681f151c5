//! Certificates and keys in PEM, in every form in which they arrive.
//!
//! Forms, environment variables and tools often change the line ends of a PEM text: into `\n` as
//! two characters, into blanks or tabs, or into nothing. The meaning of PEM does not depend on line
//! ends, so the four fields that hold PEM are parsed here and written again in the standard form.

use secrecy::SecretString;

/// Characters of a line (RFC 7468).
const LINE: usize = 64;

/// The dashes on both sides of a BEGIN or END.
const DASHES: usize = 5;

/// The usual labels. A label that has lost its blanks together with the line ends is recognised by
/// comparing it with these.
const LABELS: &[&str] = &[
    "CERTIFICATE",
    "TRUSTED CERTIFICATE",
    "PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "DSA PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "PUBLIC KEY",
    "EC PARAMETERS",
];

/// The text between a BEGIN and an END. If the text is cut off, one of the two is missing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    begin: Option<String>,
    /// Lines such as `Proc-Type: 4,ENCRYPTED` (RFC 1421).
    head: Vec<String>,
    /// The part that should be base64, without blanks.
    body: String,
    end: Option<String>,
}

/// The PEM text with line ends where they belong, and without anything outside of its blocks. A
/// text without blocks is returned as it is.
pub(crate) fn normalised(text: &str) -> String {
    let blocks = blocks(text);
    if blocks.is_empty() {
        return text.to_owned();
    }
    blocks.iter().map(Block::text).collect()
}

/// A secret in PEM in the standard form. Both the given and the standard form are kept out of the
/// log.
pub(crate) fn secret(given: &str) -> SecretString {
    crate::secrets::hide(given);
    let pem = normalised(given);
    crate::secrets::hide(&pem);
    SecretString::from(pem)
}

/// All blocks of a text, including damaged ones.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let text = without_escapes(text);
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    let mut rest = text.as_str();
    while let Some((before, marker, after)) = next_marker(rest) {
        let content = Content::parse(before);
        match marker {
            Marker::Begin(label) => {
                if let Some(cut_off) = blocks.last_mut().filter(|_| is_open) {
                    cut_off.take(content);
                }
                blocks.push(Block {
                    begin: Some(label),
                    ..Block::default()
                });
                is_open = true;
            }
            Marker::End(label) => {
                if !is_open {
                    blocks.push(Block::default());
                }
                if let Some(block) = blocks.last_mut() {
                    // If an END has no BEGIN, the text before it may be anything, so it is not
                    // taken.
                    if is_open {
                        block.take(content);
                    }
                    block.end = Some(label);
                }
                is_open = false;
            }
        }
        rest = after;
    }
    if let Some(cut_off) = blocks.last_mut().filter(|_| is_open) {
        cut_off.take(Content::parse(rest));
    }
    blocks
}

impl Block {
    /// What the block is, for example `CERTIFICATE`.
    pub(crate) fn label(&self) -> &str {
        let label = self.begin.as_deref().or(self.end.as_deref());
        label.unwrap_or_default()
    }

    /// The bytes of the block.
    ///
    /// # Errors
    ///
    /// What is wrong with the block, as the end of a sentence. Nothing of the block's content is
    /// repeated.
    pub(crate) fn der(&self) -> Result<Vec<u8>, String> {
        use base64::Engine as _;
        let label = self.label();
        match (&self.begin, &self.end) {
            (None, _) => {
                return Err(format!(
                    "is cut off: the line with BEGIN {label} is missing"
                ));
            }
            (_, None) => return Err(format!("is cut off: the line with END {label} is missing")),
            (Some(begin), Some(end)) if begin != end => {
                return Err(format!("begins as {begin} and ends as {end}"));
            }
            _ if self.body.is_empty() => return Err("is empty".to_owned()),
            _ => {}
        }
        let bytes = base64::engine::general_purpose::STANDARD.decode(&self.body);
        bytes.map_err(|_| "is damaged: characters are missing, or do not belong there".to_owned())
    }

    fn take(&mut self, content: Content) {
        self.head = content.head;
        self.body = content.body;
    }

    fn text(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        lines.extend(
            self.begin
                .iter()
                .map(|label| format!("-----BEGIN {label}-----")),
        );
        lines.extend(self.head.iter().cloned());
        if !self.head.is_empty() {
            lines.push(String::new());
        }
        let characters: Vec<char> = self.body.chars().collect();
        lines.extend(characters.chunks(LINE).map(|line| line.iter().collect()));
        lines.extend(
            self.end
                .iter()
                .map(|label| format!("-----END {label}-----")),
        );
        lines.join("\n") + "\n"
    }
}

/// The text between two markers.
struct Content {
    head: Vec<String>,
    body: String,
}

impl Content {
    fn parse(text: &str) -> Self {
        let mut head = Vec::new();
        let mut rest = text.trim_start_matches(is_filling);
        while let Some((line, after)) = head_line(rest) {
            head.push(line);
            rest = after.trim_start_matches(is_filling);
        }
        let body = rest.chars().filter(|character| !is_filling(*character));
        Self {
            head,
            body: body.collect(),
        }
    }
}

/// The first line of the head, and the rest of the text. Nothing may separate the two.
fn head_line(text: &str) -> Option<(String, &str)> {
    const ENCRYPTED: &str = "4,ENCRYPTED";
    if let Some(rest) = text.strip_prefix("Proc-Type:") {
        let rest = rest.trim_start().strip_prefix(ENCRYPTED)?;
        return Some((format!("Proc-Type: {ENCRYPTED}"), rest));
    }
    if let Some(rest) = text.strip_prefix("DEK-Info:") {
        let (cipher, rest) = rest.trim_start().split_once(',')?;
        // The initialisation vector has the length of one block of the cipher. This length is
        // needed because the next characters may be digits as well.
        let digits = if cipher.starts_with("AES") || cipher.starts_with("CAMELLIA") {
            32
        } else {
            16
        };
        let (vector, rest) = rest.split_at_checked(digits)?;
        return Some((format!("DEK-Info: {cipher},{vector}"), rest));
    }
    // Any other line, such as a comment, goes up to its line end.
    let (line, rest) = text.split_once('\n')?;
    let (name, _) = line.split_once(':')?;
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    is_name.then(|| (line.trim().to_owned(), rest))
}

/// Whether a character may stand in place of a line end, or around the text: blanks of all kinds,
/// quotes, and the byte order mark.
fn is_filling(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '"' | '\'' | '`' | '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}'
        )
}

enum Marker {
    Begin(String),
    End(String),
}

/// The next BEGIN or END of a text, with the text before it and the text after it.
fn next_marker(text: &str) -> Option<(&str, Marker, &str)> {
    let mut from = 0;
    while let Some(at) = text[from..].find('-') {
        let start = from + at;
        let inside = text[start..].trim_start_matches('-');
        let found = marker(inside.trim_start());
        if let Some((marker, after)) = found {
            return Some((&text[..start], marker, after));
        }
        from = text.len() - inside.len();
    }
    None
}

/// The marker in a text that begins after the marker's first dashes.
fn marker(text: &str) -> Option<(Marker, &str)> {
    let (is_begin, rest) = match text.strip_prefix("BEGIN") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix("END")?),
    };
    let (label, rest) = rest.split_at(rest.find('-')?);
    let is_of_label = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c.is_whitespace();
    if !label.chars().all(is_of_label) {
        return None;
    }
    let dashes = rest.len() - rest.trim_start_matches('-').len();
    // The dashes of the next marker may follow without anything between.
    let rest = &rest[dashes.min(DASHES)..];
    let label = whole_label(label);
    let marker = if is_begin {
        Marker::Begin(label)
    } else {
        Marker::End(label)
    };
    Some((marker, rest))
}

fn whole_label(given: &str) -> String {
    let words: Vec<&str> = given.split_whitespace().collect();
    let squeezed = words.concat();
    let is_it = |label: &&&str| label.replace(' ', "") == squeezed;
    match LABELS.iter().find(is_it) {
        Some(label) => (*label).to_owned(),
        // The label that SSLeay used for certificates.
        None if squeezed == "X509CERTIFICATE" => "CERTIFICATE".to_owned(),
        None => words.join(" "),
    }
}

/// The text without JSON's escapes, even if they were escaped several times: an escaped line end or
/// tab becomes a line end, any other escaped character becomes itself. This is safe because PEM
/// contains no backslashes.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        let mut escaped = characters.next();
        while escaped == Some('\\') {
            escaped = characters.next();
        }
        match escaped {
            Some('n' | 'r' | 't') => plain.push('\n'),
            Some('u') => {
                let digits: String = characters.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).ok();
                match code.and_then(char::from_u32) {
                    Some(character) => plain.push(character),
                    None => plain.push_str(&digits),
                }
            }
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests;
