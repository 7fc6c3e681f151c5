//! Queries that a connector passes on to its database, by the table function `system.query`.

use super::ident::{Ident, Text, texts};

/// The rows of a query in the database's own SQL, as a relation.
pub(super) fn passed_on(catalog: &str, remote: &str) -> String {
    format!(
        "TABLE({}.system.query(query => {}))",
        Ident(catalog),
        Text(remote)
    )
}

/// How many columns the tables of some schemas have in their database, as `table_schema`,
/// `table_name` (both in lower case) and `total`. `None` for connectors that cannot pass a query
/// on, or whose database was not there to try it on.
pub(crate) fn column_counts(connector: &str, catalog: &str, schemas: &[&str]) -> Option<String> {
    let schemas = texts(schemas);
    let remote = match connector {
        // Not from information_schema, which shows only the columns that the login may read.
        "postgresql" => format!(
            "SELECT lower(s.nspname) AS table_schema, lower(c.relname) AS table_name, \
             count(*) AS total FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
             JOIN pg_namespace s ON s.oid = c.relnamespace \
             WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
             AND lower(s.nspname) IN ({schemas}) GROUP BY lower(s.nspname), lower(c.relname)"
        ),
        "duckdb" | "mariadb" | "mysql" => format!(
            "SELECT lower(table_schema) AS table_schema, lower(table_name) AS table_name, \
             count(*) AS total FROM information_schema.columns \
             WHERE lower(table_schema) IN ({schemas}) \
             GROUP BY lower(table_schema), lower(table_name)"
        ),
        _ => return None,
    };
    Some(format!(
        "SELECT CAST(table_schema AS varchar) AS table_schema, CAST(table_name AS varchar) AS \
         table_name, CAST(total AS bigint) AS total FROM {}",
        passed_on(catalog, &remote)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_for_the_database_and_again_for_trino() {
        let sql = column_counts("postgresql", "c", &["it's", "b"]).unwrap();
        assert!(sql.contains("IN (''it''''s'', ''b'')"), "{sql}");
        assert!(sql.contains("TABLE(\"c\".system.query("), "{sql}");
    }

    #[test]
    fn only_databases_that_were_tried_are_asked() {
        assert_eq!(column_counts("iceberg", "c", &["s"]), None);
        assert_eq!(column_counts("oracle", "c", &["s"]), None);
    }
}
