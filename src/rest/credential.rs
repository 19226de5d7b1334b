//! Buys access tokens by the client-credentials grant; [`Keeper`] says when. Nothing of it is ever printed.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use super::channel::Channel;
use super::client::{Endpoint, status_error};
use super::error::{Error, Kind};
use super::governor::LONGEST_WAIT;
use super::token::{Keeper, Token};
use crate::clock::Clock;
use crate::model::harmless;
use crate::secret::{Fingerprint, Reader};

const OPERATION: &str = "createToken";

/// Assumed when the vendor does not say how long a token lives.
const DEFAULT_LIFETIME: Duration = Duration::from_mins(5);

/// No token is trusted for longer, whatever the vendor says.
const LONGEST_LIFETIME: Duration = Duration::from_hours(48);

/// What a 429 of the login host that names no wait is taken to ask for.
const DEFAULT_HOLD: Duration = Duration::from_secs(15);

/// The login host is left alone for this long at the most, whatever it asks for.
const LONGEST_HOLD: Duration = Duration::from_hours(1);

/// A token answer is a few hundred bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// An OAuth client and its current token.
pub(super) struct Credential {
    token_url: Url,
    client_id: String,
    client_secret: Reader,
    /// The scopes to ask for, as the token endpoint takes them.
    scope: Option<String>,
    refused_advice: &'static str,
    clock: Clock,
    keeper: Keeper,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
    expires_in: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct TokenRefusal {
    error: Option<String>,
}

impl Credential {
    pub(super) fn new(endpoint: Endpoint, clock: Clock) -> Self {
        let Endpoint { token_url, client_id, client_secret, scopes, dialect, .. } = endpoint;
        Self {
            token_url,
            client_id,
            client_secret: Reader::new(client_secret),
            scope: (!scopes.is_empty()).then(|| scopes.join(" ")),
            refused_advice: dialect.refused_advice,
            clock,
            keeper: Keeper::default(),
        }
    }

    /// The current token, fetched first if there is none, and renewed first if it is time.
    pub(super) async fn token(&self, channel: &Channel) -> Result<Token, Error> {
        self.keeper.token(&self.client_secret, channel.metrics.whose(), self.fetch(channel)).await
    }

    /// The vendor has refused `token`: it is not used again.
    pub(super) fn refused(&self, token: &Token) {
        self.keeper.refused(token);
    }

    /// When the current token expires, if there is a good one.
    pub(super) fn expiry(&self) -> Option<Timestamp> {
        self.keeper.expiry()
    }

    /// Waits as the login host asked for; whoever has a good token does not come here before.
    async fn wait_for_login(&self, channel: &Channel) -> Result<(), Error> {
        let Some(until) = self.keeper.held_until() else { return Ok(()) };
        let left = until.saturating_duration_since(Instant::now());
        if left > LONGEST_WAIT {
            return Err(held(left));
        }
        channel.sleep_throttled(until).await;
        Ok(())
    }

    async fn fetch(&self, channel: &Channel) -> Result<Token, Error> {
        self.wait_for_login(channel).await?;
        let secret = self
            .client_secret
            .read()
            .await
            .map_err(|error| Error::new(Kind::Unauthorized, OPERATION, error.to_string()))?;
        let fingerprint = Fingerprint::of_secret(&secret);
        let request = channel
            .transport
            .http()
            .post(self.token_url.clone())
            .basic_auth(&self.client_id, Some(secret.expose_secret()))
            .header("accept", "application/json")
            .form(&[("grant_type", Some("client_credentials")), ("scope", self.scope.as_deref())]);
        let answer = channel.send(OPERATION, request).await?;
        let status = answer.status();
        if status.as_u16() == 429 {
            // The API has not asked for anything: requests with a good token go on.
            let wait = answer.asked_wait().unwrap_or(DEFAULT_HOLD).min(LONGEST_HOLD);
            self.keeper.hold(wait);
            return Err(held(wait));
        }
        let body = answer.body(BODY_LIMIT).await?;
        if !status.is_success() {
            return Err(refusal(status.as_u16(), &body, self.refused_advice));
        }
        let answer: TokenAnswer = serde_json::from_slice(&body).map_err(|_| {
            Error::new(Kind::Malformed, OPERATION, "the token answer is not the JSON of an OAuth token")
        })?;
        let lifetime =
            answer.expires_in.as_ref().and_then(seconds).unwrap_or(DEFAULT_LIFETIME).min(LONGEST_LIFETIME);
        Ok(Token::new(answer.access_token, fingerprint, lifetime, self.clock.now()))
    }
}

/// The login host wants no request for so long.
fn held(wait: Duration) -> Error {
    Error::new(Kind::RateLimited(wait), OPERATION, "the login host answered 429")
}

/// A lifetime, which may come as a number or as a string.
fn seconds(value: &serde_json::Value) -> Option<Duration> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// What a refused token request means. The answer is OAuth's, not the API's: an `error` and no more.
fn refusal(status: u16, body: &[u8], advice: &str) -> Error {
    let code = serde_json::from_slice::<TokenRefusal>(body).ok().and_then(|refusal| refusal.error);
    let mut error = match status {
        500.. => status_error(OPERATION, status),
        _ => Error::new(Kind::Unauthorized, OPERATION, format!("the login host answered {status}: {advice}")),
    };
    error.code = code.as_deref().and_then(harmless);
    error
}

#[cfg(any(test, fuzzing))]
/// For [`crate::fuzzing`]: how long the token of an answer would live, and whether a refusal quotes nothing unusual.
pub(super) fn lifetime(body: &[u8]) -> Option<Duration> {
    let error = refusal(400, body, "advice");
    assert!(error.code.is_none_or(|code| harmless(&code).is_some()));
    let answer: TokenAnswer = serde_json::from_slice(body).ok()?;
    // What is printed of a token does not depend on it.
    assert_eq!(format!("{:?}", answer.access_token), format!("{:?}", SecretString::from("another")));
    Some(answer.expires_in.as_ref().and_then(seconds).unwrap_or(DEFAULT_LIFETIME).min(LONGEST_LIFETIME))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lifetime_is_read_from_a_number_and_from_a_string() {
        for value in [json!(599), json!(599.0), json!("599")] {
            assert_eq!(seconds(&value), Some(Duration::from_secs(599)));
        }
        for value in [json!(-1), json!("soon"), json!(null), json!(1e300)] {
            assert_eq!(seconds(&value), None);
        }
    }

    #[test]
    fn a_refused_token_names_what_to_check_and_the_oauth_error_but_nothing_else() {
        let body = br#"{"error":"invalid_client","error_description":"jane@example.com"}"#;
        let error = refusal(401, body, "check client_secret");
        assert_eq!((error.kind, error.code.as_deref()), (Kind::Unauthorized, Some("invalid_client")));
        assert!(
            error.to_string().contains("client_secret") && !error.to_string().contains("jane"),
            "{error}"
        );
    }
}
