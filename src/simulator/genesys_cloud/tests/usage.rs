//! Queries of both families: their shapes, pages and complaints.

use std::collections::BTreeSet;

use jiff::ToSpan;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Hands, JOBS, WEEK, at};
use crate::simulator::Options;
use crate::simulator::testing::{Bench, options, sum};

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
    assert!(rows.iter().all(|row| row.get("httpMethod").is_none()), "never null");
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
async fn executions_are_gone_after_half_an_hour() {
    let hands = Hands::new();
    let bench = Bench::start(Options { clock: hands.clock(), ..options() }).await;
    let (_, job) = bench.post(JOBS, &json!({ "interval": WEEK })).await;
    let uri = job["selfUri"].as_str().unwrap();
    hands.forward(29.minutes());
    assert_eq!(bench.get(uri).await.0, StatusCode::OK);
    hands.forward(1.minutes());
    let (status, body) = bench.get(uri).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::NOT_FOUND, Some("not.found")));
}
