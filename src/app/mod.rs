//! The composition root: builds the rooms, gives each collector its task, serves, and ends in time.
//!
//! It is the one place that knows everybody and does none of their work.

mod demo;
mod listen;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use demo::{demo, demo_config, demo_options, simulate};
pub use listen::listen;

use crate::clock::Clock;
use crate::collect::{self, Runner, Together};
use crate::collector::{Collector, Launch};
use crate::config::{Config, Organization, Provider};
use crate::http::{self, Http};
use crate::model::{CollectorId, Estimate, Schedule};
use crate::providers::genesys_cloud::{self, Pacing};
use crate::providers::talkdesk;
use crate::rest::{ProxyChoice, Transport};
use crate::storage::{self, Owner, Storage};
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
    /// The folder in which figures outlive a restart, if they do.
    pub storage_path: Option<PathBuf>,
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
            storage_path: None,
        }
    }
}

/// Collects and serves until `shutdown`, then ends within a few seconds.
///
/// # Errors
/// When the HTTP client cannot be built, another process uses the storage, or a listener fails.
pub async fn run(
    config: Config,
    world: World,
    listeners: Vec<TcpListener>,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let telemetry = Arc::new(Telemetry::new());
    let store = Store::new(config.global.max_series_per_organization);
    let storage = match &world.storage_path {
        Some(path) => Storage::open(path, telemetry.storage())?,
        None => Storage::none(),
    };
    let stop = CancellationToken::new();
    telemetry.config_read(world.clock.now());

    let mut tasks = JoinSet::new();
    start_collectors(&config, &world, &telemetry, &store, &storage, &stop, &mut tasks)?;
    let mut publisher = tokio::spawn(store::publish(store.clone(), world.clock.clone(), stop.clone()));

    let router =
        http::router(Http::new(store, telemetry, world.clock, config.redacted_yaml(), world.telemetry_path));
    let mut servers = JoinSet::new();
    for listener in listeners {
        // A scrape is answered in full at once; waiting for more to send would only delay its end.
        let listener = listener.tap_io(|connection| {
            let _ = connection.set_nodelay(true);
        });
        let server =
            axum::serve(listener, router.clone()).with_graceful_shutdown(stop.clone().cancelled_owned());
        servers.spawn(async move { server.await });
    }

    tokio::pin!(shutdown);
    let ended = loop {
        tokio::select! {
            () = &mut shutdown => break Ok(()),
            result = first_end(&mut servers) => break result,
            result = &mut publisher => break result.map_err(Into::into).flatten().context("publishing failed"),
            Some(Err(defect)) = tasks.join_next() => {
                // The others go on; the watchdog behind /-/healthy tells which one is missing.
                tracing::error!(%defect, "a collector has ended by a defect of the exporter");
            }
        }
    };
    tracing::info!("stopping");
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
    storage: &Storage,
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

    let mut launcher = Launcher {
        world,
        telemetry,
        store,
        storage,
        stop,
        organization: "",
        provider: "",
        account: String::new(),
        settings: 0,
        together: Together::new(),
        ready: Vec::new(),
    };
    for organization in &config.organizations {
        let Organization { name, provider } = organization;
        launcher.organization = name;
        launcher.provider = provider.key();
        log_plan(name, provider);
        launcher.account = provider.account();
        launcher.together = Together::new();
        launcher.settings = storage::digest(&organization.redacted_yaml());
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
    let Launcher { ready, .. } = launcher;
    let collectors = ready.len();
    for ready in ready {
        tasks.spawn(ready(collectors));
    }
    Ok(())
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

/// Gives each collector its place in the store and, once all are known, its task.
struct Launcher<'a> {
    world: &'a World,
    telemetry: &'a Telemetry,
    store: &'a Store,
    storage: &'a Storage,
    stop: &'a CancellationToken,
    organization: &'a str,
    provider: &'static str,
    /// The organization's account at the vendor.
    account: String,
    /// A digest of the organization's settings.
    settings: u32,
    /// The collectors of the organization.
    together: Together,
    ready: Vec<Ready>,
}

/// Makes the task of a collector, given how many start together.
type Ready = Box<dyn FnOnce(usize) -> Pin<Box<dyn Future<Output = ()> + Send>>>;

impl Launch for Launcher<'_> {
    fn launch(&mut self, collector: impl Collector, schedule: Schedule) {
        let organization = self.organization.to_owned();
        let id = CollectorId { organization, provider: self.provider, collector: collector.name() };
        let metrics = self.telemetry.collector(&id, schedule.refresh);
        let owner = Owner { id: id.clone(), account: self.account.clone() };
        let (drawer, settings) = (Arc::new(self.storage.drawer(&owner)), self.settings);
        let (slot, clock) = (self.store.slot(id, schedule, metrics), self.world.clock.clone());
        let (stop, together) = (self.stop.clone(), self.together.clone());
        self.ready.push(Box::new(move |collectors| {
            Box::pin(collect::run(
                collector,
                Runner { slot, drawer, settings, schedule, clock, collectors },
                together,
                stop,
            ))
        }));
    }
}

/// Servers run until they are told to stop; one that ends before has failed.
async fn first_end(servers: &mut JoinSet<std::io::Result<()>>) -> anyhow::Result<()> {
    match servers.join_next().await {
        Some(ended) => ended.context("the server panicked")?.context("the server failed"),
        None => std::future::pending().await,
    }
}
