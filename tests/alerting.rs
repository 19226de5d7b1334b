//! An alert goes all the way: the real demo, the real Prometheus with the rules, the real Alertmanager with the sample
//! configuration, and a webhook.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use regex::Regex;
use serde_json::Value;
use support::monitoring::{Monitoring, free_port, quiet};
use tokio::time::Instant;

/// What the demo always has: an organization that heads over its allowance, with one client for each kind of trouble.
const FIRING: [&str; 12] = [
    "GenesysCloudApiAllowanceForecastExceeded",
    "GenesysCloudApiOverageCostForecast",
    "GenesysCloudClientThrottled",
    "GenesysCloudClientServerErrors",
    "GenesysCloudUnknownClientActive",
    "GenesysCloudOAuthClientIdle",
    "GenesysCloudOAuthClientDeletionWithTraffic",
    "GenesysCloudTrusteeOverPrepay",
    "GenesysCloudBillingOverageAccrued",
    "GenesysCloudCommitExceeded",
    "GenesysCloudWalletLow",
    "GenesysCloudInvoiceUnpaid",
];

/// The alerts that a receiver was told of, with the name of the receiver.
type Told = Arc<Mutex<Vec<(String, Value)>>>;

async fn webhook(told: Told) -> u16 {
    let receive = |Path(receiver): Path<String>, State(told): State<Told>, Json(body): Json<Value>| async move {
        let alerts = body["alerts"].as_array().unwrap().clone();
        told.lock().unwrap().extend(alerts.into_iter().map(|alert| (receiver.clone(), alert)));
    };
    let router = Router::new().route("/{receiver}", post(receive)).with_state(told);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

/// The file, with every time of it a second: nobody waits a quarter of an hour here.
fn hurried(text: &str) -> String {
    let times = Regex::new(r"(?m)^( *(?:for|interval|group_wait|group_interval): ).*$").unwrap();
    times.replace_all(text, "${1}1s").into_owned()
}

fn name(alert: &Value) -> &str {
    alert["labels"]["alertname"].as_str().unwrap()
}

/// What the templates made is meant for people.
fn assert_readable(alert: &Value) {
    for annotation in ["summary", "description"] {
        let text = alert["annotations"][annotation].as_str().unwrap();
        for fault in ["<no value>", "%!", "<error", "unknown day", "NaN", "  "] {
            assert!(!text.contains(fault), "{}: {text}", name(alert));
        }
    }
    assert!(alert["annotations"]["runbook_url"].as_str().unwrap().ends_with(&format!("/{}.md", name(alert))));
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_of_the_demo_arrive_at_whom_they_concern() {
    let told = Told::default();
    let receivers = webhook(told.clone()).await;
    let port = free_port();
    let rules =
        [include_str!("../dashboards/rules/recording.yml"), include_str!("../dashboards/rules/alerts.yml")];
    let monitoring = Monitoring::start(&rules.map(hurried), Some(port));
    let config = monitoring.folder().join("alertmanager.yml");
    let sample = hurried(include_str!("../packaging/compose/alertmanager.yml"));
    let receiver = Regex::new(r"(?m)^  - name: (\w+)$").unwrap();
    let url = format!("  - name: $1\n    webhook_configs: [{{url: 'http://127.0.0.1:{receivers}/$1'}}]");
    std::fs::write(&config, receiver.replace_all(&sample, url).as_ref()).unwrap();
    let mut alertmanager = quiet(
        "prometheus-alertmanager",
        &[
            format!("--config.file={}", config.display()),
            format!("--storage.path={}", monitoring.folder().join("alertmanager").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--cluster.listen-address=".to_owned(),
        ],
    );

    let arrived = || {
        let told = told.lock().unwrap();
        told.iter().map(|(_, alert)| name(alert).to_owned()).collect::<BTreeSet<_>>()
    };
    let missing = || FIRING.into_iter().filter(|name| !arrived().contains(*name)).collect::<Vec<_>>();
    let deadline = Instant::now() + support::DEADLINE;
    while !missing().is_empty() {
        assert!(Instant::now() < deadline, "{:?} did not arrive, only {:?}", missing(), arrived());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    for (receiver, alert) in told.lock().unwrap().iter() {
        assert_readable(alert);
        let audience = alert["labels"]["audience"].as_str().unwrap();
        let expected = if alert["labels"]["severity"] == "info" { "info" } else { audience };
        assert_eq!(receiver, expected, "{alert}");
    }
    let of = |wanted: &str| {
        let told = told.lock().unwrap();
        told.iter().find(|(_, alert)| name(alert) == wanted).map(|(_, alert)| alert.clone()).unwrap()
    };
    assert_eq!(of("GenesysCloudApiAllowanceForecastExceeded")["labels"]["organization"], "acme");
    let throttled = of("GenesysCloudClientThrottled")["annotations"]["summary"].as_str().unwrap().to_owned();
    assert!(throttled.contains("wfm-export"), "{throttled}");
    println!("arrived: {}", arrived().into_iter().collect::<Vec<_>>().join(", "));

    alertmanager.kill().await.unwrap();
    monitoring.stop().await;
}
