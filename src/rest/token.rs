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
mod tests {
    use std::cell::Cell;
    use std::path::Path;

    use super::super::error::Kind;
    use super::*;
    use crate::secret::Secret;

    const LIFETIME: Duration = Duration::from_mins(10);
    const SECOND: Duration = Duration::from_secs(1);

    /// A login host that takes one secret, and a file that holds one.
    struct Stage {
        keeper: Keeper,
        secret: Reader,
        folder: tempfile::TempDir,
        accepted: Cell<Option<&'static str>>,
        tries: Cell<u32>,
        /// Once, the login host refuses and asks for this wait.
        asks: Cell<Option<Duration>>,
        lifetime: Cell<Duration>,
    }

    impl Stage {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let secret = Reader::new(Secret::File(folder.path().join("secret")));
            let (keeper, accepted, tries) = (Keeper::default(), Cell::new(Some("old")), Cell::new(0));
            let (asks, lifetime) = (Cell::new(None), Cell::new(LIFETIME));
            let stage = Self { keeper, secret, folder, accepted, tries, asks, lifetime };
            stage.write("old");
            stage
        }

        fn write(&self, text: &str) {
            std::fs::write(self.folder.path().join("secret"), text).unwrap();
        }

        /// A token that tells which secret bought it, and at which try.
        async fn token(&self) -> Result<String, Error> {
            let fetch = async {
                self.tries.set(self.tries.get() + 1);
                let denied = |detail: &str| Error::new(Kind::Unauthorized, "createToken", detail);
                let secret = self.secret.read().await.map_err(|error| denied(&error.to_string()))?;
                tokio::time::sleep(SECOND / 10).await;
                if let Some(wait) = self.asks.take() {
                    self.keeper.hold(wait);
                    return Err(denied("too many"));
                }
                if self.accepted.get() != Some(secret.expose_secret()) {
                    return Err(denied("refused"));
                }
                let text = format!("{}-{}", secret.expose_secret(), self.tries.get());
                let fingerprint = Fingerprint::of_secret(&secret);
                Ok(Token::new(text.into(), fingerprint, self.lifetime.get(), Timestamp::UNIX_EPOCH))
            };
            let token = self.keeper.token(&self.secret, ("provider", "acme"), fetch).await?;
            Ok(token.expose().to_owned())
        }

