//! Every metric and label that rules, runbooks and dashboards name exists.

use ccaas_exporter::reference::{self, Metric};
use regex::Regex;
use serde_json::Value;

use super::support::promql::{self, Known, Labels};
use super::{RECORDS, alerts, files, read, records, text};

/// Every metric that a scrape can have, with what Prometheus adds, and what the rules record.
fn known() -> Known {
    let mut known = Known::new();
    let set = |labels: &[&str]| -> Labels { labels.iter().map(|label| (*label).to_owned()).collect() };
    let mut add = |name: String, labels: &[String], more: &[&str]| {
        let mut all = set(&["job", "instance"]);
        all.extend(labels.iter().cloned());
        all.extend(set(more));
        known.insert(name, all);
    };
    for Metric { name, kind, labels, .. } in reference::metrics() {
        if kind == "histogram" {
            add(format!("{name}_bucket"), &labels, &["le"]);
            add(format!("{name}_sum"), &labels, &[]);
            add(format!("{name}_count"), &labels, &[]);
        } else {
            add(name, &labels, &[]);
        }
    }
    for name in [
        "process_cpu_seconds_total",
        "process_max_fds",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_threads",
        "process_virtual_memory_bytes",
        "scrape_samples_post_metric_relabeling",
        "up",
        "scrape_duration_seconds",
        "scrape_samples_scraped",
    ] {
        add(name.to_owned(), &[], &[]);
    }
    for rule in records() {
        let name = text(&rule, "record");
        let labels =
            promql::labels(text(&rule, "expr"), &known).unwrap_or_else(|why| panic!("{name}: {why}"));
        known.insert(name.to_owned(), labels);
    }
    // What Prometheus makes of alerts has the labels of all of them.
    let mut of_alerts = set(&["alertname", "alertstate", "severity", "audience"]);
    for (_, rule) in alerts() {
        of_alerts.extend(promql::labels(text(&rule, "expr"), &known).unwrap_or_default());
    }
    known.insert("ALERTS".to_owned(), of_alerts);
    known
}

#[test]
fn recorded_series_have_the_labels_that_their_names_say() {
    let known = known();
    for record in RECORDS {
        let level = record.split(':').next().unwrap();
        let labels: Labels = level
            .split('_')
            .map(|part| match part {
                "client" => "client_id".to_owned(),
                "account" => "account_id".to_owned(),
                "contract" => "contract_id".to_owned(),
                "period" => "period_start".to_owned(),
                part => part.to_owned(),
            })
            .collect();
        assert_eq!(known[record], labels, "{record}");
    }
}

#[test]
fn everything_that_an_alert_names_exists() {
    let known = known();
    let of_labels = Regex::new(r"\$labels\.(\w+)").unwrap();
    let queries = Regex::new(r#"with printf "((?:[^"\\]|\\.)*)""#).unwrap();
    for (_, rule) in alerts() {
        let name = text(&rule, "alert");
        let labels =
            promql::labels(text(&rule, "expr"), &known).unwrap_or_else(|why| panic!("{name}: {why}"));
        for annotation in rule["annotations"].as_object().unwrap().values() {
            let annotation = annotation.as_str().unwrap();
            for found in of_labels.captures_iter(annotation) {
                assert!(labels.contains(&found[1]), "{name} has no label {}, only {labels:?}", &found[1]);
            }
            for found in queries.captures_iter(annotation) {
                let query = found[1].replace("%q", "\"x\"");
                promql::labels(&query, &known).unwrap_or_else(|why| panic!("{name}: {why} in {query}"));
            }
        }
    }
}

#[test]
fn the_queries_of_the_runbooks_ask_for_what_exists() {
    let known = known();
    let names = Regex::new(r"`((?:genesyscloud|talkdesk|ccaas)_\w+)`").unwrap();
    for page in files("docs/runbooks", ".md") {
        let content = read(&page);
        let blocks: Vec<&str> = content.split("```promql\n").skip(1).collect();
        assert!(!blocks.is_empty() || page.ends_with("README.md"), "{page} has no query");
        for block in blocks {
            // A block can be pasted whole, so it is one query.
            let query = block.split("```").next().unwrap();
            promql::labels(query, &known).unwrap_or_else(|why| panic!("{page}: {why} in {query}"));
        }
        for metric in names.captures_iter(&content) {
            assert!(known.contains_key(&metric[1]), "{page}: there is no metric {}", &metric[1]);
        }
    }
}

/// What a dashboard asks for: each query with the labels that its legend names.
fn asked(value: &Value, found: &mut Vec<(String, Vec<String>)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| asked(item, found)),
        Value::Object(object) => {
            if let Some(query) = object.get("expr").and_then(Value::as_str) {
                let legend = object.get("legendFormat").and_then(Value::as_str).unwrap_or_default();
                let names = Regex::new(r"\{\{\s*(\w+)\s*\}\}").unwrap();
                let names = names.captures_iter(legend).map(|name| name[1].to_owned()).collect();
                found.push((query.to_owned(), names));
            }
            object.values().for_each(|value| asked(value, found));
        }
        Value::String(text) => {
            if let Some(inner) = text.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')) {
                let (query, label) =
                    inner.rsplit_once(',').unwrap_or_else(|| panic!("{text} names no metric"));
                found.push((query.to_owned(), vec![label.trim().to_owned()]));
            } else if let Some(query) =
                text.strip_prefix("query_result(").and_then(|rest| rest.strip_suffix(')'))
            {
                found.push((query.to_owned(), Vec::new()));
            }
        }
        _ => {}
    }
}

