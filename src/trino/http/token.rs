//! Tokens of an OAuth2 server, by the client credentials grant (RFC 6749, 4.4).
//!
//! This is written here and does not use a crate, because it is only one form and one answer, and
//! it uses the TLS settings and proxies of the transport.

use std::time::{Duration, Instant};

use base64::Engine as _;
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::Mutex;

use crate::config::ClientCredentials;
use crate::trino::error::TrinoError;
use crate::trino::http::answer;
use crate::trino::http::failure;
use crate::trino::http::route::Way;
use crate::trino::retry;

/// How long the request for a token is retried. This is shorter than for a read's own requests.
const BUDGET: Duration = Duration::from_secs(30);

/// Time limit for one answer, from the request to the last byte.
const ANSWER: Duration = Duration::from_secs(20);

/// A token is replaced this long before it expires; if its life is shorter than that, after half of
/// its life.
const MARGIN: Duration = Duration::from_mins(1);

/// Pause before a replacement that failed is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// The source of tokens, and the token in use.
pub(crate) struct TokenSource {
    client: reqwest::Client,
    way: Way,
    credentials: ClientCredentials,
    current: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    header: HeaderValue,
    /// When it should be replaced; `None` if the server does not tell how long it lives.
    replace_at: Option<Instant>,
    expires_at: Option<Instant>,
}

/// A good answer (RFC 6749, 5.1).
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    /// Seconds. Some servers write text, decimals, or more than a clock can represent.
    expires_in: Option<Box<RawValue>>,
}

/// A bad answer (RFC 6749, 5.2).
#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl TokenSource {
    pub(crate) fn new(client: reqwest::Client, way: Way, credentials: &ClientCredentials) -> Self {
        Self {
            client,
            way,
            credentials: credentials.clone(),
            current: Mutex::new(None),
        }
    }

    /// The header with a token that has not expired.
    ///
    /// # Errors
    ///
    /// When the server gives no token.
    pub(crate) async fn header(&self) -> Result<HeaderValue, TrinoError> {
        // The lock is held while a token is asked for, so that many requests cause only one token.
        let mut current = self.current.lock().await;
        if let Some(token) = &*current
            && token.replace_at.is_none_or(|at| Instant::now() < at)
        {
            return Ok(token.header.clone());
        }
        if let Some(token) = &mut *current
            && token.expires_at.is_none_or(|at| Instant::now() < at)
        {
            // The old token is still valid, so it does not matter if the server is down for a
            // moment.
            match self.fetch().await {
                Ok(fresh) => *token = fresh,
                Err(error) => {
                    tracing::warn!("no new token could be had, the old one is used: {error}");
                    token.replace_at = Some(Instant::now() + PAUSE);
                }
            }
            return Ok(token.header.clone());
        }
        self.replace(&mut current).await
    }

    /// A token other than the one that Trino has refused.
    ///
    /// # Errors
    ///
    /// When the server gives no token.
    pub(crate) async fn renewed(&self, refused: &HeaderValue) -> Result<HeaderValue, TrinoError> {
        let mut current = self.current.lock().await;
        match &*current {
            // Another request was refused before, and has replaced the token already.
            Some(token) if token.header != refused => Ok(token.header.clone()),
            _ => self.replace(&mut current).await,
        }
    }

    async fn replace(&self, current: &mut Option<Token>) -> Result<HeaderValue, TrinoError> {
        let token = retry::retried("A token", BUDGET, |_| true, || self.fetch()).await;
        let token = token.map_err(|cause| TrinoError::Token {
            place: self.credentials.token_endpoint.to_string(),
            cause: Box::new(cause),
        })?;
        Ok(current.insert(token).header.clone())
    }

    async fn fetch(&self) -> Result<Token, TrinoError> {
        let ClientCredentials {
            token_endpoint: url,
            client_id,
            client_secret,
            scope,
            audience,
        } = &self.credentials;
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(scope.as_deref().map(|scope| ("scope", scope)));
        form.extend(audience.as_deref().map(|audience| ("audience", audience)));
        // RFC 6749, 2.3.1: as HTTP Basic, which every server must understand, both encoded first.
        let encoded = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
        };
        let secret = encoded(client_secret.expose_secret());
        crate::secrets::hide(&secret);
        let pair = format!("{}:{secret}", encoded(client_id));
        crate::secrets::hide(&base64::engine::general_purpose::STANDARD.encode(pair));
        let asked = Instant::now();
        let response = self
            .client
            .post(url.clone())
            .basic_auth(encoded(client_id), Some(secret))
            .form(&form)
            .timeout(ANSWER)
            .send()
            .await
            .map_err(|error| failure::failed_request(&error.without_url(), url, &self.way))?;
        let (status, body) = answer::token_body(response, url, &self.way).await?;
        if !status.is_success() {
            let text = serde_json::from_slice::<Refusal>(&body).map_or_else(
                |_| String::new(),
                |refusal| match refusal.error_description.as_str() {
                    "" => refusal.error,
                    description => format!("{}, {description}", refusal.error),
                },
            );
            return Err(TrinoError::Status {
                status: status.as_u16(),
                text: crate::secrets::one_line(&text),
                is_page: false,
                retry_after: None,
            });
        }
        // The answer is not shown, because it may contain a token.
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| TrinoError::Protocol("its answer has no \"access_token\"".to_owned()))?;
        let given = answer.expires_in.as_deref().map(RawValue::get);
        let life = given.and_then(life);
        if let (Some(given), None) = (given, life) {
            tracing::info!(
                "the token endpoint says that its token expires in {given} seconds, which is no \
                 time; the token is used until Trino refuses it"
            );
        }
        // If the life is longer than the clock can represent, the token never expires.
        let after = |life| asked.checked_add(life);
        Ok(Token {
            header: bearer(&answer.access_token)?,
            expires_at: life.and_then(after),
            replace_at: life.and_then(|life| after(life.saturating_sub(MARGIN).max(life / 2))),
        })
    }
}

