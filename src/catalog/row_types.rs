//! Exact types of columns that hold rows.
//!
//! The text in `information_schema` does not quote field names (seen on 476: `row(F g bigint)`),
//! so it cannot be read back for sure. The signature in a result can: tables with such columns
//! are asked for no rows, many tables in one query.

use crate::catalog::tables::TableColumns;
use crate::sql::ident::Table;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::control;
use crate::trino::error::TrinoError;
use crate::types::{TrinoType, column_type};

/// Tables in one query; a join of more takes Trino longer to plan than two queries.
const TABLES_PER_QUERY: usize = 25;

/// Replaces the types of all columns with rows inside by the exact ones. A table that cannot be
/// asked keeps what its text says: reading it will fail with its own error.
///
/// # Errors
///
/// When the server cannot be asked at all.
pub(crate) async fn refine(
    client: &Client,
    catalog: &str,
    schema: &str,
    tables: &mut [TableColumns],
) -> Result<(), TrinoError> {
    let mut with_rows: Vec<&mut TableColumns> = tables
        .iter_mut()
        .filter(|table| table.columns.iter().any(|(_, ty)| has_rows(ty)))
        .collect();
    let mut groups: Vec<&mut [&mut TableColumns]> =
        with_rows.chunks_mut(TABLES_PER_QUERY).collect();
    while let Some(group) = groups.pop() {
        match ask(client, catalog, schema, group).await {
            Ok(types) => {
                let columns = group.iter_mut().flat_map(|table| table.columns.iter_mut());
                for ((_, ty), exact) in columns.filter(|(_, ty)| has_rows(ty)).zip(types) {
                    *ty = exact;
                }
            }
            Err(error) if error.query_error().is_none() => return Err(error),
            Err(error) if group.len() == 1 => {
                tracing::debug!(%error, table = group[0].name, "exact types are not known");
            }
            Err(_) => {
                let (left, right) = group.split_at_mut(group.len() / 2);
                groups.extend([left, right]);
            }
        }
    }
    Ok(())
}

fn has_rows(ty: &TrinoType) -> bool {
    ty.to_string().to_ascii_lowercase().contains("row(")
}

/// The types of all columns with rows of some tables, in order.
async fn ask(
    client: &Client,
    catalog: &str,
    schema: &str,
    tables: &[&mut TableColumns],
) -> Result<Vec<TrinoType>, TrinoError> {
    let parts: Vec<(Table, Vec<&str>)> = tables
        .iter()
        .map(|table| {
            let name = table.name.clone();
            let full = Table {
                catalog: catalog.into(),
                schema: schema.into(),
                name,
            };
            let columns = table.columns.iter().filter(|(_, ty)| has_rows(ty));
            (full, columns.map(|(name, _)| name.as_str()).collect())
        })
        .collect();
    let columns = control::columns(client, &metadata::no_rows(&parts)).await?;
    Ok(columns
        .iter()
        .map(|column| column_type(&column.type_text, column.type_signature.as_deref()))
        .collect())
}
