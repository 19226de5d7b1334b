//! A stage for the whole program: the simulator and the exporter on real sockets.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod certificates;
pub mod contract;
pub mod gallery;
pub mod monitoring;
pub mod promql;
pub mod scripted;
pub mod served;
pub mod text;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ccaas_exporter::app::{self, Reload, World};
use ccaas_exporter::clock::Clock;
use ccaas_exporter::config::{Config, Provider};
use ccaas_exporter::providers::genesys_cloud::{Pacing, Settings};
use ccaas_exporter::providers::talkdesk;
use ccaas_exporter::serve;
use ccaas_exporter::simulator::{self, CLIENT_ID, CLIENT_SECRET, Options, Scenario, Simulator};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use text::Metrics;

/// How long anything may take before a test gives up.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// A moment at which the newest complete day is 2026-11-20 and the billing period (from the 21st) is about to end.
pub const NOW: &str = "2026-11-21T10:00:00Z";

pub fn fixed_clock() -> Clock {
    Clock::fixed(NOW.parse().expect("a time"))
}

/// What a test may change before the stage is built.
pub struct Setup {
    pub options: Options,
    pub clock: Clock,
    /// The interval of every collector.
    pub refresh: Duration,
    pub request_timeout: Duration,
    /// Keys below `collectors`, as YAML flow text.
    pub collectors: String,
    pub change: Box<dyn Fn(&mut Settings)>,
    /// Most series that an organization may have.
    pub max_series: usize,
    /// The folder in which figures outlive a restart.
    pub storage: Option<PathBuf>,
    /// How connections are served.
    pub serving: serve::Options,
    /// All that the demo collects, in place of the one organization.
    everything: bool,
}

impl Setup {
    /// One organization on a clock that stands still; collectors run once.
    pub fn new() -> Self {
        Self {
            options: Options {
                requests_per_minute: 100_000,
                talkdesk_requests_per_second: 100_000,
                ..Options::new(fixed_clock())
            },
            clock: fixed_clock(),
            refresh: Duration::from_hours(6),
            request_timeout: Duration::from_secs(30),
            collectors: "{}".to_owned(),
            change: Box::new(|_| {}),
            max_series: 20_000,
            storage: None,
            serving: serve::Options::default(),
            everything: false,
        }
    }

    /// All organizations and collectors of the demo, on a clock that stands still; collectors run once.
    pub fn everything() -> Self {
        Self { options: app::demo_options(fixed_clock()), everything: true, ..Self::new() }
    }

    /// Only these collectors, as YAML flow text without its braces.
    pub fn only(collectors: &str) -> Self {
        Self::new().collectors(&only(collectors))
    }

    pub fn scenario(mut self, yaml: &str) -> Self {
        self.options.scenario = scenario(yaml);
        self
    }

    pub fn storage(mut self, folder: &Path) -> Self {
        self.storage = Some(folder.to_owned());
        self
    }

    pub fn refresh(mut self, refresh: Duration) -> Self {
        self.refresh = refresh;
        self
    }

    pub fn collectors(mut self, yaml: &str) -> Self {
        yaml.clone_into(&mut self.collectors);
        self
    }

    pub fn change(mut self, change: impl Fn(&mut Settings) + 'static) -> Self {
        self.change = Box::new(change);
        self
    }

    fn config(&self, simulator: &Simulator, vendor: &str) -> Config {
        let mut config = if self.everything {
            app::demo_config(simulator, vendor).expect("a good configuration")
        } else {
            self.one_organization(vendor)
        };
        config.global.request_timeout = self.request_timeout;
        config.global.max_series_per_organization = self.max_series;
        for organization in &mut config.organizations {
            match &mut organization.provider {
                Provider::GenesysCloud(settings) => {
                    set_refresh(settings, self.refresh);
                    (self.change)(settings);
                }
                Provider::Talkdesk(settings) => set_talkdesk_refresh(settings, self.refresh),
            }
        }
        config
    }

    fn one_organization(&self, vendor: &str) -> Config {
        let text = format!(
            "organizations:\n  - name: acme\n    genesys_cloud:\n      api_url: {vendor}\n      login_url: {vendor}\n      \
             client_id: {CLIENT_ID}\n      client_secret: {CLIENT_SECRET}\n      billing_period: {{anchor_day: 21}}\n      \
             allowance: {{licenses: {{cx2_named: 100}}}}\n      overage_unit_price: {{amount: 0.0005, currency: USD}}\n      \
             collectors: {}\n",
            self.collectors
        );
        let mut config =
            Config::parse(Path::new("test.yml"), &text, &|_| None).expect("a good configuration");
        let Provider::GenesysCloud(settings) = &mut config.organizations[0].provider else {
            panic!("another provider")
        };
        settings.requests_per_minute = NonZeroU32::new(100_000).expect("not zero");
        config
    }

    /// The organizations whose billing the simulated partner may see.
    pub fn customer_ids(&self) -> Vec<String> {
        Simulator::new(self.options.clone()).customer_ids()
    }

    /// The id of the simulated organization that a client id belongs to.
    pub fn organization_id(&self, client_id: &str) -> String {
        Simulator::new(self.options.clone()).organization_id(client_id).expect("a known client").to_owned()
    }

