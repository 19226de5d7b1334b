//! The simple search: rows by name, method and URI, at most 20,000 of them, read with cursors.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::Session;
use super::body::Body;
use super::executions::{Family, Progress};
use super::legacy::{days, execution};
use super::pages::{self, Cursor};
use super::query::{Filter, Granularity, Grouping, Metrics, Query, Row};
use super::refusal::Refusal;
use super::world::World;
use crate::simulator::answer::Answer;
use crate::simulator::exchange::Call;

const METRICS: [&str; 9] = [
    "Date",
    "ClientName",
    "HttpMethod",
    "TemplateUri",
    "Status200",
    "Status300",
    "Status400",
    "Status500",
    "Status429",
];
const METHODS: [&str; 9] = ["GET", "POST", "DELETE", "PATCH", "PUT", "HEAD", "CONNECT", "OPTIONS", "TRACE"];
/// The most rows that can be read; nothing says that there were more.
const ROWS_MAX: usize = 20_000;
/// More rows than this are over five megabytes, and the search is refused.
const ROWS_REFUSED: usize = 60_000;
const PAGE_DEFAULT: usize = 100;
const PAGE_MAX: usize = 1000;

/// `postUsageSimpleSearch`
pub(super) fn start(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let body = Body::read(call)?;
    body.only(&["interval", "metrics", "oauthClientNames", "httpMethods", "templateUris"])?;
    let metrics = body.choices("metrics", &METRICS)?;
    let asked = |name: &str| metrics.is_empty() || metrics.iter().any(|metric| metric == name);
    let (first, last) = days(&body, call)?;
    let query = Query {
        first,
        last,
        granularity: if asked("Date") { Granularity::Day } else { Granularity::Total },
        grouping: Grouping {
            client_name: asked("ClientName"),
            method: asked("HttpMethod"),
            uri: asked("TemplateUri"),
            ..Grouping::default()
        },
        metrics: Metrics {
            requests: false,
            status200: asked("Status200"),
            status300: asked("Status300"),
            status400: asked("Status400"),
            status429: asked("Status429"),
            status500: asked("Status500"),
        },
        filter: Filter {
            client_names: body.texts("oauthClientNames")?,
            methods: body.choices("httpMethods", &METHODS)?,
            uris: body.texts("templateUris")?,
            ..Filter::default()
        },
    };
    let id = session.start(call, Family::Search, query);
    Ok(execution(session, call, &id, format!("/api/v2/usage/simplesearch/{id}/results")))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    results: Vec<SearchRow<'a>>,
    query_status: &'static str,
    cursors: Cursors,
}

/// At the ends of the list a cursor is an empty text.
#[derive(Serialize)]
struct Cursors {
    before: String,
    after: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SearchRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template_uri: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status200: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status300: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status400: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status500: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status429: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
}

/// `getUsageSimpleSearchResults`
pub(super) fn results(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let world = &session.organization.world;
    let id = call.parameter("executionId");
    let size = pages::size(call, PAGE_DEFAULT, PAGE_MAX)?;
    let cursor = Cursor::of(world, id);
    let from = cursor.read(call, "after")?.unwrap_or(0);
    let (query, rows) = match session.poll(call, id, &Family::Search)? {
        Progress::Pending(_) => return Ok(state("Running")),
        Progress::Failed | Progress::Cancelled => return Ok(state("Failed")),
        Progress::Done(query, rows) => (query, rows),
    };
    if rows.len() > ROWS_REFUSED {
        let message = "The response is larger than 5 MB.";
        return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "max.response.size.reached", message));
    }
    let readable = rows.len().min(ROWS_MAX);
    let page = rows.iter().take(readable).skip(from).take(size);
    let cursors = Cursors {
        before: if from > 0 { cursor.write(from) } else { String::new() },
        after: pages::next(call, from, size, readable).map(|next| cursor.write(next)).unwrap_or_default(),
    };
    let results = page.map(|row| search_row(world, query.metrics, row)).collect();
    Ok(Answer::json(StatusCode::OK, &Page { results, query_status: "Complete", cursors }))
}

fn state(status: &str) -> Answer {
    Answer::json(StatusCode::OK, &json!({ "queryStatus": status }))
}

fn search_row<'a>(world: &'a World, metrics: Metrics, row: &Row) -> SearchRow<'a> {
    let client = row.client.and_then(|client| world.clients.get(client));
    let counts = row.counts;
    SearchRow {
        client_name: client.map(|client| client.name.as_str()),
        http_method: row.method,
        template_uri: row.uri,
        status200: metrics.status200.then_some(counts.status200),
        status300: metrics.status300.then_some(counts.status300),
        status400: metrics.status400.then_some(counts.status400),
        status500: metrics.status500.then_some(counts.status500),
        status429: metrics.status429.then_some(counts.status429),
        date: row.date.map(|day| format!("{}T00:00:00Z", day.date())),
    }
}
