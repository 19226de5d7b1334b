//! Reading the configuration anew while the program runs.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use super::World;
use super::fleet::Fleet;
use crate::config::{Config, Faults, Global};
use crate::lifecycle::{Control, Outcome, Requests, lifecycle};
use crate::rest::{ProxyChoice, Transport};
use crate::telemetry::Telemetry;

/// Files that take longer to be read cannot be read: what is named may be a pipe that nobody writes to.
const LONGEST_READ: Duration = Duration::from_secs(30);

/// Reads the configuration as it is now.
pub type Source = Arc<dyn Fn() -> Result<Config, Faults> + Send + Sync>;

/// How the program is asked for a reload, or to end, and where the configuration comes from then.
pub struct Reload {
    /// What is asked for.
    pub requests: Requests,
    /// The configuration.
    pub source: Source,
    /// Given to the routes that reload and end the program; `None` when they are not to.
    pub control: Option<Control>,
}

impl Reload {
    /// Nobody asks.
    pub(super) fn never(config: &Config) -> Self {
        let ((_, requests), config) = (lifecycle(), config.clone());
        Self { requests, source: Arc::new(move || Ok(config.clone())), control: None }
    }
}

/// Keeps the fleet, the shown configuration and the reload metrics in step with the configuration.
pub(super) struct Reloader {
    pub(super) world: Arc<World>,
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) shown: watch::Sender<String>,
    pub(super) source: Source,
    /// Held by the read that is under way: one that hangs takes one thread, however often a reload is asked for.
    pub(super) turn: Arc<Semaphore>,
}

/// The way to the vendors that the settings describe.
pub(super) fn transport(global: &Global, environment_proxy: bool) -> anyhow::Result<Transport> {
    let proxy = match &global.proxy_url {
        Some(url) => ProxyChoice::Url(url.clone()),
        None if environment_proxy => ProxyChoice::Environment,
        None => ProxyChoice::Direct,
    };
    Transport::new(global.request_timeout, global.concurrency, &proxy, global.ca_file.as_deref())
}

impl Reloader {
    /// Reloads whenever somebody asks, one at a time, and tells of collectors that a defect has ended.
    pub(super) async fn supervise(&self, fleet: &mut Fleet, mut requests: Requests) -> Infallible {
        loop {
            tokio::select! {
                asked = requests.reload() => asked.answer(&self.reload(fleet).await),
                defect = fleet.defect() => {
                    // The others go on; the watchdog behind /-/healthy tells which one is missing.
                    tracing::error!(%defect, "a collector has ended by a defect of the exporter");
                }
            }
        }
    }

    async fn reload(&self, fleet: &mut Fleet) -> Outcome {
        match self.read().await {
            Ok((config, transport)) => {
                let changes = fleet.change(&config, transport).await;
                self.shown.send_replace(config.redacted_yaml());
                self.telemetry.config_read(self.world.clock.now());
                tracing::info!(%changes, "the configuration is reloaded");
                Ok(format!("the configuration is reloaded; {changes}"))
            }
            Err(faults) => {
                self.telemetry.config_refused();
                for fault in &faults {
                    tracing::error!(fault, "the configuration is refused, the one in use stays");
                }
                Err(faults.join("\n"))
            }
        }
    }

    /// The configuration as it is now, and the way to the vendors that it describes.
    async fn read(&self) -> Result<(Config, Transport), Vec<String>> {
        let Ok(turn) = self.turn.clone().try_acquire_owned() else {
            return Err(vec![
                "the configuration is still being read for a reload before; is the file system of its files there?"
                    .to_owned(),
            ]);
        };
        let (source, environment_proxy) = (self.source.clone(), self.world.environment_proxy);
        // Files may be slow to read, and certificates slow to parse.
        let read = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let config = source().map_err(|faults| faults.iter().collect::<Vec<String>>())?;
            let transport =
                transport(&config.global, environment_proxy).map_err(|error| vec![format!("{error:#}")])?;
            Ok((config, transport))
        });
        match tokio::time::timeout(LONGEST_READ, read).await {
            Ok(Ok(read)) => read,
            Ok(Err(defect)) => {
                Err(vec![format!("reading the configuration ended by a defect of the exporter: {defect}")])
            }
            Err(_) => {
                let seconds = LONGEST_READ.as_secs();
                Err(vec![format!(
                    "the configuration could not be read within {seconds} s; are its files plain files?"
                )])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use super::super::fleet::Shared;
    use super::*;
    use crate::storage::Storage;
    use crate::store::Store;

    #[tokio::test(start_paused = true)]
    async fn a_read_that_hangs_is_given_up_and_no_other_one_begins() {
        let text =
            "organizations: [{name: a, genesys_cloud: {region: us-east-1, client_id: a, client_secret: b}}]";
        let config = Config::parse(Path::new("test.yml"), text, &|_| None).unwrap();
        let transport = transport(&config.global, false).unwrap();
        let shown = watch::Sender::new(config.redacted_yaml());
        let ((begins, mut begun), (go, wait)) = (tokio::sync::mpsc::unbounded_channel(), channel::<()>());
        let wait = Mutex::new(wait);
        let source: Source = Arc::new(move || {
            begins.send(()).unwrap();
            wait.lock().unwrap().recv().unwrap();
            Ok(config.clone())
        });
        let (world, telemetry) = (Arc::new(World::new("/metrics".to_owned())), Arc::new(Telemetry::new()));
        let shared = Shared {
            world: world.clone(),
            telemetry: telemetry.clone(),
            store: Store::new(1),
            storage: Storage::none(),
        };
        let stop = tokio_util::sync::CancellationToken::new();
        let mut fleet = Fleet::new(shared, transport, stop);
        let turn = Arc::new(Semaphore::new(1));
        let reloader = Reloader { world, telemetry, shown, source, turn: turn.clone() };

        let hangs = async {
            begun.recv().await.unwrap();
            tokio::time::advance(LONGEST_READ).await;
        };
        let (outcome, ()) = tokio::join!(reloader.reload(&mut fleet), hangs);
        assert!(outcome.unwrap_err().contains("within 30 s"));
        assert!(reloader.reload(&mut fleet).await.unwrap_err().contains("still being read"));
        assert!(begun.try_recv().is_err(), "no second read");

        go.send(()).unwrap();
        drop(turn.acquire().await.unwrap());
        go.send(()).unwrap();
        assert!(reloader.read().await.is_ok());
    }
}
