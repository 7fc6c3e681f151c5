//! `username`, `authentication` and what else says who asks: how the user is proven to Trino.

use reqwest::Url;
use secrecy::SecretString;

use super::fields::Fields;
use super::server::is_loopback;

/// How the user is proven to Trino.
#[derive(Debug, Clone)]
pub(crate) enum Authentication {
    /// Not at all: Trino believes the name, or a client certificate proves it.
    None,
    /// HTTP Basic with this password (Trino's password file, LDAP, Starburst Galaxy).
    Password(SecretString),
    /// A JSON Web Token that was made elsewhere.
    Jwt(SecretString),
    /// Tokens of an OAuth2 server, had by the client credentials grant (RFC 6749, 4.4).
    ClientCredentials(ClientCredentials),
}

/// What an OAuth2 server gives tokens for.
#[derive(Debug, Clone)]
pub(crate) struct ClientCredentials {
    /// Where tokens are asked for.
    pub(crate) token_endpoint: Url,
    /// Name of the client.
    pub(crate) client_id: String,
    /// Its secret.
    pub(crate) client_secret: SecretString,
    /// Scopes, separated by blanks.
    pub(crate) scope: Option<String>,
    /// For whom the token is meant, where the server wants to know.
    pub(crate) audience: Option<String>,
}

/// What a session is given beside its user.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grants {
    /// The user that queries run as, if it is another one than the one that is proven.
    pub(crate) session_user: Option<String>,
    /// Catalog (or `system`) and the role that is taken in it.
    pub(crate) roles: Vec<(String, String)>,
    /// Credentials that Trino passes on to its connectors.
    pub(crate) extra_credentials: Vec<(String, SecretString)>,
}

const METHODS: &str = "choose \"none\", \"password\", \"jwt\" or \"oauth2_client_credentials\"";

/// Reads `authentication`; `plain` says that secrets may go over plain http.
pub(super) fn read(fields: &mut Fields<'_>, plain: bool) -> Authentication {
    fields.object("authentication", |fields| {
        let method = fields.text("method");
        let secret = |fields: &mut Fields<'_>, name, expected| {
            secret(fields, name, expected).map_or(Authentication::None, |secret| match name {
                "token" => Authentication::Jwt(secret),
                _ => Authentication::Password(secret),
            })
        };
        match method.as_deref() {
            None if fields.has("password") => {
                secret(fields, "password", "the password of the user")
            }
            None | Some("none" | "") => Authentication::None,
            Some("password") => secret(fields, "password", "the password of the user"),
            Some("jwt") => secret(fields, "token", "the JSON Web Token"),
            Some("oauth2_client_credentials") => client_credentials(fields, plain),
            Some(other) => {
                let text = format!("\"{other}\" is not known; {METHODS}");
                fields.problem("method", &text);
                Authentication::None
            }
        }
    })
}

pub(super) fn grants(fields: &mut Fields<'_>) -> Grants {
    Grants {
        session_user: fields.text("session_user"),
        roles: fields.pairs("roles"),
        extra_credentials: extra_credentials(fields),
    }
}

/// A secret that must be there; `expected` completes "set it to …".
fn secret(fields: &mut Fields<'_>, name: &str, expected: &str) -> Option<SecretString> {
    let Some(secret) = fields.secret(name) else {
        fields.problem(name, &format!("is missing; set it to {expected}"));
        return None;
    };
    crate::secrets::hide(secret);
    // Tokens are pasted with line ends, and with the word before them; passwords are taken as they are.
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
        // Not repeated: it may hold a password.
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

/// A list of `{"name": …, "value": …}`, or an object of names and values.
fn extra_credentials(fields: &mut Fields<'_>) -> Vec<(String, SecretString)> {
    use serde_json::Value;
    const NAME: &str = "extra_credentials";
    let mut credentials = Vec::new();
    let mut add = |fields: &mut Fields<'_>, name: &str, value: Option<&str>| match value {
        Some(value) if !name.trim().is_empty() => {
            crate::secrets::hide(value);
            credentials.push((name.trim().to_owned(), SecretString::from(value)));
        }
        // The value is not repeated.
        _ => fields.problem(
            NAME,
            "must hold entries of a name and a value, both of them text",
        ),
    };
    match fields.value(NAME) {
        None => {}
        Some(Value::Object(map)) => {
            for (name, value) in map {
                add(fields, name, value.as_str());
            }
        }
        Some(Value::Array(list)) => {
            for entry in list {
                let name = entry["name"].as_str().unwrap_or_default();
                add(fields, name, entry["value"].as_str());
            }
        }
        Some(_) => fields.problem(
            NAME,
            "must be a list of entries with \"name\" and \"value\"",
        ),
    }
    credentials
}
