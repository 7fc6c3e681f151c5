//! `spec`: the connector's specification, as the form needs it.

use serde_json::value::RawValue;

use crate::output::Output;
use crate::protocol::message::Message;
use crate::titles::SPEC;

pub(super) async fn run(output: &Output) -> anyhow::Result<u8> {
    // One message is one line; the file is indented for people.
    let value: serde_json::Value = serde_json::from_str(SPEC)?;
    let line: &'static str = Box::leak(value.to_string().into_boxed_str());
    let spec: &'static RawValue = serde_json::from_str(line)?;
    output.send(&Message::Spec { spec }).await?;
    Ok(0)
}