/// A query with values in the place of Grafana's variables.
fn filled_in(query: &str) -> String {
    let durations = Regex::new(r"\$\{?__(range|interval|rate_interval)\}?").unwrap();
    let query = durations.replace_all(query, "1d");
    Regex::new(r"\$\{?\w+(:\w+)?\}?").unwrap().replace_all(&query, "1").into_owned()
}

#[test]
fn dashboards_ask_for_what_exists() {
    let known = known();
    for file in files("dashboards", ".json") {
        let dashboard: Value = serde_json::from_str(&read(&file)).unwrap();
        let mut found = Vec::new();
        asked(&dashboard, &mut found);
        assert!(!found.is_empty(), "{file} asks for nothing");
        for (query, names) in found {
            let labels = promql::labels(&filled_in(&query), &known)
                .unwrap_or_else(|why| panic!("{file}: {why} in {query}"));
            for name in names {
                assert!(labels.contains(&name) || name == "__name__", "{file}: no label {name} in {query}");
            }
        }
    }
}

/// The check itself: what does not exist is found, and nothing else.
#[test]
fn queries_for_what_does_not_exist_are_found() {
    let known = known();
    for (query, labels) in [
        ("up", "instance job"),
        ("sum(up) + 1", ""),
        ("time() - max by (organization) (genesyscloud_api_last_day_timestamp_seconds)", "organization"),
        (
            "sum by (organization) (genesyscloud_api_client_last_day_requests{status=~\"4.*\"}) > 5",
            "organization",
        ),
        ("sum(genesyscloud_api_client_last_day_requests) by (client_id)", "client_id"),
        ("absent(up{job=\"x\"})", "job"),
        (
            "rate(ccaas_exporter_api_requests_total{organization=\"a\"}[5m] offset 1h)",
            "code instance job operation organization provider",
        ),
        (
            "histogram_quantile(0.9, sum by (le) (rate(ccaas_exporter_scrape_duration_seconds_bucket[5m])))",
            "",
        ),
        (
            "organization_client:genesyscloud_api_last_day_share:ratio * on (organization, client_id) group_left (client_name) \
             genesyscloud_oauth_client_info",
            "client_id client_name organization",
        ),
        (
            "count by (currency) ({__name__=~\"talkdesk_usage_amount|genesyscloud_invoices\",organization=\"a\"})",
            "currency",
        ),
        ("count_values(\"month\", 100 * year() + month())", "month"),
        ("label_replace(up, \"where\", \"$1\", \"instance\", \"(.*):.*\")", "instance job where"),
    ] {
        let found = promql::labels(query, &known).unwrap_or_else(|why| panic!("{query}: {why}"));
        assert_eq!(found.into_iter().collect::<Vec<_>>().join(" "), labels, "{query}");
    }
    for (query, why) in [
        ("genesyscloud_api_client_last_day_request", "there is no metric"),
        ("up{organization=\"a\"}", "up with organization, which is none of"),
        ("sum by (client) (genesyscloud_api_client_last_day_requests)", "client, which is none of"),
        ("up * on (organization) genesyscloud_api_allowance_requests", "on organization, which is none of"),
        (
            "organization:genesyscloud_api_last_day_requests:sum / genesyscloud_api_allowance_requests",
            "which never match",
        ),
        (
            "genesyscloud_api_client_last_day_requests * on (organization, client_id) group_left (name) genesyscloud_oauth_client_info",
            "group name",
        ),
        ("{__name__=~\"up|down\"}", "there is no metric down"),
        ("{job=\"x\"}", "without the name"),
        ("sum(up", "too early"),
        ("up up", "not understood"),
        ("label_replace(up, \"a\", \"\", \"organization\", \"\")", "from organization"),
    ] {
        let found = promql::labels(query, &known).unwrap_err();
        assert!(found.contains(why), "{query}: {found}");
    }
}
