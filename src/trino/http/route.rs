//! The way of connections: direct, through a proxy, or through an SSH tunnel.

use std::sync::Arc;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{ClientBuilder, NoProxy, Proxy, Url};
use secrecy::ExposeSecret as _;

use crate::config;
use crate::config::Connection;
use crate::trino::error::TrinoError;
use crate::trino::tunnel::{ForwardProblem, Tunnel};

/// The variables of the environment that set proxies.
const VARIABLES: [&str; 8] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// How connections are made; cheap to clone.
#[derive(Clone)]
pub(crate) struct Way {
    configured: Option<config::Proxy>,
    /// The same rules as those of the HTTP client, to find out which proxy was used.
    rules: Arc<Matcher>,
    tunnel: Option<Arc<Tunnel>>,
}

/// What is between us and a server.
pub(crate) enum Between {
    /// Nothing, as far as we know.
    Nothing,
    /// A proxy, and the setting that it comes from.
    Proxy {
        /// Its address, without a login.
        address: String,
        /// The setting.
        setting: &'static str,
    },
    /// An SSH server, and why it could not connect the last time.
    Tunnel {
        /// Its host and port.
        address: String,
        /// The reason, if there is one.
        problem: Option<ForwardProblem>,
    },
}

impl Way {
    /// The way to the Trino of a connection, through `tunnel` if there is one.
    pub(crate) fn new(connection: &Connection, tunnel: Option<Arc<Tunnel>>) -> Self {
        hide_logins();
        let rules = match &connection.proxy {
            None => Matcher::from_env(),
            Some(proxy) => {
                let bypassed = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy"));
                Matcher::builder()
                    .all(proxy.url.to_string())
                    .no(bypassed.unwrap_or_default())
                    .build()
            }
        };
        Self {
            configured: connection.proxy.clone(),
            rules: Arc::new(rules),
            tunnel,
        }
    }

    /// The way to servers that are not in Trino's network.
    pub(crate) fn outside(&self) -> Self {
        Self {
            tunnel: None,
            ..self.clone()
        }
    }

    /// Makes a client's connections go this way.
    ///
    /// # Errors
    ///
    /// When the proxy cannot be used.
    pub(crate) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, TrinoError> {
        let unusable = |error: reqwest::Error| {
            let cause = error.without_url();
            TrinoError::Settings(format!("‹http_proxy› cannot be used: {cause}."))
        };
        if let Some(tunnel) = &self.tunnel {
            let proxy = Proxy::all(tunnel.entrance()).map_err(unusable)?;
            return Ok(builder.no_proxy().proxy(proxy));
        }
        let Some(config::Proxy { url, login }) = &self.configured else {
            // The client uses the environment's proxies by itself.
            return Ok(builder);
        };
        let mut url = url.clone();
        if let Some((user, password)) = login {
            hide_basic(user, password.expose_secret());
            // Cannot fail for a URL with a host; both encode what they are given.
            let _ = url.set_username(user);
            let _ = url.set_password(Some(password.expose_secret()));
        }
        let proxy = Proxy::all(url).map_err(unusable)?;
        Ok(builder.proxy(proxy.no_proxy(NoProxy::from_env())))
    }

    /// What is between us and the server of `url`.
    pub(crate) fn between(&self, url: &Url) -> Between {
        if let Some(tunnel) = &self.tunnel {
            return Between::Tunnel {
                address: tunnel.address(),
                problem: tunnel.last_problem(),
            };
        }
        let proxy = url
            .as_str()
            .parse::<http::Uri>()
            .ok()
            .and_then(|uri| self.rules.intercept(&uri));
        proxy.map_or(Between::Nothing, |proxy| {
            let uri = proxy.uri();
            let scheme = uri.scheme_str().unwrap_or("http");
            let host = uri.host().unwrap_or_default();
            let port = uri
                .port()
                .map_or_else(String::new, |port| format!(":{port}"));
            Between::Proxy {
                address: format!("{scheme}://{host}{port}"),
                setting: match &self.configured {
                    Some(_) => "‹http_proxy›",
                    None => variables(url.scheme(), |name| {
                        std::env::var_os(name).is_some_and(|value| !value.is_empty())
                    }),
                },
            }
        })
    }
}

/// The variables of the environment that a proxy for URLs of this scheme comes from. The one for
/// all schemes counts where that of the scheme is not set.
fn variables(scheme: &str, is_set: impl Fn(&str) -> bool) -> &'static str {
    let (names, said) = match scheme {
        "https" => (
            ["HTTPS_PROXY", "https_proxy"],
            "the environment's HTTPS_PROXY and NO_PROXY",
        ),
        _ => (
            ["HTTP_PROXY", "http_proxy"],
            "the environment's HTTP_PROXY and NO_PROXY",
        ),
    };
    let is_for_all = ["ALL_PROXY", "all_proxy"].iter().any(|name| is_set(name));
    if is_for_all && !names.iter().any(|name| is_set(name)) {
        "the environment's ALL_PROXY and NO_PROXY"
    } else {
        said
    }
}

/// Keeps a login out of all messages in the form in which HTTP sends it.
fn hide_basic(user: &str, password: &str) {
    use base64::Engine as _;
    let pair = format!("{user}:{password}");
    crate::secrets::hide(&base64::engine::general_purpose::STANDARD.encode(pair));
}

/// Keeps passwords in the environment's proxies out of all messages.
fn hide_logins() {
    for value in VARIABLES.iter().filter_map(|name| std::env::var(name).ok()) {
        let Ok(url) = Url::parse(&value) else {
            continue;
        };
        if let Some(password) = url.password() {
            let decoded = percent_encoding::percent_decode_str(password).decode_utf8_lossy();
            crate::secrets::hide(&decoded);
            crate::secrets::hide(password);
            let user = percent_encoding::percent_decode_str(url.username()).decode_utf8_lossy();
            hide_basic(&user, &decoded);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_named_that_a_proxy_comes_from() {
        for (scheme, set, expected) in [
            ("http", &["HTTP_PROXY"][..], "HTTP_PROXY"),
            ("https", &["https_proxy"], "HTTPS_PROXY"),
            ("http", &["ALL_PROXY"], "ALL_PROXY"),
            ("https", &["all_proxy", "HTTP_PROXY"], "ALL_PROXY"),
            ("http", &["all_proxy", "http_proxy"], "HTTP_PROXY"),
        ] {
            let said = variables(scheme, |name| set.contains(&name));
            assert_eq!(
                said,
                format!("the environment's {expected} and NO_PROXY"),
                "{scheme} {set:?}"
            );
        }
    }
}
