//! The habits of the vendor, over HTTP.

mod access;
mod scenario;
mod usage;
mod world;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use jiff::{Span, Timestamp};
use serde_json::Value;

use crate::clock::Clock;
use crate::simulator::{locked, testing};

const JOBS: &str = "/api/v2/usage/aggregates/query/jobs";
/// The whole week before the last two days.
const WEEK: &str = "2026-11-13T00:00:00Z/2026-11-20T00:00:00Z";

/// The texts at a place of the rows.
fn at(path: &str, rows: &[Value]) -> BTreeSet<String> {
    rows.iter().filter_map(|row| row.pointer(path)?.as_str().map(str::to_owned)).collect()
}

/// A clock that a test moves on.
#[derive(Clone)]
struct Hands(Arc<Mutex<Timestamp>>);

impl Hands {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(testing::NOW.parse().unwrap())))
    }

    fn clock(&self) -> Clock {
        let hands = self.clone();
        Clock::from_fn(move || *locked(&hands.0))
    }

    fn forward(&self, span: Span) {
        *locked(&self.0) += span;
    }
}
