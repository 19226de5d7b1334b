//! The login host of both vendors: access tokens for client credentials.
//!
//! The vendors have login hosts of their own; here they share one endpoint, and a request that names scopes is taken for one of
//! Talkdesk, whose tokens are short-lived.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::routing::MethodFilter;
use jiff::Timestamp;
use serde_json::json;

use super::answer::Answer;
use super::dice::Dice;
use super::exchange::{Call, Operation, Vendor};
use super::faults::Fault;
use super::planted::PLANTED_EMAIL;
use super::{CLIENT_IDS, CLIENT_SECRET, Options, locked};

/// Tokens that are good at a time; the oldest is given up for one more.
const TOKENS_KEPT: usize = 1000;
/// The scopes of Talkdesk's billing operations.
pub(super) const SCOPES: [&str; 5] = [
    "express-accounts:read",
    "express-products:read",
    "express-accounts-subscriptions:read",
    "express-accounts-invoices:read",
    "express-accounts-usage:read",
];
/// How long a token with scopes lives at the most.
const SCOPED_LIFETIME: Duration = Duration::from_secs(599);

pub(super) struct Login {
    dice: Dice,
    lifetime: Duration,
    secret: Mutex<String>,
    tokens: Mutex<VecDeque<Token>>,
}

struct Token {
    text: String,
    grant: Grant,
    expires: Timestamp,
}

/// Whom a token was given to, and for what.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) client_id: &'static str,
    pub(super) scopes: Vec<&'static str>,
}

/// Why a request has no good token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unproven {
    Missing,
    Bad,
}

/// An error in the shape of OAuth, which is not that of the vendors' APIs.
struct OauthError {
    status: StatusCode,
    error: String,
    description: &'static str,
    headers: Box<HeaderMap>,
}

impl OauthError {
    fn new(status: StatusCode, error: &str, description: &'static str) -> Self {
        Self { status, error: error.to_owned(), description, headers: Box::default() }
    }

    fn bad(error: &str, description: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, description)
    }

    fn answer(self) -> Answer {
        let body = json!({ "error": self.error, "error_description": format!("{} ({PLANTED_EMAIL})", self.description) });
        let mut answer = Answer::json(self.status, &body);
        answer.headers.extend(*self.headers);
        answer
    }
}

impl Vendor for Login {
    type Handler = ();

    const OPERATIONS: &'static [Operation<()>] =
        &[Operation { id: "createToken", method: MethodFilter::POST, path: "/oauth/token", handler: () }];

    fn respond(&self, (): &(), call: &Call) -> Answer {
        let result = match &call.fault {
            Some(Fault::Status { status, code, headers }) => {
                let error = code.as_deref().unwrap_or("server_error");
                Err(OauthError {
                    headers: Box::new(headers.clone()),
                    ..OauthError::new(*status, error, "The request failed.")
                })
            }
            _ => self.token(call),
        };
        let mut answer = result.unwrap_or_else(OauthError::answer);
        answer.headers.insert("Cache-Control", HeaderValue::from_static("no-store"));
        answer
    }

    fn refuse(&self, _: &Call, status: StatusCode) -> Answer {
        OauthError::new(status, "invalid_request", "The request is not understood.").answer()
    }
}

impl Login {
    pub(super) fn new(options: &Options) -> Self {
        let dice = Dice::new(options.seed).named("tokens");
        Self {
            dice,
            lifetime: options.token_lifetime,
            secret: Mutex::new(CLIENT_SECRET.to_owned()),
            tokens: Mutex::default(),
        }
    }

    /// Takes only this secret from now on. Tokens that were bought with the one before stay good.
    pub(super) fn set_secret(&self, secret: &str) {
        secret.clone_into(&mut locked(&self.secret));
    }

