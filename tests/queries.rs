//! Watched clients, searches, an app's customers and limits, through the whole program: the figures are those that anybody with a
//! token gets from the vendor.

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

use ccaas_exporter::simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};
use serde_json::{Value, json};
use support::scripted::{self, TOKEN, ok};
use support::{Metrics, Setup, Vendor, poll, scenario};

const SEARCHED: &str = "genesyscloud_api_search_requests";
const ENDPOINTS: &str = "genesyscloud_oauth_client_endpoint_requests";
const CUSTOMERS: &str = "genesyscloud_app_client_organization_last_day_requests";

fn at(text: &str) -> f64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second() as f64
}

/// Starts a query of the vendor as anybody with a token could, and waits for all its rows.
async fn rows(vendor: &Vendor, path: &str, mut query: Value) -> Vec<Value> {
    query["granularity"] = "Day".into();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let token = http.post(format!("{}/oauth/token", vendor.url())).basic_auth(CLIENT_ID, Some(CLIENT_SECRET));
    let token = token.form(&[("grant_type", "client_credentials")]).send().await.unwrap();
    let token: Value = token.json().await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    let start = http.post(format!("{}{path}", vendor.url())).bearer_auth(token).json(&query);
    let start: Value = start.send().await.unwrap().json().await.unwrap();
    let results = match start["executionId"].as_str() {
        Some(id) => format!("{path}/{id}/results"),
        None => format!("{path}/{}?pageSize=1000", start["id"].as_str().unwrap()),
    };
    let answer = poll("the vendor's own answer", async || {
        let answer = vendor.get(&results).await;
        ["Succeeded", "Complete"].contains(&answer["queryStatus"].as_str().unwrap()).then_some(answer)
    })
    .await;
    assert!(answer["nextUri"].is_null(), "more than one page");
    answer[if start["id"].is_null() { "results" } else { "entities" }].as_array().unwrap().clone()
}

/// What the legacy API counts by endpoint on whole days of November 2026.
async fn endpoints(vendor: &Vendor, first: u8, last: u8) -> Vec<Value> {
    let interval = format!("2026-11-{first:02}T00:00:00Z/2026-11-{:02}T00:00:00Z", last + 1);
    let group_by = ["OAuthClientId", "HttpMethod", "TemplateUri"];
    rows(vendor, "/api/v2/usage/query", json!({"interval": interval, "groupBy": group_by})).await
}

/// Sums rows by fields and status class, in a way of its own; what is 0 is left out.
fn sums<'a>(rows: impl IntoIterator<Item = &'a Value>, fields: &[&str]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for row in rows {
        let key: Vec<&str> = fields.iter().map(|field| row[*field].as_str().unwrap()).collect();
        let count = |field: &str| row[field].as_u64().unwrap();
        for (class, requests) in [
            ("2xx", count("status200")),
            ("3xx", count("status300")),
            ("4xx", count("status400") - count("status429")),
            ("429", count("status429")),
            ("5xx", count("status500")),
        ] {
            if requests > 0 {
                *sums.entry(format!("{}|{class}", key.join("|"))).or_default() += requests;
            }
        }
    }
    sums
}

/// The sums of a family by the values of some labels and the status class.
fn shown(metrics: &Metrics, name: &str, labels: &[&str]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for sample in metrics.of(name, &[]) {
        let key: Vec<&str> = labels.iter().chain(&["status"]).map(|label| sample.label(label)).collect();
        *sums.entry(key.join("|")).or_default() += sample.value as u64;
    }
    sums
}

