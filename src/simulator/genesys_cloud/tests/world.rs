//! The figures and the people of the default world.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use serde_json::json;

use super::{Hands, WEEK, at};
use crate::simulator::testing::{Bench, options, sum};
use crate::simulator::{Options, PLANTED_EMAIL, PLANTED_SECRET};

const DIMENSIONS: [&[&str]; 5] = [
    &["OauthClientId"],
    &["OauthClientName"],
    &["TemplateUri", "HttpMethod"],
    &["Platform"],
    &["OauthClientId", "TemplateUri", "HttpMethod", "UserId"],
];

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
async fn late_records_complete_a_day() {
    let hands = Hands::new();
    let bench = Bench::start(Options { clock: hands.clock(), ..options() }).await;
    let mut totals = Vec::new();
    for hours in [0, 11, 2, 9] {
        hands.forward(hours.hours());
        let body = json!({ "interval": "2026-11-21/2026-11-21", "groupBy": ["OauthClientId"] });
        totals.push(sum(&bench.job(&body).await, "requestCount"));
    }
    assert!(totals.is_sorted_by(|first, second| first < second), "{totals:?}");
}
