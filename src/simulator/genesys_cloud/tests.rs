//! The habits of the vendor, over HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::ToSpan;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::clock::Clock;
use crate::simulator::testing::{Bench, NOW, options, sum};

const JOBS: &str = "/api/v2/usage/aggregates/query/jobs";
const WEEK: &str = "2026-11-13T00:00:00Z/2026-11-20T00:00:00Z";
const DIMENSIONS: [&[&str]; 5] = [
    &["OauthClientId"],
    &["OauthClientName"],
    &["TemplateUri", "HttpMethod"],
    &["Platform"],
    &["OauthClientId", "TemplateUri", "HttpMethod", "UserId"],
];

fn at(path: &str, rows: &[Value]) -> BTreeSet<String> {
    rows.iter().filter_map(|row| row.pointer(path)?.as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn every_grouping_of_a_job_adds_up_to_the_same() {
    let bench = Bench::start(options()).await;
    let raw = bench.job(&json!({ "interval": WEEK })).await;
    for groups in DIMENSIONS {
        for granularity in [json!(null), json!("Day"), json!("Week"), json!("Month")] {
            let body = json!({ "interval": WEEK, "groupBy": groups, "granularity": granularity });
            let rows = bench.job(&body).await;
            for key in ["requestCount", "status200", "status300", "status400", "status429", "status500"] {
                assert_eq!(sum(&rows, key), sum(&raw, key), "{groups:?} {granularity} {key}");
            }
        }
    }
}

#[tokio::test]
async fn the_identities_of_the_counts_hold_in_every_row() {
    let bench = Bench::start(options()).await;
    let body = json!({ "interval": "2026-11-13/2026-11-21", "granularity": "Day", "groupBy": ["OAuthClientId", "TemplateUri"] });
    for row in bench.legacy(&body).await {
        let count = |key: &str| row[key].as_u64().unwrap();
        let total = count("status200") + count("status300") + count("status400") + count("status500");
        assert_eq!(count("requests"), total);
        assert!(count("status429") <= count("status400"), "429 is inside 400");
    }
}

#[tokio::test]
async fn a_legacy_query_has_the_published_shape() {
    let bench = Bench::start(Options { pending_polls: 1, ..options() }).await;
    let (_, execution) = bench.post("/api/v2/usage/query", &json!({ "interval": WEEK })).await;
    let uri = execution["resultsUri"].as_str().unwrap();
    assert_eq!(uri, format!("/api/v2/usage/query/{}/results", execution["executionId"].as_str().unwrap()));
    assert_eq!(bench.get(uri).await, (StatusCode::OK, json!({ "queryStatus": "Running" })));
    let rows = bench.results(uri).await;
    for row in &rows {
        assert!(row["clientId"] != "" && row["clientName"] != "");
        for key in ["organizationId", "userId", "templateUri", "httpMethod"] {
            assert_eq!(row[key], "", "{key}");
        }
        assert!(row.get("date").is_none());
    }
    let daily = json!({ "interval": WEEK, "granularity": "Day", "groupBy": ["TemplateUri"], "metrics": ["Requests"] });
    let rows = bench.legacy(&daily).await;
    assert!(rows.iter().all(|row| row["templateUri"].as_str().unwrap().starts_with("api/v2/")));
    assert!(rows.iter().all(|row| row.get("status200").is_none() && row["clientId"] == ""));
    let dates = at("/date", &rows);
    assert_eq!(dates.first().unwrap(), "2026-11-13T00:00:00Z");
    assert_eq!(dates.last().unwrap(), "2026-11-19T00:00:00Z", "the end is exclusive");
    let order: Vec<&str> = rows.iter().map(|row| row["date"].as_str().unwrap()).collect();
    assert!(!order.is_sorted(), "rows are not sorted by date");
}

#[tokio::test]
async fn a_job_has_the_published_shape() {
    let bench = Bench::start(Options { pending_polls: 2, ..options() }).await;
    let body = json!({ "interval": WEEK, "granularity": "Day", "groupBy": ["OauthClientId"] });
    let (_, job) = bench.post(JOBS, &body).await;
    let uri = job["selfUri"].as_str().unwrap();
    assert_eq!(uri, format!("{JOBS}/{}", job["id"].as_str().unwrap()));
    for state in ["Queued", "Running"] {
        let (status, page) = bench.get(uri).await;
        assert_eq!((status, page["queryStatus"].as_str()), (StatusCode::ACCEPTED, Some(state)));
        assert!(page.get("entities").is_none());
    }
    let (status, page) = bench.get(uri).await;
    assert_eq!((status, page["queryStatus"].as_str()), (StatusCode::OK, Some("Succeeded")));
    let rows = page["entities"].as_array().unwrap();
    assert_eq!(at("/date", rows).last().unwrap(), "2026-11-20", "the end is inclusive");
    assert!(rows.iter().all(|row| row["oauthClient"]["name"].is_string() && row["user"].is_null()));
    assert!(rows.iter().any(|row| row.get("user").is_some()), "null in some rows");
    assert!(rows.iter().any(|row| row.get("user").is_none()), "absent in others");
}

#[tokio::test]
async fn the_running_day_is_in_jobs_only() {
    let bench = Bench::start(options()).await;
    let interval = "2026-11-20T00:00:00Z/2026-11-23T00:00:00Z";
    let job =
        bench.job(&json!({ "interval": interval, "granularity": "Day", "groupBy": ["OauthClientId"] })).await;
    assert_eq!(at("/date", &job), BTreeSet::from(["2026-11-20".into(), "2026-11-21".into()]));
    let legacy = bench.legacy(&json!({ "interval": interval, "granularity": "Day" })).await;
    assert_eq!(at("/date", &legacy), BTreeSet::from(["2026-11-20T00:00:00Z".into()]));
}

#[tokio::test]
async fn only_jobs_show_the_clients_of_genesys() {
    let bench = Bench::start(options()).await;
    let interval = "2026-11-16T00:00:00Z/2026-11-17T00:00:00Z";
    let job = bench
        .job(&json!({ "interval": interval, "granularity": "Day", "groupBy": ["OauthClientName"] }))
        .await;
    let day: Vec<Value> = job.into_iter().filter(|row| row["date"] == "2026-11-16").collect();
    let (own, others): (Vec<Value>, Vec<Value>) = day
        .into_iter()
        .partition(|row| row["oauthClient"]["name"].as_str().unwrap().starts_with("purecloud-builtin"));
    let legacy = bench.legacy(&json!({ "interval": interval })).await;
    assert!(!own.is_empty());
    assert_eq!(sum(&others, "requestCount"), sum(&legacy, "requests"));
}

#[tokio::test]
async fn pages_are_complete_and_do_not_overlap() {
    let bench = Bench::start(options()).await;
    let body = json!({ "interval": WEEK, "granularity": "Day", "groupBy": ["OauthClientId", "TemplateUri", "HttpMethod"] });
    let whole = bench.job(&body).await;
    let (_, job) = bench.post(JOBS, &body).await;
    let (mut rows, mut next, mut pages) = (Vec::new(), Some(job["selfUri"].as_str().unwrap().to_owned()), 0);
    while let Some(uri) = next {
        let (_, page) = bench.get(&uri).await;
        let entities = page["entities"].as_array().unwrap();
        assert!(entities.len() <= 100);
        rows.extend(entities.clone());
        next = page["nextUri"].as_str().map(str::to_owned);
        pages += 1;
    }
    assert_eq!(rows, whole);
    assert_eq!(pages, whole.len().div_ceil(100));
    let uri = format!("{}?after=not%20mine", job["selfUri"].as_str().unwrap());
    assert_eq!(bench.get(&uri).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_same_seed_is_the_same_world_and_another_is_not() {
    let mut worlds = Vec::new();
    for seed in [1, 1, 2] {
        let bench = Bench::start(Options { seed, ..options() }).await;
        worlds.push(bench.legacy(&json!({ "interval": WEEK })).await);
    }
    assert_eq!(worlds[0], worlds[1]);
    assert_ne!(worlds[0], worlds[2]);
}

#[tokio::test]
async fn the_default_world_makes_about_thirteen_million_requests_a_month() {
    let bench = Bench::start(options()).await;
    let rows = bench.legacy(&json!({ "interval": "2026-10-01/2026-11-01" })).await;
    let total = sum(&rows, "requests");
    assert!((12_000_000..14_000_000).contains(&total), "{total}");
}

#[tokio::test]
async fn the_cast_plays_its_parts() {
    let bench = Bench::start(options()).await;
    let month = bench.legacy(&json!({ "interval": "2026-10-22/2026-11-21" })).await;
    let (_, list) = bench.get("/api/v2/oauth/clients").await;
    let listed = at("/id", list["entities"].as_array().unwrap());
    let find = |name: &str| month.iter().find(|row| row["clientName"] == name);
    let share = |name: &str, key: &str| {
        let row = find(name).unwrap();
        row[key].as_f64().unwrap() / row["requests"].as_f64().unwrap()
    };
    assert!((0.08..0.10).contains(&share("wfm-export", "status429")));
    assert!((0.035..0.045).contains(&share("reporting-warehouse", "status500")));
    assert!(find("survey-loader").is_none() && find("ivr-load-test").is_none());
    assert!(!listed.contains(find("agent-assist-plugin").unwrap()["clientId"].as_str().unwrap()));
    assert_eq!(month.iter().filter(|row| row["clientName"] == "data-lake-feed").count(), 2);
    let idle = bench.legacy(&json!({ "interval": "2026-06-01/2026-07-01" })).await;
    assert!(idle.iter().any(|row| row["clientName"] == "survey-loader"));
    assert!(!idle.iter().any(|row| row["clientName"] == "quality-scorecards"));

    let days = bench.legacy(&json!({ "interval": "2026-11-16/2026-11-21", "granularity": "Day" })).await;
    let spiking: BTreeMap<&str, u64> = days
        .iter()
        .filter(|row| row["clientName"] == "chat-widget-backend")
        .map(|row| (row["date"].as_str().unwrap(), row["requests"].as_u64().unwrap()))
        .collect();
    assert!(spiking["2026-11-20T00:00:00Z"] > 5 * spiking["2026-11-19T00:00:00Z"]);
}

#[tokio::test]
async fn the_client_list_has_pages_states_and_planted_secrets() {
    let bench = Bench::start(Options { clients: 60, ..options() }).await;
    let (_, first) = bench.get("/api/v2/oauth/clients").await;
    assert_eq!((&first["pageCount"], &first["total"]), (&json!(3), &json!(58)));
    let (_, second) = bench.get(first["nextUri"].as_str().unwrap()).await;
    let (_, third) = bench.get("/api/v2/oauth/clients?pageNumber=3").await;
    let ids: BTreeSet<String> = [&first, &second, &third]
        .iter()
        .flat_map(|page| at("/id", page["entities"].as_array().unwrap()))
        .collect();
    assert_eq!(ids.len(), 58);
    assert!(third.get("nextUri").is_none());
    let (_, beyond) = bench.get("/api/v2/oauth/clients?pageNumber=18446744073709551615").await;
    assert_eq!(beyond["entities"], json!([]));
    let text = first.to_string();
    assert!(text.contains(PLANTED_SECRET) && text.contains(PLANTED_EMAIL));
    let states = at("/state", first["entities"].as_array().unwrap());
    assert_eq!(states, ["active", "disabled", "inactive"].map(str::to_owned).into());
}

#[tokio::test]
async fn a_summary_is_the_total_of_its_days() {
    let bench = Bench::start(options()).await;
    let (_, list) = bench.get("/api/v2/oauth/clients").await;
    let id = list["entities"][0]["id"].as_str().unwrap();
    let (status, execution) = bench.get(&format!("/api/v2/oauth/clients/{id}/usage/summary?days=7")).await;
    assert!(status.is_success());
    let rows = bench.results(execution["resultsUri"].as_str().unwrap()).await;
    let query = bench.legacy(&json!({ "interval": "2026-11-14/2026-11-21" })).await;
    let expected: Vec<Value> = query.into_iter().filter(|row| row["clientId"] == id).collect();
    assert_eq!(rows, expected);
    for (path, status) in [
        (format!("/api/v2/oauth/clients/{id}/usage/summary?days=91"), StatusCode::BAD_REQUEST),
        (format!("/api/v2/oauth/clients/{id}/usage/summary?days=x"), StatusCode::BAD_REQUEST),
        ("/api/v2/oauth/clients/nobody/usage/summary".to_owned(), StatusCode::NOT_FOUND),
        // An execution belongs to its own operation.
        (
            format!("/api/v2/usage/query/{}/results", execution["executionId"].as_str().unwrap()),
            StatusCode::NOT_FOUND,
        ),
    ] {
        assert_eq!(bench.get(&path).await.0, status, "{path}");
    }
}

#[tokio::test]
async fn wrong_queries_are_refused_with_the_vendors_codes() {
    let bench = Bench::start(options()).await;
    let legacy = "/api/v2/usage/query";
    for (path, body, code) in [
        (legacy, json!({}), "bad.request"),
        (legacy, json!([]), "bad.request"),
        (legacy, json!({ "interval": "last week" }), "invalid.date"),
        (legacy, json!({ "interval": "2026-11-20/2026-11-19" }), "invalid.date"),
        (legacy, json!({ "interval": WEEK, "groupBy": ["OauthClientId"] }), "invalid.value"),
        (legacy, json!({ "interval": WEEK, "groupBy": ["TemplateURI"] }), "invalid.value"),
        (legacy, json!({ "interval": WEEK, "granularity": "day" }), "invalid.value"),
        (legacy, json!({ "interval": WEEK, "pageSize": 3 }), "invalid.property"),
        (JOBS, json!({ "interval": WEEK, "groupBy": ["OAuthClientId"] }), "invalid.value"),
        (JOBS, json!({ "interval": WEEK, "metrics": ["Status404"] }), "invalid.value"),
        (JOBS, json!({ "interval": WEEK, "httpMethods": ["TRACE"] }), "invalid.value"),
        (
            JOBS,
            json!({ "interval": WEEK, "sortBy": [{"fieldName": "date", "order": "Up"}] }),
            "invalid.value",
        ),
        (JOBS, json!({ "interval": "2026-08-01/2026-11-01" }), "invalid.date"),
        (JOBS, json!({ "interval": "2025-11-20/2025-11-22" }), "invalid.date"),
    ] {
        let (status, answer) = bench.post(path, &body).await;
        assert_eq!((status, answer["code"].as_str()), (StatusCode::BAD_REQUEST, Some(code)), "{path} {body}");
    }
    let (_, job) = bench.post(JOBS, &json!({ "interval": WEEK })).await;
    let id = job["id"].as_str().unwrap();
    assert_eq!(bench.get(&format!("{JOBS}/{id}?pageSize=1001")).await.0, StatusCode::BAD_REQUEST);
    let plain = bench.request(Method::POST, JOBS).body("{}").send().await.unwrap();
    assert_eq!(plain.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn filters_of_a_job_restrict_what_is_counted() {
    let bench = Bench::start(options()).await;
    let all = bench.job(&json!({ "interval": WEEK, "groupBy": ["OauthClientId", "HttpMethod"] })).await;
    let id = all[0]["oauthClient"]["id"].as_str().unwrap();
    let body = json!({ "interval": WEEK, "groupBy": ["OauthClientId"], "oauthClientIds": [id], "httpMethods": ["GET"] });
    let expected: Vec<Value> = all
        .iter()
        .filter(|row| row["oauthClient"]["id"] == id && row["httpMethod"] == "GET")
        .cloned()
        .collect();
    assert_eq!(sum(&bench.job(&body).await, "requestCount"), sum(&expected, "requestCount"));
    assert_eq!(bench.job(&json!({ "interval": WEEK, "userIds": ["x"] })).await, Vec::<Value>::new());
}

#[tokio::test]
async fn late_records_complete_a_day() {
    let mut totals = Vec::new();
    for now in
        ["2026-11-20T12:00:00Z", "2026-11-21T00:30:00Z", "2026-11-21T12:00:00Z", "2026-11-23T00:00:00Z"]
    {
        // The spike is tied to the start, so the clock moves on from one and the same start.
        let time = std::sync::Arc::new(Mutex::new("2026-11-20T12:00:00Z".parse().unwrap()));
        let clock = Clock::from_fn({
            let time = std::sync::Arc::clone(&time);
            move || *locked(&time)
        });
        let bench =
            Bench::start(Options { token_lifetime: Duration::from_hours(999), clock, ..options() }).await;
        *locked(&time) = now.parse().unwrap();
        let body =
            json!({ "interval": "2026-11-20T00:00:00Z/2026-11-20T00:00:00Z", "groupBy": ["OauthClientId"] });
        totals.push(sum(&bench.job(&body).await, "requestCount"));
    }
    assert!(totals.is_sorted_by(|first, second| first < second), "{totals:?}");
}

#[tokio::test]
async fn credentials_are_checked() {
    let bench = Bench::start(options()).await;
    let form = |body: &'static str| {
        let request = bench.http.post(bench.url("/oauth/token"));
        request.header("Content-Type", "application/x-www-form-urlencoded").body(body)
    };
    for (request, status, error) in [
        (form("grant_type=client_credentials").basic_auth("demo", Some("wrong")), 401, "invalid_client"),
        (form("grant_type=client_credentials"), 401, "invalid_client"),
        (form("grant_type=password").basic_auth("demo", Some("demo-secret")), 400, "unsupported_grant_type"),
        (form("").basic_auth("demo", Some("demo-secret")), 400, "invalid_request"),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status);
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(body["error"], error);
    }
    let post =
        form("grant_type=client_credentials&client_id=demo&client_secret=demo-secret").send().await.unwrap();
    let body: Value = serde_json::from_slice(&post.bytes().await.unwrap()).unwrap();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("bearer"), &json!(86_400)));
}

#[tokio::test]
async fn tokens_end() {
    let time = std::sync::Arc::new(Mutex::new(NOW.parse::<jiff::Timestamp>().unwrap()));
    let clock = Clock::from_fn({
        let time = std::sync::Arc::clone(&time);
        move || *locked(&time)
    });
    let mut bench =
        Bench::start(Options { clock, token_lifetime: Duration::from_mins(10), ..options() }).await;
    let path = "/api/v2/tokens/me";
    let (_, info) = bench.get(path).await;
    assert_eq!(info["OAuthClient"]["id"], "demo");
    *locked(&time) += 10.minutes();
    let (status, body) = bench.get(path).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::UNAUTHORIZED, Some("bad.credentials")));
    bench.renew().await;
    assert_eq!(bench.get(path).await.0, StatusCode::OK);
    let bare = bench.http.get(bench.url(path)).send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
    assert!(String::from_utf8_lossy(&bare.bytes().await.unwrap()).contains("authentication.required"));
}

