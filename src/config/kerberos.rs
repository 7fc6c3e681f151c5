//! `authentication` by Kerberos.

use base64::Engine as _;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use super::fields::Fields;

/// What a ticket for Trino is had with.
#[derive(Debug, Clone)]
pub(crate) struct Kerberos {
    /// The client's principal.
    pub(crate) principal: String,
    /// What proves it to the KDC.
    pub(crate) key: KerberosKey,
    /// The text of `krb5.conf`; the system's counts if there is none.
    pub(crate) configuration: Option<String>,
    /// The first part of the service's principal.
    pub(crate) service_name: String,
    /// The service's principal, with `${SERVICE}` and `${HOST}` for what they say.
    pub(crate) service_principal_pattern: String,
    /// Whether the host's name is looked up in the DNS, there and back, before it is used.
    pub(crate) canonical_hostname: bool,
}

/// What proves a principal.
#[derive(Debug, Clone)]
pub(crate) enum KerberosKey {
    /// The bytes of a keytab.
    Keytab(SecretSlice<u8>),
    /// The password.
    Password(SecretString),
}

/// The service's principal as Trino's own clients make it.
const PATTERN: &str = "${SERVICE}@${HOST}";

/// How a keytab begins: its format, in both versions.
const KEYTAB: [&[u8]; 2] = [b"\x05\x02", b"\x05\x01"];

/// Directives by which `krb5.conf` would reach other files of this machine.
const OTHER_FILES: [&str; 3] = ["include ", "includedir ", "module "];

/// Reads the fields of the method; `None` if something is wrong with them.
pub(super) fn read_kerberos(fields: &mut Fields<'_>) -> Option<Kerberos> {
    let principal = fields.required_text(
        "principal",
        "the principal that the keytab or password is for, for example \"airbyte@EXAMPLE.COM\"",
    );
    let key = key(fields);
    let service_name = fields.required_text(
        "service_name",
        "Trino's http-server.authentication.krb5.service-name, for example \"trino\" or \"HTTP\"",
    );
    let configuration = configuration(fields, &principal);
    let service_principal_pattern = fields
        .text("service_principal_pattern")
        .unwrap_or_else(|| PATTERN.to_owned());
    if !service_principal_pattern.contains(['@', '/']) {
        fields.problem(
            "service_principal_pattern",
            "must be a principal such as \"${SERVICE}@${HOST}\" or \"HTTP/trino.example.com@EXAMPLE.COM\"",
        );
    }
    let canonical_hostname = fields.flag("canonical_hostname", false);
    Some(Kerberos {
        principal,
        key: key?,
        configuration,
        service_name,
        service_principal_pattern,
        canonical_hostname,
    })
}

fn key(fields: &mut Fields<'_>) -> Option<KerberosKey> {
    let (keytab, password) = (fields.secret("keytab"), fields.secret("password"));
    for secret in [keytab, password].into_iter().flatten() {
        crate::secrets::hide(secret);
    }
    match (keytab, password) {
        (Some(_), Some(_)) => {
            fields.problem(
                "keytab",
                "cannot be used together with ‹password›; keep one of them",
            );
            None
        }
        (None, None) => {
            let advice = "set it to the keytab in base64, or set ‹password›";
            fields.missing_with_advice("keytab", advice);
            None
        }
        (None, Some(password)) => Some(KerberosKey::Password(password.into())),
        (Some(text), None) => {
            let bytes = keytab_bytes(text);
            if bytes.is_none() {
                fields.problem(
                    "keytab",
                    "is not a keytab in base64; paste what \"base64 airbyte.keytab\" prints",
                );
            }
            bytes.map(|bytes| KerberosKey::Keytab(bytes.into()))
        }
    }
}

fn keytab_bytes(text: &str) -> Option<Vec<u8>> {
    // Forms join lines by blanks, and tools write line ends as `\n`.
    let text = text.replace("\\n", "");
    let text: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '"')
        .collect();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text)
        .ok()?;
    KEYTAB
        .iter()
        .any(|start| bytes.starts_with(start))
        .then_some(bytes)
}

/// The text of `krb5.conf`: as given, or made of the KDC and the realm of the principal.
fn configuration(fields: &mut Fields<'_>, principal: &str) -> Option<String> {
    let given = fields.text("krb5_conf");
    let servers = fields.texts("kdc");
    match given {
        Some(_) if !servers.is_empty() => {
            fields.problem(
                "kdc",
                "cannot be used together with ‹krb5_conf›; keep one of them",
            );
            None
        }
        Some(text) => {
            let text = if text.contains('\n') {
                text
            } else {
                text.replace("\\n", "\n")
            };
            let mut lines = text.lines().map(str::trim);
            if !lines.clone().any(|line| line.starts_with('[')) {
                let text = "has no section such as [libdefaults] or [realms]; paste the whole file, with its line ends";
                fields.problem("krb5_conf", text);
            }
            if let Some(line) = lines.find(|line| {
                OTHER_FILES.iter().any(|start| line.starts_with(start)) || *line == "[plugins]"
            }) {
                let text = format!(
                    "must not name other files of this machine, as \"{line}\" does; paste their text"
                );
                fields.problem("krb5_conf", &text);
            }
            Some(text)
        }
        None if servers.is_empty() => None,
        None => {
            let realm = principal.rsplit_once('@').map(|(_, realm)| realm);
            let Some(realm) = realm.filter(|realm| is_word(realm)) else {
                let text = "must end with the realm, as in \"airbyte@EXAMPLE.COM\", because ‹kdc› is of that realm";
                fields.problem("principal", text);
                return None;
            };
            if let Some(server) = servers.iter().find(|server| !is_word(server)) {
                let text = format!(
                    "\"{server}\" is not a host name; expected is for example \"kdc.example.com\" or \"kdc.example.com:88\""
                );
                fields.problem("kdc", &text);
            }
            let servers = servers.join("\n  kdc = ");
            // Answers with many groups do not fit into a packet of UDP.
            Some(format!(
                "[libdefaults]\n default_realm = {realm}\n udp_preference_limit = 1\n\
                 [realms]\n {realm} = {{\n  kdc = {servers}\n }}\n"
            ))
        }
    }
}

