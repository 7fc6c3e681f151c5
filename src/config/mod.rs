//! The configuration: raw JSON → [`Connection`], with everything that is wrong reported at once.
//!
//! The form's fields, with their titles and defaults, are in `spec.json`; a test makes sure that
//! both fit together. An unknown key is no problem, because the platform may store its own keys,
//! but it is reported ([`unknown_fields`]), as is a key that stands there twice
//! ([`repeated_members`]).
//!
//! | file | job |
//! |---|---|
//! | `fields`, `value` | reads fields of a JSON object and collects what is wrong; values that may be written in several forms |
//! | `problem` | what can be wrong with a configuration |
//! | `form`, `repeated` | what a person is told about fields that are unknown, or there twice |
//! | `server`, `tls`, `pem` | where Trino is; how strictly certificates are checked; certificates and keys in every form |
//! | `route` | the way to Trino through a proxy or an SSH server |
//! | `auth`, `kerberos` | how the user is proven, and what the session is given |
//! | `headers` | headers of the user's own |
//! | `schemas`, `patterns` | which schemas and tables become streams, and their namespaces |
//! | `queries` | SQL statements that are streams |
//! | `sync` | how new and changed rows are found |

mod auth;
mod fields;
mod form;
mod headers;
mod kerberos;
mod patterns;
pub(crate) mod pem;
mod problem;
mod queries;
mod repeated;
mod route;
mod schemas;
mod server;
mod sync;
mod tls;
mod value;

use reqwest::header::HeaderMap;
use serde_json::Value;

pub(crate) use auth::{Authentication, ClientCredentials, Grants};
pub(crate) use form::unknown_fields;
pub(crate) use kerberos::Kerberos;
pub(crate) use patterns::{TablePatterns, matches};
pub(crate) use problem::Problem;
pub(crate) use queries::QueryStream;
pub(crate) use repeated::repeated_members;
pub(crate) use route::public_key;
pub(crate) use route::{Proxy, Tunnel, TunnelLogin};
pub(crate) use schemas::{DottedName, Namespaces};
pub(crate) use server::Server;
pub(crate) use sync::{Replication, Sync};
pub(crate) use tls::{ClientCertificate, Tls, TlsSettings, Verification};

use crate::error::ConnectorError;
use fields::Fields;

/// Rows of a slice, chosen so that a slow read (four queries at once that share 27,000 rows a
/// second) needs the default interval for one. Smaller slices cost more time for planning than they
/// save. Of larger ones, more rows would have to be read again after a read that broke off.
const SLICE_ROWS: u64 = 2_000_000;

/// Seconds between two states unless the configuration says otherwise.
pub(crate) const DEFAULT_CHECKPOINT_INTERVAL: u64 = 300;

/// How the rows of a table are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FetchProtocol {
    /// Spooled if the server offers it, otherwise direct.
    Auto,
    /// In the coordinator's answers.
    Direct,
    /// From the storage that Trino's workers write them to. A server that does not do this is an
    /// error.
    Spooled,
}

/// What queries are tagged with in Trino unless the configuration says otherwise.
pub(crate) const DEFAULT_SOURCE: &str = concat!("airbyte/source-trino/", env!("CARGO_PKG_VERSION"));

/// Queries at once unless the configuration says otherwise.
pub(crate) const DEFAULT_CONCURRENCY: u64 = 4;

