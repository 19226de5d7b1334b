//! Everything without an account: the simulator alone, or with the exporter on it.

use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
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

/// The billing day that makes a period more than half over at the start, so that there is something to see and to forecast: it
/// began 18 to 21 days ago.
fn billing_day_before(now: Timestamp) -> u8 {
    const AGE: SignedDuration = SignedDuration::from_hours(24 * 18);
    let begin = now.checked_sub(AGE).unwrap_or(now).to_zoned(TimeZone::UTC).day();
    u8::try_from(begin.min(28)).unwrap_or(1)
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
        "SIMULATOR_BILLING_DAY" => Some(simulator.billing_day().to_string()),
        "SIMULATOR_CUSTOMER_1" => customers.first().cloned(),
        "SIMULATOR_CUSTOMER_2" => customers.get(1).cloned(),
        _ => None,
    };
    Config::parse(Path::new("demo.yml"), CONFIG, &environment)
}

/// Runs the simulator and the exporter on it until `shutdown`. Billing periods begin on `billing_day`, or on one that suits the demo.
///
/// # Errors
/// When either fails.
pub async fn demo(
    simulator_listener: TcpListener,
    listener: TcpListener,
    billing_day: Option<u8>,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let url = format!("http://{}", simulator_listener.local_addr()?);
    let clock = Clock::system();
    let billing_day = billing_day.unwrap_or_else(|| billing_day_before(clock.now()));
    let options = Options { billing_day, ..demo_options(clock) };
    let simulator = Simulator::new(options);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demos_period_is_more_than_half_over_on_any_day() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for days in 0..1500 {
            let now = start + SignedDuration::from_hours(24 * days);
            let today = now.to_zoned(TimeZone::UTC).date();
            let age = (1..=31).find(|days| {
                today.checked_sub(jiff::Span::new().days(*days)).unwrap().day() == billing_day_of(now)
            });
            assert!((18..=21).contains(&age.unwrap()), "{today}");
        }
    }

    fn billing_day_of(now: Timestamp) -> i8 {
        i8::try_from(billing_day_before(now)).unwrap()
    }
}
