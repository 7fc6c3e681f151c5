//! The fields of the form, from `spec.json`, and what a person is told about fields that are not
//! among them.
//!
//! An unknown name is never an error, because the platform stores its own names beside ours. But it
//! is always reported, because a misspelt `ssl_mode` would mean plain http.

use serde_json::{Map, Value};

use super::value::{is_same_word, is_set};
use crate::near;
use crate::titles::FORM;

/// How similar two names must be for one to be taken as a misspelling of the other (0 to 1,
/// Jaro-Winkler).
const ALIKE: f64 = 0.85;

/// How many characters of an unknown name are shown.
const SHOWN: usize = 60;

/// The names that other sources and clients use for our fields, without `_` and in small letters.
const NAMES_ELSEWHERE: &[(&str, &[&str])] = &[
    (
        "hostname",
        &[
            "host",
            "server",
            "servername",
            "address",
            "url",
            "uri",
            "baseurl",
            "endpoint",
            "coordinator",
            "jdbcurl",
            "connectionstring",
        ],
    ),
    ("username", &["user", "login", "userid", "dbuser"]),
    (
        "catalog",
        &["database", "databasename", "db", "dbname", "catalogname"],
    ),
    ("schema", &["schemaname", "defaultschema", "namespace"]),
    ("schemas", &["schemalist", "schemafilter", "schemapattern"]),
    (
        "authentication.password",
        &["password", "pass", "passwd", "pwd"],
    ),
    (
        "authentication.token",
        &["token", "jwt", "accesstoken", "bearertoken"],
    ),
    (
        "authentication.principal",
        &["principal", "kerberosprincipal"],
    ),
    ("authentication.keytab", &["keytab"]),
    (
        "authentication",
        &["auth", "authmethod", "authtype", "credentials"],
    ),
    (
        "ssl_mode",
        &[
            "ssl",
            "sslmethod",
            "usessl",
            "sslenabled",
            "sslverification",
            "tls",
            "usetls",
            "tlsmode",
            "https",
            "usehttps",
            "httpscheme",
            "encrypt",
            "encryption",
            "secure",
            "verify",
        ],
    ),
    (
        "ssl_mode.ca_certificate",
        &["cacert", "ca", "sslrootcert", "truststore", "certificate"],
    ),
    ("ssl_mode.client_certificate", &["sslcert", "clientcert"]),
    ("ssl_mode.client_key", &["sslkey", "privatekey"]),
    (
        "concurrency",
        &["threads", "workers", "numworkers", "parallelism"],
    ),
    ("tunnel_method", &["tunnel", "ssh", "sshtunnel"]),
    ("http_proxy", &["proxy", "proxyurl", "httpsproxy"]),
    ("queries", &["sql", "query", "customqueries"]),
    ("session_properties", &["session", "properties"]),
    ("replication_method", &["replication", "updatemethod"]),
];

/// A field that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unknown {
    /// Where it stands, for example `ssl_mode.cacert`.
    pub(super) path: String,
    /// In which entry of a list, from 1.
    pub(super) entry: Option<usize>,
    /// The field that was probably meant, with its path.
    pub(super) suggestion: Option<String>,
    /// Why it is not used although it is a known field.
    because: Option<String>,
}

/// Tells a person which fields are not used, in one sentence for each.
pub(crate) fn unknown_fields(config: &Value) -> Vec<String> {
    let said = |unknown: Unknown| {
        let Unknown {
            path,
            entry,
            suggestion,
            because,
        } = unknown;
        let entry = entry.map_or_else(String::new, |number| format!(" (entry {number})"));
        let why = because.unwrap_or_else(|| "there is no such field".to_owned());
        let advice = match suggestion {
            Some(suggestion) if suggestion == "authentication.password" => {
                "; did you mean ‹authentication.password›? Put it into ‹authentication›, as \
                 {\"method\": \"password\", \"password\": \"…\"}"
                    .to_owned()
            }
            Some(suggestion) => format!("; did you mean ‹{suggestion}›?"),
            None => String::new(),
        };
        format!("the field \"{path}\"{entry} of the configuration is ignored: {why}{advice}")
    };
    unknown(config).into_iter().map(said).collect()
}

/// The fields of a configuration that are not used.
pub(super) fn unknown(config: &Value) -> Vec<Unknown> {
    let mut found = Vec::new();
    if let Some(map) = config.as_object() {
        walk("", None, &FORM, map, &mut found);
    }
    found
}