#[tokio::test]
async fn a_client_that_asks_too_often_has_to_wait() {
    let bench = Bench::start(Options { requests_per_minute: 2, ..options() }).await;
    let path = "/api/v2/organizations/limits/namespaces/platform.api";
    for count in ["1", "2"] {
        let answer = bench.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.headers()["inin-ratelimit-count"], count);
        assert_eq!(answer.headers()["inin-ratelimit-allowed"], "2");
    }
    let answer = bench.request(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let message = format!("Rate limit exceeded the maximum. Retry the request in [{wait}] seconds");
    assert_eq!(body["message"], message.as_str());
}

#[tokio::test]
async fn a_scenario_ends_jobs_in_every_way() {
    for (fate, job_state, legacy_state) in [
        ("failed", Some("Failed"), Some("Failed")),
        ("cancelled", Some("Cancelled"), Some("Failed")),
        ("endless", Some("Running"), Some("Running")),
        ("lost", None, None),
    ] {
        let yaml = format!("faults: [{{operation: '*', after: 2, times: 2, fault: {{job: {fate}}}}}]");
        let bench = Bench::with_faults(&yaml).await;
        let (_, job) = bench.post(JOBS, &json!({ "interval": WEEK })).await;
        let (_, execution) = bench.post("/api/v2/usage/query", &json!({ "interval": WEEK })).await;
        let (job, execution) = (job["selfUri"].as_str().unwrap(), execution["resultsUri"].as_str().unwrap());
        // The fault hits the first poll of each, and that seals their fate.
        bench.get(job).await;
        bench.get(execution).await;
        let (status, page) = bench.get(job).await;
        assert_eq!(page["queryStatus"].as_str(), job_state, "{page}");
        assert_eq!(status == StatusCode::NOT_FOUND, job_state.is_none());
        assert_eq!(bench.get(execution).await.1["queryStatus"].as_str(), legacy_state);
    }
}

