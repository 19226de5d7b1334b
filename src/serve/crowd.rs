//! The connections there are. When there is no room, the one without news for the longest time goes: a crowd that only waits
//! cannot keep out a newcomer who has something to ask.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Connections that were told to go and are about to: a newcomer waits only when there are more of them.
const LEAVING: usize = 64;

/// All connections of the server.
pub(super) struct Crowd {
    connections: usize,
    /// For those who stay and those who leave.
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
        let connections = connections.clamp(1, Semaphore::MAX_PERMITS - LEAVING);
        let room = Arc::new(Semaphore::new(connections + LEAVING));
        Arc::new(Self { connections, room, order: Mutex::default(), next: AtomicU64::new(0) })
    }

    /// A place for one more connection; where there is none, that of the oldest. `gone` tells it when it has to go itself.
    pub(super) async fn enter(self: &Arc<Self>, gone: CancellationToken) -> Place {
        let permit = self.room.clone().acquire_owned().await.expect("the semaphore is never closed");
        let news = self.next.fetch_add(1, Ordering::Relaxed);
        let mut order = self.lock();
        if order.len() >= self.connections
            && let Some((_, oldest)) = order.pop_first()
        {
            oldest.cancel();
        }
        order.insert(news, gone.clone());
        drop(order);
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
        let third = enter().await;
        assert!(second.gone.is_cancelled() && !first.gone.is_cancelled());
        second.has_news();
        drop(second);
        crowd.put_out_oldest();
        assert!(first.gone.is_cancelled() && !third.gone.is_cancelled());
    }

    #[tokio::test]
    async fn a_newcomer_waits_when_too_many_are_about_to_leave() {
        let crowd = Crowd::new(1);
        let mut places = Vec::new();
        for _ in 0..=LEAVING {
            places.push(crowd.enter(CancellationToken::new()).await);
        }
        assert_eq!(crowd.lock().len(), 1);
        let enter = crowd.enter(CancellationToken::new());
        tokio::pin!(enter);
        assert!(futures_util::FutureExt::now_or_never(enter.as_mut()).is_none());
        places.pop();
        enter.await;
    }

    #[tokio::test]
    async fn whoever_leaves_gives_the_place_back() {
        let crowd = Crowd::new(1);
        for _ in 0..3 {
            drop(crowd.enter(CancellationToken::new()).await);
        }
        assert!(crowd.lock().is_empty() && crowd.room.available_permits() == 1 + LEAVING);
    }
}
