//! The whole program, healthy: what it collects is what the vendor says, at the cost it promises.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use support::{Metrics, Setup, poll};

/// Asks the vendor for its newest complete day by client, as anybody with a token could, and sums up in its own way.
async fn vendor_day(vendor: &str, jobs: bool) -> BTreeMap<String, u64> {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let token: Value = http
        .post(format!("{vendor}/oauth/token"))
        .basic_auth("demo", Some("demo-secret"))
        .form(&[("grant_type", "client_credentials")])
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let token = token["access_token"].as_str().unwrap();
    let interval = "2026-11-20T00:00:00Z/2026-11-21T00:00:00Z";
    let (path, group_by, id) = if jobs {
        ("usage/aggregates/query/jobs", "OauthClientId", "id")
    } else {
        ("usage/query", "OAuthClientId", "executionId")
    };
    let body = json!({"interval": interval, "granularity": "Day", "groupBy": [group_by]});
    let start: Value = http
        .post(format!("{vendor}/api/v2/{path}"))
        .bearer_auth(token)
        .json(&body)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let id = start[id].as_str().unwrap();
    let results = if jobs {
        format!("{vendor}/api/v2/{path}/{id}?pageSize=1000")
    } else {
        format!("{vendor}/api/v2/{path}/{id}/results")
    };
    let answer = poll("the vendor's own answer", async || {
        let answer: Value = http.get(&results).bearer_auth(token).send().await.unwrap().json().await.unwrap();
        ["Succeeded", "Complete"].contains(&answer["queryStatus"].as_str().unwrap()).then_some(answer)
    })
    .await;
    let mut sums = BTreeMap::new();
    for row in answer[if jobs { "entities" } else { "results" }].as_array().unwrap() {
        if row["date"].as_str().unwrap().starts_with("2026-11-20") {
            let client = if jobs { &row["oauthClient"]["id"] } else { &row["clientId"] };
            let requests = if jobs { &row["requestCount"] } else { &row["requests"] };
            *sums.entry(client.as_str().unwrap().to_owned()).or_default() += requests.as_u64().unwrap();
        }
    }
    sums
}

fn last_day(metrics: &Metrics) -> BTreeMap<String, u64> {
    metrics.sums("genesyscloud_api_client_last_day_requests", "client_id")
}

