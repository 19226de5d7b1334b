//! Who may ask, and how often: tokens and the rate limit.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;

use super::Organization;
use super::refusal::Refusal;
use crate::simulator::answer::Answer;
use crate::simulator::dice::Dice;
use crate::simulator::exchange::Call;
use crate::simulator::faults::Fault;
use crate::simulator::{Options, locked};

/// Tokens that are good at a time; the oldest is given up for one more.
const TOKENS_KEPT: usize = 1000;
/// The window of the rate limit.
const WINDOW: Duration = Duration::from_mins(1);

pub(super) struct Access {
    dice: Dice,
    token_lifetime: Duration,
    requests_per_minute: u32,
    tokens: Mutex<VecDeque<Token>>,
    /// By position of the organization: each has one client. Real time even when the vendor's clock stands still.
    windows: Mutex<HashMap<usize, (Instant, u32)>>,
}

struct Token {
    text: String,
    organization: usize,
    expires: Timestamp,
}

/// How much of the rate limit is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) count: u32,
    pub(super) allowed: u32,
    /// Seconds until the next window.
    pub(super) reset: u64,
}

/// Whether a request may go on, and the rate limit of its client if that is known.
pub(super) struct Admission {
    /// The position of the organization.
    pub(super) caller: Result<usize, Refusal>,
    pub(super) window: Option<Window>,
}

impl Access {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            dice: Dice::new(options.seed).named("tokens"),
            token_lifetime: options.token_lifetime,
            requests_per_minute: options.requests_per_minute,
            tokens: Mutex::default(),
            windows: Mutex::default(),
        }
    }

    pub(super) fn requests_per_minute(&self) -> u32 {
        self.requests_per_minute
    }

    /// `createToken`
    pub(super) fn token(&self, organizations: &[Organization], call: &Call) -> Result<Answer, Refusal> {
        let form: HashMap<_, _> = url::form_urlencoded::parse(&call.body).into_owned().collect();
        let content_type = call.header("content-type").unwrap_or_default().to_ascii_lowercase();
        if !content_type.starts_with("application/x-www-form-urlencoded") {
            return Err(Refusal::bad("invalid_request", "the body is not a form"));
        }
        match form.get("grant_type").map(String::as_str) {
            Some("client_credentials") => {}
            Some(_) => return Err(Refusal::bad("unsupported_grant_type", "grant_type is not supported")),
            None => return Err(Refusal::bad("invalid_request", "grant_type is missing")),
        }
        let proven = |organization: &Organization| {
            let (id, secret) = (organization.client_id, organization.client_secret);
            match call.header("authorization") {
                Some(given) => is_basic(given, id, secret),
                None => {
                    form.get("client_id").is_some_and(|given| given == id)
                        && form.get("client_secret").is_some_and(|given| given == secret)
                }
            }
        };
        let Some(organization) = organizations.iter().position(proven) else {
            let message = "client authentication failed";
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, "invalid_client", message));
        };
        // A fault at the token endpoint gives a token that is dead from its birth.
        let lifetime =
            if matches!(call.fault, Some(Fault::ExpireToken)) { Duration::ZERO } else { self.token_lifetime };
        let dice = self.dice.of(call.number);
        let text = format!("{:016x}-{}", dice.number(), dice.uuid());
        let mut tokens = locked(&self.tokens);
        tokens.retain(|token| token.expires > call.now);
        if tokens.len() >= TOKENS_KEPT {
            tokens.pop_front();
        }
        let expires = call.now.checked_add(lifetime).unwrap_or(Timestamp::MAX);
        tokens.push_back(Token { text: text.clone(), organization, expires });
        let body = json!({
            "access_token": text,
            "token_type": "bearer",
            "expires_in": self.token_lifetime.as_secs(),
        });
        let mut answer = Answer::json(StatusCode::OK, &body);
        answer.headers.insert("Cache-Control", HeaderValue::from_static("no-store"));
        Ok(answer)
    }

    /// Checks the token, then the rate limit.
    pub(super) fn admit(&self, call: &Call) -> Admission {
        let organization = match self.caller(call) {
            Ok(organization) => organization,
            Err(refusal) => return Admission { caller: Err(refusal), window: None },
        };
        let window = self.count(organization);
        let caller = if window.count > window.allowed {
            Err(Refusal::too_many(window.reset))
        } else {
            Ok(organization)
        };
        Admission { caller, window: Some(window) }
    }

    fn caller(&self, call: &Call) -> Result<usize, Refusal> {
        let refusal = |code, message| Err(Refusal::new(StatusCode::UNAUTHORIZED, code, message));
        let Some((scheme, given)) = call.header("authorization").and_then(|value| value.split_once(' '))
        else {
            return refusal("authentication.required", "No authentication bearer token specified.");
        };
        let mut tokens = locked(&self.tokens);
        let position = tokens.iter().position(|token| token.text == given && token.expires > call.now);
        let Some(position) = position.filter(|_| scheme.eq_ignore_ascii_case("bearer")) else {
            return refusal("bad.credentials", "Invalid login credentials.");
        };
        if matches!(call.fault, Some(Fault::ExpireToken)) {
            tokens.remove(position);
            return refusal("bad.credentials", "Invalid login credentials.");
        }
        Ok(tokens[position].organization)
    }

    /// Counts a request against the limit of its client.
    fn count(&self, organization: usize) -> Window {
        let now = Instant::now();
        let mut windows = locked(&self.windows);
        let (start, count) = windows.entry(organization).or_insert((now, 0));
        if now.duration_since(*start) >= WINDOW {
            (*start, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        let left = WINDOW.saturating_sub(now.duration_since(*start));
        // Rounded up: whoever waits this long is in the next window.
        let reset = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        Window { count: *count, allowed: self.requests_per_minute, reset }
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
