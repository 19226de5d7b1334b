//! Changing the configuration and the secrets of the running program.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::ops::Deref;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ccaas_exporter::app::Reload;
use ccaas_exporter::clock::Clock;
use ccaas_exporter::config::{Config, Provider};
use ccaas_exporter::lifecycle::lifecycle;
use ccaas_exporter::simulator::{CLIENT_SECRET, Options, Simulator};
use futures_util::future::join_all;
use support::{DEADLINE, Metrics, Stage, Vendor, only, poll, scenario, set_refresh};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A vendor and a folder with a configuration and a secret.
struct Ground {
    simulator: Simulator,
    vendor: Vendor,
    folder: TempDir,
}

impl Ground {
    async fn new(faults: &str) -> Self {
        let simulator = Simulator::new(Options {
            requests_per_minute: 100_000,
            talkdesk_requests_per_second: 100_000,
            scenario: scenario(faults),
            ..Options::new(Clock::system())
        });
        let vendor = Vendor::start(simulator.clone(), "127.0.0.1:0").await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), CLIENT_SECRET).unwrap();
        Self { simulator, vendor, folder }
    }

    /// An organization with the collectors that are named.
    fn genesys(&self, name: &str, client_id: &str, collectors: &str) -> String {
        let (url, collectors) = (self.vendor.url(), only(collectors));
        format!(
            "  - {{name: {name}, genesys_cloud: {{api_url: '{url}', login_url: '{url}', client_id: {client_id}, \
             client_secret_file: secret, rate_limit: {{requests_per_minute: 100000}}, collectors: {collectors}}}}}\n"
        )
    }

    /// Asks only `listOAuthClients`.
    fn acme(&self) -> String {
        self.genesys("acme", "demo", "oauth_clients: {}")
    }

    /// Asks only `getEffectiveLimits`.
    fn umbrella(&self, refresh: &str) -> String {
        self.genesys("umbrella", "demo-calm", &format!("limits: {{refresh: {refresh}}}"))
    }

    /// Asks only `listAccounts`.
    fn globex(&self) -> String {
        let url = self.vendor.url();
        format!(
            "  - {{name: globex, talkdesk: {{api_url: '{url}', token_url: '{url}/oauth/token', client_id: demo, client_secret_file: \
             secret, collectors: {{usage: {{enabled: false}}, products: {{enabled: false}}, subscriptions: {{enabled: false}}}}}}}}\n"
        )
    }

    fn config(&self) -> std::path::PathBuf {
        self.folder.path().join("config.yml")
    }

    fn write(&self, global: &str, organizations: &[String]) {
        let text = format!("global: {{{global}}}\norganizations:\n{}", organizations.concat());
        std::fs::write(self.config(), text).unwrap();
    }

    /// How often an organization's operation was asked for.
    fn count(&self, operation: &str) -> usize {
        self.simulator.count(operation)
    }
}

/// The program on a ground.
struct Scene {
    ground: Ground,
    stage: Stage,
}

impl Deref for Scene {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

impl Scene {
    async fn start(ground: Ground) -> Self {
        Self::start_with(ground, |_| ()).await
    }

    /// Starts with a configuration that `change` has changed, also at each reload.
    async fn start_with(ground: Ground, change: impl Fn(&mut Config) + Send + Sync + 'static) -> Self {
        let path = ground.config();
        let source = move || {
            let mut config = Config::load(&path, &|_| None)?;
            change(&mut config);
            Ok(config)
        };
        let config = source().unwrap();
        let (control, requests) = lifecycle();
        let reload = Reload { requests, source: Arc::new(source), control: Some(control) };
        // The stage needs a vendor of its own to stop; ours outlives it.
        let spare = Vendor::start(ground.simulator.clone(), "127.0.0.1:0").await;
        let simulator = ground.simulator.clone();
        let stage = Stage::start_with(config, Some(reload), Clock::system(), simulator, spare).await;
        Self { ground, stage }
    }

    async fn reload(&self) -> (u16, String) {
        self.stage.post("/-/reload").await
    }

    async fn reload_well(&self) -> String {
        let (status, text) = self.reload().await;
        assert_eq!(status, 200, "{text}");
        text
    }

