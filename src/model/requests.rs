//! How many requests a run sends to its vendor: counted where they are sent, told of the run that sends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

tokio::task_local! {
    static RUN: Sent;
}

/// The requests of one run so far. Clones are the same count.
#[derive(Debug, Default, Clone)]
pub struct Sent(Arc<AtomicU64>);

impl Sent {
    /// How many there are by now.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A request to a vendor has ended, in whatever way. Outside of a run there is nobody to tell.
pub fn sent() {
    let _ = RUN.try_with(|run| run.0.fetch_add(1, Ordering::Relaxed));
}

/// Makes a run whose requests are counted in `sent` while it goes on, those that are cut off with it too.
pub async fn counting<F: Future>(sent: Sent, run: F) -> F::Output {
    RUN.scope(sent, run).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A request that counts when it ends, in whatever way.
    struct Request;

    impl Drop for Request {
        fn drop(&mut self) {
            sent();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_counts_its_own_requests_also_those_that_are_cut_off_and_no_others() {
        let run = async {
            drop(Request);
            let _cut_off = Request;
            std::future::pending::<()>().await;
        };
        let count = Sent::default();
        let ended = counting(count.clone(), tokio::time::timeout(Duration::from_secs(1), run)).await;
        assert!(ended.is_err());
        assert_eq!(count.count(), 2);
        sent();
        assert_eq!(count.count(), 2);
        let going_on = Sent::default();
        let run = async {
            sent();
            assert_eq!(going_on.count(), 1, "before it ends");
        };
        counting(going_on.clone(), run).await;
    }
}
