//! A table → an Airbyte stream.

use serde_json::{Map, Value, json};

use super::tables::TableColumns;
use crate::protocol::catalog::{
    AirbyteStream, ConfiguredAirbyteCatalog, ConfiguredAirbyteStream, SelectedStream, SyncMode,
};
use crate::types::json_schema;

/// Describes a table as a stream.
pub fn describe(schema: &str, table: &TableColumns, key: Option<&Vec<String>>) -> AirbyteStream {
    let properties: Map<String, Value> = table
        .columns
        .iter()
        .map(|(name, ty)| (name.clone(), json_schema(ty)))
        .collect();
    // A key is only worth something if all of its columns can be read.
    let key = key.filter(|key| key.iter().all(|column| properties.contains_key(column)));
    AirbyteStream {
        name: table.name.clone(),
        namespace: schema.to_owned(),
        json_schema: json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": properties,
        }),
        supported_sync_modes: vec![SyncMode::FullRefresh],
        source_defined_cursor: false,
        source_defined_primary_key: key
            .map(|key| key.iter().map(|column| vec![column.clone()]).collect())
            .unwrap_or_default(),
        is_resumable: false,
    }
}

/// A stream as `discover --configured` writes it: all columns, ready to be read.
pub fn configure(stream: AirbyteStream, sync_mode: SyncMode) -> ConfiguredAirbyteStream {
    let key = Some(stream.source_defined_primary_key).filter(|key| !key.is_empty());
    ConfiguredAirbyteStream {
        stream: SelectedStream {
            name: stream.name,
            namespace: Some(stream.namespace),
            json_schema: stream.json_schema,
            supported_sync_modes: stream.supported_sync_modes,
            source_defined_primary_key: key.clone(),
        },
        sync_mode,
        destination_sync_mode: "overwrite".to_owned(),
        cursor_field: None,
        primary_key: key,
    }
}

/// The configured catalog of some streams.
pub fn configured(
    streams: impl IntoIterator<Item = AirbyteStream>,
    sync_mode: SyncMode,
) -> ConfiguredAirbyteCatalog {
    let streams = streams
        .into_iter()
        .map(|stream| configure(stream, sync_mode))
        .collect();
    ConfiguredAirbyteCatalog { streams }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::TrinoType;

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
            describe("s", &table(), Some(&key)).source_defined_primary_key,
            [["id"]]
        );
        let hidden = vec!["id".to_owned(), "secret".to_owned()];
        assert!(
            describe("s", &table(), Some(&hidden))
                .source_defined_primary_key
                .is_empty()
        );
    }

    #[test]
    fn a_configured_catalog_reads_back() {
        let catalog = configured([describe("s", &table(), None)], SyncMode::FullRefresh);
        let text = serde_json::to_string(&catalog).unwrap();
        let read: ConfiguredAirbyteCatalog = serde_json::from_str(&text).unwrap();
        assert_eq!(
            read.streams[0].stream.selected_columns().unwrap(),
            ["id", "n"]
        );
    }
}
