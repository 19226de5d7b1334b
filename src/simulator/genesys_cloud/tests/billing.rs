//! The contract, its periods and invoices, and the report.

use std::collections::BTreeSet;

use jiff::ToSpan;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Hands, at};
use crate::simulator::testing::{Bench, options, sum};
use crate::simulator::{Options, PLANTED_EMAIL, PLANTED_PERSON, PLANTED_PHONE, PLANTED_SECRET};

const CONTRACTS: &str = "/api/v2/billing/contracts";
const INVOICES: &str = "/api/v2/billing/contracts/invoices";
const REPORT: &str = "/api/v2/billing/reports/billableusage";

async fn bench(client_id: &str) -> Bench {
    let mut bench = Bench::start(options()).await;
    bench.log_in(client_id).await;
    bench
}

/// A period of the present contract, in full.
async fn period(bench: &Bench, index: usize) -> Value {
    let (_, page) = bench.get(CONTRACTS).await;
    let contract = &page["entities"][0];
    let (id, period) = (&contract["id"], &contract["billingPeriods"][index]["id"]);
    let path = format!("{CONTRACTS}/{}/billingperiods/{}", id.as_str().unwrap(), period.as_str().unwrap());
    let (status, period) = bench.get(&path).await;
    assert_eq!(status, StatusCode::OK);
    period
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn near(first: f64, second: f64) -> bool {
    (first - second).abs() < 0.01
}

#[tokio::test]
async fn the_charge_for_requests_is_what_the_usage_apis_count() {
    for client_id in ["demo", "demo-calm"] {
        let bench = bench(client_id).await;
        let closed = period(&bench, 1).await;
        assert_eq!((&closed["dateStart"], &closed["dateEnd"]), (&json!("2026-10-21"), &json!("2026-11-20")));
        let charges = closed["charges"].as_array().unwrap();
        let charge = charges.iter().find(|charge| charge["name"] == "API Requests").unwrap();
        let used = charge["actualQuantity"].as_u64().unwrap();
        let legacy = bench.legacy(&json!({ "interval": "2026-10-21/2026-11-21" })).await;
        assert_eq!(used, sum(&legacy, "requests"), "{client_id}");
        let included = number(&charge["fairuseQuantity"]) + number(&charge["prepaidQuantity"]);
        assert!(near(number(&charge["overageQuantity"]), (used as f64 - included).max(0.0)));
        assert_eq!(used as f64 > included, client_id == "demo");
        if client_id == "demo" {
            assert!(near(included, 11_000_000.0));
        }
    }
}

#[tokio::test]
async fn an_open_period_holds_the_days_until_yesterday() {
    let hands = Hands::new();
    let mut bench = Bench::start(Options { clock: hands.clock(), ..options() }).await;
    let requests = |period: &Value| period["charges"][0]["actualQuantity"].as_u64().unwrap();
    let first = period(&bench, 0).await;
    assert_eq!((first["status"].as_str(), requests(&first)), (Some("Open"), 0), "it began today");
    hands.forward(48.hours());
    bench.renew().await;
    let later = period(&bench, 0).await;
    let legacy = bench.legacy(&json!({ "interval": "2026-11-21/2026-11-23" })).await;
    assert_eq!(requests(&later), sum(&legacy, "requests"));
    assert_eq!(later["id"], first["id"]);
    assert!(requests(&later) > 0);
}

#[tokio::test]
async fn charges_and_wallets_are_consistent() {
    for client_id in ["demo", "demo-calm"] {
        let bench = bench(client_id).await;
        let closed = period(&bench, 1).await;
        for charge in closed["charges"].as_array().unwrap() {
            let included = number(&charge["prepaidQuantity"]) + number(&charge["fairuseQuantity"]);
            let over = number(&charge["overageQuantity"]);
            assert!(near(over, (number(&charge["actualQuantity"]) - included).max(0.0)), "{charge}");
            assert!(
                near(number(&charge["overageCharge"]), over * number(&charge["overageRate"])),
                "{charge}"
            );
        }
        let lowest = closed["wallets"].as_array().unwrap().iter().map(|wallet| {
            let ending = number(&wallet["startingBalance"]) + number(&wallet["balanceIncrease"])
                - number(&wallet["balanceDecrease"])
                - number(&wallet["balanceConsumption"]);
            assert!(near(ending, number(&wallet["endingBalance"])), "{wallet}");
            ending / number(&wallet["startingBalance"])
        });
        assert_eq!(lowest.fold(1.0, f64::min) < 0.15, client_id == "demo");
    }
}

#[tokio::test]
async fn the_charges_have_their_traps() {
    let charges = period(&bench("demo").await, 1).await["charges"].as_array().unwrap().clone();
    let twice: Vec<&Value> = charges.iter().filter(|charge| charge["name"] == "Voice Minutes").collect();
    assert_eq!(twice.len(), 2, "one charge for each organization");
    assert_ne!(twice[0]["organizations"], twice[1]["organizations"]);
    assert!(at("/product/unitOfMeasure", &charges).contains("Dialogue"), "a unit of no list");
    let used = |check: fn(&Value) -> bool| charges.iter().any(|charge| check(&charge["actualQuantity"]));
    assert!(used(Value::is_u64) && used(Value::is_f64), "whole numbers and fractions");
    assert!(charges.iter().any(|charge| charge["fairuseQuantity"].is_null()));
    assert!(charges.iter().any(|charge| charge["convertedTokenCount"].is_number()));
}

#[tokio::test]
async fn contracts_follow_each_other() {
    let bench = bench("demo").await;
    let contracts = bench.list(&format!("{CONTRACTS}?pageSize=1")).await;
    let [present, earlier] = contracts.as_slice() else { panic!("{contracts:?}") };
    let texts = |contract: &Value| {
        ["status", "dateStart", "dateEnd"].map(|key| contract[key].as_str().unwrap().to_owned())
    };
    assert_eq!(texts(present), ["Active", "2026-01-21", "2027-01-20"], "sixty days are left");
    assert_eq!(texts(earlier), ["Inactive", "2025-01-21", "2026-01-20"]);
    assert_eq!(present["billingPeriods"].as_array().unwrap().len(), 11, "none in the future");
    let states = at("/status", earlier["billingPeriods"].as_array().unwrap());
    assert_eq!(states, ["Closed".to_owned()].into());
    let id = present["id"].as_str().unwrap();
    assert_eq!(bench.get(&format!("{CONTRACTS}/{id}")).await, (StatusCode::OK, present.clone()));
    let (number, earlier) = (present["externalNumber"].as_str().unwrap(), earlier["id"].as_str().unwrap());
    let period = present["billingPeriods"][0]["id"].as_str().unwrap();
    for path in [
        format!("{CONTRACTS}/{number}"),
        format!("{CONTRACTS}/{id}/billingperiods/none"),
        format!("{CONTRACTS}/{earlier}/billingperiods/{period}"),
        format!("{INVOICES}/none/lines"),
    ] {
        assert_eq!(bench.get(&path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    for (filter, count) in [
        ("status=Inactive".to_owned(), 1),
        (format!("externalNumber={number}"), 1),
        ("dateEnd=2026-01-20".to_owned(), 1),
        ("dateStart=2026-01-20".to_owned(), 2),
    ] {
        assert_eq!(bench.list(&format!("{CONTRACTS}?{filter}")).await.len(), count, "{filter}");
    }
}

#[tokio::test]
async fn a_contract_ends_when_its_last_day_is_over() {
    let hands = Hands::new();
    let mut bench = Bench::start(Options { clock: hands.clock(), ..options() }).await;
    hands.forward((61 * 24).hours());
    bench.renew().await;
    let (_, page) = bench.get(CONTRACTS).await;
    assert_eq!(at("/status", page["entities"].as_array().unwrap()), ["Inactive".to_owned()].into());
    assert_eq!(page["entities"][0]["billingPeriods"].as_array().unwrap().len(), 12);
}

#[tokio::test]
async fn invoices_are_the_sums_of_their_lines() {
    let bench = bench("demo").await;
    let invoices = bench.list(INVOICES).await;
    assert_eq!(at("/currencyIsoCode", &invoices).len(), 2);
    for invoice in &invoices {
        let lines =
            bench.list(&format!("{INVOICES}/{}/lines?pageSize=2", invoice["id"].as_str().unwrap())).await;
        let total: f64 = lines.iter().map(|line| number(&line["amount"])).sum();
        assert!(lines.len() >= 2 && near(total, number(&invoice["amount"])), "{invoice}");
    }
    let dates: Vec<&str> = invoices.iter().map(|invoice| invoice["dateInvoiced"].as_str().unwrap()).collect();
    assert!(dates.is_sorted_by(|newer, older| newer >= older));
}

#[tokio::test]
async fn what_is_unpaid_is_spelled_in_two_ways() {
    let bench = bench("demo").await;
    let unpaid = bench.list(&format!("{INVOICES}?paymentStatus=UnPaid")).await;
    assert_eq!(at("/paymentStatus", &unpaid), ["Unpaid".to_owned()].into());
    assert_eq!(at("/dateInvoiced", &unpaid).first().unwrap(), "2026-10-02", "fifty days");
    let (status, _) = bench.get(&format!("{INVOICES}?paymentStatus=Unpaid")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let paid = bench.list(&format!("{INVOICES}?paymentStatus=Paid")).await;
    assert_eq!(paid.len() + unpaid.len(), bench.list(INVOICES).await.len());
    let recent = bench.list(&format!("{INVOICES}?dateStart=2026-10-22&dateEnd=2026-10-22")).await;
    assert_eq!(at("/dateInvoiced", &recent), ["2026-10-22".to_owned()].into());
    let calm = self::bench("demo-calm").await;
    assert!(calm.list(&format!("{INVOICES}?paymentStatus=UnPaid")).await.is_empty());
}

#[tokio::test]
async fn lists_are_read_forwards_and_backwards() {
    let bench = bench("demo").await;
    let whole = bench.list(&format!("{INVOICES}?pageSize=200")).await;
    assert!(whole.len() > 10, "more than a page of the default size");
    let (_, first) = bench.get(INVOICES).await;
    let (_, second) = bench.get(first["nextUri"].as_str().unwrap()).await;
    let (_, back) = bench.get(second["previousUri"].as_str().unwrap()).await;
    assert_eq!(back["entities"], first["entities"]);
    assert!(first.get("previousUri").is_none());
    assert_eq!(second["entities"].as_array().unwrap().as_slice(), &whole[10..whole.len().min(20)]);
    let mut links = BTreeSet::new();
    let mut next = Some(format!("{INVOICES}?paymentStatus=Paid&pageSize=1"));
    while let Some(uri) = next {
        links.insert(uri.starts_with("http"));
        assert!(uri.contains("paymentStatus=Paid"), "a filter holds for all pages");
        next = bench.get(&uri).await.1["nextUri"].as_str().map(str::to_owned);
    }
    assert_eq!(links.len(), 2, "links are paths and whole addresses");
    for query in ["pageSize=201", "pageSize=many", "after=x", "dateStart=yesterday", "dateEnd=2026-11-1"] {
        assert_eq!(bench.get(&format!("{INVOICES}?{query}")).await.0, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn a_scenario_leads_links_to_a_foreign_host() {
    let bench = Bench::with_faults("faults: [{operation: '*', fault: {links: foreign_host}}]").await;
    let body = json!({ "interval": super::WEEK });
    for (answer, key) in [
        (bench.get(&format!("{CONTRACTS}?pageSize=1")).await.1, "nextUri"),
        (bench.get(&format!("{INVOICES}?pageSize=2")).await.1, "nextUri"),
        (bench.post(super::JOBS, &body).await.1, "resultsUri"),
        (bench.post("/api/v2/usage/query", &body).await.1, "resultsUri"),
    ] {
        assert!(
            answer[key].as_str().unwrap().starts_with("https://elsewhere.example.com/api/v2/"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_scenario_repeats_a_page_of_a_list() {
    let yaml = "faults: [{operation: listInvoices, after: 1, fault: {repeat_page: true}}]";
    let bench = Bench::with_faults(yaml).await;
    let (_, first) = bench.get(&format!("{INVOICES}?pageSize=3")).await;
    let (_, second) = bench.get(first["nextUri"].as_str().unwrap()).await;
    let (_, third) = bench.get(second["nextUri"].as_str().unwrap()).await;
    assert_ne!(first["entities"], second["entities"]);
    assert_eq!(second["entities"], third["entities"]);
}

#[tokio::test]
async fn billing_answers_carry_personal_data() {
    let bench = bench("demo").await;
    let (_, contracts) = bench.get(CONTRACTS).await;
    let (_, invoices) = bench.get(INVOICES).await;
    let (_, report) = bench.get(&report("2026-10-21T00:00:00Z", "2026-11-21T00:00:00Z")).await;
    for (answer, planted) in [
        (&contracts, [PLANTED_PERSON, PLANTED_EMAIL].as_slice()),
        (&invoices, &[PLANTED_PERSON, PLANTED_EMAIL, PLANTED_PHONE, PLANTED_SECRET]),
        (&report, &[PLANTED_PERSON, PLANTED_EMAIL, PLANTED_PHONE]),
    ] {
        let text = answer.to_string();
        assert!(planted.iter().all(|planted| text.contains(planted)), "{text}");
    }
}

fn report(start: &str, end: &str) -> String {
    format!("{REPORT}?startDate={start}&endDate={end}")
}

#[tokio::test]
async fn a_report_is_known_by_its_parameters_alone() {
    let bench = Bench::start(Options { pending_polls: 2, ..options() }).await;
    let path = report("2026-10-21T00:00:00Z", "2026-11-21T00:00:00Z");
    let other = report("2026-10-21T00:00:00.000Z", "2026-11-21T00:00:00Z");
    for (path, status) in [
        (&path, "InProgress"),
        (&path, "InProgress"),
        (&other, "InProgress"),
        (&path, "Complete"),
        (&other, "InProgress"),
        (&other, "Complete"),
        (&path, "Complete"),
    ] {
        let (code, body) = bench.get(path).await;
        assert_eq!((code, body["status"].as_str()), (StatusCode::OK, Some(status)));
        assert_eq!(body["usages"].as_array().unwrap().is_empty(), status == "InProgress");
        assert_eq!(body["startDate"], "2026-10-21T00:00:00.000Z");
    }
}

#[tokio::test]
async fn a_report_counts_in_texts() {
    let bench = bench("demo").await;
    let (_, body) = bench.get(&report("2026-10-21T00:00:00Z", "2026-11-21T00:00:00Z")).await;
    let usages = body["usages"].as_array().unwrap();
    assert_eq!(at("/name", usages).len(), 14);
    for usage in usages {
        let total: f64 = usage["totalUsage"].as_str().unwrap().parse().unwrap();
        let resources = usage["resources"].as_array().unwrap();
        assert!(resources.is_empty() || near(total, resources.len() as f64), "{}", usage["name"]);
        let dates = at("/date", resources);
        assert!(dates.iter().all(|date| "2026-10-21" < date.as_str() && date.as_str() < "2026-11-21"));
    }
    assert!(usages.iter().any(|usage| usage["totalUsage"].as_str().unwrap().contains('.')));
    assert!(usages.iter().any(|usage| usage["resources"].as_array().unwrap().len() > 100));
}

#[tokio::test]
async fn wrong_reports_are_refused() {
    let bench = bench("demo").await;
    for (query, code) in [
        ("", "bad.request"),
        ("startDate=2026-10-21T00:00:00Z", "bad.request"),
        ("startDate=2026-10-21&endDate=2026-11-21", "invalid.date"),
        ("startDate=2026-10-21T00:00:00&endDate=2026-11-21T00:00:00Z", "invalid.date"),
        ("startDate=2026-11-21T00:00:00Z&endDate=2026-11-21T00:00:00Z", "invalid.date"),
    ] {
        let (status, body) = bench.get(&format!("{REPORT}?{query}")).await;
        assert_eq!((status, body["code"].as_str()), (StatusCode::BAD_REQUEST, Some(code)), "{query}");
    }
}

#[tokio::test]
async fn a_scenario_ends_reports_in_every_way() {
    for (fate, expected) in [
        ("failed", (StatusCode::INTERNAL_SERVER_ERROR, None)),
        ("endless", (StatusCode::OK, Some("InProgress"))),
        ("lost", (StatusCode::OK, Some("InProgress"))),
    ] {
        let yaml = format!("faults: [{{operation: getBillableUsage, times: 1, fault: {{job: {fate}}}}}]");
        let bench = Bench::with_faults(&yaml).await;
        let path = report("2026-10-21T00:00:00Z", "2026-11-21T00:00:00Z");
        let (status, body) = bench.get(&path).await;
        assert_eq!((status, body["status"].as_str()), expected, "{fate}");
        let again = bench.get(&path).await.1["status"].as_str() == Some("Complete");
        assert_eq!(again, fate != "endless", "{fate}");
    }
}
