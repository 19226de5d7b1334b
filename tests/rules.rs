//! The rules: that promtool accepts and proves them, that the list is complete, and that everything they name exists. The same for
//! dashboards, runbooks and the samples that are delivered with them.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use ccaas_exporter::config;
use ccaas_exporter::reference::{self, Metric};
use regex::Regex;
use serde_json::Value;
use support::promql::{self, Known, Labels};
use support::{golden, program};

/// The recording rules of the contract.
const RECORDS: [&str; 20] = [
    "organization:genesyscloud_api_last_day_requests:sum",
    "organization_status:genesyscloud_api_last_day_requests:sum",
    "organization_client:genesyscloud_api_last_day_requests:sum",
    "organization_client:genesyscloud_api_last_day_throttled:ratio",
    "organization_client:genesyscloud_api_last_day_share:ratio",
    "organization:genesyscloud_api_counted_period_to_date_requests:sum",
    "organization:genesyscloud_api_counted_daily_requests:avg_trailing",
    "organization:genesyscloud_api_period_remaining_days",
    "organization:genesyscloud_api_counted_period_forecast_requests",
    "organization:genesyscloud_api_allowance_used:ratio",
    "organization:genesyscloud_api_allowance_forecast:ratio",
    "organization:genesyscloud_api_counted_to_billed:ratio",
    "organization:genesyscloud_api_overage_forecast_requests",
    "organization_currency:genesyscloud_api_overage_forecast_amount",
    "organization_currency:genesyscloud_billing_overage_amount:open",
    "organization_contract_charge:genesyscloud_billing_commit_used:ratio",
    "organization_account_currency:talkdesk_usage_amount:current_month",
    "organization_account_currency:talkdesk_usage_amount:previous_month",
    "organization_account_currency:talkdesk_usage_amount:forecast_month",
    "provider_organization_currency:ccaas_spend_current_amount",
];

