//! The real Prometheus on the real demo, and what else the Debian packages have.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A program of the machine that ends with the test.
pub fn quiet(program: &str, arguments: &[String]) -> Child {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{program} cannot be run ({error}): `make prepare` installs it"))
}

/// The demo, and a Prometheus that scrapes it every second.
pub struct Monitoring {
    programs: Vec<Child>,
    prometheus: String,
    http: reqwest::Client,
    folder: TempDir,
}

impl Monitoring {
    /// Starts both. Prometheus evaluates the files of `rules` every second, and tells the Alertmanager on a port, if one is given.
    pub fn start(rules: &[String], alertmanager: Option<u16>) -> Self {
        let (exporter, simulator, server) = (free_port(), free_port(), free_port());
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name).display().to_string();
        let mut config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\nscrape_configs:\n  \
             - job_name: ccaas-exporter\n    static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]\n\
             rule_files: ['rules-*.yml']\n"
        );
        if let Some(port) = alertmanager {
            config += &format!(
                "alerting:\n  alertmanagers:\n    - static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
            );
        }
        for (nth, rules) in rules.iter().enumerate() {
            std::fs::write(place(&format!("rules-{nth}.yml")), rules).unwrap();
        }
        std::fs::write(place("prometheus.yml"), config).unwrap();
        let demo = quiet(
            env!("CARGO_BIN_EXE_ccaas-exporter"),
            &[
                "demo".to_owned(),
                format!("--web.listen-address=127.0.0.1:{exporter}"),
                format!("--simulator.listen-address=127.0.0.1:{simulator}"),
            ],
        );
        let prometheus = quiet(
            "prometheus",
            &[
                format!("--config.file={}", place("prometheus.yml")),
                format!("--storage.tsdb.path={}", place("data")),
                format!("--web.listen-address=127.0.0.1:{server}"),
            ],
        );
        Self {
            programs: vec![demo, prometheus],
            prometheus: format!("http://127.0.0.1:{server}"),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            folder,
        }
    }

    /// A folder that ends with the test.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What a query gives now, by series; `None` while Prometheus does not answer, or not with success.
    pub async fn query(&self, query: &str) -> Option<Vec<Value>> {
        let url = format!("{}/api/v1/query", self.prometheus);
        let answer = self.http.get(url).query(&[("query", query)]).send().await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        answer["data"]["result"].as_array().cloned()
    }

    /// The value of a query that gives one.
    pub async fn value(&self, query: &str) -> Option<f64> {
        self.query(query).await?.first()?["value"][1].as_str()?.parse().ok()
    }

    /// Ends all programs.
    pub async fn stop(mut self) {
        for program in &mut self.programs {
            program.kill().await.unwrap();
        }
    }
}
