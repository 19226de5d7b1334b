//! Prometheus HTTP service discovery: one target for each organization, so that each is scraped, limited and lost by itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Http;

/// A target group as Prometheus reads it.
#[derive(Serialize)]
struct Group<'a> {
    targets: [&'a str; 1],
    labels: Labels<'a>,
}

#[derive(Serialize)]
struct Labels<'a> {
    #[serde(rename = "__metrics_path__")]
    metrics_path: &'a str,
    #[serde(rename = "__param_organization")]
    organization: &'a str,
}

/// The exporter is where whoever asks has found it: the target is the request's own `Host`.
pub(super) async fn discovery(State(http): State<Arc<Http>>, headers: HeaderMap) -> Response {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else {
        return (StatusCode::BAD_REQUEST, "the request has no Host header to name as the target\n")
            .into_response();
    };
    let mut organizations: Vec<String> =
        http.store.status().into_iter().map(|collector| collector.id.organization).collect();
    organizations.dedup();
    let groups: Vec<Group<'_>> = organizations
        .iter()
        .map(|organization| Group {
            targets: [host],
            labels: Labels { metrics_path: &http.telemetry_path, organization },
        })
        .collect();
    Json(groups).into_response()
}
