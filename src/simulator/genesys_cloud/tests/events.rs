//! Operational events, and rate limits that were nearly reached.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{WEEK, at};
use crate::simulator::PLANTED_PHONE;
use crate::simulator::testing::{Bench, options};

const EVENTS: &str = "/api/v2/usage/events/query";
const COUNTS: &str = "/api/v2/usage/events/aggregates/query";
const DEFINITIONS: &str = "/api/v2/usage/events/definitions";
const LIMITS: &str = "/api/v2/analytics/ratelimits/aggregates/query";

/// Reads all pages of events.
async fn events(bench: &Bench, body: &Value) -> Vec<Value> {
    let (mut entities, mut next) = (Vec::new(), Some(format!("{EVENTS}?pageSize=7")));
    while let Some(uri) = next {
        let (status, page) = bench.post(&uri, body).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        entities.extend(page["entities"].as_array().unwrap().iter().cloned());
        next = page["nextUri"].as_str().map(str::to_owned);
    }
    entities
}

#[tokio::test]
async fn counts_of_events_agree_with_the_events() {
    let bench = Bench::start(options()).await;
    let all = events(&bench, &json!({ "interval": WEEK })).await;
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    for event in &all {
        *expected.entry(event["eventDefinition"]["id"].as_str().unwrap()).or_default() += 1;
    }
    let (_, counts) = bench.post(COUNTS, &json!({ "interval": WEEK })).await;
    let counts = counts["eventDefinitionAggregates"].as_array().unwrap();
    let actual: BTreeMap<&str, u64> = counts
        .iter()
        .map(|count| {
            (count["eventDefinition"]["id"].as_str().unwrap(), count["eventCount"].as_u64().unwrap())
        })
        .filter(|(_, count)| *count > 0)
        .collect();
    assert!(all.len() > 20);
    assert_eq!(actual, expected);
}

#[tokio::test]
async fn events_are_filtered_and_sorted() {
    let bench = Bench::start(options()).await;
    let (_, definitions) = bench.get(DEFINITIONS).await;
    let first = &definitions["entities"][0];
    let id = first["id"].as_str().unwrap();
    assert_eq!(bench.get(&format!("{DEFINITIONS}/{id}")).await, (StatusCode::OK, first.clone()));
    assert_eq!(bench.get(&format!("{DEFINITIONS}/none")).await.0, StatusCode::NOT_FOUND);
    let body = json!({ "interval": WEEK, "eventDefinitionIds": [id], "sortOrder": "ASC" });
    let ascending = events(&bench, &body).await;
    assert_eq!(at("/eventDefinition/id", &ascending), [id.to_owned()].into());
    let mut descending = events(&bench, &json!({ "interval": WEEK, "eventDefinitionIds": [id] })).await;
    let dates: Vec<&str> = descending.iter().map(|event| event["dateCreated"].as_str().unwrap()).collect();
    assert!(dates.is_sorted_by(|newer, older| newer >= older), "the newest first");
    descending.reverse();
    assert_eq!(ascending, descending);
    let found = events(&bench, &json!({ "interval": WEEK, "searchTerm": "TRUNK" })).await;
    assert!(found.iter().all(|event| event["entityName"].as_str().unwrap().starts_with("Trunk")));
    assert!(found.len() < events(&bench, &json!({ "interval": WEEK })).await.len());
    assert!(ascending[0].to_string().contains(PLANTED_PHONE));
}

#[tokio::test]
async fn old_and_wrong_intervals_of_events_are_refused() {
    let bench = Bench::start(options()).await;
    for (path, body, code) in [
        (EVENTS, json!({ "interval": "2026-08-01/2026-08-02" }), "usage.events.too.old"),
        (COUNTS, json!({ "interval": "2026-08-01/2026-11-02" }), "usage.events.too.old"),
        (COUNTS, json!({ "interval": WEEK, "granularity": "P1D" }), "invalid.property"),
        (EVENTS, json!({ "interval": WEEK, "sortOrder": "asc" }), "invalid.value"),
        (EVENTS, json!({}), "bad.request"),
        (LIMITS, json!({ "interval": WEEK }), "bad.request"),
        (LIMITS, json!({ "interval": WEEK, "metrics": ["nLimits"] }), "invalid.value"),
    ] {
        let (status, answer) = bench.post(path, &body).await;
        assert_eq!((status, answer["code"].as_str()), (StatusCode::BAD_REQUEST, Some(code)), "{path} {body}");
    }
}

#[tokio::test]
async fn the_throttled_client_nearly_reaches_its_limit_every_day() {
    let bench = Bench::start(options()).await;
    let body = json!({
        "interval": WEEK,
        "granularity": "P1D",
        "groupBy": ["limitName", "entityId", "userId"],
        "metrics": ["oRateLimitRecorded"],
    });
    let (_, daily) = bench.post(LIMITS, &body).await;
    let (_, list) = bench.get("/api/v2/oauth/clients").await;
    let clients = list["entities"].as_array().unwrap();
    let throttled = clients.iter().find(|client| client["name"] == "wfm-export").unwrap();
    let expected =
        json!({ "limitName": "client.credentials.token.rate.per.minute", "entityId": throttled["id"] });
    assert_eq!(daily["results"][0]["group"], expected);
    assert_eq!(daily["results"].as_array().unwrap().len(), 1);
    let count = |data: &Value| data["metrics"][0]["stats"]["count"].as_u64().unwrap();
    let days = daily["results"][0]["data"].as_array().unwrap();
    assert_eq!((days.len(), &days[0]["interval"]), (7, &json!("2026-11-13T00:00:00Z/2026-11-14T00:00:00Z")));
    let body = json!({ "interval": WEEK, "metrics": ["oRateLimitRecorded"] });
    let (_, whole) = bench.post(LIMITS, &body).await;
    assert_eq!(count(&whole["results"][0]["data"][0]), days.iter().map(count).sum::<u64>());
}

#[tokio::test]
async fn an_organization_without_trouble_has_no_limits_to_report() {
    let mut bench = Bench::start(options()).await;
    bench.log_in("demo-calm").await;
    let body = json!({ "interval": WEEK, "metrics": ["oRateLimitRecorded"] });
    assert_eq!(bench.post(LIMITS, &body).await, (StatusCode::OK, json!({ "results": [] })));
}
