//! The rules: that promtool accepts and proves them, that the list is complete, and that everything they name exists. The same for
//! dashboards, runbooks and the samples that are delivered with them.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

#[path = "../support/mod.rs"]
mod support;

mod names;
mod pages;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ccaas_exporter::config;
use regex::Regex;
use serde_json::Value;
use support::{golden, program};

/// The recording rules of the contract.
const RECORDS: [&str; 26] = [
    "organization_client_status:genesyscloud_api_last_day_requests:sum",
    "organization_job_instance:genesyscloud_api_newest_day_timestamp_seconds",
    "organization_job_instance:genesyscloud_api_newest_period_end_timestamp_seconds",
    "organization:genesyscloud_api_newest_allowance_requests",
    "organization_contract_period:genesyscloud_billing_open_period:info",
    "organization_job_instance_month_relative:talkdesk_month:info",
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

/// A query without its matchers and with single spaces.
fn bare(query: &str) -> String {
    let query = Regex::new(r"\{[^{}]*\}").unwrap().replace_all(query, "");
    query.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_queries_of_dashboards_that_are_proven_are_theirs() {
    let mut asked = Vec::new();
    for file in files("dashboards", ".json") {
        let board: Value = serde_json::from_str(&read(&file)).unwrap();
        for panel in list(&board, "panels") {
            asked.extend(list(panel, "targets").iter().map(|target| bare(text(target, "expr"))));
        }
    }
    let proven = yaml("dashboards/rules/tests/dashboards.yml");
    for test in list(&proven, "tests") {
        for case in list(test, "promql_expr_test") {
            let query = bare(text(case, "expr"));
            assert!(
                asked.iter().any(|asked| asked.contains(&query)) || RECORDS.contains(&query.as_str()),
                "no dashboard asks {query}"
            );
        }
    }
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
