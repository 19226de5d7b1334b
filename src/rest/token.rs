//! Keeps the access token of a credential: one at a time, renewed early.
//!
//! A token that is good stays in use until there is a better one. It is renewed when its end is near, and when the file of the
//! secret has changed; while that fails, for whatever reason, it serves on until it expires or the vendor refuses it.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::error::Error;
use crate::secret::{Fingerprint, Reader};

/// A token is renewed this long before it expires, or a tenth of its life if that is longer, but not before half of it is over.
const RENEW_BEFORE: Duration = Duration::from_mins(1);

/// A token is used for this long, however short its life is said to be, unless the vendor refuses it: a login host that says 0
/// would otherwise be asked before every request.
const SHORTEST_USE: Duration = Duration::from_secs(30);

/// How often, at the most, the file of a secret is looked at while a token is good.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Nobody with a good token waits longer for that look. What a slow file says is then found out by the next renewal.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// The wait after a first renewal that failed while the token is still good; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(15);

/// No such wait is longer.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Keeps the current token, and fetches another one when it is time.
#[derive(Default)]
pub(super) struct Keeper {
    memory: Mutex<Memory>,
    /// Held while a token is fetched, so that those who have none wait for that one instead of fetching their own.
    fetching: tokio::sync::Mutex<()>,
}

/// What is known of the token and its secret.
#[derive(Default)]
struct Memory {
    token: Option<Token>,
    /// When the secret was looked at last, and what it was; `None` in it when it could not be read.
    looked: Option<(Instant, Option<Fingerprint>)>,
    /// There while a good token cannot be renewed.
    trouble: Option<Trouble>,
    /// The login host wants no request before.
    held_until: Option<Instant>,
}

/// Renewals that failed in a row.
struct Trouble {
    failures: u32,
    /// With which secret: another one is tried at once.
    secret: Option<Fingerprint>,
    /// No other try with this secret before.
    next: Instant,
    /// Whether the log has it.
    is_told: bool,
}

/// A bearer token; cheap to clone.
#[derive(Clone)]
pub(super) struct Token {
    value: SecretString,
    /// The secret that it was bought with.
    secret: Fingerprint,
    renew_at: Instant,
    expires_at: Instant,
    /// The same for people.
    expiry: Timestamp,
    /// The vendor has refused it.
    is_refused: bool,
}

impl Token {
    /// A token that was bought with `secret` and lives for `lifetime` from `now` on.
    pub(super) fn new(value: SecretString, secret: Fingerprint, lifetime: Duration, now: Timestamp) -> Self {
        let born = Instant::now();
        let renew_after = lifetime.saturating_sub(RENEW_BEFORE.max(lifetime / 10).min(lifetime / 2));
        Self {
            value,
            secret,
            renew_at: born + renew_after.max(SHORTEST_USE),
            expires_at: born + lifetime.max(SHORTEST_USE),
            expiry: now.checked_add(lifetime).unwrap_or(Timestamp::MAX),
            is_refused: false,
        }
    }

    pub(super) fn expose(&self) -> &str {
        self.value.expose_secret()
    }

    fn is_good(&self) -> bool {
        !self.is_refused && Instant::now() < self.expires_at
    }
}

impl Keeper {
    /// The current token. `fetch` is awaited first when there is none, and when it is time to renew it. `whose` names provider
    /// and organization in the log.
    pub(super) async fn token(
        &self,
        secret: &Reader,
        whose: (&str, &str),
        fetch: impl Future<Output = Result<Token, Error>>,
    ) -> Result<Token, Error> {
        let _fetching = match self.good_token() {
            // A good token need not wait for the renewal that somebody else is at.
            Some(token) => match self.fetching.try_lock() {
                Ok(fetching) => fetching,
                Err(_) => return Ok(token),
            },
            None => self.fetching.lock().await,
        };
        // Whoever had the turn before may have brought a token.
        if let Some(token) = self.good_token() {
            self.look_at(secret).await;
            let is_due = self.lock().is_renewal_due(&token);
            return if is_due { self.renew(whose, fetch).await } else { Ok(token) };
        }
        let fetched = fetch.await;
        self.lock().replace(fetched.as_ref().ok());
        fetched
    }

