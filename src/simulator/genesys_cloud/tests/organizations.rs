//! Three organizations, and a partner's view of its customers.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::at;
use crate::simulator::testing::{Bench, options, sum};
use crate::simulator::{CLIENT_IDS, PLANTED_EMAIL};

const OVERVIEW: &str = "/api/v2/billing/trusteebillingoverview";

async fn bench(client_id: &str) -> Bench {
    let mut bench = Bench::start(options()).await;
    bench.log_in(client_id).await;
    bench
}

#[tokio::test]
async fn every_client_has_an_organization_of_its_own() {
    let mut seen = BTreeMap::new();
    for client_id in CLIENT_IDS {
        let bench = bench(client_id).await;
        let (_, organization) = bench.get("/api/v2/organizations/me").await;
        assert_eq!(organization["id"].as_str(), bench.simulator.organization_id(client_id));
        let (_, token) = bench.get("/api/v2/tokens/me").await;
        assert_eq!(token["OAuthClient"]["id"], client_id);
        let (_, list) = bench.get("/api/v2/oauth/clients").await;
        let names = at("/name", list["entities"].as_array().unwrap());
        let month = bench.legacy(&json!({ "interval": "2026-10-01/2026-11-01" })).await;
        seen.insert(client_id, (organization["id"].clone(), names, sum(&month, "requests")));
    }
    let [(first, names, demo), (second, calm_names, calm), (third, .., partner)] =
        CLIENT_IDS.map(|client_id| seen[client_id].clone());
    assert!(first != second && second != third && first != third);
    assert!(names.is_disjoint(&calm_names));
    let third_of_demo = demo as f64 / 3.0;
    assert!((0.9..1.1).contains(&(calm as f64 / third_of_demo)), "{calm}");
    assert!(partner < calm / 10);
}

#[tokio::test]
async fn an_execution_belongs_to_its_organization() {
    let mut bench = bench("demo").await;
    let (_, job) = bench.post(super::JOBS, &json!({ "interval": super::WEEK })).await;
    bench.log_in("demo-calm").await;
    assert_eq!(bench.get(job["selfUri"].as_str().unwrap()).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_front_page_lists_organizations_and_customers() {
    let bench = bench("demo").await;
    let page = bench.http.get(bench.url("/")).send().await.unwrap().text().await.unwrap();
    let ids = CLIENT_IDS.map(|client_id| bench.simulator.organization_id(client_id).unwrap().to_owned());
    let customers = bench.simulator.customer_ids();
    assert_eq!(customers.len(), 2);
    for word in CLIENT_IDS.map(str::to_owned).iter().chain(&ids).chain(&customers) {
        assert!(page.contains(word.as_str()), "{word}\n{page}");
    }
    assert_eq!(bench.simulator.organization_id("nobody"), None);
}

#[tokio::test]
async fn only_the_partner_sees_customers() {
    for client_id in CLIENT_IDS {
        let bench = bench(client_id).await;
        let customer = bench.simulator.customer_ids().remove(0);
        let (status, body) = bench.get(&format!("{OVERVIEW}/{customer}")).await;
        let contracts = bench.get("/api/v2/billing/contracts").await.0;
        if client_id == "demo-partner" {
            assert_eq!((status, contracts), (StatusCode::OK, StatusCode::NOT_FOUND));
        } else {
            assert_eq!(body["code"], "missing.permissions");
            assert_eq!((status, contracts), (StatusCode::FORBIDDEN, StatusCode::OK));
        }
    }
}

#[tokio::test]
async fn one_customer_is_over_what_it_paid_for() {
    let bench = bench("demo-partner").await;
    let mut over = Vec::new();
    for customer in bench.simulator.customer_ids() {
        let (_, overview) = bench.get(&format!("{OVERVIEW}/{customer}?billingPeriodIndex=1")).await;
        assert_eq!(overview["organization"]["id"], customer.as_str());
        let quantity =
            |usage: &Value, key: &str| usage[key].as_str().and_then(|text| text.parse::<f64>().ok());
        let usages = overview["usages"].as_array().unwrap();
        let exceeded = usages.iter().filter(|usage| {
            quantity(usage, "usageQuantity").unwrap_or(0.0) > quantity(usage, "prepayQuantity").unwrap_or(0.0)
        });
        over.push(exceeded.count() > 0);
    }
    assert_eq!(over, [true, false]);
}

#[tokio::test]
async fn an_overview_has_the_traps_of_its_kind() {
    let bench = bench("demo-partner").await;
    let customer = bench.simulator.customer_ids().remove(0);
    let (_, overview) = bench.get(&format!("{OVERVIEW}/{customer}")).await;
    let usages = overview["usages"].as_array().unwrap();
    let names = at("/name", usages);
    let keys: BTreeSet<String> = usages
        .iter()
        .map(|usage| format!("{} {} {}", usage["partNumber"], usage["grouping"], usage["name"]))
        .collect();
    assert!(names.len() < usages.len(), "a name is not unique");
    assert_eq!(keys.len(), usages.len(), "part number, grouping and name are");
    let groupings = at("/grouping", usages);
    assert!(["fair-use", "rollup", "rollup-usage"].iter().all(|grouping| groupings.contains(*grouping)));
    for key in ["usageQuantity", "prepayQuantity", "overagePrice", "prepayPrice"] {
        assert!(usages.iter().all(|usage| usage[key].is_string() || usage[key].is_null()), "{key}");
    }
    assert!(usages.iter().any(|usage| usage["usageQuantity"].is_null()));
    assert!(usages.iter().any(|usage| usage["prepayQuantity"] == ""));
    assert_eq!(overview["billingPeriodStartDate"], "2026-11-21T00:00:00Z");
    assert_eq!(overview["billingPeriodEndDate"], "2026-12-20T23:59:59.999Z");
    assert!(overview.to_string().contains(PLANTED_EMAIL));
}

#[tokio::test]
async fn an_overview_goes_back_three_periods() {
    let bench = bench("demo-partner").await;
    let partner = bench.simulator.organization_id("demo-partner").unwrap();
    for id in bench.simulator.customer_ids().iter().map(String::as_str).chain([partner]) {
        let mut starts = Vec::new();
        for index in 0..4 {
            let (_, overview) = bench.get(&format!("{OVERVIEW}/{id}?billingPeriodIndex={index}")).await;
            starts.push(overview["billingPeriodStartDate"].as_str().unwrap()[..10].to_owned());
        }
        assert_eq!(starts, ["2026-11-21", "2026-10-21", "2026-09-21", "2026-08-21"]);
        let (status, _) = bench.get(&format!("{OVERVIEW}/{id}?billingPeriodIndex=4")).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        for index in ["-1", "x"] {
            let (status, _) = bench.get(&format!("{OVERVIEW}/{id}?billingPeriodIndex={index}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST);
        }
    }
    assert_eq!(bench.get(&format!("{OVERVIEW}/nobody")).await.0, StatusCode::NOT_FOUND);
}
