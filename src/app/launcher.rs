//! From the settings of an organization to its collectors. This is the list of providers.

use std::pin::Pin;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::World;
use super::fleet::Shared;
use crate::collect::{self, Runner, Together};
use crate::collector::{Collector, Launch};
use crate::config::{Organization, Provider};
use crate::model::{CollectorId, Estimate, Schedule};
use crate::providers::{genesys_cloud, talkdesk};
use crate::rest::Transport;
use crate::storage::{self, Owner};

/// Gives each collector of one organization its places in store and storage and, once all that start at once are known, its task.
pub(super) struct Launcher<'a> {
    shared: &'a Shared,
    settings: &'a Organization,
    /// Ends the tasks.
    stop: &'a CancellationToken,
    /// Knows when they have ended.
    tracker: &'a TaskTracker,
    /// A digest of the settings.
    digest: u32,
    together: Together,
    /// Whether the configuration has changed while the program runs.
    is_changed: bool,
    pub(super) ready: Vec<Ready>,
}

/// Makes the task of a collector, given how many start at once.
pub(super) type Ready = Box<dyn FnOnce(usize) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

impl<'a> Launcher<'a> {
    /// For the organization with these settings.
    pub(super) fn new(
        shared: &'a Shared,
        settings: &'a Organization,
        stop: &'a CancellationToken,
        tracker: &'a TaskTracker,
        is_changed: bool,
    ) -> Self {
        let digest = storage::digest(&settings.redacted_yaml());
        let together = Together::new();
        Self { shared, settings, stop, tracker, digest, together, is_changed, ready: Vec::new() }
    }

    /// Launches the enabled collectors.
    pub(super) fn organization(&mut self, transport: Arc<Transport>) {
        let Organization { name, provider } = self.settings;
        log_plan(name, provider);
        let telemetry = &self.shared.telemetry;
        let metrics = telemetry.api(provider.key(), name);
        let World { clock, pacing, .. } = &*self.shared.world;
        let client = match provider {
            Provider::GenesysCloud(settings) => {
                genesys_cloud::launch(settings, transport, metrics, clock, *pacing, self)
            }
            Provider::Talkdesk(settings) => talkdesk::launch(settings, transport, metrics, clock, self),
        };
        telemetry.before_gather(name, client.metrics_refresher());
    }
}

impl Launch for Launcher<'_> {
    fn launch(&mut self, collector: impl Collector, schedule: Schedule) {
        let Shared { world, telemetry, store, storage } = self.shared;
        let Organization { name, provider } = self.settings;
        let (organization, provider_key) = (name.clone(), provider.key());
        let id = CollectorId { organization, provider: provider_key, collector: collector.name() };
        let metrics = telemetry.collector(&id, schedule.refresh);
        let owner = Owner { id: id.clone(), account: provider.account() };
        let (drawer, settings) = (Arc::new(storage.drawer(&owner)), self.digest);
        let (slot, clock) = (store.slot(id, schedule, metrics), world.clock.clone());
        let soon = self.is_changed;
        let (stop, tracker, together) = (self.stop.clone(), self.tracker.clone(), self.together.clone());
        self.ready.push(Box::new(move |collectors| {
            let runner = Runner { slot, drawer, settings, schedule, clock, collectors, soon };
            Box::pin(tracker.track_future(collect::run(collector, runner, together, stop)))
        }));
    }
}

/// Tells what collecting from an organization will cost; what is only assumed of it is no reason to refuse the configuration.
fn log_plan(organization: &str, provider: &Provider) {
    let plan = provider.plan(genesys_cloud::ASSUMED_CLIENTS);
    let (requests_per_day, largest_run) = (plan.a_day(Estimate::Usual), plan.runs(Estimate::Usual));
    let (collector, requests) = largest_run.into_iter().max_by_key(|run| run.1).unwrap_or_default();
    let provider = provider.key();
    tracing::info!(
        organization,
        provider,
        requests_per_day,
        largest_run = requests,
        largest_run_of = collector,
        "planned vendor requests"
    );
    for excess in plan.excesses(Estimate::Usual) {
        tracing::warn!(organization, provider, %excess, "collecting may not fit the rate limit");
    }
}
