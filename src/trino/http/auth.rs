//! `authentication` → the header that proves the user.

use base64::Engine as _;
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret as _;

use crate::config::{Authentication, Connection};
use crate::trino::error::TrinoError;
use crate::trino::http::token::{TokenSource, bearer, sensitive};

/// What proves the user to Trino.
pub(crate) enum Credentials {
    /// Nothing, or a client certificate.
    None,
    /// The same header in every request.
    Fixed(HeaderValue),
    /// A token that is replaced when it expires.
    Token(Box<TokenSource>),
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
                let pair = format!("{}:{}", connection.username, password.expose_secret());
                let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
                Self::Fixed(sensitive("Basic", &encoded)?)
            }
            Authentication::Jwt(token) => Self::Fixed(bearer(token.expose_secret())?),
            Authentication::ClientCredentials(credentials) => {
                Self::Token(Box::new(tokens(credentials)?))
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
            Self::Fixed(header) => Some(header.clone()),
            Self::Token(tokens) => Some(tokens.header().await?),
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
            Self::None | Self::Fixed(_) => None,
        })
    }
}
