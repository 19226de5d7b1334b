//! For [`crate::fuzzing`]: what reads a scraper's request.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use super::{Http, metrics, page};
use crate::clock::Clock;
use crate::model::{CollectorId, Schedule};
use crate::store::Store;
use crate::telemetry::Telemetry;

static HTTP: LazyLock<Arc<Http>> = LazyLock::new(|| {
    let (store, telemetry) = (Store::new(1000), Arc::new(Telemetry::new()));
    for organization in ["acme", "<b>\"'&"] {
        let id = CollectorId { organization: organization.to_owned(), provider: "x", collector: "usage" };
        let hour = Duration::from_hours(1);
        let schedule = Schedule { refresh: hour, timeout: hour, max_staleness: hour };
        let _slot = store.slot(id.clone(), schedule, telemetry.collector(&id, hour));
    }
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
    let answer = block_on(answer);
    assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&answer.status()), "{}", answer.status());
    assert!(answer.headers().contains_key(CONTENT_TYPE));
}

/// A query: the answer is a whole page in which nothing of it is markup.
pub(crate) fn page(query: &str) {
    let (status, body) = block_on(async {
        let answer = page::page(State(HTTP.clone()), RawQuery(Some(query.to_owned()))).await;
        let status = answer.status();
        (status, axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a page that is not long"))
    });
    assert!([StatusCode::OK, StatusCode::NOT_FOUND].contains(&status), "{status}");
    let page = std::str::from_utf8(&body).expect("text");
    assert!(page.ends_with("</html>") && page.matches("<h1").count() == 1, "{page}");
    for markup in ["<script", "<b>", "<img", "\"'"] {
        assert!(!page.contains(markup), "{markup} in {page}");
    }
}

fn block_on<T>(answer: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(answer)
}
