//! A vendor that answers whatever a test says.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use ccaas_exporter::config::{Config, Provider};
use ccaas_exporter::providers::genesys_cloud::Settings;
use ccaas_exporter::simulator::{Options, Simulator};
use tokio::net::TcpListener;

use super::{Stage, Vendor, fixed_clock, set_refresh};

/// Status, headers, body.
pub type Answer = (u16, Vec<(&'static str, String)>, String);

/// What a login host answers.
pub const TOKEN: &str = r#"{"access_token":"planted-token","token_type":"bearer","expires_in":86400}"#;

pub fn ok(body: impl Into<String>) -> Answer {
    (200, vec![], body.into())
}

/// The exporter against a vendor that answers by method, URI and body; refreshing fast.
pub async fn stage(
    collectors: &str,
    answer: impl Fn(&str, &str, &str) -> Answer + Send + Sync + 'static,
) -> Stage {
    stage_with(collectors, |settings| set_refresh(settings, Duration::from_millis(400)), answer).await
}

/// The same with settings that a test changes.
pub async fn stage_with(
    collectors: &str,
    change: impl FnOnce(&mut Settings),
    answer: impl Fn(&str, &str, &str) -> Answer + Send + Sync + 'static,
) -> Stage {
    let answer = Arc::new(answer);
    let vendor = Router::new().fallback(move |request: Request| {
        let answer = answer.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
            let body = String::from_utf8_lossy(&body);
            let (status, headers, body) = answer(parts.method.as_str(), &parts.uri.to_string(), &body);
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body)).expect("an answer")
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, vendor).await.expect("serves") });
    let text = format!(
        "organizations: [{{name: acme, genesys_cloud: {{api_url: '{url}', login_url: '{url}', client_id: x, client_secret: y, \
         rate_limit: {{requests_per_minute: 100000}}, collectors: {}}}}}]",
        super::only(collectors)
    );
    let mut config = Config::parse(Path::new("test.yml"), &text, &|_| None).expect("a good configuration");
    let Provider::GenesysCloud(settings) = &mut config.organizations[0].provider else {
        panic!("another provider")
    };
    change(settings);
    // The stage wants a simulator to stop; nobody talks to this one.
    let simulator = Simulator::new(Options::new(fixed_clock()));
    let vendor = Vendor::start(simulator.clone(), "127.0.0.1:0").await;
    Stage::start(config, fixed_clock(), simulator, vendor).await
}
