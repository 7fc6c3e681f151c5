//! Which tables the user may read.
//!
//! A user may see a table and still not be allowed to read it. So Trino is asked to validate a
//! statement over many tables at once, which reads nothing. If that fails, the group of tables is
//! halved until the ones that cannot be read stand alone.

use std::collections::HashSet;
use std::convert::Infallible;

use crate::catalog::bisect::{self, Sorted};
use crate::sql::ident::Table;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::control;
use crate::trino::error::TrinoError;

/// How many tables one statement names; Trino refuses very large unions.
const TABLES_PER_QUERY: usize = 100;

/// Those of many tables, of one or several schemas, of which it is easily shown that the user may
/// read them: Trino accepts a statement over a whole group of them. Nothing is concluded about the
/// others.
pub(crate) async fn easily_readable(client: &Client, tables: &[Table]) -> HashSet<Table> {
    let groups = tables.chunks(TABLES_PER_QUERY);
    let groups = bisect::side_by_side(groups, |group| async move {
        let answer = control::columns(client, &metadata::readable(group)).await;
        Ok::<_, Infallible>(match answer {
            Ok(_) => group.to_vec(),
            Err(error) => {
                tracing::debug!(%error, "tables of several schemas cannot all be read");
                Vec::new()
            }
        })
    });
    let Ok(groups) = groups.await;
    groups.into_iter().flatten().collect()
}

/// The named tables that the user may read, and the ones that cannot be read, with Trino's reason.
///
/// # Errors
///
/// When the server cannot be asked, or an error is not about a single table.
pub(crate) async fn readable<'a>(
    client: &Client,
    catalog: &str,
    schema: &str,
    names: &[&'a str],
) -> Result<(HashSet<&'a str>, Vec<(&'a str, TrinoError)>), TrinoError> {
    let Sorted { answers, refused } =
        bisect::ask_in_groups(names, TABLES_PER_QUERY, &[], |group| async move {
            let tables: Vec<Table> = group
                .into_iter()
                .map(|name| Table::new(catalog, schema, name))
                .collect();
            control::columns(client, &metadata::readable(&tables)).await
        })
        .await?;
    let good = answers.into_iter().flat_map(|(group, _)| group).collect();
    Ok((good, refused))
}