    async fn organizations(&self) -> Vec<String> {
        let groups: serde_json::Value = self.stage.get("/sd").await.json().await.unwrap();
        let name =
            |group: &serde_json::Value| group["labels"]["__param_organization"].as_str().unwrap().to_owned();
        groups.as_array().unwrap().iter().map(name).collect()
    }

    async fn stop(self) {
        self.stage.stop().await;
        self.ground.vendor.stop().await;
    }
}

/// Everything that the exporter tells of an organization, as text to compare.
fn all_of(metrics: &Metrics, organization: &str) -> Vec<String> {
    let of = |sample: &&support::text::Sample| sample.label("organization") == organization;
    metrics.samples.iter().filter(of).map(|sample| format!("{sample:?}")).collect()
}

fn of(metrics: &Metrics, name: &str, organization: &str) -> Option<f64> {
    metrics.value(name, &[("organization", organization)])
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_is_touched() {
    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme(), ground.umbrella("6h"), ground.globex()]);
    let scene = Scene::start(ground).await;
    let before = scene.stage.ready().await;
    assert_eq!(scene.organizations().await, ["acme", "umbrella", "globex"]);
    let counts = || ["listOAuthClients", "getEffectiveLimits", "listAccounts"].map(|name| scene.count(name));
    assert_eq!(counts(), [1, 1, 1]);
    assert!(all_of(&before, "globex").len() > 20);

    // One is changed, one is removed, one comes before the others; who looks meanwhile sees nothing twice and no gap of `acme`.
    let newcomer = scene.genesys("hooli", "demo-partner", "limits: {}");
    scene.write("", &[newcomer, scene.umbrella("7h"), scene.acme()]);
    let is_over = AtomicBool::new(false);
    let looking = async {
        let mut looks = 0;
        while !is_over.load(Ordering::Relaxed) {
            let metrics = scene.stage.metrics().await;
            assert!(metrics.of("genesyscloud_oauth_client_info", &[("organization", "acme")]).count() > 5);
            assert_eq!(scene.stage.get("/-/ready").await.status(), 200);
            looks += 1;
        }
        looks
    };
    let reloading = async {
        let said = scene.reload_well().await;
        is_over.store(true, Ordering::Relaxed);
        said
    };
    let (looks, said) = tokio::join!(looking, reloading);
    assert!(looks > 0);
    assert!(said.contains("1 unchanged, 1 restarted, 1 added, 1 removed"), "{said}");

    assert_eq!(scene.organizations().await, ["hooli", "umbrella", "acme"]);
    let after = scene
        .stage
        .until("the started ones", |metrics| {
            metrics.of("ccaas_exporter_collector_up", &[]).all(|sample| sample.value == 1.0)
        })
        .await;
    assert_eq!(all_of(&after, "globex"), Vec::<String>::new());
    for page in ["/metrics", "/", "/sd", "/api/v1/status", "/config"] {
        let text = scene.stage.text(page).await;
        assert!(!text.contains("globex") && (text.contains("hooli")), "{page}: {text}");
    }
    assert!(scene.stage.text("/config").await.contains("refresh: 7h"));
    assert_eq!(scene.stage.get("/metrics?organization=globex").await.status(), 400);
    // What did not change kept all that it had; what did started from zero.
    let without_time = |metrics: &Metrics| {
        let mut all = all_of(metrics, "acme");
        all.retain(|sample| !sample.contains("budget_remaining"));
        all
    };
    assert_eq!(without_time(&after), without_time(&before));
    assert_eq!(counts(), [1, 3, 1]);
    assert_eq!(of(&after, "ccaas_exporter_collector_polls_total", "umbrella"), Some(1.0));
    let requests = after.of("ccaas_exporter_api_requests_total", &[("organization", "umbrella")]);
    assert_eq!(requests.map(|sample| sample.value).collect::<Vec<_>>(), [1.0, 1.0]);
    let read = |metrics: &Metrics| {
        metrics.value("ccaas_exporter_config_last_reload_success_timestamp_seconds", &[]).unwrap()
    };
    assert!(read(&after) >= read(&before));

