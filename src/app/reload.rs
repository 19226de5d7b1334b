//! Reading the configuration anew while the program runs.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

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
        let (source, environment_proxy) = (self.source.clone(), self.world.environment_proxy);
        // Files may be slow to read, and certificates slow to parse.
        let read = tokio::task::spawn_blocking(move || {
            let config = source().map_err(|faults| faults.iter().collect::<Vec<String>>())?;
            let transport =
                transport(&config.global, environment_proxy).map_err(|error| vec![format!("{error:#}")])?;
            Ok((config, transport))
        });
        let read = match tokio::time::timeout(LONGEST_READ, read).await {
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
        };
        match read {
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
}
