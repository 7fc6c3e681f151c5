//! The headers that every request carries (`X-Trino-*`): who asks, for which catalog and schema,
//! and what this client understands.
//!
//! Source: `client/trino-client`, `ProtocolHeaders` and `ClientCapabilities`.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::error::TrinoError;
use crate::config::Connection;

/// What this client understands: full precision of times, and the newest types as themselves.
/// Names that a server does not know are ignored by it.
const CAPABILITIES: &str = "PARAMETRIC_DATETIME,NUMBER,VARIANT";

/// The headers for all requests of a connection.
///
/// # Errors
///
/// When a setting cannot be sent as a header, which only control characters cause.
pub(super) fn headers(connection: &Connection) -> Result<HeaderMap, TrinoError> {
    let mut headers = HeaderMap::new();
    let mut add = |name: &'static str, field: &str, value: &str| {
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            TrinoError::Protocol(format!("\"{field}\" must not contain control characters."))
        })?;
        headers.append(HeaderName::from_static(name), value);
        Ok::<_, TrinoError>(())
    };
    add("x-trino-user", "username", &connection.username)?;
    add("x-trino-source", "source", &connection.source)?;
    add("x-trino-catalog", "catalog", &connection.catalog)?;
    add("x-trino-schema", "schema", &connection.schema)?;
    // Values with a zone carry it themselves; this only fixes what is computed in the session.
    add("x-trino-time-zone", "", "UTC")?;
    add("x-trino-client-capabilities", "", CAPABILITIES)?;
    if !connection.client_tags.is_empty() {
        add(
            "x-trino-client-tags",
            "client_tags",
            &connection.client_tags.join(","),
        )?;
    }
    for (name, value) in &connection.session_properties {
        let pair = format!("{name}={}", url_encoded(value));
        add("x-trino-session", "session_properties", &pair)?;
    }
    Ok(headers)
}

/// Percent-encodes everything but unreserved characters, as Trino's clients do with
/// `URLEncoder`; a blank may be `%20` for its decoder.
fn url_encoded(value: &str) -> String {
    percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(config: &serde_json::Value) -> HeaderMap {
        headers(&Connection::from_json(config).unwrap()).unwrap()
    }

    #[test]
    fn settings_become_headers() {
        let headers = sent(
            &json!({"hostname": "h", "username": "Zoë", "catalog": "c", "schema": "s",
            "client_tags": ["a", "b"], "session_properties": ["x=1", "hive.y=a b=c"]}),
        );
        assert_eq!(headers["x-trino-user"].as_bytes(), "Zoë".as_bytes());
        assert_eq!(headers["x-trino-client-tags"], "a,b");
        let session: Vec<_> = headers.get_all("x-trino-session").iter().collect();
        assert_eq!(session, ["x=1", "hive.y=a%20b%3Dc"]);
    }

    #[test]
    fn a_setting_with_a_line_break_is_refused() {
        let config = json!({"hostname": "h", "username": "a\nb", "catalog": "c", "schema": "s"});
        assert!(headers(&Connection::from_json(&config).unwrap()).is_err());
    }
}
