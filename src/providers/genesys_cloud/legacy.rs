//! What all queries of the legacy usage API share: how they are started, and what tells their state.

use serde::Deserialize;

use super::execution::State;
use crate::rest::{Call, Error, Kind};

/// The answer to starting a query.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Created {
    execution_id: Option<String>,
}

/// An answer to asking for a query's result, without the rows.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope {
    query_status: String,
    #[serde(default)]
    cursors: Option<Cursors>,
}

#[derive(Deserialize)]
struct Cursors {
    after: Option<String>,
}

impl Created {
    /// The execution's id, which the contract allows to be absent.
    pub(super) fn id(self, call: &Call) -> Result<String, Error> {
        let id = self.execution_id.filter(|id| !id.is_empty());
        id.ok_or_else(|| Error::new(Kind::Malformed, call.operation(), "the answer has no executionId"))
    }
}

impl Envelope {
    /// The query's state, with `rows` as its result if it is done.
    pub(super) fn state<T>(self, rows: T) -> State<T> {
        let has_more = self.cursors.and_then(|cursors| cursors.after).is_some_and(|after| !after.is_empty());
        let state = self.query_status.to_ascii_lowercase();
        match state.as_str() {
            // These queries have no pages to ask for, so what is missing cannot be had.
            "complete" if has_more => State::Truncated,
            "complete" => State::Done(rows),
            "running" => State::Pending,
            "failed" => State::Failed(state),
            _ => State::Unknown,
        }
    }
}