/// A checked configuration.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// Where Trino is, and how it is reached.
    pub(crate) server: Server,
    /// The user that Trino runs the queries for.
    pub(crate) username: String,
    /// How this user is proven.
    pub(crate) authentication: Authentication,
    /// What a session has besides its user.
    pub(crate) grants: Grants,
    /// Whether credentials may go over plain http, because something else encrypts it.
    pub(crate) allow_credentials_over_http: bool,
    /// The proxy on the way. Without one, the proxies of the environment are used.
    pub(crate) proxy: Option<Proxy>,
    /// Headers of the user's own, for the configured server only; their values are secrets.
    pub(crate) http_headers: HeaderMap,
    /// The SSH server on the way.
    pub(crate) tunnel: Option<Tunnel>,
    /// The catalog whose tables are read, in lower case as Trino keeps all names.
    pub(crate) catalog: String,
    /// The schema of streams whose catalog names no schema, in lower case.
    pub(crate) schema: String,
    /// More schemas: exact names or patterns with `*`. A catalog and a dot may stand before them.
    pub(crate) schemas: Vec<DottedName>,
    /// Which tables of these schemas become streams.
    pub(crate) table_patterns: TablePatterns,
    /// SQL statements that are streams.
    pub(crate) queries: Vec<QueryStream>,
    /// How new and changed rows are found.
    pub(crate) sync: Sync,
    /// The time as of which tables that keep versions are read, as ISO 8601 in UTC; `None` for now.
    pub(crate) as_of: Option<String>,
    /// Seconds between two states of a stream, if its slices allow that.
    pub(crate) checkpoint_interval: u64,
    /// Whether `discover` leaves out tables that the user may not read.
    pub(crate) check_privileges: bool,
    /// Whether tables that are made of files have columns for a row's file and its time.
    pub(crate) file_columns: bool,
    /// Queries at once, at least 1; `None` if the number follows from how records leave.
    pub(crate) concurrency: Option<usize>,
    /// How the rows of a table are fetched.
    pub(crate) fetch_protocol: FetchProtocol,
    /// Rows of one slice of a big table, at least 1. `None` if the number follows from the
    /// interval.
    pub(crate) slice_rows: Option<u64>,
    /// Session properties for every query, in the order given.
    pub(crate) session_properties: Vec<(String, String)>,
    /// Tags for Trino's resource groups.
    pub(crate) client_tags: Vec<String>,
    /// What Trino shows as the origin of our queries.
    pub(crate) source: String,
    /// Remarks for the log on how unusual input was understood.
    pub(crate) remarks: Vec<String>,
}

impl Connection {
    /// Whether requests carry credentials. With plain http, everybody on the way could read them.
    pub(crate) fn has_secrets(&self) -> bool {
        has_secrets(&self.authentication, &self.grants, &self.http_headers)
    }

    /// Checks a configuration.
    ///
    /// # Errors
    ///
    /// All problems found, in the order of the form.
    pub(crate) fn from_json(config: &Value) -> Result<Self, Vec<Problem>> {
        let mut fields = Fields::new(config);
        let mut remarks = Vec::new();
        let server = server::read_server(&mut fields, &mut remarks);
        let username = fields.required_text(
            "username",
            "the name of the Trino user that reads the tables, for example \"airbyte\"",
        );
        let plain = fields.flag("allow_credentials_over_http", false);
        let authentication = auth::read_authentication(&mut fields, plain);
        let grants = auth::grants(&mut fields);
        let catalog = fields.required_text(
            "catalog",
            "the name of a Trino catalog, for example \"hive\"; SHOW CATALOGS lists them",
        );
        let schema = fields.required_text(
            "schema",
            "the name of a schema in that catalog, for example \"public\"; SHOW SCHEMAS lists them",
        );
        let schemas = dotted_names(&mut fields, "schemas");
        let table_patterns = patterns::table_patterns(&mut fields);
        let check_privileges = fields.flag("check_privileges", true);
        let file_columns = fields.flag("file_columns", false);
        let has_concurrency = fields.has("concurrency");
        let concurrency = fields.integer("concurrency", DEFAULT_CONCURRENCY, 1..=64);
        let fetch_protocol = fetch_protocol(&mut fields);
        let slice_rows = fields
            .has("slice_rows")
            .then(|| fields.integer("slice_rows", SLICE_ROWS, 1..=1_000_000_000_000));
        let queries = queries::read_queries(&mut fields);
        let sync = sync::read_sync(&mut fields);
        let as_of = sync::as_of(&mut fields);
        let checkpoint_interval = fields.integer(
            "checkpoint_target_interval_seconds",
            DEFAULT_CHECKPOINT_INTERVAL,
            1..=86_400,
        );
        let proxy = route::proxy(&mut fields);
        let tunnel = route::tunnel(&mut fields);
        let http_headers = headers::http_headers(&mut fields);
        let session_properties = fields.pairs("session_properties", "name=value");
        let client_tags = fields.texts("client_tags");
        let source = fields
            .text("source")
            .unwrap_or_else(|| DEFAULT_SOURCE.to_owned());
        if has_secrets(&authentication, &grants, &http_headers)
            && !plain
            && !server.tls.is_on()
            && !server.is_loopback()
        {
            fields.problem(
                "ssl_mode",
                "credentials would travel in clear text over plain http; choose \"require\", \
                 \"verify-ca\" or \"verify-full\" (and the port of https), or, where something else \
                 encrypts the connection, set ‹allow_credentials_over_http› to true",
            );
        }
        if proxy.is_some() && tunnel.is_some() {
            fields.problem(
                "http_proxy",
                "cannot be used together with ‹tunnel_method›; keep one of them",
            );
        }
        for tag in &client_tags {
            if tag.contains(',') {
                fields.problem(
                    "client_tags",
                    &format!("the tag \"{tag}\" must not contain a comma"),
                );
            }
        }
        fields.finish(Self {
            server,
            username,
            authentication,
            grants,
            allow_credentials_over_http: plain,
            proxy,
            http_headers,
            tunnel,
            catalog: catalog.to_lowercase(),
            schema: schema.to_lowercase(),
            schemas,
            table_patterns,
            queries,
            sync,
            as_of,
            checkpoint_interval,
            check_privileges,
            file_columns,
            concurrency: has_concurrency.then(|| usize::try_from(concurrency).unwrap_or(1)),
            fetch_protocol,
            slice_rows,
            session_properties,
            client_tags,
            source,
            remarks,
        })
    }
}