#[tokio::test(flavor = "multi_thread")]
async fn status_classes_sum_to_the_vendors_requests_in_both_apis() {
    for (api, jobs) in [("jobs", true), ("legacy", false)] {
        let setup = Setup::new().collectors(&format!("{{usage: {{api: {api}, lookback: 30d}}}}"));
        let stage = setup.start().await;
        let metrics = stage.ready().await;
        let vendor = vendor_day(&stage.vendor.as_ref().unwrap().url(), jobs).await;
        assert!(vendor.len() >= 8, "{vendor:?}");
        assert_eq!(last_day(&metrics), vendor, "{api}");

        // The endpoints of the same day tell the same, although most of them are folded.
        let endpoints = metrics.sums("genesyscloud_api_endpoint_last_day_requests", "client_id");
        let active: BTreeMap<_, _> = vendor.into_iter().filter(|(_, requests)| *requests > 0).collect();
        assert_eq!(endpoints, active, "{api}");

        // The throttled client's 429 stands beside its other 4xx, not in it.
        let throttled = metrics.of("genesyscloud_api_client_last_day_requests", &[("status", "429")]);
        assert!(throttled.map(|sample| sample.value).fold(0.0, f64::max) > 100.0);
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_jobs_api_has_genesys_own_clients_and_they_are_excluded_from_fair_use() {
    for (api, excluded) in [("jobs", 1), ("legacy", 0)] {
        let stage =
            Setup::new().collectors(&format!("{{usage: {{api: {api}, lookback: 30d}}}}")).start().await;
        let metrics = stage.ready().await;
        let clients: std::collections::BTreeSet<&str> = metrics
            .of("genesyscloud_api_client_last_day_requests", &[("fair_use", "excluded")])
            .map(|sample| sample.label("client_id"))
            .collect();
        assert_eq!(clients.len(), excluded, "{api}");
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folding_endpoints_keeps_every_sum() {
    let sums = |metrics: &Metrics| {
        let mut sums: BTreeMap<(String, String), u64> = BTreeMap::new();
        for sample in metrics.of("genesyscloud_api_endpoint_last_day_requests", &[]) {
            let key = (sample.label("client_id").to_owned(), sample.label("status").to_owned());
            *sums.entry(key).or_default() += sample.value as u64;
        }
        sums
    };
    let mut all = Vec::new();
    for endpoints in [5, 10_000] {
        let setup = Setup::new().collectors(&format!("{{usage: {{endpoints: {endpoints}, lookback: 30d}}}}"));
        let stage = setup.start().await;
        let metrics = stage.ready().await;
        let folded = metrics.value("ccaas_exporter_series_folded_ratio", &[]).unwrap();
        assert_eq!(folded > 0.0, endpoints == 5, "{folded}");
        all.push(sums(&metrics));
        stage.stop().await;
    }
    assert_eq!(all[0], all[1]);
}

/// The sums of everything that can be folded, over the labels that can be.
fn foldable_sums(metrics: &Metrics) -> BTreeMap<String, i64> {
    let folding = ["method", "template_uri", "product_id", "customer_organization_id"];
    let mut sums = BTreeMap::new();
    for sample in &metrics.samples {
        if sample.labels.keys().any(|label| folding.contains(&label.as_str()))
            && !sample.name.contains("_info")
        {
            let rest = sample.labels.iter().filter(|(label, _)| !folding.contains(&label.as_str()));
            let rest: Vec<String> = rest.map(|(label, value)| format!("{label}={value}")).collect();
            // Amounts have up to four decimals.
            *sums.entry(format!("{} {}", sample.name, rest.join(" "))).or_default() +=
                (sample.value * 10_000.0).round() as i64;
        }
    }
    sums.retain(|name, _| !name.contains("subscription") && !name.contains("trustee"));
    sums
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_stays_within_its_series_and_every_sum_stays_right() {
    const BOUND: usize = 540;
    let mut all = Vec::new();
    for max_series in [20_000, BOUND] {
        let mut setup = Setup::everything()
            .change(|settings| settings.usage.as_mut().unwrap().endpoints = 10_000)
            .refresh(Duration::from_secs(5));
        setup.max_series = max_series;
        let stage = setup.start().await;
        stage.ready().await;
        let metrics = stage
            .until("every collector to find room", |metrics| {
                metrics.of("ccaas_exporter_collector_up", &[]).all(|sample| sample.value == 1.0)
            })
            .await;
        let series = metrics.sums("ccaas_exporter_collector_series", "organization");
        if max_series == BOUND {
            assert!(series.values().all(|series| *series <= BOUND as u64), "{series:?}");
            for organization in ["acme", "umbrella", "globex"] {
                let folded = metrics
                    .value("ccaas_exporter_series_folded_ratio", &[("organization", organization)])
                    .unwrap();
                assert!(folded > 0.0 && folded < 1.0, "{organization} {folded}");
            }
        } else {
            assert!(series.values().filter(|series| **series > BOUND as u64).count() >= 3, "{series:?}");
        }
        all.push(foldable_sums(&metrics));
        stage.stop().await;
    }
    assert!(all[0].len() > 200, "{}", all[0].len());
    assert_eq!(all[0], all[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_period_allowance_and_windows_are_told() {
    let stage = Setup::new().start().await;
    let metrics = stage.ready().await;
    let value = |name: &str| metrics.value(name, &[]).unwrap();
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second() as f64;
    assert_eq!(value("genesyscloud_api_last_day_timestamp_seconds"), at("2026-11-20T00:00:00Z"));
    assert_eq!(value("genesyscloud_api_period_start_timestamp_seconds"), at("2026-10-21T00:00:00Z"));
    assert_eq!(value("genesyscloud_api_period_end_timestamp_seconds"), at("2026-11-21T00:00:00Z"));
    assert_eq!(value("genesyscloud_api_trailing_window_seconds"), 7.0 * 86_400.0);
    assert_eq!(value("genesyscloud_api_allowance_requests"), 11_000_000.0);
    assert_eq!(metrics.value("genesyscloud_api_allowance_info", &[("source", "licenses")]), Some(1.0));
    assert_eq!(metrics.value("genesyscloud_api_period_info", &[("source", "anchor_day")]), Some(1.0));
    assert_eq!(metrics.collector("data_through_timestamp_seconds", "usage"), at("2026-11-21T00:00:00Z"));

    // The longer windows hold the shorter ones.
    let [day, trailing, period] = ["last_day", "trailing", "period_to_date"].map(|window| {
        metrics.sums(&format!("genesyscloud_api_client_{window}_requests"), "organization")["acme"]
    });
    assert!(0 < day && day < trailing && trailing < period);

    // A client that has been idle for months is known to have been active once.
    let active = metrics.of("genesyscloud_api_client_last_active_timestamp_seconds", &[]);
    let oldest = active.map(|sample| sample.value).fold(f64::INFINITY, f64::min);
    assert!(oldest < at("2026-08-01T00:00:00Z"), "{oldest}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_clients_cost_at_most_25_requests_a_refresh_and_2400_in_30_days() {
    let refresh = Duration::from_secs(3);
    let mut setup = Setup::new().collectors("{client_summary: {enabled: false}}").refresh(refresh);
    setup.options.clients = 50;
    let stage = setup.start().await;
    let polls = |metrics: &Metrics| metrics.collector("polls_total", "usage");
    let count =
        |operations: &[&str]| operations.iter().map(|name| stage.simulator.count(name)).sum::<usize>();
    let usage_operations = ["postUsageAggregatesJob", "getUsageAggregatesJob"];

    let first = stage.until("the first run", |metrics| polls(metrics) >= 1.0).await;
    let before = count(&usage_operations);
    // A late figure, so that the endpoints are asked for again too: the dearest refresh there is.
    stage.simulator.set_scenario(support::scenario(
        "faults:\n  - {operation: postUsageAggregatesJob, times: 1, fault: {restate: {days_ago: 1, factor: 1.5}}}",
    ));
    let second = stage.until("the second run", |metrics| polls(metrics) > polls(&first)).await;
    let usage = count(&usage_operations) - before;
    assert!(second.value("ccaas_exporter_restatements_total", &[("collector", "usage")]).unwrap() >= 1.0);
    let a_run = |operation: &str, collector: &str| {
        count(&[operation]).div_ceil((second.collector("polls_total", collector) as usize).max(1))
    };
    let lists = a_run("listOAuthClients", "oauth_clients");
    let refresh = usage + lists;
    assert!(refresh <= 25, "{refresh} requests, of which {usage} for usage; the first run took {before}");
    // At the intervals of the defaults: 6 h, 6 h, 24 h and 12 h.
    let (limits, reports) =
        (a_run("getEffectiveLimits", "limits"), a_run("getBillableUsage", "billable_usage"));
    let month = 30 * (4 * usage + 4 * lists + limits + 2 * reports);
    assert!(month <= 2400, "{month} requests: {usage}, {lists}, {limits} and {reports} a run");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn summaries_cover_the_client_list_and_only_it() {
    let stage = Setup::new().start().await;
    let metrics = stage.ready().await;
    let listed = metrics.sums("genesyscloud_oauth_client_info", "client_id");
    let summarized = metrics.sums("genesyscloud_oauth_client_requests", "client_id");
    assert!(summarized.keys().all(|client| listed.contains_key(client)));
    assert!(summarized.len() >= 8);
    assert_eq!(metrics.value("genesyscloud_oauth_client_window_seconds", &[]), Some(7.0 * 86_400.0));
    // Somebody makes requests who is not in the list.
    assert!(last_day(&metrics).keys().any(|client| !listed.contains_key(client)));
    stage.stop().await;
}
