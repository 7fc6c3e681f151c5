//! Errors about something that belongs to a table, held against the table itself.
//!
//! Whether a table has a metadata table, a feed or a hidden column is concluded from refused
//! statements. Trino's own analysis may be believed. An error of a database or storage may not: if
//! the table itself can be used, that error has another reason, and `discover` must not go on as if
//! the table could do less.

use super::bisect::{self, Sorted};
use super::fault::{self, Fault};
use crate::sql::ident::Table;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::control;
use crate::trino::error::TrinoError;

/// Makes sure that the errors of a statement about tables fit these tables: each is one of Trino's
/// analysis, or the table itself cannot be used either, while another one can. `table` gives the
/// table of an item.
///
/// # Errors
///
/// The error of a table that can be used, or an error that is not proven to be about a single
/// table.
pub(crate) async fn refuse_contradictions<T, R>(
    client: &Client,
    sorted: Sorted<T, R>,
    table: impl Fn(&T) -> Table,
) -> Result<Sorted<T, R>, TrinoError> {
    let doubtful = sorted.refused.iter();
    let doubtful = doubtful.filter(|(_, error)| fault::whose_fault(error) != Fault::Table);
    let doubtful: Vec<Table> = doubtful.map(|(item, _)| table(item)).collect();
    if doubtful.is_empty() {
        return Ok(sorted);
    }
    let work = sorted.answers.iter().flat_map(|(group, _)| group);
    let work: Vec<Table> = work.map(&table).collect();
    let ask = |group: Vec<Table>| async move {
        control::columns(client, &metadata::readable(&group)).await
    };
    let itself = bisect::ask_in_groups(&doubtful, 1, &work, ask).await?;
    let Sorted { answers, refused } = sorted;
    let mut fitting = Vec::new();
    for (item, error) in refused {
        let table = table(&item);
        if itself
            .answers
            .iter()
            .any(|(group, _)| group.contains(&table))
        {
            return Err(error);
        }
        fitting.push((item, error));
    }
    Ok(Sorted {
        answers,
        refused: fitting,
    })
}
