//! `schemas` and namespaces: names joined by dots, and how they are split.
//!
//! Trino's names may contain dots, so a text such as `lake.tpch.tiny` does not tell where the
//! catalog ends. The existing catalogs tell it: the longest one that the text begins with is the
//! catalog. A part in quotes, as in SQL, is always one name: `memory."a.b"`.

use std::collections::BTreeSet;
use std::fmt;

/// An entry of `schemas`, or the namespace of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DottedName {
    /// The names between the dots, in lower case as Trino keeps all names, without quotes.
    parts: Vec<String>,
}

/// The schemas that are meant: a single one, or all that match a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SchemaPattern {
    /// The catalog, if it is not the configured one.
    pub(crate) catalog: Option<String>,
    /// The schema; `*` stands for any text.
    pub(crate) pattern: String,
}

impl DottedName {
    /// Splits a text at the dots that are not in quotes.
    ///
    /// # Errors
    ///
    /// What is wrong with the quotes of the text, as the end of a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let (part, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted_part(quoted)?,
                None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
            };
            parts.push(unquoted(part).to_lowercase());
            match after.strip_prefix('.') {
                Some(next) => rest = next,
                None if after.is_empty() => return Ok(Self { parts }),
                None => return Err("has text behind a closing quote".to_owned()),
            }
        }
    }

    /// A namespace. Quotes that make no sense belong to the name.
    fn parse_namespace(text: &str) -> Self {
        Self::parse(text).unwrap_or_else(|_| Self {
            parts: vec![text.to_lowercase()],
        })
    }

    /// Whether a catalog may stand before a dot, so that [`DottedName::resolve`] needs to know
    /// which catalogs exist.
    pub(crate) fn has_parts(&self) -> bool {
        self.parts.len() > 1
    }

    /// The name before the first dot, which is the catalog if nothing else is known.
    pub(crate) fn first(&self) -> &str {
        self.parts.first().map_or("", String::as_str)
    }

    /// The meaning of the name, given the catalogs that exist. The longest catalog that the name
    /// begins with is its catalog. If there is none, the whole name is a schema of the configured
    /// catalog. If `catalogs` is empty because none is known, the catalog ends at the first dot.
    pub(crate) fn resolve(&self, catalogs: &[String]) -> SchemaPattern {
        let first_dot = usize::from(catalogs.is_empty() && self.has_parts());
        self.split(self.end_of_catalog(catalogs).unwrap_or(first_dot))
    }

    /// How many parts make up the catalog, if the name begins with one of these catalogs.
    fn end_of_catalog(&self, catalogs: &[String]) -> Option<usize> {
        let mut ends = (1..self.parts.len()).rev();
        ends.find(|end| catalogs.contains(&self.parts[..*end].join(".")))
    }

    fn split(&self, end_of_catalog: usize) -> SchemaPattern {
        let (catalog, pattern) = self.parts.split_at(end_of_catalog);
        SchemaPattern {
            catalog: (end_of_catalog > 0).then(|| catalog.join(".")),
            pattern: pattern.join("."),
        }
    }
}

/// Written as in SQL: parts with a dot or a quote are quoted.
impl fmt::Display for DottedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self
            .parts
            .iter()
            .map(|part| {
                if part.contains(['.', '"']) {
                    quoted(part)
                } else {
                    part.clone()
                }
            })
            .collect();
        f.write_str(&parts.join("."))
    }
}

/// A part up to its closing quote, with its doubled quotes as they are, and the rest of the text.
fn quoted_part(text: &str) -> Result<(&str, &str), String> {
    let mut from = 0;
    while let Some(at) = text[from..].find('"') {
        let end = from + at;
        if text[end + 1..].starts_with('"') {
            from = end + 2;
        } else {
            return Ok((&text[..end], &text[end + 1..]));
        }
    }
    Err("has a quote that is not closed".to_owned())
}

