//! The life of a token, in paused time.

use std::cell::Cell;
use std::path::Path;

use super::*;
use crate::rest::error::Kind;
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
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(Path::new(target), at(name)).unwrap();
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
