//! The figures of monthly usage.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::ToSpan;
use serde_json::Value;

use super::{ACCOUNTS, ALL, PRODUCTS, TWO_MONTHS, USAGE, account, rows, texts, total};
use crate::simulator::testing::{Bench, Hands, options};
use crate::simulator::{Options, PLANTED_EMAIL, PLANTED_PERSON, PLANTED_PHONE, Scenario};

const DOCUMENTED_TYPES: [&str; 13] = [
    "AMD",
    "API_REQUEST",
    "CALL",
    "CALL_SERVICE",
    "CREDIT_COMMIT",
    "DIALER",
    "MESSAGE",
    "NUMBER",
    "PRODUCT_SERVICE",
    "RECHARGE",
    "SPEECH_TRANSCRIPTION",
    "VOICEMAIL_TRANSCRIPTION",
    "OTHER",
];
const DOCUMENTED_UNITS: [&str; 11] = [
    "CHARS",
    "CONVERSATIONS",
    "GB",
    "MINUTES",
    "NUMBERS",
    "PAGES",
    "REQUESTS",
    "SECONDS",
    "SEGMENTS",
    "SESSIONS",
    "OTHER",
];

/// A world in which tokens outlive the test.
fn lasting(hands: &Hands) -> Options {
    Options { clock: hands.clock(), token_lifetime: Duration::from_hours(1000), ..options() }
}

#[tokio::test]
async fn the_same_seed_is_the_same_world_and_another_is_not() {
    let mut worlds = Vec::new();
    for seed in [1, 1, 2] {
        let bench = Bench::start(Options { seed, ..options() }).await;
        let mut world = Vec::new();
        for path in ALL {
            world.extend(rows(&bench, path, if path == USAGE { TWO_MONTHS } else { "" }).await);
        }
        worlds.push(world);
    }
    assert_eq!(worlds[0], worlds[1]);
    assert_ne!(worlds[0], worlds[2]);
}

#[tokio::test]
async fn there_are_fourteen_months_and_the_running_one() {
    let bench = Bench::start(options()).await;
    let id = account(&bench, "acme-support").await;
    let usage = rows(&bench, USAGE, &format!("account_id eq '{id}'")).await;
    let months = texts(&usage, "month");
    assert_eq!((months.len(), months.first().unwrap().as_str()), (15, "2025-09"));
    assert_eq!(months.last().unwrap(), "2026-11");
}

#[tokio::test]
async fn every_documented_value_occurs_and_one_that_is_not() {
    let bench = Bench::start(options()).await;
    let usage = rows(&bench, USAGE, TWO_MONTHS).await;
    let types: BTreeSet<String> = DOCUMENTED_TYPES.into_iter().map(str::to_owned).collect();
    let found = texts(&usage, "type");
    assert_eq!(found.difference(&types).collect::<Vec<_>>(), ["VIDEO_ROOM"]);
    assert!(types.is_subset(&found));
    assert_eq!(texts(&usage, "unit"), DOCUMENTED_UNITS.into_iter().map(str::to_owned).collect());
    assert_eq!(texts(&usage, "currency"), BTreeSet::from(["EUR".to_owned(), "USD".to_owned()]));
    assert_eq!(texts(&usage, "direction").len(), 3);
    assert_eq!(texts(&usage, "resolution").len(), 6);
    let products = texts(&rows(&bench, PRODUCTS, "").await, "id");
    assert!(texts(&usage, "product_id").is_subset(&products));
    assert!(texts(&usage, "account_id").is_subset(&texts(&rows(&bench, ACCOUNTS, "").await, "id")));
}

#[tokio::test]
async fn rows_of_one_account_product_month_and_type_differ_in_all_else() {
    let bench = Bench::start(options()).await;
    let usage = rows(&bench, USAGE, "month eq '2026-10'").await;
    let mut groups: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for row in &usage {
        let key = format!("{} {} {}", row["account_id"], row["product_id"], row["type"]);
        groups.entry(key).or_default().push(row);
    }
    for field in ["description", "direction", "resolution", "unit", "price", "wallet_name"] {
        let differs = groups.values().any(|rows| rows.iter().any(|row| row[field] != rows[0][field]));
        assert!(differs, "{field}");
    }
}

