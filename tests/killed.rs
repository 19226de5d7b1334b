//! The real program, killed (SIGKILL) at random moments of its life: nothing good is lost, no file is broken, and the vendor is
//! not asked twice for what was asked already. `KILLED_LIVES` sets how often; `make soak` does it a hundred times.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use ccaas_exporter::clock::Clock;
use ccaas_exporter::simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};
use support::{Metrics, Vendor, poll};
use tokio::process::{Child, Command};
use tokio::time::Instant;

const COLLECTORS: [&str; 4] = ["usage", "oauth_clients", "limits", "client_summary"];

/// A job that was started longer ago than this is written down.
const TIME_TO_NOTE: Duration = Duration::from_secs(1);

/// One life of the program.
struct Life {
    child: Child,
    url: String,
    http: reqwest::Client,
}

impl Life {
    async fn begin(folder: &Path) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let child = Command::new(env!("CARGO_BIN_EXE_ccaas-exporter"))
            .arg(format!("--config.file={}", folder.join("config.yml").display()))
            .arg(format!("--storage.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .env_clear()
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let life = Self {
            child,
            url: format!("http://{address}"),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        };
        poll("the exporter to listen", async || life.metrics().await.map(drop)).await;
        life
    }

    async fn metrics(&self) -> Option<Metrics> {
        let answer = self.http.get(format!("{}/metrics", self.url)).send().await.ok()?;
        Some(Metrics::parse(&answer.text().await.ok()?))
    }

    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// When each collector last succeeded, and how many series it serves.
fn known(metrics: &Metrics) -> BTreeMap<&'static str, (f64, f64)> {
    let of =
        |name| (metrics.collector("last_success_timestamp_seconds", name), metrics.collector("series", name));
    COLLECTORS.into_iter().map(|name| (name, of(name))).collect()
}

/// How many jobs and queries the vendor has started.
fn started(simulator: &Simulator) -> usize {
    let is_start = |operation: &str| ["postUsageAggregatesJob", "getClientUsageSummary"].contains(&operation);
    let requests = simulator.requests();
    requests.iter().filter(|request| is_start(request.operation) && request.status.is_some()).count()
}

/// The ids of the jobs and queries that the vendor was asked for, and of those that are written down to be asked for.
fn asked_for_or_noted(simulator: &Simulator, folder: &Path) -> BTreeSet<String> {
    let is_result =
        |operation: &str| ["getUsageAggregatesJob", "getClientUsageQueryResults"].contains(&operation);
    let requests = simulator.requests();
    let asked_for = requests.iter().filter(|request| is_result(request.operation)).map(|request| {
        let (_, id) = request.path.rsplit_once('/').unwrap();
        id.to_owned()
    });
    let noted = fs::read_dir(folder.join("data")).unwrap().flat_map(|file| {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "course") {
            return Vec::new();
        }
        let text = fs::read_to_string(path).unwrap();
        let course: serde_json::Value = serde_json::from_str(&text[text.find('{').unwrap()..]).unwrap();
        let jobs = course["jobs"].as_object().unwrap();
        jobs.values().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    });
    asked_for.chain(noted).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_good_is_lost_and_nothing_is_asked_twice() {
    let lives: usize = std::env::var("KILLED_LIVES").ok().and_then(|lives| lives.parse().ok()).unwrap_or(12);
    let options = Options { requests_per_minute: 100_000, ..Options::new(Clock::system()) };
    let simulator = Simulator::new(options);
    let vendor = Vendor::start(simulator.clone(), "127.0.0.1:0").await;
    let folder = tempfile::tempdir().unwrap();
    let url = vendor.url();
    fs::write(
        folder.path().join("config.yml"),
        format!(
            "organizations:\n  - name: acme\n    genesys_cloud:\n      api_url: {url}\n      login_url: {url}\n      \
             client_id: {CLIENT_ID}\n      client_secret: {CLIENT_SECRET}\n      rate_limit: {{requests_per_minute: 6000}}\n      \
             collectors:\n        usage: {{refresh: 10s, lookback: 30d}}\n        oauth_clients: {{refresh: 10s}}\n        \
             limits: {{refresh: 10s}}\n        client_summary: {{refresh: 10s}}\n        billable_usage: {{enabled: false}}\n"
        ),
    )
    .unwrap();

    let (mut idle_lives, mut kills_in_runs, mut just_started) = (0, 0, 0);
    let mut before: BTreeMap<&str, (f64, f64)> =
        COLLECTORS.into_iter().map(|name| (name, (0.0, 0.0))).collect();
    for nth in 0..lives {
        let asked = simulator.requests().len();
        let life = Life::begin(folder.path()).await;
        let restored = |metrics: &Metrics| {
            known(metrics)
                .iter()
                .all(|(name, now)| now.0 >= before[name].0 && (before[name].1 == 0.0 || now.1 > 0.0))
        };
        let metrics =
            poll("what was known before the kill", async || life.metrics().await.filter(&restored)).await;
        let broken = metrics.value("ccaas_exporter_storage_failures_total", &[("operation", "read")]);
        assert_eq!(broken, Some(0.0), "life {nth}");

        let first_run = COLLECTORS
            .iter()
            .map(|name| metrics.collector("next_run_timestamp_seconds", name))
            .fold(f64::MAX, f64::min);
        let until = Instant::now() + Duration::from_millis(fastrand::u64(0..3000));
        let mut glances = vec![(Instant::now(), started(&simulator))];
        while Instant::now() < until {
            if let Some(metrics) = life.metrics().await {
                before = known(&metrics);
            }
            glances.push((Instant::now(), started(&simulator)));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let now = Clock::system().now().as_millisecond() as f64 / 1000.0;
        life.kill().await;
        if now < first_run {
            idle_lives += 1;
            assert_eq!(
                simulator.requests().len(),
                asked,
                "a life that ended before its first run asked the vendor"
            );
        }
        let is_settled = |glance: &&(Instant, usize)| glance.0.elapsed() > TIME_TO_NOTE;
        let (_, noted) = glances.iter().rfind(is_settled).unwrap_or(&glances[0]);
        just_started += started(&simulator) - noted;
        kills_in_runs +=
            usize::from(simulator.requests().last().is_some_and(|request| request.status.is_none()));
    }

    let life = Life::begin(folder.path()).await;
    poll("all to be well after all", async || {
        let metrics = life.metrics().await?;
        COLLECTORS.iter().all(|name| metrics.collector("up", name) == 1.0).then_some(())
    })
    .await;
    life.kill().await;
    let (started, requests) = (started(&simulator), simulator.requests().len());
    let lost = started - asked_for_or_noted(&simulator, folder.path()).len();
    eprintln!(
        "{lives} lives, {idle_lives} ended before a run, {kills_in_runs} with a request in flight; {requests} requests, \
         {started} jobs started, {just_started} of them just before a kill, {lost} lost"
    );
    // A job is lost only if the kill hits between the vendor's answer and the write that follows it.
    assert!(
        lost <= just_started && lost <= 1 + lives / 10,
        "{lost} of {started} jobs were started, and neither asked for nor noted"
    );
    vendor.stop().await;
}
