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
             names: {}. Deselect them, or give them other names by a query in \"queries\".",
            reserved.join(", ")
        );
    }
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
