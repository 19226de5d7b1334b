//! The composition root: builds the rooms, gives each collector its task, serves, and ends in time.
//!
//! It is the one place that knows everybody and does none of their work.

mod demo;
mod listen;
mod notify;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use demo::{demo, demo_config, demo_options, simulate};
pub use listen::{inherited, listen};

use crate::clock::Clock;
use crate::collect::{self, Runner};
use crate::collector::{Collector, Launch};
use crate::config::{Config, Organization, Provider};
use crate::http::{self, Http};
use crate::model::{CollectorId, Schedule};
use crate::providers::genesys_cloud::{self, Pacing};
use crate::providers::talkdesk;
use crate::rest::{ProxyChoice, Transport};
use crate::serve::{self, Server};
use crate::store::{self, Store};
use crate::telemetry::Telemetry;

/// Connections that are still open so long after the signal are closed.
const DRAIN: Duration = Duration::from_secs(3);

/// What the world gives besides the configuration.
pub struct World {
    /// The time of day.
    pub clock: Clock,
    /// How fast vendors are asked whether a query is done.
    pub pacing: Pacing,
    /// Whether the environment's proxy variables apply. They do not on the way to a simulator.
    pub environment_proxy: bool,
    /// Path of the metrics.
    pub telemetry_path: String,
    /// How connections are served.
    pub serving: serve::Options,
}

impl World {
    /// The real one.
    #[must_use]
    pub fn new(telemetry_path: String) -> Self {
        Self {
            clock: Clock::system(),
            pacing: Pacing::default(),
            environment_proxy: true,
            telemetry_path,
            serving: serve::Options::default(),
        }
    }
}

/// Collects and serves until `shutdown`, then ends within a few seconds.
///
/// # Errors
/// When the HTTP client cannot be built, or a listener fails.
pub async fn run(
    config: Config,
    world: World,
    listeners: Vec<TcpListener>,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let telemetry = Arc::new(Telemetry::new());
    let store = Store::new(config.global.max_series_per_organization);
    let stop = CancellationToken::new();
    telemetry.config_read(world.clock.now());

    let mut tasks = JoinSet::new();
    start_collectors(&config, &world, &telemetry, &store, &stop, &mut tasks)?;
    let mut publisher = tokio::spawn(store::publish(store.clone(), world.clock.clone(), stop.clone()));

    tokio::spawn(notify::watchdog(store.clone(), stop.clone()));
    let path = world.telemetry_path.clone();
    let router =
        http::router(Http::new(store, telemetry, world.clock, config.redacted_yaml(), world.telemetry_path));
    let server = Server::new(router, path, world.serving, stop.clone());
    let mut servers = JoinSet::new();
    for listener in listeners {
        servers.spawn(server.clone().serve(listener));
    }
    notify::ready();

    tokio::pin!(shutdown);
    let ended = loop {
        tokio::select! {
            () = &mut shutdown => break Ok(()),
            Some(ended) = servers.join_next() => break ended.context("serving failed"),
            result = &mut publisher => break result.map_err(Into::into).flatten().context("publishing failed"),
            Some(Err(defect)) = tasks.join_next() => {
                // The others go on; the watchdog behind /-/healthy tells which one is missing.
                tracing::error!(%defect, "a collector has ended by a defect of the exporter");
            }
        }
    };
    tracing::info!("stopping");
    notify::stopping();
    stop.cancel();
    let drain = async {
        while servers.join_next().await.is_some() {}
        while tasks.join_next().await.is_some() {}
    };
    if tokio::time::timeout(DRAIN, drain).await.is_err() {
        tracing::warn!("some connections did not end in time and are closed");
    }
    ended
}

/// One task for each collector of each organization. This is the list of providers.
fn start_collectors(
    config: &Config,
    world: &World,
    telemetry: &Arc<Telemetry>,
    store: &Store,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> anyhow::Result<()> {
    let global = &config.global;
    let proxy = match &global.proxy_url {
        Some(url) => ProxyChoice::Url(url.clone()),
        None if world.environment_proxy => ProxyChoice::Environment,
        None => ProxyChoice::Direct,
    };
    let transport =
        Transport::new(global.request_timeout, global.concurrency, &proxy, global.ca_file.as_deref())?;
    let transport = Arc::new(transport);

    let mut launcher =
        Launcher { world, telemetry, store, stop, organization: "", provider: "", ready: Vec::new() };
    for Organization { name, provider } in &config.organizations {
        launcher.organization = name;
        launcher.provider = provider.key();
        let metrics = telemetry.api(launcher.provider, name);
        let (clock, transport) = (&world.clock, transport.clone());
        let client = match provider {
            Provider::GenesysCloud(settings) => {
                genesys_cloud::launch(settings, transport, metrics, clock, world.pacing, &mut launcher)
            }
            Provider::Talkdesk(settings) => {
                talkdesk::launch(settings, transport, metrics, clock, &mut launcher)
            }
        };
        telemetry.before_gather(client.budget_refresher());
    }
    let collectors = launcher.ready.len();
    for ready in launcher.ready {
        tasks.spawn(ready(collectors));
    }
    Ok(())
}

/// Gives each collector its place in the store and, once all are known, its task.
struct Launcher<'a> {
    world: &'a World,
    telemetry: &'a Telemetry,
    store: &'a Store,
    stop: &'a CancellationToken,
    organization: &'a str,
    provider: &'static str,
    ready: Vec<Ready>,
}

/// Makes the task of a collector, given how many start together.
type Ready = Box<dyn FnOnce(usize) -> Pin<Box<dyn Future<Output = ()> + Send>>>;

impl Launch for Launcher<'_> {
    fn launch(&mut self, collector: impl Collector, schedule: Schedule) {
        let organization = self.organization.to_owned();
        let id = CollectorId { organization, provider: self.provider, collector: collector.name() };
        let metrics = self.telemetry.collector(&id, schedule.refresh);
        let (slot, clock) = (self.store.slot(id, schedule, metrics), self.world.clock.clone());
        let stop = self.stop.clone();
        self.ready.push(Box::new(move |collectors| {
            Box::pin(collect::run(collector, Runner { slot, schedule, clock, collectors }, stop))
        }));
    }
}
