//! The simple search, and what one client or its owner may ask.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{WEEK, at};
use crate::simulator::testing::{Bench, options, sum};

const SEARCH: &str = "/api/v2/usage/simplesearch";

/// Starts a search, and returns where its results are.
async fn search(bench: &Bench, body: &Value) -> String {
    let (status, execution) = bench.post(SEARCH, body).await;
    assert!(status.is_success(), "{execution}");
    execution["resultsUri"].as_str().unwrap().to_owned()
}

fn after(page: &Value) -> Option<String> {
    let cursor = page["cursors"]["after"].as_str().filter(|cursor| !cursor.is_empty())?;
    Some(url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect())
}

/// Reads the pages of a search with the largest size.
async fn found(bench: &Bench, body: &Value) -> Vec<Value> {
    let uri = search(bench, body).await;
    let (mut rows, mut next) = (Vec::new(), Some(format!("{uri}?pageSize=1000")));
    while let Some(page) = next {
        let (status, page) = bench.get(&page).await;
        assert_eq!((status, page["queryStatus"].as_str()), (StatusCode::OK, Some("Complete")));
        rows.extend(page["results"].as_array().unwrap().iter().cloned());
        next = after(&page).map(|cursor| format!("{uri}?pageSize=1000&after={cursor}"));
    }
    rows
}

#[tokio::test]
async fn a_search_has_no_totals_and_no_ids() {
    let bench = Bench::start(options()).await;
    let rows = found(&bench, &json!({ "interval": WEEK })).await;
    let keys: BTreeSet<&str> =
        rows.iter().flat_map(|row| row.as_object().unwrap().keys().map(String::as_str)).collect();
    let expected = [
        "clientName",
        "date",
        "httpMethod",
        "status200",
        "status300",
        "status400",
        "status429",
        "status500",
        "templateUri",
    ];
    assert_eq!(keys, expected.into());
    let dates = at("/date", &rows);
    assert_eq!((dates.first().unwrap().as_str(), dates.len()), ("2026-11-13T00:00:00Z", 7));
    let legacy = bench.legacy(&json!({ "interval": WEEK })).await;
    for key in ["status200", "status300", "status400", "status429", "status500"] {
        assert_eq!(sum(&rows, key), sum(&legacy, key), "{key}");
    }
}

#[tokio::test]
async fn the_metrics_of_a_search_say_what_rows_are_about() {
    let bench = Bench::start(options()).await;
    let rows = found(&bench, &json!({ "interval": WEEK, "metrics": ["ClientName", "Status429"] })).await;
    let names = at("/clientName", &rows);
    assert_eq!(names.len(), rows.len(), "clients of one name share a row");
    assert!(names.contains("data-lake-feed"));
    assert!(rows.iter().all(|row| row.as_object().unwrap().len() == 2));
    let daily = found(&bench, &json!({ "interval": WEEK, "metrics": ["Date", "Status200"] })).await;
    assert_eq!(daily.len(), 7);
}

#[tokio::test]
async fn filters_of_a_search_restrict_what_is_counted() {
    let bench = Bench::start(options()).await;
    let all = found(&bench, &json!({ "interval": WEEK })).await;
    let uri = all[0]["templateUri"].clone();
    let body = json!({
        "interval": WEEK, "oauthClientNames": ["data-lake-feed", "wfm-export"], "httpMethods": ["GET"],
    });
    let (rows, with_uri) = (
        found(&bench, &body).await,
        found(&bench, &json!({ "interval": WEEK, "templateUris": [uri] })).await,
    );
    let matching = |row: &&Value| {
        row["httpMethod"] == "GET"
            && ["data-lake-feed", "wfm-export"].contains(&row["clientName"].as_str().unwrap())
    };
    let expected: Vec<Value> = all.iter().filter(matching).cloned().collect();
    assert!(!expected.is_empty());
    assert_eq!(sum(&rows, "status200"), sum(&expected, "status200"));
    assert_eq!(at("/templateUri", &with_uri), [uri.as_str().unwrap().to_owned()].into());
    assert_eq!(
        found(&bench, &json!({ "interval": WEEK, "httpMethods": ["TRACE"] })).await,
        Vec::<Value>::new()
    );
}

#[tokio::test]
async fn a_search_ends_silently_at_twenty_thousand_rows() {
    let bench = Bench::start(options()).await;
    let body = json!({ "interval": "2026-06-01/2026-11-21" });
    assert_eq!(found(&bench, &body).await.len(), 20_000);
    let (status, first) = bench.get(&search(&bench, &body).await).await;
    assert_eq!((status, first["results"].as_array().unwrap().len()), (StatusCode::OK, 100));
}

#[tokio::test]
async fn a_search_that_is_too_large_is_refused_for_good() {
    let bench = Bench::start(options()).await;
    let uri = search(&bench, &json!({ "interval": "2025-11-01/2026-11-21" })).await;
    for size in [1, 1000] {
        let (status, body) = bench.get(&format!("{uri}?pageSize={size}")).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(body["code"], "max.response.size.reached");
    }
}

#[tokio::test]
async fn a_scenario_repeats_the_cursor_of_a_search() {
    let bench = Bench::with_faults(
        "faults: [{operation: getUsageSimpleSearchResults, after: 1, fault: {repeat_page: true}}]",
    )
    .await;
    let uri = search(&bench, &json!({ "interval": WEEK })).await;
    let (_, first) = bench.get(&uri).await;
    let (_, second) = bench.get(&format!("{uri}?after={}", after(&first).unwrap())).await;
    let (_, third) = bench.get(&format!("{uri}?after={}", after(&second).unwrap())).await;
    assert_ne!(first, second);
    assert_eq!(second, third);
}