/// The alerts of the contract.
const ALERTS: [&str; 27] = [
    "GenesysCloudApiAllowanceForecastExceeded",
    "GenesysCloudApiAllowanceNearlyUsed",
    "GenesysCloudApiAllowanceExceeded",
    "GenesysCloudApiOverageCostForecast",
    "GenesysCloudApiAllowanceUnknown",
    "GenesysCloudClientThrottled",
    "GenesysCloudClientServerErrors",
    "GenesysCloudClientVolumeSpike",
    "GenesysCloudClientDominates",
    "GenesysCloudUnknownClientActive",
    "GenesysCloudOAuthClientIdle",
    "GenesysCloudOAuthClientDeletionWithTraffic",
    "GenesysCloudTrusteeOverPrepay",
    "GenesysCloudBillingOverageAccrued",
    "GenesysCloudCommitExceeded",
    "GenesysCloudWalletLow",
    "GenesysCloudContractEndsSoon",
    "GenesysCloudInvoiceUnpaid",
    "GenesysCloudApiUsageDoesNotReconcile",
    "TalkdeskSpendForecastHigh",
    "TalkdeskNewUsageProduct",
    "CcaasExporterDown",
    "CcaasCollectorFailing",
    "CcaasDataStale",
    "GenesysCloudApiUsageDataStale",
    "CcaasSeriesFolded",
    "CcaasSelfUsageHigh",
];

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(place(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The files of a folder with this ending; none of a folder that is not there.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(place(folder)) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> =
        names.filter(|name| name.ends_with(ending)).map(|name| format!("{folder}/{name}")).collect();
    files.sort();
    files
}

fn unit_tests() -> Vec<String> {
    files("dashboards/rules/tests", ".yml")
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// The rules of a file, each with the name of its group.
fn rules(name: &str) -> Vec<(String, Value)> {
    let file = yaml(name);
    let groups = list(&file, "groups").iter();
    groups
        .flat_map(|group| {
            let of = text(group, "name").to_owned();
            list(group, "rules").iter().map(move |rule| (of.clone(), rule.clone()))
        })
        .collect()
}

fn records() -> Vec<Value> {
    rules("dashboards/rules/recording.yml").into_iter().map(|(_, rule)| rule).collect()
}

fn alerts() -> Vec<(String, Value)> {
    rules("dashboards/rules/alerts.yml")
}

/// The names of rules, in order.
fn sorted<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names
}

fn promtool(arguments: &[&str]) {
    let (good, said) = program("promtool", arguments, "");
    assert!(good, "promtool {arguments:?}\n{said}");
}

#[test]
fn alerts_are_the_template_with_the_default_thresholds() {
    let (thresholds, _) = config::thresholds::load(None).unwrap();
    golden("dashboards/rules/alerts.yml", &thresholds.alerts());
}

#[test]
fn promtool_finds_nothing_wrong_with_the_rules() {
    let [recording, alerts] =
        ["recording", "alerts"].map(|name| place(&format!("dashboards/rules/{name}.yml")));
    promtool(&["check", "rules", recording.to_str().unwrap(), alerts.to_str().unwrap()]);
}

#[test]
fn promtool_proves_every_rule() {
    let tests: Vec<PathBuf> = unit_tests().iter().map(|name| place(name)).collect();
    assert!(tests.len() > 5, "{tests:?}");
    let mut arguments = vec!["test", "rules"];
    arguments.extend(tests.iter().map(|path| path.to_str().unwrap()));
    promtool(&arguments);
}

#[test]
fn the_rules_are_those_of_the_contract() {
    let recorded = records();
    let found = sorted(recorded.iter().map(|rule| text(rule, "record")));
    assert_eq!(found, sorted(RECORDS));
    let alerts = alerts();
    let found = sorted(alerts.iter().map(|(_, rule)| text(rule, "alert")));
    assert_eq!(found, sorted(ALERTS));
}

#[test]
fn every_alert_says_for_whom_how_bad_and_what_to_read() {
    for (group, rule) in alerts() {
        let name = text(&rule, "alert");
        assert!(!text(&rule, "for").is_empty(), "{name} has no for");
        let (labels, annotations) = (&rule["labels"], &rule["annotations"]);
        assert!(["info", "warning", "critical"].contains(&text(labels, "severity")), "{name}: {labels}");
        assert_eq!(format!("ccaas-{}", text(labels, "audience")), group, "{name} stands in the wrong group");
        for key in ["summary", "description"] {
            assert!(text(annotations, key).len() > 20, "{name} has no {key}");
        }
        assert_eq!(text(annotations, "runbook_url"), format!("docs/runbooks/{name}.md"));
    }
}

#[test]
fn every_alert_is_proven_both_ways_and_every_record_has_values() {
    let (mut firing, mut quiet) = (BTreeSet::new(), BTreeSet::new());
    let mut valued: BTreeSet<&str> = BTreeSet::new();
    for file in unit_tests() {
        for test in list(&yaml(&file), "tests") {
            for case in list(test, "alert_rule_test") {
                let expected = case["exp_alerts"].as_array().unwrap_or_else(|| panic!("{file}: {case}"));
                let alert = text(case, "alertname").to_owned();
                let proven = if expected.is_empty() { &mut quiet } else { &mut firing };
                proven.insert(alert);
            }
            for case in
                list(test, "promql_expr_test").iter().filter(|case| !list(case, "exp_samples").is_empty())
            {
                let expression = text(case, "expr").to_owned();
                valued.extend(RECORDS.into_iter().filter(|record| expression.contains(record)));
            }
        }
    }
    for alert in ALERTS {
        assert!(firing.contains(alert), "no test has {alert} firing");
        assert!(quiet.contains(alert), "no test has {alert} not firing");
    }
    for record in RECORDS {
        assert!(valued.contains(record), "no test has values of {record}");
    }
}

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
    let queries = Regex::new(r#"printf "((?:[^"\\]|\\.)*)""#).unwrap();
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
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let pages = files("docs/runbooks", ".md");
    let names: Vec<&str> = pages.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
    let expected: Vec<String> = ALERTS.iter().map(|alert| format!("{alert}.md")).collect();
    assert_eq!(names, sorted(expected.iter().map(String::as_str).chain(["README.md"])));
    let index = read("docs/runbooks/README.md");
    for alert in ALERTS {
        assert!(index.contains(&format!("[{alert}]({alert}.md)")), "the index lacks {alert}");
        let page = read(&format!("docs/runbooks/{alert}.md"));
        for section in ["What it means", "Confirm", "What to do", "When to silence"] {
            assert!(page.contains(&format!("\n## {section}\n")), "{alert} lacks {section}");
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
            let block = block.split("```").next().unwrap();
            // A line that is indented goes on with the query before it.
            for query in block.replace("\n ", " ").lines() {
                promql::labels(query, &known).unwrap_or_else(|why| panic!("{page}: {why} in {query}"));
            }
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
        ("label_replace(up, \"where\", \"$1\", \"instance\", \"(.*):.*\")", "instance job where"),
    ] {
        let found = promql::labels(query, &known).unwrap_or_else(|why| panic!("{query}: {why}"));
        assert_eq!(found.into_iter().collect::<Vec<_>>().join(" "), labels, "{query}");
    }
    for (query, why) in [
        ("genesyscloud_api_client_last_day_request", "there is no metric"),
        ("up{organization=\"a\"}", "has no label organization"),
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
        ("sum(up", "too early"),
        ("up up", "not understood"),
        ("label_replace(up, \"a\", \"\", \"organization\", \"\")", "from organization"),
    ] {
        let found = promql::labels(query, &known).unwrap_err();
        assert!(found.contains(why), "{query}: {found}");
    }
}

/// The thresholds as the page shows them: key, default, meaning.
fn threshold_table() -> String {
    let file = read("dashboards/thresholds.yml");
    let mut table = "| key | default | meaning |\n|---|---|---|\n".to_owned();
    let mut section = String::new();
    for line in file.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (entry, comment) = line.split_once('#').unwrap_or((line, ""));
        let (key, value) = entry.split_once(':').unwrap();
        if value.trim().is_empty() {
            section = format!("{key}.");
            continue;
        }
        let key = if key.starts_with(' ') { format!("{section}{}", key.trim()) } else { key.to_owned() };
        writeln!(table, "| `{key}` | `{}` | {} |", value.trim(), comment.trim()).unwrap();
    }
    table
}

/// The alerts as the page shows them.
fn alert_table() -> String {
    let mut table = "| alert | severity | audience | for |\n|---|---|---|---|\n".to_owned();
    for (_, rule) in alerts() {
        let (name, labels) = (text(&rule, "alert"), &rule["labels"]);
        let [severity, audience] = ["severity", "audience"].map(|key| text(labels, key));
        let wait = text(&rule, "for");
        writeln!(table, "| [{name}](runbooks/{name}.md) | {severity} | {audience} | {wait} |").unwrap();
    }
    table
}

#[test]
fn the_page_about_alerts_shows_what_there_is() {
    let page = read("docs/alerts.md");
    let mut shown = page.clone();
    for (name, table) in [("alerts", alert_table()), ("thresholds", threshold_table())] {
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"));
        let (before, rest) =
            shown.split_once(&begin).unwrap_or_else(|| panic!("docs/alerts.md lacks {begin}"));
        let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("docs/alerts.md lacks {end}"));
        shown = format!("{before}{begin}\n{table}\n{end}{after}");
    }
    golden("docs/alerts.md", &shown);
    for record in RECORDS {
        assert!(page.contains(&format!("`{record}`")), "docs/alerts.md lacks {record}");
    }
}

