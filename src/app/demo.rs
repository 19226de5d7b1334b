//! Everything without an account: the simulator alone, or with the exporter on it.

use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{World, run};
use crate::clock::Clock;
use crate::config::{Config, Faults};
use crate::providers::genesys_cloud::Pacing;
use crate::serve::{self, Limits};
use crate::simulator::{self, CLIENT_ID, CLIENT_SECRET, Options, Simulator};

/// The configuration that `demo` runs with.
const CONFIG: &str = include_str!("demo.yml");

/// The world of `demo`. Its vendors take many requests, because the demo refreshes every few seconds.
#[must_use]
pub fn demo_options(clock: Clock) -> Options {
    Options { requests_per_minute: 12_000, talkdesk_requests_per_second: 200, ..Options::new(clock) }
}

/// What `demo` collects from a simulator at `url`: everything that there is.
///
/// # Errors
/// When the simulator's address makes no URL.
pub fn demo_config(simulator: &Simulator, url: &str) -> Result<Config, Faults> {
    let client = |name| simulator.oauth_client_id(CLIENT_ID, name).map(str::to_owned);
    let customers = simulator.customer_ids();
    let environment = |name: &str| match name {
        "SIMULATOR_URL" => Some(url.to_owned()),
        "SIMULATOR_SECRET" => Some(CLIENT_SECRET.to_owned()),
        "SIMULATOR_WATCHED_CLIENT" => client("nightly-sync"),
        "SIMULATOR_APP_CLIENT" => client("crm-connector"),
        "SIMULATOR_CUSTOMER_1" => customers.first().cloned(),
        "SIMULATOR_CUSTOMER_2" => customers.get(1).cloned(),
        _ => None,
    };
    Config::parse(Path::new("demo.yml"), CONFIG, &environment)
}

/// Runs the simulator and the exporter on it until `shutdown`.
///
/// # Errors
/// When either fails.
pub async fn demo(
    simulator_listener: TcpListener,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let url = format!("http://{}", simulator_listener.local_addr()?);
    let simulator = Simulator::new(demo_options(Clock::system()));
    let config = demo_config(&simulator, &url)?;
    let world = World {
        pacing: Pacing { unit: Duration::from_millis(20) },
        environment_proxy: false,
        serving: serve::Options { limits: Limits::of_this_process(), ..serve::Options::default() },
        ..World::new("/metrics".to_owned())
    };
    tracing::debug!(simulator = url, "demo");

    let stop = CancellationToken::new();
    let serving = simulator::serve(simulator_listener, simulator, stop.clone().cancelled_owned());
    let exporting = async {
        let result = run(config, world, vec![listener], shutdown).await;
        stop.cancel();
        result
    };
    let (served, exported) = tokio::join!(serving, exporting);
    exported.and(served.map_err(Into::into))
}

/// Runs only the simulator until `shutdown`.
///
/// # Errors
/// When it fails.
pub async fn simulate(
    listener: TcpListener,
    simulator: Simulator,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    Ok(simulator::serve(listener, simulator, shutdown).await?)
}
