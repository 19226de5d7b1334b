//! The real Prometheus scrapes the real demo and answers a query.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use support::monitoring::Monitoring;
use support::poll;

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_the_demo_and_answers() {
    let monitoring = Monitoring::start(&[], None);
    let value = async |query: &str| monitoring.value(query).await;
    let clients = "count(genesyscloud_oauth_client_info{organization=\"acme\"})";
    assert!(poll("the clients", async || value(clients).await).await >= 10.0);

    // A query as a person would write it: yesterday's busiest client, by name.
    let busiest = "topk(1, sum by (organization, client_id) (genesyscloud_api_client_last_day_requests)) \
                   * on (organization, client_id) group_left (client_name) genesyscloud_oauth_client_info";
    assert!(poll("the busiest client", async || value(busiest).await).await > 1000.0);

    // Prometheus took the whole scrape, and typed what it took.
    let up = poll("the target", async || value("up{job=\"ccaas-exporter\"}").await).await;
    assert!((up - 1.0).abs() < f64::EPSILON);
    let all = "count(ccaas_exporter_collector_up) - sum(ccaas_exporter_collector_up)";
    poll("every collector to be up", async || value(all).await.filter(|down| *down < 0.5)).await;
    let collectors = value("count(ccaas_exporter_collector_up)").await.unwrap();
    assert!(collectors > 25.5, "{collectors} collectors of both vendors");
    monitoring.stop().await;
}