fn has_secrets(authentication: &Authentication, grants: &Grants, http_headers: &HeaderMap) -> bool {
    !matches!(authentication, Authentication::None)
        || !grants.extra_credentials.is_empty()
        || headers::has_credentials(http_headers)
}

impl Connection {
    /// Queries at once.
    pub(crate) fn concurrency(&self) -> usize {
        let default = usize::try_from(DEFAULT_CONCURRENCY).unwrap_or(1);
        self.concurrency.unwrap_or(default)
    }

    /// Rows of one slice of a big table.
    pub(crate) fn slice_rows(&self) -> u64 {
        let suiting = SLICE_ROWS * self.checkpoint_interval / DEFAULT_CHECKPOINT_INTERVAL;
        self.slice_rows.unwrap_or(suiting.clamp(1, SLICE_ROWS))
    }

    /// The namespaces of this configuration, given the catalogs that exist; see
    /// [`DottedName::resolve`].
    pub(crate) fn namespaces(&self, catalogs: &[String]) -> Namespaces {
        Namespaces::new(&self.catalog, &self.schemas, catalogs)
    }
}

fn dotted_names(fields: &mut Fields<'_>, name: &str) -> Vec<DottedName> {
    let texts = fields.texts(name);
    let mut names = Vec::with_capacity(texts.len());
    for text in texts {
        match DottedName::parse(&text) {
            Ok(parsed) => names.push(parsed),
            Err(why) => fields.problem(name, &format!("the entry {text} {why}")),
        }
    }
    names
}

fn fetch_protocol(fields: &mut Fields<'_>) -> FetchProtocol {
    match fields.word("fetch_protocol", &["auto", "direct", "spooled"]) {
        Some("direct") => FetchProtocol::Direct,
        Some("spooled") => FetchProtocol::Spooled,
        _ => FetchProtocol::Auto,
    }
}

/// One message for all problems of a configuration.
pub(crate) fn describe(problems: &[Problem]) -> ConnectorError {
    let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
    ConnectorError::config(match list.as_slice() {
        [only] => format!("The configuration is not valid: {only}"),
        all => format!(
            "The configuration has {} problems:\n- {}",
            all.len(),
            all.join("\n- ")
        ),
    })
}

#[cfg(test)]
mod tests;
