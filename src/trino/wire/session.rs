//! The headers that every request carries (`X-Trino-*`): who asks, for which catalog and schema,
//! and what this client understands.
//!
//! Source: `client/trino-client`, `ProtocolHeaders` and `ClientCapabilities`.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;

use crate::config::Connection;
use crate::platform;
use crate::trino::error::TrinoError;
use crate::trino::wire::session_updates::Amendable;

/// What this client understands: full precision of times, and the newest types as themselves. A
/// server ignores names that it does not know.
const CAPABILITIES: &str = "PARAMETRIC_DATETIME,NUMBER,VARIANT";

const TRINO: &str = "x-trino-";

/// Prefix of the headers before Presto was renamed (351).
const PRESTO: &str = "x-presto-";

/// The variables in which the platform says what it runs the connector for, and the words that an
/// administrator of Trino sees.
const PLATFORM: [(&str, &str); 4] = [
    ("WORKSPACE_ID", "workspace"),
    ("CONNECTION_ID", "connection"),
    ("WORKER_JOB_ID", "job"),
    ("WORKER_JOB_ATTEMPT", "attempt"),
];

/// The headers of a connection.
pub(crate) struct Session {
    prefix: &'static str,
    headers: HeaderMap,
    amendable: Amendable,
    /// Headers that only the configured server gets.
    secrets: HeaderMap,
    /// The user's own headers, which only the configured server gets as well.
    own: HeaderMap,
}

impl Session {
    /// Makes the headers for all requests of a connection.
    ///
    /// # Errors
    ///
    /// When a setting cannot be sent as a header, because it has control characters.
    pub(crate) fn new(connection: &Connection) -> Result<Self, TrinoError> {
        let grants = &connection.grants;
        let mut headers = HeaderMap::new();
        let user = grants.session_user.as_ref();
        let user = user.map_or(("username", &connection.username), |user| {
            ("session_user", user)
        });
        add(&mut headers, "user", user.0, user.1)?;
        add(&mut headers, "source", "source", &connection.source)?;
        add(&mut headers, "catalog", "catalog", &connection.catalog)?;
        add(&mut headers, "schema", "schema", &connection.schema)?;
        // Values with a zone contain their zone. This only decides what is computed in the
        // session's zone.
        add(&mut headers, "time-zone", "", "UTC")?;
        add(&mut headers, "client-capabilities", "", CAPABILITIES)?;
        if !connection.client_tags.is_empty() {
            let tags = connection.client_tags.join(",");
            add(&mut headers, "client-tags", "client_tags", &tags)?;
        }
        let job = told_by_platform(platform::variable);
        if !job.is_empty() {
            add(
                &mut headers,
                "client-info",
                "",
                &format!("airbyte {}", job.join(" ")),
            )?;
            add(
                &mut headers,
                "trace-token",
                "",
                &format!("airbyte-{}", job.join("-")),
            )?;
        }
        let mut roles = Vec::new();
        for (catalog, role) in &grants.roles {
            let pair = format!("{catalog}={}", url_encoded(&role_as_trino_writes_it(role)));
            roles.push(header_value("roles", &pair)?);
        }
        let mut properties = Vec::new();
        for (name, value) in &connection.session_properties {
            let pair = format!("{name}={}", url_encoded(value));
            properties.push(header_value("session_properties", &pair)?);
        }
        let mut secrets = HeaderMap::new();
        for (name, value) in &grants.extra_credentials {
            let value = url_encoded(value.expose_secret());
            crate::secrets::hide(&value);
            add(
                &mut secrets,
                "extra-credential",
                "extra_credentials",
                &format!("{name}={value}"),
            )?;
        }
        for value in secrets.values_mut() {
            value.set_sensitive(true);
        }
        Ok(Self {
            prefix: TRINO,
            headers,
            amendable: Amendable::new(properties, roles),
            secrets,
            own: connection.http_headers.clone(),
        })
    }

    /// The headers of a request. If it is `bare`, they have no session properties. `property`, with
    /// its value, takes the place of a configured one.
    pub(crate) fn headers(&self, bare: bool, property: Option<(&str, &str)>) -> HeaderMap {
        let mut headers = self.headers.clone();
        let mut add = |name, values: Vec<HeaderValue>| {
            // Its parts contain only characters that a header's name may have.
            if let Ok(name) = HeaderName::try_from(self.name(name)) {
                for value in values {
                    headers.append(&name, value);
                }
            }
        };
        add("role", self.amendable.roles());
        let mut properties = if bare {
            Vec::new()
        } else {
            self.amendable.properties()
        };
        if let Some((name, value)) = property {
            let start = format!("{name}=");
            properties.retain(|pair| !pair.as_bytes().starts_with(start.as_bytes()));
            properties.extend(HeaderValue::try_from(format!(
                "{start}{}",
                url_encoded(value)
            )));
        }
        add("session", properties);
        headers
    }

    /// Applies the changes of the session that an answer of the configured server tells.
    pub(crate) fn apply_response_headers(&self, answer: &HeaderMap) {
        self.amendable.apply_response_headers(answer, self.prefix);
    }

