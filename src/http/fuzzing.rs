//! For [`crate::fuzzing`]: what reads a scraper's request.

use std::sync::{Arc, LazyLock};

use axum::extract::{RawQuery, State};
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use super::{Http, metrics};
use crate::clock::Clock;
use crate::store::Store;
use crate::telemetry::Telemetry;

static HTTP: LazyLock<Arc<Http>> = LazyLock::new(|| {
    let (store, telemetry) = (Store::new(1000), Arc::new(Telemetry::new()));
    let (_, config) = tokio::sync::watch::channel(String::new());
    Arc::new(Http::new(store, telemetry, Clock::system(), config, None, "/metrics".to_owned()))
});

/// A query, `Accept` and `Accept-Encoding`, a line each: the answer is one that a scraper can read.
pub(crate) fn scrape(text: &str) {
    let mut lines = text.splitn(3, '\n');
    let query = lines.next().map(str::to_owned);
    let mut headers = HeaderMap::new();
    for (name, line) in [ACCEPT, ACCEPT_ENCODING].into_iter().zip(lines) {
        headers.extend(HeaderValue::from_str(line).map(|value| (name, value)));
    }
    let answer = metrics::metrics(State(HTTP.clone()), RawQuery(query), headers);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let answer = runtime.block_on(answer);
    assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&answer.status()), "{}", answer.status());
    assert!(answer.headers().contains_key(CONTENT_TYPE));
}
