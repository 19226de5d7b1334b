//! The exporter against one hand-made vendor.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use ccaas_exporter::clock::Clock;
use ccaas_exporter::config::{Config, Provider};
use ccaas_exporter::simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Metrics, Stage, Vendor, fixed_clock};

pub const UNITS: &str = "talkdesk_usage_units";
pub const AMOUNT: &str = "talkdesk_usage_amount";
pub const PRODUCT: &str = "talkdesk_product_info";

/// Only these collectors.
pub const USAGE: &str =
    "{accounts: {enabled: false}, products: {enabled: false}, subscriptions: {enabled: false}}";
pub const ACCOUNTS: &str =
    "{usage: {enabled: false}, products: {enabled: false}, subscriptions: {enabled: false}}";
pub const ALL: &str = "{invoices: {enabled: true}}";

/// Status, headers, body.
pub type Answer = (u16, Vec<(&'static str, String)>, String);

/// A request of the exporter.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub raw_query: String,
    pub query: HashMap<String, String>,
    pub authorization: String,
    pub body: String,
}

impl Asked {
    pub fn page(&self) -> &str {
        self.query.get("page").map_or("", String::as_str)
    }
}

/// The exporter against one hand-made vendor, and what that was asked.
pub struct Scene {
    pub stage: Stage,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scene {
    /// `answer` is for the lists; tokens are always given.
    pub async fn start(
        collectors: &str,
        refresh: Duration,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::start_at(fixed_clock(), collectors, refresh, move |asked| {
            let token = json!({"access_token": "planted-token", "token_type": "Bearer", "expires_in": 599, "scope": ""});
            if asked.path == "/oauth/token" { ok(&token) } else { answer(asked) }
        })
        .await
    }

    pub async fn start_at(
        clock: Clock,
        collectors: &str,
        refresh: Duration,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heard, answer) = (asked.clone(), Arc::new(answer));
        let vendor = Router::new().fallback(move |request: Request| {
            let (heard, answer) = (heard.clone(), answer.clone());
            async move {
                let request = read(request).await;
                heard.lock().unwrap().push(request.clone());
                let (status, headers, body) = answer(&request);
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                response.body(Body::from(body)).unwrap()
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, vendor).await.unwrap() });
        // The stage wants a simulator to stop; nobody talks to this one.
        let simulator = Simulator::new(Options::new(fixed_clock()));
        let vendor = Vendor::start(simulator.clone(), "127.0.0.1:0").await;
        let stage = Stage::start(config(&url, collectors, refresh), clock, simulator, vendor).await;
        Self { stage, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The requests of a list.
    pub fn asked_for(&self, path: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.path == path).collect()
    }
}

async fn read(request: Request) -> Asked {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let raw_query = parts.uri.query().unwrap_or_default().to_owned();
    let pairs = url::form_urlencoded::parse(raw_query.as_bytes()).into_owned();
    let authorization = parts.headers.get("authorization").map_or("", |value| value.to_str().unwrap());
    Asked {
        path: parts.uri.path().to_owned(),
        query: pairs.collect(),
        authorization: authorization.to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
        raw_query,
    }
}

/// One organization, whose collectors run as often as `refresh` says. Products are asked for once: what they show later, they show
/// because others have seen them.
pub fn config(vendor: &str, collectors: &str, refresh: Duration) -> Config {
    let text = format!(
        "organizations: [{{name: globex, talkdesk: {{api_url: '{vendor}', token_url: '{vendor}/oauth/token', client_id: {CLIENT_ID}, \
         client_secret: {CLIENT_SECRET}, rate_limit: {{requests_per_second: 10000}}, collectors: {collectors}}}}}]"
    );
    let mut config = Config::parse(Path::new("test.yml"), &text, &|_| None).unwrap();
    let Provider::Talkdesk(settings) = &mut config.organizations[0].provider else {
        panic!("another provider")
    };
    let schedules = [
        settings.usage.as_mut().map(|usage| &mut usage.schedule),
        settings.accounts.as_mut(),
        settings.subscriptions.as_mut(),
        settings.invoices.as_mut().map(|invoices| &mut invoices.schedule),
    ];
    for schedule in schedules.into_iter().flatten() {
        schedule.refresh = refresh;
    }
    config
}

pub const ONCE: Duration = Duration::from_hours(6);
pub const OFTEN: Duration = Duration::from_millis(400);

pub fn ok(body: &Value) -> Answer {
    (200, vec![], body.to_string())
}

pub fn refused(status: u16, code: &str) -> Answer {
    let fields = json!([{"name": "jane.doe@example.com", "description": "+49 170 1234567"}]);
    (status, vec![], json!({"code": code, "message": "no access for Jane Doe", "fields": fields}).to_string())
}

/// Usage of product `n` in the current month, one unit and two dollars.
pub fn usage(n: usize) -> Value {
    json!({
        "id": format!("r{n}"), "account_id": "acc-a", "product_id": format!("TD-{n}"), "aggr_product_id": "TD-Y", "month": "2026-11",
        "type": "CALL", "description": "Jane Doe", "currency": "USD", "direction": null, "resolution": null, "unit": "MINUTES",
        "price": 0.02, "wallet_name": null, "number_of_units": 1, "total_amount": 2.0,
    })
}

pub fn rows(range: std::ops::Range<usize>) -> Value {
    range.map(usage).collect()
}

pub fn list(key: &str, rows: &Value) -> Value {
    json!({"count": rows.as_array().map_or(0, Vec::len), "_embedded": {key: rows}, "_links": {}})
}

pub fn series(metrics: &Metrics) -> usize {
    metrics.of(UNITS, &[]).count()
}
