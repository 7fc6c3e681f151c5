//! Inputs for the unit tests of planning: configurations and configured streams from JSON.

use serde_json::{Value, json};

use crate::config::Connection;
use crate::protocol::configured::ConfiguredAirbyteStream;

/// The smallest configuration, for the schema `s` of the catalog `c`, with these additional fields.
pub(super) fn connection(more: &Value) -> Connection {
    let mut config = json!({"hostname": "h", "username": "u", "catalog": "c", "schema": "s"});
    config
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    Connection::from_json(&config).unwrap()
}

/// A stream as a configured catalog has it.
pub(super) fn stream(json: Value) -> ConfiguredAirbyteStream {
    serde_json::from_value(json).unwrap()
}
