//! The words every room shares: who is collected from, what a collector brings home, how it fails.

mod folding;
mod harmless;
mod held;
mod limit;
mod overview;
mod plan;
pub mod requests;
mod samples;
mod saved;
mod sum;
pub mod surprises;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use folding::{Folded, OTHER};
pub use harmless::harmless;
pub use held::HeldText;
pub use limit::Limit;
pub use overview::{Allowance, FairUse, MonthSpend, Overview};
pub use plan::{Estimate, Excess, Plan, Requests, Task};
pub use samples::{LABEL_VALUE_CHARACTERS, Samples, Table, clip};
pub use sum::Sum;
pub use surprises::{Surprise, Surprises};

/// A collector of one organization: the unit of scheduling, failing and ageing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CollectorId {
    /// The organization's name in the configuration.
    pub organization: String,
    /// The provider's configuration key, such as `genesys_cloud`.
    pub provider: &'static str,
    /// The collector's configuration key, such as `usage`.
    pub collector: &'static str,
}

impl fmt::Display for CollectorId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.provider, self.organization, self.collector)
    }
}

/// When a collector runs, and how long its figures are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Time between two runs; only the first gap differs, by a quarter at the most.
    pub refresh: Duration,
    /// A run that takes longer is ended and counts as failed.
    pub timeout: Duration,
    /// Figures older than this are dropped from `/metrics`.
    pub max_staleness: Duration,
}

/// What one successful run of a collector brings home: whole, or not at all.
#[derive(Debug, Default, Clone)]
pub struct Reading {
    /// The samples that replace the collector's previous ones.
    pub samples: Samples,
    /// End of the newest vendor period that the samples cover.
    pub data_through: Option<Timestamp>,
    /// The figures at a glance, where there is something to tell people. They are made with the samples, so that both tell the same.
    pub overview: Option<Overview>,
    /// Vendor rows that could not be understood and were left out.
    pub invalid_rows: u64,
    /// Past days or months whose figures the vendor changed since they were last read.
    pub restatements: u64,
}

/// Why a run brought nothing home.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CollectError {
    /// The vendor does not offer this to the organization: nothing is wrong, and nothing will come.
    #[error("not available: {0}")]
    NotSupported(String),
    /// The run failed; the last good figures stay.
    #[error("{0}")]
    Failed(Failure),
}

/// A failed run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The class that `ccaas_exporter_collector_failures_total` counts.
    pub reason: Reason,
    /// One sentence for people: operation, status, vendor code, correlation id; never a secret.
    pub message: String,
    /// When the vendor said not to come back before this long.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure that the vendor did not say a waiting time for.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), retry_after: None }
    }
}

impl From<Failure> for CollectError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The closed list of failure classes: the `reason` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The credentials were refused.
    Auth,
    /// The credentials lack a permission.
    Forbidden,
    /// The vendor's rate limit asks for a longer wait than one run may take.
    RateLimited,
    /// No answer, or no end of the run, in time.
    Timeout,
    /// No connection.
    Network,
    /// The vendor answered with an error that is not ours to mend.
    Server,
    /// The answer could not be read.
    Decode,
    /// The vendor's job or query ended as failed or cancelled.
    JobFailed,
    /// The vendor lost the job or query, twice.
    JobExpired,
    /// The pages of an answer are not complete.
    Truncated,
    /// The answer is larger than the exporter is willing to hold.
    Limit,
}

impl Reason {
    /// Every reason, so that each counter exists from the start.
    pub const ALL: [Self; 11] = [
        Self::Auth,
        Self::Forbidden,
        Self::RateLimited,
        Self::Timeout,
        Self::Network,
        Self::Server,
        Self::Decode,
        Self::JobFailed,
        Self::JobExpired,
        Self::Truncated,
        Self::Limit,
    ];

    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::Server => "server",
            Self::Decode => "decode",
            Self::JobFailed => "job_failed",
            Self::JobExpired => "job_expired",
            Self::Truncated => "truncated",
            Self::Limit => "limit",
        }
    }
}
