//! Catalogs: what `discover` writes and what `read` is given.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::message::StreamDescriptor;

/// All streams that can be read.
#[derive(Debug, Serialize)]
pub(crate) struct AirbyteCatalog {
    /// Sorted by namespace and name.
    pub(crate) streams: Vec<AirbyteStream>,
}

/// One table or view.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AirbyteStream {
    /// Table name.
    pub(crate) name: String,
    /// Schema name, `catalog.schema` for another catalog; queries have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    /// Draft-07 schema of a record's `data`.
    pub(crate) json_schema: Value,
    /// What the connector can do for this stream.
    pub(crate) supported_sync_modes: Vec<SyncMode>,
    /// Whether the source itself knows what is new; without, a person picks a cursor.
    pub(crate) source_defined_cursor: bool,
    /// Path of the cursor to take if nobody picks one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default_cursor_field: Option<Vec<String>>,
    /// Key columns, one path a column; empty where Trino cannot tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) source_defined_primary_key: Vec<Vec<String>>,
    /// Whether an interrupted full refresh goes on where it stopped.
    pub(crate) is_resumable: bool,
}

/// How a stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SyncMode {
    /// All rows.
    FullRefresh,
    /// Rows that changed since the state.
    Incremental,
}

impl SyncMode {
    /// The modes of a stream that can be read whole, and incrementally or not.
    pub(crate) fn supported(incremental: bool) -> Vec<Self> {
        if incremental {
            vec![Self::FullRefresh, Self::Incremental]
        } else {
            vec![Self::FullRefresh]
        }
    }
}

/// The streams that a person selected; also written by `discover --configured`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ConfiguredAirbyteCatalog {
    /// In the order in which they are read.
    pub(crate) streams: Vec<ConfiguredAirbyteStream>,
}

/// One selected stream. Only `stream.name` and `sync_mode` are needed: catalogs are also
/// written by hand.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ConfiguredAirbyteStream {
    /// The stream as `discover` described it, reduced to the selected columns.
    pub(crate) stream: SelectedStream,
    /// How to read it.
    pub(crate) sync_mode: SyncMode,
    /// The destination's matter; any text is accepted.
    #[serde(default = "append")]
    pub(crate) destination_sync_mode: String,
    /// Path of the cursor column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor_field: Option<Vec<String>>,
    /// Paths of the key columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) primary_key: Option<Vec<Vec<String>>>,
    /// Counts how often the stream began anew in the destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) generation_id: Option<i64>,
}

/// What a configured catalog says of a stream.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SelectedStream {
    /// Table name.
    pub(crate) name: String,
    /// Schema name; absent means the configured schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    /// Its `properties` are the selected columns.
    #[serde(default)]
    pub(crate) json_schema: Value,
    /// Kept for `discover --configured`; not looked at by `read`.
    #[serde(default)]
    pub(crate) supported_sync_modes: Vec<SyncMode>,
    /// Kept for `discover --configured`; not looked at by `read`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source_defined_primary_key: Option<Vec<Vec<String>>>,
}

impl SelectedStream {
    /// The stream's name as messages carry it.
    pub(crate) fn descriptor(&self) -> StreamDescriptor {
        StreamDescriptor {
            name: self.name.clone(),
            namespace: self.namespace.clone(),
        }
    }

    /// The selected columns; `None` when the schema names none, which means all columns.
    pub(crate) fn selected_columns(&self) -> Option<Vec<&str>> {
        let properties: &Map<String, Value> = self.json_schema.get("properties")?.as_object()?;
        (!properties.is_empty()).then(|| properties.keys().map(String::as_str).collect())
    }
}

fn append() -> String {
    "append".to_owned()
}
