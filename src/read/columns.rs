//! Asks Trino which columns an Iceberg table has, now and at one of its versions.
//!
//! A version is read with the column names that it had, and the same names may mean other columns
//! now, because `ALTER TABLE` makes no new version. So the columns are compared by their ids.

use xxhash_rust::xxh3::xxh3_64;

use super::context::Context;
use super::version::Version;
use crate::sql::field_ids::{self, Column};
use crate::sql::ident::{Ident, Relation, Table};
use crate::sql::{metadata, select};
use crate::trino::control;
use crate::trino::error::TrinoError;
use crate::types::{TrinoType, column_type};

/// Columns by name and type.
pub(crate) type Named = Vec<(String, TrinoType)>;

/// The named columns of a table with their ids, at a version or now. `None` if the server does not
/// show ids.
///
/// # Errors
///
/// When Trino cannot be asked, or the table does not have these columns.
pub(crate) async fn with_field_ids(
    context: &Context,
    table: &Table,
    version: Option<Version>,
    columns: &[(String, TrinoType)],
) -> Result<Option<Vec<Column>>, TrinoError> {
    let names: Vec<String> = columns
        .iter()
        .map(|(name, _)| Ident(name).to_string())
        .collect();
    let Some(ids) = ids(context, table, version, &names).await? else {
        return Ok(None);
    };
    let mut found: Vec<Column> = columns
        .iter()
        .zip(ids)
        .map(|((name, ty), id)| Column {
            name: name.clone(),
            ty: ty.clone(),
            id,
            leaves: Vec::new(),
        })
        .collect();
    let leaves: Vec<(usize, Vec<String>)> = columns
        .iter()
        .enumerate()
        .flat_map(|(at, (_, ty))| {
            let paths = field_ids::paths(ty).unwrap_or_default();
            paths.into_iter().map(move |path| (at, path))
        })
        .collect();
    if leaves.is_empty() {
        return Ok(Some(found));
    }
    let fields: Vec<String> = leaves
        .iter()
        .map(|(at, path)| field_ids::field(&columns[*at].0, path))
        .collect();
    let Some(ids) = self::ids(context, table, version, &fields).await? else {
        return Ok(None);
    };
    for ((at, path), id) in leaves.into_iter().zip(ids) {
        found[at].leaves.push((path, id));
    }
    Ok(Some(found))
}

async fn ids(
    context: &Context,
    table: &Table,
    version: Option<Version>,
    expressions: &[String],
) -> Result<Option<Vec<i64>>, TrinoError> {
    let sql = field_ids::explain(table, version.map(Version::number), expressions);
    let plan = control::plan(&context.client, &sql, &table.catalog).await?;
    let ids = field_ids::ids(&plan).filter(|ids| ids.len() == expressions.len());
    if ids.is_none() {
        tracing::debug!("the plan of {table} shows no ids of its columns");
    }
    Ok(ids)
}

/// All columns of a version of a table, or of the present table.
///
/// # Errors
///
/// When Trino cannot be asked.
pub(crate) async fn names(
    context: &Context,
    table: &Table,
    version: Option<Version>,
) -> Result<Named, TrinoError> {
    let at = select::at_version(version.map(Version::number));
    let sql = metadata::columns_of_query(&format!("SELECT * FROM {table}{at}"));
    columns_of_statement(context, &sql).await
}

/// The names and types that columns have in a version of a table.
///
/// # Errors
///
/// When Trino cannot be asked, or that version does not have all of them.
pub(crate) async fn types_at(
    context: &Context,
    table: &Table,
    version: Version,
    columns: &[(String, TrinoType)],
) -> Result<Named, TrinoError> {
    let relation = Relation::Table(table.clone());
    let sql = select::select(&relation, columns, Some(version.number()), &[]);
    columns_of_statement(context, &metadata::columns_of_query(&sql)).await
}

async fn columns_of_statement(context: &Context, sql: &str) -> Result<Named, TrinoError> {
    let columns = control::columns(&context.client, sql).await?;
    let named = columns.into_iter().map(|column| {
        let ty = column_type(&column.type_text, column.type_signature.as_deref());
        (column.name, ty)
    });
    Ok(named.collect())
}

/// Which of the `wanted` columns have another type there, in words; `None` if none has.
pub(crate) fn other_types(
    wanted: &[(String, TrinoType)],
    found: &[(String, TrinoType)],
) -> Option<String> {
    let text = |ty: &TrinoType| ty.to_string().to_lowercase();
    wanted
        .iter()
        .zip(found)
        .find(|((_, wanted), (_, found))| text(wanted) != text(found))
        .map(|((name, wanted), (_, found))| {
            format!("its column \"{name}\" is of type {found} there, and {wanted} now")
        })
}

/// A text that changes when a selected name stands for another column.
pub(crate) fn fingerprint(columns: &[Column]) -> String {
    let mut ids: Vec<String> = columns
        .iter()
        .flat_map(
            |Column {
                 name,
                 ty,
                 id,
                 leaves,
             }| {
                // For fields that no plan shows, only the names are known.
                let own = if field_ids::has_hidden_fields(ty) {
                    format!("{name}={id} {ty}")
                } else {
                    format!("{name}={id}")
                };
                let leaves = leaves.iter();
                let leaves =
                    leaves.map(move |(path, id)| format!("{name}.{}={id}", path.join(".")));
                std::iter::once(own).chain(leaves)
            },
        )
        .collect();
    ids.sort_unstable();
    format!("{:016x}", xxh3_64(ids.join("\n").as_bytes()))
}
