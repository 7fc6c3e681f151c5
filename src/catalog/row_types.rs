//! Exact types of columns that hold rows.
//!
//! The text in `information_schema` does not quote field names (seen on 476: `row(F g bigint)`), so
//! it cannot always be parsed. The type signature in a query's result can be. So one query asks
//! many tables with such columns for no rows, only to get their signatures.

use crate::catalog::{TableColumns, bisect};
use crate::sql::ident::Table;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::control;
use crate::trino::error::TrinoError;
use crate::types::{TrinoType, column_type};

/// How many tables one query asks about. Trino plans two such queries faster than one join of more
/// tables.
pub(super) const TABLES_PER_QUERY: usize = 25;

/// Replaces the types of all columns that contain rows with their exact types. A table that cannot
/// be asked keeps the types that were parsed from the text; reading it will fail with its own
/// error.
///
/// # Errors
///
/// When the server cannot be asked, or an error is not about a single table.
pub(crate) async fn refine(
    client: &Client,
    catalog: &str,
    schema: &str,
    tables: &mut [TableColumns],
) -> Result<(), TrinoError> {
    let (with_rows, without): (Vec<usize>, Vec<usize>) =
        (0..tables.len()).partition(|at| tables[*at].columns.iter().any(|(_, ty)| has_rows(ty)));
    let all: &[TableColumns] = tables;
    let ask = |group: Vec<usize>| async move {
        let group: Vec<&TableColumns> = group.into_iter().map(|at| &all[at]).collect();
        ask(client, catalog, schema, &group).await
    };
    let sorted = bisect::ask_in_groups(&with_rows, TABLES_PER_QUERY, &without, ask).await?;
    for (at, error) in sorted.refused {
        tracing::debug!(%error, table = tables[at].name, "exact types are not known");
    }
    for (group, types) in sorted.answers {
        let mut types = types.into_iter();
        for at in group {
            let columns = tables[at].columns.iter_mut();
            for ((_, ty), exact) in columns.filter(|(_, ty)| has_rows(ty)).zip(&mut types) {
                *ty = exact;
            }
        }
    }
    Ok(())
}

fn has_rows(ty: &TrinoType) -> bool {
    ty.to_string().to_ascii_lowercase().contains("row(")
}

/// The exact types of all columns that contain rows, of some tables, in order.
async fn ask(
    client: &Client,
    catalog: &str,
    schema: &str,
    tables: &[&TableColumns],
) -> Result<Vec<TrinoType>, TrinoError> {
    let parts: Vec<(Table, Vec<&str>)> = tables
        .iter()
        .map(|table| {
            let name = table.name.clone();
            let full = Table::new(catalog, schema, name);
            let columns = table.columns.iter().filter(|(_, ty)| has_rows(ty));
            let mut columns: Vec<&str> = columns.map(|(name, _)| name.as_str()).collect();
            if columns.is_empty() {
                // One column of a table that works, as a control.
                columns.extend(table.columns.first().map(|(name, _)| name.as_str()));
            }
            (full, columns)
        })
        .collect();
    exact_types(client, &parts).await
}

/// The exact types of the named columns of some tables, in order.
///
/// # Errors
///
/// When Trino cannot be asked, or does not know one of the columns.
pub(super) async fn exact_types(
    client: &Client,
    columns: &[(Table, Vec<&str>)],
) -> Result<Vec<TrinoType>, TrinoError> {
    let columns = control::columns(client, &metadata::no_rows(columns)).await?;
    Ok(columns
        .iter()
        .map(|column| column_type(&column.type_text, column.type_signature.as_deref()))
        .collect())
}
