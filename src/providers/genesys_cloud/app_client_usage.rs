//! The `app_client_usage` collector: an app vendor's view of the customer organizations that use its OAuth clients, by
//! `/api/v2/usage/client/{clientId}/aggregates/query/jobs`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;

use super::complete::Window;
use super::each_client::{EachClient, Results};
use super::execution::Pacing;
use super::fold::Fold;
use super::jobs::{JobQuery, Scope};
use super::settings::AppClientUsageSettings;
use crate::catalogue::genesys_cloud as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, PendingJobs};
use crate::model::{CollectError, Reading};
use crate::rest::Client;

/// The collector.
pub(super) struct AppClientUsageCollector {
    client: Arc<Client>,
    settings: AppClientUsageSettings,
    clock: Clock,
    pacing: Pacing,
    plain_dates: AtomicBool,
    jobs: EachClient<Fold>,
}

impl AppClientUsageCollector {
    pub(super) fn new(
        client: Arc<Client>,
        settings: AppClientUsageSettings,
        clock: Clock,
        pacing: Pacing,
    ) -> Self {
        let pacing = pacing.within(settings.schedule.timeout);
        let (plain_dates, jobs) = (AtomicBool::new(false), EachClient::new("customer figures"));
        Self { client, settings, clock, pacing, plain_dates, jobs }
    }
}

impl Collector for AppClientUsageCollector {
    fn name(&self) -> &'static str {
        "app_client_usage"
    }

    async fn collect(&mut self, jobs: &PendingJobs) -> Result<Reading, CollectError> {
        let now = self.clock.now();
        let window = Window::new(1, now);
        let (first, last) = window.asked().into_inner();
        let (client, plain_dates, patience) = (&*self.client, &self.plain_dates, self.pacing.with(jobs));
        let ask = |client_id| async move {
            let scope = Scope::Client(client_id);
            JobQuery { client, scope, first, last, plain_dates }.read(patience).await?.understood()
        };
        let results = self.jobs.ask_days(window, now, &self.settings.clients, ask).await?;
        Ok(reading(&results, window, now))
    }
}

fn reading(results: &Results<Fold>, window: Window, now: Timestamp) -> Reading {
    let (mut reading, days) = results.reading(window, now);
    for (client_id, fold) in &results.done {
        for ([organization_id, ..], counts) in fold.over(&days) {
            // A row without any count tells nothing, which is not zero.
            if counts.known().next().is_some() {
                let labels = [client_id, organization_id];
                let requests = counts.total() as f64;
                reading.samples.push(&catalogue::APP_CLIENT_ORGANIZATION_LAST_DAY_REQUESTS, labels, requests);
            }
        }
    }
    reading
}
