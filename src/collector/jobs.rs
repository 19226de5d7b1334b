//! The vendor's jobs that a collector has started and not read to the end.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The result of an older job is not what the vendor would answer now.
const LIFETIME: Duration = Duration::from_hours(1);

/// A job that so many runs have waited for in vain is given up.
const RUNS: u32 = 2;

/// No collector asks for more at once; more can only come from a damaged file.
const LIMIT: usize = 10_000;

/// Jobs, by the question that each answers.
pub type Jobs = BTreeMap<String, PendingJob>;

/// A job at the vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingJob {
    /// The vendor's id of it.
    pub id: String,
    /// When the run began that started it.
    pub since: Timestamp,
    /// How many runs ended before it was read.
    pub runs: u32,
}

/// Saves the jobs; it is done when they are safe.
pub type Keep = Box<dyn Fn(Jobs) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The pending jobs of one collector. A job that was paid for is waited for again rather than started anew.
pub struct PendingJobs {
    state: Mutex<State>,
    keep: Keep,
}

struct State {
    jobs: Jobs,
    /// When the current run began.
    now: Timestamp,
}

impl PendingJobs {
    /// Goes on with `jobs`, and has every new one kept before it is waited for.
    #[must_use]
    pub fn new(jobs: Jobs, keep: Keep) -> Self {
        Self { state: Mutex::new(State { jobs, now: Timestamp::UNIX_EPOCH }), keep }
    }

    /// Remembers jobs as long as the process lives.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::new(Jobs::new(), Box::new(|_| Box::pin(std::future::ready(()))))
    }

    /// The job that answers `question`, if one is pending.
    #[must_use]
    pub fn find(&self, question: &str) -> Option<String> {
        self.lock().jobs.get(question).map(|job| job.id.clone())
    }

    /// The vendor has started the job `id` to answer `question`.
    pub async fn started(&self, question: &str, id: &str) {
        let jobs = {
            let mut state = self.lock();
            let job = PendingJob { id: id.to_owned(), since: state.now, runs: 0 };
            state.jobs.insert(question.to_owned(), job);
            state.jobs.clone()
        };
        (self.keep)(jobs).await;
    }

    /// The job has been read, or the vendor has no result of it.
    pub fn ended(&self, question: &str) {
        self.lock().jobs.remove(question);
    }

    /// A run begins at `now`: jobs that are too old, or from the future, are forgotten.
    pub fn run_begins(&self, now: Timestamp) {
        let mut state = self.lock();
        state.now = now;
        let is_fresh = |job: &PendingJob| {
            Duration::try_from(now.duration_since(job.since)).is_ok_and(|age| age < LIFETIME)
        };
        state.jobs.retain(|_, job| is_fresh(job));
        while state.jobs.len() > LIMIT {
            state.jobs.pop_last();
        }
    }

    /// A run has ended, well or not. Returns what the next one may go on with.
    pub fn run_ended(&self, succeeded: bool) -> Jobs {
        let jobs = &mut self.lock().jobs;
        if succeeded {
            jobs.clear();
        }
        jobs.retain(|_, job| {
            job.runs += 1;
            job.runs < RUNS
        });
        jobs.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("never held across a panic")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_job_is_kept_before_it_is_waited_for() {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let sink = kept.clone();
        let keep = move |jobs: Jobs| -> Pin<Box<dyn Future<Output = ()> + Send>> {
            sink.lock().unwrap().push(jobs.into_keys().collect::<Vec<_>>());
            Box::pin(std::future::ready(()))
        };
        let jobs = PendingJobs::new(Jobs::new(), Box::new(keep));
        jobs.started("a?", "1").await;
        jobs.started("b?", "2").await;
        assert_eq!(*kept.lock().unwrap(), [vec!["a?"], vec!["a?", "b?"]]);
        assert_eq!((jobs.find("a?").as_deref(), jobs.find("c?")), (Some("1"), None));
        jobs.ended("a?");
        assert_eq!(jobs.find("a?"), None);
    }

    #[tokio::test]
    async fn a_job_is_gone_after_an_hour_and_after_two_runs_in_vain() {
        let jobs = PendingJobs::in_memory();
        jobs.run_begins(at("2026-11-21T10:00:00Z"));
        jobs.started("?", "1").await;
        jobs.run_begins(at("2026-11-21T10:59:59Z"));
        assert!(jobs.find("?").is_some());
        jobs.run_begins(at("2026-11-21T11:00:00Z"));
        assert!(jobs.find("?").is_none());

        jobs.started("?", "1").await;
        assert_eq!(jobs.run_ended(false).len(), 1);
        assert_eq!(jobs.run_ended(false).len(), 0);
        jobs.started("?", "1").await;
        assert!(jobs.run_ended(true).is_empty());
    }
}