#[test]
fn each_threshold_decides_about_the_alerts_that_it_names() {
    let (_, source) = config::thresholds::load(None).unwrap();
    let names = Regex::new(r"\b(?:GenesysCloud|Talkdesk|Ccaas)[A-Z]\w+").unwrap();
    let render = |source: &str| -> BTreeMap<String, Value> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("thresholds.yml");
        fs::write(&path, source).unwrap();
        let (thresholds, _) =
            config::thresholds::load(Some(&path)).unwrap_or_else(|faults| panic!("{faults}"));
        let file: Value = serde_saphyr::from_str(&thresholds.alerts()).unwrap();
        let rules = list(&file, "groups").iter().flat_map(|group| list(group, "rules").to_vec());
        rules.map(|rule| (text(&rule, "alert").to_owned(), rule)).collect()
    };
    let before = render(&source);
    let lines: Vec<&str> = source.lines().collect();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let (entry, comment) = line.split_once('#').unwrap_or((line, ""));
        let Some((key, value)) = entry.split_once(": ").filter(|(_, value)| !value.trim().is_empty()) else {
            continue;
        };
        let other = match value.trim() {
            "1" => "0.5".to_owned(),
            value if value.parse::<f64>().is_ok_and(|value| value < 1.0) => "0.123".to_owned(),
            value if value.parse::<f64>().is_ok() => "7".to_owned(),
            value if value.ends_with(['m', 'h', 'd']) => "77h".to_owned(),
            _ => "other".to_owned(),
        };
        let mut changed = lines.clone();
        let line = format!("{key}: {other}");
        changed[number] = &line;
        let after = render(&changed.join("\n"));
        let touched: BTreeSet<&str> =
            ALERTS.into_iter().filter(|alert| before[*alert] != after[*alert]).collect();
        assert!(!touched.is_empty(), "{key} changes nothing");
        // The second line of a pair goes on with what the first one names.
        for name in names.find_iter(comment) {
            assert_eq!(touched, BTreeSet::from([name.as_str()]), "{key}");
        }
    }
}
