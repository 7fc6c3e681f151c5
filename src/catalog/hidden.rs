//! Columns that Trino hides and that people need: it leaves them out of its listings, but reads
//! them where a query names them.

use super::contradiction::refuse_contradictions;
use super::row_types::{self, TABLES_PER_QUERY};
use super::{TableColumns, bisect};
use crate::sql::ident::Table;
use crate::trino::Client;
use crate::trino::error::TrinoError;
use crate::types::TrinoType;

/// The hidden columns of a connector's tables that are read like others (docs/catalogs.md). With
/// `file_columns`, also the file of a row and when it was written, where tables are made of files.
pub(crate) fn hidden_columns(
    connector: Option<&str>,
    file_columns: bool,
) -> &'static [&'static str] {
    match connector {
        Some("mongodb" | "opensearch" | "elasticsearch") => &["_id"],
        Some("kafka") => &["_partition_id", "_partition_offset", "_timestamp"],
        Some("hive" | "iceberg" | "delta_lake" | "hudi" | "lakehouse") if file_columns => {
            &["$path", "$file_modified_time"]
        }
        _ => &[],
    }
}

/// Adds the hidden columns of a connector to its tables. A table that does not have them, such as a
/// view, stays as it is.
///
/// # Errors
///
/// When the server cannot be asked, or an error is not about a single table.
pub(crate) async fn add(
    client: &Client,
    hidden: &'static [&'static str],
    (catalog, schema): (&str, &str),
    tables: &mut [TableColumns],
) -> Result<(), TrinoError> {
    let lacks = |table: &TableColumns, name: &str| table.columns.iter().all(|(c, _)| c != name);
    let asked: Vec<(usize, Vec<&'static str>)> = (0..)
        .zip(&*tables)
        .map(|(at, table)| {
            let names = hidden.iter().copied().filter(|name| lacks(table, name));
            (at, names.collect())
        })
        .filter(|(_, names): &(usize, Vec<&'static str>)| !names.is_empty())
        .collect();
    let all: &[TableColumns] = tables;
    let ask = |group: Vec<(usize, Vec<&'static str>)>| async move {
        let parts: Vec<(Table, Vec<&str>)> = group
            .into_iter()
            .map(|(at, names)| (Table::new(catalog, schema, &*all[at].name), names))
            .collect();
        row_types::exact_types(client, &parts).await
    };
    // Only one kind of connector has them, so most catalogs ask nothing.
    let sorted = bisect::ask_in_groups(&asked, TABLES_PER_QUERY, &[], ask).await?;
    let table = |(at, _): &(usize, Vec<&str>)| Table::new(catalog, schema, &*all[*at].name);
    let sorted = refuse_contradictions(client, sorted, table).await?;
    for ((at, _), error) in sorted.refused {
        tracing::debug!(%error, table = tables[at].name, "there are no hidden columns");
    }
    for (group, types) in sorted.answers {
        let mut types = types.into_iter();
        for (at, names) in group {
            let found: Vec<(String, TrinoType)> = names
                .into_iter()
                .map(str::to_owned)
                .zip(types.by_ref())
                .collect();
            tables[at].columns.extend(found);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_about_files_come_only_if_they_are_wanted() {
        assert!(hidden_columns(Some("hive"), false).is_empty());
        assert_eq!(
            hidden_columns(Some("hive"), true),
            ["$path", "$file_modified_time"]
        );
        assert!(hidden_columns(Some("postgresql"), true).is_empty());
        assert_eq!(hidden_columns(Some("mongodb"), false), ["_id"]);
        assert!(hidden_columns(None, true).is_empty());
    }
}
