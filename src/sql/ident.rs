//! Quoting. Trino has two rules: `"` is doubled in names, `'` in texts.

use std::fmt;

/// A name in double quotes.
pub(crate) struct Ident<'a>(pub &'a str);

impl fmt::Display for Ident<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

/// A text in single quotes.
pub(crate) struct Text<'a>(pub &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}

/// A table's full name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Table {
    /// Catalog.
    pub(crate) catalog: String,
    /// Schema.
    pub(crate) schema: String,
    /// Table or view.
    pub(crate) name: String,
}

impl Table {
    /// The table of these names.
    pub(crate) fn new(
        catalog: impl Into<String>,
        schema: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self {
            catalog: catalog.into(),
            schema: schema.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            catalog,
            schema,
            name,
        } = self;
        write!(f, "{}.{}.{}", Ident(catalog), Ident(schema), Ident(name))
    }
}

/// What a stream reads from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Relation {
    /// A table or view.
    Table(Table),
    /// A query of the configuration.
    Query(String),
}

impl Relation {
    /// The table, if it is one.
    pub(crate) fn table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            Self::Query(_) => None,
        }
    }
}

/// The text after `FROM`. A query is put on lines of its own, because it may end with a comment.
impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(table) => table.fmt(f),
            Self::Query(sql) => write!(f, "(\n{sql}\n)"),
        }
    }
}

/// A column that no connector compares or aggregates in Trino's place: none can evaluate an
/// expression with a random number, and Trino does not notice that the result is always the column
/// itself.
pub(crate) fn evaluated_by_trino(column: &str) -> String {
    format!("IF(rand() < 2, {})", Ident(column))
}

/// Texts of SQL, with commas between them.
pub(super) fn texts(values: &[impl AsRef<str>]) -> String {
    let values: Vec<String> = values
        .iter()
        .map(|value| Text(value.as_ref()).to_string())
        .collect();
    values.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_in_names_and_texts_are_doubled() {
        assert_eq!(Ident("a\"b.c d").to_string(), "\"a\"\"b.c d\"");
        assert_eq!(Text("it's").to_string(), "'it''s'");
        let table = Table::new("c", "s.x", "t\"");
        assert_eq!(table.to_string(), "\"c\".\"s.x\".\"t\"\"\"");
    }
}
