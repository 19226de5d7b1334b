//! The real Prometheus on the real demo, and what else the Debian packages have.

use std::path::Path;
use std::process::Stdio;

use ccaas_exporter::clock::Clock;
use jiff::Timestamp;
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

/// The time of a rule or a sample configuration, in a file of one of them.
const TIMES: &str = r"(?m)^( *(?:for|interval|group_wait|group_interval): ).*$";

/// The file of rules or of Alertmanager with every time of it a second: nobody waits a quarter of an hour here.
pub fn hurried(text: &str) -> String {
    regex::Regex::new(TIMES).unwrap().replace_all(text, "${1}1s").into_owned()
}

/// What Prometheus has to do besides scraping the demo.
#[derive(Default)]
pub struct Duties<'a> {
    /// The files of rules.
    pub rules: &'a [&'a str],
    /// The port of the Alertmanager.
    pub alertmanager: Option<u16>,
    /// A second job that scrapes the same exporter, as a standby would be scraped.
    pub standby: bool,
}

/// The demo, and a Prometheus that scrapes it every second.
pub struct Monitoring {
    programs: Vec<Child>,
    prometheus: String,
    http: reqwest::Client,
    folder: TempDir,
}

impl Monitoring {
    /// Starts both. Rules are evaluated every second.
    pub fn start(duties: &Duties) -> Self {
        let (exporter, simulator, server) = (free_port(), free_port(), free_port());
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name).display().to_string();
        let target = |port: u16| format!("static_configs: [{{targets: ['127.0.0.1:{port}']}}]");
        let job = |name: &str| format!("  - job_name: {name}\n    {}\n", target(exporter));
        let jobs = [job("ccaas-exporter"), if duties.standby { job("standby") } else { String::new() }];
        let alerting = duties
            .alertmanager
            .map_or(String::new(), |port| format!("alerting:\n  alertmanagers:\n    - {}\n", target(port)));
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\nrule_files: ['rules-*.yml']\n\
             {alerting}scrape_configs:\n{}",
            jobs.concat()
        );
        for (nth, rules) in duties.rules.iter().enumerate() {
            std::fs::write(place(&format!("rules-{nth}.yml")), hurried(rules)).unwrap();
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

    /// The series that answer a query of some time.
    ///
    /// # Errors
    /// What Prometheus says, where it refuses the query, or that it does not answer.
    pub async fn series(&self, query: &str, at: Timestamp) -> Result<Vec<Value>, String> {
        let url = format!("{}/api/v1/query", self.prometheus);
        let form = [("query", query.to_owned()), ("time", at.as_second().to_string())];
        let answer = self.http.post(url).form(&form).send().await.map_err(|error| error.to_string())?;
        let answer: Value = answer.json().await.map_err(|error| error.to_string())?;
        let result = answer["data"]["result"].as_array();
        result.cloned().ok_or_else(|| format!("{}\n    {query}", answer["error"]))
    }

    /// The series that answer a query now, once there are any.
    pub async fn some(&self, query: &str) -> Option<Vec<Value>> {
        let now = Clock::system().now();
        self.series(query, now).await.ok().filter(|series| !series.is_empty())
    }

    /// The value of a query that gives one.
    pub async fn value(&self, query: &str) -> Option<f64> {
        self.some(query).await?[0]["value"][1].as_str()?.parse().ok()
    }

    /// Ends all programs.
    pub async fn stop(mut self) {
        for program in &mut self.programs {
            program.kill().await.unwrap();
        }
    }
}
