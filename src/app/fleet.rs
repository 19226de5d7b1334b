//! The organizations that run: which start, stay and end when the configuration changes.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::World;
use super::launcher::Launcher;
use crate::config::{Config, Organization};
use crate::rest::Transport;
use crate::storage::Storage;
use crate::store::Store;
use crate::telemetry::Telemetry;

/// A task that has not ended so long after it was told to is left behind: what it still writes is lost.
const LONGEST_END: Duration = Duration::from_secs(10);

/// What all organizations share as long as the process lives.
pub(super) struct Shared {
    pub(super) world: Arc<World>,
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) store: Store,
    pub(super) storage: Storage,
}

/// All running organizations, and what they share.
pub(super) struct Fleet {
    shared: Shared,
    transport: Arc<Transport>,
    stop: CancellationToken,
    running: Vec<Running>,
    tasks: JoinSet<()>,
}

/// A running organization: everything that starts and ends with it, beside its places in the store and its metrics, which go by
/// its name.
struct Running {
    settings: Organization,
    stop: CancellationToken,
    tracker: TaskTracker,
}

/// What a change of the configuration has done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    unchanged: usize,
    restarted: usize,
    added: usize,
    removed: usize,
}

impl Fleet {
    /// An empty fleet, whose tasks end at `stop`.
    pub(super) fn new(shared: Shared, transport: Transport, stop: CancellationToken) -> Self {
        let transport = Arc::new(transport);
        Self { shared, transport, stop, running: Vec::new(), tasks: JoinSet::new() }
    }

    /// Starts all organizations of the first configuration.
    pub(super) fn start(&mut self, config: &Config) {
        self.launch(&config.organizations, false);
    }

    /// Makes the fleet what `config` says. What did not change is not touched; what did ends, is gone from all pages, and starts
    /// anew. It may be dropped at any time, but only before the end of the program.
    pub(super) async fn change(&mut self, config: &Config, transport: Transport) -> Changes {
        let wanted: HashMap<&str, &Organization> =
            config.organizations.iter().map(|settings| (settings.name.as_str(), settings)).collect();
        let is_new_way = !self.transport.is_like(&transport);
        if is_new_way {
            self.transport = Arc::new(transport);
        }
        let (staying, leaving): (Vec<Running>, Vec<Running>) =
            std::mem::take(&mut self.running).into_iter().partition(|running| {
                let settings = wanted.get(running.settings.name.as_str());
                !is_new_way && settings.is_some_and(|settings| **settings == running.settings)
            });
        self.running = staying;
        let unchanged: HashSet<&str> = self.running.iter().map(Running::name).collect();
        let starting: Vec<Organization> = config
            .organizations
            .iter()
            .filter(|settings| !unchanged.contains(settings.name.as_str()))
            .cloned()
            .collect();
        let restarted = leaving.iter().filter(|running| wanted.contains_key(running.name())).count();
        let changes = Changes {
            unchanged: unchanged.len(),
            restarted,
            added: starting.len() - restarted,
            removed: leaving.len() - restarted,
        };

        self.end(leaving).await;
        self.shared.store.set_max_series_per_organization(config.global.max_series_per_organization);
        self.launch(&starting, true);
        self.shared.store.arrange(config.organizations.iter().map(|settings| settings.name.as_str()));
        changes
    }

    /// Waits until a collector ends by a defect, for ever if none does.
    pub(super) async fn defect(&mut self) -> JoinError {
        loop {
            match self.tasks.join_next().await {
                Some(Err(defect)) => return defect,
                Some(Ok(())) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Waits until all tasks have ended, which have been told to.
    pub(super) async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Ends organizations and removes everything that is shown of them. Returns when nothing is.
    async fn end(&self, leaving: Vec<Running>) {
        if leaving.is_empty() {
            return;
        }
        for running in &leaving {
            running.stop.cancel();
            running.tracker.close();
        }
        let ended = async {
            for running in &leaving {
                running.tracker.wait().await;
            }
        };
        if tokio::time::timeout(LONGEST_END, ended).await.is_err() {
            tracing::error!("some collectors did not end in time and are left behind");
        }
        let names: HashSet<String> = leaving.into_iter().map(|running| running.settings.name).collect();
        let (telemetry, gone) = (self.shared.telemetry.clone(), names.clone());
        self.shared.store.remove(&names, move || telemetry.remove(&gone)).await;
    }

    /// Tells of organizations that share an OAuth client: each keeps to its own limit, the vendor counts both.
    fn warn_of_shared_clients(&self) {
        let mut owners: HashMap<(&str, String), &str> = HashMap::new();
        for running in &self.running {
            let provider = &running.settings.provider;
            if let Some(other) = owners.insert((provider.key(), provider.account()), running.name()) {
                tracing::warn!(
                    organization = running.name(),
                    other,
                    "two organizations use the same OAuth client: its requests count together at the vendor; divide rate_limit between them"
                );
            }
        }
    }

    /// Starts organizations: one task for each collector.
    fn launch(&mut self, organizations: &[Organization], is_changed: bool) {
        let mut ready = Vec::new();
        for settings in organizations {
            let (stop, tracker) = (self.stop.child_token(), TaskTracker::new());
            let mut launcher = Launcher::new(&self.shared, settings, &stop, &tracker, is_changed);
            launcher.organization(self.transport.clone());
            ready.append(&mut launcher.ready);
            self.running.push(Running { settings: settings.clone(), stop, tracker });
        }
        self.warn_of_shared_clients();
        let collectors = ready.len();
        for ready in ready {
            self.tasks.spawn(ready(collectors));
        }
    }
}

impl Running {
    fn name(&self) -> &str {
        &self.settings.name
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unchanged, restarted, added, removed } = self;
        write!(
            formatter,
            "organizations: {unchanged} unchanged, {restarted} restarted, {added} added, {removed} removed"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[tokio::test]
    async fn a_defect_is_told_though_others_have_ended_well() {
        let text =
            "organizations: [{name: a, genesys_cloud: {region: us-east-1, client_id: a, client_secret: b}}]";
        let config = Config::parse(Path::new("test.yml"), text, &|_| None).unwrap();
        let transport = super::super::reload::transport(&config.global, false).unwrap();
        let (world, store) = (World::new("/metrics".to_owned()), Store::new(1));
        let telemetry = Arc::new(Telemetry::new());
        let shared = Shared { world: Arc::new(world), telemetry, store, storage: Storage::none() };
        let mut fleet = Fleet::new(shared, transport, CancellationToken::new());
        fleet.tasks.spawn(async {});
        fleet.tasks.spawn(async { panic!("a defect") });
        assert!(fleet.defect().await.is_panic());
        fleet.ended().await;
    }
}
