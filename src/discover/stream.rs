//! A table → an Airbyte stream.

use serde_json::{Map, Value};

use super::capabilities::Capabilities;
use crate::catalog::TableColumns;
use crate::protocol::catalog::{AirbyteStream, SyncMode};
use crate::protocol::configured::{
    ConfiguredAirbyteCatalog, ConfiguredAirbyteStream, SelectedStream,
};
use crate::protocol::message::StreamDescriptor;
use crate::sql::{changes, keys};
use crate::types::{TrinoType, json_schema, record_schema};

/// The name and namespace that all messages of a stream carry.
pub(crate) fn descriptor(stream: &AirbyteStream) -> StreamDescriptor {
    StreamDescriptor {
        name: stream.name.clone(),
        namespace: stream.namespace.clone(),
    }
}

/// Whether a column is one of those that we add to changes.
pub(crate) fn is_of_changes(column: &str) -> bool {
    changes::COLUMNS.contains(&column)
}

/// Describes a table of a catalog with `connector` as a stream. `key` is the one that the table's
/// database tells.
pub(crate) fn describe(
    namespace: &str,
    table: &TableColumns,
    key: Option<&Vec<String>>,
    connector: Option<&str>,
    can: &Capabilities,
) -> AirbyteStream {
    let connector = can
        .connectors
        .get(&table.name)
        .map(String::as_str)
        .or(connector);
    let mut properties: Map<String, Value> = table
        .columns
        .iter()
        .map(|(name, ty)| (name.clone(), json_schema(ty)))
        .collect();
    let key: Vec<&str> = match key {
        Some(key) => key.iter().map(String::as_str).collect(),
        None => keys::key_of_every_table(connector).to_vec(),
    };
    // A key is only useful if all of its columns can be read.
    let is_readable = key.iter().all(|column| properties.contains_key(*column));
    let key = if is_readable { key } else { Vec::new() };
    let rising = keys::cursor_of_every_table(connector);
    let rising = rising.filter(|column| properties.contains_key(*column));
    let changes = can.changes.contains(&table.name);
    if changes {
        let time = json_schema(&TrinoType::TimestampWithTimeZone { precision: 3 });
        properties.insert(changes::UPDATED_AT.to_owned(), time.clone());
        properties.insert(changes::DELETED_AT.to_owned(), time);
        properties.insert(changes::CURSOR.to_owned(), json_schema(&TrinoType::Bigint));
    }
    let has_cursor = table.columns.iter().any(|(_, ty)| ty.is_cursor());
    AirbyteStream {
        name: table.name.clone(),
        namespace: Some(namespace.to_owned()),
        json_schema: record_schema(properties),
        supported_sync_modes: SyncMode::supported(changes || has_cursor),
        source_defined_cursor: changes,
        default_cursor_field: if changes {
            Some(changes::CURSOR)
        } else {
            rising
        }
        .map(|column| vec![column.to_owned()]),
        source_defined_primary_key: key
            .iter()
            .map(|column| vec![(*column).to_owned()])
            .collect(),
        is_resumable: can.versioned.contains(&table.name),
    }
}

/// A stream as `discover --configured` writes it: with all columns, ready to be read. If it has no
/// cursor of its own, its cursor is the column `cursor`; if it does not have this column either, it
/// is read whole.
fn configure(
    stream: AirbyteStream,
    sync_mode: SyncMode,
    cursor: Option<&str>,
) -> ConfiguredAirbyteStream {
    let has = |column: &&str| !stream.json_schema["properties"][*column].is_null();
    let cursor = stream
        .default_cursor_field
        .clone()
        .or_else(|| cursor.filter(has).map(|column| vec![column.to_owned()]));
    let incremental = sync_mode == SyncMode::Incremental && cursor.is_some();
    let (sync_mode, destination_sync_mode) = if incremental {
        (sync_mode, "append")
    } else {
        (SyncMode::FullRefresh, "overwrite")
    };
    let key = Some(stream.source_defined_primary_key).filter(|key| !key.is_empty());
    ConfiguredAirbyteStream {
        stream: SelectedStream {
            name: stream.name,
            namespace: stream.namespace,
            json_schema: stream.json_schema,
            supported_sync_modes: stream.supported_sync_modes,
            source_defined_primary_key: key.clone(),
        },
        sync_mode,
        destination_sync_mode: destination_sync_mode.to_owned(),
        cursor_field: cursor,
        primary_key: key,
        generation_id: None,
    }
}

