//! Which tables the user may read.
//!
//! Seeing a table is not being allowed to read it. Trino is asked to validate a statement over
//! many tables at once, which reads nothing; where that fails, the tables are halved until the
//! ones that cannot be read stand alone.

use tokio::task::JoinSet;

use crate::catalog::tables::TableColumns;
use crate::sql::ident::Table;
use crate::sql::metadata;
use crate::trino::Client;
use crate::trino::control;
use crate::trino::error::TrinoError;

/// Tables in one statement; Trino refuses very wide unions.
const TABLES_PER_QUERY: usize = 100;

/// Tables that are named in the log when they are left out.
const NAMED: usize = 20;

/// Those of `tables` that the user may read; the others are left out with a WARN.
///
/// # Errors
///
/// When the server cannot be asked at all.
pub(crate) async fn readable(
    client: &Client,
    catalog: &str,
    schema: &str,
    tables: Vec<TableColumns>,
) -> Result<Vec<TableColumns>, TrinoError> {
    let mut groups: Vec<Vec<TableColumns>> = Vec::new();
    let mut rest = tables;
    while !rest.is_empty() {
        let tail = rest.split_off(rest.len().min(TABLES_PER_QUERY));
        groups.push(std::mem::replace(&mut rest, tail));
    }
    // The client's slots bound how many of these run at once.
    let mut running = JoinSet::new();
    let ask = |running: &mut JoinSet<_>, group: Vec<TableColumns>| {
        let (client, catalog, schema) = (client.clone(), catalog.to_owned(), schema.to_owned());
        running.spawn(async move {
            let names: Vec<&str> = group.iter().map(|table| table.name.as_str()).collect();
            let answer = validate(&client, &catalog, &schema, &names).await;
            (group, answer)
        });
    };
    for group in groups {
        ask(&mut running, group);
    }
    let mut good = Vec::new();
    let mut left_out = 0;
    while let Some(answer) = running.join_next().await {
        let (mut group, answer) = answer.map_err(|_| TrinoError::Stopped)?;
        match answer {
            Ok(()) => good.append(&mut group),
            Err(error) if error.query_error().is_none() => return Err(error),
            Err(error) if group.len() == 1 => {
                left_out += 1;
                if left_out <= NAMED {
                    tracing::warn!("table {schema:?}.{:?} is left out: {error}", group[0].name);
                }
            }
            Err(_) => {
                let half = group.split_off(group.len() / 2);
                ask(&mut running, half);
                ask(&mut running, group);
            }
        }
    }
    if left_out > NAMED {
        tracing::warn!(
            "{left_out} tables of schema {schema:?} were left out, {NAMED} of them named above"
        );
    }
    good.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(good)
}

/// Succeeds when the user may read all the named tables.
///
/// # Errors
///
/// Trino's reason otherwise.
pub(crate) async fn validate(
    client: &Client,
    catalog: &str,
    schema: &str,
    names: &[&str],
) -> Result<(), TrinoError> {
    let tables: Vec<Table> = names
        .iter()
        .map(|name| Table {
            catalog: catalog.into(),
            schema: schema.into(),
            name: (*name).into(),
        })
        .collect();
    let tables: Vec<&Table> = tables.iter().collect();
    control::columns(client, &metadata::readable(&tables))
        .await
        .map(drop)
}
