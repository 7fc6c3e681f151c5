//! Primary keys: by queries, for the connectors that can pass a query on to their database, and by
//! rule, where every table has the same key.
//!
//! Trino itself knows of no keys. Another database that speaks SQL is one more arm of
//! [`keys_in_sql`]. docs/catalogs.md names some that can be asked in the same way; they are left
//! out, because no server was there to try the statements on.

use super::ident::texts;
use super::remote::passed_on;

/// What is asked of a database about the primary keys of schemas.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyQueries {
    /// The columns of the keys, as `table_schema`, `table_name`, `column_name` and `key_position`,
    /// whose numbers rise within a key.
    pub(crate) keys: String,
    /// A query that the database answers, whatever metadata it has.
    pub(crate) probe: String,
}

/// The queries for some schemas; `None` for connectors that cannot pass a query on, or for which
/// none is known.
pub(crate) fn key_queries(connector: &str, catalog: &str, schemas: &[&str]) -> Option<KeyQueries> {
    let schemas = texts(schemas);
    let (remote, position, filter, probe) = match connector {
        // The columns that choose the partition come first, then those that sort it.
        "cassandra" => (
            format!(
                "SELECT keyspace_name AS table_schema, table_name, column_name, kind, position \
                 FROM system_schema.columns WHERE keyspace_name IN ({schemas})"
            ),
            "IF(kind = 'clustering', 10000, 0) + position",
            " WHERE kind IN ('partition_key', 'clustering')",
            "SELECT key FROM system.local",
        ),
        other => (
            keys_in_sql(other, &schemas)?,
            "key_position",
            "",
            "SELECT 1 AS one",
        ),
    };
    Some(KeyQueries {
        keys: format!(
            "SELECT CAST(table_schema AS varchar) AS table_schema, CAST(table_name AS varchar) AS \
             table_name, CAST(column_name AS varchar) AS column_name, CAST({position} AS bigint) \
             AS key_position FROM {}{filter}",
            passed_on(catalog, &remote)
        ),
        probe: format!("SELECT 1 FROM {}", passed_on(catalog, probe)),
    })
}

/// The statement for a database that speaks SQL: `table_schema` in lower case, `table_name`,
/// `column_name`, `key_position`. `schemas` are texts of SQL, with commas between them.
///
/// Of names that differ only by capitals Trino reads the one without capitals, or none. So only
/// that one's key is told.
fn keys_in_sql(connector: &str, schemas: &str) -> Option<String> {
    Some(match connector {
        // Not from information_schema: its tables about keys show only what the user owns.
        "postgresql" => format!(
            "SELECT lower(c.nspname) AS table_schema, c.relname AS table_name, \
             a.attname AS column_name, k.n AS key_position \
             FROM pg_index i \
             JOIN (SELECT c.oid, c.relname, s.nspname, \
             count(*) OVER (PARTITION BY lower(s.nspname), lower(c.relname)) AS spellings \
             FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND lower(s.nspname) IN ({schemas})) c \
             ON c.oid = i.indrelid \
             CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(attnum, n) \
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
             WHERE i.indisprimary AND k.n <= i.indnkeyatts AND (c.spellings = 1 \
             OR c.nspname = lower(c.nspname) AND c.relname = lower(c.relname))"
        ),
        "mariadb" | "mysql" => format!(
            "SELECT lower(s.table_schema) AS table_schema, s.table_name AS table_name, \
             s.column_name AS column_name, s.seq_in_index AS key_position \
             FROM information_schema.statistics s \
             JOIN (SELECT table_schema, table_name, \
             count(*) OVER (PARTITION BY lower(table_schema), lower(table_name)) AS spellings \
             FROM information_schema.tables WHERE lower(table_schema) IN ({schemas})) t \
             ON BINARY t.table_schema = BINARY s.table_schema \
             AND BINARY t.table_name = BINARY s.table_name \
             WHERE s.index_name = 'PRIMARY' AND (t.spellings = 1 \
             OR BINARY s.table_schema = BINARY lower(s.table_schema) \
             AND BINARY s.table_name = BINARY lower(s.table_name))"
        ),
        "duckdb" => format!(
            "SELECT lower(schema_name) AS table_schema, table_name, \
             unnest(constraint_column_names) AS column_name, \
             unnest(range(1, len(constraint_column_names) + 1)) AS key_position \
             FROM duckdb_constraints() \
             WHERE constraint_type = 'PRIMARY KEY' AND lower(schema_name) IN ({schemas})"
        ),
        _ => return None,
    })
}

/// The key that every table of a connector has, from docs/catalogs.md; empty for connectors whose
/// tables have keys of their own, or none.
pub(crate) fn key_of_every_table(connector: Option<&str>) -> &'static [&'static str] {
    match connector {
        Some("mongodb" | "opensearch" | "elasticsearch") => &["_id"],
        Some("kafka") => &["_partition_id", "_partition_offset"],
        // A record's key is unique within its partition.
        Some("hudi") => &["_hoodie_record_key", "_hoodie_partition_path"],
        _ => &[],
    }
}

/// The column that tells what is new in every table of a connector.
pub(crate) fn cursor_of_every_table(connector: Option<&str>) -> Option<&'static str> {
    (connector == Some("hudi")).then_some("_hoodie_commit_time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_for_the_database_and_again_for_trino() {
        for connector in ["postgresql", "mariadb", "mysql", "duckdb", "cassandra"] {
            let queries = key_queries(connector, "c", &["it's", "b"]).unwrap();
            let names = "IN (''it''''s'', ''b'')";
            assert!(queries.keys.contains(names), "{}", queries.keys);
            assert!(queries.keys.contains("TABLE(\"c\".system.query("));
        }
    }

    #[test]
    fn other_connectors_are_not_asked() {
        assert_eq!(key_queries("iceberg", "c", &["s"]), None);
    }

    #[test]
    fn columns_that_sort_a_partition_come_after_those_that_choose_it() {
        let queries = key_queries("cassandra", "c", &["s"]).unwrap();
        let start = "IF(kind = 'clustering', 10000, 0) + position";
        assert!(queries.keys.contains(start), "{}", queries.keys);
    }
}
