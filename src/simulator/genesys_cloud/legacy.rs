//! The older usage operations: an execution, then all rows at once.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::body::Body;
use super::day::Day;
use super::executions::{Family, Progress};
use super::pages::link;
use super::query::{Filter, Granularity, Grouping, Metrics, Query, Row};
use super::refusal::Refusal;
use super::{Session, accepted};
use crate::simulator::answer::Answer;
use crate::simulator::exchange::Call;

const DIMENSIONS: [&str; 5] = ["OAuthClientId", "OrganizationId", "UserId", "TemplateUri", "HttpMethod"];
/// Those of a query for one client.
const CLIENT_DIMENSIONS: [&str; 4] = ["OAuthClientId", "OrganizationId", "TemplateUri", "HttpMethod"];
/// The longest window of a client summary.
const SUMMARY_DAYS_MAX: i64 = 90;

/// `postUsageQuery`
pub(super) fn start_query(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let query = read(call, &DIMENSIONS, Filter::default())?;
    let id = session.start(call, Family::Organization, query);
    Ok(execution(session, call, &id, format!("/api/v2/usage/query/{id}/results")))
}

/// `postClientUsageQuery`
pub(super) fn start_client_query(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let client = &session.client(call)?.id;
    let filter = Filter { clients: vec![client.clone()], ..Filter::default() };
    let query = read(call, &CLIENT_DIMENSIONS, filter)?;
    Ok(start_of_client(session, call, client, query))
}

/// `getUsageQueryResults`
pub(super) fn query_results(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    results(session, call, &Family::Organization)
}

/// `getClientUsageSummary`
pub(super) fn start_summary(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let client = &session.client(call)?.id;
    let text = call.query("days").unwrap_or_else(|| "7".to_owned());
    let Some(days) = text.parse::<i64>().ok().filter(|days| (1..=SUMMARY_DAYS_MAX).contains(days)) else {
        let message = format!("[{text}] is not a valid value of [days].");
        return Err(Refusal::bad("invalid.query.param.value", message));
    };
    let today = Day::of(call.now);
    let query = Query {
        first: today.plus(-days),
        last: today.plus(-1),
        granularity: Granularity::Total,
        grouping: Grouping { client_id: true, ..Grouping::default() },
        metrics: Metrics::ALL,
        filter: Filter { clients: vec![client.clone()], ..Filter::default() },
    };
    Ok(start_of_client(session, call, client, query))
}

/// `getClientUsageQueryResults`
pub(super) fn client_results(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    results(session, call, &Family::Client(session.client(call)?.id.clone()))
}

/// A query of either kind.
fn read(call: &Call, dimensions: &[&str], filter: Filter) -> Result<Query, Refusal> {
    let body = Body::read(call)?;
    body.only(&["interval", "granularity", "metrics", "groupBy"])?;
    let groups = body.choices("groupBy", dimensions)?;
    let asked = |name: &str| groups.iter().any(|group| group == name);
    let (first, last) = days(&body, call)?;
    Ok(Query {
        first,
        last,
        granularity: body.granularity()?.unwrap_or(Granularity::Total),
        grouping: Grouping {
            client_id: groups.is_empty() || asked("OAuthClientId"),
            organization: asked("OrganizationId"),
            user: asked("UserId"),
            uri: asked("TemplateUri"),
            method: asked("HttpMethod"),
            ..Grouping::default()
        },
        metrics: body.metrics()?,
        filter,
    })
}

/// The first and the last day of an interval. Its end is exclusive, and the running day is not known yet.
pub(super) fn days(body: &Body, call: &Call) -> Result<(Day, Day), Refusal> {
    let (start, end) = body.interval()?;
    let day = Day::of(end);
    let last = if day.midnight() < end { day } else { day.plus(-1) };
    Ok((Day::of(start), last.min(Day::of(call.now).plus(-1))))
}

fn start_of_client(session: &Session, call: &Call, client: &str, query: Query) -> Answer {
    let id = session.start(call, Family::Client(client.to_owned()), query);
    execution(session, call, &id, format!("/api/v2/oauth/clients/{client}/usage/query/results/{id}"))
}

/// Says where the results of an execution are.
pub(super) fn execution(session: &Session, call: &Call, id: &str, path: String) -> Answer {
    let body = json!({ "executionId": id, "resultsUri": link(call, path) });
    Answer::json(accepted(session, call), &body)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LegacyRow<'a> {
    client_id: &'a str,
    client_name: &'a str,
    organization_id: &'a str,
    user_id: &'static str,
    template_uri: &'static str,
    http_method: &'static str,
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
    requests: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Complete<'a> {
    results: Vec<LegacyRow<'a>>,
    query_status: &'static str,
}

fn results(session: &Session, call: &Call, family: &Family) -> Result<Answer, Refusal> {
    match session.poll(call, call.parameter("executionId"), family)? {
        Progress::Pending(_) => Ok(Answer::json(StatusCode::OK, &json!({ "queryStatus": "Running" }))),
        Progress::Failed | Progress::Cancelled => {
            Ok(Answer::json(StatusCode::OK, &json!({ "queryStatus": "Failed" })))
        }
        Progress::Done(query, rows) => {
            let results = rows.iter().map(|row| legacy_row(session, &query, row)).collect();
            Ok(Answer::json(StatusCode::OK, &Complete { results, query_status: "Complete" }))
        }
    }
}

/// Every dimension is a text, empty unless it was asked for.
fn legacy_row<'a>(session: &'a Session, query: &Query, row: &Row) -> LegacyRow<'a> {
    let world = &session.organization.world;
    let client = row.client.and_then(|client| world.clients.get(client));
    let tenant = row.tenant.and_then(|tenant| world.tenants.get(tenant));
    let Metrics { requests, status200, status300, status400, status429, status500 } = query.metrics;
    let counts = row.counts;
    LegacyRow {
        client_id: client.map_or("", |client| &client.id),
        client_name: client.map_or("", |client| &client.name),
        organization_id: tenant.map_or("", |tenant| &tenant.id),
        // Requests with client credentials have no user.
        user_id: "",
        template_uri: row.uri.unwrap_or_default(),
        http_method: row.method.unwrap_or_default(),
        status200: status200.then_some(counts.status200),
        status300: status300.then_some(counts.status300),
        status400: status400.then_some(counts.status400),
        status500: status500.then_some(counts.status500),
        status429: status429.then_some(counts.status429),
        requests: requests.then(|| counts.requests()),
        date: row.date.map(|day| format!("{}T00:00:00Z", day.date())),
    }
}