    // Room for series is no reason to start anything anew.
    scene.write("max_series_per_organization: 19000", &[scene.acme()]);
    let said = scene.reload_well().await;
    assert!(said.contains("1 unchanged, 0 restarted, 0 added, 2 removed"), "{said}");
    assert_eq!(counts(), [1, 3, 1]);
    assert_eq!(scene.stage.get("/-/healthy").await.status(), 200);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_goes_on_through_a_reload_and_ends_with_its_organization() {
    let ground = Ground::new("faults:\n  - {operation: listOAuthClients, fault: {delay: 2s}}").await;
    ground.write("", &[ground.acme(), ground.umbrella("6h")]);
    let scene = Scene::start(ground).await;
    poll("the poll of acme", async || (scene.count("listOAuthClients") == 1).then_some(())).await;
    scene.write("", &[scene.acme(), scene.umbrella("7h")]);
    scene.reload_well().await;
    let is_up = |metrics: &Metrics| of(metrics, "ccaas_exporter_collector_up", "acme") == Some(1.0);
    let metrics = scene.stage.until("the end of the poll", is_up).await;
    assert_eq!(scene.count("listOAuthClients"), 1);
    assert_eq!(metrics.of("ccaas_exporter_api_requests_total", &[("code", "cancelled")]).count(), 0);

    // Restarted, it polls again; removed in the middle of that, nothing of it is left.
    scene.write("request_timeout: 29s", &[scene.acme(), scene.umbrella("7h")]);
    let said = scene.reload_well().await;
    assert!(said.contains("0 unchanged, 2 restarted"), "{said}");
    poll("the second poll of acme", async || (scene.count("listOAuthClients") == 2).then_some(())).await;
    scene.write("request_timeout: 29s", &[scene.umbrella("7h")]);
    scene.reload_well().await;
    let metrics = scene.stage.metrics().await;
    assert_eq!(all_of(&metrics, "acme"), Vec::<String>::new());
    assert_eq!(metrics.of("ccaas_exporter_api_requests_total", &[("code", "cancelled")]).count(), 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_configuration_changes_nothing_and_all_its_faults_are_told() {
    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme()]);
    let scene = Scene::start(ground).await;
    let before = scene.stage.ready().await;
    let shown = scene.stage.text("/config").await;
    let text = "organisations: []\norganizations: [{name: acme, genesys_cloud: {region: planted-mars, client_id: a, \
                client_secret: planted-secret, colectors: {}}}]\n";
    std::fs::write(scene.config(), text).unwrap();
    let (status, said) = scene.reload().await;
    assert_eq!(status, 500);
    for fault in ["organisations", "region", "colectors", "config.yml:1", "config.yml:2"] {
        assert!(said.contains(fault), "{fault}: {said}");
    }
    assert!(!said.contains("planted-secret"));
    let successful = |metrics: &Metrics| metrics.value("ccaas_exporter_config_last_reload_successful", &[]);
    let after = scene.stage.until("the refusal", |metrics| successful(metrics) == Some(0.0)).await;
    assert_eq!(of(&after, "ccaas_exporter_collector_polls_total", "acme"), Some(1.0));
    assert_eq!(all_of(&after, "acme").len(), all_of(&before, "acme").len());
    assert_eq!(scene.stage.text("/config").await, shown);
    assert_eq!(scene.count("listOAuthClients"), 1);

    // A file that cannot be used counts as a fault too.
    std::fs::remove_file(scene.folder.path().join("secret")).unwrap();
    scene.write("", &[scene.acme()]);
    let (status, said) = scene.reload().await;
    assert!(status == 500 && said.contains("client_secret_file"), "{said}");
    std::fs::write(scene.folder.path().join("secret"), CLIENT_SECRET).unwrap();
    assert!(scene.reload_well().await.contains("1 unchanged"));
    scene.stage.until("the good one", |metrics| successful(metrics) == Some(1.0)).await;
    assert_eq!(scene.count("listOAuthClients"), 1);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_change_nothing_unless_a_flag_allows_it() {
    let stage = support::Setup::only("oauth_clients: {}").start().await;
    for path in ["/-/reload", "/-/quit"] {
        let (status, said) = stage.post(path).await;
        assert!(status == 403 && said.contains("--web.enable-lifecycle"), "{path}: {status} {said}");
        assert_eq!(stage.get(path).await.status(), 405, "{path}");
    }
    stage.ready().await;
    stage.stop().await;

    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme()]);
    let scene = Scene::start(ground).await;
    for path in ["/-/reload", "/-/quit"] {
        assert_eq!(scene.stage.get(path).await.status(), 405, "{path}");
    }
    assert_eq!(scene.stage.post("/-/quit").await.0, 200);
    tokio::time::timeout(DEADLINE, scene.stage.ended()).await.unwrap();
    scene.ground.vendor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_reloads_at_once_are_all_answered_and_end_in_one_state() {
    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme(), ground.umbrella("6h")]);
    let scene = Scene::start(ground).await;
    scene.stage.ready().await;
    scene.write("", &[scene.acme(), scene.umbrella("7h")]);
    let answers = join_all((0..20).map(|_| scene.reload())).await;
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    // Whoever came first has found the change; those who came with it share its answer.
    assert!(answers.iter().any(|(_, said)| said.contains("1 restarted")), "{answers:?}");
    let metrics = scene
        .stage
        .until("the restarted one", |metrics| {
            of(metrics, "ccaas_exporter_collector_polls_total", "umbrella") == Some(1.0)
        })
        .await;
    assert_eq!(of(&metrics, "ccaas_exporter_collector_polls_total", "acme"), Some(1.0));
    assert_eq!([scene.count("listOAuthClients"), scene.count("getEffectiveLimits")], [1, 2]);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_program_does_not_wait_for_a_reload() {
    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme()]);
    let (release, hold) = std::sync::mpsc::channel::<()>();
    let (hold, loads) = (std::sync::Mutex::new(hold), std::sync::atomic::AtomicUsize::new(0));
    // The first configuration is read at once, the next one not before it is let go.
    let scene = Scene::start_with(ground, move |_| {
        if loads.fetch_add(1, Ordering::Relaxed) > 0 {
            let _ = hold.lock().unwrap().recv();
        }
    })
    .await;
    scene.stage.ready().await;
    let Scene { ground, stage } = scene;
    let (http, url) = (stage.http.clone(), format!("{}/-/reload", stage.url));
    let asking = tokio::spawn(async move { http.post(url).send().await.unwrap().status() });
    poll("the reload to have begun", async || {
        // A second one has to wait for the first: only then it has begun.
        let second = stage.http.post(format!("{}/-/reload", stage.url)).timeout(Duration::from_millis(200));
        second.send().await.is_err().then_some(())
    })
    .await;
    tokio::time::timeout(Duration::from_secs(10), stage.stop()).await.unwrap();
    assert_eq!(asking.await.unwrap(), 500);
    drop(release);
    ground.vendor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_proxy_or_certificate_file_starts_all_anew_at_a_reload_and_an_unchanged_one_nothing() {
    let ground = Ground::new("faults: []").await;
    let at = |name: &str| ground.folder.path().join(name);
    let proxy =
        |port: &str| std::fs::write(at("proxy"), format!("http://user:planted@127.0.0.1:{port}")).unwrap();
    proxy("1");
    ground.write("proxy_url_file: proxy", &[ground.acme()]);
    let scene = Scene::start(ground).await;
    let metrics = scene.stage.ready().await;
    assert_eq!(metrics.collector("up", "oauth_clients"), 0.0, "there is no such proxy");
    assert!(scene.reload_well().await.contains("1 unchanged, 0 restarted"));
    // The vendor's own address serves as a proxy for itself.
    let vendor = scene.vendor.address.rsplit(':').next().unwrap().to_owned();
    let secret = format!("http://user:planted@127.0.0.1:{vendor}");
    std::fs::write(scene.folder.path().join("proxy"), secret).unwrap();
    assert!(scene.reload_well().await.contains("0 unchanged, 1 restarted"));
    let is_up = |metrics: &Metrics| of(metrics, "ccaas_exporter_collector_up", "acme") == Some(1.0);
    scene.stage.until("figures through the new proxy", is_up).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_secret_is_taken_over_without_a_gap_and_a_bad_one_does_no_harm() {
    let ground = Ground::new("faults: []").await;
    // As Kubernetes has it: a link through a link to a folder.
    let at = |name: &str| ground.folder.path().join(name);
    let folder = |name: &str, text: &str| {
        std::fs::create_dir(at(name)).unwrap();
        std::fs::write(at(name).join("secret"), text).unwrap();
    };
    let swap = |folder: &Path, name: &str| {
        std::os::unix::fs::symlink(name, folder.join("..next")).unwrap();
        std::fs::rename(folder.join("..next"), folder.join("..data")).unwrap();
    };
    folder("1", CLIENT_SECRET);
    folder("2", "planted-bad");
    folder("3", "rotated");
    std::fs::remove_file(at("secret")).unwrap();
    swap(ground.folder.path(), "1");
    std::os::unix::fs::symlink("..data/secret", at("secret")).unwrap();
    ground.write("", &[ground.acme()]);
    let scene = Scene::start_with(ground, |config| {
        let Provider::GenesysCloud(settings) = &mut config.organizations[0].provider else { panic!() };
        set_refresh(settings, Duration::from_millis(500));
    })
    .await;
    let first = scene.stage.ready().await;
    let polls = |metrics: &Metrics| of(metrics, "ccaas_exporter_collector_polls_total", "acme").unwrap();
    let expiry = |metrics: &Metrics| {
        of(metrics, "ccaas_exporter_oauth_token_expiry_timestamp_seconds", "acme").unwrap()
    };
    assert!(expiry(&first) > 0.0);
    assert_eq!(scene.count("createToken"), 1);

    // A bad one is found out and not insisted on, and the token before goes on.
    swap(scene.folder.path(), "2");
    poll("a try with the bad secret", async || (scene.count("createToken") == 2).then_some(())).await;
    let now = scene.stage.metrics().await;
    let later = scene.stage.until("more polls", |metrics| polls(metrics) > polls(&now) + 2.0).await;
    assert_eq!(scene.count("createToken"), 2, "one try with the bad secret");
    assert_eq!(expiry(&later), expiry(&first));

    // The vendor takes the next one.
    scene.simulator.set_client_secret("rotated");
    swap(scene.folder.path(), "3");
    poll("a token for the new secret", async || (scene.count("createToken") == 3).then_some(())).await;
    let last = scene.stage.until("a later expiry", |metrics| expiry(metrics) > expiry(&first)).await;
    let failures = last.of("ccaas_exporter_collector_failures_total", &[("organization", "acme")]);
    assert_eq!(failures.map(|sample| sample.value).sum::<f64>(), 0.0, "no poll failed");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_vendor_no_longer_takes_counts_as_none_until_there_is_another() {
    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme()]);
    let scene = Scene::start_with(ground, |config| {
        let Provider::GenesysCloud(settings) = &mut config.organizations[0].provider else { panic!() };
        set_refresh(settings, Duration::from_millis(500));
    })
    .await;
    let expiry = |metrics: &Metrics| {
        of(metrics, "ccaas_exporter_oauth_token_expiry_timestamp_seconds", "acme").unwrap()
    };
    assert!(expiry(&scene.stage.ready().await) > 0.0);
    let faults = "faults:\n  - {operation: listOAuthClients, fault: {expire_token: true}}\n  \
                  - {operation: createToken, fault: {status: 401}}";
    scene.simulator.set_scenario(scenario(faults));
    scene.stage.until("no token", |metrics| expiry(metrics) == 0.0).await;
    scene.simulator.set_scenario(scenario("faults: []"));
    scene.stage.until("another token", |metrics| expiry(metrics) > 0.0).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_task_is_left_behind_by_reloads() {
    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme(), ground.umbrella("6h"), ground.globex()]);
    let scene = Scene::start(ground).await;
    scene.stage.ready().await;
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let mut counted = Vec::new();
    for round in 0..60 {
        let refresh = if round % 2 == 0 { "7h" } else { "8h" };
        let more = if round % 3 == 0 { scene.globex() } else { String::new() };
        scene.write("", &[scene.acme(), scene.umbrella(refresh), more]);
        scene.reload_well().await;
        counted.push(tasks());
    }
    let (early, late) = (counted[..10].iter().max().unwrap(), counted[50..].iter().min().unwrap());
    assert!(late <= &(early + 5), "{counted:?}");
    assert_eq!(scene.count("listOAuthClients"), 1, "the one that never changed");
    scene.stop().await;
}

