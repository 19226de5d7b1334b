//! Requests by status class. The classes are disjoint and sum to the vendor's total.

use serde::{Deserialize, Serialize};

/// The label values of `status`, in the order of [`StatusCounts`].
pub(super) const STATUSES: [&str; 6] = ["2xx", "3xx", "4xx", "429", "5xx", "other"];

/// The classes that an active client shows even at zero, so that a rate of throttling or errors can be computed.
const ALWAYS_SHOWN: [&str; 3] = ["2xx", "429", "5xx"];

/// Requests of each class; `None` where the vendor did not say, which is not zero.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StatusCounts(pub(super) [Option<u64>; STATUSES.len()]);

impl StatusCounts {
    /// Adds the counts of another row; unknown and known is known.
    pub(super) fn add(&mut self, more: &Self) {
        for (sum, more) in self.0.iter_mut().zip(more.0) {
            *sum = match (*sum, more) {
                (Some(a), Some(b)) => Some(a.saturating_add(b)),
                (a, b) => a.or(b),
            };
        }
    }

    /// All requests.
    pub(super) fn total(&self) -> u64 {
        self.0.into_iter().flatten().fold(0, u64::saturating_add)
    }

    /// The classes with at least one request.
    pub(super) fn above_zero(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.known().filter(|(_, count)| *count > 0)
    }

    /// The classes that a client with rows shows.
    pub(super) fn shown(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.known().filter(|(status, count)| *count > 0 || ALWAYS_SHOWN.contains(status))
    }

    /// The classes that the vendor told.
    pub(super) fn known(&self) -> impl Iterator<Item = (&'static str, u64)> {
        STATUSES.into_iter().zip(self.0).filter_map(|(status, count)| Some((status, count?)))
    }
}