fn walk(
    path: &str,
    entry: Option<usize>,
    schema: &Value,
    map: &Map<String, Value>,
    found: &mut Vec<Unknown>,
) {
    let option = chosen_option(schema, map);
    for (name, value) in map {
        if is_foreign(name) || !is_set(value) {
            continue;
        }
        let own = join(path, name);
        let known = match option {
            Some(option) => option["properties"].get(name),
            None => properties(schema)
                .find(|(known, _)| *known == name)
                .map(|(_, field)| field),
        };
        if let Some(field) = known {
            descend(&own, entry, field, value, found);
        } else if let Some(because) = because_of_choice(schema, option, name) {
            // Tables whose changes cannot be read are read by cursor, so the fields of the other
            // method are used as well.
            if path != "replication_method" {
                found.push(Unknown {
                    path: own,
                    entry,
                    suggestion: None,
                    because: Some(because),
                });
            }
        } else {
            found.push(Unknown {
                suggestion: suggestion(path, schema, name),
                path: join(path, &shown(name)),
                entry,
                because: None,
            });
        }
    }
}

fn descend(
    path: &str,
    entry: Option<usize>,
    field: &Value,
    value: &Value,
    found: &mut Vec<Unknown>,
) {
    match value {
        Value::Object(map) if properties(field).next().is_some() => {
            walk(path, entry, field, map, found);
        }
        Value::Array(entries) if properties(&field["items"]).next().is_some() => {
            for (number, given) in (1..).zip(entries) {
                if let Some(map) = given.as_object() {
                    walk(path, Some(number), &field["items"], map, found);
                }
            }
        }
        // A text in place of a list or an object, and objects whose names are free, have no unknown
        // fields.
        _ => {}
    }
}

/// The fields of an object of the form. For a choice, the fields of all its options.
fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let options = schema["oneOf"].as_array().into_iter().flatten();
    std::iter::once(schema)
        .chain(options)
        .filter_map(|schema| schema["properties"].as_object())
        .flatten()
}

/// The field that tells the options of a choice apart, and its value in this option.
fn constant(option: &Value) -> Option<(&String, &str)> {
    let mut fields = option["properties"].as_object()?.iter();
    fields.find_map(|(name, field)| Some((name, field["const"].as_str()?)))
}

/// The option of a choice that an object has chosen.
fn chosen_option<'a>(schema: &'a Value, map: &Map<String, Value>) -> Option<&'a Value> {
    let mut options = schema["oneOf"].as_array()?.iter();
    options.find(|option| {
        constant(option).is_some_and(|(name, word)| {
            let given = map.get(name).and_then(Value::as_str).unwrap_or_default();
            is_same_word(given.trim(), word)
        })
    })
}

/// Why a field is not used that belongs to another option of a choice.
fn because_of_choice(schema: &Value, option: Option<&Value>, name: &str) -> Option<String> {
    let (constant, word) = constant(option?)?;
    let is_elsewhere = properties(schema).any(|(known, _)| known == name);
    is_elsewhere.then(|| format!("it is not used where \"{constant}\" is \"{word}\""))
}

/// The field that an unknown name at a path was probably meant to be.
fn suggestion(path: &str, schema: &Value, name: &str) -> Option<String> {
    let wanted = near::plain(name);
    if path.is_empty() {
        let named = |(_, names): &&(&str, &[&str])| names.contains(&wanted.as_str());
        if let Some((field, _)) = NAMES_ELSEWHERE.iter().find(named) {
            return Some((*field).to_owned());
        }
    }
    let here = properties(schema).map(|(known, _)| join(path, known));
    most_alike(&wanted, here).or_else(|| most_alike(&wanted, all_paths().into_iter()))
}

/// The path whose last name is most similar. Of equally similar ones it is the first, which is
/// nearest to the top of the form.
fn most_alike(wanted: &str, paths: impl Iterator<Item = String>) -> Option<String> {
    let name = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let paths = paths.map(|path| Path(name(&path), path));
    near::nearest(wanted, paths, ALIKE).map(|Path(_, path)| path)
}

/// The last name of a path, and the path.
struct Path(String, String);

impl AsRef<str> for Path {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// The paths of all fields, those at the top first.
fn all_paths() -> Vec<String> {
    let mut paths = Vec::new();
    let mut level = vec![(String::new(), &*FORM)];
    while !level.is_empty() {
        let mut below = Vec::new();
        for (path, schema) in level {
            for (name, field) in properties(schema) {
                let path = join(&path, name);
                below.push((path.clone(), field));
                below.push((path.clone(), &field["items"]));
                paths.push(path);
            }
        }
        level = below;
    }
    paths
}

/// Whether a name is certainly no mistake. Names that the platform stores with a configuration
/// begin with `__` (`__injected_declarative_manifest`), its API adds `sourceType`, and people write
/// comments as `_comment`, `//` or `$schema`.
fn is_foreign(name: &str) -> bool {
    !name.starts_with(char::is_alphabetic) || name == "sourceType"
}

pub(super) fn shown(name: &str) -> String {
    let visible = name.chars().filter(|character| !character.is_control());
    visible.take(SHOWN).collect()
}

pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests;
