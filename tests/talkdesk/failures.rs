//! Answers that are none: nothing good is lost, and the reason is told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ccaas_exporter::clock::Clock;
use ccaas_exporter::simulator::CLIENT_SECRET;
use serde_json::{Value, json};

use crate::scene::*;
use crate::support::fixed_clock;

/// Good figures first; then the answers of `spoil`, which must fail for `reason` and change nothing.
async fn keeps_good_figures(reason: &str, spoil: impl Fn(&Asked) -> Answer + Send + Sync + 'static) {
    let spoilt = Arc::new(AtomicBool::new(false));
    let is_spoilt = spoilt.clone();
    let scene = Scene::start(USAGE, OFTEN, move |asked| {
        if is_spoilt.load(Ordering::SeqCst) { spoil(asked) } else { ok(&list("usage", &rows(0..3))) }
    })
    .await;
    scene.stage.until("figures", |metrics| series(metrics) == 3).await;
    spoilt.store(true, Ordering::SeqCst);
    let bad = scene.stage.until(reason, |metrics| metrics.failures("usage", reason) >= 1.0).await;
    assert_eq!((bad.collector("up", "usage"), bad.collector("supported", "usage")), (0.0, 1.0));
    assert_eq!((series(&bad), bad.sums(AMOUNT, "account_id")["acc-a"]), (3, 6));
    for page in ["/", "/api/v1/status", "/metrics", "/config"] {
        let text = scene.stage.text(page).await;
        for planted in ["Jane Doe", "jane.doe", "planted-token", CLIENT_SECRET, "1234567"] {
            assert!(!text.contains(planted), "{page} tells {planted}");
        }
    }
    scene.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_rows_is_not_zero_usage() {
    for body in [
        json!({"_embedded": {}}),
        json!({"_embedded": {"usage": null}}),
        json!({"message": "Jane Doe"}),
        json!(null),
    ] {
        keeps_good_figures("decode", move |_| ok(&body)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_suddenly_all_gone_are_not_believed() {
    keeps_good_figures("truncated", |_| ok(&list("usage", &json!([])))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_says_for_a_day_that_there_are_no_rows_is_believed() {
    // Eight hours pass with each answer.
    let asked = Arc::new(AtomicUsize::new(0));
    let (answers, start) = (asked.clone(), fixed_clock().now());
    let clock = Clock::from_fn(move || start + Duration::from_hours(8) * asked.load(Ordering::SeqCst) as u32);
    let scene = Scene::start_at(clock, USAGE, OFTEN, move |asked| {
        if asked.path == "/oauth/token" {
            return ok(&json!({"access_token": "planted-token", "expires_in": 599}));
        }
        match answers.fetch_add(1, Ordering::SeqCst) {
            0 => ok(&list("usage", &rows(0..3))),
            _ => ok(&list("usage", &json!([]))),
        }
    })
    .await;
    let gone = scene.stage.until("the rows to be gone", |metrics| {
        metrics.collector("last_success_timestamp_seconds", "usage") > 0.0
            && metrics.collector("up", "usage") == 1.0
            && series(metrics) == 0
    });
    assert_eq!(gone.await.failures("usage", "truncated"), 3.0);
    scene.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_rows_than_the_vendor_counts_are_truncated() {
    let page = json!({"page": 1, "total": 5, "total_pages": 1, "_embedded": {"usage": rows(0..2)}});
    keeps_good_figures("truncated", move |_| ok(&page)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_lead_in_a_circle_are_truncated() {
    let next =
        |href: &str, rows: Value| json!({"_embedded": {"usage": rows}, "_links": {"next": {"href": href}}});
    let (same, again) = (next("?page=1", rows(0..2)), next("?page=2", rows(0..2)));
    keeps_good_figures("truncated", move |_| ok(&same)).await;
    keeps_good_figures("truncated", move |_| ok(&again)).await;
    let count = AtomicUsize::new(0);
    keeps_good_figures("truncated", move |_| {
        let cursor = count.fetch_add(1, Ordering::SeqCst);
        ok(&next(&format!("?cursor={cursor}"), rows(0..2)))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_list_is_given_up() {
    let count = AtomicUsize::new(0);
    keeps_good_figures("limit", move |_| {
        let row = count.fetch_add(1, Ordering::SeqCst);
        ok(&json!({"usage": rows(row..row + 1), "next": format!("?cursor={row}")}))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_vanishes_between_its_pages_is_no_missing_list() {
    keeps_good_figures("server", |asked| match asked.page() {
        "1" => ok(&json!({"usage": rows(0..2), "next": "?page=2"})),
        _ => refused(404, "3110006"),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_broken_answers_have_their_reasons() {
    keeps_good_figures("auth", |_| refused(401, "3110001")).await;
    keeps_good_figures("forbidden", |_| refused(403, "3110002")).await;
    keeps_good_figures("rate_limited", |_| (429, vec![("Retry-After", "86400".into())], "{}".into())).await;
    keeps_good_figures("decode", |_| (200, vec![], "<html>Jane Doe</html>".into())).await;
    keeps_good_figures("limit", |_| (200, vec![], format!(r#"{{"usage":["{}"]}}"#, "x".repeat(9 << 20))))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_of_a_moment_is_waited_for() {
    let asks_for_two_seconds = || vec![("Retry-After", "2".to_owned())];
    for (trouble, at_least) in [
        ((502, vec![], "<html>bad gateway</html>".to_owned()), 0),
        ((429, asks_for_two_seconds(), "{}".to_owned()), 2),
        ((503, asks_for_two_seconds(), "{}".to_owned()), 2),
        (refused(401, "3110001"), 0),
    ] {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let times = asked.clone();
        let scene = Scene::start(USAGE, ONCE, move |_| {
            let mut times = times.lock().unwrap();
            times.push(Instant::now());
            if times.len() == 1 { trouble.clone() } else { ok(&list("usage", &rows(0..2))) }
        })
        .await;
        let metrics = scene.stage.ready().await;
        assert_eq!((metrics.collector("up", "usage"), series(&metrics)), (1.0, 2));
        let asked = asked.lock().unwrap().clone();
        assert_eq!(asked.len(), 2);
        assert!(asked[1] - asked[0] >= Duration::from_secs(at_least), "{:?}", asked[1] - asked[0]);
        scene.stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_does_not_exist_is_not_supported() {
    let scene = Scene::start(USAGE, ONCE, |_| refused(404, "3110006")).await;
    let metrics = scene.stage.ready().await;
    assert_eq!((metrics.collector("up", "usage"), metrics.collector("supported", "usage")), (1.0, 0.0));
    scene.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_scopes_of_enabled_collectors_are_asked_for() {
    for (collectors, scope) in [
        (USAGE, "express-accounts-usage:read"),
        (ACCOUNTS, "express-accounts:read"),
        (
            ALL,
            "express-accounts-usage:read express-accounts:read express-products:read express-accounts-subscriptions:read \
             express-accounts-invoices:read",
        ),
    ] {
        let scene = Scene::start(collectors, ONCE, |_| ok(&json!([]))).await;
        scene.stage.ready().await;
        let token = &scene.asked_for("/oauth/token")[0];
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(token.body.as_bytes()).into_owned().collect();
        assert_eq!((form["grant_type"].as_str(), form["scope"].as_str()), ("client_credentials", scope));
        assert!(token.authorization.starts_with("Basic "));
        scene.stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_says_that_a_new_scope_looks_the_same() {
    let scene = Scene::start_at(fixed_clock(), USAGE, ONCE, |asked| {
        assert_eq!(asked.path, "/oauth/token", "nothing else is asked without a token");
        (401, vec![], json!({"error": "invalid_client", "error_description": "Jane Doe"}).to_string())
    })
    .await;
    scene.stage.until("the failure", |metrics| metrics.failures("usage", "auth") >= 1.0).await;
    let status = scene.stage.text("/api/v1/status").await;
    assert!(status.contains("client_secret") && status.contains("granted minutes ago"), "{status}");
    assert!(status.contains("invalid_client") && !status.contains("Jane Doe"), "{status}");
    scene.stage.stop().await;
}