/// The real program.
struct Program {
    child: Child,
    url: String,
    http: reqwest::Client,
}

impl Program {
    fn start(arguments: &[String], variables: &[(&str, String)]) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = Command::new(env!("CARGO_BIN_EXE_ccaas-exporter"))
            .args(arguments)
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .env_clear()
            .envs(variables.iter().cloned())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        // A full pipe would hold it up.
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, url: format!("http://127.0.0.1:{port}"), http }
    }

    async fn text(&self, path: &str) -> Option<String> {
        self.http.get(format!("{}{path}", self.url)).send().await.ok()?.text().await.ok()
    }

    async fn metrics(&self) -> Option<Metrics> {
        Some(Metrics::parse(&self.text("/metrics").await?))
    }

    async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([name, &id]).status().await.unwrap().success());
    }

    async fn end(mut self) {
        self.signal("-TERM").await;
        let ended = tokio::time::timeout(DEADLINE, self.child.wait()).await.unwrap().unwrap();
        assert_eq!(ended.code(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_reloads_a_file_and_variables() {
    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme()]);
    let program = Program::start(&[format!("--config.file={}", ground.config().display())], &[]);
    let up = |metrics: &Metrics, organization: &str| {
        of(metrics, "ccaas_exporter_collector_up", organization) == Some(1.0)
    };
    let is_up = async |organization: &str| {
        program.metrics().await.is_some_and(|metrics| up(&metrics, organization)).then_some(())
    };
    poll("figures", async || is_up("acme").await).await;
    ground.write("", &[ground.acme(), ground.umbrella("6h")]);
    program.signal("-HUP").await;
    poll("figures of both", async || is_up("umbrella").await).await;
    assert_eq!(ground.count("listOAuthClients"), 1);
    std::fs::write(ground.config(), "organizations: 3\n").unwrap();
    program.signal("-HUP").await;
    let successful = "ccaas_exporter_config_last_reload_successful";
    poll("the refusal", async || {
        (program.metrics().await?.value(successful, &[]) == Some(0.0)).then_some(())
    })
    .await;
    assert!(is_up("umbrella").await.is_some());
    program.end().await;
    ground.vendor.stop().await;

    let folder = tempfile::tempdir().unwrap();
    let id = folder.path().join("id");
    std::fs::write(&id, "first-client").unwrap();
    let variables = [
        ("GENESYSCLOUD_REGION", "us-east-1".to_owned()),
        ("GENESYSCLOUD_OAUTHCLIENT_ID_FILE", id.display().to_string()),
        ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "secret".to_owned()),
    ];
    let program = Program::start(&[], &variables);
    let shows = async |text: &str| program.text("/config").await?.contains(text).then_some(());
    poll("the first configuration", async || shows("first-client").await).await;
    std::fs::write(&id, "second-client").unwrap();
    program.signal("-HUP").await;
    poll("the second configuration", async || shows("second-client").await).await;
    program.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_reloads_leave_series_files_and_memory_as_they_were() {
    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme(), ground.umbrella("6h")]);
    let variable = ("CCAAS_EXPORTER_WEB_ENABLE_LIFECYCLE", "1".to_owned());
    let program = Program::start(&[format!("--config.file={}", ground.config().display())], &[variable]);
    poll("the start", async || program.text("/-/ready").await.filter(|text| text == "ready\n")).await;
    let mut seen = Vec::new();
    for round in 1..=200 {
        // Every reload starts one organization anew, every tenth the whole way to the vendors.
        let refresh = if round % 2 == 0 { "6h" } else { "7h" };
        let timeout = format!("request_timeout: {}s", 20 + round / 10 % 2);
        ground.write(&timeout, &[ground.acme(), ground.umbrella(refresh)]);
        let answer = program.http.post(format!("{}/-/reload", program.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        if round % 50 == 0 {
            let metrics = poll("all to be up", async || {
                let metrics = program.metrics().await?;
                let mut up = metrics.of("ccaas_exporter_collector_up", &[]);
                up.all(|sample| sample.value == 1.0).then_some(metrics.clone())
            })
            .await;
            let value = |name| metrics.value(name, &[]).unwrap();
            let [files, memory] = ["process_open_fds", "process_resident_memory_bytes"].map(value);
            seen.push((metrics.samples.len(), files, memory / 1e6));
        }
    }
    let ((series, files, memory), (last_series, last_files, last_memory)) = (seen[0], seen[3]);
    assert_eq!(series, last_series, "{seen:?}");
    assert!(last_files <= files + 6.0, "{seen:?}");
    assert!(last_memory <= memory + 10.0, "{seen:?}");
    program.end().await;
    ground.vendor.stop().await;
}
