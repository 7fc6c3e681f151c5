//! Reads fields from a JSON object, and collects what is wrong with them.
//!
//! People and tools write one value in several forms, so each reader takes all of them: null and
//! empty text mean "not set" for every field, `8080.0` and `"8080"` are whole numbers, `"true"` is
//! a flag, and one text stands for a list.

use std::ops::RangeInclusive;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::form::{self, Unknown};
use super::problem::Problem;
use super::value::{is_empty, is_same_word, is_set, kind, one_of, split_at_commas, whole_number};
use crate::titles;

/// A JSON object that is being read. Wrong fields give a harmless value and a [`Problem`], so
/// that the reader goes on and finds all of them.
pub(super) struct Fields<'a> {
    map: Option<&'a Map<String, Value>>,
    /// A field that was given without an object around it, with its value.
    alone: Option<(&'static str, &'a Value)>,
    prefix: &'static str,
    /// Which entry of a list this is, in words; empty if it is none.
    entry: String,
    /// Its number, from 1.
    number: Option<usize>,
    /// The unknown fields of the whole configuration: one of them may be the misspelt name of a
    /// missing field.
    unknown: Rc<[Unknown]>,
    problems: Vec<Problem>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(value: &'a Value) -> Self {
        let mut fields = Self {
            map: value.as_object(),
            alone: None,
            prefix: "",
            entry: String::new(),
            number: None,
            unknown: form::unknown(value).into(),
            problems: Vec::new(),
        };
        if fields.map.is_none() {
            fields.problem(
                "",
                "it must be a JSON object, such as {\"hostname\": \"localhost\", …}",
            );
        }
        fields
    }

    fn inner(&self, name: &'static str, map: Option<&'a Map<String, Value>>) -> Self {
        Self {
            map,
            alone: None,
            prefix: name,
            entry: String::new(),
            number: None,
            unknown: Rc::clone(&self.unknown),
            problems: Vec::new(),
        }
    }

    /// Reads the object in field `name` with `read`. The paths of its problems begin with `name.`.
    /// If there is a text in place of the object, it is taken for the object's field `main`. An
    /// absent field is read as an empty object.
    pub(super) fn object<T>(
        &mut self,
        name: &'static str,
        main: &'static str,
        read: impl FnOnce(&mut Fields<'a>) -> T,
    ) -> T {
        let value = self.value(name);
        let mut inner = self.inner(name, value.and_then(Value::as_object));
        match value {
            None | Some(Value::Object(_)) => {}
            Some(text @ Value::String(_)) => inner.alone = Some((main, text)),
            Some(other) => self.problem(
                name,
                &format!("must be an object with \"{main}\", not {}", kind(other)),
            ),
        }
        let result = read(&mut inner);
        self.problems.append(&mut inner.problems);
        result
    }

    /// Reads the objects of the list in field `name` with `read`. An absent list is read as an
    /// empty one, and entries in which nothing is set are skipped. `key` is the field that tells
    /// entries apart.
    pub(super) fn objects<T>(
        &mut self,
        name: &'static str,
        key: &'static str,
        mut read: impl FnMut(&mut Fields<'a>) -> T,
    ) -> Vec<T> {
        let list = match self.value(name) {
            None => return Vec::new(),
            Some(Value::Array(list)) => list,
            Some(other) => {
                self.problem(
                    name,
                    &format!("must be a list of objects, not {}", kind(other)),
                );
                return Vec::new();
            }
        };
        let mut results = Vec::new();
        for (number, entry) in (1..).zip(list) {
            if !is_set(entry) {
                continue;
            }
            let Some(map) = entry.as_object() else {
                let text = format!("entry {number} must be an object, not {}", kind(entry));
                self.problem(name, &text);
                continue;
            };
            if map.values().all(is_empty) {
                continue;
            }
            let mut inner = self.inner(name, Some(map));
            inner.number = Some(number);
            inner.entry = match map.get(key).and_then(Value::as_str).map(str::trim) {
                None | Some("") => format!(" (entry {number})"),
                Some(called) => format!(" (entry {number}, \"{called}\")"),
            };
            results.push(read(&mut inner));
            self.problems.append(&mut inner.problems);
        }
        results
    }

    /// All problems, or the result when there are none.
    pub(super) fn finish<T>(self, result: T) -> Result<T, Vec<Problem>> {
        if self.map.is_none() {
            // Without an object every field is missing. That is reported as one problem, not as
            // ten.
            return Err(self.problems.into_iter().take(1).collect());
        }
        if self.problems.is_empty() {
            Ok(result)
        } else {
            Err(self.problems)
        }
    }

    pub(super) fn problem(&mut self, name: &str, text: &str) {
        let field = format!("{}{}", titles::field(&self.path(name)), self.entry);
        let text = text.to_owned();
        self.problems.push(Problem { field, text });
    }

    /// Notes the problem that a required field is missing; `expected` completes "set it to …".
    pub(super) fn missing(&mut self, name: &str, expected: &str) {
        self.missing_with_advice(name, &format!("set it to {expected}"));
    }

    /// As [`Fields::missing`], with its own `advice`. If an unknown field looks like this one under
    /// a wrong name, the problem names it.
    pub(super) fn missing_with_advice(&mut self, name: &str, advice: &str) {
        let path = self.path(name);
        let misspelt = self.unknown.iter().find(|unknown| {
            let is_here = unknown.entry.is_none() || unknown.entry == self.number;
            is_here && unknown.suggestion.as_deref() == Some(path.as_str())
        });
        let text = match misspelt {
            None => format!("is missing; {advice}"),
            Some(Unknown { path: given, .. }) => format!(
                "is missing; there is \"{given}\", which is not known: did you mean ‹{path}›? Otherwise {advice}"
            ),
        };
        self.problem(name, &text);
    }

    fn path(&self, name: &str) -> String {
        match (self.prefix, name) {
            ("", name) => name.to_owned(),
            (prefix, name) => format!("{prefix}.{name}"),
        }
    }

    /// Which entry of a list this is, in words; empty if it is none.
    pub(super) fn entry(&self) -> &str {
        &self.entry
    }

    /// The value of a field as it is given. Null counts as absent, because forms send null for
    /// empty fields.
    pub(super) fn given(&self, name: &str) -> Option<&'a Value> {
        let value = match self.alone {
            Some((main, value)) if main == name => Some(value),
            _ => self.map?.get(name),
        };
        value.filter(|value| !value.is_null())
    }

    /// The value of a field that is set: neither null nor empty text.
    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.given(name).filter(|value| is_set(value))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Text without outer blanks; `None` when it is not set.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::String(text) => Some(text.trim().to_owned()),
            other => {
                self.problem(name, &format!("must be text, not {}", kind(other)));
                Some(String::new())
            }
        }
    }

    /// Text that must be set; `expected` completes "set it to …".
    pub(super) fn required_text(&mut self, name: &str, expected: &str) -> String {
        self.text(name).unwrap_or_else(|| {
            if self.given(name).is_some() {
                self.problem(name, &format!("is empty; set it to {expected}"));
            } else {
                self.missing(name, expected);
            }
            String::new()
        })
    }

    /// One of `words`, in small or capital letters. `None` if it is not set, or is another word.
    pub(super) fn word(&mut self, name: &str, words: &[&'static str]) -> Option<&'static str> {
        let given = self.text(name).filter(|given| !given.is_empty())?;
        let word = words.iter().find(|word| is_same_word(word, &given));
        if word.is_none() {
            // A text in place of an object is not shown, because it may be a password.
            let given = match self.alone {
                Some(_) => "the text".to_owned(),
                None => format!("\"{given}\""),
            };
            let text = format!("{given} is not known; choose {}", one_of(words));
            self.problem(name, &text);
        }
        word.copied()
    }

    /// As [`Fields::word`]. If the word is not set, it is the word whose own fields are set;
    /// `marks` tells the fields of each word. Fields of several words are a problem, because no
    /// field may be ignored silently.
    pub(super) fn word_or_meant(
        &mut self,
        name: &str,
        words: &[&'static str],
        marks: &[(&'static str, &[&str])],
    ) -> Option<&'static str> {
        if self.has(name) {
            return self.word(name, words);
        }
        let meant = marks
            .iter()
            .filter(|(_, fields)| fields.iter().any(|field| self.has(field)));
        let meant: Vec<&'static str> = meant.map(|(word, _)| *word).collect();
        if meant.len() > 1 {
            self.missing(name, &one_of(&meant));
        }
        meant.first().copied()
    }

    /// A secret exactly as given, blanks included.
    pub(super) fn secret(&mut self, name: &str) -> Option<&'a str> {
        let value = self.given(name)?;
        let Some(text) = value.as_str() else {
            // The value itself must never be shown.
            self.problem(name, "must be text");
            return Some("");
        };
        (!text.is_empty()).then_some(text)
    }

    /// true or false, also written as text.
    pub(super) fn flag(&mut self, name: &str, default: bool) -> bool {
        match self.value(name) {
            None => default,
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) if is_same_word(text.trim(), "true") => true,
            Some(Value::String(text)) if is_same_word(text.trim(), "false") => false,
            Some(other) => {
                self.problem(name, &format!("must be true or false, not {}", kind(other)));
                default
            }
        }
    }

    /// A whole number, also written as text, or with zeros behind a decimal point.
    pub(super) fn integer(&mut self, name: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let Some(value) = self.value(name) else {
            return default;
        };
        let number = match value {
            Value::Number(number) => whole_number(&number.to_string()),
            Value::String(text) => whole_number(text.trim()),
            _ => None,
        };
        match number {
            Some(number) if range.contains(&number) => number,
            _ => {
                let (low, high) = (range.start(), range.end());
                self.problem(
                    name,
                    &format!("{value} is not a whole number from {low} to {high}"),
                );
                default
            }
        }
    }

    /// A list of texts. A single text is split at its commas.
    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        let list = match self.value(name) {
            None => return Vec::new(),
            Some(Value::Array(list)) => list,
            Some(Value::String(text)) => {
                let parts = split_at_commas(text).into_iter();
                return parts.filter(|part| !part.is_empty()).collect();
            }
            Some(other) => {
                self.problem(
                    name,
                    &format!("must be a list of texts, not {}", kind(other)),
                );
                return Vec::new();
            }
        };
        let mut texts = Vec::new();
        for (number, entry) in (1..).zip(list).filter(|(_, entry)| is_set(entry)) {
            match entry {
                Value::String(text) => texts.push(text.trim().to_owned()),
                other => {
                    let text = format!("entry {number} must be text, not {}", kind(other));
                    self.problem(name, &text);
                }
            }
        }
        texts
    }

    /// A list of `name=value` texts, or an object of names and values.
    pub(super) fn pairs(&mut self, name: &str, form: &str) -> Vec<(String, String)> {
        if let Some(Value::Object(map)) = self.value(name) {
            let text = |value: &Value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            return map
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), text(value)))
                .collect();
        }
        let mut texts = self.texts(name);
        if let Some(Value::String(_)) = self.value(name) {
            // A part without "=" belongs to the value before it, which contains a comma.
            texts = texts.into_iter().fold(Vec::new(), |mut pairs, part| {
                match pairs.last_mut() {
                    Some(pair) if !part.contains('=') => *pair = format!("{pair},{part}"),
                    _ => pairs.push(part),
                }
                pairs
            });
        }
        let mut pairs = Vec::new();
        for text in texts {
            match text.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    pairs.push((key.trim().to_owned(), value.trim().to_owned()));
                }
                _ => {
                    let name_only = text.split('=').next().unwrap_or_default();
                    self.problem(name, &format!("\"{name_only}\" is not of the form {form}"));
                }
            }
        }
        pairs
    }
}

#[cfg(test)]
mod tests;
