//! Segments of the spooled protocol: what an answer tells about them, and how they are downloaded.
//!
//! Source: `client/trino-client`, `OkHttpSegmentLoader`. A segment's own headers go
//! with its download and its acknowledgement (they may hold the key that it is encrypted with);
//! ours go only to the coordinator, never to the storage, which refuses requests with two kinds
//! of credentials.

use std::collections::BTreeMap;

use base64::Engine as _;
use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use super::error::TrinoError;
use crate::trino::http::transport::Transport;
use crate::trino::wire::codec;
use crate::trino::wire::codec::{CodecError, Encoding};

/// The `data` of an answer whose rows are spooled.
#[derive(Debug, Deserialize)]
pub(crate) struct SpooledData {
    encoding: String,
    #[serde(default)]
    segments: Vec<RawSegment>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum RawSegment {
    Inline {
        data: String,
        metadata: Metadata,
    },
    #[serde(rename_all = "camelCase")]
    Spooled {
        uri: String,
        ack_uri: Option<String>,
        #[serde(default)]
        headers: BTreeMap<String, Vec<String>>,
        metadata: Metadata,
    },
}

/// What an answer tells about a segment. Old servers leave some of it out (#26878).
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    row_offset: Option<u64>,
    rows_count: Option<u64>,
    segment_size: Option<u64>,
    uncompressed_size: Option<u64>,
}

/// A segment that is to be read.
#[derive(Debug)]
pub(crate) struct Segment {
    encoding: Encoding,
    place: Place,
    metadata: Metadata,
}

#[derive(Debug)]
enum Place {
    Inline(String),
    Stored {
        uri: String,
        ack_uri: Option<String>,
        headers: HeaderMap,
    },
}

/// What is needed to tell the server that a segment was read and may be deleted.
#[derive(Debug)]
pub(crate) struct Receipt {
    uri: String,
    headers: HeaderMap,
}

/// Splits `data` into segments, in the order of their rows.
///
/// # Errors
///
/// When it has not the form that Trino sends, or names an encoding that was not asked for.
pub(crate) fn segments(data: &[u8]) -> Result<Vec<Segment>, TrinoError> {
    let data: SpooledData = serde_json::from_slice(data)
        .map_err(|error| TrinoError::Protocol(format!("Spooled data cannot be read: {error}.")))?;
    let encoding = Encoding::from_name(&data.encoding)?;
    let mut segments = data
        .segments
        .into_iter()
        .map(|segment| Segment::new(encoding, segment))
        .collect::<Result<Vec<_>, _>>()?;
    // Without the offsets of all, the order of the list is the only one there is.
    if segments
        .iter()
        .all(|segment| segment.metadata.row_offset.is_some())
    {
        segments.sort_by_key(|segment| segment.metadata.row_offset);
    }
    Ok(segments)
}

impl Segment {
    fn new(encoding: Encoding, segment: RawSegment) -> Result<Self, TrinoError> {
        let (place, metadata) = match segment {
            RawSegment::Inline { data, metadata } => (Place::Inline(data), metadata),
            RawSegment::Spooled {
                uri,
                ack_uri,
                headers,
                metadata,
            } => (
                Place::Stored {
                    uri,
                    ack_uri,
                    headers: header_map(&headers)?,
                },
                metadata,
            ),
        };
        Ok(Self {
            encoding,
            place,
            metadata,
        })
    }

    /// Index of the segment's first row in the result, if the server tells it.
    pub(crate) fn row_offset(&self) -> Option<u64> {
        self.metadata.row_offset
    }

    /// Number of rows, if the server tells it.
    pub(crate) fn rows_count(&self) -> Option<u64> {
        self.metadata.rows_count
    }

    /// Bytes of memory needed for reading it, as far as this is known beforehand.
    pub(crate) fn memory(&self) -> u64 {
        let stored = self.metadata.segment_size.unwrap_or_default();
        stored.saturating_add(self.metadata.uncompressed_size.unwrap_or_default())
    }

