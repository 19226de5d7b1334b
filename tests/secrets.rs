//! Nothing that is secret or personal leaves the program: every output of the real binary and every file that it writes is searched
//! for planted text, with the most talkative log, in health and under every kind of fault.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use ccaas_exporter::app;
use ccaas_exporter::clock::Clock;
use ccaas_exporter::simulator::{
    CLIENT_ID, CLIENT_SECRET, PLANTED_EMAIL, PLANTED_PERSON, PLANTED_PHONE, PLANTED_SECRET, Simulator,
};
use regex::Regex;
use support::{Vendor, poll, scenario};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// Everything that the demo collects, as often as a configuration allows.
const CONFIG: &str = include_str!("../src/app/demo.yml");

/// How many collectors that are.
const COLLECTORS: usize = 26;

/// Every fault whose answer holds something that could end up in an error. They begin when every operation has been answered well.
const FAULTS: &str = "
faults:
  - {operation: listOAuthClients, after: 4, times: 1, fault: {truncate: 400}}
  - {operation: createToken, after: 4, times: 1, fault: {status: 401}}
  - {operation: getClientUsageSummary, after: 9, times: 1, fault: {expire_token: true}}
  - {operation: postUsageAggregatesJob, after: 16, times: 1, fault: {status: 400, code: bad.request}}
  - {operation: getUsageAggregatesJob, after: 40, times: 9, fault: {html: 502}}
  - {operation: '*', after: 250, probability: 0.03, fault: {wrong_json: true}}
  - {operation: '*', after: 250, probability: 0.03, fault: {garbage: true}}
  - {operation: '*', after: 250, probability: 0.03, fault: {status: 403}}
  - {operation: '*', after: 250, probability: 0.03, fault: {truncate: 700}}
";

struct Exporter {
    child: Child,
    url: String,
    /// What it writes, read all the time: a full pipe would hold it up.
    written: [JoinHandle<String>; 2],
}

