//! Which schemas the configuration means.

use super::near;
use crate::config::Connection;
use crate::error::ConnectorError;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::control::{self, CatalogRow, NameRow};
use crate::trino::error::TrinoError;

/// The schemas to read, `schema` first, then those of `schemas` in the order of their names.
///
/// Also the proof that the catalog exists and that the user's credentials are accepted.
///
/// # Errors
///
/// When the catalog, `schema` or an exact name in `schemas` does not exist.
pub async fn resolve(
    client: &Client,
    connection: &Connection,
) -> Result<Vec<String>, ConnectorError> {
    let catalog = &connection.catalog;
    let existing: Vec<NameRow> = match control::rows(client, &metadata::schemas(catalog)).await {
        Ok(rows) => rows,
        Err(error) => return Err(explain(client, catalog, error).await),
    };
    let existing: Vec<String> = existing.into_iter().map(|row| row.name).collect();
    choose(connection, &existing)
}

/// An unknown catalog is reported with those that exist.
async fn explain(client: &Client, catalog: &str, error: TrinoError) -> ConnectorError {
    let detail = error.to_string();
    match error.query_error().map(|error| error.error_name.as_str()) {
        Some("CATALOG_NOT_FOUND" | "NOT_FOUND") => {
            let existing: Vec<CatalogRow> =
                control::rows(client, metadata::CATALOGS).await.unwrap_or_default();
            let existing: Vec<String> = existing.into_iter().map(|row| row.Catalog).collect();
            ConnectorError::config(format!(
                "The catalog \"{catalog}\" does not exist, or the user may not see it. {} Check \"catalog\".",
                near::hint(catalog, &existing)
            ))
            .with_detail(detail)
        }
        Some("PERMISSION_DENIED") => ConnectorError::config(format!(
            "The user may not use the catalog \"{catalog}\" (PERMISSION_DENIED). Check \"catalog\" and \"username\", or grant the user access."
        ))
        .with_detail(detail),
        _ => error.into(),
    }
}

fn choose(connection: &Connection, existing: &[String]) -> Result<Vec<String>, ConnectorError> {
    let visible: Vec<String> = existing
        .iter()
        .filter(|name| *name != "information_schema")
        .cloned()
        .collect();
    let mut chosen = Vec::new();
    let wanted = std::iter::once(("schema", &connection.schema))
        .chain(connection.schemas.iter().map(|schema| ("schemas", schema)));
    let mut more = Vec::new();
    for (field, wanted) in wanted {
        if field == "schemas" && wanted.contains('*') {
            more.extend(visible.iter().filter(|name| matches(wanted, name)).cloned());
        } else if existing.contains(wanted) {
            if field == "schema" {
                &mut chosen
            } else {
                &mut more
            }
            .push(wanted.clone());
        } else {
            return Err(ConnectorError::config(format!(
                "The schema \"{wanted}\" does not exist in the catalog \"{}\", or the user may not see it. {} Check \"{field}\".",
                connection.catalog,
                near::hint(wanted, &visible)
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

/// Whether `name` is what `pattern` describes; `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn connection(schema: &str, schemas: &[&str]) -> Connection {
        let config = json!({"hostname": "h", "username": "u", "catalog": "c", "schema": schema, "schemas": schemas});
        Connection::from_json(&config).unwrap()
    }

    fn existing() -> Vec<String> {
        ["information_schema", "public", "raw_b", "raw_a", "hr"]
            .map(str::to_owned)
            .to_vec()
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
    fn the_schema_comes_first_and_each_only_once() {
        let chosen = choose(&connection("public", &["raw_*", "hr", "p*"]), &existing()).unwrap();
        assert_eq!(chosen, ["public", "hr", "raw_a", "raw_b"]);
    }

    #[test]
    fn a_missing_schema_is_reported_with_near_ones() {
        let error = choose(&connection("publik", &[]), &existing()).unwrap_err();
        assert_eq!(
            error.message,
            "The schema \"publik\" does not exist in the catalog \"c\", or the user may not see it. Did you mean \"public\"? Check \"schema\"."
        );
    }

    #[test]
    fn a_pattern_without_a_match_is_no_error_but_a_name_is() {
        assert!(choose(&connection("public", &["x*"]), &existing()).is_ok());
        assert!(choose(&connection("public", &["x"]), &existing()).is_err());
    }
}
