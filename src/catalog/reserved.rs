//! Columns whose names destinations use for their own columns.

/// How the names of Airbyte's own columns begin.
const PREFIXES: &[&str] = &["_airbyte_", "_ab_"];

/// Warns of the columns of a stream that a destination may overwrite. A table that Airbyte has
/// written contains Airbyte's columns, and the destination writes its own columns under the same
/// names.
pub(crate) fn warn_of_reserved_columns<'a>(
    stream: &str,
    columns: impl IntoIterator<Item = &'a str>,
) {
    let reserved = reserved_columns(columns);
    if !reserved.is_empty() {
        tracing::warn!(
            "stream \"{stream}\" has columns that a destination may overwrite with its own of these \
             names: {}. Deselect them, or give them other names by a query in ‹queries›.",
            reserved.join(", ")
        );
    }
}

/// The columns by which a table is known that a destination has written: of the present
/// destinations, and of those before 2023.
const IDS: &[&str] = &["_airbyte_raw_id", "_airbyte_ab_id"];

/// Whether a table is probably one that a destination has written, by its name (raw tables) or by
/// its columns.
pub(crate) fn is_written_by_airbyte<'a>(
    table: &str,
    columns: impl IntoIterator<Item = &'a str>,
) -> bool {
    let mut columns = columns.into_iter();
    table.starts_with("_airbyte_")
        || columns.any(|column| IDS.contains(&column.to_lowercase().as_str()))
}

/// The columns whose names begin like those of Airbyte's columns.
fn reserved_columns<'a>(columns: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let columns = columns.into_iter();
    columns
        .filter(|column| {
            let column = column.to_lowercase();
            PREFIXES.iter().any(|prefix| column.starts_with(prefix))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_destinations_are_known_by_name_or_id() {
        assert!(is_written_by_airbyte("_airbyte_raw_orders", ["data"]));
        assert!(is_written_by_airbyte("orders", ["id", "_AIRBYTE_RAW_ID"]));
        assert!(is_written_by_airbyte("orders", ["_airbyte_ab_id"]));
        assert!(!is_written_by_airbyte(
            "airbyte_users",
            ["id", "_ab_cdc_lsn"]
        ));
    }

    #[test]
    fn columns_of_airbytes_own_names_are_found() {
        let columns = [
            "id",
            "_airbyte_raw_id",
            "_AIRBYTE_meta",
            "_ab_cdc_cursor",
            "_abc",
            "x_ab_",
        ];
        assert_eq!(
            reserved_columns(columns),
            ["_airbyte_raw_id", "_AIRBYTE_meta", "_ab_cdc_cursor"]
        );
    }
}
