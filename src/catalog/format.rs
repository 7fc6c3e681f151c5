//! Table formats that keep versions of a table.

/// Table formats that keep versions of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Iceberg; versions are snapshots.
    Iceberg,
    /// Delta Lake.
    DeltaLake,
}

impl Format {
    /// The format behind a connector.
    pub(crate) fn of(connector: Option<&str>) -> Option<Self> {
        match connector? {
            "iceberg" => Some(Self::Iceberg),
            "delta_lake" => Some(Self::DeltaLake),
            _ => None,
        }
    }
}
