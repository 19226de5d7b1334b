//! What a reload changes, and what it does not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ccaas_exporter::simulator::CLIENT_SECRET;

use crate::scene::{Ground, Scene, all_of, of};
use crate::support::{Metrics, poll, scenario};

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_is_touched() {
    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme(), ground.umbrella("6h"), ground.globex()]);
    let scene = Scene::start(ground).await;
    let before = scene.stage.ready().await;
    assert_eq!(scene.organizations().await, ["acme", "umbrella", "globex"]);
    let counts = || ["listOAuthClients", "getEffectiveLimits", "listAccounts"].map(|name| scene.count(name));
    assert_eq!(counts(), [1, 1, 1]);
    assert!(all_of(&before, "globex").len() > 20);

    // One is changed, one is removed, one comes before the others; who looks meanwhile sees nothing twice and no gap of `acme`.
    let newcomer = scene.genesys("hooli", "demo-partner", "limits: {}");
    scene.write("", &[newcomer, scene.umbrella("7h"), scene.acme()]);
    let is_over = AtomicBool::new(false);
    let looking = async {
        let mut looks = 0;
        while !is_over.load(Ordering::Relaxed) {
            let metrics = scene.stage.metrics().await;
            assert!(metrics.of("genesyscloud_oauth_client_info", &[("organization", "acme")]).count() > 5);
            assert_eq!(scene.stage.get("/-/ready").await.status(), 200);
            looks += 1;
        }
        looks
    };
    let reloading = async {
        let said = scene.reload_well().await;
        is_over.store(true, Ordering::Relaxed);
        said
    };
    let (looks, said) = tokio::join!(looking, reloading);
    assert!(looks > 0);
    assert!(said.contains("1 unchanged, 1 restarted, 1 added, 1 removed"), "{said}");

    assert_eq!(scene.organizations().await, ["hooli", "umbrella", "acme"]);
    let after = scene
        .stage
        .until("the started ones", |metrics| {
            metrics.of("ccaas_exporter_collector_up", &[]).all(|sample| sample.value == 1.0)
        })
        .await;
    assert_eq!(all_of(&after, "globex"), Vec::<String>::new());
    for page in ["/metrics", "/", "/sd", "/api/v1/status", "/config"] {
        let text = scene.stage.text(page).await;
        assert!(!text.contains("globex") && (text.contains("hooli")), "{page}: {text}");
    }
    assert!(scene.stage.text("/config").await.contains("refresh: 7h"));
    assert_eq!(scene.stage.get("/metrics?organization=globex").await.status(), 400);
    // What did not change kept all that it had; what did started from zero.
    let without_time = |metrics: &Metrics| {
        let mut all = all_of(metrics, "acme");
        all.retain(|sample| !sample.contains("budget_remaining"));
        all
    };
    assert_eq!(without_time(&after), without_time(&before));
    assert_eq!(counts(), [1, 3, 1]);
    assert_eq!(of(&after, "ccaas_exporter_collector_polls_total", "umbrella"), Some(1.0));
    let requests = after.of("ccaas_exporter_api_requests_total", &[("organization", "umbrella")]);
    assert_eq!(requests.map(|sample| sample.value).collect::<Vec<_>>(), [1.0, 1.0]);
    let status = scene.stage.get("/api/v1/status?organization=umbrella").await;
    let status: serde_json::Value = status.json().await.unwrap();
    let collectors = status["collectors"].as_array().unwrap().iter();
    let own: Vec<_> = collectors.map(|collector| collector["own_requests"].clone()).collect();
    assert_eq!(own, [serde_json::json!({"last_run": 2, "since_start": 2})], "the page counts from zero, too");
    let read = |metrics: &Metrics| {
        metrics.value("ccaas_exporter_config_last_reload_success_timestamp_seconds", &[]).unwrap()
    };
    assert!(read(&after) >= read(&before));

    // Room for series is no reason to start anything anew.
    scene.write("max_series_per_organization: 19000", &[scene.acme()]);
    let said = scene.reload_well().await;
    assert!(said.contains("1 unchanged, 0 restarted, 0 added, 2 removed"), "{said}");
    assert_eq!(counts(), [1, 3, 1]);
    assert_eq!(scene.stage.get("/-/healthy").await.status(), 200);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_goes_on_through_a_reload_and_ends_with_its_organization() {
    let ground = Ground::new("faults:\n  - {operation: listOAuthClients, fault: {delay: 2s}}").await;
    ground.write("", &[ground.acme(), ground.umbrella("6h")]);
    let scene = Scene::start(ground).await;
    poll("the poll of acme", async || (scene.count("listOAuthClients") == 1).then_some(())).await;
    scene.write("", &[scene.acme(), scene.umbrella("7h")]);
    scene.reload_well().await;
    let is_up = |metrics: &Metrics| of(metrics, "ccaas_exporter_collector_up", "acme") == Some(1.0);
    let metrics = scene.stage.until("the end of the poll", is_up).await;
    assert_eq!(scene.count("listOAuthClients"), 1);
    assert_eq!(metrics.of("ccaas_exporter_api_requests_total", &[("code", "cancelled")]).count(), 0);

    // Restarted, it polls again and gets no answer; removed in the middle of that, it is cancelled and nothing of it is left.
    scene.simulator.set_scenario(scenario("faults:\n  - {operation: listOAuthClients, fault: {hang: true}}"));
    scene.write("request_timeout: 29s", &[scene.acme(), scene.umbrella("7h")]);
    let said = scene.reload_well().await;
    assert!(said.contains("0 unchanged, 2 restarted"), "{said}");
    poll("the second poll of acme", async || (scene.count("listOAuthClients") == 2).then_some(())).await;
    scene.write("request_timeout: 29s", &[scene.umbrella("7h")]);
    tokio::time::timeout(Duration::from_secs(8), scene.reload_well())
        .await
        .expect("nobody waits for the poll");
    let metrics = scene.stage.metrics().await;
    assert_eq!(all_of(&metrics, "acme"), Vec::<String>::new());
    assert_eq!(metrics.of("ccaas_exporter_api_requests_total", &[("code", "cancelled")]).count(), 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_configuration_changes_nothing_and_all_its_faults_are_told() {
    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme()]);
    let scene = Scene::start(ground).await;
    let before = scene.stage.ready().await;
    let shown = scene.stage.text("/config").await;
    let text = "organisations: []\norganizations: [{name: acme, genesys_cloud: {region: planted-mars, client_id: a, \
                client_secret: planted-secret, colectors: {}}}]\n";
    std::fs::write(scene.config(), text).unwrap();
    let (status, said) = scene.reload().await;
    assert_eq!(status, 500);
    for fault in ["organisations", "region", "colectors", "config.yml:1", "config.yml:2"] {
        assert!(said.contains(fault), "{fault}: {said}");
    }
    assert!(!said.contains("planted-secret"));
    let successful = |metrics: &Metrics| metrics.value("ccaas_exporter_config_last_reload_successful", &[]);
    let after = scene.stage.until("the refusal", |metrics| successful(metrics) == Some(0.0)).await;
    assert_eq!(of(&after, "ccaas_exporter_collector_polls_total", "acme"), Some(1.0));
    assert_eq!(all_of(&after, "acme").len(), all_of(&before, "acme").len());
    assert_eq!(scene.stage.text("/config").await, shown);
    assert_eq!(scene.count("listOAuthClients"), 1);

    // A file that cannot be used counts as a fault too.
    std::fs::remove_file(scene.folder.path().join("secret")).unwrap();
    scene.write("", &[scene.acme()]);
    let (status, said) = scene.reload().await;
    assert!(status == 500 && said.contains("client_secret_file"), "{said}");
    std::fs::write(scene.folder.path().join("secret"), CLIENT_SECRET).unwrap();
    assert!(scene.reload_well().await.contains("1 unchanged"));
    scene.stage.until("the good one", |metrics| successful(metrics) == Some(1.0)).await;
    assert_eq!(scene.count("listOAuthClients"), 1);
    scene.stop().await;
}
