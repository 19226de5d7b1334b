//! Weeks of everything that can go wrong, in minutes: nothing grows, and afterwards the figures are those of a program that has
//! just started. `SOAK_SECONDS` sets how long; `make soak` takes ten minutes.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ccaas_exporter::clock::Clock;
use jiff::Timestamp;
use support::{Metrics, Setup, Stage, scenario};
use tokio::time::Instant;

/// Every collector runs so often, which stands for six hours.
const REFRESH: Duration = Duration::from_millis(400);
const REFRESH_SECONDS: i64 = 6 * 3600;

/// Every kind of fault, each hitting any operation now and then.
const CHAOS: &str = "faults:
- {operation: '*', probability: 0.02, fault: {status: 500}}
- {operation: '*', probability: 0.02, fault: {status: 503, headers: {Retry-After: '0'}}}
- {operation: '*', probability: 0.02, fault: {status: 429, headers: {Retry-After: '0'}}}
- {operation: '*', probability: 0.01, fault: {status: 401}}
- {operation: '*', probability: 0.01, fault: {status: 403, code: missing.any.permissions}}
- {operation: '*', probability: 0.01, fault: {status: 404}}
- {operation: '*', probability: 0.01, fault: {status: 400}}
- {operation: '*', probability: 0.003, fault: {hang: true}}
- {operation: '*', probability: 0.02, fault: {reset: true}}
- {operation: '*', probability: 0.02, fault: {truncate: 50}}
- {operation: '*', probability: 0.01, fault: {html: 200}}
- {operation: '*', probability: 0.01, fault: {html: 502}}
- {operation: '*', probability: 0.01, fault: {garbage: true}}
- {operation: '*', probability: 0.01, fault: {wrong_json: true}}
- {operation: '*', probability: 0.01, fault: {job: failed}}
- {operation: '*', probability: 0.01, fault: {job: lost}}
- {operation: '*', probability: 0.005, fault: {job: endless}}
- {operation: '*', probability: 0.01, fault: {repeat_page: true}}
# Only these lists say how many rows they have: elsewhere nobody could notice.
- {operation: listMonthlyUsage, probability: 0.05, fault: {drop_rows: 2}}
- {operation: listMonthlyUsage, probability: 0.05, fault: {duplicate_rows: 2}}
- {operation: '*', probability: 0.01, fault: {text_numbers: true}}
- {operation: '*', probability: 0.02, fault: {expire_token: true}}
- {operation: '*', probability: 0.02, fault: {delay: 50ms}}
";

/// What must not grow.
#[derive(Debug, Clone, Copy)]
struct Size {
    resident_mib: u64,
    descriptors: usize,
    tasks: usize,
    series: usize,
}

async fn size(stage: &Stage) -> Size {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: u64 = resident.split_whitespace().nth(1).unwrap().parse().unwrap();
    Size {
        resident_mib: kib / 1024,
        descriptors: fs::read_dir("/proc/self/fd").unwrap().count(),
        tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks(),
        series: stage.metrics().await.samples.len(),
    }
}

/// The vendor's figures.
fn figures(metrics: &Metrics) -> BTreeSet<String> {
    let vendor = metrics
        .samples
        .iter()
        .filter(|sample| sample.name.starts_with("genesys") || sample.name.starts_with("talkdesk"));
    vendor.map(|sample| format!("{}{:?} {}", sample.name, sample.labels, sample.value)).collect()
}

/// The collectors that are failing, with their last errors.
async fn failing(stage: &Stage) -> String {
    let status: serde_json::Value = stage.get("/api/v1/status").await.json().await.unwrap();
    let collectors = status["collectors"].as_array().unwrap();
    let failing = collectors.iter().filter(|collector| collector["state"] != "succeeded");
    failing.map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn setup(clock: &Clock) -> Setup {
    let mut setup = Setup::everything().refresh(REFRESH);
    setup.options.clock = clock.clone();
    setup.clock = clock.clone();
    // The simulator takes its time for a large answer, where it is not optimized.
    setup.request_timeout = Duration::from_millis(1500);
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn weeks_of_chaos_leave_nothing_behind() {
    let seconds: u64 = std::env::var("SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(25);
    let start: Timestamp = support::NOW.parse().unwrap();
    let passed = Arc::new(AtomicI64::new(0));
    let clock = {
        let passed = passed.clone();
        Clock::from_fn(move || start + Duration::from_secs(passed.load(Ordering::Relaxed) as u64))
    };
    let folder = tempfile::tempdir().unwrap();
    let stage = setup(&clock).storage(folder.path()).start().await;
    stage.ready().await;

    stage.simulator.set_scenario(scenario(CHAOS));
    let begun = Instant::now();
    let mut sizes = Vec::new();
    let pace =
        |now: Instant| ((now - begun).as_millis() as i64) * REFRESH_SECONDS / REFRESH.as_millis() as i64;
    while begun.elapsed() < Duration::from_secs(seconds) {
        passed.store(pace(Instant::now()), Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(100)).await;
        if begun.elapsed().as_millis() as usize * 10 > sizes.len() * seconds as usize * 1000 {
            sizes.push(size(&stage).await);
        }
    }
    let metrics = stage.metrics().await;
    let sum = |name: &str| metrics.of(name, &[]).map(|sample| sample.value).sum::<f64>();
    let (polls, failures) =
        (sum("ccaas_exporter_collector_polls_total"), sum("ccaas_exporter_collector_failures_total"));
    let requests = sum("ccaas_exporter_api_requests_total");
    let days = passed.load(Ordering::Relaxed) / 86_400;
    eprintln!("{days} days, {requests} requests, {polls} runs, {failures} of them failed; sizes over time:");
    for size in &sizes {
        eprintln!("  {size:?}");
    }
    assert!(failures > polls / 20.0 && failures < polls, "{failures} of {polls}");

    // The first tenths are for warming up: connections, caches, the heap.
    let (early, late) = (&sizes[2..5], &sizes[sizes.len() - 3..]);
    let most = |sizes: &[Size], of: fn(&Size) -> usize| sizes.iter().map(of).max().unwrap();
    for (what, of, slack) in [
        ("MiB", (|size| size.resident_mib as usize) as fn(&Size) -> usize, 40),
        ("descriptors", |size| size.descriptors, 40),
        ("tasks", |size| size.tasks, 60),
        ("series", |size| size.series, 1500),
    ] {
        let (before, after) = (most(early, of), most(late, of));
        assert!(after <= before + slack, "{what} grew from {before} to {after}");
    }

    // The vendor is well again, and a day later everything has recovered. Then time stands still.
    stage.simulator.set_scenario(scenario("faults: []"));
    let all_up = |metrics: &Metrics| metrics.of("ccaas_exporter_collector_up", &[]).all(|up| up.value == 1.0);
    let healing = Instant::now();
    while !all_up(&stage.metrics().await) {
        assert!(healing.elapsed() < support::DEADLINE, "not well again: {}", failing(&stage).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    passed.fetch_add(2 * 86_400, Ordering::Relaxed);

    // A program that has seen none of this serves the same figures.
    let fresh = stage.another().await;
    fresh.ready().await;
    let comparing = Instant::now();
    loop {
        let (worn, new) = (figures(&stage.metrics().await), figures(&fresh.metrics().await));
        let differing: Vec<_> = worn.symmetric_difference(&new).take(20).collect();
        if differing.is_empty() && new.len() > 1000 {
            break;
        }
        assert!(
            comparing.elapsed() < support::DEADLINE,
            "{} and {} figures differ in {differing:#?}",
            worn.len(),
            new.len()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    fresh.stop().await;
    stage.stop().await;
}