#[tokio::test]
async fn wrong_searches_are_refused() {
    let bench = Bench::start(options()).await;
    for (body, code) in [
        (json!({ "interval": WEEK, "metrics": ["Requests"] }), "invalid.value"),
        (json!({ "interval": WEEK, "groupBy": ["TemplateUri"] }), "invalid.property"),
        (json!({ "interval": WEEK, "httpMethods": ["get"] }), "invalid.value"),
    ] {
        let (status, answer) = bench.post(SEARCH, &body).await;
        assert_eq!((status, answer["code"].as_str()), (StatusCode::BAD_REQUEST, Some(code)), "{body}");
    }
    let uri = search(&bench, &json!({ "interval": WEEK })).await;
    for query in ["pageSize=1001", "pageSize=0", "after=1"] {
        assert_eq!(bench.get(&format!("{uri}?{query}")).await.0, StatusCode::BAD_REQUEST, "{query}");
    }
    let id = uri.split('/').nth(5).unwrap();
    assert_eq!(bench.get(&format!("/api/v2/usage/query/{id}/results")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_client_query_is_the_part_of_one_client() {
    let bench = Bench::start(options()).await;
    let all = bench.legacy(&json!({ "interval": WEEK, "groupBy": ["OAuthClientId", "HttpMethod"] })).await;
    let id = all[0]["clientId"].as_str().unwrap();
    let path = format!("/api/v2/oauth/clients/{id}/usage/query");
    let body = json!({ "interval": WEEK, "groupBy": ["OAuthClientId", "HttpMethod"] });
    let rows = bench.legacy_at(&path, &body).await;
    let expected: Vec<Value> = all.iter().filter(|row| row["clientId"] == id).cloned().collect();
    assert_eq!(rows, expected);
    for (path, body, expected) in [
        (path.as_str(), json!({ "interval": WEEK, "groupBy": ["UserId"] }), StatusCode::BAD_REQUEST),
        ("/api/v2/oauth/clients/nobody/usage/query", body, StatusCode::NOT_FOUND),
    ] {
        assert_eq!(bench.post(path, &body).await.0, expected, "{path}");
    }
}

#[tokio::test]
async fn the_owner_of_an_app_sees_all_organizations_that_use_it() {
    let bench = Bench::start(options()).await;
    let own = bench.job(&json!({ "interval": WEEK, "groupBy": ["OauthClientId", "OauthClientName"] })).await;
    let home = bench.simulator.organization_id("demo").unwrap();
    let mut owners = BTreeMap::new();
    for row in own.iter().filter(|row| row["oauthClient"]["name"] != "agent-assist-plugin") {
        let id = row["oauthClient"]["id"].as_str().unwrap();
        let path = format!("/api/v2/usage/client/{id}/aggregates/query/jobs");
        if bench.post(&path, &json!({ "interval": WEEK })).await.0 == StatusCode::NOT_FOUND {
            assert_eq!(row["oauthClient"]["name"], "purecloud-builtin-agent-ui");
            continue;
        }
        let rows = bench.job_at(&path, &json!({ "interval": WEEK, "groupBy": ["OrganizationId"] })).await;
        let at_home: Vec<Value> = rows.iter().filter(|row| row["organizationId"] == home).cloned().collect();
        assert_eq!(sum(&at_home, "requestCount"), row["requestCount"].as_u64().unwrap());
        owners.insert(row["oauthClient"]["name"].as_str().unwrap().to_owned(), rows.len());
        let restricted = json!({ "interval": WEEK, "organizationIds": [home] });
        let total = sum(&bench.job_at(&path, &restricted).await, "requestCount");
        assert_eq!(total, sum(&at_home, "requestCount"));
        let rows = bench.job_at(&path, &json!({ "interval": WEEK })).await;
        assert!(rows.iter().all(|row| row.get("oauthClient").is_none() && row.get("user").is_none()));
    }
    assert_eq!(owners.remove("crm-connector"), Some(6));
    assert!(owners.values().all(|organizations| *organizations == 1), "{owners:?}");
}

#[tokio::test]
async fn a_job_belongs_to_its_operation_and_client() {
    let bench = Bench::start(options()).await;
    let (_, list) = bench.get("/api/v2/oauth/clients").await;
    let id = |index: usize| list["entities"][index]["id"].as_str().unwrap();
    let path = |client: &str| format!("/api/v2/usage/client/{client}/aggregates/query/jobs");
    let (_, job) = bench.post(&path(id(0)), &json!({ "interval": WEEK })).await;
    let job = job["id"].as_str().unwrap();
    assert_eq!(bench.get(&format!("{}/{job}", path(id(0)))).await.0, StatusCode::OK);
    for other in [path(id(1)), "/api/v2/usage/aggregates/query/jobs".to_owned()] {
        assert_eq!(bench.get(&format!("{other}/{job}")).await.0, StatusCode::NOT_FOUND, "{other}");
    }
    let body = json!({ "interval": WEEK, "groupBy": ["OauthClientId"] });
    assert_eq!(bench.post(&path(id(0)), &body).await.0, StatusCode::BAD_REQUEST);
}
