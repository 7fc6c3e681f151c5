//! HTTP to Trino and to what stands between: the only place that sends requests.
//!
//! | file | job |
//! |---|---|
//! | `transport` | every request: timeouts, credentials, cookies, redirects |
//! | `origin` | where the URIs in Trino's answers are asked for |
//! | `route` | direct, through a proxy, or through a tunnel |
//! | `answer` | an answer's body, up to the size that its kind may have; what a bad answer says |
//! | `failure` | the steps of a request that can fail; errors of the HTTP library → which step failed |
//! | `tls`, `client_certificate` | `ssl_mode` → a TLS configuration; our own certificate and its key |
//! | `auth`, `token` | what proves the user; OAuth2 tokens |

mod answer;
mod auth;
mod client_certificate;
pub(crate) mod failure;
mod origin;
mod route;
mod tls;
mod token;
pub(crate) mod transport;
