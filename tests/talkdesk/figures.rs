//! What the figures are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ccaas_exporter::catalogue::families;
use serde_json::json;

use crate::scene::*;
use crate::support::{self, Metrics};

#[tokio::test(flavor = "multi_thread")]
async fn a_few_odd_rows_are_told_and_left_out() {
    let scene = Scene::start(USAGE, ONCE, |_| {
        let mut all = rows(0..99);
        all.as_array_mut().unwrap().push(json!({"account_id": "acc-a", "total_amount": 1}));
        all[0]["type"] = "BRAND_NEW".into();
        all[0]["unit"] = "PIGEONS".into();
        all[0]["mood"] = "coo".into();
        ok(&list("usage", &all))
    })
    .await;
    let metrics = scene.stage.ready().await;
    assert_eq!(series(&metrics), 99);
    let own = |name: &str| metrics.value(&format!("ccaas_exporter_{name}"), &[("collector", "usage")]);
    assert_eq!(own("rows_invalid_total"), Some(1.0));
    let surprises = metrics.sums("ccaas_exporter_schema_surprises_total", "kind");
    let expected = [("deprecation", 0), ("enum_value", 1), ("field", 1), ("unit", 1)];
    assert_eq!(surprises, expected.map(|(kind, count)| (kind.to_owned(), count)).into());
    assert_eq!(metrics.of(UNITS, &[("usage_type", "BRAND_NEW"), ("unit", "PIGEONS")]).count(), 1);
    scene.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_current_month_has_no_series_and_the_months_are_named_all_the_same() {
    let scene = Scene::start(USAGE, ONCE, |_| ok(&list("usage", &json!([])))).await;
    let metrics = scene.stage.ready().await;
    assert_eq!((series(&metrics), metrics.collector("up", "usage")), (0, 1.0));
    let month = |relative: &'static str| {
        metrics.of("talkdesk_month_info", &[("relative", relative)]).next().unwrap().label("month").to_owned()
    };
    assert_eq!((month("current"), month("previous")), ("2026-11".to_owned(), "2026-10".to_owned()));
    let now = support::NOW.parse::<jiff::Timestamp>().unwrap().as_second() as f64;
    assert_eq!(metrics.collector("data_through_timestamp_seconds", "usage"), now);
    scene.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_month_that_changes_counts_as_one_restatement() {
    let october = Arc::new(AtomicUsize::new(5));
    let amount = october.clone();
    let scene = Scene::start(USAGE, OFTEN, move |_| {
        let (mut old, mut other) = (usage(1), usage(2));
        for row in [&mut old, &mut other] {
            row["month"] = "2026-10".into();
            row["total_amount"] = amount.load(Ordering::SeqCst).into();
        }
        // The running month grows on each read.
        let mut running = usage(0);
        running["total_amount"] = amount.load(Ordering::SeqCst).into();
        ok(&list("usage", &json!([running, old, other])))
    })
    .await;
    let restated = |metrics: &Metrics| {
        metrics.value("ccaas_exporter_restatements_total", &[("collector", "usage")]).unwrap()
    };
    let before = scene.stage.until("figures", |metrics| series(metrics) == 3).await;
    assert_eq!(restated(&before), 0.0);
    october.store(4, Ordering::SeqCst);
    scene.stage.until("the correction", |metrics| restated(metrics) == 1.0).await;
    let after = scene
        .stage
        .until("its figure", |metrics| metrics.value(AMOUNT, &[("product_id", "TD-1")]) == Some(4.0))
        .await;
    assert_eq!(restated(&after), 1.0);
    scene.stage.stop().await;
}

/// A vendor with something of everything.
fn everything(asked: &Asked) -> Answer {
    let rows = match asked.path.as_str() {
        "/express/usage/month" => rows(0..2),
        "/express/accounts" => {
            json!([{"id": "acc-a", "name": "globex", "company_name": "Jane Doe", "status": "ACTIVE"}])
        }
        "/express/products" => json!([
            {"id": "TD-0", "name": "Calls", "family": "CONSUMPTION", "unit_of_measure": "MINUTES", "charge_type": "USAGE"},
            {"id": "TD-SEAT", "name": "Seat", "family": null, "unit_of_measure": "PER_SEAT", "charge_type": "RECURRING"},
            {"id": "TD-UNSEEN", "name": "Something else"},
        ]),
        "/express/subscriptions" => json!([
            {"id": "s1", "account_id": "acc-a", "contract_number": "00021679", "product_id": "TD-SEAT", "status": "ACTIVATED", "currency": "USD",
             "start_date": "2026-01-01T00:00:00.000Z", "end_date": "2026-12-31T00:00:00.000Z", "quantity": 12, "unit_price": "75.5"},
        ]),
        "/express/invoices" => json!([
            {"id": "i1", "account_id": "acc-a", "number": "INV1", "date": "2026-11-01", "currency": "USD", "amount": 70, "total_invoice_amount": 100},
            {"id": "i2", "account_id": "acc-a", "number": "INV1", "date": "2026-11-01", "currency": "USD", "amount": 30, "total_invoice_amount": 100},
        ]),
        _ => return refused(404, "3110006"),
    };
    ok(&list(asked.path.split('/').nth(2).unwrap(), &rows))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_family_is_served_and_asked_for_as_the_contract_says() {
    let scene = Scene::start(ALL, ONCE, everything).await;
    scene.stage.ready().await;
    let metrics = scene.stage.until("the products", |metrics| metrics.of(PRODUCT, &[]).count() == 2).await;
    for family in families().filter(|family| family.name.starts_with("talkdesk_")) {
        assert!(metrics.of(family.name, &[("organization", "globex")]).count() > 0, "{}", family.name);
    }
    let contract = [("account_id", "acc-a"), ("contract_number", "00021679")];
    assert_eq!(metrics.value("talkdesk_subscription_quantity", &contract), Some(12.0));
    assert_eq!(metrics.value("talkdesk_subscription_unit_price_amount", &contract), Some(75.5));
    let end = "2027-01-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second() as f64;
    assert_eq!(metrics.value("talkdesk_subscription_end_timestamp_seconds", &contract), Some(end));
    assert_eq!(
        metrics.value("talkdesk_invoices_amount", &[("currency", "USD"), ("invoice_month", "2026-11")]),
        Some(100.0)
    );
    assert_eq!(
        metrics
            .of("talkdesk_account_info", &[("account_name", "globex"), ("account_status", "ACTIVE")])
            .count(),
        1
    );
    assert!(
        metrics.samples.iter().all(|sample| sample.labels.values().all(|value| !value.contains("Jane Doe")))
    );

    for (path, order_by, filter) in [
        ("/express/accounts", "id:asc", None),
        ("/express/products", "id:asc", None),
        ("/express/subscriptions", "start_date:asc", None),
        ("/express/invoices", "date:asc", Some("date ge '2025-11-01'")),
    ] {
        let asked = scene.asked_for(path);
        assert_eq!(asked.len(), 1, "{path}");
        assert_eq!(asked[0].query["order_by"], order_by, "{path}");
        assert_eq!(asked[0].query.get("filter").map(String::as_str), filter, "{path}");
    }
    scene.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn products_show_as_soon_as_they_are_seen_without_another_request() {
    let open = Arc::new(AtomicBool::new(false));
    let is_open = open.clone();
    let collectors = "{accounts: {enabled: false}, subscriptions: {enabled: false}}";
    let scene = Scene::start(collectors, OFTEN, move |asked| {
        if asked.path == "/express/products" || is_open.load(Ordering::SeqCst) {
            everything(asked)
        } else {
            refused(403, "3110002")
        }
    })
    .await;
    let before =
        scene.stage.until("the catalogue", |metrics| metrics.collector("up", "products") == 1.0).await;
    assert_eq!(before.of(PRODUCT, &[]).count(), 0);
    open.store(true, Ordering::SeqCst);
    let after =
        scene.stage.until("the product in use", |metrics| metrics.of(PRODUCT, &[]).count() == 1).await;
    assert_eq!(after.of(PRODUCT, &[("product_id", "TD-0"), ("product_name", "Calls")]).count(), 1);
    assert_eq!(scene.asked_for("/express/products").len(), 1);
    scene.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refused_collector_does_not_hold_up_the_others() {
    let scene = Scene::start(ALL, ONCE, |asked| match asked.path.as_str() {
        "/express/subscriptions" => refused(403, "3110002"),
        _ => everything(asked),
    })
    .await;
    let metrics = scene.stage.ready().await;
    assert_eq!(metrics.failures("subscriptions", "forbidden"), 1.0);
    for collector in ["usage", "accounts", "products", "invoices"] {
        assert_eq!(metrics.collector("up", collector), 1.0, "{collector}");
    }
    scene.stage.stop().await;
}
