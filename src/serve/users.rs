//! Users and their passwords, which are kept as bcrypt hashes and are slow to check on purpose.

use std::collections::{HashMap, HashSet, VecDeque};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use hyper::header::{AUTHORIZATION, HeaderMap};
use tokio::sync::Semaphore;

/// The least bcrypt can do.
pub const LOWEST_COST: u32 = 4;

/// A check of this cost takes about a second. One of 18 takes 16, and the checks stand in one line.
pub const HIGHEST_COST: u32 = 14;

/// Passwords that wait to be checked.
const QUEUE: usize = 16;

/// Wrong passwords that are remembered.
const REMEMBERED: usize = 1_000;

/// The cost of a bcrypt hash.
///
/// # Errors
/// When the text is no such hash; the message does not repeat it.
pub fn cost(hash: &str) -> Result<u32, String> {
    HashParts::from_str(hash).map(|parts| parts.get_cost()).map_err(|error| error.to_string())
}

/// Whether a request may be answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Granted,
    Denied,
    /// Too many are waiting for an answer to that.
    Busy,
}

/// Everybody who may ask. Without any, everybody may.
pub struct Users {
    hashes: HashMap<String, String>,
    /// Checked in the place of the hash of somebody unknown. Where all hashes have the same cost, the time it takes tells nobody who
    /// is known; it has the highest one, so that a known user with a lower one is refused faster.
    stand_in: String,
    /// What is remembered is no password, but its code under this key, which nobody else has.
    key: hmac::Key,
    memory: Mutex<Memory>,
    /// One check at a time: wrong passwords may not take all processors.
    turn: Arc<Semaphore>,
    queue: Semaphore,
}

/// What the checks of before have said. Right and wrong ones do not push each other out.
#[derive(Default)]
struct Memory {
    /// One for each user.
    right: HashMap<String, Vec<u8>>,
    wrong: HashSet<Vec<u8>>,
    /// The wrong ones from the oldest on.
    order: VecDeque<Vec<u8>>,
}

impl Default for Users {
    fn default() -> Self {
        Self::new(HashMap::new())
    }
}

impl Users {
    /// Whether there is nobody, so that everybody may ask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Whether the others are the same users with the same hashes.
    #[must_use]
    pub fn is_like(&self, others: &Self) -> bool {
        self.hashes == others.hashes
    }

    /// Users by name, with bcrypt hashes that [`cost`] understands.
    #[must_use]
    pub fn new(hashes: HashMap<String, String>) -> Self {
        let highest = hashes.values().filter_map(|hash| cost(hash).ok()).max().unwrap_or(LOWEST_COST);
        Self {
            stand_in: format!("$2b${highest:02}${}", ".".repeat(53)),
            hashes,
            key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
                .expect("the operating system gives random bytes"),
            memory: Mutex::default(),
            turn: Arc::new(Semaphore::new(1)),
            queue: Semaphore::new(QUEUE),
        }
    }

    /// The lowest and the highest cost of the hashes, when they differ.
    pub(super) fn mixed_costs(&self) -> Option<(u32, u32)> {
        let costs = || self.hashes.values().filter_map(|hash| cost(hash).ok());
        costs().min().zip(costs().max()).filter(|(lowest, highest)| lowest < highest)
    }

    /// Whether the request that has these headers may be answered.
    pub(super) async fn admit(&self, headers: &HeaderMap) -> Admission {
        if self.hashes.is_empty() {
            return Admission::Granted;
        }
        let Some((name, password)) = credentials(headers) else { return Admission::Denied };
        let code = self.code(&name, &password);
        if let Some(admission) = self.remembered(&name, &code) {
            return admission;
        }
        let Ok(_place) = self.queue.try_acquire() else { return Admission::Busy };
        let turn = self.turn.clone().acquire_owned().await.expect("the semaphore is never closed");
        // Somebody else may have asked the same meanwhile.
        if let Some(admission) = self.remembered(&name, &code) {
            return admission;
        }
        let known = self.hashes.get(&name);
        let hash = known.unwrap_or(&self.stand_in).clone();
        let check = tokio::task::spawn_blocking(move || {
            let is_right = bcrypt::verify(&password, &hash).unwrap_or(false);
            // Kept until here, also when nobody waits any more.
            drop(turn);
            is_right
        });
        let is_right = check.await.unwrap_or(false) && known.is_some();
        self.remember(name, code, is_right)
    }

    fn code(&self, name: &str, password: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.key);
        // A name has no colon, so that no two pairs read the same.
        context.update(name.as_bytes());
        context.update(b":");
        context.update(password);
        context.sign().as_ref().to_vec()
    }

    fn remembered(&self, name: &str, code: &Vec<u8>) -> Option<Admission> {
        let memory = self.memory();
        if memory.right.get(name) == Some(code) {
            return Some(Admission::Granted);
        }
        memory.wrong.contains(code).then_some(Admission::Denied)
    }

    fn remember(&self, name: String, code: Vec<u8>, is_right: bool) -> Admission {
        let mut memory = self.memory();
        if is_right {
            memory.right.insert(name, code);
            return Admission::Granted;
        }
        if memory.wrong.insert(code.clone()) {
            memory.order.push_back(code);
        }
        if memory.order.len() > REMEMBERED
            && let Some(oldest) = memory.order.pop_front()
        {
            memory.wrong.remove(&oldest);
        }
        Admission::Denied
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("nothing panics while it holds the lock")
    }
}

