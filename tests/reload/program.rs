//! The real program: signals, variables, and what two hundred reloads cost.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::scene::{Ground, of};
use crate::support::{DEADLINE, Metrics, poll};

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
            .arg("--storage.path=")
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
    ground.write("", &[ground.acme(), ground.umbrella("6h")]);
    program.signal("-HUP").await;
    let is = async |value| (program.metrics().await?.value(successful, &[]) == Some(value)).then_some(());
    poll("the good one", async || is(1.0).await).await;
    // A pipe that nobody writes to could not be read to its end.
    std::fs::remove_file(ground.config()).unwrap();
    assert!(Command::new("mkfifo").arg(ground.config()).status().await.unwrap().success());
    program.signal("-HUP").await;
    poll("the pipe to be refused", async || is(0.0).await).await;
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
