//! What writes the rows of a query: as lines of JSON, or as Protobuf messages in the speed mode.

use super::boundary::Boundary;
use super::partition::Partition;
use super::plan::StreamPlan;
use crate::clock;
use crate::encode::protobuf::{ProtobufEncoder, ProtobufPlan};
use crate::encode::{EncodeError, Encoder, RecordPlan, Stopped};
use crate::lines::Lines;
use crate::sockets::environment::ChannelFormat;
use crate::trino::error::TrinoError;
use crate::types::TrinoType;

/// The encoder of a query's rows.
pub(crate) enum RowEncoder {
    Json(Box<Encoder>),
    Protobuf(Box<ProtobufEncoder>),
}

/// What became of a page.
pub(crate) struct Encoded {
    /// Its rows.
    pub(crate) rows: Result<u64, EncodeError>,
    /// How many of them were sent by an earlier sync and were not sent again.
    pub(crate) left_out: u64,
}

impl RowEncoder {
    /// An encoder for rows with these columns.
    ///
    /// # Errors
    ///
    /// When the rows cannot be written as Protobuf, because the configured catalog does not fit.
    pub(crate) fn new(
        plan: &StreamPlan,
        partition: &Partition,
        columns: &[(String, TrinoType)],
    ) -> Result<Self, TrinoError> {
        let stream = &plan.descriptor;
        let (name, namespace) = (&stream.name, stream.namespace.as_deref());
        let json = RecordPlan::new(name, namespace, columns);
        let json = json.keeping(|column| plan.must_keep(column));
        let Some((id, format)) = partition.socket() else {
            return Ok(Self::Json(Box::new(Encoder::new(json))));
        };
        if format == ChannelFormat::JsonLines {
            return Ok(Self::Json(Box::new(Encoder::new(json.in_partition(id)))));
        }
        if plan.properties.is_empty() {
            return Err(TrinoError::Settings(
                "its schema in the configured catalog names no columns. Values in Protobuf have no \
                 names, so the destination would take none of them. Refresh the source's schema, or \
                 set DATA_CHANNEL_FORMAT to JSONL"
                    .to_owned(),
            ));
        }
        let protobuf = ProtobufPlan::new(json, name, namespace, id, columns, &plan.properties);
        match protobuf {
            Ok(protobuf) => Ok(Self::Protobuf(Box::new(ProtobufEncoder::new(protobuf)))),
            Err(unfit) => Err(TrinoError::Settings(unfit.to_string())),
        }
    }

    /// Writes the rows of a page to `buffer`, without those that `boundary` knows, and gives it to
    /// `send` whenever it is full, and at the end.
    pub(crate) fn encode(
        &mut self,
        rows: &[u8],
        buffer: &mut Lines,
        boundary: &mut Option<Boundary>,
        send: &mut dyn FnMut(&mut Lines) -> Result<(), Stopped>,
    ) -> Encoded {
        let now_ms = clock::now_ms();
        let mut left_out = 0;
        let rows = match self {
            Self::Json(encoder) => {
                let mut flush = |buffer: &mut Lines| {
                    if let Some(boundary) = boundary {
                        left_out += boundary.filter(buffer);
                    }
                    send(buffer)
                };
                let rows = encoder.encode_page(rows, now_ms, buffer, &mut flush);
                rows.and_then(|rows| Ok(flush(buffer).map(|()| rows)?))
            }
            Self::Protobuf(encoder) => {
                let rows = match boundary {
                    None => encoder.encode_page(rows, now_ms, buffer, None, send),
                    Some(boundary) => {
                        // The state keeps hashes of JSON, so that it serves both formats.
                        let mut keep = |line: &[u8]| {
                            let is_new = boundary.is_new(line);
                            left_out += u64::from(!is_new);
                            is_new
                        };
                        encoder.encode_page(rows, now_ms, buffer, Some(&mut keep), send)
                    }
                };
                rows.and_then(|rows| Ok(send(buffer).map(|()| rows)?))
            }
        };
        Encoded { rows, left_out }
    }

    /// The columns of which values were left out because of their size so far.
    pub(crate) fn columns_left_out(&self) -> Vec<&str> {
        match self {
            Self::Json(encoder) => encoder.columns_left_out().collect(),
            Self::Protobuf(encoder) => encoder.columns_left_out().collect(),
        }
    }
}
