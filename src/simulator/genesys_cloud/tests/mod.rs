//! The habits of the vendor, over HTTP.

mod access;
mod billing;
mod events;
mod organizations;
mod scenario;
mod search;
mod usage;
mod world;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::simulator::testing::Hands;

const JOBS: &str = "/api/v2/usage/aggregates/query/jobs";
/// The whole week before the last two days.
const WEEK: &str = "2026-11-13T00:00:00Z/2026-11-20T00:00:00Z";

/// The texts at a place of the rows.
fn at(path: &str, rows: &[Value]) -> BTreeSet<String> {
    rows.iter().filter_map(|row| row.pointer(path)?.as_str().map(str::to_owned)).collect()
}
