//! What there is to tell about one collector.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::exposition::Selection;
use crate::model::{CollectorId, Failure, Folded, Overview, Reading, Schedule};

/// So many runs of each collector are remembered.
const HISTORY: usize = 20;

/// How a collector's last run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There was none yet.
    Pending,
    /// It brought figures.
    Succeeded,
    /// The vendor does not offer this to the organization.
    NotSupported,
    /// It failed.
    Failed,
}

/// One collector, as the status page shows it.
#[derive(Debug, Clone)]
pub struct CollectorStatus {
    /// Who.
    pub id: CollectorId,
    /// When it runs.
    pub schedule: Schedule,
    /// How the last run ended.
    pub outcome: Outcome,
    /// When the last run ended.
    pub last_attempt: Option<Timestamp>,
    /// When the last good run ended.
    pub last_success: Option<Timestamp>,
    /// How long the last run took.
    pub duration: Option<Duration>,
    /// End of the newest vendor period that the figures cover.
    pub data_through: Option<Timestamp>,
    /// When it runs next.
    pub next_run: Option<Timestamp>,
    /// Series that are served now.
    pub series: usize,
    /// How much of them is folded.
    pub folded: Folded,
    /// What went wrong last, also when it is over.
    pub last_error: Option<LastError>,
    /// The newest runs since the process started, the oldest first, and no more than [`HISTORY`].
    pub history: Arc<VecDeque<Run>>,
    /// Requests to the vendor since the process started, those of the run that is under way too.
    pub requests: u64,
    /// The figures at a glance that go with the series.
    pub overview: Option<Arc<Overview>>,
}

/// A run that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Run {
    /// When it ended.
    pub at: Timestamp,
    /// How it ended.
    pub state: Outcome,
    /// The class of failure, if it failed.
    pub reason: Option<&'static str>,
    /// How long it took.
    #[serde(rename = "duration_seconds", serialize_with = "seconds")]
    pub took: Duration,
    /// Requests that it sent to the vendor.
    pub requests: u64,
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// What went wrong in a run.
#[derive(Debug, Clone, Serialize)]
pub struct LastError {
    /// When the run ended.
    pub at: Timestamp,
    /// The class of failure; `not_supported` where nothing is wrong.
    pub reason: &'static str,
    /// One sentence for people.
    pub message: String,
}

impl CollectorStatus {
    pub(super) fn new(id: CollectorId, schedule: Schedule) -> Self {
        Self {
            id,
            schedule,
            outcome: Outcome::Pending,
            last_attempt: None,
            last_success: None,
            duration: None,
            data_through: None,
            next_run: None,
            series: 0,
            folded: Folded::default(),
            last_error: None,
            history: Arc::default(),
            requests: 0,
            overview: None,
        }
    }

    /// Whether the selection names this collector.
    #[must_use]
    pub fn is_selected(&self, selection: &Selection) -> bool {
        selection.organization(&self.id.organization) && selection.collector(self.id.collector)
    }

    pub(super) fn attempted(&mut self, now: Timestamp, took: Duration) {
        self.last_attempt = Some(now);
        self.duration = Some(took);
    }

    /// Remembers the run that ended at `now`, once it is known how.
    pub(super) fn ran(&mut self, now: Timestamp, took: Duration, requests: u64) {
        let failed = self.outcome == Outcome::Failed;
        let reason = self.last_error.as_ref().filter(|_| failed).map(|error| error.reason);
        let history = Arc::make_mut(&mut self.history);
        if history.len() == HISTORY {
            history.pop_front();
        }
        history.push_back(Run { at: now, state: self.outcome, reason, took, requests });
        self.requests = self.requests.saturating_add(requests);
    }

    pub(super) fn succeeded(&mut self, now: Timestamp, reading: &mut Reading) {
        self.outcome = Outcome::Succeeded;
        self.last_success = Some(now);
        self.reevaluated(reading);
    }

    /// Takes the overview: nobody else needs it.
    pub(super) fn reevaluated(&mut self, reading: &mut Reading) {
        self.overview = reading.overview.take().map(Arc::new);
        self.data_through = reading.data_through.or(self.data_through);
    }

    pub(super) fn not_supported(&mut self, now: Timestamp, why: String) {
        self.outcome = Outcome::NotSupported;
        self.last_error = Some(LastError { at: now, reason: "not_supported", message: why });
    }

    pub(super) fn failed(&mut self, now: Timestamp, failure: Failure) {
        self.outcome = Outcome::Failed;
        self.last_error =
            Some(LastError { at: now, reason: failure.reason.as_str(), message: failure.message });
    }

    /// When the figures become too old to be served.
    pub(super) fn expiry(&self) -> Option<Timestamp> {
        self.last_success?.checked_add(self.schedule.max_staleness).ok()
    }
}
