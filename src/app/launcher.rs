//! From the settings of an organization to its collectors. This is the list of providers.

use std::pin::Pin;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::World;
use crate::collect::{self, Runner};
use crate::collector::{Collector, Launch};
use crate::config::{Organization, Provider};
use crate::model::{CollectorId, Schedule};
use crate::providers::{genesys_cloud, talkdesk};
use crate::rest::Transport;
use crate::store::Store;
use crate::telemetry::Telemetry;

/// Gives each collector of one organization its place in the store and, once all that start together are known, its task.
pub(super) struct Launcher<'a> {
    pub(super) world: &'a World,
    pub(super) telemetry: &'a Telemetry,
    pub(super) store: &'a Store,
    /// Ends the tasks.
    pub(super) stop: &'a CancellationToken,
    /// Knows when they have ended.
    pub(super) tracker: &'a TaskTracker,
    pub(super) organization: &'a str,
    pub(super) provider: &'static str,
    pub(super) ready: Vec<Ready>,
}

/// Makes the task of a collector, given how many start together.
pub(super) type Ready = Box<dyn FnOnce(usize) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

impl Launcher<'_> {
    /// Launches the enabled collectors of an organization.
    pub(super) fn organization(&mut self, settings: &Organization, transport: Arc<Transport>) {
        let metrics = self.telemetry.api(self.provider, self.organization);
        let World { clock, pacing, .. } = self.world;
        let client = match &settings.provider {
            Provider::GenesysCloud(settings) => {
                genesys_cloud::launch(settings, transport, metrics, clock, *pacing, self)
            }
            Provider::Talkdesk(settings) => talkdesk::launch(settings, transport, metrics, clock, self),
        };
        self.telemetry.before_gather(self.organization, client.metrics_refresher());
    }
}

impl Launch for Launcher<'_> {
    fn launch(&mut self, collector: impl Collector, schedule: Schedule) {
        let organization = self.organization.to_owned();
        let id = CollectorId { organization, provider: self.provider, collector: collector.name() };
        let metrics = self.telemetry.collector(&id, schedule.refresh);
        let (slot, clock) = (self.store.slot(id, schedule, metrics), self.world.clock.clone());
        let (stop, tracker) = (self.stop.clone(), self.tracker.clone());
        self.ready.push(Box::new(move |collectors| {
            let runner = Runner { slot, schedule, clock, collectors };
            Box::pin(tracker.track_future(collect::run(collector, runner, stop)))
        }));
    }
}
