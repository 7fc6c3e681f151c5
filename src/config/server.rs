//! `hostname`, `port` and `ssl_mode`: where Trino is, and how it is reached.

use std::net::IpAddr;

use reqwest::Url;

use super::fields::Fields;
use super::tls::{self, Tls};

/// Port of Trino's coordinator if none is given.
const DEFAULT_PORT: u16 = 8080;

/// Where Trino is, and how it is reached.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// Name or address, without brackets around an IPv6 address.
    pub(crate) host: String,
    /// TCP port.
    pub(crate) port: u16,
    /// The path at which Trino begins on that server, for example `/trino` behind a gateway; mostly
    /// empty.
    pub(crate) path: String,
    /// Whether TLS is used, and how strictly certificates are checked.
    pub(crate) tls: Tls,
}

impl Server {
    /// Scheme, host, port and path, without a slash at the end.
    pub(crate) fn base_url(&self) -> String {
        let scheme = if self.tls.is_on() { "https" } else { "http" };
        let Self {
            host, port, path, ..
        } = self;
        if host.contains(':') {
            format!("{scheme}://[{host}]:{port}{path}")
        } else {
            format!("{scheme}://{host}:{port}{path}")
        }
    }

    /// Whether the host is this machine, so that nothing travels over a network.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let address: Result<IpAddr, _> = host.trim_matches(['[', ']']).parse();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Reads the three fields. If a URL was pasted as the hostname, `remarks` tells how it was
/// understood.
pub(super) fn read_server(fields: &mut Fields<'_>, remarks: &mut Vec<String>) -> Server {
    let given = fields.required_text(
        "hostname",
        "the host of the Trino coordinator, for example \"trino.example.com\"",
    );
    let pasted = Pasted::parse(&given);
    if let Err(text) = &pasted {
        fields.problem("hostname", text);
    }
    let pasted = pasted.unwrap_or_default();
    let port = pasted.port.unwrap_or(DEFAULT_PORT);
    let port = fields.integer("port", u64::from(port), 1..=u64::from(u16::MAX));
    let port = u16::try_from(port).unwrap_or(DEFAULT_PORT);
    let default = if pasted.https { Tls::full() } else { Tls::Off };
    if let (Some(named), true) = (pasted.port, fields.has("port"))
        && named != port
        && !pasted.host.is_empty()
    {
        let text = format!("is {port}, but the hostname means port {named}; keep one");
        fields.problem("port", &text);
    }
    let server = Server {
        host: pasted.host,
        port,
        path: pasted.path,
        tls: tls::read_tls(fields, default),
    };
    if pasted.https && !server.tls.is_on() {
        fields.problem(
            "ssl_mode",
            "is \"disable\", but the hostname begins with https://; choose \"verify-full\", or \
             write the hostname without https://",
        );
    }
    if server.host != given && !server.host.is_empty() {
        // The given text is not shown, because pasted URLs may contain passwords.
        remarks.push(format!("the hostname was read as {}", server.base_url()));
    }
    server
}

/// What people put into the hostname field: a name, or a whole URL.
#[derive(Debug, Default, PartialEq, Eq)]
struct Pasted {
    host: String,
    port: Option<u16>,
    path: String,
    https: bool,
}

impl Pasted {
    fn parse(given: &str) -> Result<Self, String> {
        if given.is_empty() {
            return Ok(Self::default());
        }
        // JDBC URLs are what people have at hand: jdbc:trino://host:port/catalog/schema
        let text = given.strip_prefix("jdbc:").unwrap_or(given);
        let has_path = text.len() == given.len();
        let bare_ipv6 = text.parse::<std::net::Ipv6Addr>().is_ok();
        let (http, had_scheme) = match text.split_once("://") {
            Some(("trino", rest)) => (format!("http://{rest}"), false),
            Some(_) => (text.to_owned(), true),
            None if bare_ipv6 => (format!("http://[{text}]"), false),
            None => (format!("http://{text}"), false),
        };
        let wrong = || {
            // A text that may contain a password is not shown.
            if given.contains(['@', '?']) {
                return "must not have a user, a password or parameters; ‹username› and \
                        ‹authentication› are for them"
                    .to_owned();
            }
            format!("\"{given}\" is not a host name; expected is for example \"trino.example.com\"")
        };
        // A scheme with one slash would be read as a host and its path.
        let begins_with = |scheme: &str| {
            let start = text.get(..scheme.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        if !text.contains("://")
            && ["http:/", "https:/", "trino:/"]
                .into_iter()
                .any(begins_with)
        {
            return Err(wrong());
        }
        let url = Url::parse(&http).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https")
            || !url.username().is_empty()
            || url.query().is_some()
        {
            return Err(wrong());
        }
        let host = url.host_str().ok_or_else(wrong)?;
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let https = url.scheme() == "https";
        // A pasted URL without a port means the usual port of its scheme. A bare name means Trino's
        // usual port, unless it has a port, which a URL only tells if it is not that of its scheme.
        let port = if had_scheme {
            url.port_or_known_default()
        } else {
            Url::parse(&http.replacen("http", "trino", 1))
                .ok()
                .and_then(|url| url.port())
        };
        // The path of a JDBC URL is catalog and schema, and `/ui` is what a browser shows for Trino
        // itself. Neither belongs to the server's address.
        let path = format!("{}/", url.path().trim_end_matches('/'));
        let path = match path.split_once("/ui/") {
            _ if !has_path => String::new(),
            Some((before, _)) => before.to_owned(),
            None => path.trim_end_matches('/').to_owned(),
        };
        Ok(Self {
            host,
            port,
            path,
            https,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_urls_are_understood() {
        let cases = [
            ("localhost", "localhost", None, "", false),
            (
                "trino.example.com:8443",
                "trino.example.com",
                Some(8443),
                "",
                false,
            ),
            (
                "https://trino.example.com",
                "trino.example.com",
                Some(443),
                "",
                true,
            ),
            (
                "https://trino.example.com:8443/ui/",
                "trino.example.com",
                Some(8443),
                "",
                true,
            ),
            ("http://10.0.0.1:8080", "10.0.0.1", Some(8080), "", false),
            (
                "jdbc:trino://host:8080/hive/default",
                "host",
                Some(8080),
                "",
                false,
            ),
            ("host:80", "host", Some(80), "", false),
            ("trino://host:80", "host", Some(80), "", false),
            ("::1", "::1", None, "", false),
            ("[::1]:8080", "::1", Some(8080), "", false),
            (
                "https://gw.example.com/data/trino/",
                "gw.example.com",
                Some(443),
                "/data/trino",
                true,
            ),
            ("gw:8080/trino", "gw", Some(8080), "/trino", false),
            ("https://gw/trino/ui/", "gw", Some(443), "/trino", true),
        ];
        for (given, host, port, path, https) in cases {
            let expected = Pasted {
                host: host.into(),
                port,
                path: path.into(),
                https,
            };
            assert_eq!(Pasted::parse(given), Ok(expected), "{given}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for given in [
            "two words",
            "ftp://host",
            "http:/host",
            "HTTPS:/host:8443",
            "jdbc:trino:/host:8080/hive",
            "https://user@host",
            "http://",
            "jdbc:trino://host:8080/hive?SSL=true",
        ] {
            assert!(Pasted::parse(given).is_err(), "{given}");
        }
    }

    #[test]
    fn an_ipv6_host_gets_its_brackets_in_the_url() {
        let server = Server {
            host: "::1".into(),
            port: 8080,
            path: String::new(),
            tls: Tls::Off,
        };
        assert_eq!(server.base_url(), "http://[::1]:8080");
        assert!(server.is_loopback());
    }
}
