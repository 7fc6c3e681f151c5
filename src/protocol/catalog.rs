//! The catalog that `discover` writes; the one that `read` is given is in `configured`.

use serde::Serialize;
use serde_json::Value;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SyncMode {
    /// All rows.
    FullRefresh,
    /// Rows that changed since the state.
    Incremental,
}

impl SyncMode {
    /// The mode of this name, also in capital letters.
    pub(super) fn named(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().replace('-', "_").as_str() {
            "full_refresh" => Some(Self::FullRefresh),
            "incremental" => Some(Self::Incremental),
            _ => None,
        }
    }

    /// The modes of a stream that can be read whole, and incrementally or not.
    pub(crate) fn supported(incremental: bool) -> Vec<Self> {
        if incremental {
            vec![Self::FullRefresh, Self::Incremental]
        } else {
            vec![Self::FullRefresh]
        }
    }
}