    /// The headers that only the configured server may see.
    pub(crate) fn secrets(&self) -> HeaderMap {
        let mut headers = self.secrets.clone();
        headers.extend(self.own.clone());
        headers
    }

    /// The name of another header of the protocol.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Renames all headers for servers from before Presto was renamed.
    pub(crate) fn rename_for_presto(&mut self) {
        self.prefix = PRESTO;
        for headers in [&mut self.headers, &mut self.secrets] {
            let mut renamed = HeaderMap::new();
            for (name, value) in headers.iter() {
                let name = name.as_str().replacen(TRINO, PRESTO, 1);
                if let Ok(name) = HeaderName::try_from(name) {
                    renamed.append(name, value.clone());
                }
            }
            *headers = renamed;
        }
    }
}

/// Adds a header from a field of the configuration.
fn add(headers: &mut HeaderMap, name: &str, field: &str, value: &str) -> Result<(), TrinoError> {
    let name = HeaderName::try_from(format!("{TRINO}{name}")).map_err(|_| wrong(field))?;
    headers.append(name, header_value(field, value)?);
    Ok(())
}

/// The value of a header from a field of the configuration.
fn header_value(field: &str, value: &str) -> Result<HeaderValue, TrinoError> {
    HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong(field))
}

fn wrong(field: &str) -> TrinoError {
    TrinoError::Settings(format!("‹{field}› must not contain control characters."))
}

/// What the platform tells about this run, each as `word=value`.
fn told_by_platform(variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let printable = |value: &String| {
        !value.is_empty()
            && value
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b',')
    };
    PLATFORM
        .iter()
        .filter_map(|(name, word)| {
            let value = variable(name).filter(printable)?;
            Some(format!("{word}={value}"))
        })
        .collect()
}

/// A role's name, or `ALL`, `NONE` or `ROLE{name}` as Trino itself writes them.
fn role_as_trino_writes_it(role: &str) -> String {
    if role == "ALL" || role == "NONE" || role.starts_with("ROLE{") {
        role.to_owned()
    } else {
        format!("ROLE{{{role}}}")
    }
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

    fn session(config: &serde_json::Value) -> Session {
        Session::new(&Connection::from_json(config).unwrap()).unwrap()
    }

    #[test]
    fn settings_become_headers() {
        let headers = session(
            &json!({"hostname": "h", "username": "Zoë", "catalog": "c", "schema": "s",
            "client_tags": ["a", "b"], "session_properties": ["x=1", "hive.y=a b=c"]}),
        );
        let bare = headers.headers(true, None);
        assert!(!bare.contains_key("x-trino-session"));
        let other = headers.headers(false, Some(("hive.y", "c")));
        let properties: Vec<_> = other.get_all("x-trino-session").iter().collect();
        assert_eq!(properties, ["x=1", "hive.y=c"]);
        let headers = headers.headers(false, None);
        assert_eq!(headers["x-trino-user"].as_bytes(), "Zoë".as_bytes());
        assert_eq!(headers["x-trino-client-tags"], "a,b");
        let properties: Vec<_> = headers.get_all("x-trino-session").iter().collect();
        assert_eq!(properties, ["x=1", "hive.y=a%20b%3Dc"]);
    }

    #[test]
    fn what_a_session_is_given_goes_as_trino_writes_it() {
        let mut session = session(
            &json!({"hostname": "localhost", "username": "u", "catalog": "c", "schema": "s",
            "session_user": "v", "roles": ["system=admin", "hive=ALL"],
            "extra_credentials": [{"name": "token", "value": "a b"}]}),
        );
        assert_eq!(session.headers(false, None)["x-trino-user"], "v");
        session.rename_for_presto();
        let headers = session.headers(false, None);
        assert_eq!(headers["x-presto-user"], "v");
        let roles: Vec<_> = headers.get_all("x-presto-role").iter().collect();
        assert_eq!(roles, ["system=ROLE%7Badmin%7D", "hive=ALL"]);
        let secret = &session.secrets()["x-presto-extra-credential"];
        assert_eq!(secret, "token=a%20b");
        assert!(secret.is_sensitive());
        assert!(!headers.keys().any(|name| name.as_str().contains("trino")));
    }

    #[test]
    fn the_platforms_job_is_told() {
        let variable = |name: &str| match name {
            "CONNECTION_ID" => Some("c-1".to_owned()),
            "WORKER_JOB_ID" => Some("7".to_owned()),
            "WORKER_JOB_ATTEMPT" => Some("with\nline".to_owned()),
            _ => None,
        };
        assert_eq!(told_by_platform(variable), ["connection=c-1", "job=7"]);
    }

    #[test]
    fn a_setting_with_a_line_break_is_refused() {
        let config = json!({"hostname": "h", "username": "a\nb", "catalog": "c", "schema": "s"});
        assert!(Session::new(&Connection::from_json(&config).unwrap()).is_err());
    }
}
