//! The scrapes in flight, and the pages: from their head to the last byte of their answer, so that what answers take in memory is bounded.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::activity::{Activity, Answering, Progress};

/// A client that has not taken a byte of its answer for so long gives its place to another scrape, if there is no free one.
/// A scraper takes its answer in one go.
const PATIENCE: Duration = Duration::from_millis(20);

/// All scrapes in flight.
pub(super) struct Scrapes {
    most: usize,
    scrapes: Mutex<Vec<Arc<Scrape>>>,
}

struct Scrape {
    activity: Arc<Activity>,
    progress: Arc<Progress>,
    /// The answer is made and waits for its client.
    made: AtomicBool,
}

/// A scrape in flight, until it is dropped.
pub(super) struct InFlight {
    scrapes: Arc<Scrapes>,
    scrape: Arc<Scrape>,
}

impl Scrapes {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, scrapes: Mutex::default() })
    }

    /// Room for one more; `None` when there are as many as there may be, and all get on.
    pub(super) fn enter(self: &Arc<Self>, answering: &Answering) -> Option<InFlight> {
        let mut scrapes = self.lock();
        if self.most > 0 && scrapes.len() >= self.most {
            let slowest = scrapes
                .iter()
                .filter(|scrape| scrape.made.load(Ordering::Relaxed))
                .max_by_key(|scrape| scrape.progress.stalled())?;
            if slowest.progress.stalled() < PATIENCE {
                return None;
            }
            slowest.activity.gone().cancel();
            let slowest = slowest.clone();
            scrapes.retain(|scrape| !Arc::ptr_eq(scrape, &slowest));
        }
        let scrape = Arc::new(Scrape {
            activity: answering.activity().clone(),
            progress: answering.progress().clone(),
            made: AtomicBool::new(false),
        });
        scrapes.push(scrape.clone());
        Some(InFlight { scrapes: self.clone(), scrape })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Scrape>>> {
        self.scrapes.lock().expect("nothing panics while it holds the lock")
    }
}

impl InFlight {
    /// The answer is made and waits for its client.
    pub(super) fn is_made(&self) {
        // The client cannot have taken anything before.
        self.scrape.progress.is_taken();
        self.scrape.made.store(true, Ordering::Relaxed);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.scrapes.lock().retain(|scrape| !Arc::ptr_eq(scrape, &self.scrape));
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::super::crowd::Crowd;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_client_that_does_not_read_gives_its_place_away() {
        let (crowd, scrapes) = (Crowd::new(9), Scrapes::new(2));
        let activity = async || Activity::new(crowd.enter(CancellationToken::new()).await);
        let (first, second, third) = (activity().await, activity().await, activity().await);
        let (of_first, of_second, of_third) = (first.answering(), second.answering(), third.answering());
        let one = scrapes.enter(&of_first).unwrap();
        let two = scrapes.enter(&of_second).unwrap();
        tokio::time::sleep(PATIENCE * 4).await;
        assert!(scrapes.enter(&of_third).is_none(), "both are still being made");
        two.is_made();
        assert!(scrapes.enter(&of_third).is_none(), "it has just been made");
        tokio::time::sleep(PATIENCE).await;
        // Another request on the connection does not help it.
        let _other = second.answering();
        let three = scrapes.enter(&of_third).unwrap();
        assert!(second.gone().is_cancelled() && !first.gone().is_cancelled());
        drop((one, two, three));
        assert!(scrapes.lock().is_empty());
    }

    #[tokio::test]
    async fn zero_is_no_limit() {
        let scrapes = Scrapes::new(0);
        let answering = Activity::new(Crowd::new(1).enter(CancellationToken::new()).await).answering();
        let all: Vec<_> = (0..100).map(|_| scrapes.enter(&answering)).collect();
        assert!(all.iter().all(Option::is_some));
    }
}