#[tokio::test]
async fn amounts_are_not_the_product_of_price_and_units() {
    let bench = Bench::start(options()).await;
    let usage = rows(&bench, USAGE, TWO_MONTHS).await;
    let differing = usage.iter().filter(|row| {
        let figure = |field: &str| row[field].as_f64().unwrap_or_default();
        let product = figure("price") * figure("number_of_units");
        (figure("total_amount") - product).abs() > 0.005 * product.abs()
    });
    assert!(differing.count() > usage.len() / 2);
    for field in ["price", "number_of_units", "total_amount"] {
        assert!(usage.iter().any(|row| row[field].is_null()), "{field} is null somewhere");
    }
    let of_type = |kind: &str| usage.iter().filter(|row| row["type"] == kind).cloned().collect::<Vec<_>>();
    assert!(total(&of_type("CREDIT_COMMIT"), "total_amount") < 0.0);
    assert!(total(&of_type("RECHARGE"), "total_amount") > 0.0);
}

#[tokio::test]
async fn the_running_month_grows_and_the_closed_one_stays() {
    let hands = Hands::new();
    let bench = Bench::start(lasting(&hands)).await;
    let spend = async |filter: &str| {
        let usage = rows(&bench, USAGE, filter).await;
        let calls: Vec<Value> = usage.into_iter().filter(|row| row["type"] == "CALL").collect();
        total(&calls, "number_of_units")
    };
    let (closed, saturday) = (spend("month eq '2026-10'").await, spend("month eq '2026-11'").await);
    hands.forward(24.hours());
    let sunday = spend("month eq '2026-11'").await;
    hands.forward(36.hours());
    let before = spend("month eq '2026-11'").await;
    hands.forward(24.hours());
    let after = spend("month eq '2026-11'").await;
    assert!(saturday < sunday && before < after);
    assert!(after - before > 2.0 * (sunday - saturday), "weekends are quiet");
    assert!((spend("month eq '2026-10'").await - closed).abs() < 1e-6);
    assert!(spend("month eq '2026-09'").await > closed * 0.8, "growth is slow");
}

#[tokio::test]
async fn one_account_heads_for_much_more_than_last_month() {
    let hands = Hands::new();
    let bench = Bench::start(lasting(&hands)).await;
    // To the end of the month in which the world began.
    hands.forward(240.hours());
    for name in ["acme-support", "acme-emea", "acme-sales", "acme-care", "acme-pilot"] {
        let id = account(&bench, name).await;
        let spend = async |month: &str| {
            let filter = format!("account_id eq '{id}' and month eq '{month}'");
            total(&rows(&bench, USAGE, &filter).await, "total_amount")
        };
        let ratio = spend("2026-11").await / spend("2026-10").await;
        assert_eq!(ratio > 1.3, name == "acme-sales", "{name} {ratio}");
    }
}

#[tokio::test]
async fn one_product_is_new_this_month_and_one_account_is_gone() {
    let bench = Bench::start(options()).await;
    let products =
        async |month: &str| texts(&rows(&bench, USAGE, &format!("month eq '{month}'")).await, "product_id");
    let (before, now) = (products("2026-10").await, products("2026-11").await);
    assert_eq!(now.difference(&before).collect::<Vec<_>>(), ["TD-USG-AIX-UG-102227"]);
    let gone = account(&bench, "acme-retail").await;
    let months = texts(&rows(&bench, USAGE, &format!("account_id eq '{gone}'")).await, "month");
    assert_eq!(months.last().unwrap(), "2026-08");
}

#[tokio::test]
async fn a_scenario_restates_a_past_month() {
    let bench = Bench::start(options()).await;
    let usage = async || rows(&bench, USAGE, TWO_MONTHS).await;
    let before = usage().await;
    let yaml =
        "faults: [{operation: listMonthlyUsage, times: 1, fault: {restate: {days_ago: 30, factor: 1.5}}}]";
    bench.simulator.set_scenario(Scenario::parse(yaml).unwrap());
    let after = usage().await;
    assert_eq!(texts(&before, "id"), texts(&after, "id"));
    for (before, after) in before.iter().zip(&after) {
        let factor = if before["month"] == "2026-10" { 1.5 } else { 1.0 };
        let figure = |row: &Value| row["total_amount"].as_f64().unwrap_or_default();
        assert!((figure(after) - factor * figure(before)).abs() < 0.001, "{before}");
    }
    assert_eq!(after, usage().await, "it stays");
}

#[tokio::test]
async fn people_are_named_where_free_text_is() {
    let bench = Bench::start(options()).await;
    for (path, field, planted) in [
        (ACCOUNTS, "company_name", PLANTED_PERSON),
        (USAGE, "description", PLANTED_PERSON),
        (USAGE, "description", PLANTED_PHONE),
        (super::INVOICES, "description", PLANTED_PERSON),
        (super::SUBSCRIPTIONS, "edition", PLANTED_EMAIL),
    ] {
        let found = rows(&bench, path, if path == USAGE { TWO_MONTHS } else { "" }).await;
        assert!(texts(&found, field).iter().any(|text| text.contains(planted)), "{path} {field}");
    }
}
