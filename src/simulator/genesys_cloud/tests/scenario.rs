//! Faults that only this vendor knows.

use reqwest::StatusCode;
use serde_json::json;

use super::{JOBS, WEEK};
use crate::simulator::Scenario;
use crate::simulator::testing::{Bench, options};

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
    bench.simulator.set_scenario(Scenario::parse(yaml).unwrap());
    for _ in 0..2 {
        let after = bench.legacy(&body).await;
        for (before, after) in before.iter().zip(&after) {
            let ratio = after["requests"].as_f64().unwrap() / before["requests"].as_f64().unwrap();
            let expected = if before["date"] == "2026-11-18T00:00:00Z" { 1.5 } else { 1.0 };
            assert!((ratio - expected).abs() < 0.01, "{ratio} {before}");
        }
    }
}
