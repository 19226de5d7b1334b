//! The words every room shares: who is collected from, what a collector brings home, how it fails.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::catalogue::{Family, Gauge};

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
    /// Vendor rows that could not be understood and were left out.
    pub invalid_rows: u64,
    /// Past figures that the vendor changed since they were last read.
    pub restatements: u64,
    /// Enum values in the answers that the vendor does not document.
    pub unknown_enum_values: u64,
    /// How much of the endpoint detail was folded into `other`.
    pub folded: Option<Folded>,
}

/// How much of a family was folded into its `other` series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folded {
    /// Requests that stand in `other` series.
    pub other: u64,
    /// All requests of the family.
    pub total: u64,
}

impl Folded {
    /// The folded share, from 0 to 1.
    #[must_use]
    pub fn ratio(self) -> f64 {
        if self.total == 0 { 0.0 } else { self.other as f64 / self.total as f64 }
    }
}

/// Samples of one collector, a table for each family. Columns, not objects: a million series stay small.
#[derive(Debug, Default, Clone)]
pub struct Samples {
    tables: Vec<Table>,
}

/// The samples of one family.
#[derive(Debug, Clone)]
pub struct Table {
    family: &'static Family,
    text: String,
    ends: Vec<u32>,
    values: Vec<f64>,
}

/// The longest label value, in characters; see [`clip`].
pub const LABEL_VALUE_CHARACTERS: usize = 256;

/// Cuts vendor text to [`LABEL_VALUE_CHARACTERS`], the last of them `…` where something was cut.
#[must_use]
pub fn clip(text: &str) -> Cow<'_, str> {
    // Bytes bound characters from above, so the usual short text is never walked.
    if text.len() <= LABEL_VALUE_CHARACTERS || text.chars().nth(LABEL_VALUE_CHARACTERS).is_none() {
        return Cow::Borrowed(text);
    }
    let mut cut: String = text.chars().take(LABEL_VALUE_CHARACTERS - 1).collect();
    cut.push('…');
    Cow::Owned(cut)
}

impl Samples {
    /// Adds one sample. `labels` are the values of the family's labels, in its order; each is [clipped](clip).
    pub fn push<const N: usize>(&mut self, gauge: &'static Gauge<N>, labels: [&str; N], value: f64) {
        let known = self.tables.iter().position(|table| std::ptr::eq(table.family, &raw const gauge.family));
        let position = known.unwrap_or_else(|| {
            self.tables.push(Table::new(&gauge.family));
            self.tables.len() - 1
        });
        let table = &mut self.tables[position];
        for label in labels {
            table.text.push_str(&clip(label));
            table.ends.push(u32::try_from(table.text.len()).expect("a family's labels stay below 4 GiB"));
        }
        table.values.push(value);
    }

    /// The tables, in the order in which their families were first used.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// How many samples there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.iter().map(Table::len).sum()
    }

    /// Whether there is no sample at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Table {
    fn new(family: &'static Family) -> Self {
        Self { family, text: String::new(), ends: Vec::new(), values: Vec::new() }
    }

    /// The family that the samples belong to.
    #[must_use]
    pub fn family(&self) -> &'static Family {
        self.family
    }

    /// How many samples there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The label values of sample `row`, in the family's order.
    pub fn labels(&self, row: usize) -> impl Iterator<Item = &str> {
        let width = self.family.labels.len();
        (row * width..(row + 1) * width).map(|cell| {
            let start = cell.checked_sub(1).map_or(0, |previous| self.ends[previous] as usize);
            &self.text[start..self.ends[cell] as usize]
        })
    }

    /// The value of sample `row`.
    #[must_use]
    pub fn value(&self, row: usize) -> f64 {
        self.values[row]
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_label_value_is_kept_as_it_is() {
        let text = "é".repeat(LABEL_VALUE_CHARACTERS);
        assert_eq!(clip(&text), text);
    }

    #[test]
    fn a_long_label_value_is_cut_to_256_characters_with_an_ellipsis() {
        let cut = clip(&"é".repeat(300)).into_owned();
        assert_eq!(cut.chars().count(), LABEL_VALUE_CHARACTERS);
        assert!(cut.ends_with("é…"));
    }

    #[test]
    fn nothing_folded_of_nothing_is_zero() {
        assert!(Folded { other: 0, total: 0 }.ratio().abs() < f64::EPSILON);
    }
}
