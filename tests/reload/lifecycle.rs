//! Who may ask for a reload or the end, several at once, and what is left behind.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use crate::scene::{Ground, Scene, of};
use crate::support::{DEADLINE, Setup, poll};

#[tokio::test(flavor = "multi_thread")]
async fn requests_change_nothing_unless_a_flag_allows_it() {
    let stage = Setup::only("oauth_clients: {}").start().await;
    for path in ["/-/reload", "/-/quit"] {
        let (status, said) = stage.post(path).await;
        assert!(status == 403 && said.contains("--web.enable-lifecycle"), "{path}: {status} {said}");
        assert_eq!(stage.get(path).await.status(), 405, "{path}");
    }
    stage.ready().await;
    stage.stop().await;

    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme()]);
    let scene = Scene::start(ground).await;
    for path in ["/-/reload", "/-/quit"] {
        assert_eq!(scene.stage.get(path).await.status(), 405, "{path}");
    }
    assert_eq!(scene.stage.post("/-/quit").await.0, 200);
    tokio::time::timeout(DEADLINE, scene.stage.ended()).await.unwrap();
    scene.ground.vendor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_reloads_at_once_are_all_answered_and_end_in_one_state() {
    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme(), ground.umbrella("6h")]);
    let scene = Scene::start(ground).await;
    scene.stage.ready().await;
    scene.write("", &[scene.acme(), scene.umbrella("7h")]);
    let answers = join_all((0..20).map(|_| scene.reload())).await;
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    // Whoever came first has found the change; those who came with it share its answer.
    assert!(answers.iter().any(|(_, said)| said.contains("1 restarted")), "{answers:?}");
    let metrics = scene
        .stage
        .until("the restarted one", |metrics| {
            of(metrics, "ccaas_exporter_collector_polls_total", "umbrella") == Some(1.0)
        })
        .await;
    assert_eq!(of(&metrics, "ccaas_exporter_collector_polls_total", "acme"), Some(1.0));
    assert_eq!([scene.count("listOAuthClients"), scene.count("getEffectiveLimits")], [1, 2]);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_program_does_not_wait_for_a_reload() {
    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme()]);
    let (release, hold) = std::sync::mpsc::channel::<()>();
    let (hold, loads) = (Mutex::new(hold), AtomicUsize::new(0));
    // The first configuration is read at once, the next one not before it is let go.
    let scene = Scene::start_with(ground, move |_| {
        if loads.fetch_add(1, Ordering::Relaxed) > 0 {
            let _ = hold.lock().unwrap().recv();
        }
    })
    .await;
    scene.stage.ready().await;
    let Scene { ground, stage } = scene;
    let (http, url) = (stage.http.clone(), format!("{}/-/reload", stage.url));
    let asking = tokio::spawn(async move { http.post(url).send().await.unwrap().status() });
    poll("the reload to have begun", async || {
        // A second one has to wait for the first: only then it has begun.
        let second = stage.http.post(format!("{}/-/reload", stage.url)).timeout(Duration::from_millis(200));
        second.send().await.is_err().then_some(())
    })
    .await;
    tokio::time::timeout(Duration::from_secs(10), stage.stop()).await.unwrap();
    assert_eq!(asking.await.unwrap(), 500);
    drop(release);
    ground.vendor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_task_is_left_behind_by_reloads() {
    let ground = Ground::new("faults: []").await;
    ground.write("", &[ground.acme(), ground.umbrella("6h"), ground.globex()]);
    let scene = Scene::start(ground).await;
    scene.stage.ready().await;
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let mut counted = Vec::new();
    for round in 0..60 {
        let refresh = if round % 2 == 0 { "7h" } else { "8h" };
        let more = if round % 3 == 0 { scene.globex() } else { String::new() };
        scene.write("", &[scene.acme(), scene.umbrella(refresh), more]);
        scene.reload_well().await;
        counted.push(tasks());
    }
    let (early, late) = (counted[..10].iter().max().unwrap(), counted[50..].iter().min().unwrap());
    assert!(late <= &(early + 5), "{counted:?}");
    assert_eq!(scene.count("listOAuthClients"), 1, "the one that never changed");
    scene.stop().await;
}
