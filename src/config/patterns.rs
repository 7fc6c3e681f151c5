//! Patterns for names, and `table_patterns`: which tables become streams.

use super::fields::Fields;

/// Which tables of the configured schemas become streams.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TablePatterns {
    /// Only tables that match one of these; all if there are none.
    include: Vec<TablePattern>,
    /// Of these, tables that match none of these.
    exclude: Vec<TablePattern>,
}

/// A pattern for names of tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TablePattern {
    /// The list that it stands in: `include` or `exclude`.
    pub(crate) list: &'static str,
    /// As it was given.
    pub(crate) text: String,
    /// In small letters, as Trino keeps all names, with `*` alone for any text.
    pattern: String,
}

impl TablePatterns {
    /// Whether all tables become streams.
    pub(crate) fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether a table becomes a stream.
    pub(crate) fn choose(&self, namespace: &str, table: &str) -> bool {
        let is_among = |list: &[TablePattern]| list.iter().any(|one| one.matches(namespace, table));
        (self.include.is_empty() || is_among(&self.include)) && !is_among(&self.exclude)
    }

    /// All patterns.
    pub(crate) fn all(&self) -> impl Iterator<Item = &TablePattern> {
        self.include.iter().chain(&self.exclude)
    }
}

impl TablePattern {
    fn new(list: &'static str, text: String) -> Self {
        // Sources of Airbyte that filter tables take patterns of SQL's LIKE. Its `%` is understood,
        // but not its `_`: nearly every name has one that stands for itself.
        let pattern = text.to_lowercase().replace('%', "*");
        Self {
            list,
            text,
            pattern,
        }
    }

    /// Whether a table matches, by its name or, if the pattern has a dot, by its namespace and
    /// name.
    pub(crate) fn matches(&self, namespace: &str, table: &str) -> bool {
        matches(&self.pattern, table)
            || self.pattern.contains('.') && matches(&self.pattern, &format!("{namespace}.{table}"))
    }
}

/// Whether `name` matches `pattern`; `*` stands for any text.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

pub(super) fn table_patterns(fields: &mut Fields<'_>) -> TablePatterns {
    fields.object("table_patterns", "include", |fields| {
        let mut list = |name| {
            let texts = fields.texts(name).into_iter();
            texts.map(|text| TablePattern::new(name, text)).collect()
        };
        TablePatterns {
            include: list("include"),
            exclude: list("exclude"),
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(patterns: &Value) -> TablePatterns {
        let config = json!({"table_patterns": patterns});
        let mut fields = Fields::new(&config);
        let patterns = table_patterns(&mut fields);
        fields.finish(patterns).unwrap()
    }

    #[test]
    fn patterns_match_whole_names() {
        let cases = [
            ("*", "anything", true),
            ("raw_*", "raw_a", true),
            ("raw_*", "xraw_a", false),
            ("*_a", "raw_a", true),
            ("r*_*a", "raw_xa", true),
            ("r*w*a", "raw", false),
            ("a*a", "a", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_excluded_is_left_out_of_what_is_included() {
        let patterns = read(&json!({"include": ["Raw_*", "orders"], "exclude": ["%_tmp", "hr.*"]}));
        let cases = [
            ("s", "raw_a", true),
            ("s", "orders", true),
            // An underscore stands for itself.
            ("s", "rawxa", false),
            ("s", "orders2", false),
            ("s", "raw_a_tmp", false),
            ("hr", "raw_a", false),
        ];
        for (namespace, table, expected) in cases {
            assert_eq!(
                patterns.choose(namespace, table),
                expected,
                "{namespace}.{table}"
            );
        }
    }

    #[test]
    fn a_pattern_with_a_dot_is_for_the_namespace_too() {
        let patterns = read(&json!({"include": "sales.*, *.log_*, a.b"}));
        for (namespace, table, expected) in [
            ("sales", "orders", true),
            ("other", "orders", false),
            ("other", "log_1", true),
            ("s", "a.b", true),
            ("a", "b", true),
        ] {
            assert_eq!(
                patterns.choose(namespace, table),
                expected,
                "{namespace}.{table}"
            );
        }
        // Without a dot, the namespace does not count.
        assert!(!read(&json!({"include": ["raw*"]})).choose("raw", "orders"));
    }

    #[test]
    fn nothing_given_means_all_tables() {
        for given in [
            json!(null),
            json!({}),
            json!({"include": [], "exclude": [""]}),
        ] {
            let patterns = read(&given);
            assert!(patterns.is_empty(), "{given}");
            assert!(patterns.choose("s", "t"), "{given}");
        }
        assert!(read(&json!({"exclude": ["x"]})).choose("s", "t"));
    }
}