/// The duration of `expires_in`, given as JSON; `None` if it is no number of seconds.
fn life(expires_in: &str) -> Option<Duration> {
    let seconds = expires_in.trim_matches(['"', ' ']).parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The header for a token.
///
/// # Errors
///
/// When the token has characters that no header may have.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue, TrinoError> {
    sensitive("Bearer", token)
}

/// The header for an authentication scheme. The secret is kept out of all messages.
///
/// # Errors
///
/// As [`bearer`].
pub(crate) fn sensitive(scheme: &str, secret: &str) -> Result<HeaderValue, TrinoError> {
    crate::secrets::hide(secret);
    let mut value = HeaderValue::try_from(format!("{scheme} {secret}")).map_err(|_| {
        TrinoError::Settings(
            "The token of ‹authentication› has characters that no token has, such as line ends."
                .to_owned(),
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_a_token_is_understood_in_every_form() {
        let seconds = |life: &str| {
            let text = format!("{{\"access_token\":\"t\",\"expires_in\":{life}}}");
            let answer: Answer = serde_json::from_str(&text).unwrap();
            let given = answer.expires_in.as_deref().map(RawValue::get);
            given.and_then(super::life).map(|life| life.as_secs_f64())
        };
        for given in [
            "3600",
            "\"3600\"",
            "3600.0",
            "\" 3600.0 \"",
            "3.6e3",
            "\"3.6e3\"",
        ] {
            assert_eq!(seconds(given), Some(3600.0), "{given}");
        }
        assert_eq!(seconds("0"), Some(0.0));
        assert_eq!(seconds("0.5"), Some(0.5));
        for given in [
            "null",
            "\"soon\"",
            "\"\"",
            "-1",
            "\"inf\"",
            "\"NaN\"",
            "1e300",
            "1e400",
            "[3600]",
            "true",
            "18446744073709551615",
            "99999999999999999999999",
        ] {
            assert_eq!(seconds(given), None, "{given}");
        }
    }

    #[test]
    fn a_life_beyond_the_clock_is_none_that_ends() {
        let longest = life("18446744073709549568").unwrap();
        assert_eq!(Instant::now().checked_add(longest), None);
    }
}
