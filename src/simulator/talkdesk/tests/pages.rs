//! Pages, the links between them, and what a scenario does to both.

use serde_json::{Value, json};

use super::{INVOICES, PRODUCTS, TWO_MONTHS, USAGE, rows, shown, texts};
use crate::simulator::Scenario;
use crate::simulator::testing::{Bench, options};

async fn products(fault: &str, query: &str) -> Value {
    let yaml = format!("faults: [{{operation: listProducts, fault: {fault}}}]");
    let (status, page) = Bench::with_faults(&yaml).await.get(&format!("{PRODUCTS}?per_page=15{query}")).await;
    assert!(status.is_success(), "{page}");
    page
}

#[tokio::test]
async fn two_months_of_usage_are_several_pages_that_do_not_overlap() {
    let bench = Bench::start(options()).await;
    let all = rows(&bench, USAGE, TWO_MONTHS).await;
    assert!((550..850).contains(&all.len()), "{}", all.len());
    assert_eq!(texts(&all, "id").len(), all.len(), "ids are unique");
}

#[tokio::test]
async fn usual_links_are_relative_and_name_the_page_alone() {
    let bench = Bench::start(options()).await;
    let (_, page) = bench.get(&format!("{PRODUCTS}?per_page=15&order_by=id:asc&page=2")).await;
    let link = |number: u32| json!({ "href": format!("{PRODUCTS}?page={number}") });
    let links =
        json!({ "first": link(1), "prev": link(1), "self": link(2), "next": link(3), "last": link(3) });
    assert_eq!(page["_links"], links);
    assert!(page.get("next").is_none());
    let (_, last) = bench.get(&format!("{PRODUCTS}?per_page=15&page=3")).await;
    assert!(last["_links"].get("next").is_none() && last["_links"]["prev"] == link(2));
    let (_, beyond) = bench.get(&format!("{PRODUCTS}?per_page=15&page=4")).await;
    assert_eq!((shown(&beyond).len(), beyond["total"].as_u64()), (0, Some(40)));
    assert!(beyond["_links"].get("next").is_none());
    let far = products("{links: cursor}", &format!("&page={}", usize::MAX)).await;
    assert!(shown(&far).is_empty());
}

#[tokio::test]
async fn usage_has_its_links_at_both_places() {
    let bench = Bench::start(options()).await;
    let (_, page) = bench.get(USAGE).await;
    for name in ["first", "last", "next", "self"] {
        assert_eq!(page[name], page["_links"][name], "{name}");
    }
}

#[tokio::test]
async fn a_scenario_chooses_the_form_of_the_links() {
    let next = |page: &Value| page["_links"]["next"]["href"].as_str().map(str::to_owned);
    let page = products("{links: relative}", "").await;
    assert_eq!(next(&page).unwrap(), "/express/products?page=2");
    let page = products("{links: foreign_host}", "").await;
    assert_eq!(next(&page).unwrap(), "https://api-docs.talkdesk.org/express/products?page=2");
    let page = products("{links: broken}", "").await;
    assert_eq!(next(&page).unwrap(), "https://api-docs.talkdesk.org/express/products&page=2");

    let keys = |page: &Value| page.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let page = products("{links: top_level}", "").await;
    assert_eq!(
        (keys(&page), &page["next"]),
        (vec!["_embedded".into(), "next".into()], &json!("/express/products?page=2"))
    );
    assert_eq!(keys(&products("{links: top_level}", "&page=3").await), ["_embedded"]);
    let page = products("{links: absent}", "").await;
    assert_eq!(keys(&page), ["_embedded", "count", "page", "per_page", "total", "total_pages"]);
    assert_eq!(keys(&products("{links: nothing}", "").await), ["_embedded"]);

    assert!(products("{links: null_next}", "&page=2").await["_links"]["next"].is_object());
    assert_eq!(products("{links: null_next}", "&page=3").await["_links"].get("next"), Some(&Value::Null));
}

#[tokio::test]
async fn a_cursor_leads_through_all_rows() {
    let bench = Bench::start(options()).await;
    let whole = rows(&bench, INVOICES, "").await;
    let yaml = "faults: [{operation: listTalkdeskInvoiceLines, fault: {links: cursor}}]";
    bench.simulator.set_scenario(Scenario::parse(yaml).unwrap());
    let (mut found, mut next) = (Vec::new(), Some(String::new()));
    while let Some(link) = next {
        // A client lays the link's parameters over its own.
        let cursor = link.split_once('?').map_or(String::new(), |(_, query)| format!("&{query}"));
        let (_, page) = bench.get(&format!("{INVOICES}?page=1&per_page=100{cursor}")).await;
        assert!(page.get("total").is_none() && page.get("page").is_none());
        found.extend(shown(&page));
        next = page["_links"]["next"]["href"].as_str().map(str::to_owned);
        assert!(next.as_ref().is_none_or(|link| !link.contains("page")));
    }
    assert_eq!(found, whole);
}

#[tokio::test]
async fn a_scenario_repeats_a_page_for_ever() {
    for (page, query) in [("1", ""), ("3", "&page=3")] {
        let body = products("{repeat_page: true}", query).await;
        assert_eq!(body["_links"]["next"]["href"], format!("{PRODUCTS}?page={page}"));
        assert_eq!(body["_links"]["next"], body["_links"]["self"]);
    }
}

#[tokio::test]
async fn a_scenario_drops_rows_that_the_total_still_counts() {
    let page = products("{drop_rows: 3}", "").await;
    assert_eq!(
        (shown(&page).len(), page["count"].as_u64(), page["total"].as_u64()),
        (12, Some(12), Some(40))
    );
}

#[tokio::test]
async fn a_scenario_repeats_the_last_rows_of_the_page_before() {
    let first = shown(&products("{duplicate_rows: 2}", "").await);
    let page = products("{duplicate_rows: 2}", "&page=2").await;
    assert_eq!((first.len(), shown(&page).len(), page["total"].as_u64()), (15, 17, Some(40)));
    assert_eq!(shown(&page)[..2], first[13..]);
}

#[tokio::test]
async fn a_scenario_writes_numbers_as_texts() {
    let bench = Bench::start(options()).await;
    let (_, plain) = bench.get(USAGE).await;
    let yaml = "faults: [{operation: listMonthlyUsage, fault: {text_numbers: true}}]";
    bench.simulator.set_scenario(Scenario::parse(yaml).unwrap());
    let (_, quoted) = bench.get(USAGE).await;
    assert_eq!(quoted["total"], plain["total"], "only rows are changed");
    for (plain, quoted) in shown(&plain).iter().zip(shown(&quoted)) {
        let figure = quoted["number_of_units"].as_str().map(|text| text.parse::<f64>().unwrap());
        assert_eq!(figure, plain["number_of_units"].as_f64());
    }
}

#[tokio::test]
async fn spoiled_bodies_have_no_rows() {
    let page =
        Bench::with_faults("faults: [{operation: '*', fault: {wrong_json: true}}]").await.get(PRODUCTS).await;
    assert!(page.0.is_success() && page.1.get("_embedded").is_none());
}
