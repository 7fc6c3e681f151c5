//! `http_headers`: headers of the user's own, for the configured server.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;

use super::auth::named_secrets;
use super::fields::Fields;

const FIELD: &str = "http_headers";

/// Beginnings of the names that belong to Trino's protocol, in small letters.
const PROTOCOL: [&str; 2] = ["x-trino-", "x-presto-"];

/// What follows [`PROTOCOL`] in a header that the client sets itself, or that would change the
/// session under it, and the field that is for it, if there is one.
const SESSION: &[(&str, &str)] = &[
    ("user", "username"),
    ("original-user", "session_user"),
    ("original-roles", ""),
    ("source", "source"),
    ("catalog", "catalog"),
    ("schema", "schema"),
    ("path", ""),
    ("time-zone", ""),
    ("client-capabilities", ""),
    ("client-tags", "client_tags"),
    ("client-info", ""),
    ("trace-token", ""),
    ("role", "roles"),
    ("session", "session_properties"),
    ("extra-credential", "extra_credentials"),
    ("prepared-statement", ""),
    ("transaction-id", ""),
    ("query-data-encoding", "fetch_protocol"),
];

/// Headers of HTTP itself that the client sets, or that belong to a connection, and the field that
/// is for it, if there is one.
const HTTP: &[(&str, &str)] = &[
    ("authorization", "authentication"),
    ("host", "hostname"),
    ("user-agent", "source"),
    ("cookie", ""),
    ("connection", ""),
    ("keep-alive", ""),
    ("proxy-connection", ""),
    ("te", ""),
    ("trailer", ""),
    ("transfer-encoding", ""),
    ("upgrade", ""),
    ("expect", ""),
    ("range", ""),
];

/// Beginnings of names of HTTP's headers that the client sets.
const HTTP_KINDS: [&str; 3] = ["content-", "accept", "if-"];

/// Reads `http_headers`. The values are secrets.
pub(super) fn http_headers(fields: &mut Fields<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in named_secrets(fields, FIELD) {
        let Ok(header) = HeaderName::try_from(&name) else {
            let text = format!(
                "\"{name}\" is not a name for a header: it may have letters, digits and hyphens"
            );
            fields.problem(FIELD, &text);
            continue;
        };
        if let Some(field) = set_by_client(header.as_str()) {
            let instead = if field.is_empty() {
                "remove it".to_owned()
            } else {
                format!("‹{field}› is for it")
            };
            let text = format!("\"{name}\" is set by the connector itself; {instead}");
            fields.problem(FIELD, &text);
            continue;
        }
        // The value is not shown.
        let value = value.expose_secret().trim();
        crate::secrets::hide(value);
        match HeaderValue::from_bytes(value.as_bytes()) {
            Ok(mut value) => {
                value.set_sensitive(true);
                headers.append(header, value);
            }
            Err(_) => fields.problem(
                FIELD,
                &format!("the value of \"{name}\" must not contain control characters"),
            ),
        }
    }
    headers
}

/// Whether one of the headers may be a credential. Those of Trino's own kind, by which a gateway
/// chooses a cluster, are none.
pub(super) fn has_credentials(headers: &HeaderMap) -> bool {
    let is_protocol = |name: &HeaderName| PROTOCOL.iter().any(|own| name.as_str().starts_with(own));
    headers.keys().any(|name| !is_protocol(name))
}

/// The field that is for a header that the client sets itself, empty if there is none; `None` if
/// the user may set the header.
fn set_by_client(name: &str) -> Option<&'static str> {
    let named = |list: &'static [(&str, &'static str)], name: &str| {
        let entry = list.iter().find(|(own, _)| *own == name);
        entry.map(|(_, field)| *field)
    };
    if let Some(rest) = PROTOCOL.iter().find_map(|own| name.strip_prefix(own)) {
        return named(SESSION, rest);
    }
    let is_kind = HTTP_KINDS.iter().any(|kind| name.starts_with(kind));
    named(HTTP, name).or(is_kind.then_some(""))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(entries: &Value) -> Result<HeaderMap, Vec<String>> {
        let config = json!({"http_headers": entries});
        let mut fields = Fields::new(&config);
        let headers = http_headers(&mut fields);
        let problems = fields.finish(headers);
        problems.map_err(|all| all.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn headers_of_gateways_and_proxies_are_taken() {
        let headers = read(&json!([
            {"name": "X-Trino-Routing-Group", "value": "etl"},
            {"name": "CF-Access-Client-Secret", "value": " s3cret\n"},
            {"name": "Proxy-Authorization", "value": "Bearer token"}]));
        let headers = headers.unwrap();
        assert_eq!(headers["x-trino-routing-group"], "etl");
        assert_eq!(headers["cf-access-client-secret"], "s3cret");
        assert!(headers.values().all(HeaderValue::is_sensitive));
        assert!(has_credentials(&headers));
        let one = read(&json!({"X-Trino-Routing-Group": "etl"})).unwrap();
        assert_eq!(one.len(), 1);
        assert!(!has_credentials(&one));
    }

    #[test]
    fn headers_that_the_client_sets_itself_are_refused() {
        let refused = [
            ("Authorization", "‹authentication› is for it"),
            ("host", "‹hostname› is for it"),
            ("Content-Type", "remove it"),
            ("Accept-Encoding", "remove it"),
            ("Cookie", "remove it"),
            ("X-Trino-User", "‹username› is for it"),
            ("x-presto-session", "‹session_properties› is for it"),
            ("X-Trino-Transaction-Id", "remove it"),
        ];
        for (name, instead) in refused {
            let problems = read(&json!([{"name": name, "value": "s3cret"}])).unwrap_err();
            let expected =
                format!("http_headers: \"{name}\" is set by the connector itself; {instead}");
            assert_eq!(problems, [expected]);
        }
    }

    #[test]
    fn what_no_header_can_be_is_refused_without_its_value() {
        for entry in [
            json!({"name": "two words", "value": "s3cret"}),
            json!({"name": "X-Token", "value": "s3cret\r\nX-Trino-User: admin"}),
            json!({"name": "X-Token", "value": ""}),
            json!({"value": "s3cret"}),
        ] {
            let problems = read(&json!([entry])).unwrap_err();
            assert_eq!(problems.len(), 1);
            assert!(problems[0].starts_with("http_headers: "), "{problems:?}");
            assert!(!problems[0].contains("s3cret"), "{problems:?}");
        }
    }
}
