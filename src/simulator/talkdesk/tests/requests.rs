//! What may be asked for, and what is refused.

use reqwest::StatusCode;

use super::{
    ACCOUNTS, ALL, INVOICES, PRODUCTS, SUBSCRIPTIONS, TWO_MONTHS, USAGE, account, rows, shown, texts,
};
use crate::simulator::testing::{Bench, options};

#[tokio::test]
async fn what_the_vendor_does_not_offer_is_refused() {
    let bench = Bench::start(options()).await;
    for (path, query, field) in [
        (USAGE, "page=0", "page"),
        (USAGE, "page=x", "page"),
        (USAGE, "per_page=0", "per_page"),
        (USAGE, "per_page=251", "per_page"),
        (USAGE, "cursor=x", "cursor"),
        (USAGE, "order_by=month", "order_by"),
        (USAGE, "order_by=id:up", "order_by"),
        (INVOICES, "order_by=id", "order_by"),
        (ACCOUNTS, "filter=id%20eq%20'x'", "filter"),
        (PRODUCTS, "filter=name%20eq%20'x'", "filter"),
        (USAGE, "filter=month%20ge%20'2026-10'", "filter"),
        (USAGE, "filter=month+eq+'2026-10'", "filter"),
        (INVOICES, "filter=date%20ge%20'2026-10'", "filter"),
        (SUBSCRIPTIONS, "filter=", "filter"),
    ] {
        let (status, body) = bench.get(&format!("{path}?{query}")).await;
        assert_eq!((status, body["code"].as_str()), (StatusCode::BAD_REQUEST, Some("3110000")), "{query}");
        assert_eq!(body["fields"][0]["name"], field, "{query}");
    }
}

#[tokio::test]
async fn one_foreign_account_spoils_the_whole_request() {
    let bench = Bench::start(options()).await;
    let own = account(&bench, "acme-emea").await;
    for path in [USAGE, INVOICES, SUBSCRIPTIONS] {
        let query = format!("{path}?filter=account_id%20eq%20'{own}'%20or%20account_id%20eq%20'stranger'");
        let (status, body) = bench.get(&query).await;
        assert_eq!((status, body["code"].as_str()), (StatusCode::FORBIDDEN, Some("3110002")));
    }
}

#[tokio::test]
async fn filters_choose_the_rows_that_a_reader_would_choose() {
    let bench = Bench::start(options()).await;
    let own = account(&bench, "acme-emea").await;
    let usage = rows(&bench, USAGE, TWO_MONTHS).await;
    let expected = usage.iter().filter(|row| row["account_id"] == own.as_str() && row["month"] == "2026-10");
    let chosen = rows(&bench, USAGE, &format!("month eq '2026-10' and account_id eq '{own}'")).await;
    assert_eq!(chosen, expected.cloned().collect::<Vec<_>>());
    assert_eq!(texts(&usage, "month").len(), 2);

    let invoices = rows(&bench, INVOICES, "").await;
    let day = |row: &serde_json::Value, field: &str| row[field].as_str().unwrap()[..10].to_owned();
    let chosen = rows(&bench, INVOICES, "date ge '2026-09-01' and date le '2026-10-01'").await;
    let expected =
        invoices.iter().filter(|row| ["2026-09-01", "2026-10-01"].contains(&day(row, "date").as_str()));
    assert_eq!(texts(&chosen, "id"), texts(&expected.cloned().collect::<Vec<_>>(), "id"));
    assert!(!chosen.is_empty());

    let contracts = rows(&bench, SUBSCRIPTIONS, "").await;
    let active = rows(&bench, SUBSCRIPTIONS, "start_date le '2026-11-21' and end_date ge '2026-11-21'").await;
    let expected = contracts.iter().filter(|row| {
        day(row, "start_date").as_str() <= "2026-11-21" && day(row, "end_date").as_str() >= "2026-11-21"
    });
    assert_eq!(active.len(), expected.count());
    assert!(!active.is_empty() && active.len() < contracts.len());

    let product = rows(&bench, PRODUCTS, "id eq 'TD-LIC-APP-RC-101910'").await;
    assert_eq!(texts(&product, "name").into_iter().collect::<Vec<_>>(), ["CX Cloud Elevate"]);
}

#[tokio::test]
async fn unknown_parameters_are_ignored() {
    let bench = Bench::start(options()).await;
    let (_, all) = bench.get(USAGE).await;
    let (_, same) = bench.get(&format!("{USAGE}?month=2026-10&account_id=x")).await;
    assert_eq!(all, same);
}

#[tokio::test]
async fn rows_come_in_the_order_that_was_asked_for() {
    let bench = Bench::start(options()).await;
    for (path, order, field, descending) in [
        (USAGE, "", "id", true),
        (USAGE, "order_by=id:asc", "id", false),
        (USAGE, "order_by=id", "id", false),
        (SUBSCRIPTIONS, "", "start_date", true),
        (SUBSCRIPTIONS, "order_by=end_date:asc", "end_date", false),
        (INVOICES, "order_by=date:desc", "date", true),
    ] {
        let (_, page) = bench.get(&format!("{path}?{order}")).await;
        let mut found: Vec<String> =
            shown(&page).iter().map(|row| row[field].as_str().unwrap()[..10].to_owned()).collect();
        if descending {
            found.reverse();
        }
        assert!(found.len() > 10 && found.is_sorted(), "{path} {order}");
    }
}

#[tokio::test]
async fn the_defaults_are_the_first_page_of_fifty() {
    let bench = Bench::start(options()).await;
    for path in ALL {
        let (_, page) = bench.get(path).await;
        assert_eq!((page["page"].as_u64(), page["per_page"].as_u64()), (Some(1), Some(50)));
        let total = page["total"].as_u64().unwrap();
        assert_eq!(page["count"].as_u64().unwrap(), total.min(50));
        assert_eq!(shown(&page).len() as u64, total.min(50));
        assert_eq!(page["total_pages"].as_u64().unwrap(), total.div_ceil(50));
    }
}
