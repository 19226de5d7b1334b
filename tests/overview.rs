//! The figures at a glance that `/api/v1/status` tells are those of `/metrics`, also after a restart, and own requests are counted
//! where they belong.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::collections::BTreeMap;

use ccaas_exporter::config::Provider;
use ccaas_exporter::providers::genesys_cloud::{Allowance, Settings};
use serde_json::Value;
use support::{Metrics, Setup, Stage, poll};

async fn status(stage: &Stage) -> Value {
    stage.get("/api/v1/status").await.json().await.unwrap()
}

fn list<'a>(status: &'a Value, key: &str) -> &'a Vec<Value> {
    status[key].as_array().unwrap()
}

fn organization<'a>(status: &'a Value, name: &str) -> &'a Value {
    list(status, "organizations").iter().find(|organization| organization["organization"] == name).unwrap()
}

/// The sum of what counts towards fair use.
fn counted(metrics: &Metrics, name: &str, organization: &str) -> f64 {
    let labels = [("organization", organization), ("fair_use", "counted")];
    metrics.of(name, &labels).map(|sample| sample.value).sum()
}

/// What the recording rules make of the metrics: to date, mean, days left, forecast.
fn rules(metrics: &Metrics, organization: &str) -> [f64; 4] {
    let value = |name: &str| {
        metrics.value(&format!("genesyscloud_api_{name}"), &[("organization", organization)]).unwrap()
    };
    let sum =
        |window: &str| counted(metrics, &format!("genesyscloud_api_client_{window}_requests"), organization);
    let to_date = sum("period_to_date");
    let mean = sum("trailing") / (value("trailing_window_seconds") / 86_400.0);
    let left = (value("period_end_timestamp_seconds") - value("last_day_timestamp_seconds")) / 86_400.0 - 1.0;
    [to_date, mean, left, to_date + mean * left]
}

/// The same as the page tells it.
fn told(organization: &Value) -> [f64; 4] {
    ["requests_to_date", "trailing_daily_mean_requests", "days_left", "forecast_requests"]
        .map(|key| organization["fair_use"][key].as_f64().unwrap())
}

