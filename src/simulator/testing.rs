//! A simulator on a socket, for the tests of this room.

use std::sync::{Arc, Mutex};

use jiff::{Span, Timestamp};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

use super::{CLIENT_ID, CLIENT_SECRET, Options, Scenario, Simulator, locked, serve};
use crate::clock::Clock;

/// A Saturday at noon.
pub(super) const NOW: &str = "2026-11-21T12:00:00Z";

pub(super) struct Bench {
    pub(super) simulator: Simulator,
    pub(super) http: Client,
    pub(super) address: String,
    pub(super) token: String,
}

pub(super) fn options() -> Options {
    Options {
        pending_polls: 0,
        talkdesk_requests_per_second: 10_000,
        ..Options::new(Clock::fixed(NOW.parse::<Timestamp>().unwrap()))
    }
}

impl Bench {
    pub(super) async fn start(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let simulator = Simulator::new(options);
        tokio::spawn(serve(listener, simulator.clone(), std::future::pending()));
        let http = Client::builder().no_proxy().build().unwrap();
        let mut bench = Self { simulator, http, address, token: String::new() };
        bench.renew().await;
        bench
    }

    /// A simulator with these faults; they begin after the first token.
    pub(super) async fn with_faults(yaml: &str) -> Self {
        let bench = Self::start(options()).await;
        bench.simulator.set_scenario(Scenario::parse(yaml).unwrap());
        bench
    }

    pub(super) async fn renew(&mut self) {
        self.log_in(CLIENT_ID).await;
    }

    pub(super) async fn log_in(&mut self, client_id: &str) {
        self.token = self.new_token(client_id, "").await;
    }

    /// A token of a client for these scopes; for all of them when none is named.
    pub(super) async fn new_token(&self, client_id: &str, scope: &str) -> String {
        let request = self.http.post(self.url("/oauth/token")).basic_auth(client_id, Some(CLIENT_SECRET));
        let form = [("grant_type", "client_credentials"), ("scope", scope)];
        let answer = request.form(&form).send().await.unwrap();
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
        body["access_token"].as_str().unwrap_or_default().to_owned()
    }

    /// The address of a path, or of a link that is whole already.
    pub(super) fn url(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.address) }
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).bearer_auth(&self.token)
    }

    pub(super) async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.request(Method::POST, path).header("Content-Type", "application/json");
        read(request.body(body.to_string()).send().await.unwrap()).await
    }

    /// Starts a job and reads all of its rows.
    pub(super) async fn job(&self, body: &Value) -> Vec<Value> {
        self.job_at("/api/v2/usage/aggregates/query/jobs", body).await
    }

    pub(super) async fn job_at(&self, path: &str, body: &Value) -> Vec<Value> {
        let (status, job) = self.post(path, body).await;
        assert!(status.is_success(), "{job}");
        let mut rows = Vec::new();
        let mut next = Some(format!("{}?pageSize=1000", job["resultsUri"].as_str().unwrap()));
        while let Some(uri) = next {
            let (_, page) = self.get(&uri).await;
            match page["queryStatus"].as_str() {
                Some("Queued" | "Running") => next = Some(uri),
                Some("Succeeded") => {
                    rows.extend(page["entities"].as_array().unwrap().iter().cloned());
                    next = page["nextUri"].as_str().map(str::to_owned);
                }
                _ => panic!("{page}"),
            }
        }
        rows
    }

    /// Starts a legacy query and reads its rows.
    pub(super) async fn legacy(&self, body: &Value) -> Vec<Value> {
        self.legacy_at("/api/v2/usage/query", body).await
    }

    pub(super) async fn legacy_at(&self, path: &str, body: &Value) -> Vec<Value> {
        let (status, execution) = self.post(path, body).await;
        assert!(status.is_success(), "{execution}");
        self.results(execution["resultsUri"].as_str().unwrap()).await
    }

    pub(super) async fn results(&self, uri: &str) -> Vec<Value> {
        loop {
            let (_, result) = self.get(uri).await;
            match result["queryStatus"].as_str() {
                Some("Running") => {}
                Some("Complete") => return result["results"].as_array().unwrap().clone(),
                _ => panic!("{result}"),
            }
        }
    }

    /// Reads all pages of a list with cursors.
    pub(super) async fn list(&self, path: &str) -> Vec<Value> {
        let (mut entities, mut next) = (Vec::new(), Some(path.to_owned()));
        while let Some(uri) = next {
            let (status, page) = self.get(&uri).await;
            assert!(status.is_success(), "{page}");
            entities.extend(page["entities"].as_array().unwrap().iter().cloned());
            next = page["nextUri"].as_str().map(str::to_owned);
        }
        entities
    }
}

async fn read(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
}

/// A clock that a test moves on.
#[derive(Clone)]
pub(super) struct Hands(Arc<Mutex<Timestamp>>);

impl Hands {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(NOW.parse().unwrap())))
    }

    pub(super) fn clock(&self) -> Clock {
        let hands = self.clone();
        Clock::from_fn(move || *locked(&hands.0))
    }

    pub(super) fn forward(&self, span: Span) {
        *locked(&self.0) += span;
    }
}

/// The sum of one figure.
pub(super) fn sum(rows: &[Value], key: &str) -> u64 {
    rows.iter().map(|row| row[key].as_u64().unwrap()).sum()
}
