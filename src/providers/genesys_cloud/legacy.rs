//! What all queries of the legacy usage API share: how they are started, and what tells their state.

use serde::Deserialize;

use super::execution::State;
use crate::model::{Surprise, surprises};
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
    /// The cursor of the next page, if there is one.
    pub(super) fn after(&self) -> Option<&str> {
        self.cursors.as_ref()?.after.as_deref().filter(|after| !after.is_empty())
    }

    /// The state of a query without pages to ask for, with `rows` as its result if it is done: what is missing cannot be had.
    pub(super) fn whole<T>(&self, rows: T) -> State<T> {
        match self.state(rows) {
            State::Done(_) if self.after().is_some() => State::Truncated,
            state => state,
        }
    }

    /// The query's state, with `rows` as its result if it is done.
    pub(super) fn state<T>(&self, rows: T) -> State<T> {
        let state = self.query_status.to_ascii_lowercase();
        match state.as_str() {
            "complete" => State::Done(rows),
            "running" => State::Pending,
            "failed" => State::Failed(state),
            _ => {
                surprises::note(Surprise::EnumValue, "queryStatus", &state);
                State::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undocumented_state_is_noticed_and_waited_for() {
        for (state, unknown) in [("Running", 0), ("COMPLETE", 0), ("Pondering", 1)] {
            let envelope: Envelope =
                serde_json::from_str(&format!(r#"{{"queryStatus":"{state}"}}"#)).unwrap();
            let (told, surprises) = surprises::noticing(|| envelope.state(()));
            assert_eq!(surprises.count(Surprise::EnumValue), unknown, "{state}");
            assert_eq!(matches!(told, State::Pending), state != "COMPLETE", "{state}");
        }
    }
}
