//! Reads fields out of a JSON object and collects what is wrong with them.

use std::fmt;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

/// Something wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Path of the field, for example `authentication.password`; empty for the whole.
    pub(crate) field: String,
    /// What is wrong and what is expected.
    pub(crate) text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            return f.write_str(&self.text);
        }
        write!(f, "{}: {}", self.field, self.text)
    }
}

/// A JSON object that is being read. Wrong fields give a harmless value and a [`Problem`], so
/// that the reader goes on and finds all of them.
pub(super) struct Fields<'a> {
    map: Option<&'a Map<String, Value>>,
    prefix: &'static str,
    problems: Vec<Problem>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(value: &'a Value) -> Self {
        let mut fields = Self {
            map: value.as_object(),
            prefix: "",
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

    /// Reads the object in field `name` with `read`, whose problems are named `name.…`.
    /// An absent field reads as an empty object.
    pub(super) fn object<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Fields<'a>) -> T,
    ) -> T {
        let map = match self.value(name) {
            None => None,
            Some(Value::Object(map)) => Some(map),
            Some(other) => {
                self.problem(name, &format!("must be an object, not {}", kind(other)));
                None
            }
        };
        let mut inner = Fields {
            map,
            prefix: name,
            problems: Vec::new(),
        };
        let result = read(&mut inner);
        self.problems.append(&mut inner.problems);
        result
    }

    /// Reads the objects of the list in field `name` with `read`; an absent list is an empty one.
    pub(super) fn objects<T>(
        &mut self,
        name: &'static str,
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
        for entry in list {
            let Some(map) = entry.as_object() else {
                self.problem(name, &format!("must hold objects, not {}", kind(entry)));
                continue;
            };
            let mut inner = Fields {
                map: Some(map),
                prefix: name,
                problems: Vec::new(),
            };
            results.push(read(&mut inner));
            self.problems.append(&mut inner.problems);
        }
        results
    }

    /// All problems, or the result when there are none.
    pub(super) fn finish<T>(self, result: T) -> Result<T, Vec<Problem>> {
        if self.map.is_none() {
            // Without an object every field is missing; that is one problem, not ten.
            return Err(self.problems.into_iter().take(1).collect());
        }
        if self.problems.is_empty() {
            Ok(result)
        } else {
            Err(self.problems)
        }
    }

    pub(super) fn problem(&mut self, name: &str, text: &str) {
        let field = match (self.prefix, name) {
            ("", name) => name.to_owned(),
            (prefix, name) => format!("{prefix}.{name}"),
        };
        self.problems.push(Problem {
            field,
            text: text.to_owned(),
        });
    }

    /// The value of a field; null counts as absent, as forms send it.
    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.map?.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Text without outer blanks; `None` when absent or empty.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            other => {
                self.problem(name, &format!("must be text, not {}", kind(other)));
                Some(String::new())
            }
        }
    }

    /// Text that must be there; `expected` completes "set it to …".
    pub(super) fn required_text(&mut self, name: &str, expected: &str) -> String {
        self.text(name).unwrap_or_else(|| {
            let what = if self.has(name) {
                "is empty"
            } else {
                "is missing"
            };
            self.problem(name, &format!("{what}; set it to {expected}"));
            String::new()
        })
    }

    /// A secret exactly as given, blanks included.
    pub(super) fn secret(&mut self, name: &str) -> Option<&'a str> {
        let value = self.value(name)?;
        let Some(text) = value.as_str() else {
            // The value itself must not show, whatever it is.
            self.problem(name, "must be text");
            return Some("");
        };
        (!text.is_empty()).then_some(text)
    }

    pub(super) fn flag(&mut self, name: &str, default: bool) -> bool {
        match self.value(name) {
            None => default,
            Some(Value::Bool(flag)) => *flag,
            Some(other) => {
                self.problem(name, &format!("must be true or false, not {}", kind(other)));
                default
            }
        }
    }

    /// A whole number, also written as text.
    pub(super) fn integer(&mut self, name: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let Some(value) = self.value(name) else {
            return default;
        };
        let number = match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) if text.trim().is_empty() => Some(default),
            Value::String(text) => text.trim().parse().ok(),
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

    /// A list of texts; one text alone counts as a list of one.
    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        let list = match self.value(name) {
            None => return Vec::new(),
            Some(Value::Array(list)) => list.as_slice(),
            Some(text @ Value::String(_)) => std::slice::from_ref(text),
            Some(other) => {
                self.problem(
                    name,
                    &format!("must be a list of texts, not {}", kind(other)),
                );
                return Vec::new();
            }
        };
        let mut texts = Vec::new();
        for entry in list {
            match entry {
                Value::String(text) if text.trim().is_empty() => {}
                Value::String(text) => texts.push(text.trim().to_owned()),
                other => self.problem(name, &format!("must hold texts, not {}", kind(other))),
            }
        }
        texts
    }

    /// A list of `name=value` texts, or an object of names and values.
    pub(super) fn pairs(&mut self, name: &str) -> Vec<(String, String)> {
        if let Some(Value::Object(map)) = self.value(name) {
            let text = |value: &Value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            return map
                .iter()
                .map(|(key, value)| (key.clone(), text(value)))
                .collect();
        }
        let mut pairs = Vec::new();
        for text in self.texts(name) {
            match text.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    pairs.push((key.trim().to_owned(), value.trim().to_owned()));
                }
                _ => {
                    let name_only = text.split('=').next().unwrap_or_default();
                    self.problem(
                        name,
                        &format!("\"{name_only}\" is not of the form name=value"),
                    );
                }
            }
        }
        pairs
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