        /// Asks every second for so long; the tokens and how often the login host was asked.
        async fn ask_for(&self, seconds: u32) -> (Vec<String>, u32) {
            let before = self.tries.get();
            let mut tokens = Vec::new();
            for _ in 0..seconds {
                tokens.push(self.token().await.unwrap());
                tokio::time::sleep(SECOND).await;
            }
            tokens.dedup();
            (tokens, self.tries.get() - before)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_fetched_once_and_renewed_before_it_expires() {
        let stage = Stage::new();
        assert_eq!(stage.keeper.expiry(), None);
        assert_eq!(stage.ask_for(530).await, (vec!["old-1".to_owned()], 1));
        assert_eq!(stage.keeper.expiry(), Some(Timestamp::from_second(600).unwrap()));
        assert_eq!(stage.ask_for(20).await, (vec!["old-1".to_owned(), "old-2".to_owned()], 1));
        tokio::time::sleep(LIFETIME).await;
        assert_eq!(stage.keeper.expiry(), None, "an expired token is none");
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_secret_buys_a_new_token_while_the_old_one_is_used() {
        let stage = Stage::new();
        assert_eq!(stage.token().await.unwrap(), "old-1");
        stage.write("new");
        stage.accepted.set(Some("new"));
        let (tokens, tries) = stage.ask_for(10).await;
        assert_eq!((tokens, tries), (vec!["old-1".to_owned(), "new-2".to_owned()], 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_is_followed_through_a_swapped_link() {
        let stage = Stage::new();
        let at = |name: &str| stage.folder.path().join(name);
        let link =
            |target: &str, name: &str| std::os::unix::fs::symlink(Path::new(target), at(name)).unwrap();
        // As Kubernetes has it: the file is a link through a link to a folder, which is replaced by renaming.
        for (folder, text) in [("1", "old"), ("2", "new")] {
            std::fs::create_dir(at(folder)).unwrap();
            std::fs::write(at(folder).join("secret"), text).unwrap();
        }
        std::fs::remove_file(at("secret")).unwrap();
        link("1", "..data");
        link("..data/secret", "secret");
        assert_eq!(stage.token().await.unwrap(), "old-1");
        link("2", "..next");
        std::fs::rename(at("..next"), at("..data")).unwrap();
        stage.accepted.set(Some("new"));
        assert_eq!(stage.ask_for(10).await.0.last().unwrap(), "new-2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_bad_new_secret_leaves_the_old_token_in_use_and_is_tried_at_a_bounded_pace() {
        let stage = Stage::new();
        stage.token().await.unwrap();
        stage.write("bad");
        let (tokens, tries) = stage.ask_for(400).await;
        assert_eq!(tokens, ["old-1"]);
        // After 15, 30, 60, 120 s.
        assert_eq!(tries, 5);
        // Another one is tried at once, an unreadable one costs no request worth mentioning, and the old one ends the trouble.
        stage.write("worse");
        assert_eq!(stage.ask_for(10).await, (vec!["old-1".to_owned()], 1));
        stage.write("old");
        assert_eq!(stage.ask_for(60).await, (vec!["old-1".to_owned()], 0));
        stage.write("new");
        stage.accepted.set(Some("new"));
        assert_eq!(stage.ask_for(10).await.0.last().unwrap(), "new-8");
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_secret_file_leaves_the_token_in_use_until_it_expires() {
        let stage = Stage::new();
        stage.token().await.unwrap();
        std::fs::remove_file(stage.folder.path().join("secret")).unwrap();
        assert_eq!(stage.ask_for(590).await.0, ["old-1"]);
        tokio::time::sleep(10 * SECOND).await;
        assert!(stage.token().await.unwrap_err().to_string().contains("cannot use the secret file"));
        assert_eq!(stage.keeper.expiry(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_host_that_is_down_at_renewal_time_stops_nobody() {
        let stage = Stage::new();
        stage.token().await.unwrap();
        stage.ask_for(500).await;
        stage.accepted.set(None);
        let (tokens, tries) = stage.ask_for(80).await;
        assert_eq!(tokens, ["old-1"]);
        assert!((2..=3).contains(&tries), "{tries}");
        stage.accepted.set(Some("old"));
        assert_ne!(stage.ask_for(40).await.0.last().unwrap(), "old-1");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_replaced_or_there_is_none() {
        let stage = Stage::new();
        stage.token().await.unwrap();
        let refuse = || {
            let token = stage.keeper.good_token().unwrap();
            stage.keeper.refused(&token);
        };
        refuse();
        assert_eq!(stage.token().await.unwrap(), "old-2");
        refuse();
        stage.accepted.set(None);
        assert!(stage.token().await.is_err());
        assert_eq!(stage.keeper.expiry(), None);
        stage.accepted.set(Some("old"));
        assert_eq!(stage.token().await.unwrap(), "old-4");
    }

    #[tokio::test(start_paused = true)]
    async fn many_at_once_share_one_fetch_and_nobody_with_a_good_token_waits() {
        let stage = Stage::new();
        let all = futures_util::future::join_all((0..20).map(|_| stage.token()));
        assert!(all.await.into_iter().all(|token| token.unwrap() == "old-1"));
        stage.write("new");
        stage.accepted.set(Some("new"));
        tokio::time::sleep(LOOK_EVERY).await;
        let tokens = futures_util::future::join_all((0..20).map(|_| stage.token())).await;
        let tokens: Vec<String> = tokens.into_iter().map(Result::unwrap).collect();
        assert_eq!(tokens.iter().filter(|token| *token == "new-2").count(), 1);
        assert_eq!(tokens.iter().filter(|token| *token == "old-1").count(), 19);
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_file_that_hangs_leaves_the_token_in_use_and_holds_nobody_up_for_long() {
        let stage = Stage::new();
        stage.token().await.unwrap();
        stage.write("new");
        stage.accepted.set(Some("new"));
        tokio::time::sleep(LOOK_EVERY).await;
        let hanging = stage.secret.hang().await;
        // Somebody in a hurry gives up, and the next one need not look.
        assert!(tokio::time::timeout(SECOND / 2, stage.token()).await.is_err());
        let asked = Instant::now();
        assert_eq!(stage.token().await.unwrap(), "old-1");
        assert_eq!(asked.elapsed(), Duration::ZERO);
        tokio::time::sleep(LOOK_EVERY).await;
        let asked = Instant::now();
        assert_eq!(stage.token().await.unwrap(), "old-1");
        assert_eq!(asked.elapsed(), LONGEST_LOOK);
        // When the token has to be renewed, the file must be read, and the token serves on.
        tokio::time::sleep(520 * SECOND).await;
        assert_eq!(stage.ask_for(5).await, (vec!["old-1".to_owned()], 0));
        let (tokens, tries) = stage.ask_for(20).await;
        assert_eq!(tokens, ["old-1"]);
        assert!((1..=2).contains(&tries), "{tries}");
        drop(hanging);
        tokio::time::sleep(LOOK_EVERY).await;
        assert!(stage.ask_for(10).await.0.last().unwrap().starts_with("new-"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_host_that_asks_for_a_wait_is_left_alone_while_the_token_is_used() {
        let stage = Stage::new();
        stage.token().await.unwrap();
        stage.ask_for(500).await;
        stage.asks.set(Some(30 * SECOND));
        let (tokens, tries) = stage.ask_for(80).await;
        // The first pause after a failure would be 15 s.
        assert_eq!(tokens, ["old-1", "old-3"]);
        assert_eq!(tries, 2);
        // Nor does another secret change that.
        stage.keeper.hold(50 * SECOND);
        stage.write("new");
        stage.accepted.set(Some("new"));
        assert_eq!(stage.ask_for(45).await, (vec!["old-3".to_owned()], 0));
        assert_eq!(stage.ask_for(10).await.0.last().unwrap(), "new-4");
        assert_eq!(stage.keeper.held_until(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_of_no_life_is_used_for_a_while_unless_it_is_refused() {
        for lifetime in [Duration::ZERO, SECOND, 20 * SECOND] {
            let stage = Stage::new();
            stage.lifetime.set(lifetime);
            assert_eq!(stage.ask_for(29).await, (vec!["old-1".to_owned()], 1));
            assert_eq!(stage.ask_for(10).await.0.last().unwrap(), "old-2");
            stage.keeper.refused(&stage.keeper.good_token().unwrap());
            assert_eq!(stage.token().await.unwrap(), "old-3");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_is_given_up_is_not_repeated_at_once() {
        let stage = Stage::new();
        stage.token().await.unwrap();
        stage.write("new");
        tokio::time::sleep(LOOK_EVERY).await;
        assert!(tokio::time::timeout(SECOND / 20, stage.token()).await.is_err());
        assert_eq!(stage.ask_for(10).await, (vec!["old-1".to_owned()], 0));
    }
}