/// The page tells what the metrics tell.
fn agree(organization: &Value, metrics: &Metrics) {
    let (name, fair_use) = (organization["organization"].as_str().unwrap(), &organization["fair_use"]);
    assert_eq!(told(organization), rules(metrics, name), "{name}");
    let labels = [("organization", name)];
    assert_eq!(
        fair_use["allowance_requests"].as_f64(),
        metrics.value("genesyscloud_api_allowance_requests", &labels)
    );
    for (key, info) in [("allowance_source", "allowance"), ("period_source", "period")] {
        let info = format!("genesyscloud_api_{info}_info");
        let source = metrics.of(&info, &labels).next().unwrap();
        assert_eq!(fair_use[key], source.label("source"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fair_use_and_spend_are_those_of_the_metrics() {
    let stage = Setup::everything().start().await;
    stage.ready().await;
    // A contract that comes late is taken in.
    let status = poll("the contract's period", async || {
        let status = status(&stage).await;
        (organization(&status, "acme")["fair_use"]["period_source"] == "contract").then_some(status)
    })
    .await;
    let metrics = stage.metrics().await;
    for name in ["acme", "umbrella", "wayne-partners"] {
        let organization = organization(&status, name);
        agree(organization, &metrics);
        let narrow = stage.get(&format!("/api/v1/status?organization={name}")).await;
        let narrow: Value = narrow.json().await.unwrap();
        let days = list(&narrow["organizations"][0]["fair_use"], "daily_requests");
        assert!(days.len() >= 35, "{name}: {}", days.len());
        assert_eq!(
            days.last().unwrap()["requests"].as_f64().unwrap(),
            counted(&metrics, "genesyscloud_api_client_last_day_requests", name)
        );
        assert!(organization["last_success"].is_string());
    }
    // Genesys' own clients are in the metrics, and do not count.
    let all = metrics.sums("genesyscloud_api_client_last_day_requests", "organization")["acme"] as f64;
    assert!(all > counted(&metrics, "genesyscloud_api_client_last_day_requests", "acme"));

    let mut spend: BTreeMap<(String, String), f64> = BTreeMap::new();
    for sample in metrics.of("talkdesk_usage_amount", &[]) {
        if !["RECHARGE", "CREDIT_COMMIT"].contains(&sample.label("usage_type")) {
            let key = (sample.label("month").to_owned(), sample.label("currency").to_owned());
            *spend.entry(key).or_default() += sample.value;
        }
    }
    assert_eq!(spend.len(), 4, "two months, two currencies: {spend:?}");
    for month in list(organization(&status, "globex"), "spend") {
        for amount in list(month, "amounts") {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let expected = spend.remove(&(text(&month["month"]), text(&amount["currency"]))).unwrap();
            assert!((amount["amount"].as_f64().unwrap() - expected).abs() < 1e-6, "{month}");
        }
    }
    assert!(spend.is_empty(), "{spend:?}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_requests_of_all_collectors_sum_to_those_that_were_sent() {
    let faults = "faults:\n  - {operation: listOAuthClients, fault: {status: 500}}\n  - {operation: getEffectiveLimits, fault: {status: 403}}";
    let stage = Setup::new().scenario(faults).start().await;
    stage.ready().await;
    let metrics = stage.metrics().await;
    let status = status(&stage).await;
    let sent: u64 = metrics.sums("ccaas_exporter_api_requests_total", "organization")["acme"];
    let told = |key: &str| {
        let collectors = list(&status, "collectors").iter();
        collectors.map(|collector| collector["own_requests"][key].as_u64().unwrap()).sum::<u64>()
    };
    assert!(sent > 20, "{sent}");
    assert_eq!((told("since_start"), told("last_run")), (sent, sent), "each has run once");
    let status: Value = stage.get("/api/v1/status?organization=acme").await.json().await.unwrap();
    for collector in list(&status, "collectors") {
        let runs = list(collector, "runs");
        assert_eq!((runs.len(), &runs[0]["state"]), (1, &collector["state"]), "{collector}");
        let reason =
            if collector["state"] == "failed" { &collector["last_error"]["reason"] } else { &Value::Null };
        assert_eq!(&runs[0]["reason"], reason);
    }
    assert!(list(&status, "collectors").iter().any(|collector| collector["state"] == "failed"));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_under_way_counts_in_all_and_is_no_last_run() {
    let faults = "faults:\n  - {operation: listOAuthClients, fault: {hang: true}}";
    let stage = Setup::only("oauth_clients: {}").scenario(faults).start().await;
    // The token's request ends, and the next one does not.
    let collector = poll("a request", async || {
        let status: Value = stage.get("/api/v1/status?organization=acme").await.json().await.unwrap();
        let collector = list(&status, "collectors")[0].clone();
        (collector["own_requests"]["since_start"] != 0).then_some(collector)
    })
    .await;
    assert_eq!(collector["own_requests"], serde_json::json!({"last_run": null, "since_start": 1}));
    assert_eq!((&collector["state"], list(&collector, "runs").len()), (&"pending".into(), 0));
    assert_eq!(stage.metrics().await.sums("ccaas_exporter_api_requests_total", "organization")["acme"], 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_outlive_a_restart_and_the_runs_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::only("usage: {lookback: 30d}, contracts: {enabled: true}");
    let mut stage = setup.storage(folder.path()).start().await;
    stage.ready().await;
    let fair_use = async |stage: &Stage| organization(&status(stage).await, "acme")["fair_use"].clone();
    let by_contract = async |stage: &Stage| {
        let known = async || Some(fair_use(stage).await).filter(|known| known["period_source"] == "contract");
        poll("the contract's period", known).await
    };
    let before = by_contract(&stage).await;

    stage.stop_exporter().await;
    stage.stop_vendor().await;
    stage.start_exporter().await;
    stage.ready().await;
    assert_eq!(by_contract(&stage).await, before);
    let status: Value = stage.get("/api/v1/status?organization=acme").await.json().await.unwrap();
    for collector in list(&status, "collectors") {
        assert!(list(collector, "runs").is_empty(), "{collector}");
        assert_eq!(collector["own_requests"]["since_start"], 0);
        assert!(collector["own_requests"]["last_run"].is_null());
        assert_eq!(collector["state"], "succeeded");
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_figures_are_told_by_page_and_metrics_alike_whatever_is_lost_or_set_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::only("usage: {lookback: 30d}, contracts: {enabled: true}");
    let mut stage = setup.storage(folder.path()).start().await;
    stage.ready().await;
    let known = poll("the contract's period", async || {
        let status = status(&stage).await;
        let acme = organization(&status, "acme");
        (acme["fair_use"]["period_source"] == "contract").then(|| acme["fair_use"].clone())
    })
    .await;
    stage.stop_exporter().await;
    stage.stop_vendor().await;

    for change in
        ["the contracts' figures are lost", "there is an allowance of 5", "the period starts on another day"]
    {
        match change {
            "the contracts' figures are lost" => {
                let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
                let is_lost = |path: &std::path::PathBuf| {
                    let name = path.file_name().unwrap().to_str().unwrap();
                    name.contains("contracts") && name.ends_with(".figures")
                };
                let lost: Vec<_> = files.filter(is_lost).collect();
                assert_eq!(lost.len(), 1);
                std::fs::remove_file(&lost[0]).unwrap();
            }
            "there is an allowance of 5" => settings(&mut stage, |settings| {
                settings.allowance = Some(Allowance::Requests(5));
            }),
            _ => settings(&mut stage, |settings| settings.anchor_day = Some(2)),
        }
        stage.start_exporter().await;
        let metrics = stage
            .until("the stored figures", |metrics| {
                metrics.value("genesyscloud_api_allowance_requests", &[("organization", "acme")]).is_some()
            })
            .await;
        let status = status(&stage).await;
        let acme = organization(&status, "acme");
        agree(acme, &metrics);
        assert_eq!(acme["fair_use"], known, "{change}: the figures are those that were read");
        let page = stage.text("/?organization=acme").await;
        let to_date = format!("<data value=\"{}\"", known["requests_to_date"]);
        assert!(page.contains(&to_date) && page.contains("from the contract"), "{change}");
        stage.stop_exporter().await;
    }
    stage.stop().await;
}

/// Changes the settings of the only organization.
fn settings(stage: &mut Stage, change: impl FnOnce(&mut Settings)) {
    stage.reconfigure(|config| match &mut config.organizations[0].provider {
        Provider::GenesysCloud(settings) => change(settings),
        Provider::Talkdesk(_) => panic!("another provider"),
    });
}
