//! Which schemas the configuration means.

use std::collections::{BTreeMap, HashMap};

use crate::catalog::{fault, listing, namespaces};
use crate::config::{Connection, matches};
use crate::error::ConnectorError;
use crate::near;
use crate::protocol::message::FailureType;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::answers::{CatalogRow, NameRow};
use crate::trino::control;
use crate::trino::error::{QueryError, QueryFailure, TrinoError};

/// A schema of a catalog.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Schema {
    /// Catalog.
    pub(crate) catalog: String,
    /// Schema.
    pub(crate) name: String,
    /// The namespace of its streams.
    pub(crate) namespace: String,
}

/// The schemas to read.
pub(crate) struct Schemas {
    /// `schema` first, then those of `schemas` in the order of their names.
    pub(crate) chosen: Vec<Schema>,
    /// How many schemas each catalog has.
    existing: HashMap<String, usize>,
}

impl Schemas {
    /// The catalogs of which so many schemas are to be read that they are listed together, with the
    /// names of these schemas.
    pub(crate) fn to_list_together(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut catalogs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for Schema { catalog, name, .. } in &self.chosen {
            catalogs.entry(catalog).or_default().push(name);
        }
        catalogs.retain(|catalog, names| {
            let existing = self.existing.get(*catalog);
            existing.is_some_and(|existing| listing::is_worth_it(names.len(), *existing))
        });
        catalogs
    }
}

/// The namespaces of schemas for a message, each in quotes.
pub(crate) fn list(schemas: &[Schema]) -> String {
    let names = schemas.iter();
    let names = names.map(|schema| format!("\"{}\"", schema.namespace));
    names.collect::<Vec<_>>().join(", ")
}

/// Finds out which schemas to read.
///
/// This also proves that the catalogs exist and that the user's credentials are accepted.
///
/// # Errors
///
/// When a catalog, `schema` or an exact name in `schemas` does not exist.
pub(crate) async fn resolve(
    client: &Client,
    connection: &Connection,
) -> Result<Schemas, ConnectorError> {
    let catalogs = namespaces::existing_catalogs(client, connection).await?;
    let namespaces = connection.namespaces(catalogs.as_deref().unwrap_or_default());
    let mut wanted: BTreeMap<&str, Vec<Wanted<'_>>> = BTreeMap::new();
    let main = &connection.catalog;
    wanted.entry(main).or_default().push(Wanted {
        field: "schema",
        name: &connection.schema,
        catalogs: None,
    });
    for (entry, pattern) in connection.schemas.iter().zip(namespaces.patterns()) {
        let catalog = pattern.catalog.as_ref().unwrap_or(main);
        let is_of_no_catalog = entry.has_parts() && pattern.catalog.is_none();
        wanted.entry(catalog).or_default().push(Wanted {
            field: "schemas",
            name: &pattern.pattern,
            catalogs: catalogs
                .as_deref()
                .filter(|_| is_of_no_catalog)
                .map(|catalogs| (entry.first(), catalogs)),
        });
    }
    let main = wanted.remove_entry(main.as_str());
    let mut schemas = Schemas {
        chosen: Vec::new(),
        existing: HashMap::new(),
    };
    for (catalog, wanted) in main.into_iter().chain(wanted) {
        let existing: Vec<NameRow> = match control::rows(client, &metadata::schemas(catalog)).await
        {
            Ok(rows) => rows,
            Err(error) => return Err(explain(client, catalog, wanted[0].field, error).await),
        };
        let mut existing: Vec<String> = existing.into_iter().map(|row| row.name).collect();
        if existing.is_empty() {
            existing = unlisted(client, catalog, &wanted).await?;
        }
        let chosen = choose(catalog, &wanted, &existing)?;
        schemas.existing.insert(catalog.to_owned(), existing.len());
        schemas.chosen.extend(chosen.into_iter().map(|name| Schema {
            namespace: namespaces.namespace(catalog, &name),
            catalog: catalog.to_owned(),
            name,
        }));
    }
    Ok(schemas)
}

