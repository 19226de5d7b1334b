//! The connections there are. When there is no room, the one without news for the longest time goes: a crowd that only waits
//! cannot keep out a newcomer who has something to ask.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// All connections of the server.
pub(super) struct Crowd {
    room: Arc<Semaphore>,
    /// By their latest news, which are numbered.
    order: Mutex<BTreeMap<u64, CancellationToken>>,
    next: AtomicU64,
}

/// The place of one connection, given back when it is dropped.
pub(super) struct Place {
    crowd: Arc<Crowd>,
    news: AtomicU64,
    /// Says that the connection has to go.
    pub(super) gone: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

impl Crowd {
    pub(super) fn new(connections: usize) -> Arc<Self> {
        let room = Arc::new(Semaphore::new(connections.clamp(1, Semaphore::MAX_PERMITS)));
        Arc::new(Self { room, order: Mutex::default(), next: AtomicU64::new(0) })
    }

    /// A place for one more connection; where there is none, that of the oldest. `gone` tells it when it has to go itself.
    pub(super) async fn enter(self: &Arc<Self>, gone: CancellationToken) -> Place {
        let permit = match self.room.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                self.put_out_oldest();
                self.room.clone().acquire_owned().await.expect("the semaphore is never closed")
            }
        };
        let news = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(news, gone.clone());
        Place { crowd: self.clone(), news: AtomicU64::new(news), gone, _permit: permit }
    }

    /// Tells the connection without news for the longest time to go.
    pub(super) fn put_out_oldest(&self) {
        if let Some((_, gone)) = self.lock().pop_first() {
            gone.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, CancellationToken>> {
        self.order.lock().expect("nothing panics while it holds the lock")
    }
}

impl Place {
    /// The connection has news: a whole request came, or an answer ended. Single bytes are none, or dribbling them would pay.
    pub(super) fn has_news(&self) {
        let mut order = self.crowd.lock();
        // One that was told to go stays out of the order.
        if let Some(gone) = order.remove(&self.news.load(Ordering::Relaxed)) {
            let news = self.crowd.next.fetch_add(1, Ordering::Relaxed);
            self.news.store(news, Ordering::Relaxed);
            order.insert(news, gone);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.lock().remove(&self.news.load(Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_one_without_news_for_the_longest_time_makes_room() {
        let crowd = Crowd::new(2);
        let enter = || crowd.enter(CancellationToken::new());
        let (first, second) = (enter().await, enter().await);
        first.has_news();
        let third = tokio::spawn({
            let crowd = crowd.clone();
            async move { crowd.enter(CancellationToken::new()).await }
        });
        second.gone.cancelled().await;
        assert!(!third.is_finished() && !first.gone.is_cancelled());
        second.has_news();
        drop(second);
        let third = third.await.unwrap();
        crowd.put_out_oldest();
        assert!(first.gone.is_cancelled() && !third.gone.is_cancelled());
    }

    #[tokio::test]
    async fn whoever_leaves_gives_the_place_back() {
        let crowd = Crowd::new(1);
        for _ in 0..3 {
            drop(crowd.enter(CancellationToken::new()).await);
        }
        assert!(crowd.lock().is_empty() && crowd.room.available_permits() == 1);
    }
}
