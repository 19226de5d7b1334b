//! The newer usage operations: a job, then its rows in pages.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::body::Body;
use super::day::Day;
use super::executions::{Family, Progress};
use super::job_rows::{JobRow, PLATFORM, job_row};
use super::pages::{self, Cursor, link};
use super::query::{Filter, Granularity, Grouping, Query, Tenants};
use super::refusal::Refusal;
use super::{Session, accepted};
use crate::simulator::answer::Answer;
use crate::simulator::exchange::Call;

const PATH: &str = "/api/v2/usage/aggregates/query/jobs";
const DIMENSIONS: [&str; 6] =
    ["OauthClientName", "OauthClientId", "UserId", "HttpMethod", "TemplateUri", "Platform"];
/// Those of a job for the owner of a client.
const CLIENT_DIMENSIONS: [&str; 4] = ["OrganizationId", "HttpMethod", "TemplateUri", "Platform"];
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
const PAGE_DEFAULT: usize = 100;
const PAGE_MAX: usize = 1000;
const DAY_SECONDS: i64 = 86_400;

/// `postUsageAggregatesJob`
pub(super) fn start(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let body = Body::read(call)?;
    let mut query = read(&body, call, &DIMENSIONS)?;
    query.filter.clients = body.texts("oauthClientIds")?;
    query.filter.builtin = true;
    // Requests with client credentials have no user.
    query.filter.nothing |= !body.texts("userIds")?.is_empty();
    Ok(started(session, call, Family::Job, query, PATH))
}

/// `postClientUsageAggregatesJob`
pub(super) fn start_of_client(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let client = &session.client(call)?.id;
    let body = Body::read(call)?;
    let mut query = read(&body, call, &CLIENT_DIMENSIONS)?;
    query.filter.clients = vec![client.clone()];
    query.filter.tenants = Tenants::Everywhere(body.texts("organizationIds")?);
    Ok(started(session, call, Family::ClientJob(client.clone()), query, &path_of_client(client)))
}

/// `getUsageAggregatesJob`
pub(super) fn results(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    page(session, call, &Family::Job, PATH)
}

/// `getClientUsageAggregatesJob`
pub(super) fn results_of_client(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let client = &session.client(call)?.id;
    page(session, call, &Family::ClientJob(client.clone()), &path_of_client(client))
}

fn path_of_client(client: &str) -> String {
    format!("/api/v2/usage/client/{client}/aggregates/query/jobs")
}

/// What both kinds of jobs can be asked.
fn read(body: &Body, call: &Call, dimensions: &[&str]) -> Result<Query, Refusal> {
    let groups = body.choices("groupBy", dimensions)?;
    // Without groups nothing is aggregated.
    let asked = |name: &str| {
        dimensions.contains(&name) && (groups.is_empty() || groups.iter().any(|group| group == name))
    };
    let (start, end) = body.interval()?;
    if end.as_second() - start.as_second() > 90 * DAY_SECONDS {
        return Err(Refusal::bad("invalid.date", "The interval is longer than 90 days."));
    }
    if Day::of(start) < Day::of(call.now).plus(-365) {
        return Err(Refusal::bad("invalid.date", "The interval starts more than one year ago."));
    }
    let aggregated = if groups.is_empty() { Granularity::Day } else { Granularity::Total };
    let platforms = body.texts("platforms")?;
    body.check_sorting()?;
    Ok(Query {
        first: Day::of(start),
        // The end is inclusive: a day that only begins at the end is asked for too.
        last: Day::of(end),
        granularity: body.granularity()?.unwrap_or(aggregated),
        grouping: Grouping {
            client_id: asked("OauthClientId"),
            client_name: asked("OauthClientName"),
            organization: asked("OrganizationId"),
            user: asked("UserId"),
            platform: asked("Platform"),
            method: asked("HttpMethod"),
            uri: asked("TemplateUri"),
        },
        metrics: body.metrics()?,
        filter: Filter {
            methods: body.choices("httpMethods", &METHODS)?,
            uris: body.texts("templateUris")?,
            nothing: !platforms.is_empty() && !platforms.iter().any(|platform| platform == PLATFORM),
            ..Filter::default()
        },
    })
}

fn started(session: &Session, call: &Call, family: Family, query: Query, path: &str) -> Answer {
    let id = session.start(call, family, query);
    let uri = format!("{path}/{id}");
    let body = json!({ "id": id, "resultsUri": link(call, uri.clone()), "selfUri": uri });
    Answer::json(accepted(session, call), &body)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    query_status: &'static str,
    entities: Vec<JobRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_uri: Option<String>,
    self_uri: String,
}

fn page(session: &Session, call: &Call, family: &Family, path: &str) -> Result<Answer, Refusal> {
    let world = &session.organization.world;
    let id = call.parameter("jobId");
    let size = pages::size(call, PAGE_DEFAULT, PAGE_MAX)?;
    let cursor = Cursor::of(world, id);
    let from = cursor.read(call, "after")?.unwrap_or(0);
    let self_uri = format!("{path}/{id}");
    let pending = |status: &str| {
        Answer::json(StatusCode::ACCEPTED, &json!({ "queryStatus": status, "selfUri": self_uri }))
    };
    let ended = |status: &str, message: &str| {
        let error = json!({ "message": message, "code": "internal.server.error", "status": 500 });
        Answer::json(
            StatusCode::OK,
            &json!({ "queryStatus": status, "errorBody": error, "selfUri": self_uri }),
        )
    };
    Ok(match session.poll(call, id, family)? {
        Progress::Pending(0) => pending("Queued"),
        Progress::Pending(_) => pending("Running"),
        Progress::Failed => ended("Failed", "The query failed."),
        Progress::Cancelled => ended("Cancelled", "The query was cancelled."),
        Progress::Done(query, rows) => {
            let next_uri = pages::next(call, from, size, rows.len()).map(|next| {
                let after = cursor.write(next);
                let after: String = url::form_urlencoded::byte_serialize(after.as_bytes()).collect();
                link(call, format!("{self_uri}?pageSize={size}&after={after}"))
            });
            let page = rows.iter().skip(from).take(size);
            let entities = page.map(|row| job_row(world, &query, row)).collect();
            Answer::json(StatusCode::OK, &Page { query_status: "Succeeded", entities, next_uri, self_uri })
        }
    })
}