/// Reads all that comes.
fn drain(mut pipe: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<String> {
    tokio::spawn(async move {
        let mut text = String::new();
        pipe.read_to_string(&mut text).await.unwrap();
        text
    })
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(config: &Path, variables: &[(&str, String)], log_format: &str) -> Exporter {
    let address = format!("127.0.0.1:{}", free_port());
    let mut child = Command::new(env!("CARGO_BIN_EXE_ccaas-exporter"))
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--web.listen-address={address}"))
        .args(["--log.level=debug", &format!("--log.format={log_format}")])
        // Whatever it writes by itself goes to where it is searched.
        .current_dir(config.parent().unwrap())
        .env("TMPDIR", config.parent().unwrap())
        .env("NO_PROXY", "127.0.0.1")
        .envs(variables.iter().cloned())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let written = [drain(child.stderr.take().unwrap()), drain(child.stdout.take().unwrap())];
    Exporter { child, url: format!("http://{address}"), written }
}

/// What may stand nowhere: not in what is shown, not in what is logged, not in what is written.
const PLANTED: [&str; 11] = [
    PLANTED_EMAIL,
    PLANTED_PERSON,
    PLANTED_PHONE,
    "planted",
    "Planted",
    CLIENT_SECRET,
    PLANTED_SECRET,
    // The client and its secret as a header holds them.
    "ZGVtbzpkZW1vLXNlY3JldA",
    "Bearer ",
    "bearer ",
    "access_token",
];

/// The lines with something planted in them, also of what is gzip.
fn leaks(bytes: &[u8]) -> Vec<String> {
    let mut inflated = Vec::new();
    // What is no gzip inflates to nothing.
    let _ = flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut inflated);
    let texts = [bytes, &inflated].map(String::from_utf8_lossy);
    let lines = texts.iter().flat_map(|text| text.lines());
    lines.filter(|line| PLANTED.iter().any(|planted| line.contains(planted))).map(str::to_owned).collect()
}

/// All files below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_holds_a_secret_or_personal_data() {
    let simulator = Simulator::new(app::demo_options(Clock::system()));
    simulator.set_scenario(scenario(FAULTS));
    let vendor = Vendor::start(simulator.clone(), "127.0.0.1:0").await;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, format!("{CLIENT_SECRET}\n")).unwrap();
    let config = folder.path().join("config.yml");
    let often = Regex::new(r"refresh: \d+[sm]").unwrap().replace_all(CONFIG, "refresh: 10s");
    // One organization has its secret in a file.
    let text = often.replacen("client_secret: ${SIMULATOR_SECRET}", "client_secret_file: secret", 1);
    std::fs::write(&config, text).unwrap();
    let client = |name| simulator.oauth_client_id(CLIENT_ID, name).unwrap().to_owned();
    let customers = simulator.customer_ids();
    let variables = [
        ("SIMULATOR_URL", vendor.url()),
        ("SIMULATOR_SECRET", CLIENT_SECRET.to_owned()),
        ("SIMULATOR_WATCHED_CLIENT", client("nightly-sync")),
        ("SIMULATOR_APP_CLIENT", client("crm-connector")),
        ("SIMULATOR_BILLING_DAY", simulator.billing_day().to_string()),
        ("SIMULATOR_CUSTOMER_1", customers[0].clone()),
        ("SIMULATOR_CUSTOMER_2", customers[1].clone()),
    ];

    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    // The first program begins in health; the second meets the faults from its start on.
    for (format, least_runs) in [("logfmt", 2.0), ("json", 1.0)] {
        let mut exporter = start(&config, &variables, format);
        let pages =
            ["/metrics", "/config", "/api/v1/status", "/", "/-/ready", "/metrics?organization=nobody"];
        let mut seen = String::new();
        // Until every collector has run well and badly, as far as its faults go.
        poll("the runs of each collector", async || {
            let mut runs = 0;
            for page in pages {
                let Ok(answer) = http.get(format!("{}{page}", exporter.url)).send().await else {
                    return None;
                };
                let answer = answer.text().await.ok()?;
                if page == "/metrics" {
                    let polls = answer
                        .lines()
                        .filter(|line| line.starts_with("ccaas_exporter_collector_polls_total"));
                    runs = polls
                        .filter(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() >= least_runs)
                        .count();
                }
                seen.push_str(&answer);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            (runs == COLLECTORS).then_some(())
        })
        .await;
        let id = exporter.child.id().unwrap().to_string();
        let stopped = Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
        assert!(stopped.success());
        let status = exporter.child.wait().await.unwrap();
        assert_eq!(status.code(), Some(0), "SIGTERM ends it well");
        let mut log = String::new();
        for written in exporter.written {
            log.push_str(&written.await.unwrap());
        }
        assert!(log.contains("collected") && log.contains("collection failed"), "{log}");
        seen.push_str(&log);

        assert!(
            seen.contains("<secret>") || seen.contains("client_secret_file"),
            "the configuration was shown"
        );
        assert_eq!(leaks(seen.as_bytes()), Vec::<String>::new());
        for file in files(folder.path()) {
            let found = leaks(&std::fs::read(&file).unwrap());
            // The one that the test wrote is found, so the search does find.
            assert_eq!(!found.is_empty(), file == secret, "{}: {found:?}", file.display());
        }
    }
    vendor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_tells_wrong_use_from_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.yml");
    std::fs::write(&bad, "organisations: []\n").unwrap();
    let good = folder.path().join("good.yml");
    std::fs::write(
        &good,
        "organizations: [{name: acme, genesys_cloud: {region: us-east-1, client_id: a, client_secret: b}}]\n",
    )
    .unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("--web.listen-address={}", taken.local_addr().unwrap());
    let good = format!("--config.file={}", good.display());
    let bad = format!("--config.file={}", bad.display());
    for (arguments, code, says) in [
        (vec!["--no-such-flag"], 2, "--no-such-flag"),
        (vec![&*bad], 2, "organisations"),
        (vec![&*bad, "--config.check"], 2, "organisations"),
        (vec![&*good, "--config.check"], 0, "good"),
        (vec![&*good, &*taken], 1, "--web.listen-address"),
        (vec![], 2, "demo"),
        (vec!["--version"], 0, env!("CARGO_PKG_VERSION")),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_ccaas-exporter"))
            .args(&arguments)
            .current_dir(folder.path())
            .env_clear()
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}
