//! What outlives the process: figures with their age, the schedule, jobs at the vendor. And what a broken disk cannot break.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ccaas_exporter::clock::Clock;
use ccaas_exporter::config::Provider;
use support::{Metrics, Setup, Stage, poll};

const USAGE: &str = "usage: {lookback: 30d}";

/// The samples that a restart must not change: the vendor's, and what tells their age.
fn lasting(metrics: &Metrics) -> Vec<String> {
    let lasting = [
        "up",
        "supported",
        "last_success_timestamp_seconds",
        "last_attempt_timestamp_seconds",
        "data_through_timestamp_seconds",
        "series",
    ]
    .map(|name| format!("ccaas_exporter_collector_{name}"));
    let is_lasting = |name: &str| {
        !name.starts_with("ccaas_") && !name.starts_with("process_")
            || lasting.iter().any(|lasting| lasting == name)
    };
    let samples = metrics.samples.iter().filter(|sample| is_lasting(&sample.name));
    samples.map(|sample| format!("{}{:?} {}", sample.name, sample.labels, sample.value)).collect()
}

/// What only one of the two has.
fn difference(one: &Metrics, other: &Metrics) -> Vec<String> {
    let (one, other) = (lasting(one), lasting(other));
    let more = one.iter().filter(|sample| !other.contains(sample)).map(|sample| format!("+{sample}"));
    more.chain(other.iter().filter(|sample| !one.contains(sample)).map(|sample| format!("-{sample}")))
        .collect()
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    files.sort();
    files
}

fn reads_failed(metrics: &Metrics) -> f64 {
    metrics.value("ccaas_exporter_storage_failures_total", &[("operation", "read")]).unwrap()
}