    /// `createToken`
    fn token(&self, call: &Call) -> Result<Answer, OauthError> {
        let form: HashMap<_, _> = url::form_urlencoded::parse(&call.body).into_owned().collect();
        let content_type = call.header("content-type").unwrap_or_default().to_ascii_lowercase();
        if !content_type.starts_with("application/x-www-form-urlencoded") {
            return Err(OauthError::bad("invalid_request", "the body is not a form"));
        }
        match form.get("grant_type").map(String::as_str) {
            Some("client_credentials") => {}
            Some(_) => {
                return Err(OauthError::bad("unsupported_grant_type", "grant_type is not supported"));
            }
            None => return Err(OauthError::bad("invalid_request", "grant_type is missing")),
        }
        let secret = locked(&self.secret).clone();
        let proven = |id: &str| match call.header("authorization") {
            Some(given) => is_basic(given, id, &secret),
            None => {
                form.get("client_id").is_some_and(|given| given == id)
                    && form.get("client_secret").is_some_and(|given| *given == secret)
            }
        };
        let Some(client_id) = CLIENT_IDS.into_iter().find(|id| proven(id)) else {
            let description = "client authentication failed";
            return Err(OauthError::new(StatusCode::UNAUTHORIZED, "invalid_client", description));
        };
        let asked = form.get("scope").map(String::as_str).unwrap_or_default();
        let known = |scope: &str| SCOPES.into_iter().find(|known| *known == scope);
        let Some(named) = asked.split_ascii_whitespace().map(known).collect::<Option<Vec<_>>>() else {
            return Err(OauthError::bad("invalid_scope", "a scope is unknown or not granted"));
        };
        let lifetime = if named.is_empty() { self.lifetime } else { self.lifetime.min(SCOPED_LIFETIME) };
        let scopes = if named.is_empty() { SCOPES.to_vec() } else { named };
        let body = |text: &str| {
            json!({
                "access_token": text,
                "token_type": "bearer",
                "expires_in": lifetime.as_secs(),
                "scope": scopes.join(" "),
            })
        };
        let dice = self.dice.of(call.number);
        let text = format!("{:016x}-{}", dice.number(), dice.uuid());
        let answer = Answer::json(StatusCode::OK, &body(&text));
        let mut tokens = locked(&self.tokens);
        tokens.retain(|token| token.expires > call.now);
        if tokens.len() >= TOKENS_KEPT {
            tokens.pop_front();
        }
        // A fault at the token endpoint gives a token that is dead from its birth.
        let life = if matches!(call.fault, Some(Fault::ExpireToken)) { Duration::ZERO } else { lifetime };
        let expires = call.now.checked_add(life).unwrap_or(Timestamp::MAX);
        tokens.push_back(Token { text, grant: Grant { client_id, scopes }, expires });
        Ok(answer)
    }

    /// Whom the bearer token of an API request belongs to. A fault can end the token at this moment.
    pub(super) fn grant(&self, call: &Call) -> Result<Grant, Unproven> {
        let (scheme, given) =
            call.header("authorization").and_then(|value| value.split_once(' ')).ok_or(Unproven::Missing)?;
        let mut tokens = locked(&self.tokens);
        let position = tokens
            .iter()
            .position(|token| token.text == given && token.expires > call.now)
            .filter(|_| scheme.eq_ignore_ascii_case("bearer"))
            .ok_or(Unproven::Bad)?;
        if matches!(call.fault, Some(Fault::ExpireToken)) {
            tokens.remove(position);
            return Err(Unproven::Bad);
        }
        Ok(tokens[position].grant.clone())
    }
}

/// Whether an `Authorization` header is this pair of id and secret.
fn is_basic(header: &str, id: &str, secret: &str) -> bool {
    let expected = base64(format!("{id}:{secret}").as_bytes());
    header
        .split_once(' ')
        .is_some_and(|(scheme, given)| scheme.eq_ignore_ascii_case("basic") && given.trim() == expected)
}

/// RFC 4648; only ever written, to be compared, so no crate is needed for it.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            (0..3).fold(0, |word, index| word << 8 | u32::from(chunk.get(index).copied().unwrap_or(0)));
        for index in 0..4 {
            let letter = ALPHABET[(word >> (18 - 6 * index) & 63) as usize];
            text.push(if index <= chunk.len() { letter.into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
