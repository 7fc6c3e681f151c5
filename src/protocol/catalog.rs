//! The catalog that `discover` writes; the one that `read` is given is in `configured`.

use serde::Serialize;
use serde_json::Value;

pub use super::configured::{
    ConfiguredAirbyteCatalog, ConfiguredAirbyteStream, SelectedStream, StreamProblem,
};

/// All streams that can be read.
#[derive(Debug, Serialize)]
pub struct AirbyteCatalog {
    /// Sorted by namespace and name.
    pub streams: Vec<AirbyteStream>,
}

/// One table or view.
#[derive(Debug, Clone, Serialize)]
pub struct AirbyteStream {
    /// Table name.
    pub name: String,
    /// Schema name, `catalog.schema` for another catalog; queries have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Draft-07 schema of a record's `data`.
    pub json_schema: Value,
    /// What the connector can do for this stream.
    pub supported_sync_modes: Vec<SyncMode>,
    /// Whether the source itself knows what is new; without, a person picks a cursor.
    pub source_defined_cursor: bool,
    /// Path of the cursor to take if nobody picks one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_cursor_field: Option<Vec<String>>,
    /// Key columns, one path a column; empty where Trino cannot tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_defined_primary_key: Vec<Vec<String>>,
    /// Whether an interrupted full refresh goes on where it stopped.
    pub is_resumable: bool,
}

/// How a stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncMode {
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
    pub fn supported(incremental: bool) -> Vec<Self> {
        if incremental {
            vec![Self::FullRefresh, Self::Incremental]
        } else {
            vec![Self::FullRefresh]
        }
    }
}
