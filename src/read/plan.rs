//! What is behind a stream, its configuration and its state → how it is read, or why it cannot be.

use std::collections::HashSet;
use std::sync::Arc;

use super::lookup::{Found, Lookup};
use super::state::{Attempt, Content};
use crate::catalog::format::Format;
use crate::config::{Connection, Replication};
use crate::error::ConnectorError;
use crate::platform;
use crate::protocol::catalog::SyncMode;
use crate::protocol::configured::{ConfiguredAirbyteCatalog, ConfiguredAirbyteStream};
use crate::protocol::message::StreamDescriptor;
use crate::protocol::state::InputState;
use crate::sql::changes;
use crate::sql::cursor::Cursor;
use crate::sql::ident::{Relation, Table};
use crate::types::TrinoType;
use crate::types::expected::{Property, properties_in_order};

/// How the names of the columns begin that we add to changes, and that no table has.
const META_COLUMNS: &str = "_ab_cdc_";

/// What is read of one stream, and how.
#[derive(Debug, Clone)]
pub(crate) struct StreamPlan {
    /// The stream's name, as all its messages carry it.
    pub(crate) descriptor: StreamDescriptor,
    /// What is behind it.
    pub(crate) relation: Relation,
    /// The connector behind its catalog, for example `iceberg`, if it is known.
    pub(crate) connector: Option<String>,
    /// The selected columns that exist, in the table's order.
    pub(crate) columns: Vec<(String, TrinoType)>,
    /// The columns of the configured schema and the types that the destination expects, in the
    /// order in which Protobuf has the values.
    pub(crate) properties: Arc<[Property]>,
    /// The key columns that the configured catalog names. Names that are no column stay in the
    /// list, so that the key is used as a whole or not at all.
    pub(crate) primary_key: Vec<String>,
    /// How it is read.
    pub(crate) mode: Mode,
    /// Whether the configured catalog asks only for new and changed rows.
    pub(crate) is_incremental: bool,
    /// The platform's job, and the generation of the stream in the destination.
    pub(crate) attempt: Attempt,
    /// Whether the destination keeps one row for each key, so that a row may come twice.
    pub(crate) keeps_one_row_of_a_key: bool,
    /// Where an earlier read stopped.
    pub(crate) state: Option<Content>,
}

/// How a stream is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Whole.
    FullRefresh,
    /// New rows, found by a cursor.
    Cursor(Cursor),
    /// The changes of a table that keeps its versions.
    Changes(Format, Table),
}

impl StreamPlan {
    /// Whether a record without this column's value is useless: the column is part of the key, is
    /// the cursor, or tells the kind of a change.
    pub(crate) fn must_keep(&self, column: &str) -> bool {
        let is_cursor = matches!(&self.mode, Mode::Cursor(cursor) if cursor.column == column);
        is_cursor
            || column.starts_with(META_COLUMNS)
            || self.primary_key.iter().any(|key| key == column)
    }

    /// The key, if all its columns are selected; otherwise no columns.
    pub(crate) fn readable_key(&self) -> &[String] {
        let selected = |name: &String| self.columns.iter().any(|(column, _)| column == name);
        if self.primary_key.iter().all(selected) {
            &self.primary_key
        } else {
            &[]
        }
    }
}

/// A stream with its plan, or with the reason why there is none.
pub(crate) type Planned = (StreamDescriptor, Result<StreamPlan, ConnectorError>);

/// Plans all streams from what is behind them and from their states.
///
/// # Errors
///
/// When the catalog has a stream twice. An error of one stream is in its place of the result.
pub(super) fn plan_streams(
    connection: &Connection,
    catalog: &ConfiguredAirbyteCatalog,
    lookup: Lookup,
    state: &InputState,
) -> Result<Vec<Planned>, ConnectorError> {
    refuse_repeated(catalog)?;
    let plans = catalog.streams.iter().zip(lookup).map(|(stream, found)| {
        let descriptor = stream.stream.descriptor();
        let plan = found
            .and_then(|found| plan_stream(connection, stream, found))
            .map_err(|error| error.about_stream(&descriptor))
            .and_then(|plan| {
                let state = state.of_stream(&descriptor);
                let state = state.and_then(|state| Content::from_state(&descriptor, state));
                refuse_to_lose_position(connection, &plan, state.as_ref())
                    .map_err(|error| error.about_stream(&descriptor))?;
                Ok(StreamPlan { state, ..plan })
            });
        (descriptor, plan)
    });
    let unreadable = catalog.problems.iter().filter_map(|problem| {
        let descriptor = problem.stream.clone()?;
        let error = ConnectorError::config(format!("{problem}.")).about_stream(&descriptor);
        Some((descriptor, Err(error)))
    });
    Ok(plans.chain(unreadable).collect())
}

