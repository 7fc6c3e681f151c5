//! `http_proxy` and `tunnel_method`: the way to Trino if it cannot be reached directly.

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::fields::Fields;
use super::pem;
use super::value::one_of;

/// A forward proxy.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    /// Scheme, host and port.
    pub(crate) url: Url,
    /// User and password, if the proxy wants them.
    pub(crate) login: Option<(String, SecretString)>,
}

/// An SSH server that connects to Trino for us. The form's names for its fields are those of
/// Airbyte's other sources.
#[derive(Debug, Clone)]
pub(crate) struct Tunnel {
    /// Host of the SSH server.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// The user there.
    pub(crate) user: String,
    /// How the user is proven.
    pub(crate) login: TunnelLogin,
    /// Public key that the server must have, in OpenSSH's one-line form; with `None`, any key is
    /// accepted.
    pub(crate) host_key: Option<String>,
}

/// How the user of a tunnel is proven.
#[derive(Debug, Clone)]
pub(crate) enum TunnelLogin {
    /// With a private key in PEM, and its passphrase, if it has one.
    Key(SecretString, Option<SecretString>),
    /// With a password.
    Password(SecretString),
}

/// Port of an SSH server if none is given.
const SSH_PORT: u64 = 22;

/// Reads `http_proxy`: an object, or its URL alone.
pub(super) fn proxy(fields: &mut Fields<'_>) -> Option<Proxy> {
    if let Some(Value::String(_)) = fields.value("http_proxy") {
        let url = fields.text("http_proxy")?;
        return parsed_proxy(fields, "http_proxy", &url, None);
    }
    fields.object("http_proxy", "url", |fields| {
        let url = fields.text("url");
        let username = fields.text("username");
        let password = secret(fields, "password");
        let Some(url) = url else {
            if username.is_some() || password.is_some() {
                let expected = "the proxy's address, for example \"http://proxy.example.com:3128\"";
                fields.missing("url", expected);
            }
            return None;
        };
        let login = username.map(|user| (user, password.unwrap_or_default()));
        parsed_proxy(fields, "url", &url, login)
    })
}

fn parsed_proxy(
    fields: &mut Fields<'_>,
    name: &str,
    text: &str,
    login: Option<(String, SecretString)>,
) -> Option<Proxy> {
    let text = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&text).ok().filter(|url| {
        let has_scheme = matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h");
        has_scheme && url.host_str().is_some_and(|host| !host.is_empty())
    });
    let Some(mut url) = url else {
        // The value is not shown, because it may contain a password.
        fields.problem(name, "is not the address of a proxy; expected is for example \"http://proxy.example.com:3128\"");
        return None;
    };
    // People know URLs with a login from the environment's variables. The login must not be shown
    // in errors.
    let mut login = login;
    if !url.username().is_empty() {
        let decoded = |text: &str| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned()
        };
        let password = decoded(url.password().unwrap_or_default());
        crate::secrets::hide(&password);
        login = login.or_else(|| Some((decoded(url.username()), SecretString::from(password))));
        // Cannot fail for a URL with a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
    }
    Some(Proxy { url, login })
}

const METHODS: &[&str] = &["NO_TUNNEL", "SSH_KEY_AUTH", "SSH_PASSWORD_AUTH"];

/// The fields that tell which method is meant if it is not named.
const MARKS: &[(&str, &[&str])] = &[
    ("SSH_KEY_AUTH", &["ssh_key", "ssh_key_passphrase"]),
    ("SSH_PASSWORD_AUTH", &["tunnel_user_password"]),
];

/// Reads `tunnel_method`.
pub(super) fn tunnel(fields: &mut Fields<'_>) -> Option<Tunnel> {
    fields.object("tunnel_method", "tunnel_method", |fields| {
        let login = match fields.word_or_meant("tunnel_method", METHODS, MARKS) {
            Some("SSH_KEY_AUTH") => key(fields),
            Some("SSH_PASSWORD_AUTH") => {
                let password = secret(fields, "tunnel_user_password");
                if password.is_none() {
                    fields.missing("tunnel_user_password", "the password of ‹tunnel_user›");
                }
                password.map(TunnelLogin::Password)
            }
            None if fields.has("tunnel_host") => {
                fields.missing("tunnel_method", &one_of(METHODS));
                return None;
            }
            _ => return None,
        };
        let host = fields.required_text("tunnel_host", "the host of the SSH server");
        let port = fields.integer("tunnel_port", SSH_PORT, 1..=u64::from(u16::MAX));
        let user = fields.required_text("tunnel_user", "the user that logs in at the SSH server");
        let host_key = fields.text("tunnel_host_key");
        if let Some(line) = &host_key
            && public_key(line).is_none()
        {
            fields.problem(
                "tunnel_host_key",
                "is not a public key; expected is a line such as \"ssh-ed25519 AAAA…\", as \
                 ssh-keyscan prints it",
            );
        }
        Some(Tunnel {
            host,
            port: u16::try_from(port).unwrap_or_default(),
            user,
            login: login?,
            host_key,
        })
    })
}

fn key(fields: &mut Fields<'_>) -> Option<TunnelLogin> {
    let passphrase = secret(fields, "ssh_key_passphrase");
    let Some(key) = fields.secret("ssh_key") else {
        fields.missing_with_advice("ssh_key", "paste the private key of ‹tunnel_user›");
        return None;
    };
    let key = pem::secret(key);
    if !key.expose_secret().contains("PRIVATE KEY-----") {
        fields.problem(
            "ssh_key",
            "is not a private key in PEM; paste all of it, from -----BEGIN to -----END",
        );
        return None;
    }
    Some(TunnelLogin::Key(key, passphrase))
}

/// The public key in a line of `known_hosts`, `ssh-keyscan` or a `.pub` file.
pub(crate) fn public_key(line: &str) -> Option<russh::keys::PublicKey> {
    let mut words = line.split_whitespace();
    // A host name may come first.
    let kind = words.find(|word| word.starts_with("ssh-") || word.starts_with("ecdsa-"))?;
    let text = format!("{kind} {}", words.next()?);
    russh::keys::PublicKey::from_openssh(&text).ok()
}

fn secret(fields: &mut Fields<'_>, name: &str) -> Option<SecretString> {
    let secret = fields.secret(name)?;
    crate::secrets::hide(secret);
    Some(SecretString::from(secret))
}
