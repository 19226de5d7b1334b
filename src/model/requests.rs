//! How many requests a run sends to its vendor: counted where they are sent, told of the run that sends them.

use std::cell::Cell;

tokio::task_local! {
    static RUN: Cell<u64>;
}

/// A request was sent to a vendor. Outside of a run there is nobody to tell.
pub fn sent() {
    let _ = RUN.try_with(|run| run.set(run.get().saturating_add(1)));
}

/// Makes a run, and returns with its output how many requests it sent, those that were cut off with it too.
pub async fn counting<F: Future>(run: F) -> (F::Output, u64) {
    let run = async { (run.await, RUN.with(Cell::get)) };
    RUN.scope(Cell::default(), run).await
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
        let (ended, requests) = counting(tokio::time::timeout(Duration::from_secs(1), run)).await;
        assert!(ended.is_err());
        assert_eq!(requests, 2);
        sent();
        assert_eq!(counting(async {}).await, ((), 0));
    }
}
