//! What the simulator was asked, for tests to look at.

use std::collections::{BTreeMap, VecDeque};

/// Requests kept; older ones are forgotten, their counts are not.
const KEPT: usize = 100_000;

/// A request that the simulator received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedRequest {
    /// The `operationId` of the vendor's description; `unknown` for a path that it does not describe.
    pub operation: &'static str,
    /// The HTTP method.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The query without its `?`.
    pub query: Option<String>,
    /// The HTTP status of the answer; none while it is awaited, and for a connection that was cut before it.
    pub status: Option<u16>,
}

#[derive(Debug, Default)]
pub(super) struct Log {
    requests: VecDeque<ReceivedRequest>,
    counts: BTreeMap<&'static str, usize>,
    /// How many requests there were before the oldest one that is kept.
    forgotten: u64,
}

impl Log {
    /// Notes an arrival; the number names it in [`Log::answered`].
    pub(super) fn arrived(&mut self, request: ReceivedRequest) -> u64 {
        *self.counts.entry(request.operation).or_default() += 1;
        if self.requests.len() == KEPT {
            self.requests.pop_front();
            self.forgotten += 1;
        }
        self.requests.push_back(request);
        self.forgotten + self.requests.len() as u64
    }

    pub(super) fn answered(&mut self, number: u64, status: u16) {
        let position =
            number.checked_sub(self.forgotten + 1).and_then(|position| usize::try_from(position).ok());
        if let Some(request) = position.and_then(|position| self.requests.get_mut(position)) {
            request.status = Some(status);
        }
    }

    pub(super) fn requests(&self) -> Vec<ReceivedRequest> {
        self.requests.iter().cloned().collect()
    }

    pub(super) fn count(&self, operation: &str) -> usize {
        self.counts.get(operation).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> ReceivedRequest {
        ReceivedRequest {
            operation: "getThing",
            method: "GET".into(),
            path: "/thing".into(),
            query: None,
            status: None,
        }
    }

    #[test]
    fn old_requests_are_forgotten_but_counted() {
        let mut log = Log::default();
        let first = log.arrived(request());
        for _ in 0..KEPT {
            log.arrived(request());
        }
        let last = log.arrived(request());
        log.answered(first, 500);
        log.answered(last, 200);
        let requests = log.requests();
        assert_eq!((requests.len(), log.count("getThing"), log.count("other")), (KEPT, KEPT + 2, 0));
        assert_eq!(requests.last().and_then(|request| request.status), Some(200));
        assert!(requests.iter().all(|request| request.status != Some(500)));
    }
}
