//! Files that change below an unchanged configuration: secrets, the proxy.

use std::path::Path;
use std::time::Duration;

use ccaas_exporter::config::Provider;
use ccaas_exporter::simulator::CLIENT_SECRET;

use crate::scene::{Ground, Scene, of};
use crate::support::{Metrics, poll, scenario, set_refresh};

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_secret_is_taken_over_without_a_gap_and_a_bad_one_does_no_harm() {
    let ground = Ground::new("faults: []").await;
    // As Kubernetes has it: a link through a link to a folder.
    let at = |name: &str| ground.folder.path().join(name);
    let folder = |name: &str, text: &str| {
        std::fs::create_dir(at(name)).unwrap();
        std::fs::write(at(name).join("secret"), text).unwrap();
    };
    let swap = |folder: &Path, name: &str| {
        std::os::unix::fs::symlink(name, folder.join("..next")).unwrap();
        std::fs::rename(folder.join("..next"), folder.join("..data")).unwrap();
    };
    folder("1", CLIENT_SECRET);
    folder("2", "planted-bad");
    folder("3", "rotated");
    std::fs::remove_file(at("secret")).unwrap();
    swap(ground.folder.path(), "1");
    std::os::unix::fs::symlink("..data/secret", at("secret")).unwrap();
    ground.write("", &[ground.acme()]);
    let scene = Scene::start_with(ground, |config| {
        let Provider::GenesysCloud(settings) = &mut config.organizations[0].provider else { panic!() };
        set_refresh(settings, Duration::from_millis(500));
    })
    .await;
    let first = scene.stage.ready().await;
    let polls = |metrics: &Metrics| of(metrics, "ccaas_exporter_collector_polls_total", "acme").unwrap();
    let expiry = |metrics: &Metrics| {
        of(metrics, "ccaas_exporter_oauth_token_expiry_timestamp_seconds", "acme").unwrap()
    };
    assert!(expiry(&first) > 0.0);
    assert_eq!(scene.count("createToken"), 1);

    // A bad one is found out and not insisted on, and the token before goes on.
    swap(scene.folder.path(), "2");
    poll("a try with the bad secret", async || (scene.count("createToken") == 2).then_some(())).await;
    let now = scene.stage.metrics().await;
    let later = scene.stage.until("more polls", |metrics| polls(metrics) > polls(&now) + 2.0).await;
    assert_eq!(scene.count("createToken"), 2, "one try with the bad secret");
    assert_eq!(expiry(&later), expiry(&first));

    // The vendor takes the next one.
    scene.simulator.set_client_secret("rotated");
    swap(scene.folder.path(), "3");
    poll("a token for the new secret", async || (scene.count("createToken") == 3).then_some(())).await;
    let last = scene.stage.until("a later expiry", |metrics| expiry(metrics) > expiry(&first)).await;
    let failures = last.of("ccaas_exporter_collector_failures_total", &[("organization", "acme")]);
    assert_eq!(failures.map(|sample| sample.value).sum::<f64>(), 0.0, "no poll failed");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_vendor_no_longer_takes_counts_as_none_until_there_is_another() {
    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme()]);
    let scene = Scene::start_with(ground, |config| {
        let Provider::GenesysCloud(settings) = &mut config.organizations[0].provider else { panic!() };
        set_refresh(settings, Duration::from_millis(500));
    })
    .await;
    let expiry = |metrics: &Metrics| {
        of(metrics, "ccaas_exporter_oauth_token_expiry_timestamp_seconds", "acme").unwrap()
    };
    assert!(expiry(&scene.stage.ready().await) > 0.0);
    let faults = "faults:\n  - {operation: listOAuthClients, fault: {expire_token: true}}\n  \
                  - {operation: createToken, fault: {status: 401}}";
    scene.simulator.set_scenario(scenario(faults));
    scene.stage.until("no token", |metrics| expiry(metrics) == 0.0).await;
    scene.simulator.set_scenario(scenario("faults: []"));
    scene.stage.until("another token", |metrics| expiry(metrics) > 0.0).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_proxy_or_certificate_file_starts_all_anew_at_a_reload_and_an_unchanged_one_nothing() {
    let ground = Ground::new("faults: []").await;
    let at = |name: &str| ground.folder.path().join(name);
    let proxy =
        |port: &str| std::fs::write(at("proxy"), format!("http://user:planted@127.0.0.1:{port}")).unwrap();
    proxy("1");
    ground.write("proxy_url_file: proxy", &[ground.acme()]);
    let scene = Scene::start(ground).await;
    let metrics = scene.stage.ready().await;
    assert_eq!(metrics.collector("up", "oauth_clients"), 0.0, "there is no such proxy");
    assert!(scene.reload_well().await.contains("1 unchanged, 0 restarted"));
    // The vendor's own address serves as a proxy for itself.
    let vendor = scene.vendor.address.rsplit(':').next().unwrap().to_owned();
    let secret = format!("http://user:planted@127.0.0.1:{vendor}");
    std::fs::write(scene.folder.path().join("proxy"), secret).unwrap();
    assert!(scene.reload_well().await.contains("0 unchanged, 1 restarted"));
    let is_up = |metrics: &Metrics| of(metrics, "ccaas_exporter_collector_up", "acme") == Some(1.0);
    scene.stage.until("figures through the new proxy", is_up).await;

    // Certificates that only the HTTP client can tell to be none change nothing.
    let certificates = |text: &str| std::fs::write(scene.folder.path().join("ca.pem"), text).unwrap();
    certificates("-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n");
    scene.write("proxy_url_file: proxy, ca_file: ca.pem", &[scene.acme()]);
    let polls = scene.count("listOAuthClients");
    let (status, said) = scene.reload().await;
    assert!(status == 500 && !said.contains("planted"), "{said}");
    assert_eq!(scene.count("listOAuthClients"), polls);
    for (text, outcome) in [
        (include_str!("../fixtures/ca/one.pem"), "1 restarted"),
        (include_str!("../fixtures/ca/one.pem"), "1 unchanged"),
        (include_str!("../fixtures/ca/other.pem"), "1 restarted"),
    ] {
        certificates(text);
        let said = scene.reload_well().await;
        assert!(said.contains(outcome), "{said}");
    }
    scene.stop().await;
}
