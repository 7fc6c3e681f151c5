//! Changes of the session that answers tell: `Set-Session`, `Clear-Session` and `Set-Role`.
//!
//! None of our statements asks for a change, but the server or a gateway may make one. The answer
//! tells it, and the following requests must send it. The other headers of this kind belong to
//! statements that we do not send (docs/architecture.md).

use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::header::{HeaderMap, HeaderValue};

/// The part of the session that answers may change.
pub(crate) struct Amendable {
    current: Mutex<Current>,
}

/// The present values, each as it is sent: `name=value`.
struct Current {
    properties: Vec<HeaderValue>,
    roles: Vec<HeaderValue>,
}

impl Amendable {
    /// The session as it is configured.
    pub(crate) fn new(properties: Vec<HeaderValue>, roles: Vec<HeaderValue>) -> Self {
        Self {
            current: Mutex::new(Current { properties, roles }),
        }
    }

    /// The session properties.
    pub(crate) fn properties(&self) -> Vec<HeaderValue> {
        self.lock().properties.clone()
    }

    /// The roles.
    pub(crate) fn roles(&self) -> Vec<HeaderValue> {
        self.lock().roles.clone()
    }

    /// Applies the changes that an answer tells. Its headers begin with `prefix`.
    pub(crate) fn apply_response_headers(&self, answer: &HeaderMap, prefix: &str) {
        let all = |name: &str| answer.get_all(format!("{prefix}{name}"));
        let mut current = self.lock();
        for pair in all("set-session") {
            put(&mut current.properties, pair, "session property");
        }
        for pair in all("set-role") {
            put(&mut current.roles, pair, "role of");
        }
        for name in all("clear-session") {
            let before = current.properties.len();
            let is_another = |pair: &HeaderValue| pair_name(pair) != name.as_bytes();
            current.properties.retain(is_another);
            if current.properties.len() < before {
                let name = String::from_utf8_lossy(name.as_bytes());
                tracing::info!("Trino has cleared the session property {name}");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replaces the pair with the same name, or adds the pair. The answers of one query repeat the same
/// changes.
fn put(pairs: &mut Vec<HeaderValue>, pair: &HeaderValue, what: &str) {
    let name = pair_name(pair);
    if pairs.contains(pair) || name.len() == pair.len() {
        return;
    }
    tracing::info!("Trino has set the {what} {}", String::from_utf8_lossy(name));
    pairs.retain(|known| pair_name(known) != name);
    pairs.push(pair.clone());
}

/// The part before `=`.
fn pair_name(pair: &HeaderValue) -> &[u8] {
    let mut parts = pair.as_bytes().split(|byte| *byte == b'=');
    parts.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderName;

    use super::*;

    fn session_after(answer: &[(&str, &str)]) -> [Vec<HeaderValue>; 2] {
        let value = HeaderValue::from_static;
        let session = Amendable::new(vec![value("a=1"), value("ab=2")], vec![value("hive=ALL")]);
        let headers: HeaderMap = answer
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::try_from(*name).unwrap();
                (name, HeaderValue::try_from(*value).unwrap())
            })
            .collect();
        session.apply_response_headers(&headers, "x-trino-");
        [session.properties(), session.roles()]
    }

    #[test]
    fn what_is_set_takes_the_place_of_what_was() {
        let [properties, roles] = session_after(&[
            ("x-trino-set-session", "a=x%3Dy"),
            ("x-trino-set-session", "c.d=3"),
            ("x-trino-set-role", "hive=ROLE%7Badmin%7D"),
            ("x-trino-set-role", "system=NONE"),
        ]);
        assert_eq!(properties, ["ab=2", "a=x%3Dy", "c.d=3"]);
        assert_eq!(roles, ["hive=ROLE%7Badmin%7D", "system=NONE"]);
    }

    #[test]
    fn what_is_cleared_is_gone() {
        let [properties, _] = session_after(&[("x-trino-clear-session", "a")]);
        assert_eq!(properties, ["ab=2"]);
    }

    #[test]
    fn nothing_else_changes_a_session() {
        let [properties, roles] = session_after(&[
            ("x-presto-set-session", "a=2"),
            ("x-trino-set-session", "without a value"),
            ("x-trino-set-catalog", "other"),
            ("x-trino-clear-session", "b"),
        ]);
        assert_eq!(properties, ["a=1", "ab=2"]);
        assert_eq!(roles, ["hive=ALL"]);
    }
}
