//! A configured proxy carries every vendor request, and its password is shown nowhere.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use support::{Metrics, poll};
use tokio::net::TcpListener;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn vendor_requests_go_through_the_configured_proxy() {
    // The proxy answers in the vendor's place; nothing listens where the vendor should be.
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let proxy = Router::new().fallback(move |request: Request| {
        let uri = request.uri().to_string();
        let password =
            request.headers().get("proxy-authorization").map(|value| value.to_str().unwrap().to_owned());
        seen.lock().unwrap().push((uri.clone(), password));
        async move {
            if uri.contains("oauth/token") {
                r#"{"access_token":"t","expires_in":3600}"#
            } else {
                r#"{"entities":[{"id":"a","name":"n"}],"pageCount":1,"total":1}"#
            }
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy_address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, proxy).await.unwrap() });

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("proxy"), format!("http://user:planted-password@{proxy_address}\n"))
        .unwrap();
    let vendor = "http://127.0.0.1:1";
    let text = format!(
        "global: {{proxy_url_file: proxy}}\norganizations: [{{name: acme, genesys_cloud: {{api_url: '{vendor}', \
         login_url: '{vendor}', client_id: x, client_secret: y, collectors: {{usage: {{enabled: false}}, \
         client_summary: {{enabled: false}}}}}}}}]\n"
    );
    let config = folder.path().join("config.yml");
    std::fs::write(&config, text).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut exporter = Command::new(env!("CARGO_BIN_EXE_ccaas-exporter"))
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .current_dir(folder.path())
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();

    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str| {
        http.get(format!("http://127.0.0.1:{port}{path}")).send().await.ok()?.text().await.ok()
    };
    let metrics = poll("figures through the proxy", async || {
        let metrics = Metrics::parse(&get("/metrics").await?);
        (metrics.of("genesyscloud_oauth_client_info", &[]).count() == 1).then_some(metrics)
    });
    assert!(metrics.await.collector("up", "oauth_clients") > 0.5);
    assert!(!get("/config").await.unwrap().contains("planted-password"));
    for (uri, password) in asked.lock().unwrap().iter() {
        assert!(uri.starts_with(vendor), "{uri}");
        assert!(password.as_deref().is_some_and(|password| password.starts_with("Basic ")));
    }
    exporter.kill().await.unwrap();
}
