//! `authentication` → the header that proves the user.

use base64::Engine as _;
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret as _;

use crate::config::{Authentication, Connection};
use crate::trino::error::TrinoError;
use crate::trino::http::token::{TokenSource, bearer, sensitive};
use crate::trino::kerberos::{Kerberos, KerberosProblem};

/// In Trino's answer to credentials of any kind that came over plain http.
const INSECURE: &str = "insecure authentication";

/// What proves the user to Trino.
pub(crate) enum Credentials {
    /// Nothing, or a client certificate.
    None,
    /// The same header in every request.
    Fixed(HeaderValue),
    /// A password.
    Password {
        /// The header with it.
        header: HeaderValue,
        /// Whether it ends with white space, which may be a mistake.
        has_blank_at_end: bool,
    },
    /// A token that is replaced when it expires.
    Token(Box<TokenSource>),
    /// A token of Kerberos, another one in each request.
    Ticket(Kerberos),
}

impl Credentials {
    /// The credentials of a connection; `tokens` makes the source of tokens if one is needed.
    ///
    /// # Errors
    ///
    /// When a setting cannot be sent as a header.
    pub(crate) fn new(
        connection: &Connection,
        tokens: impl FnOnce(&crate::config::ClientCredentials) -> Result<TokenSource, TrinoError>,
    ) -> Result<Self, TrinoError> {
        Ok(match &connection.authentication {
            Authentication::None => Self::None,
            Authentication::Password(password) => {
                let password = password.expose_secret();
                let pair = format!("{}:{password}", connection.username);
                let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
                Self::Password {
                    header: sensitive("Basic", &encoded)?,
                    has_blank_at_end: password.ends_with(char::is_whitespace),
                }
            }
            Authentication::Jwt(token) => Self::Fixed(bearer(token.expose_secret())?),
            Authentication::ClientCredentials(credentials) => {
                Self::Token(Box::new(tokens(credentials)?))
            }
            Authentication::Kerberos(settings) => {
                let kerberos = Kerberos::new(settings, &connection.server.host);
                Self::Ticket(kerberos.map_err(TrinoError::Kerberos)?)
            }
        })
    }

    /// The header to send.
    ///
    /// # Errors
    ///
    /// When the token endpoint gives no token.
    pub(crate) async fn header(&self) -> Result<Option<HeaderValue>, TrinoError> {
        Ok(match self {
            Self::None => None,
            Self::Fixed(header) | Self::Password { header, .. } => Some(header.clone()),
            Self::Token(tokens) => Some(tokens.header().await?),
            Self::Ticket(kerberos) => Some(negotiate(kerberos.token().await)?),
        })
    }

    /// The header to send after `refused` was answered with 401; `None` if there is no other.
    ///
    /// # Errors
    ///
    /// When the token endpoint gives no token.
    pub(crate) async fn renewed(
        &self,
        refused: &HeaderValue,
    ) -> Result<Option<HeaderValue>, TrinoError> {
        Ok(match self {
            Self::Token(tokens) => Some(tokens.renewed(refused).await?),
            Self::Ticket(kerberos) => Some(negotiate(kerberos.renewed_token().await)?),
            Self::None | Self::Fixed(_) | Self::Password { .. } => None,
        })
    }

    /// The error of an answer with 401. A ticket that was refused has more causes than a password
    /// has.
    pub(crate) async fn refusal(&self, error: TrinoError) -> TrinoError {
        let text = match &error {
            TrinoError::Status {
                status: 401,
                text,
                // A page is of a gateway, which knows nothing of the credentials.
                is_page: false,
                ..
            } if !text.contains(INSECURE) => text.clone(),
            _ => return error,
        };
        match self {
            Self::Ticket(kerberos) => TrinoError::Kerberos(kerberos.refused(text).await),
            Self::Password {
                has_blank_at_end: true,
                ..
            } => TrinoError::BlankAtEnd {
                cause: Box::new(error),
            },
            _ => error,
        }
    }
}

/// The header of a token of Kerberos.
fn negotiate(token: Result<String, KerberosProblem>) -> Result<HeaderValue, TrinoError> {
    let mut value = HeaderValue::try_from(format!(
        "Negotiate {}",
        token.map_err(TrinoError::Kerberos)?
    ))
    .map_err(|error| TrinoError::Protocol(error.to_string()))?;
    // It is not added to the secrets that are masked: there is one for each request, and a server
    // takes each of them once.
    value.set_sensitive(true);
    Ok(value)
}