#[tokio::test]
async fn a_scenario_repeats_a_page_for_ever() {
    let bench = Bench::with_faults(
        "faults: [{operation: getUsageAggregatesJob, after: 1, fault: {repeat_page: true}}, {operation: listOAuthClients, fault: {repeat_page: true}}]",
    )
    .await;
    let (_, job) = bench.post(JOBS, &json!({ "interval": WEEK })).await;
    let (_, first) = bench.get(job["selfUri"].as_str().unwrap()).await;
    let (_, second) = bench.get(first["nextUri"].as_str().unwrap()).await;
    let (_, third) = bench.get(second["nextUri"].as_str().unwrap()).await;
    assert_ne!(first["entities"], second["entities"]);
    assert_eq!(second, third);
    let (_, first) = bench.get("/api/v2/oauth/clients").await;
    let (_, second) = bench.get(first["nextUri"].as_str().unwrap()).await;
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_scenario_kills_a_token_in_mid_run() {
    let mut bench =
        Bench::with_faults("faults: [{operation: getOrganization, times: 1, fault: {expire_token: true}}]")
            .await;
    let path = "/api/v2/organizations/me";
    assert_eq!(bench.get(path).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(bench.get(path).await.0, StatusCode::UNAUTHORIZED);
    bench.renew().await;
    assert_eq!(bench.get(path).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_scenario_restates_a_past_day() {
    let bench = Bench::start(options()).await;
    let body = json!({ "interval": "2026-11-17/2026-11-19", "granularity": "Day" });
    let before = bench.legacy(&body).await;
    let yaml = "faults: [{operation: postUsageQuery, fault: {restate: {days_ago: 3, factor: 1.5}}}]";
    bench.simulator.set_scenario(crate::simulator::Scenario::parse(yaml).unwrap());
    for _ in 0..2 {
        let after = bench.legacy(&body).await;
        for (before, after) in before.iter().zip(&after) {
            let ratio = after["requests"].as_f64().unwrap() / before["requests"].as_f64().unwrap();
            let expected = if before["date"] == "2026-11-18T00:00:00Z" { 1.5 } else { 1.0 };
            assert!((ratio - expected).abs() < 0.01, "{ratio} {before}");
        }
    }
}

#[tokio::test]
async fn executions_are_gone_after_half_an_hour() {
    let time = std::sync::Arc::new(Mutex::new(NOW.parse::<jiff::Timestamp>().unwrap()));
    let clock = Clock::from_fn({
        let time = std::sync::Arc::clone(&time);
        move || *locked(&time)
    });
    let bench = Bench::start(Options { clock, ..options() }).await;
    let (_, job) = bench.post(JOBS, &json!({ "interval": WEEK })).await;
    let uri = job["selfUri"].as_str().unwrap();
    *locked(&time) += 29.minutes();
    assert_eq!(bench.get(uri).await.0, StatusCode::OK);
    *locked(&time) += 1.minutes();
    let (status, body) = bench.get(uri).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::NOT_FOUND, Some("not.found")));
}