fn requests(metrics: &Metrics) -> f64 {
    metrics.of("ccaas_exporter_api_requests_total", &[]).map(|sample| sample.value).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_figures_with_the_same_age_are_served_after_a_restart_though_the_vendor_is_down() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Setup::everything().storage(folder.path()).start().await;
    let all_up = |metrics: &Metrics| metrics.of("ccaas_exporter_collector_up", &[]).all(|up| up.value == 1.0);
    stage.ready().await;
    let before = stage.until("all to be well", all_up).await;
    stage.stop_exporter().await;
    stage.stop_vendor().await;

    stage.start_exporter().await;
    let after = stage.ready().await;
    assert!(lasting(&before).len() > 2000, "{}", lasting(&before).len());
    assert_eq!(difference(&after, &before), Vec::<String>::new());
    assert_eq!(requests(&after), 0.0);
    assert_eq!(
        after.of("ccaas_exporter_collector_polls_total", &[]).map(|polls| polls.value).sum::<f64>(),
        0.0
    );
    assert_eq!(reads_failed(&after), 0.0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_keeps_its_schedule_and_its_failures_through_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = "faults: [{operation: getEffectiveLimits, fault: {status: 400}}]";
    let mut stage = Setup::only("limits: {}, usage: {lookback: 30d}")
        .scenario(scenario)
        .storage(folder.path())
        .start()
        .await;
    let before = stage.ready().await;
    assert_eq!(before.collector("up", "limits"), 0.0);
    let asked = stage.simulator.requests().len();
    for _ in 0..20 {
        stage.stop_exporter().await;
        stage.start_exporter().await;
        let after = stage.ready().await;
        for name in ["usage", "limits"] {
            assert_eq!(
                after.collector("next_run_timestamp_seconds", name),
                before.collector("next_run_timestamp_seconds", name)
            );
        }
        assert_eq!(lasting(&after), lasting(&before));
    }
    assert_eq!(stage.simulator.requests().len(), asked, "a crash loop asks the vendor for nothing");
    let status: serde_json::Value = stage.get("/api/v1/status").await.json().await.unwrap();
    let limits =
        status["collectors"].as_array().unwrap().iter().find(|status| status["collector"] == "limits");
    assert!(limits.unwrap()["last_error"]["message"].as_str().unwrap().contains("400"));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_job_is_waited_for_after_a_restart_and_not_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = "faults: [{operation: getUsageAggregatesJob, fault: {status: 500}}]";
    let setup = Setup::only(USAGE).scenario(scenario).storage(folder.path()).refresh(Duration::from_secs(2));
    let mut stage = setup.start().await;
    poll("the job to be started", async || {
        (stage.simulator.count("getUsageAggregatesJob") > 0).then_some(())
    })
    .await;
    stage.stop_exporter().await;
    assert_eq!(stage.simulator.count("postUsageAggregatesJob"), 1);

    stage.simulator.set_scenario(support::scenario("faults: []"));
    stage.start_exporter().await;
    stage.until("figures", |metrics| metrics.collector("up", "usage") == 1.0).await;
    let posts = stage.simulator.count("postUsageAggregatesJob");
    assert!((2..=3).contains(&posts), "the first job, that of the endpoints, and none twice: {posts}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_in_its_run_does_not_run_again_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = "faults: [{operation: '*', fault: {hang: true}}]";
    let mut stage = Setup::only(USAGE).scenario(scenario).storage(folder.path()).start().await;
    poll("a run", async || (!stage.simulator.requests().is_empty()).then_some(())).await;
    let asked = stage.simulator.requests().len();
    for _ in 0..5 {
        stage.stop_exporter().await;
        stage.start_exporter().await;
        stage.metrics().await;
    }
    assert_eq!(stage.simulator.requests().len(), asked);
    let next_run =
        stage.until("a plan", |metrics| metrics.collector("next_run_timestamp_seconds", "usage") > 0.0).await;
    let now = support::fixed_clock().now().as_second() as f64;
    let wait = next_run.collector("next_run_timestamp_seconds", "usage") - now;
    assert!((15.0..=30.0).contains(&wait), "{wait}");
    stage.stop().await;
}

/// Breaks all files of a kind and starts again.
async fn with_broken_files(
    ending: &str,
    broken: impl Fn(Vec<u8>) -> Vec<u8>,
) -> (Stage, tempfile::TempDir, Metrics) {
    let folder = tempfile::tempdir().unwrap();
    let mut stage =
        Setup::only("usage: {lookback: 30d}, oauth_clients: {}").storage(folder.path()).start().await;
    let before = stage.ready().await;
    stage.stop_exporter().await;
    let broken_files = files(folder.path(), ending);
    assert_eq!(broken_files.len(), 2, "{broken_files:?}");
    for path in &broken_files {
        fs::write(path, broken(fs::read(path).unwrap())).unwrap();
    }
    stage.start_exporter().await;
    stage.until("the files to be found", |metrics| reads_failed(metrics) == 2.0).await;
    assert_eq!(files(folder.path(), &format!("{ending}.unusable")).len(), 2);
    assert_eq!(before.collector("up", "usage"), 1.0);
    (stage, folder, before)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_used_are_set_aside_and_their_figures_collected_anew() {
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    let flipped = |mut bytes: Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x20;
        bytes
    };
    let newer =
        |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replacen("storage 1", "storage 2", 1).into_bytes();
    let foreign = |_| b"[core]\n\trepositoryformatversion = 0\n".to_vec();
    let empty = |_| Vec::new();
    let breaks: [&dyn Fn(Vec<u8>) -> Vec<u8>; 5] = [&cut, &flipped, &newer, &foreign, &empty];
    for (nth, broken) in breaks.into_iter().enumerate() {
        let (stage, _folder, before) = with_broken_files(".figures", broken).await;
        stage.until("new figures", |metrics| metrics.collector("up", "usage") == 1.0).await;
        let vendor = |metrics: &Metrics| {
            metrics.samples.iter().filter(|sample| sample.name.starts_with("genesys")).count()
        };
        let after = stage.until("all figures", |metrics| vendor(metrics) == vendor(&before)).await;
        assert!(requests(&after) > 0.0, "break {nth}");
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_served_also_when_their_course_is_lost() {
    let (stage, _folder, before) = with_broken_files(".course", |_| b"nonsense".to_vec()).await;
    let after = stage.ready().await;
    let vendor = |metrics: &Metrics| -> Vec<String> {
        lasting(metrics).into_iter().filter(|sample| sample.starts_with("genesys")).collect()
    };
    assert_eq!(vendor(&after), vendor(&before));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_another_account_are_not_taken_for_ours() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Setup::only("oauth_clients: {}").storage(folder.path()).start().await;
    stage.ready().await;
    stage.stop_exporter().await;
    for path in files(folder.path(), ".figures") {
        let text = fs::read_to_string(&path).unwrap().replacen(" of demo at", " of else at", 1);
        let content = text.splitn(3, '\n').nth(2).unwrap();
        let checksum = crc32fast::hash(content.as_bytes());
        fs::write(&path, format!("ccaas-exporter storage 1\n{checksum:08x}\n{content}")).unwrap();
    }
    stage.start_exporter().await;
    let metrics = stage.until("a new run", |metrics| requests(metrics) > 0.0).await;
    assert_eq!(reads_failed(&metrics), 1.0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_is_told_and_costs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file/below");
    fs::write(folder.path().join("file"), "").unwrap();
    let stage = Setup::only("oauth_clients: {}").storage(&path).start().await;
    let written = |metrics: &Metrics| metrics.value("ccaas_exporter_storage_last_write_successful", &[]);
    let metrics = stage.ready().await;
    assert_eq!((metrics.collector("up", "oauth_clients"), written(&metrics)), (1.0, Some(0.0)));
    stage.stop().await;

    // Once it can be written, it is.
    let setup = Setup::only("oauth_clients: {}").storage(&path).refresh(Duration::from_secs(1));
    let stage = setup.start().await;
    stage.until("trouble", |metrics| written(metrics) == Some(0.0)).await;
    fs::remove_file(folder.path().join("file")).unwrap();
    stage.until("the figures to be kept", |metrics| written(metrics) == Some(1.0)).await;
    assert_eq!(files(&path, ".figures").len(), 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_that_became_too_old_meanwhile_are_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::only("oauth_clients: {refresh: 1h, max_staleness: 2h}").storage(folder.path());
    let mut stage = setup.start().await;
    stage.ready().await;
    stage.stop_exporter().await;
    stage.stop_vendor().await;
    stage.set_clock("2026-11-21T12:30:00Z");
    stage.start_exporter().await;
    stage
        .until("the last success", |metrics| {
            metrics.collector("last_success_timestamp_seconds", "oauth_clients") > 0.0
        })
        .await;
    let metrics =
        stage.until("the figures to go", |metrics| metrics.collector("series", "oauth_clients") == 0.0).await;
    assert_eq!(metrics.of("genesyscloud_oauth_client_info", &[]).count(), 0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Setup::only("limits: {}").storage(folder.path()).start().await;
    stage.ready().await;
    let config = folder.path().join("config.yml");
    fs::write(
        &config,
        "organizations: [{name: a, genesys_cloud: {region: us-east-1, client_id: a, client_secret: b}}]",
    )
    .unwrap();
    let second = tokio::process::Command::new(env!("CARGO_BIN_EXE_ccaas-exporter"))
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.path={}", folder.path().display()))
        .arg("--web.listen-address=127.0.0.1:0")
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains("another ccaas-exporter") && said.contains("--storage.path"), "{said}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_may_read_the_files_and_no_secret_is_in_them() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let stage = Setup::everything().storage(&path).start().await;
    stage.ready().await;
    stage.stop().await;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    let all = files(&path, "");
    assert!(all.len() > 50, "{all:?}");
    for file in all {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains(ccaas_exporter::simulator::CLIENT_SECRET), "{}", file.display());
        assert!(!text.to_lowercase().contains("bearer"), "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_remembered_under_other_settings_is_not_taken_for_what_these_ask_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Setup::only(USAGE).storage(folder.path()).start().await;
    let endpoints =
        |metrics: &Metrics| metrics.of("genesyscloud_api_endpoint_last_day_requests", &[]).count();
    assert!(endpoints(&stage.ready().await) > 100);
    stage.stop_exporter().await;
    stage.reconfigure(|config| {
        let Provider::GenesysCloud(settings) = &mut config.organizations[0].provider else { panic!() };
        settings.usage.as_mut().unwrap().endpoints = 0;
    });
    stage.start_exporter().await;
    let soon = stage
        .until("a run, as the settings changed", |metrics| metrics.collector("polls_total", "usage") == 1.0);
    assert_eq!(endpoints(&soon.await), 0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_from_the_future_are_no_younger_than_new_ones_and_collected_anew_soon() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Setup::only("oauth_clients: {}").storage(folder.path()).start().await;
    stage.ready().await;
    stage.stop_exporter().await;
    stage.set_clock("2026-11-18T10:00:00Z");
    stage.start_exporter().await;
    let metrics = stage.ready().await;
    let now = "2026-11-18T10:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second() as f64;
    assert_eq!(metrics.collector("last_success_timestamp_seconds", "oauth_clients"), now);
    assert_eq!(metrics.collector("last_attempt_timestamp_seconds", "oauth_clients"), now);
    assert!(metrics.collector("next_run_timestamp_seconds", "oauth_clients") <= now + 60.0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_api_gets_a_second_chance_after_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let refused =
        "faults: [{operation: postUsageAggregatesJob, fault: {status: 403, code: missing.any.permissions}}]";
    let hours = Arc::new(AtomicI64::new(0));
    let clock = {
        let (hours, start) = (hours.clone(), support::fixed_clock().now());
        Clock::from_fn(move || start + Duration::from_hours(hours.load(Ordering::Relaxed) as u64))
    };
    let mut setup = Setup::only(USAGE).scenario(refused).storage(folder.path());
    setup.options.clock = clock.clone();
    setup.clock = clock;
    let mut stage = setup.start().await;
    let excluded = |metrics: &Metrics| {
        metrics.of("genesyscloud_api_client_last_day_requests", &[("fair_use", "excluded")]).count()
    };
    let metrics = stage.ready().await;
    assert_eq!((metrics.collector("up", "usage"), excluded(&metrics)), (1.0, 0));

    // Still refused: the figures of the legacy API go on.
    stage.stop_exporter().await;
    hours.store(25, Ordering::Relaxed);
    stage.start_exporter().await;
    let metrics =
        stage.until("another day", |metrics| metrics.collector("polls_total", "usage") == 1.0).await;
    assert_eq!((metrics.collector("up", "usage"), excluded(&metrics)), (1.0, 0));

    stage.stop_exporter().await;
    stage.simulator.set_scenario(support::scenario("faults: []"));
    hours.store(50, Ordering::Relaxed);
    stage.start_exporter().await;
    stage.until("figures of the jobs API", |metrics| excluded(metrics) > 0).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lowered_limit_of_series_holds_also_for_what_is_restored() {
    const BOUND: f64 = 540.0;
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Setup::everything().storage(folder.path()).start().await;
    let all_up = |metrics: &Metrics| metrics.of("ccaas_exporter_collector_up", &[]).all(|up| up.value == 1.0);
    stage.until("all to be well", all_up).await;
    stage.stop_exporter().await;
    stage.stop_vendor().await;

    stage.reconfigure(|config| config.global.max_series_per_organization = BOUND as usize);
    stage.start_exporter().await;
    let restored = stage.ready().await;
    let series = restored.sums("ccaas_exporter_collector_series", "organization");
    assert!(series.values().all(|series| (1..=BOUND as u64).contains(series)), "{series:?}");
    stage.stop().await;
}