    /// The vendor has refused `token`: it is not used again.
    pub(super) fn refused(&self, token: &Token) {
        let mut memory = self.lock();
        if let Some(current) = memory.token.as_mut().filter(|current| current.expose() == token.expose()) {
            current.is_refused = true;
        }
    }

    /// The login host wants no request for so long.
    pub(super) fn hold(&self, wait: Duration) {
        self.lock().held_until = Some(Instant::now() + wait);
    }

    /// Until when the login host wants no request, if it does.
    pub(super) fn held_until(&self) -> Option<Instant> {
        self.lock().held_until.filter(|until| Instant::now() < *until)
    }

    /// When the current token expires, if there is a good one.
    pub(super) fn expiry(&self) -> Option<Timestamp> {
        self.good_token().map(|token| token.expiry)
    }

    fn good_token(&self) -> Option<Token> {
        self.lock().token.clone().filter(Token::is_good)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("nothing panics while it holds the lock")
    }

    /// Finds out whether the secret has changed, unless that was just done.
    async fn look_at(&self, secret: &Reader) {
        {
            let mut memory = self.lock();
            let now = Instant::now();
            if memory.looked.is_some_and(|(at, _)| now < at + LOOK_EVERY) {
                return;
            }
            // Noted before, because whoever looks may give up.
            memory.looked = Some((now, memory.seen()));
        }
        // Of a file that is too slow is known what was known before.
        if let Ok(read) = tokio::time::timeout(LONGEST_LOOK, secret.read()).await {
            let seen = read.ok().map(|text| Fingerprint::of_secret(&text));
            self.lock().looked = Some((Instant::now(), seen));
        }
    }

    /// Puts a new token in the place of a good one, or goes on with that.
    async fn renew(
        &self,
        (provider, organization): (&str, &str),
        fetch: impl Future<Output = Result<Token, Error>>,
    ) -> Result<Token, Error> {
        // Noted before, because whoever waits for the answer may give up.
        self.lock().tries();
        match fetch.await {
            Ok(token) => {
                let trouble = self.lock().replace(Some(&token));
                if trouble.is_some_and(|trouble| trouble.is_told) {
                    tracing::info!(organization, provider, "the access token is renewed again");
                }
                Ok(token)
            }
            Err(error) => {
                let mut memory = self.lock();
                if let Some(trouble) = memory.trouble.as_mut().filter(|trouble| !trouble.is_told) {
                    trouble.is_told = true;
                    tracing::warn!(
                        organization,
                        provider,
                        %error,
                        "cannot renew the access token, the one before is used as long as it is good"
                    );
                }
                memory.token.clone().filter(Token::is_good).ok_or(error)
            }
        }
    }
}

impl Memory {
    /// Whether a good token should be renewed now: its end is near or its secret has changed, no try has just failed, and the login
    /// host does not want to be left alone.
    fn is_renewal_due(&mut self, token: &Token) -> bool {
        let now = Instant::now();
        let secret = self.seen();
        if now < token.renew_at && secret == Some(token.secret) {
            self.trouble = None;
            return false;
        }
        self.held_until.is_none_or(|until| now >= until)
            && self.trouble.as_ref().is_none_or(|trouble| now >= trouble.next || secret != trouble.secret)
    }

    fn seen(&self) -> Option<Fingerprint> {
        self.looked.and_then(|(_, seen)| seen)
    }

    /// Puts what was fetched in the place of the token, and says what trouble is over by that.
    fn replace(&mut self, token: Option<&Token>) -> Option<Trouble> {
        self.token = token.cloned();
        if let Some(token) = token {
            // The file may have changed since it was looked at.
            self.looked = Some((Instant::now(), Some(token.secret)));
        }
        self.trouble.take()
    }

    /// Takes note of a try to renew, as one that has failed until the contrary is known.
    fn tries(&mut self) {
        let secret = self.seen();
        let before = self.trouble.take().filter(|trouble| trouble.secret == secret);
        let (failures, is_told) = before.map_or((0, false), |trouble| (trouble.failures, trouble.is_told));
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST_PAUSE);
        self.trouble = Some(Trouble {
            failures: failures.saturating_add(1),
            secret,
            next: Instant::now() + pause,
            is_told,
        });
    }
}

#[cfg(test)]
mod tests;
