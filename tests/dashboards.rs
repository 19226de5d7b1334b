//! Every query of every dashboard, asked of the real Prometheus that scrapes the real demo: twice, as two exporters would be.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::path::Path;
use std::time::Duration;

use ccaas_exporter::clock::Clock;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use support::monitoring::{Duties, Monitoring};
use support::poll;
use tokio::time::Instant;

/// How long the panels have to fill.
const DEADLINE: Duration = Duration::from_mins(2);

/// What panels of days say: at the midnight with which a day begins, they ask for the end of the next day.
const END_OF_NEXT_DAY: &str = " offset -172799s";

fn now() -> Timestamp {
    Clock::system().now()
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
    if !query.contains(END_OF_NEXT_DAY) {
        return (query, now);
    }
    let today = now.to_zoned(TimeZone::UTC).date().to_zoned(TimeZone::UTC).unwrap().timestamp();
    (query, today - Duration::from_hours(24))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_panel_has_data_in_the_demo_or_says_when_it_is_empty() {
    // The same figures from two targets: a join that takes them for two would be refused.
    let rules = [include_str!("../dashboards/rules/recording.yml")];
    let monitoring = Monitoring::start(&Duties { rules: &rules, standby: true, ..Duties::default() });
    for (name, query) in variables() {
        let (query, _) = asked(&query, now());
        poll(&name, async || monitoring.some(&query).await).await;
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
                let answer = monitoring.series(&query, at).await;
                let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", panel.name));
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
            break; // Nine in ten have data, and the others say when they have none.
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
    monitoring.stop().await;
}