    pub async fn start(self) -> Stage {
        let simulator = Simulator::new(self.options.clone());
        let vendor = Vendor::start(simulator.clone(), "127.0.0.1:0").await;
        let config = self.config(&simulator, &vendor.url());
        let ways = Ways { storage: self.storage, serving: self.serving, reload: None };
        Stage::start_with(config, self.clock.clone(), simulator, vendor, ways).await
    }
}

/// The `collectors` of a Genesys Cloud organization with only these, of which the others are switched off.
pub fn only(collectors: &str) -> String {
    let is_given = |name: &str| collectors.split(", ").any(|key| key.starts_with(&format!("{name}:")));
    let usual = ["usage", "client_summary", "oauth_clients", "limits", "billable_usage"].into_iter();
    let off = usual.filter(|name| !is_given(name)).map(|name| format!("{name}: {{enabled: false}}"));
    let keys: Vec<String> = std::iter::once(collectors.to_owned()).chain(off).collect();
    format!("{{{}}}", keys.join(", "))
}

/// Gives every collector the same interval, also one that a configuration could not have.
pub fn set_refresh(settings: &mut Settings, refresh: Duration) {
    for schedule in [
        settings.usage.as_mut().map(|usage| &mut usage.schedule),
        settings.client_summary.as_mut().map(|summary| &mut summary.schedule),
        settings.client_query.as_mut().map(|query| &mut query.schedule),
        settings.searches.as_mut().map(|searches| &mut searches.schedule),
        settings.app_client_usage.as_mut().map(|usage| &mut usage.schedule),
        settings.oauth_clients.as_mut(),
        settings.limits.as_mut(),
        settings.billable_usage.as_mut(),
        settings.contracts.as_mut(),
        settings.invoices.as_mut().map(|invoices| &mut invoices.schedule),
        settings.trustee_overview.as_mut().map(|overview| &mut overview.schedule),
    ]
    .into_iter()
    .flatten()
    {
        schedule.refresh = refresh;
    }
}

/// The same for Talkdesk.
pub fn set_talkdesk_refresh(settings: &mut talkdesk::Settings, refresh: Duration) {
    for schedule in [
        settings.usage.as_mut().map(|usage| &mut usage.schedule),
        settings.accounts.as_mut(),
        settings.products.as_mut(),
        settings.subscriptions.as_mut(),
        settings.invoices.as_mut().map(|invoices| &mut invoices.schedule),
    ]
    .into_iter()
    .flatten()
    {
        schedule.refresh = refresh;
    }
}

pub fn scenario(yaml: &str) -> Scenario {
    Scenario::parse(yaml).expect("a good scenario")
}

