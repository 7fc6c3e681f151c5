//! `authentication` and the fields beside it: how the user is proven to Trino, and what the session
//! is given.

use reqwest::Url;
use secrecy::SecretString;
use serde_json::Value;

use super::fields::Fields;
use super::kerberos::{self, Kerberos};
use super::server::is_loopback;

/// How the user is proven to Trino.
#[derive(Debug, Clone)]
pub(crate) enum Authentication {
    /// By nothing that we send: Trino believes the name, or a client certificate proves it.
    None,
    /// HTTP Basic with this password (Trino's password file, LDAP, Starburst Galaxy).
    Password(SecretString),
    /// A JSON Web Token that was made elsewhere.
    Jwt(SecretString),
    /// By tokens of an OAuth2 server, from the client credentials grant (RFC 6749, 4.4).
    ClientCredentials(ClientCredentials),
    /// By tickets of a KDC (RFC 4559).
    Kerberos(Kerberos),
}

/// What the OAuth2 server wants to know before it gives a token.
#[derive(Debug, Clone)]
pub(crate) struct ClientCredentials {
    /// The URL that gives tokens.
    pub(crate) token_endpoint: Url,
    /// Name of the client.
    pub(crate) client_id: String,
    /// Its secret.
    pub(crate) client_secret: SecretString,
    /// Scopes, separated by blanks.
    pub(crate) scope: Option<String>,
    /// For whom the token is meant, if the server wants to know.
    pub(crate) audience: Option<String>,
}

/// What a session has besides its user.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grants {
    /// The user that queries run as, if this is not the user that is proven.
    pub(crate) session_user: Option<String>,
    /// Pairs of a catalog (or `system`) and the role that the session takes in it.
    pub(crate) roles: Vec<(String, String)>,
    /// Credentials that Trino passes on to its connectors.
    pub(crate) extra_credentials: Vec<(String, SecretString)>,
}

const METHODS: &[&str] = &[
    "none",
    "password",
    "jwt",
    "oauth2_client_credentials",
    "kerberos",
];

/// The fields that tell which method is meant if it is not named.
const MARKS: &[(&str, &[&str])] = &[
    ("password", &["password"]),
    ("jwt", &["token"]),
    (
        "oauth2_client_credentials",
        &["token_endpoint", "client_id", "client_secret"],
    ),
    ("kerberos", &["principal", "keytab"]),
];

/// Reads `authentication`. `plain` says that secrets may go over plain http.
pub(super) fn read_authentication(fields: &mut Fields<'_>, plain: bool) -> Authentication {
    fields.object("authentication", "method", |fields| {
        let secret = |fields: &mut Fields<'_>, name, expected| {
            secret(fields, name, expected).map_or(Authentication::None, |secret| match name {
                "token" => Authentication::Jwt(secret),
                _ => Authentication::Password(secret),
            })
        };
        match fields.word_or_meant("method", METHODS, MARKS) {
            Some("password") => secret(fields, "password", "the password of the user"),
            Some("jwt") => secret(fields, "token", "the JSON Web Token"),
            Some("oauth2_client_credentials") => client_credentials(fields, plain),
            Some("kerberos") => kerberos::read_kerberos(fields)
                .map_or(Authentication::None, Authentication::Kerberos),
            _ => Authentication::None,
        }
    })
}

pub(super) fn grants(fields: &mut Fields<'_>) -> Grants {
    Grants {
        session_user: fields.text("session_user"),
        roles: fields.pairs(
            "roles",
            "catalog=role, such as system=analyst for a role of Trino itself",
        ),
        extra_credentials: named_secrets(fields, "extra_credentials"),
    }
}

/// A secret that must be set; `expected` completes "set it to …".
fn secret(fields: &mut Fields<'_>, name: &str, expected: &str) -> Option<SecretString> {
    let Some(secret) = fields.secret(name) else {
        fields.missing(name, expected);
        return None;
    };
    crate::secrets::hide(secret);
    // People paste tokens with line ends and with the word before them, so these are removed.
    // Passwords are taken exactly as they are.
    let secret = match name {
        "token" => {
            let token = secret.trim();
            token.strip_prefix("Bearer ").unwrap_or(token).trim()
        }
        _ => secret,
    };
    crate::secrets::hide(secret);
    Some(SecretString::from(secret))
}

fn client_credentials(fields: &mut Fields<'_>, plain: bool) -> Authentication {
    let endpoint = fields.required_text(
        "token_endpoint",
        "the URL where the OAuth2 server gives tokens, for example \
         \"https://login.example.com/oauth2/token\"",
    );
    let client_id = fields.required_text("client_id", "the client's name at the OAuth2 server");
    let client_secret = secret(fields, "client_secret", "the client's secret");
    let scope = fields.text("scope");
    let audience = fields.text("audience");
    if endpoint.is_empty() {
        return Authentication::None;
    }
    let url = Url::parse(&endpoint).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some()
            && url.username().is_empty()
    });
    let Some(token_endpoint) = url else {
        // The value is not shown, because it may contain a password.
        fields.problem(
            "token_endpoint",
            "is not a URL; expected is for example \"https://login.example.com/oauth2/token\"",
        );
        return Authentication::None;
    };
    if token_endpoint.scheme() == "http"
        && !plain
        && !is_loopback(token_endpoint.host_str().unwrap_or_default())
    {
        fields.problem(
            "token_endpoint",
            "the client's secret would travel in clear text over plain http; use https",
        );
    }
    client_secret.map_or(Authentication::None, |client_secret| {
        Authentication::ClientCredentials(ClientCredentials {
            token_endpoint,
            client_id,
            client_secret,
            scope,
            audience,
        })
    })
}

/// The secrets in the field `field`: a list of `{"name": …, "value": …}`, or an object of names and
/// values.
pub(super) fn named_secrets(
    fields: &mut Fields<'_>,
    field: &'static str,
) -> Vec<(String, SecretString)> {
    let credential = |name: &str, value: Option<&Value>| {
        let value = value.and_then(Value::as_str).unwrap_or_default();
        crate::secrets::hide(value);
        let is_whole = !name.trim().is_empty() && !value.is_empty();
        is_whole.then(|| (name.trim().to_owned(), SecretString::from(value)))
    };
    // An incomplete entry is named, but its value is not shown.
    let read: Vec<Result<_, String>> = match fields.value(field) {
        Some(Value::Object(map)) => map
            .iter()
            .map(|(name, value)| {
                credential(name, Some(value)).ok_or_else(|| format!(" (\"{name}\")"))
            })
            .collect(),
        _ => fields.objects(field, "name", |entry| {
            let name = entry.value("name").and_then(Value::as_str);
            credential(name.unwrap_or_default(), entry.given("value"))
                .ok_or_else(|| entry.entry().to_owned())
        }),
    };
    let mut credentials = Vec::with_capacity(read.len());
    for entry in read {
        match entry {
            Ok(credential) => credentials.push(credential),
            Err(entry) => {
                let text =
                    format!("must hold entries of a name and a value, both of them text{entry}");
                fields.problem(field, &text);
            }
        }
    }
    credentials
}
