//! What the files hold.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::collector::{Jobs, Memory};
use crate::model::{Overview, Reason, Samples};

/// The figures of a collector's last good run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Figures {
    /// When that run ended: the age of the figures.
    pub at: Timestamp,
    /// End of the newest vendor period that they cover.
    pub data_through: Option<Timestamp>,
    /// The figures.
    pub samples: Samples,
    /// The same at a glance. Older versions did not keep it.
    #[serde(default, deserialize_with = "if_readable")]
    pub overview: Option<Overview>,
    /// What the collector remembers beside them.
    pub memory: Memory,
}

/// An overview of another shape is not shown until the next run; it is no reason to lose the figures.
fn if_readable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Overview>, D::Error> {
    let text = Box::<RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(text.get()).unwrap_or_default())
}

/// Where a collector is in its course.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// A digest of the settings that it runs by; others are to be tried soon.
    pub settings: u32,
    /// When it runs next. Written before each run too, so that a process that dies in it again and again does not run it again
    /// and again.
    pub next_run: Option<Timestamp>,
    /// The vendor asked not to come back before then, whatever the settings are.
    pub not_before: Option<Timestamp>,
    /// The vendor does not offer what it asks for, as far as is known.
    pub is_not_supported: bool,
    /// How many runs in a row were begun and never ended.
    pub unfinished: u32,
    /// How many runs in a row failed.
    pub failures: u32,
    /// How the last run ended.
    pub last: Option<(Timestamp, Duration, Ended)>,
    /// What is pending at the vendor.
    pub jobs: Jobs,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// With figures.
    Well,
    /// The vendor does not offer what it asks for, and why.
    NotSupported(String),
    /// It failed: the class of failure and a sentence for people.
    Failed(Reason, String),
}