/// Whether a text may stand in a line of `krb5.conf`.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "._-:[]/".contains(c))
}

impl KerberosKey {
    /// What is done with each kind of key.
    pub(crate) fn either<T>(
        &self,
        keytab: impl FnOnce(&[u8]) -> T,
        password: impl FnOnce(&str) -> T,
    ) -> T {
        match self {
            Self::Keytab(bytes) => keytab(bytes.expose_secret()),
            Self::Password(text) => password(text.expose_secret()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const BYTES: &[u8] = b"\x05\x02some key";

    fn read(changes: &Value) -> Result<Kerberos, Vec<String>> {
        let mut config = json!({"principal": "airbyte@EXAMPLE.COM", "service_name": "trino"});
        for (key, value) in changes.as_object().unwrap() {
            config[key] = value.clone();
        }
        let mut fields = Fields::new(&config);
        let kerberos = read_kerberos(&mut fields);
        let problems = fields.finish(kerberos);
        let problems = problems.map_err(|all| all.iter().map(ToString::to_string).collect());
        problems.map(Option::unwrap)
    }

    #[test]
    fn a_keytab_is_read_from_base64_in_any_lines() {
        let encoded = base64::engine::general_purpose::STANDARD.encode(BYTES);
        let (start, end) = encoded.split_at(5);
        for text in [
            encoded.clone(),
            format!("{start}\r\n{end}\n"),
            format!("\"{start}\\n{end}\""),
            format!(" {start} {end}"),
        ] {
            let kerberos = read(&json!({"keytab": text})).unwrap();
            kerberos
                .key
                .either(|bytes| assert_eq!(bytes, BYTES), |_| panic!());
            assert_eq!(kerberos.service_principal_pattern, "${SERVICE}@${HOST}");
            assert_eq!(kerberos.configuration, None);
            assert!(!format!("{kerberos:?}").contains(&encoded));
        }
    }

    #[test]
    fn a_kdc_makes_a_configuration_of_its_own() {
        let kerberos = read(&json!({"password": "p", "kdc": "a.example.com, b:89"})).unwrap();
        let text = kerberos.configuration.unwrap();
        assert!(text.contains("default_realm = EXAMPLE.COM\n"), "{text}");
        assert!(
            text.contains("  kdc = a.example.com\n  kdc = b:89\n"),
            "{text}"
        );
        let given = read(&json!({"password": "p", "krb5_conf": "[realms]\\n R = {\\n }"})).unwrap();
        assert_eq!(given.configuration.as_deref(), Some("[realms]\n R = {\n }"));
    }

    #[test]
    fn what_cannot_be_used_is_said_by_field() {
        let cases = [
            (json!({}), "keytab: is missing"),
            (
                json!({"password": "p", "keytab": "BQI="}),
                "keytab: cannot be used together",
            ),
            (json!({"keytab": "hunter22"}), "keytab: is not a keytab"),
            (
                json!({"password": "p", "principal": ""}),
                "principal: is empty",
            ),
            (
                json!({"password": "p", "service_name": null}),
                "service_name: is missing",
            ),
            (
                json!({"password": "p", "principal": "a", "kdc": "h"}),
                "principal: must end",
            ),
            (
                json!({"password": "p", "kdc": "h\nx = y"}),
                "kdc: \"h\nx = y\" is not",
            ),
            (
                json!({"password": "p", "kdc": "h", "krb5_conf": "[realms]"}),
                "kdc: cannot be",
            ),
            (
                json!({"password": "p", "krb5_conf": "realms"}),
                "krb5_conf: has no section",
            ),
            (
                json!({"password": "p", "krb5_conf": "[realms]\n include /etc/x"}),
                "krb5_conf: must not name",
            ),
            (
                json!({"password": "p", "service_principal_pattern": "trino"}),
                "service_principal_pattern: must be",
            ),
        ];
        for (changes, expected) in cases {
            let problems = read(&changes).unwrap_err();
            assert_eq!(problems.len(), 1, "{changes}: {problems:?}");
            assert!(problems[0].starts_with(expected), "{changes}: {problems:?}");
            assert!(!problems[0].contains("hunter22"), "{problems:?}");
        }
    }
}