/// The schemas that are named, although the listing is empty. That proves nothing, since each
/// catalog has at least `information_schema`. What a pattern stands for cannot be told then: fewer
/// streams would mean to the platform that the others were dropped.
async fn unlisted(
    client: &Client,
    catalog: &str,
    wanted: &[Wanted<'_>],
) -> Result<Vec<String>, ConnectorError> {
    if let Some(pattern) = wanted.iter().find(|wanted| wanted.is_pattern()) {
        return Err(ConnectorError::new(
            FailureType::Transient,
            format!(
                "Trino's list of the schemas of the catalog \"{catalog}\" is empty, so it is not \
                 known what \"{}\" in ‹{}› stands for. Try again; if that lasts, the user may \
                 not see the schemas, so name each of them in full.",
                pattern.name, pattern.field
            ),
        ));
    }
    let mut existing = Vec::new();
    for Wanted { name, .. } in wanted {
        if is_there(client, catalog, name).await? {
            existing.push((*name).to_owned());
        }
    }
    Ok(existing)
}

/// Whether there is a schema. Only Trino's own word, or a refusal, shows that there is none.
async fn is_there(client: &Client, catalog: &str, schema: &str) -> Result<bool, ConnectorError> {
    let sql = metadata::show_tables(catalog, schema);
    match control::columns(client, &sql).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_denied() || error.is_named(&["SCHEMA_NOT_FOUND"]) => Ok(false),
        Err(error) => Err(fault::ended(error)),
    }
}

/// A schema that the configuration names, or a pattern for schemas.
struct Wanted<'a> {
    field: &'static str,
    name: &'a str,
    /// Set for a name with a dot that begins with no catalog: the text before the first dot, and
    /// the catalogs that exist. In this case even a pattern must match a schema.
    catalogs: Option<(&'a str, &'a [String])>,
}

impl Wanted<'_> {
    fn is_pattern(&self) -> bool {
        self.field == "schemas" && self.name.contains('*')
    }
}

/// The error for an unknown catalog: it names the catalogs that exist.
async fn explain(client: &Client, catalog: &str, field: &str, error: TrinoError) -> ConnectorError {
    let field = if field == "schema" { "catalog" } else { field };
    let detail = error.to_string();
    // These refusals are not about this catalog, and say what is wrong by themselves.
    let is_of_another = |error: &QueryError| {
        error.is_impersonation() || error.failure() == QueryFailure::UnknownCatalogOfSession
    };
    if error.query_error().is_some_and(is_of_another) {
        return error.into();
    }
    match error.query_error().map(|error| error.error_name.as_str()) {
        Some("CATALOG_NOT_FOUND" | "NOT_FOUND") => {
            let existing: Vec<CatalogRow> =
                control::rows(client, metadata::CATALOGS).await.unwrap_or_default();
            let existing: Vec<String> = existing.into_iter().map(|row| row.Catalog).collect();
            ConnectorError::config(format!(
                "The catalog \"{catalog}\" does not exist, or the user may not see it. {} Check ‹{field}›.",
                near::hint(catalog, &existing)
            ))
            .with_detail(detail)
        }
        Some("PERMISSION_DENIED") => ConnectorError::config(format!(
            "The user may not use the catalog \"{catalog}\" (PERMISSION_DENIED). Check ‹{field}› and ‹username›, or grant the user access."
        ))
        .with_detail(detail),
        _ => fault::ended(error),
    }
}

