//! The real Prometheus scrapes the real demo and answers a query.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::process::Stdio;

use serde_json::Value;
use support::poll;
use tokio::process::{Child, Command};

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn quiet(program: &str, arguments: &[String]) -> Child {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{program} cannot be run ({error}): `make prepare` installs it"))
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_the_demo_and_answers() {
    let (exporter, simulator, server) = (free_port(), free_port(), free_port());
    let mut demo = quiet(
        env!("CARGO_BIN_EXE_ccaas-exporter"),
        &[
            "demo".to_owned(),
            format!("--web.listen-address=127.0.0.1:{exporter}"),
            format!("--simulator.listen-address=127.0.0.1:{simulator}"),
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n  - job_name: ccaas-exporter\n    \
         static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]\n"
    );
    std::fs::write(&config, text).unwrap();
    let mut prometheus = quiet(
        "prometheus",
        &[
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", folder.path().join("data").display()),
            format!("--web.listen-address=127.0.0.1:{server}"),
        ],
    );

    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let query = async |query: &str| -> Option<f64> {
        let url = format!("http://127.0.0.1:{server}/api/v1/query");
        let answer: Value = http.get(url).query(&[("query", query)]).send().await.ok()?.json().await.ok()?;
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    };
    let clients = "count(genesyscloud_oauth_client_info{organization=\"acme\"})";
    assert!(poll("the clients", async || query(clients).await).await >= 10.0);

    // A query as a person would write it: yesterday's busiest client, by name.
    let busiest = "topk(1, sum by (organization, client_id) (genesyscloud_api_client_last_day_requests)) \
                   * on (organization, client_id) group_left (client_name) genesyscloud_oauth_client_info";
    assert!(poll("the busiest client", async || query(busiest).await).await > 1000.0);

    // Prometheus took the whole scrape, and typed what it took.
    let up = poll("the target", async || query("up{job=\"ccaas-exporter\"}").await).await;
    assert!((up - 1.0).abs() < f64::EPSILON);
    let all = "count(ccaas_exporter_collector_up) - sum(ccaas_exporter_collector_up)";
    poll("every collector to be up", async || query(all).await.filter(|down| *down < 0.5)).await;
    let collectors = query("count(ccaas_exporter_collector_up)").await.unwrap();
    assert!(collectors > 25.5, "{collectors} collectors of both vendors");

    prometheus.kill().await.unwrap();
    demo.kill().await.unwrap();
}
