//! What vendors send beyond their documentation, and how it is counted.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use support::scripted::{self, TOKEN, ok};
use support::{Metrics, Setup, Stage};

/// The surprises by kind.
fn surprises(metrics: &Metrics) -> BTreeMap<String, u64> {
    metrics.sums("ccaas_exporter_schema_surprises_total", "kind")
}

/// All kinds, with these counts.
fn kinds(enum_value: u64, field: u64, unit: u64, deprecation: u64) -> BTreeMap<String, u64> {
    let counts = [("enum_value", enum_value), ("field", field), ("unit", unit), ("deprecation", deprecation)];
    counts.map(|(kind, count)| (kind.to_owned(), count)).into()
}

/// One collector, as YAML flow text, against a vendor that always answers `body`.
async fn stage(collector: &'static str, body: &Value) -> Stage {
    let body = body.to_string();
    scripted::stage(
        collector,
        move |_, uri, _| {
            if uri.starts_with("/oauth/token") { ok(TOKEN) } else { ok(body.clone()) }
        },
    )
    .await
}

/// Checks that the runs met `each` surprises of each kind, some of them perhaps one time more than there are ended runs.
async fn each_run(stage: Stage, collector: &str, up: f64, each: BTreeMap<String, u64>) {
    let polls = |metrics: &Metrics| metrics.collector("polls_total", collector);
    let metrics = stage.until("three runs", |metrics| polls(metrics) >= 3.0).await;
    assert_eq!(metrics.collector("up", collector), up);
    let runs = polls(&metrics) as u64;
    let told = surprises(&metrics);
    for (kind, count) in each {
        let expected = count * runs..=count * (runs + 1);
        assert!(expected.contains(&told[&kind]), "{kind}: {} in {runs} runs", told[&kind]);
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_field_of_a_documented_answer_is_a_surprise() {
    let stage = Setup::everything().start().await;
    let metrics = stage.ready().await;
    let told: Vec<_> = metrics.of("ccaas_exporter_schema_surprises_total", &[]).collect();
    for sample in &told {
        let is_planted = ["enum_value", "unit"].contains(&sample.label("kind"));
        assert!(is_planted || sample.value == 0.0, "{sample:?}");
    }
    // Every collector has every kind, from the start.
    assert_eq!(told.len(), 4 * metrics.of("ccaas_exporter_collector_up", &[]).count());
    assert!(surprises(&metrics)["unit"] > 0, "the simulator has units that are not documented");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_field_counts_once_a_run_however_often_it_stands_there() {
    let limit = |number: usize| json!({"key": format!("x{number}.rate.per.minute"), "value": 300, "burst": {"new": 1}});
    let limits: Vec<Value> = (0..50).map(limit).collect();
    let stage = stage("limits: {}", &json!({"entities": limits, "asOf": "2026-11-21"})).await;
    each_run(stage, "limits", 1.0, kinds(0, 2, 0, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_fields_of_rows_are_noticed_and_the_rows_still_count() {
    let resource = json!({"name": "jane@example.com", "date": "2026-11-01T00:00:00Z", "shoeSize": 42});
    let usage = json!({"name": "CX 2", "totalUsage": "1", "resources": [resource], "colour": "red"});
    let report = json!({"status": "Complete", "usages": [usage], "startDate": "", "endDate": ""});
    let stage = stage("billable_usage: {}", &report).await;
    let metrics = stage.until("figures", |metrics| metrics.collector("up", "billable_usage") == 1.0).await;
    assert_eq!(metrics.of("genesyscloud_billable_usage_quantity", &[]).count(), 1);
    each_run(stage, "billable_usage", 1.0, kinds(0, 2, 0, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_tells_its_surprises_too() {
    let stage = stage("limits: {}", &json!({"limits": []})).await;
    each_run(stage, "limits", 0.0, kinds(0, 1, 0, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undocumented_state_of_a_job_counts_once_a_run_and_is_waited_out() {
    let is_done = AtomicBool::new(true);
    let stage = scripted::stage("usage: {api: jobs, lookback: 30d}", move |method, uri, _| {
        if uri.starts_with("/oauth/token") {
            return ok(TOKEN);
        }
        // Every job is asked for twice.
        let was_done = method == "GET" && is_done.fetch_xor(true, Ordering::SeqCst);
        ok(match (method, was_done) {
            ("GET", true) => r#"{"queryStatus":"Pondering"}"#,
            ("GET", false) => r#"{"queryStatus":"Succeeded","entities":[]}"#,
            _ => r#"{"id":"job"}"#,
        })
    })
    .await;
    each_run(stage, "usage", 1.0, kinds(1, 0, 0, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_end_of_an_operation_counts_and_changes_no_figure() {
    let end = "{Deprecation: '@1782864000', Sunset: 'Thu, 31 Dec 2026 23:59:59 GMT'}";
    let faults = format!("faults: [{{operation: getEffectiveLimits, fault: {{headers: {end}}}}}]");
    let stage = Setup::only("limits: {}").scenario(&faults).start().await;
    let metrics = stage.ready().await;
    assert_eq!(surprises(&metrics), kinds(0, 0, 0, 1));
    assert_eq!(metrics.collector("up", "limits"), 1.0);
    assert!(metrics.of("genesyscloud_rate_limit_requests_per_minute", &[]).count() > 0);
    stage.stop().await;
}
