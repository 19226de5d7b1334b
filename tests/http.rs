//! What is served beside the figures, and what a request may ask for.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use support::{Metrics, Setup, program};

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_can_be_narrowed_to_organizations_and_collectors() {
    let stage = Setup::only("usage: {}, client_summary: {}, oauth_clients: {}").start().await;
    stage.ready().await;
    let scrape = async |query: &str| Metrics::parse(&stage.text(&format!("/metrics?{query}")).await);

    let clients = scrape("collect[]=oauth_clients").await;
    assert!(clients.of("genesyscloud_oauth_client_info", &[]).count() > 5);
    assert_eq!(clients.of("genesyscloud_oauth_client_requests", &[]).count(), 0);
    assert_eq!(clients.of("ccaas_exporter_collector_up", &[]).count(), 1);

    let organization = scrape("organization=acme").await;
    assert_eq!(organization.of("ccaas_exporter_collector_up", &[]).count(), 3);
    let (good, said) =
        program("promtool", &["check", "metrics"], &stage.text("/metrics?collect[]=usage").await);
    assert!(good, "{said}");

    for (query, what) in [
        ("organization=nobody", "nobody"),
        ("collect[]=invoices", "invoices"),
        ("strict=perhaps", "true or false"),
    ] {
        let response = stage.get(&format!("/metrics?{query}")).await;
        assert_eq!(response.status(), 400);
        assert!(response.text().await.unwrap().contains(what));
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_scrape_is_refused_only_while_a_selected_collector_fails() {
    let faults =
        "faults:\n  - {operation: listOAuthClients, fault: {status: 403, code: missing.permissions}}";
    let stage = Setup::only("usage: {lookback: 30d}, oauth_clients: {}").scenario(faults).start().await;
    stage.ready().await;
    assert_eq!(stage.get("/metrics").await.status(), 200);
    assert_eq!(stage.get("/metrics?strict=true&collect[]=usage").await.status(), 200);
    let refused = stage.get("/metrics?strict=true").await;
    assert_eq!(refused.status(), 503);
    assert!(refused.text().await.unwrap().contains("genesys_cloud/acme/oauth_clients is failing"));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_are_answered_as_http_has_it() {
    let stage = Setup::new().start().await;
    stage.ready().await;
    for path in [
        "/",
        "/status.css",
        "/status.svg",
        "/metrics",
        "/api/v1/status",
        "/sd",
        "/config",
        "/-/healthy",
        "/-/ready",
    ] {
        assert_eq!(stage.get(path).await.status(), 200, "{path}");
        let head = stage.http.head(format!("{}{path}", stage.url)).send().await.unwrap();
        assert_eq!(head.status(), 200, "{path}");
        let post = stage.http.post(format!("{}{path}", stage.url)).send().await.unwrap();
        assert_eq!(post.status(), 405, "{path}");
    }
    assert_eq!(stage.get("/nowhere").await.status(), 404);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_waits_for_every_collector_good_or_bad() {
    let faults = "faults:\n  - {operation: createToken, fault: {delay: 1s}}\n  - {operation: '*', fault: {status: 400}}";
    let stage = Setup::new().scenario(faults).start().await;
    assert_eq!(stage.get("/-/ready").await.status(), 503);
    let metrics = stage.metrics().await;
    assert_eq!(metrics.collector("up", "usage"), 0.0, "the series exist before the first run");
    assert_eq!(metrics.collector("last_success_timestamp_seconds", "usage"), 0.0);
    let metrics = stage.ready().await;
    assert_eq!(metrics.collector("up", "usage"), 0.0);
    assert_eq!(metrics.failures("usage", "server"), 1.0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_discovery_lists_each_organization_where_it_was_asked() {
    let stage = Setup::new().start().await;
    let groups: serde_json::Value = stage.get("/sd").await.json().await.unwrap();
    let host = stage.url.trim_start_matches("http://");
    let labels = serde_json::json!({"__metrics_path__": "/metrics", "__param_organization": "acme"});
    assert_eq!(groups, serde_json::json!([{"targets": [host], "labels": labels}]));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_every_collector_with_its_figures_age() {
    let stage = Setup::new().start().await;
    stage.ready().await;
    let response = stage.get("/").await;
    assert!(
        response.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'")
    );
    let page = response.text().await.unwrap();
    for text in ["acme", "usage", "client_summary", "oauth_clients", "good", "2026-11-21 00:00:00"] {
        assert!(page.contains(text), "{text}");
    }
    stage.stop().await;
}
