//! What people look at: the status page, the same as JSON, and the configuration in use.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;

use super::Http;
use crate::store::{CollectorStatus, LastError, Outcome};

/// The page needs nothing but its own style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    version: &'a str,
    telemetry_path: &'a str,
    rows: Vec<Row>,
}

struct Row {
    organization: String,
    collector: String,
    state: &'static str,
    class: &'static str,
    error: Option<String>,
    last_success: String,
    data_through: String,
    series: usize,
    next_run: String,
}

/// The answer of `/api/v1/status`. Times are RFC 3339 in UTC, null while there is none.
#[derive(Serialize)]
struct Status {
    version: &'static str,
    now: Timestamp,
    ready: bool,
    collectors: Vec<Collector>,
}

#[derive(Serialize)]
struct Collector {
    organization: String,
    provider: &'static str,
    collector: &'static str,
    state: Outcome,
    last_attempt: Option<Timestamp>,
    last_success: Option<Timestamp>,
    data_through: Option<Timestamp>,
    next_run: Option<Timestamp>,
    refresh_seconds: f64,
    duration_seconds: Option<f64>,
    series: usize,
    last_error: Option<LastError>,
}

pub(super) async fn page(State(http): State<Arc<Http>>) -> Response {
    let rows = http.store.status().into_iter().map(Row::from).collect();
    let page = Page { version: env!("CARGO_PKG_VERSION"), telemetry_path: &http.telemetry_path, rows };
    match page.render() {
        Ok(html) => ([(CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

pub(super) async fn status(State(http): State<Arc<Http>>) -> Response {
    Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        now: http.clock.now(),
        ready: http.store.published().ready,
        collectors: http.store.status().into_iter().map(Collector::from).collect(),
    })
    .into_response()
}

pub(super) async fn config(State(http): State<Arc<Http>>) -> Response {
    ([(CONTENT_TYPE, "application/yaml; charset=utf-8")], http.config.borrow().clone()).into_response()
}

impl From<CollectorStatus> for Row {
    fn from(status: CollectorStatus) -> Self {
        let time = |at: Option<Timestamp>| {
            at.map_or("–".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
        };
        let (state, class) = match status.outcome {
            Outcome::Pending => ("waiting", "pending"),
            Outcome::Succeeded => ("good", "succeeded"),
            Outcome::NotSupported => ("not available", "pending"),
            Outcome::Failed => ("failing", "failed"),
        };
        // An error that is over is for the JSON form; here it would look like trouble.
        let error =
            status.last_error.filter(|_| status.outcome != Outcome::Succeeded).map(|error| error.message);
        Self {
            organization: status.id.organization,
            collector: status.id.collector.to_owned(),
            state,
            class,
            error,
            last_success: time(status.last_success),
            data_through: time(status.data_through),
            series: status.series,
            next_run: time(status.next_run),
        }
    }
}

impl From<CollectorStatus> for Collector {
    fn from(status: CollectorStatus) -> Self {
        Self {
            organization: status.id.organization,
            provider: status.id.provider,
            collector: status.id.collector,
            state: status.outcome,
            last_attempt: status.last_attempt,
            last_success: status.last_success,
            data_through: status.data_through,
            next_run: status.next_run,
            refresh_seconds: status.schedule.refresh.as_secs_f64(),
            duration_seconds: status.duration.map(|duration| duration.as_secs_f64()),
            series: status.series,
            last_error: status.last_error,
        }
    }
}
