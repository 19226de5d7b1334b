//! One collector: its state, its figures' age, its runs, and what to do about its last error.

use jiff::Timestamp;

use super::words::{Moment, Number, counted, exact, title, took};
use crate::store::{CollectorStatus, Outcome, Run};

/// Figures are stale when they are older than so many intervals; the alert has the same limit.
const STALE_AFTER: u32 = 3;

/// The place of a run on the drawing of all runs, and its height.
const MARK_WIDTH: usize = 9;

/// A collector in a table.
pub(super) struct CollectorView {
    pub(super) name: &'static str,
    pub(super) provider: String,
    pub(super) state: State,
    pub(super) is_stale: bool,
    pub(super) last_success: Option<Moment>,
    pub(super) data_through: Option<Moment>,
    pub(super) next_run: Option<Moment>,
    pub(super) refresh: String,
    pub(super) took: Option<String>,
    pub(super) series: Number,
    pub(super) last_requests: Option<Number>,
    pub(super) requests: Number,
    pub(super) trouble: Option<Trouble>,
    pub(super) runs: Vec<Mark>,
    pub(super) runs_width: usize,
    /// The runs in words.
    pub(super) runs_text: String,
    pub(super) failed_text: Option<String>,
}

/// How a collector is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Failing,
    Waiting,
    NotAvailable,
    Good,
}

/// What is wrong, and what to do about it.
pub(super) struct Trouble {
    pub(super) headline: &'static str,
    pub(super) advice: &'static str,
    pub(super) message: String,
    pub(super) at: Moment,
    /// Whether figures of an earlier run are still served.
    pub(super) has_figures: bool,
    pub(super) is_failure: bool,
}

/// A run on the drawing.
pub(super) struct Mark {
    pub(super) x: usize,
    pub(super) state: State,
    pub(super) text: String,
}

impl State {
    fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pending => Self::Waiting,
            Outcome::Succeeded => Self::Good,
            Outcome::NotSupported => Self::NotAvailable,
            Outcome::Failed => Self::Failing,
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Waiting => "waiting",
            Self::NotAvailable => "not available",
            Self::Good => "good",
        }
    }

    /// Its class and symbol.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Failing => "bad",
            Self::Waiting => "wait",
            Self::NotAvailable => "none",
            Self::Good => "good",
        }
    }
}

/// Whether the figures are much older than they should be. Those that never came are no figures.
pub(super) fn is_stale(status: &CollectorStatus, now: Timestamp) -> bool {
    let limit = status.schedule.refresh.saturating_mul(STALE_AFTER);
    status.last_success.is_some_and(|at| {
        u64::try_from(now.duration_since(at).as_secs()).is_ok_and(|age| age > limit.as_secs())
    }) && status.outcome != Outcome::NotSupported
}

impl CollectorView {
    pub(super) fn new(status: &CollectorStatus, now: Timestamp) -> Self {
        let moment = |at: Option<Timestamp>| at.map(|at| Moment::new(at, now));
        let failed = status.history.iter().filter(|run| run.state == Outcome::Failed).count();
        let runs = status.history.len();
        Self {
            name: status.id.collector,
            provider: title(status.id.provider),
            state: State::of(status.outcome),
            is_stale: is_stale(status, now),
            last_success: moment(status.last_success),
            data_through: moment(status.data_through),
            next_run: status.next_run.map(|at| Moment::next(at, now)),
            refresh: took(status.schedule.refresh).replace(".0", ""),
            took: status.duration.map(took),
            series: Number::whole(status.series as f64),
            last_requests: status.history.back().map(|run| Number::whole(run.requests as f64)),
            requests: Number::whole(status.requests as f64),
            trouble: Trouble::of(status, now),
            runs: status.history.iter().enumerate().map(|(place, run)| Mark::new(place, run)).collect(),
            runs_width: runs * MARK_WIDTH,
            runs_text: format!("{}, the newest on the right, {failed} failed", counted(runs, "run")),
            failed_text: (failed > 0).then(|| format!("{failed} of {runs} failed")),
        }
    }
}

impl Mark {
    fn new(place: usize, run: &Run) -> Self {
        let state = State::of(run.state);
        let requests = counted(usize::try_from(run.requests).unwrap_or(usize::MAX), "request");
        let reason = run.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        let text = format!("{}: {}{reason}, {}, {requests}", exact(run.at), state.label(), took(run.took));
        Self { x: place * MARK_WIDTH, state, text }
    }
}

impl Trouble {
    /// What is wrong now; an error that is over is none.
    fn of(status: &CollectorStatus, now: Timestamp) -> Option<Self> {
        let error = status.last_error.as_ref()?;
        let (headline, advice) = match status.outcome {
            Outcome::Failed => explain(error.reason),
            Outcome::NotSupported => NOT_SUPPORTED,
            Outcome::Pending | Outcome::Succeeded => return None,
        };
        Some(Self {
            headline,
            advice,
            message: error.message.clone(),
            at: Moment::new(error.at, now),
            has_figures: status.series > 0,
            is_failure: status.outcome == Outcome::Failed,
        })
    }
}

const NOT_SUPPORTED: (&str, &str) = (
    "The vendor does not offer this to the organization.",
    "Nothing is wrong. Disable the collector to save the request that asks again.",
);

/// What a class of failure means, and what to do about it.
fn explain(reason: &str) -> (&'static str, &'static str) {
    match reason {
        "auth" => (
            "The vendor refused the credentials.",
            "Check the client id, its secret and the region. A secret that is replaced in its file is used without a restart.",
        ),
        "forbidden" => (
            "The credentials lack a permission.",
            "Give the OAuth client the permission or scope that the README lists for this collector, or disable the collector.",
        ),
        "rate_limited" => (
            "The vendor asks for a longer pause than a run may take.",
            "The exporter waits as long as it was told. If it stays, lower rate_limit, refresh less often, or look for other programs \
             that use the same OAuth client.",
        ),
        "timeout" => (
            "The vendor did not answer in time.",
            "It is tried again by itself. If it stays, raise the collector's timeout or global.request_timeout.",
        ),
        "network" => (
            "The vendor cannot be reached.",
            "Check name resolution, firewall, proxy_url and ca_file where the exporter runs.",
        ),
        "server" => (
            "The vendor answered with an error.",
            "It is tried again by itself. If it stays, the vendor's support can look up the message below.",
        ),
        "decode" => (
            "The vendor's answer cannot be read.",
            "A proxy may answer in the vendor's place. If not, the vendor has changed something: look for a newer version of the exporter.",
        ),
        "job_failed" => (
            "The vendor's own query failed.",
            "The next run starts it anew. If it stays, ask the vendor's support.",
        ),
        "job_expired" => (
            "The vendor lost its own query, twice.",
            "The next run starts it anew. If it stays, ask the vendor's support.",
        ),
        "truncated" => (
            "The vendor's answer was not complete.",
            "None of it was used, so that no sum is wrong. The next run asks again.",
        ),
        "limit" => (
            "There is more than the exporter is willing to hold.",
            "Narrow the collector by its own bounds, or raise global.max_series_per_organization.",
        ),
        _ => ("The last run failed.", "It is tried again by itself."),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::model::Reason;

    #[test]
    fn each_reason_has_an_explanation_of_its_own() {
        let headlines: HashSet<&str> = Reason::ALL.iter().map(|reason| explain(reason.as_str()).0).collect();
        assert_eq!(headlines.len(), Reason::ALL.len());
        assert!(!headlines.contains(explain("of another time").0));
    }
}