fn unquoted(part: &str) -> String {
    part.replace("\"\"", "\"")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The namespaces of streams, and the catalogs and schemas that they stand for.
///
/// A namespace is a schema of the configured catalog, or `catalog.schema` for a catalog that
/// `schemas` names.
#[derive(Debug, Clone)]
pub(crate) struct Namespaces {
    /// The configured catalog.
    catalog: String,
    /// The other catalogs that `schemas` names.
    others: Vec<String>,
    /// What `schemas` means, in the order given.
    patterns: Vec<SchemaPattern>,
}

impl Namespaces {
    /// Makes the namespaces of the configured `catalog` and of the entries of `schemas`, given the
    /// `catalogs` that exist.
    pub(crate) fn new(catalog: &str, schemas: &[DottedName], catalogs: &[String]) -> Self {
        let patterns: Vec<SchemaPattern> = schemas
            .iter()
            .map(|entry| entry.resolve(catalogs))
            .collect();
        let others: BTreeSet<String> = patterns
            .iter()
            .filter_map(|pattern| pattern.catalog.clone())
            .collect();
        Self {
            catalog: catalog.to_owned(),
            others: others.into_iter().collect(),
            patterns,
        }
    }

    /// What `schemas` means, in the order given.
    pub(crate) fn patterns(&self) -> &[SchemaPattern] {
        &self.patterns
    }

    /// The catalog and the schema that a namespace stands for.
    pub(crate) fn place(&self, namespace: &str) -> (String, String) {
        let name = DottedName::parse_namespace(namespace);
        let place = name.split(name.end_of_catalog(&self.others).unwrap_or(0));
        let catalog = place.catalog.unwrap_or_else(|| self.catalog.clone());
        (catalog, place.pattern)
    }

    /// The namespace of a schema. It is quoted only if it would otherwise be taken for the
    /// namespace of another schema.
    pub(crate) fn namespace(&self, catalog: &str, schema: &str) -> String {
        let plain = if catalog == self.catalog {
            schema.to_owned()
        } else {
            format!("{catalog}.{schema}")
        };
        let (of, name) = self.place(&plain);
        if (of.as_str(), name.as_str()) == (catalog, schema) {
            plain
        } else if catalog == self.catalog {
            quoted(schema)
        } else {
            format!("{}.{}", quoted(catalog), quoted(schema))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn resolved(text: &str, catalogs: &[&str]) -> (Option<String>, String) {
        let pattern = DottedName::parse(text).unwrap().resolve(&names(catalogs));
        (pattern.catalog, pattern.pattern)
    }

    #[test]
    fn known_catalogs_decide_where_a_name_is_split() {
        let catalogs = &["lake", "lake.tpch", "memory"];
        for (text, catalog, schema) in [
            ("sales", None, "sales"),
            ("raw_*", None, "raw_*"),
            ("memory.raw_*", Some("memory"), "raw_*"),
            ("MEMORY.Raw", Some("memory"), "raw"),
            ("lake.tpch.tiny", Some("lake.tpch"), "tiny"),
            ("lake.tpch", Some("lake"), "tpch"),
            ("lake.events.x", Some("lake"), "events.x"),
            ("lake.tpch.a.b", Some("lake.tpch"), "a.b"),
            ("odd.name", None, "odd.name"),
            ("a..b", None, "a..b"),
            ("\"a.b\"", None, "a.b"),
            ("\"memory.x\"", None, "memory.x"),
            ("memory.\"a.b\"", Some("memory"), "a.b"),
            ("\"lake.tpch\".tiny", Some("lake.tpch"), "tiny"),
            ("lake.\"tpch.tiny\"", Some("lake"), "tpch.tiny"),
            ("\"lake\".\"tpch\"", Some("lake"), "tpch"),
            ("memory.\"a\"\"b\"", Some("memory"), "a\"b"),
            ("memory.a\"b", Some("memory"), "a\"b"),
        ] {
            let expected = (catalog.map(str::to_owned), schema.to_owned());
            assert_eq!(resolved(text, catalogs), expected, "{text}");
        }
    }

    #[test]
    fn without_known_catalogs_the_first_dot_ends_the_catalog() {
        let of = |text| resolved(text, &[]);
        assert_eq!(of("lake.a.b"), (Some("lake".into()), "a.b".into()));
        assert_eq!(of("\"lake.a\".b"), (Some("lake.a".into()), "b".into()));
        assert_eq!(of("\"lake.a\""), (None, "lake.a".into()));
    }

    #[test]
    fn quotes_that_make_no_sense_are_said() {
        for text in ["\"a.b", "\"a\"b.c", "x.\"", "\"a\"\""] {
            assert!(DottedName::parse(text).is_err(), "{text}");
        }
    }

    fn namespaces(schemas: &[&str], catalogs: &[&str]) -> Namespaces {
        let schemas: Vec<DottedName> = schemas
            .iter()
            .map(|text| DottedName::parse(text).unwrap())
            .collect();
        Namespaces::new("postgres", &schemas, &names(catalogs))
    }

    #[test]
    fn a_namespace_may_name_another_catalog() {
        let known = namespaces(
            &["lake.raw_*", "lake.tpch.tiny", "x"],
            &["postgres", "lake", "lake.tpch", "odd"],
        );
        for (namespace, catalog, schema) in [
            ("public", "postgres", "public"),
            ("Public", "postgres", "public"),
            ("lake.raw_a", "lake", "raw_a"),
            ("lake.tpch.tiny", "lake.tpch", "tiny"),
            // A catalog that `schemas` does not name is none of ours.
            ("odd.name", "postgres", "odd.name"),
            ("postgres.x", "postgres", "postgres.x"),
            ("\"lake.x\"", "postgres", "lake.x"),
            ("a\"b", "postgres", "a\"b"),
            ("\"a", "postgres", "\"a"),
        ] {
            let expected = (catalog.to_owned(), schema.to_owned());
            assert_eq!(known.place(namespace), expected, "{namespace}");
        }
        assert_eq!(known.namespace("lake", "raw_a"), "lake.raw_a");
        assert_eq!(known.namespace("postgres", "x"), "x");
        assert_eq!(known.namespace("postgres", "odd.name"), "odd.name");
        assert_eq!(known.namespace("lake.tpch", "tiny"), "lake.tpch.tiny");
        assert_eq!(known.namespace("postgres", "lake.x"), "\"lake.x\"");
        assert_eq!(
            known.namespace("lake", "tpch.tiny"),
            "\"lake\".\"tpch.tiny\""
        );
    }

    #[test]
    fn without_other_catalogs_a_dot_belongs_to_the_schema() {
        let known = namespaces(&[], &[]);
        assert_eq!(known.place("a.b"), ("postgres".into(), "a.b".into()));
        assert_eq!(known.namespace("postgres", "a.b"), "a.b");
    }

    proptest! {
        #[test]
        fn the_schema_behind_a_namespace_is_the_one_it_was_made_for(
            named in proptest::collection::vec("[ab.\"]{1,4}", 0..4),
            catalog in "[ab.\"]{1,4}",
            schema in "[ab.\"]{1,6}",
        ) {
            let mut catalogs = named.clone();
            catalogs.push("postgres".to_owned());
            let entries: Vec<DottedName> = named
                .iter()
                .map(|name| DottedName::parse(&format!("{}.x", quoted(name))).unwrap())
                .collect();
            let known = Namespaces::new("postgres", &entries, &catalogs);
            for catalog in named.iter().map(String::as_str).chain(["postgres"]) {
                let namespace = known.namespace(catalog, &schema);
                prop_assert_eq!(
                    known.place(&namespace),
                    (catalog.to_owned(), schema.clone()),
                    "{} of {}", namespace, catalog
                );
            }
            // What is parsed is shown in a form that means the same.
            let name = DottedName { parts: vec![catalog, schema] };
            prop_assert_eq!(DottedName::parse(&name.to_string()).unwrap(), name);
        }
    }
}