/// Name and password of the `Authorization` header.
fn credentials(headers: &HeaderMap) -> Option<(String, Vec<u8>)> {
    let (scheme, text) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = STANDARD.decode(text.trim()).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let name = String::from_utf8(pair[..colon].to_vec()).ok()?;
    Some((name, pair[colon + 1..].to_vec()))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn headers(pair: &str) -> HeaderMap {
        let value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).unwrap();
        HeaderMap::from_iter([(AUTHORIZATION, value)])
    }

    fn users() -> Users {
        let hash = |password| bcrypt::hash(password, LOWEST_COST).unwrap();
        Users::new(HashMap::from([
            ("alice".to_owned(), hash("wonderland")),
            ("bob".to_owned(), hash("builder")),
        ]))
    }

    #[tokio::test]
    async fn only_a_user_with_the_right_password_is_let_in() {
        let users = users();
        for (pair, admission) in [
            ("alice:wonderland", Admission::Granted),
            ("bob:builder", Admission::Granted),
            ("alice:builder", Admission::Denied),
            ("alice:", Admission::Denied),
            ("mallory:wonderland", Admission::Denied),
            ("mallory:", Admission::Denied),
            ("alice", Admission::Denied),
            (":", Admission::Denied),
        ] {
            // The second time is answered from memory.
            for _ in 0..2 {
                assert_eq!(users.admit(&headers(pair)).await, admission, "{pair}");
            }
        }
        for value in ["", "Basic", "Basic !", "Bearer x", "basic  YWxpY2U6d3Jvbmc="] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))]);
            assert_eq!(users.admit(&headers).await, Admission::Denied, "{value}");
        }
        assert_eq!(users.admit(&HeaderMap::new()).await, Admission::Denied);
        assert_eq!(Users::default().admit(&HeaderMap::new()).await, Admission::Granted);
    }

    #[tokio::test]
    async fn what_is_remembered_is_bounded_and_needs_no_check() {
        let users = users();
        assert_eq!(users.admit(&headers("alice:wonderland")).await, Admission::Granted);
        for guess in 0..REMEMBERED + 5 {
            let name = format!("guess{guess}");
            let code = users.code(&name, b"");
            users.remember(name, code, false);
        }
        assert_eq!(users.memory().wrong.len(), REMEMBERED);
        assert_eq!(users.memory().order.len(), REMEMBERED);
        // No check can be made now, and none is needed.
        let _turn = users.turn.clone().acquire_owned().await.unwrap();
        assert_eq!(users.admit(&headers("alice:wonderland")).await, Admission::Granted);
        assert_eq!(users.admit(&headers(&format!("guess{}:", REMEMBERED + 4))).await, Admission::Denied);
    }

    #[tokio::test(start_paused = true)]
    async fn guesses_wait_in_a_short_queue() {
        let users = Arc::new(users());
        let _turn = users.turn.clone().acquire_owned().await.unwrap();
        let waiting: Vec<_> = (0..QUEUE)
            .map(|guess| {
                let users = users.clone();
                tokio::spawn(async move { users.admit(&headers(&format!("alice:{guess}"))).await })
            })
            .collect();
        while users.queue.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(users.admit(&headers("alice:one more")).await, Admission::Busy);
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
    }

    #[tokio::test]
    async fn the_unknown_cost_as_much_as_the_known() {
        let hash = bcrypt::hash("x", LOWEST_COST + 2).unwrap();
        let users = Users::new(HashMap::from([("alice".to_owned(), hash)]));
        assert_eq!(cost(&users.stand_in), Ok(LOWEST_COST + 2));
        assert_eq!(users.mixed_costs(), None);
        assert_eq!(bcrypt::verify("guess", &users.stand_in).ok(), Some(false), "it is a hash to be computed");
    }

    #[test]
    fn users_of_different_costs_are_told_apart() {
        let hash = |cost| bcrypt::hash("x", cost).unwrap();
        let costs = |costs: &[u32]| {
            Users::new(costs.iter().map(|cost| (cost.to_string(), hash(*cost))).collect()).mixed_costs()
        };
        assert_eq!([costs(&[]), costs(&[4])], [None, None]);
        assert_eq!(costs(&[5, 4, 6]), Some((4, 6)));
    }

    #[test]
    fn what_is_no_hash_is_refused_without_repeating_it() {
        for text in
            ["", "hunter2", "$2y$10$short", "$1$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi!"]
        {
            assert!(!cost(text).unwrap_err().contains("hunter"), "{text}");
        }
    }
}
