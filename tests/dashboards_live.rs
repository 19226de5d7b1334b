//! Every query of every dashboard, asked of the real Prometheus that scrapes the real demo: twice, as two exporters would be.

#![allow(
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use support::poll;
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// How long the panels have to fill.
const DEADLINE: Duration = Duration::from_mins(2);

/// What panels of days say to show a day at its day; the test looks at the newest day without waiting for the next noon.
const NEXT_NOON: &str = " offset -36h";

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

fn now() -> Timestamp {
    ccaas_exporter::clock::Clock::system().now()
}

/// A panel with its queries, as they stand in the file.
struct Panel {
    /// Dashboard and title.
    name: String,
    description: String,
    queries: Vec<String>,
    /// Whether a table joins the queries on their labels.
    table: bool,
}

fn boards() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let boards = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    boards.map(|path| serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()).collect()
}

/// What each variable asks Prometheus for, as queries, by dashboard and variable.
fn variables() -> Vec<(String, String)> {
    let values = regex::Regex::new(r"^label_values\((.+), (\w+)\)$").unwrap();
    let result = regex::Regex::new(r"^query_result\((.+)\)$").unwrap();
    let mut found = Vec::new();
    for board in boards() {
        for variable in board["templating"]["list"].as_array().unwrap() {
            let Some(asked) = variable["query"]["query"].as_str() else { continue };
            let query = match (values.captures(asked), result.captures(asked)) {
                (Some(parts), _) => format!("group by ({}) ({})", &parts[2], &parts[1]),
                (_, Some(parts)) => parts[1].to_owned(),
                _ => panic!("a variable that the test does not understand: {asked}"),
            };
            found.push((format!("{}: ${}", board["uid"], variable["name"]), query));
        }
    }
    found
}

fn panels() -> Vec<Panel> {
    let mut found = Vec::new();
    for board in boards() {
        for panel in board["panels"].as_array().unwrap() {
            let Some(targets) = panel["targets"].as_array() else { continue };
            found.push(Panel {
                name: format!("{}: {}", board["uid"].as_str().unwrap(), panel["title"].as_str().unwrap()),
                description: panel["description"].as_str().unwrap().to_owned(),
                table: panel["type"] == "table",
                queries: targets.iter().map(|target| target["expr"].as_str().unwrap().to_owned()).collect(),
            });
        }
    }
    assert!(found.len() > 80, "{} panels", found.len());
    found
}

/// The query with All for every variable, and the moment for which it is asked.
fn asked(query: &str, now: Timestamp) -> (String, Timestamp) {
    let mut query = query.replace("$__rate_interval", "1m");
    for variable in [
        "organization",
        "currency",
        "client",
        "account",
        "contract",
        "customer",
        "job",
        "instance",
        "provider",
        "collector",
    ] {
        query = query.replace(&format!("\"${variable}\""), "\".*\"");
    }
    assert!(
        !query.contains("\"$") || query.contains("label_replace"),
        "a variable that the test does not know: {query}"
    );
    if !query.contains(NEXT_NOON) {
        return (query, now);
    }
    let today = now.to_zoned(TimeZone::UTC).date().to_zoned(TimeZone::UTC).unwrap().timestamp();
    let day = today - Duration::from_hours(24);
    // A few seconds ago, so that the newest scrape has been stored.
    let ahead = now.as_second() - 3 - day.as_second();
    (query.replace(NEXT_NOON, &format!(" offset -{ahead}s")), day)
}

/// The series that answer; what Prometheus says, where it refuses the query.
async fn series(
    http: &reqwest::Client,
    server: u16,
    query: &str,
    at: Timestamp,
) -> Result<Vec<Value>, String> {
    let form = [("query", query.to_owned()), ("time", at.as_second().to_string())];
    let answer = http.post(format!("http://127.0.0.1:{server}/api/v1/query")).form(&form).send().await;
    let answer: Value =
        answer.map_err(|error| error.to_string())?.json().await.map_err(|error| error.to_string())?;
    match answer["data"]["result"].as_array() {
        Some(result) => Ok(result.clone()),
        None => Err(format!("{}\n    {query}", answer["error"])),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_panel_has_data_in_the_demo_or_says_when_it_is_empty() {
    let (exporter, simulator, server) = (free_port(), free_port(), free_port());
    let _demo = quiet(
        env!("CARGO_BIN_EXE_ccaas-exporter"),
        &[
            "demo".to_owned(),
            format!("--web.listen-address=127.0.0.1:{exporter}"),
            format!("--simulator.listen-address=127.0.0.1:{simulator}"),
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    let rules = include_str!("../dashboards/rules/recording.yml").replace("interval: 1m", "interval: 1s");
    std::fs::write(folder.path().join("recording.yml"), rules).unwrap();
    // The same figures from two targets: a join that takes them for two would be refused.
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\nrule_files: [recording.yml]\nscrape_configs:\n  \
         - {{job_name: ccaas-exporter, static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]}}\n  \
         - {{job_name: standby, static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]}}\n"
    );
    std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
    let _prometheus = quiet(
        "prometheus",
        &[
            format!("--config.file={}", folder.path().join("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", folder.path().join("data").display()),
            format!("--web.listen-address=127.0.0.1:{server}"),
        ],
    );
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    poll("the recording rules", async || {
        let rule = "provider_organization_currency:ccaas_spend_current_amount";
        series(&http, server, rule, now()).await.ok().filter(|found| !found.is_empty())
    })
    .await;

    for (name, query) in variables() {
        let (query, _) = asked(&query, now());
        poll(&name, async || {
            series(&http, server, &query, now()).await.ok().filter(|found| !found.is_empty())
        })
        .await;
    }

    let panels = panels();
    let mut waiting: Vec<&Panel> = panels.iter().collect();
    let end = Instant::now() + DEADLINE;
    loop {
        let mut empty = Vec::new();
        for panel in waiting {
            let mut found = 0;
            for query in &panel.queries {
                let (query, at) = asked(query, now());
                let answer = series(&http, server, &query, at)
                    .await
                    .unwrap_or_else(|error| panic!("{}: {error}", panel.name));
                // Grafana would make a column of the name, which no two queries share: the table would fall apart.
                let named = panel.table && answer.iter().any(|one| one["metric"]["__name__"].is_string());
                assert!(!named, "{}: the metric's name is among the labels of\n    {query}", panel.name);
                found += answer.len();
            }
            if found == 0 {
                empty.push(panel);
            }
        }
        waiting = empty;
        if !waiting.iter().any(|panel| !panel.description.contains(" Empty when "))
            && waiting.len() * 10 <= panels.len()
        {
            return; // Nine in ten have data, and the others say when they have none.
        }
        assert!(
            Instant::now() < end,
            "panels without data:\n{}",
            waiting
                .iter()
                .map(|panel| format!("{}\n    {}", panel.name, panel.queries.join("\n    ")))
                .collect::<Vec<_>>()
                .join("\n")
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