fn choose(
    catalog: &str,
    wanted: &[Wanted<'_>],
    existing: &[String],
) -> Result<Vec<String>, ConnectorError> {
    let visible: Vec<String> = existing
        .iter()
        .filter(|name| *name != "information_schema")
        .cloned()
        .collect();
    let mut chosen = Vec::new();
    let mut more = Vec::new();
    for one in wanted {
        let Wanted {
            field,
            name,
            catalogs,
        } = one;
        let found = visible.iter().filter(|schema| matches(name, schema));
        let found: Vec<String> = found.cloned().collect();
        if one.is_pattern() && (catalogs.is_none() || !found.is_empty()) {
            more.extend(found);
        } else if existing.iter().any(|schema| schema == name) {
            if *field == "schema" {
                &mut chosen
            } else {
                &mut more
            }
            .push((*name).to_owned());
        } else if let Some((first, catalogs)) = catalogs {
            return Err(ConnectorError::config(format!(
                "There is no catalog \"{first}\", and no schema \"{name}\" in the catalog \"{catalog}\", or the user may not see it. {} Check ‹{field}›.",
                near::hint(first, catalogs)
            )));
        } else {
            let hint = near::hint(name, &visible);
            let cure =
                misplaced(field, name, &hint).unwrap_or_else(|| format!("{hint} Check ‹{field}›."));
            return Err(ConnectorError::config(format!(
                "The schema \"{name}\" does not exist in the catalog \"{catalog}\", or the user may not see it. {cure}"
            )));
        }
    }
    more.sort();
    for schema in more {
        if !chosen.contains(&schema) {
            chosen.push(schema);
        }
    }
    Ok(chosen)
}

/// What to do about a `schema` that does not exist and that people write for something else: a
/// pattern, several schemas, or a catalog and a schema. A name with a dot may be misspelt as well,
/// so the `hint` at similar names stays.
fn misplaced(field: &str, name: &str, hint: &str) -> Option<String> {
    if field != "schema" {
        return None;
    }
    if name.contains('*') {
        return Some(format!(
            "‹schema› is the name of one schema. Name one there, and put the pattern \"{name}\" \
             into ‹schemas›."
        ));
    }
    let several = name.split([',', ';']).map(str::trim);
    let mut several = several.filter(|name| !name.is_empty());
    if let (Some(first), Some(second)) = (several.next(), several.next()) {
        return Some(format!(
            "‹schema› is the name of one schema. Put \"{first}\" there, and \"{second}\" and all \
             others into ‹schemas›."
        ));
    }
    let (catalog, schema) = name.split_once('.')?;
    Some(format!(
        "{hint} If it is the schema \"{schema}\" of the catalog \"{catalog}\", set ‹catalog› to \
         \"{catalog}\" and ‹schema› to \"{schema}\"."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(schema: &str, schemas: &[&str]) -> Result<Vec<String>, ConnectorError> {
        let existing = ["information_schema", "public", "raw_b", "raw_a", "hr"].map(str::to_owned);
        let more = schemas.iter().map(|name| ("schemas", *name));
        let wanted = std::iter::once(("schema", schema)).chain(more);
        let wanted: Vec<Wanted<'_>> = wanted
            .map(|(field, name)| Wanted {
                field,
                name,
                catalogs: None,
            })
            .collect();
        choose("c", &wanted, &existing)
    }

    #[test]
    fn the_schema_comes_first_and_each_only_once() {
        let chosen = chosen("public", &["raw_*", "hr", "p*"]).unwrap();
        assert_eq!(chosen, ["public", "hr", "raw_a", "raw_b"]);
    }

    #[test]
    fn a_missing_schema_is_reported_with_near_ones() {
        let error = chosen("publik", &[]).unwrap_err();
        assert_eq!(
            error.message,
            "The schema \"publik\" does not exist in the catalog \"c\", or the user may not see it. Did you mean \"public\"? Check ‹schema›."
        );
    }

    #[test]
    fn what_belongs_into_another_field_is_sent_there() {
        for (schema, cure) in [
            ("*", "put the pattern \"*\" into ‹schemas›"),
            ("raw_*", "put the pattern \"raw_*\" into ‹schemas›"),
            (
                "public, hr",
                "Put \"public\" there, and \"hr\" and all others",
            ),
            (
                "lake.events",
                "set ‹catalog› to \"lake\" and ‹schema› to \"events\".",
            ),
            ("raw.b", "Did you mean \"raw_b\" or \"raw_a\"?"),
            ("hr,", "Did you mean \"hr\"? Check ‹schema›."),
        ] {
            let error = chosen(schema, &[]).unwrap_err();
            assert!(error.message.contains(cure), "{}", error.message);
        }
    }

    #[test]
    fn a_pattern_without_a_match_is_no_error_but_a_name_is() {
        assert!(chosen("public", &["x*"]).is_ok());
        assert!(chosen("public", &["x"]).is_err());
    }
}