/// Refuses to read a stream by other means whose changes were read before, if only the connector of
/// its table is not known at the moment. After a full read, the changes since its position could
/// never be told any more.
fn refuse_to_lose_position(
    connection: &Connection,
    plan: &StreamPlan,
    state: Option<&Content>,
) -> Result<(), ConnectorError> {
    let follows_changes = matches!(state, Some(Content::Changes(_)))
        && connection.sync.replication == Replication::Changes
        && plan.mode == Mode::FullRefresh
        && plan.is_incremental;
    match plan.relation.table() {
        Some(table) if follows_changes && plan.connector.is_none() => {
            Err(ConnectorError::config(format!(
                "its changes were read before, and now it is not known which connector the catalog \
                 \"{}\" has. Grant the user of ‹username› SELECT on system.metadata.catalogs.",
                table.catalog
            )))
        }
        _ => Ok(()),
    }
}

fn refuse_repeated(catalog: &ConfiguredAirbyteCatalog) -> Result<(), ConnectorError> {
    let mut seen = HashSet::new();
    match catalog
        .streams
        .iter()
        .map(|s| s.stream.descriptor())
        .find(|d| !seen.insert(d.clone()))
    {
        Some(twice) => Err(ConnectorError::config(format!(
            "The configured catalog has the stream \"{twice}\" more than once."
        ))),
        None => Ok(()),
    }
}

fn plan_stream(
    connection: &Connection,
    stream: &ConfiguredAirbyteStream,
    found: Found,
) -> Result<StreamPlan, ConnectorError> {
    let descriptor = stream.stream.descriptor();
    let mode = mode(connection, stream, &found);
    let primary_key = key_columns(
        stream.primary_key.as_deref().unwrap_or_default(),
        &found.columns,
    );
    let columns = match stream.stream.selected_columns() {
        None => found.columns,
        Some(selected) => select(&descriptor, found.columns, &selected),
    };
    let columns = match mode {
        Mode::Changes(..) => without_meta_columns(&descriptor, columns),
        _ => columns,
    };
    if columns.is_empty() {
        let what = found.relation.table().map_or_else(
            || "the query".to_owned(),
            |table| format!("the table {table}"),
        );
        return Err(ConnectorError::config(format!(
            "none of the selected columns is in {what}. Refresh the source's schema."
        )));
    }
    Ok(StreamPlan {
        descriptor,
        relation: found.relation,
        connector: found.connector,
        columns,
        properties: properties_in_order(&stream.stream.json_schema).into(),
        primary_key,
        mode,
        is_incremental: stream.sync_mode == SyncMode::Incremental,
        attempt: Attempt {
            job: platform::variable("WORKER_JOB_ID"),
            generation: stream.generation_id,
        },
        keeps_one_row_of_a_key: stream.destination_sync_mode.ends_with("_dedup"),
        state: None,
    })
}

/// The columns of a key. People write the columns of a key as one path, so a path whose names are
/// all columns stands for these columns. A path that leads into a row stays as it is written, and
/// is no column.
fn key_columns(paths: &[Vec<String>], columns: &[(String, TrinoType)]) -> Vec<String> {
    let mut key: Vec<String> = Vec::new();
    for path in paths {
        let names: Vec<String> = path
            .iter()
            .filter(|name| !name.is_empty())
            .cloned()
            .collect();
        let matching: Option<Vec<String>> = names
            .iter()
            .map(|name| column_named(name, columns).map(|(column, _)| column.clone()))
            .collect();
        let names = match matching {
            Some(matching) if !leads_into_a_row(&matching, columns) => matching,
            _ => vec![names.join(".")],
        };
        for name in names {
            if !key.contains(&name) {
                key.push(name);
            }
        }
    }
    key
}

/// The column of a name, as people write it: Trino's own names are in small letters, and names that
/// differ only by them stand for one column.
fn column_named<'a>(
    name: &str,
    columns: &'a [(String, TrinoType)],
) -> Option<&'a (String, TrinoType)> {
    let exact = columns.iter().find(|(column, _)| column == name);
    let mut similar = columns
        .iter()
        .filter(|(column, _)| column.eq_ignore_ascii_case(name));
    exact.or_else(|| similar.next().filter(|_| similar.next().is_none()))
}

fn leads_into_a_row(path: &[String], columns: &[(String, TrinoType)]) -> bool {
    let [first, second, ..] = path else {
        return false;
    };
    let row = columns.iter().find(|(column, _)| column == first);
    match row {
        Some((_, TrinoType::Row(fields))) => {
            let mut fields = fields.iter();
            fields.any(|field| field.name.as_ref() == Some(second))
        }
        _ => false,
    }
}