    /// Downloads and unpacks the segment. The receipt is used when its rows have been accepted.
    ///
    /// # Errors
    ///
    /// When the download fails, or when a size differs from what the server has announced.
    pub(crate) async fn download(
        self,
        transport: &Transport,
    ) -> Result<(Bytes, Option<Receipt>), TrinoError> {
        let (stored, receipt) = match self.place {
            Place::Inline(text) => {
                let stored = base64::engine::general_purpose::STANDARD
                    .decode(text)
                    .map_err(|error| CodecError::Corrupt(error.to_string()))?;
                (Bytes::from(stored), None)
            }
            Place::Stored {
                uri,
                ack_uri,
                headers,
            } => {
                let stored = {
                    let size = self.metadata.segment_size;
                    transport.segment(&uri, &headers, size).await?
                };
                let receipt = ack_uri.map(|uri| Receipt { uri, headers });
                (stored, receipt)
            }
        };
        if let Some(expected) = self.metadata.segment_size {
            codec::check("stored", expected, stored.len())?;
        }
        let (encoding, uncompressed) = (self.encoding, self.metadata.uncompressed_size);
        let size = uncompressed.and_then(codec::room).unwrap_or_default();
        let mut out = transport.buffers().take(size);
        let unpack = move || {
            let unpacked = encoding.unpack(&stored, uncompressed, &mut out.bytes)?;
            Ok::<_, CodecError>(if unpacked { out.into_bytes() } else { stored })
        };
        let rows = tokio::task::spawn_blocking(unpack)
            .await
            .map_err(|_| TrinoError::Stopped)??;
        Ok((rows, receipt))
    }
}

impl Receipt {
    /// Tells the server that the segment may be deleted. Best effort: it expires by itself.
    pub(crate) async fn acknowledge(self, transport: &Transport) {
        if let Err(error) = transport.acknowledge(&self.uri, &self.headers).await {
            tracing::debug!(%error, "a segment could not be acknowledged");
        }
    }
}

fn header_map(headers: &BTreeMap<String, Vec<String>>) -> Result<HeaderMap, TrinoError> {
    let mut map = HeaderMap::new();
    for (name, values) in headers {
        for value in values {
            let wrong =
                || TrinoError::Protocol(format!("A segment's header {name:?} is not valid."));
            let name = HeaderName::try_from(name).map_err(|_| wrong())?;
            let mut value = HeaderValue::try_from(value).map_err(|_| wrong())?;
            value.set_sensitive(true);
            map.append(name, value);
        }
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_come_in_the_order_of_their_rows() {
        let data = br#"{"encoding":"json+zstd","metadata":{},"segments":[
            {"type":"spooled","uri":"http://s/1","ackUri":"http://c/1","headers":{"x-key":["a","b"]},
             "metadata":{"segmentSize":10,"uncompressedSize":30,"rowsCount":5,"rowOffset":2,"expiresAt":"2026"}},
            {"type":"inline","data":"W1sxXV0=","metadata":{"segmentSize":5,"rowsCount":2,"rowOffset":0}}]}"#;
        let segments = segments(data).unwrap();
        let offsets: Vec<_> = segments.iter().map(Segment::row_offset).collect();
        assert_eq!(offsets, [Some(0), Some(2)]);
        assert_eq!(segments[1].memory(), 40);
        let Place::Stored { headers, .. } = &segments[1].place else {
            panic!()
        };
        assert_eq!(headers.get_all("x-key").iter().count(), 2);
    }

    #[test]
    fn what_is_no_spooled_data_is_an_error() {
        for data in [
            r#"{"encoding":"arrow","segments":[]}"#,
            r#"{"segments":[]}"#,
            "[]",
        ] {
            assert!(segments(data.as_bytes()).is_err(), "{data}");
        }
    }
}