/// Name and id of the clients on the first page of the list, in a world of so many.
async fn listed(clients: usize) -> Vec<(String, String)> {
    let simulator = Simulator::new(Options { clients, ..Setup::new().options });
    let vendor = Vendor::start(simulator, "127.0.0.1:0").await;
    let list = vendor.get("/api/v2/oauth/clients").await;
    vendor.stop().await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list["entities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|client| (text(&client["name"]), text(&client["id"])))
        .collect()
}

/// The ids of the listed clients with these names.
async fn client_ids(names: &[&str]) -> Vec<String> {
    let listed = listed(Setup::new().options.clients).await;
    let id = |wanted: &&str| listed.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
    names.iter().map(id).collect()
}

fn watch(client_ids: &[String], days: u8) -> Setup {
    Setup::only(&format!(
        "client_query: {{enabled: true, clients: [{}], days: {days}}}",
        client_ids.join(", ")
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_endpoints_of_watched_clients_are_what_the_vendor_counts() {
    let ids = client_ids(&["wfm-export", "crm-connector"]).await;
    let stage = watch(&ids, 3).start().await;
    let metrics = stage.ready().await;
    let vendor = endpoints(stage.vendor(), 18, 20).await;
    let vendor = vendor.iter().filter(|row| ids.iter().any(|id| row["clientId"] == **id));
    let vendor = sums(vendor, &["clientId", "httpMethod", "templateUri"]);
    assert!(vendor.len() > 100, "{vendor:?}");
    assert_eq!(shown(&metrics, ENDPOINTS, &["client_id", "method", "template_uri"]), vendor);
    assert_eq!(
        metrics.collector("data_through_timestamp_seconds", "client_query"),
        at("2026-11-21T00:00:00Z")
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folding_the_endpoints_of_many_clients_keeps_every_sum() {
    let clients = 40;
    let ids: Vec<String> = listed(clients).await.into_iter().map(|(_, id)| id).collect();
    let mut setup = watch(&ids, 1);
    setup.options.clients = clients;
    let stage = setup.start().await;
    let metrics = stage.ready().await;
    let folded = metrics.value("ccaas_exporter_series_folded_ratio", &[]).unwrap();
    assert!(folded > 0.0, "{folded}");
    let vendor = endpoints(stage.vendor(), 20, 20).await;
    let vendor = vendor.iter().filter(|row| ids.iter().any(|id| row["clientId"] == **id));
    assert_eq!(shown(&metrics, ENDPOINTS, &["client_id"]), sums(vendor, &["clientId"]));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_client_that_is_gone_or_in_trouble_leaves_the_others_alone() {
    let mut ids = client_ids(&["wfm-export", "crm-connector"]).await;
    ids.push("a/b?c".to_owned());
    for outcome in ["failed", "lost"] {
        let times = if outcome == "lost" { 2 } else { 1 };
        let faults = format!(
            "faults:\n  - {{operation: postClientUsageQuery, after: 1, times: {times}, fault: {{job: {outcome}}}}}"
        );
        let stage = watch(&ids, 1).scenario(&faults).start().await;
        let metrics = stage.ready().await;
        assert_eq!(metrics.collector("up", "client_query"), 1.0, "{outcome}");
        let clients = metrics.sums(ENDPOINTS, "client_id");
        assert!(!clients.is_empty() && clients.len() <= 2, "{outcome}: {clients:?}");
        stage.stop().await;
    }
    let stage = watch(&ids[2..], 1).start().await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.collector("supported", "client_query"), 0.0, "nobody is left");
    assert_eq!(metrics.collector("up", "client_query"), 1.0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_what_the_vendor_counts_by_name_method_and_uri() {
    let searches = "[{name: all, days: 2}, {name: lake writes, days: 1, oauth_client_names: [data-lake-feed, nightly-sync], \
                    http_methods: [POST, PATCH]}, {name: users, days: 1, template_uris: ['api/v2/users']}]";
    for fault in ["", "\n  - {operation: getUsageSimpleSearchResults, fault: {repeat_page: true}}"] {
        let faults = if fault.is_empty() { "faults: []".to_owned() } else { format!("faults:{fault}") };
        let stage = Setup::only(&format!("searches: {searches}")).scenario(&faults).start().await;
        let metrics = stage.ready().await;
        let of = |search: &str| {
            let samples = metrics.of(SEARCHED, &[]).filter(|sample| sample.label("search") == search);
            shown(&Metrics { samples: samples.cloned().collect() }, SEARCHED, &["client_name"])
        };
        let two_days = endpoints(stage.vendor(), 19, 20).await;
        let day = || two_days.iter().filter(|row| row["date"] == "2026-11-20T00:00:00Z");
        // Two clients have the name data-lake-feed, and one is in no list.
        assert_eq!(of("all"), sums(&two_days, &["clientName"]), "{fault}");
        assert!(of("all").keys().any(|key| key.starts_with("agent-assist-plugin")));
        let is_lake_write = |row: &&Value| {
            ["data-lake-feed", "nightly-sync"].contains(&row["clientName"].as_str().unwrap())
                && ["POST", "PATCH"].contains(&row["httpMethod"].as_str().unwrap())
        };
        assert_eq!(of("lake writes"), sums(day().filter(is_lake_write), &["clientName"]), "{fault}");
        assert_eq!(
            of("users"),
            sums(day().filter(|row| row["templateUri"] == "api/v2/users"), &["clientName"]),
            "{fault}"
        );
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_of_more_rows_than_the_vendor_gives_is_made_by_day() {
    let mut setup = Setup::only("searches: [{name: all}]");
    setup.options.clients = 150;
    let stage = setup.start().await;
    let metrics = stage.ready().await;
    let vendor = endpoints(stage.vendor(), 14, 20).await;
    assert!(vendor.len() > 20_000, "{} rows", vendor.len());
    assert_eq!(shown(&metrics, SEARCHED, &["client_name"]), sums(&vendor, &["clientName"]));
    // The whole, and each of its seven days and the one before them.
    assert_eq!(stage.simulator.count("postUsageSimpleSearch"), 9);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_search_is_made_as_often_as_it_says() {
    let setup = Setup::only("searches: [{name: seldom}, {name: often}]").refresh(Duration::from_millis(400));
    let setup = setup.change(|settings| {
        settings.searches.as_mut().unwrap().searches[1].refresh = Duration::from_millis(400);
    });
    let stage = setup.start().await;
    let runs = |metrics: &Metrics| metrics.collector("polls_total", "searches");
    let metrics = stage.until("four runs", |metrics| runs(metrics) >= 4.0).await;
    let searches = stage.simulator.count("postUsageSimpleSearch");
    assert!((3..=1 + runs(&metrics) as usize + 1).contains(&searches), "{searches} searches");
    let found = metrics.sums(SEARCHED, "search");
    assert_eq!(found["seldom"], found["often"], "what is not due stays");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_fails_changes_no_figure() {
    let setup = Setup::only("searches: [{name: all, days: 1}]").refresh(Duration::from_millis(400));
    let setup = setup.change(|settings| {
        settings.searches.as_mut().unwrap().searches[0].refresh = Duration::from_millis(400);
    });
    let stage = setup.start().await;
    let good = stage.until("figures", |metrics| metrics.of(SEARCHED, &[]).count() > 0).await;
    for (fault, reason) in [
        ("postUsageSimpleSearch, fault: {job: failed}", "job_failed"),
        ("postUsageSimpleSearch, fault: {job: lost}", "job_expired"),
        ("getUsageSimpleSearchResults, fault: {wrong_json: true}", "decode"),
        ("postUsageSimpleSearch, fault: {status: 403, code: missing.any.permissions}", "forbidden"),
    ] {
        stage.simulator.set_scenario(scenario(&format!("faults:\n  - {{operation: {fault}}}")));
        let bad = stage.until(reason, |metrics| metrics.failures("searches", reason) >= 1.0).await;
        assert_eq!(
            shown(&bad, SEARCHED, &["client_name", "template_uri"]),
            shown(&good, SEARCHED, &["client_name", "template_uri"])
        );
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customers_of_an_app_are_what_the_vendor_counts() {
    let ids = client_ids(&["crm-connector", "nightly-sync"]).await;
    let app = |ids: &[String]| {
        Setup::only(&format!("app_client_usage: {{enabled: true, clients: [{}]}}", ids.join(", ")))
    };
    let gone = "00000000-0000-0000-0000-000000000000".to_owned();
    let stage = app(&[&ids[..], std::slice::from_ref(&gone)].concat()).start().await;
    let metrics = stage.ready().await;
    let mut vendor: BTreeMap<(String, String), u64> = BTreeMap::new();
    for id in &ids {
        let query =
            json!({"interval": "2026-11-20T00:00:00Z/2026-11-20T12:00:00Z", "groupBy": ["OrganizationId"]});
        let path = format!("/api/v2/usage/client/{id}/aggregates/query/jobs");
        for row in rows(stage.vendor(), &path, query).await {
            let key = (id.clone(), row["organizationId"].as_str().unwrap().to_owned());
            *vendor.entry(key).or_default() += row["requestCount"].as_u64().unwrap();
        }
    }
    assert!(vendor.len() >= 6, "{vendor:?}");
    let shown: BTreeMap<(String, String), u64> = metrics
        .of(CUSTOMERS, &[])
        .map(|sample| {
            let [client, customer] =
                ["client_id", "customer_organization_id"].map(|label| sample.label(label));
            ((client.to_owned(), customer.to_owned()), sample.value as u64)
        })
        .collect();
    assert_eq!(shown, vendor);
    let through = metrics.collector("data_through_timestamp_seconds", "app_client_usage");
    assert_eq!(through, at("2026-11-21T00:00:00Z"));
    stage.stop().await;

    let stage = app(&[gone]).start().await;
    assert_eq!(stage.ready().await.collector("supported", "app_client_usage"), 0.0, "nobody is left");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_without_figures_is_not_shown_before_noon() {
    // A new day is complete three hours after its end if it has rows, and here it has none yet.
    let stage = scripted::stage(
        "app_client_usage: {enabled: true, clients: [a]}",
        |method, uri, _| match method {
            _ if uri.contains("oauth/token") => ok(TOKEN),
            "POST" => ok(r#"{"id":"job"}"#),
            _ if uri.contains("after=") => ok(
                r#"{"queryStatus":"Succeeded","entities":[{"date":"2026-11-19","organizationId":null,"requestCount":2},
                    {"date":"2026-11-19","organizationId":"q"}]}"#,
            ),
            _ => ok(
                r#"{"queryStatus":"Succeeded","entities":[{"date":"2026-11-19","organizationId":"o","requestCount":7}],
                    "nextUri":"https://elsewhere.example/?after=2"}"#,
            ),
        },
    )
    .await;
    let metrics = stage.until("figures", |metrics| metrics.of(CUSTOMERS, &[]).count() > 0).await;
    let customers = metrics.sums(CUSTOMERS, "customer_organization_id");
    assert_eq!(customers, BTreeMap::from([("o".to_owned(), 7), ("unknown".to_owned(), 2)]));
    let through = metrics.collector("data_through_timestamp_seconds", "app_client_usage");
    assert_eq!(through, at("2026-11-20T00:00:00Z"));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_by_minute_are_those_of_the_vendor() {
    let stage = Setup::only("limits: {}").start().await;
    let metrics = stage.ready().await;
    let vendor = stage.vendor().get("/api/v2/organizations/limits/namespaces/platform.api").await;
    let vendor: BTreeMap<String, u64> = vendor["entities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|limit| (limit["key"].as_str().unwrap().to_owned(), limit["value"].as_u64().unwrap()))
        .filter(|(key, _)| key.ends_with(".rate.per.minute"))
        .collect();
    assert!(vendor.len() >= 2);
    assert_eq!(metrics.sums("genesyscloud_rate_limit_requests_per_minute", "limit"), vendor);
    assert_eq!(metrics.collector("data_through_timestamp_seconds", "limits"), at(support::NOW));
    stage.stop().await;
}
