//! Everything without an account: the simulator alone, or with the exporter on it.

use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{World, run};
use crate::clock::Clock;
use crate::config::Config;
use crate::providers::genesys_cloud::Pacing;
use crate::simulator::{self, CLIENT_SECRET, Options, Simulator};

/// The configuration that `demo` runs with.
const CONFIG: &str = include_str!("demo.yml");

/// Requests per minute that the simulated vendor takes: the demo refreshes every few seconds.
const VENDOR_LIMIT: u32 = 6000;

/// Runs the simulator and the exporter on it until `shutdown`.
///
/// # Errors
/// When either fails.
pub async fn demo(
    simulator_listener: TcpListener,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let simulator_url = format!("http://{}", simulator_listener.local_addr()?);
    let environment = |name: &str| match name {
        "SIMULATOR_URL" => Some(simulator_url.clone()),
        "SIMULATOR_SECRET" => Some(CLIENT_SECRET.to_owned()),
        _ => None,
    };
    let config = Config::parse(Path::new("demo.yml"), CONFIG, &environment)?;
    let simulator =
        Simulator::new(Options { requests_per_minute: VENDOR_LIMIT, ..Options::new(Clock::system()) });
    let world = World {
        pacing: Pacing { unit: Duration::from_millis(20) },
        environment_proxy: false,
        ..World::new("/metrics".to_owned())
    };
    tracing::debug!(simulator = simulator_url, "demo");

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
    options: Options,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    Ok(simulator::serve(listener, Simulator::new(options), shutdown).await?)
}
