//! Pages recorded from a real Trino (`tests/fixtures/pages/`), ready to be encoded.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use source_trino::encode::protobuf::{ProtobufEncoder, ProtobufPlan};
use source_trino::encode::{Encoder, RecordPlan};
use source_trino::types::expected::{ExpectedType, Property};
use source_trino::types::{TrinoType, column_type, json_schema};

/// The recorded pages, by the names of their files.
#[allow(dead_code, reason = "not every program goes through all of them")]
pub(crate) const NAMES: &[&str] = &["lineitem", "wide", "nested", "text", "types"];

/// One recorded page.
pub(crate) struct Page {
    /// The query's columns.
    pub(crate) columns: Vec<(String, TrinoType)>,
    /// The JSON text of `data`, its rows repeated.
    pub(crate) rows: String,
    /// The number of rows.
    pub(crate) count: u64,
}

#[derive(Deserialize)]
struct Response<'a> {
    columns: Vec<Column<'a>>,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Column<'a> {
    name: String,
    #[serde(rename = "type")]
    type_text: String,
    #[serde(rename = "typeSignature", borrow)]
    signature: &'a RawValue,
}

impl Page {
    /// Reads a page; its rows are repeated until they have `size` bytes or more, as pages of large
    /// tables do.
    pub(crate) fn load(name: &str, size: usize) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/pages")
            .join(format!("{name}.json"));
        let body =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let response: Response = serde_json::from_str(&body).expect("a recorded response");
        let data = response.data.get();
        let rows = &data[1..data.len() - 1];
        let count = serde_json::from_str::<Vec<&RawValue>>(data)
            .expect("rows")
            .len();
        let times = size.div_ceil(rows.len()).max(1);
        Self {
            columns: response
                .columns
                .into_iter()
                .map(|column| {
                    (
                        column.name,
                        column_type(&column.type_text, Some(column.signature)),
                    )
                })
                .collect(),
            rows: format!("[{}]", vec![rows; times].join(",")),
            count: (count * times) as u64,
        }
    }

    /// An encoder for pages like this one.
    pub(crate) fn encoder(&self, stream: &str) -> Encoder {
        Encoder::new(RecordPlan::new(stream, Some("tiny"), &self.columns))
    }

    /// The same for Protobuf, with a schema that has the columns in their order, as a query asks
    /// for them.
    #[allow(dead_code, reason = "not every program has both")]
    pub(crate) fn protobuf_encoder(&self, stream: &str) -> ProtobufEncoder {
        let columns = self.columns.iter();
        let properties: Vec<Property> = columns
            .map(|(name, ty)| {
                let expected = ExpectedType::from_json_schema(&json_schema(ty));
                (name.clone(), expected)
            })
            .collect();
        let json = RecordPlan::new(stream, Some("tiny"), &self.columns);
        let columns = &self.columns;
        let plan = ProtobufPlan::new(json, stream, Some("tiny"), "p1", columns, &properties);
        ProtobufEncoder::new(plan.expect("columns of their own schema"))
    }
}