/// The simulator on a socket, which can be closed and opened again.
pub struct Vendor {
    pub address: String,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Vendor {
    pub async fn start(simulator: Simulator, address: &str) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let task =
            tokio::spawn(
                async move { simulator::serve(listener, simulator, stopped).await.expect("serves") },
            );
        Self { address, stop, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the vendor answers to anybody with a token.
    pub async fn get(&self, path: &str) -> Value {
        self.get_as(CLIENT_ID, path).await
    }

    /// What the vendor answers to the organization of a client.
    pub async fn get_as(&self, client_id: &str, path: &str) -> Value {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let token =
            http.post(format!("{}/oauth/token", self.url())).basic_auth(client_id, Some(CLIENT_SECRET));
        let token = token.form(&[("grant_type", "client_credentials")]).send().await.expect("an answer");
        let token: Value = token.json().await.expect("a token");
        let token = token["access_token"].as_str().expect("a token");
        let answer =
            http.get(format!("{}{path}", self.url())).bearer_auth(token).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("JSON")
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("the simulator ends");
    }
}

/// How the program may be started otherwise.
#[derive(Default)]
pub struct Ways {
    /// The folder in which figures outlive a restart.
    pub storage: Option<PathBuf>,
    /// How connections are served.
    pub serving: serve::Options,
    /// How it can be asked to reload.
    pub reload: Option<Reload>,
}

/// The running program.
pub struct Stage {
    pub simulator: Simulator,
    pub vendor: Option<Vendor>,
    pub url: String,
    pub http: reqwest::Client,
    config: Config,
    clock: Clock,
    storage: Option<PathBuf>,
    serving: serve::Options,
    running: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Stage {
    pub async fn start(config: Config, clock: Clock, simulator: Simulator, vendor: Vendor) -> Self {
        Self::start_with(config, clock, simulator, vendor, Ways::default()).await
    }

    /// The same, in other ways.
    pub async fn start_with(
        config: Config,
        clock: Clock,
        simulator: Simulator,
        vendor: Vendor,
        Ways { storage, serving, reload }: Ways,
    ) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let (url, vendor) = (String::new(), Some(vendor));
        let mut stage = Self { simulator, vendor, url, http, config, clock, storage, serving, running: None };
        stage.start_with_reload(reload).await;
        stage
    }

    /// Another exporter with the same configuration and vendor, which has no past.
    pub async fn another(&self) -> Self {
        let (config, clock, simulator) = (self.config.clone(), self.clock.clone(), self.simulator.clone());
        let (url, http, serving) = (String::new(), self.http.clone(), self.serving.clone());
        let mut another =
            Self { simulator, vendor: None, url, http, config, clock, storage: None, serving, running: None };
        another.start_exporter().await;
        another
    }

    /// Starts the exporter, again once it has been stopped; its address is another one then.
    pub async fn start_exporter(&mut self) {
        self.start_with_reload(None).await;
    }

    async fn start_with_reload(&mut self, reload: Option<Reload>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        self.url = format!("http://{}", listener.local_addr().expect("bound"));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let world = World {
            clock: self.clock.clone(),
            pacing: Pacing { unit: Duration::from_millis(1) },
            environment_proxy: false,
            telemetry_path: "/metrics".to_owned(),
            storage_path: self.storage.clone(),
            reload,
            serving: self.serving.clone(),
        };
        let config = self.config.clone();
        let task = tokio::spawn(async move {
            app::run(config, world, vec![listener], stopped).await.expect("runs");
        });
        self.running = Some((stop, task));
    }

    /// What the exporter is configured with when it is started next.
    pub fn reconfigure(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
    }

    /// What time it is for the exporter when it is started next.
    pub fn set_clock(&mut self, now: &str) {
        self.clock = Clock::fixed(now.parse().expect("a time"));
    }

    /// Stops the exporter; the vendor goes on.
    pub async fn stop_exporter(&mut self) {
        if let Some((stop, task)) = self.running.take() {
            stop.cancel();
            task.await.expect("the exporter ends");
        }
    }

    pub fn vendor(&self) -> &Vendor {
        self.vendor.as_ref().expect("the vendor runs")
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(format!("{}{path}", self.url)).send().await.expect("the exporter answers")
    }

    pub async fn post(&self, path: &str) -> (u16, String) {
        let request = self.http.post(format!("{}{path}", self.url));
        let answer = request.send().await.expect("the exporter answers");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    pub async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.expect("text")
    }

    pub async fn metrics(&self) -> Metrics {
        Metrics::parse(&self.text("/metrics").await)
    }

    /// Scrapes until `found` says so.
    pub async fn until(&self, what: &str, found: impl Fn(&Metrics) -> bool) -> Metrics {
        poll(what, async || Some(self.metrics().await).filter(|metrics| found(metrics))).await
    }

    /// Scrapes until `found` has nothing to complain of, and tells its last complaint where that is in vain.
    pub async fn until_or(&self, what: &str, found: impl Fn(&Metrics) -> Result<(), String>) -> Metrics {
        let mut complaint = String::new();
        let ask = async || {
            let metrics = self.metrics().await;
            match found(&metrics) {
                Ok(()) => Some(metrics),
                Err(why) => {
                    complaint = why;
                    None
                }
            }
        };
        let found = tokio::time::timeout(DEADLINE, ask_until(ask)).await;
        found.unwrap_or_else(|_| panic!("waited in vain for {what}: {complaint}"))
    }

    /// Scrapes until every collector has ended a run.
    pub async fn ready(&self) -> Metrics {
        poll("the exporter to be ready", async || (self.get("/-/ready").await.status() == 200).then_some(()))
            .await;
        self.metrics().await
    }

    pub async fn stop_vendor(&mut self) -> String {
        let vendor = self.vendor.take().expect("the vendor runs");
        let address = vendor.address.clone();
        vendor.stop().await;
        address
    }

    pub async fn stop(self) {
        if let Some((stop, _)) = &self.running {
            stop.cancel();
        }
        self.ended().await;
    }

    /// Waits until the exporter has ended by itself.
    pub async fn ended(mut self) {
        if let Some((_, task)) = self.running.take() {
            task.await.expect("the exporter ends");
        }
        if let Some(vendor) = self.vendor.take() {
            vendor.stop().await;
        }
    }
}

/// Asks again and again until there is an answer, or the deadline is over.
pub async fn poll<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    poll_within(DEADLINE, what, ask).await
}

/// The same with another deadline.
pub async fn poll_within<T>(deadline: Duration, what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    let answer = tokio::time::timeout(deadline, ask_until(ask)).await;
    answer.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

async fn ask_until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Compares with a golden file, or rewrites it when `UPDATE_GOLDEN` is set.
pub fn golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, actual).expect("the golden file can be written");
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = expected.lines().zip(actual.lines()).position(|(expected, actual)| expected != actual);
    assert!(
        expected == actual,
        "{name} differs, first in line {:?}\n  expected {:?}\n  actual   {:?}\nIf that is meant, run `make golden` and review the difference.",
        differing.map(|line| line + 1),
        differing.and_then(|line| expected.lines().nth(line)),
        differing.and_then(|line| actual.lines().nth(line)),
    );
}

/// Runs a program of the machine with `input`, and returns whether it succeeded and what it said.
pub fn program(name: &str, arguments: &[&str], input: &str) -> (bool, String) {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut child = Command::new(name)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{name} cannot be run ({error}): `make prepare` installs it"));
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("takes its input");
    let output = child.wait_with_output().expect("ends");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}
