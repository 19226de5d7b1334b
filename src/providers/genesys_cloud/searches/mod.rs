//! The `searches` collector: what named searches find, by `/api/v2/usage/simplesearch`.

mod pages;
mod parts;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use self::parts::Searcher;
use super::complete::Window;
use super::execution::{Completed, Pacing};
use super::fold::{self, Fold};
use super::settings::{Search, SearchesSettings};
use crate::catalogue::genesys_cloud as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, Memory, PendingJobs};
use crate::model::{CollectError, Reading, Samples};
use crate::rest::Client;

/// Endpoints (client name, method, URI) of a search that have series of their own; the rest of each client is folded into
/// `other`.
const ENDPOINTS: usize = 200;

/// A search may be made earlier than it is due by this part of the interval in which the collector runs: the next run may be
/// as near as a quarter of the interval, and must not find nothing to do.
const TOLERANCE: f64 = 0.75;

/// The collector.
pub(super) struct SearchesCollector {
    client: Arc<Client>,
    settings: SearchesSettings,
    clock: Clock,
    pacing: Pacing,
    /// What each search last found, by its name.
    kept: BTreeMap<String, Kept>,
}

/// What a search last found.
struct Kept {
    /// When the run began that made the search.
    asked: Instant,
    reading: Reading,
}

/// What a search last found, as it is remembered.
#[derive(Serialize, Deserialize)]
struct Remembered {
    /// The search as it was configured then.
    search: String,
    asked: Timestamp,
    samples: Samples,
    data_through: Option<Timestamp>,
}

impl SearchesCollector {
    pub(super) fn new(client: Arc<Client>, settings: SearchesSettings, clock: Clock, pacing: Pacing) -> Self {
        let pacing = pacing.within(settings.schedule.timeout);
        Self { client, settings, clock, pacing, kept: BTreeMap::new() }
    }

    fn is_due(&self, search: &Search, begun: Instant) -> bool {
        let tolerance = self.settings.schedule.refresh.mul_f64(TOLERANCE);
        self.kept.get(&search.name).is_none_or(|kept| begun - kept.asked + tolerance >= search.refresh)
    }
}

impl Collector for SearchesCollector {
    fn name(&self) -> &'static str {
        "searches"
    }

    async fn collect(&mut self, jobs: &PendingJobs) -> Result<Reading, CollectError> {
        let (begun, now) = (Instant::now(), self.clock.now());
        for search in &self.settings.searches {
            if self.is_due(search, begun) {
                let window = Window::new(search.days, now);
                let (client, patience) = (&*self.client, self.pacing.with(jobs));
                let completed = Searcher { client, search, patience }.read(window).await?;
                let kept = Kept { asked: begun, reading: reading(search, &completed, window, now) };
                self.kept.insert(search.name.clone(), kept);
            }
        }

        let mut all = Reading::default();
        for Kept { reading, .. } in self.kept.values_mut() {
            all.samples.append(&reading.samples);
            all.data_through = all.data_through.max(reading.data_through);
            // These are told once, not with each run in which the search is not due.
            all.invalid_rows += std::mem::take(&mut reading.invalid_rows);
            all.unknown_enum_values += std::mem::take(&mut reading.unknown_enum_values);
        }
        Ok(all)
    }

    fn memory(&self) -> Memory {
        let now = self.clock.now();
        let remembered = self.settings.searches.iter().filter_map(|search| {
            let Kept { asked, reading } = self.kept.get(&search.name)?;
            Some(Remembered {
                search: format!("{search:?}"),
                asked: now.checked_sub(asked.elapsed()).ok()?,
                samples: reading.samples.clone(),
                data_through: reading.data_through,
            })
        });
        Memory::of(&remembered.collect::<Vec<_>>())
    }

    fn recall(&mut self, memory: &Memory) -> Result<(), serde_json::Error> {
        let now = self.clock.now();
        for Remembered { search: found_by, asked, samples, data_through } in
            memory.read::<Vec<Remembered>>()?.unwrap_or_default()
        {
            let search = self.settings.searches.iter().find(|search| format!("{search:?}") == found_by);
            let age = Duration::try_from(now.duration_since(asked)).unwrap_or_default();
            // The monotonic clock may have begun later than that; then the search is made again.
            if let Some((search, asked)) = search.zip(Instant::now().checked_sub(age)) {
                let reading = Reading { samples, data_through, ..Reading::default() };
                self.kept.insert(search.name.clone(), Kept { asked, reading });
            }
        }
        Ok(())
    }
}

fn reading(search: &Search, completed: &Completed<Fold>, window: Window, now: Timestamp) -> Reading {
    let Completed { output: fold, unknown_states } = completed;
    let (mut reading, days) = fold::reading(std::iter::once(fold), window, now);
    reading.unknown_enum_values += unknown_states;
    for ([client_name, method, template_uri], counts) in fold.over(&days) {
        for (status, requests) in counts.above_zero() {
            let labels = [&search.name, client_name, method, template_uri, status];
            reading.samples.push(&catalogue::API_SEARCH_REQUESTS, labels, requests as f64);
        }
    }
    reading.samples.keep_largest(&catalogue::API_SEARCH_REQUESTS, ENDPOINTS);
    reading
}
