//! What stands beside the exporter: dashboards, rules, runbooks, sample configurations. All of it is part of the binary, so that it
//! fits the metrics of its version.

mod files;
mod thresholds;
mod write;

pub use files::{Artifact, DEFAULT_THRESHOLDS, THRESHOLDS, all};
pub use thresholds::{Billing, Clients, Exporter, FairUse, Spend, Thresholds, Wait};
pub use write::{Outcome, Refusal, Replace, Written, write};
