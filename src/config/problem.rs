//! What can be wrong with a configuration.

use std::fmt;

/// Something wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The field as its reader knows it, for example `authentication.password`; empty for the whole
    /// configuration.
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