/// The configured catalog of some streams.
pub(crate) fn configured(
    streams: impl IntoIterator<Item = AirbyteStream>,
    sync_mode: SyncMode,
    cursor: Option<&str>,
) -> ConfiguredAirbyteCatalog {
    let streams = streams
        .into_iter()
        .map(|stream| configure(stream, sync_mode, cursor))
        .collect();
    ConfiguredAirbyteCatalog {
        streams,
        problems: Vec::new(),
        hints: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TableColumns {
        TableColumns {
            name: "t".into(),
            columns: vec![
                ("id".into(), TrinoType::Bigint),
                ("n".into(), TrinoType::Varchar(None)),
            ],
        }
    }

    #[test]
    fn a_key_whose_columns_can_all_be_read_is_told() {
        let key = vec!["id".to_owned()];
        assert_eq!(
            describe("s", &table(), Some(&key), None, &Capabilities::default())
                .source_defined_primary_key,
            [["id"]]
        );
        let hidden = vec!["id".to_owned(), "secret".to_owned()];
        assert!(
            describe("s", &table(), Some(&hidden), None, &Capabilities::default())
                .source_defined_primary_key
                .is_empty()
        );
    }

    #[test]
    fn the_connector_that_really_reads_a_table_decides_its_key_and_cursor() {
        let column = |name: &str| (name.to_owned(), TrinoType::Varchar(None));
        let table = TableColumns {
            name: "t".into(),
            columns: [
                "_hoodie_commit_time",
                "_hoodie_record_key",
                "_hoodie_partition_path",
            ]
            .map(column)
            .into(),
        };
        let behind = |connector: &str| Capabilities {
            connectors: [("t".to_owned(), connector.to_owned())].into(),
            ..Capabilities::default()
        };
        let stream = describe("s", &table, None, Some("hive"), &behind("hudi"));
        assert_eq!(
            stream.source_defined_primary_key,
            [["_hoodie_record_key"], ["_hoodie_partition_path"]]
        );
        assert_eq!(
            stream.default_cursor_field.unwrap(),
            ["_hoodie_commit_time"]
        );
        let stream = describe("s", &table, None, Some("hive"), &behind("hive"));
        assert!(stream.source_defined_primary_key.is_empty());
        assert_eq!(stream.default_cursor_field, None);
    }

    #[test]
    fn a_table_whose_changes_can_be_read_has_a_cursor_of_its_own() {
        let can = Capabilities {
            versioned: ["t".to_owned()].into(),
            changes: ["t".to_owned()].into(),
            ..Capabilities::default()
        };
        let stream = describe("s", &table(), None, None, &can);
        assert!(stream.source_defined_cursor && stream.is_resumable);
        assert_eq!(stream.default_cursor_field.unwrap(), ["_ab_cdc_cursor"]);
        let properties = &stream.json_schema["properties"];
        assert_eq!(properties["_ab_cdc_deleted_at"]["format"], "date-time");
        let plain = describe("s", &table(), None, None, &Capabilities::default());
        assert!(!plain.source_defined_cursor && !plain.is_resumable);
        assert_eq!(plain.supported_sync_modes.len(), 2);
    }

    #[test]
    fn a_configured_catalog_reads_back() {
        let catalog = configured(
            [describe(
                "s",
                &table(),
                None,
                None,
                &Capabilities::default(),
            )],
            SyncMode::FullRefresh,
            None,
        );
        let text = serde_json::to_string(&catalog).unwrap();
        let read: ConfiguredAirbyteCatalog = serde_json::from_str(&text).unwrap();
        assert_eq!(
            read.streams[0].stream.selected_columns().unwrap(),
            ["id", "n"]
        );
    }

    #[test]
    fn streams_with_the_cursor_are_configured_incrementally() {
        let mode = |sync_mode, cursor| {
            let stream = describe("s", &table(), None, None, &Capabilities::default());
            let stream = configure(stream, sync_mode, cursor);
            (stream.sync_mode, stream.cursor_field)
        };
        let (whole, new) = (SyncMode::FullRefresh, SyncMode::Incremental);
        let id = Some(vec!["id".to_owned()]);
        assert_eq!(mode(new, Some("id")), (new, id.clone()));
        assert_eq!(mode(new, Some("other")), (whole, None));
        assert_eq!(mode(new, None), (whole, None));
        assert_eq!(mode(whole, Some("id")), (whole, id));
    }
}
