//! The `searches` collector: what named searches find, by `/api/v2/usage/simplesearch`.

mod pages;
mod parts;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use self::parts::Searcher;
use super::complete::Window;
use super::execution::Pacing;
use super::fold::{self, Fold};
use super::settings::{Search, SearchesSettings};
use crate::catalogue::genesys_cloud as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, PendingJobs};
use crate::model::{CollectError, Reading};
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
                let fold = Searcher { client, search, patience }.read(window).await?;
                let kept = Kept { asked: begun, reading: reading(search, &fold, window, now) };
                self.kept.insert(search.name.clone(), kept);
            }
        }

        let mut all = Reading::default();
        for Kept { reading, .. } in self.kept.values_mut() {
            all.samples.append(&reading.samples);
            all.data_through = all.data_through.max(reading.data_through);
            // Told once, not with each run in which the search is not due.
            all.invalid_rows += std::mem::take(&mut reading.invalid_rows);
        }
        Ok(all)
    }
}

fn reading(search: &Search, fold: &Fold, window: Window, now: Timestamp) -> Reading {
    let (mut reading, days) = fold::reading(std::iter::once(fold), window, now);
    for ([client_name, method, template_uri], counts) in fold.over(&days) {
        for (status, requests) in counts.above_zero() {
            let labels = [&search.name, client_name, method, template_uri, status];
            reading.samples.push(&catalogue::API_SEARCH_REQUESTS, labels, requests as f64);
        }
    }
    reading.samples.keep_largest(&catalogue::API_SEARCH_REQUESTS, ENDPOINTS);
    reading
}
