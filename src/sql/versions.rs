//! Versions of tables that keep them, from the connectors' metadata tables.

use super::ident::{Table, Text};

/// The snapshot of an Iceberg table as `version`: the present one, or the one that was it at
/// `as_of`, an ISO time in UTC.
pub fn iceberg(table: &Table, as_of: Option<&str>) -> String {
    match as_of {
        None => {
            let refs = metadata_table(table, "refs");
            format!(
                "SELECT snapshot_id AS version FROM {refs} WHERE name = 'main' AND type = 'BRANCH'"
            )
        }
        Some(time) => format!(
            "SELECT max_by(snapshot_id, made_current_at) AS version FROM {} WHERE made_current_at <= {}",
            metadata_table(table, "history"),
            instant(time)
        ),
    }
}

/// The version of a Delta Lake table as `version`: the present one, or the last one at `as_of`.
pub fn delta(table: &Table, as_of: Option<&str>) -> String {
    let history = metadata_table(table, "history");
    let until = as_of.map(|time| format!(" WHERE timestamp <= {}", instant(time)));
    format!(
        "SELECT max(version) AS version FROM {history}{}",
        until.unwrap_or_default()
    )
}

/// A time of the configuration as a literal.
fn instant(time: &str) -> String {
    format!("from_iso8601_timestamp({})", Text(time))
}

/// A table of a table's metadata.
pub(super) fn metadata_table(table: &Table, kind: &str) -> Table {
    Table {
        name: format!("{}${kind}", table.name),
        ..table.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_tables_are_one_quoted_name() {
        let table = Table {
            catalog: "c".into(),
            schema: "s".into(),
            name: "t\"x".into(),
        };
        assert!(delta(&table, None).ends_with("FROM \"c\".\"s\".\"t\"\"x$history\""));
        assert!(
            iceberg(&table, Some("2020-01-01T00:00:00Z")).ends_with(
                "WHERE made_current_at <= from_iso8601_timestamp('2020-01-01T00:00:00Z')"
            )
        );
    }
}
