//! The composition root: builds the rooms, gives each collector its task, serves, reloads, and ends in time.
//!
//! It is the one place that knows everybody and does none of their work.

mod demo;
mod fleet;
mod launcher;
mod listen;
mod notify;
mod reload;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use demo::{demo, demo_config, demo_options, simulate};
pub use listen::{inherited, listen};
pub use reload::{Reload, Source};

use self::fleet::{Fleet, Shared};
use self::reload::Reloader;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::{self, Http};
use crate::providers::genesys_cloud::Pacing;
use crate::serve::{self, Server};
use crate::storage::Storage;
use crate::store::{self, Store};
use crate::telemetry::{StorageMetrics, Telemetry};

/// Connections that are still open so long after the signal are closed.
const DRAIN: Duration = Duration::from_secs(3);

/// The process before this one may still be ending.
const PREDECESSOR: Duration = Duration::from_secs(5);

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
    /// The folder in which figures outlive a restart, if they do.
    pub storage_path: Option<PathBuf>,
    /// How to reload the configuration; `None` where it never changes.
    pub reload: Option<Reload>,
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
            storage_path: None,
            reload: None,
        }
    }
}

/// Collects and serves until `shutdown`, then ends within a few seconds.
///
/// # Errors
/// When the HTTP client cannot be built, another process uses the storage, or a listener fails.
pub async fn run(
    config: Config,
    mut world: World,
    listeners: Vec<TcpListener>,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let telemetry = Arc::new(Telemetry::new());
    let store = Store::new(config.global.max_series_per_organization);
    let storage = match &world.storage_path {
        Some(path) => open_storage(path, telemetry.storage()).await?,
        None => Storage::none(),
    };
    let stop = CancellationToken::new();
    let transport = reload::transport(&config.global, world.environment_proxy)?;
    let Reload { requests, source, control } = world.reload.take().unwrap_or_else(|| Reload::never(&config));
    let serving = std::mem::take(&mut world.serving);
    let world = Arc::new(world);
    telemetry.config_read(world.clock.now());

    let mut fleet = Fleet::new(
        Shared { world: world.clone(), telemetry: telemetry.clone(), store: store.clone(), storage },
        transport,
        stop.clone(),
    );
    fleet.start(&config);
    let mut publisher = tokio::spawn(store::publish(store.clone(), world.clock.clone(), stop.clone()));

    tokio::spawn(notify::watchdog(store.clone(), stop.clone()));
    let (shown, config) = watch::channel(config.redacted_yaml());
    let (clock, path) = (world.clock.clone(), world.telemetry_path.clone());
    let router = http::router(Http::new(store, telemetry.clone(), clock, config, control, path.clone()));
    let server = Server::new(router, path, serving, stop.clone());
    let mut servers = JoinSet::new();
    for listener in listeners {
        servers.spawn(server.clone().serve(listener));
    }
    notify::ready();

    let quit = requests.quit();
    let turn = Arc::new(Semaphore::new(1));
    let reloader = Reloader { world, telemetry, shown, source, turn };
    let ended = tokio::select! {
        () = shutdown => Ok(()),
        () = quit => Ok(()),
        Some(ended) = servers.join_next() => ended.context("serving failed"),
        result = &mut publisher => result.map_err(Into::into).flatten().context("publishing failed"),
        never = reloader.supervise(&mut fleet, requests) => match never {},
    };
    tracing::info!("stopping");
    notify::stopping();
    stop.cancel();
    let drain = async {
        while servers.join_next().await.is_some() {}
        fleet.ended().await;
    };
    if tokio::time::timeout(DRAIN, drain).await.is_err() {
        tracing::warn!("some connections did not end in time and are closed");
    }
    ended
}

/// Opens the storage, once a process before this one has let go of it.
async fn open_storage(path: &Path, metrics: StorageMetrics) -> anyhow::Result<Storage> {
    let begun = Instant::now();
    loop {
        let (path, metrics) = (path.to_owned(), metrics.clone());
        let opening = tokio::task::spawn_blocking(move || Storage::open(&path, metrics));
        match opening.await? {
            Err(_) if begun.elapsed() < PREDECESSOR => tokio::time::sleep(Duration::from_millis(100)).await,
            result => return Ok(result?),
        }
    }
}
