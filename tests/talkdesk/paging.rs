//! Lists in pages of every shape that the documentation allows.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::scene::*;

/// The exporter reads all rows of a list that comes in these pages, by the number of the page.
async fn reads_whole(pages: Vec<Value>, rows: usize) -> Vec<Asked> {
    let last = pages.len();
    let scene = Scene::start(USAGE, ONCE, move |asked| {
        let page: usize = asked.query.get("page").unwrap().parse().unwrap();
        pages.get(page - 1).map_or_else(|| refused(400, "3110000"), ok)
    })
    .await;
    let metrics = scene.stage.ready().await;
    assert_eq!(metrics.collector("up", "usage"), 1.0);
    assert_eq!(series(&metrics), rows);
    let asked = scene.asked_for("/express/usage/month");
    assert_eq!(asked.len(), last);
    scene.stage.stop().await;
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_another_host_lead_to_pages_of_the_own_one_with_the_own_parameters() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let foreign = format!("http://{}/express/usage/month", elsewhere.local_addr().unwrap());
    for href in [format!("{foreign}?page=2"), format!("{foreign}&page=2"), "/elsewhere?page=2".to_owned()] {
        let first = json!({"_embedded": {"usage": rows(0..2)}, "_links": {"next": {"href": href}}});
        let asked = reads_whole(vec![first, list("usage", &rows(2..3))], 3).await;
        for (asked, page) in asked.iter().zip(["1", "2"]) {
            assert_eq!(asked.page(), page);
            assert_eq!(asked.query["per_page"], "250");
            assert_eq!(asked.query["order_by"], "id:asc");
            assert_eq!(asked.query["filter"], "(month eq '2026-11' or month eq '2026-10')");
            assert!(asked.raw_query.contains("month%20eq%20%272026-11%27"), "{}", asked.raw_query);
            assert_eq!(asked.authorization, "Bearer planted-token");
        }
    }
    let visitor = tokio::time::timeout(Duration::from_millis(100), elsewhere.accept()).await;
    assert!(visitor.is_err(), "somebody came");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_literal_page_of_the_documentation_is_read() {
    let mut row = usage(0);
    let account = row.as_object_mut().unwrap().remove("account_id").unwrap();
    row["account ID"] = account;
    let first = json!({"next": {"href": "/express/usage/month?page=2"}, "_embedded": {"usage": [row]}});
    for last in
        [json!({}), json!({"next": null}), json!({"next": {"href": null}}), json!({"next": {"href": ""}})]
    {
        let mut second = json!({"_embedded": {"usage": [usage(1)]}, "_links": last.clone()});
        second.as_object_mut().unwrap().extend(last.as_object().unwrap().clone());
        reads_whole(vec![first.clone(), second], 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_lead_on_where_there_are_no_links_and_short_pages_are_no_end() {
    let page = |number: usize, rows: Value| json!({"page": number, "per_page": 250, "total": 3, "total_pages": 2, "_embedded": {"usage": rows}});
    reads_whole(vec![page(1, rows(0..1)), page(2, rows(1..3))], 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_links_and_counters_a_full_page_is_followed_by_one_more() {
    let page = |rows: Value| json!({"usage": rows});
    reads_whole(vec![page(rows(0..250)), page(rows(250..255))], 255).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_shift_between_pages_count_once() {
    let page = |number: usize, rows: Value| json!({"page": number, "total": 4, "total_pages": 2, "_embedded": {"usage": rows}});
    let scene = Scene::start(USAGE, ONCE, move |asked| match asked.page() {
        "1" => ok(&page(1, rows(0..3))),
        _ => ok(&page(2, rows(2..4))),
    })
    .await;
    let metrics = scene.stage.ready().await;
    assert_eq!(metrics.value(AMOUNT, &[("product_id", "TD-2")]), Some(2.0));
    assert_eq!(series(&metrics), 4);
    scene.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_page_size_is_lowered_once() {
    let scene = Scene::start(USAGE, ONCE, |asked| match asked.query["per_page"].as_str() {
        "250" => refused(400, "3110000"),
        _ => ok(&list("usage", &rows(0..2))),
    })
    .await;
    assert_eq!(series(&scene.stage.ready().await), 2);
    let sizes: Vec<String> =
        scene.asked_for("/express/usage/month").iter().map(|asked| asked.query["per_page"].clone()).collect();
    assert_eq!(sizes, ["250", "50"]);
    scene.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_stays_refused_is_not_asked_for_again_and_again() {
    let scene = Scene::start(USAGE, ONCE, |_| refused(400, "3110000")).await;
    let metrics =
        scene.stage.until("the failure", |metrics| metrics.failures("usage", "server") >= 1.0).await;
    assert_eq!(scene.asked_for("/express/usage/month").len(), 2);
    assert_eq!(metrics.collector("supported", "usage"), 1.0);
    assert!(scene.stage.text("/api/v1/status").await.contains("code 3110000"));
    scene.stage.stop().await;
}
