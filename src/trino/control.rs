//! Small typed answers (metadata, versions, positions, statistics), decoded by prusto.
//!
//! Only this file and `answers`, which has their rows, use prusto, and only its derive and
//! `DataSet`, which reports a page that it cannot decode. prusto's own client and `QueryResult`
//! turn such a page into "no rows, no error" (`tests/it/prusto.rs` shows it).

use prusto::{DataSet, Presto};

use super::Client;
use super::error::TrinoError;
use super::retry;
use crate::trino::http::transport::Extras;
use crate::trino::wire::page::Column;

/// Runs a small query and collects its rows.
///
/// # Errors
///
/// When the query fails, or an answer does not have the expected columns.
pub(crate) async fn rows<T: Presto>(client: &Client, sql: &str) -> Result<Vec<T>, TrinoError> {
    collect(client, sql, Extras::default()).await
}

/// As [`rows`], for a query of one row.
///
/// # Errors
///
/// As [`rows`], and when there is no row.
pub(crate) async fn only_row<T: Presto>(client: &Client, sql: &str) -> Result<T, TrinoError> {
    let rows = rows(client, sql).await?;
    rows.into_iter()
        .next()
        .ok_or_else(|| TrinoError::Protocol("A query that gives one row gave none.".to_owned()))
}

/// As [`rows`], without the configured session properties.
///
/// # Errors
///
/// As [`rows`].
pub(crate) async fn rows_bare<T: Presto>(client: &Client, sql: &str) -> Result<Vec<T>, TrinoError> {
    let extras = Extras {
        bare: true,
        ..Extras::default()
    };
    collect(client, sql, extras).await
}

/// As [`rows`], with something beside the session.
///
/// # Errors
///
/// As [`rows`], and when the user may not set a session property of `extras`.
pub(crate) async fn rows_with<T: Presto>(
    client: &Client,
    sql: &str,
    extras: Extras<'_>,
) -> Result<Vec<T>, TrinoError> {
    collect(client, sql, extras).await
}

async fn collect<T: Presto>(
    client: &Client,
    sql: &str,
    extras: Extras<'_>,
) -> Result<Vec<T>, TrinoError> {
    retry::rerun(client, || async {
        let mut statement = client.execute_with(sql, extras).await?;
        let mut rows = Vec::new();
        let mut columns = None;
        while let Some(page) = statement.next_page().await? {
            if let Some(text) = &page.envelope.columns {
                columns = Some(text.get().to_owned());
            }
            let (Some(columns), Some(data)) = (&columns, page.rows()) else {
                continue;
            };
            let mut set = format!("{{\"columns\":{columns},\"data\":").into_bytes();
            set.extend_from_slice(&data);
            set.push(b'}');
            let set: DataSet<T> = serde_json::from_slice(&set).map_err(|error| {
                TrinoError::Protocol(format!(
                    "The answer to {sql:?} is not as expected: {error}."
                ))
            })?;
            rows.extend(set.into_vec());
        }
        Ok(rows)
    })
    .await
}

/// Runs a statement whose answer is one text, such as `EXPLAIN`.
///
/// # Errors
///
/// When it fails, or when its answer is not one text.
pub(crate) async fn text(client: &Client, sql: &str) -> Result<String, TrinoError> {
    text_with(client, sql, Extras::default()).await
}

/// As [`text`], with something beside the session.
///
/// # Errors
///
/// As [`text`], and when the user may not set a session property of `extras`.
pub(crate) async fn text_with(
    client: &Client,
    sql: &str,
    extras: Extras<'_>,
) -> Result<String, TrinoError> {
    retry::rerun(client, || async {
        let mut statement = client.execute_with(sql, extras).await?;
        let mut text = String::new();
        while let Some(page) = statement.next_page().await? {
            let Some(data) = page.rows() else {
                continue;
            };
            let rows: Vec<[String; 1]> = serde_json::from_slice(&data).map_err(|error| {
                TrinoError::Protocol(format!(
                    "The answer to {sql:?} is not as expected: {error}."
                ))
            })?;
            text.extend(rows.into_iter().flatten());
        }
        Ok(text)
    })
    .await
}

/// The text of a plan of a query about tables of a catalog. A plan reads nothing, so it needs no
/// condition on a partition column either, where the catalog wants one.
///
/// # Errors
///
/// As [`text_with`].
pub(crate) async fn plan(
    client: &Client,
    explain: &str,
    catalog: &str,
) -> Result<String, TrinoError> {
    match text(client, explain).await {
        Err(error) if error.is_named(&["QUERY_REJECTED"]) => {
            let property = format!("{catalog}.query_partition_filter_required");
            let extras = Extras {
                property: Some((&property, "false")),
                ..Extras::default()
            };
            // Boxed, since it is rare and its state would lie in that of every read.
            Box::pin(text_with(client, explain, extras)).await
        }
        plan => plan,
    }
}

/// Runs a statement for its columns; its rows do not matter.
///
/// # Errors
///
/// When it fails, or has no columns.
pub(crate) async fn columns(client: &Client, sql: &str) -> Result<Vec<Column>, TrinoError> {
    retry::rerun(client, || async {
        let mut statement = client.execute(sql).await?;
        let mut columns = None;
        while let Some(page) = statement.next_page().await? {
            columns = page.columns()?.or(columns);
        }
        columns
            .ok_or_else(|| TrinoError::Protocol(format!("The answer to {sql:?} has no columns.")))
    })
    .await
}
