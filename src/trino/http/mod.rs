//! HTTP to Trino and to what stands between: the only place that sends requests.
//!
//! | file | job |
//! |---|---|
//! | `transport` | every request: timeouts, credentials, cookies, redirects |
//! | `client` | what the clients of the HTTP library are built with |
//! | `origin` | where the URIs in Trino's answers are asked for |
//! | `route` | direct, through a proxy, or through a tunnel |
//! | `answer` | an answer's body, up to the size that its kind may have; what a bad answer says |
//! | `pieces` | an answer's body in fewer and larger pieces |
//! | `buffers` | memory for the bodies of answers, used again and again |
//! | `failure` | the steps of a request that can fail; errors of the HTTP library → which step failed |
//! | `tls` | `ssl_mode` → a TLS configuration |
//! | `verifier`, `authorities` | whether a server's certificate is accepted; whom the system trusts |
//! | `certificates`, `client_certificate` | certificates in PEM; our own certificate and its key |
//! | `tls_problem` | what can be wrong with the TLS settings |
//! | `auth`, `token` | what proves the user; OAuth2 tokens |

mod answer;
mod auth;
mod authorities;
mod buffers;
mod certificates;
mod client;
mod client_certificate;
pub(crate) mod failure;
mod origin;
pub(crate) mod pieces;
mod route;
mod tls;
pub(crate) mod tls_problem;
mod token;
pub(crate) mod transport;
mod verifier;