/// How a stream is read. A stream that cannot be read incrementally is read whole, with a WARN,
/// because PyAirbyte configures every stream as incremental.
fn mode(connection: &Connection, stream: &ConfiguredAirbyteStream, found: &Found) -> Mode {
    if stream.sync_mode == SyncMode::FullRefresh {
        return Mode::FullRefresh;
    }
    let descriptor = stream.stream.descriptor();
    let whole = |why: &str| {
        tracing::warn!("stream \"{descriptor}\" is read whole, not incrementally: {why}");
        Mode::FullRefresh
    };
    let path = stream.cursor_field.as_deref().unwrap_or_default();
    let path: Vec<&String> = path.iter().filter(|name| !name.is_empty()).collect();
    let configured = match path[..] {
        [] => None,
        [name] => Some(name.clone()),
        _ => {
            let path: Vec<&str> = path.into_iter().map(String::as_str).collect();
            return whole(&format!(
                "its cursor \"{}\" is not one column",
                path.join(".")
            ));
        }
    };
    // A table whose changes cannot be read is read by the cursor that a person has chosen.
    if connection.sync.replication == Replication::Changes
        && configured
            .as_ref()
            .is_none_or(|name| name.starts_with(META_COLUMNS))
        && let Some(table) = found.relation.table()
        && let Some(format) = Format::of_connector(found.connector.as_deref())
    {
        return Mode::Changes(format, table.clone());
    }
    let of_query = found.query.as_ref().and_then(|query| query.cursor.clone());
    let Some(name) = configured.or(of_query) else {
        return whole(match found.connector {
            None if connection.sync.replication == Replication::Changes
                && found.relation.table().is_some() =>
            {
                "it has no cursor, and its changes cannot be read, since it is not known which connector its catalog has. Grant the user of ‹username› SELECT on system.metadata.catalogs"
            }
            Some(_)
                if connection.sync.replication == Replication::Changes
                    && found.relation.table().is_some() =>
            {
                "it has no cursor, and its changes cannot be read, because it is not a table of Iceberg or Delta Lake. Choose a cursor for it"
            }
            _ => "it has no cursor. Choose a column whose values rise",
        });
    };
    if connection.sync.replication == Replication::Changes
        && found.relation.table().is_some()
        && found.connector.is_some()
    {
        tracing::warn!(
            "stream \"{descriptor}\" is read by its cursor \"{name}\", which reports no deletions: its changes cannot be read, because it is not a table of Iceberg or Delta Lake"
        );
    }
    match column_named(&name, &found.columns) {
        Some((column, ty)) if ty.is_cursor() => {
            warn_of_uuids(&descriptor, found.connector.as_deref(), column, ty);
            Mode::Cursor(Cursor {
                column: column.clone(),
                ty: ty.clone(),
                finds_nulls_in_trino: found.connector.as_deref() == Some("kafka"),
            })
        }
        Some((_, ty)) => whole(&format!(
            "its cursor \"{name}\" is of type {ty}, whose values have no fixed order"
        )),
        None => whole(&format!("it has no column \"{name}\" for the cursor")),
    }
}

/// Warns of ids that were made by time and do not rise in the order in which Trino compares them.
fn warn_of_uuids(
    descriptor: &StreamDescriptor,
    connector: Option<&str>,
    column: &str,
    ty: &TrinoType,
) {
    if ty.is_uuid() && connector == Some("cassandra") {
        tracing::warn!(
            "stream \"{descriptor}\": its cursor \"{column}\" is a uuid, and a timeuuid of Cassandra does not rise with time as Trino compares it, so new rows may be missed. Choose a column with a time as the cursor"
        );
    }
}

/// Leaves out columns that were made from another table's changes, because they would be taken for
/// the changes of this table.
fn without_meta_columns(
    descriptor: &StreamDescriptor,
    mut columns: Vec<(String, TrinoType)>,
) -> Vec<(String, TrinoType)> {
    columns.retain(|(name, _)| {
        let kept = !changes::COLUMNS.contains(&name.as_str());
        if !kept {
            tracing::warn!(
                "stream \"{descriptor}\": the table's own column \"{name}\" is left out, since its changes have one of that name"
            );
        }
        kept
    });
    columns
}

/// The selected columns that a table has. Missing ones are named in a WARN: a column that was
/// dropped must not stop the others (airbyte-protocol, "Schema Mismatches").
fn select(
    descriptor: &StreamDescriptor,
    columns: Vec<(String, TrinoType)>,
    selected: &[&str],
) -> Vec<(String, TrinoType)> {
    let exists: HashSet<String> = columns.iter().map(|(name, _)| name.clone()).collect();
    // Trino has all names in lower case, also where the database or a person writes capitals.
    let lower = |name: &&str| Some(name.to_lowercase()).filter(|lower| exists.contains(lower));
    for name in selected {
        if lower(name).is_none() && !exists.contains(*name) && !name.starts_with(META_COLUMNS) {
            tracing::warn!("stream \"{descriptor}\" has no column \"{name}\"; it is left out");
        }
    }
    let selected: HashSet<String> = selected
        .iter()
        .map(|name| lower(name).unwrap_or_else(|| (*name).to_owned()))
        .collect();
    columns
        .into_iter()
        .filter(|(name, _)| selected.contains(name))
        .collect()
}

#[cfg(test)]
mod tests;
