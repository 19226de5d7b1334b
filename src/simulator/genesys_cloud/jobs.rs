//! The newer usage operations: a job, then its rows in pages.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::body::Body;
use super::day::Day;
use super::executions::{Family, Progress};
use super::query::{Filter, Granularity, Grouping, Query, Row};
use super::refusal::Refusal;
use super::{Session, accepted};
use crate::simulator::answer::Answer;
use crate::simulator::dice::Dice;
use crate::simulator::exchange::Call;
use crate::simulator::faults::Fault;

const PATH: &str = "/api/v2/usage/aggregates/query/jobs";
const DIMENSIONS: [&str; 6] =
    ["OauthClientName", "OauthClientId", "UserId", "HttpMethod", "TemplateUri", "Platform"];
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
/// What the vendor calls the platform is not documented; all requests here have this one.
const PLATFORM: &str = "public-api";
const PAGE_DEFAULT: usize = 100;
const PAGE_MAX: usize = 1000;
const DAY_SECONDS: i64 = 86_400;

/// `postUsageAggregatesJob`
pub(super) fn start(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let body = Body::read(call)?;
    let groups = body.choices("groupBy", &DIMENSIONS)?;
    // Without groups nothing is aggregated.
    let asked = |name: &str| groups.is_empty() || groups.iter().any(|group| group == name);
    let (start, end) = body.interval()?;
    if end.as_second() - start.as_second() > 90 * DAY_SECONDS {
        return Err(Refusal::bad("invalid.date", "The interval is longer than 90 days."));
    }
    if Day::of(start) < Day::of(call.now).plus(-365) {
        return Err(Refusal::bad("invalid.date", "The interval starts more than one year ago."));
    }
    let aggregated = if groups.is_empty() { Granularity::Day } else { Granularity::Total };
    let platforms = body.texts("platforms")?;
    let users = body.texts("userIds")?;
    body.check_sorting()?;
    let query = Query {
        first: Day::of(start),
        // The end is inclusive: a day that only begins at the end is asked for too.
        last: Day::of(end),
        granularity: body.granularity()?.unwrap_or(aggregated),
        grouping: Grouping {
            client_id: asked("OauthClientId"),
            client_name: asked("OauthClientName"),
            user: asked("UserId"),
            platform: asked("Platform"),
            method: asked("HttpMethod"),
            uri: asked("TemplateUri"),
            organization: false,
        },
        metrics: body.metrics()?,
        filter: Filter {
            clients: body.texts("oauthClientIds")?,
            methods: body.choices("httpMethods", &METHODS)?,
            uris: body.texts("templateUris")?,
            // Requests with client credentials have no user.
            nothing: !users.is_empty()
                || (!platforms.is_empty() && !platforms.iter().any(|platform| platform == PLATFORM)),
            builtin: true,
        },
    };
    let id = session.start(call, Family::Job, query);
    let uri = format!("{PATH}/{id}");
    Ok(Answer::json(accepted(session, call), &json!({ "id": id, "selfUri": uri, "resultsUri": uri })))
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

/// A dimension that was not asked for is null in one row and absent in the next.
type Varying<T> = Option<Option<T>>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JobRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Varying<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth_client: Varying<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Varying<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Varying<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_method: Varying<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template_uri: Varying<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status200: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status300: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status400: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status429: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status500: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_uri: Option<String>,
}

/// `getUsageAggregatesJob`
pub(super) fn results(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let id = call.parameter("jobId");
    let size = page_size(call)?;
    let cursor = Cursor { dice: session.organization.world.dice.named("cursor").named(id) };
    let from = call.query("after").map_or(Ok(0), |after| cursor.read(&after))?;
    let self_uri = format!("{PATH}/{id}");
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
    Ok(match session.poll(call, id, &Family::Job)? {
        Progress::Pending(0) => pending("Queued"),
        Progress::Pending(_) => pending("Running"),
        Progress::Failed => ended("Failed", "The query failed."),
        Progress::Cancelled => ended("Cancelled", "The query was cancelled."),
        Progress::Done(query, rows) => {
            let rest = rows.get(from..).unwrap_or_default();
            let page = &rest[..size.min(rest.len())];
            let next = match call.fault {
                Some(Fault::RepeatPage) => Some(from),
                _ => (rest.len() > size).then_some(from + size),
            };
            let next_uri = next.map(|next| {
                let after: String =
                    url::form_urlencoded::byte_serialize(cursor.write(next).as_bytes()).collect();
                format!("{self_uri}?pageSize={size}&after={after}")
            });
            let entities = page.iter().map(|row| job_row(session, &query, row)).collect();
            Answer::json(StatusCode::OK, &Page { query_status: "Succeeded", entities, next_uri, self_uri })
        }
    })
}

fn page_size(call: &Call) -> Result<usize, Refusal> {
    let Some(text) = call.query("pageSize") else { return Ok(PAGE_DEFAULT) };
    text.parse().ok().filter(|size| (1..=PAGE_MAX).contains(size)).ok_or_else(|| {
        let message = format!("[{text}] is not a valid value of [pageSize], which is at most {PAGE_MAX}.");
        Refusal::bad("invalid.query.param.value", message)
    })
}

/// The position in a job's rows, in a form that means nothing to a client and that breaks when it is not encoded.
struct Cursor {
    dice: Dice,
}

impl Cursor {
    fn write(&self, position: usize) -> String {
        format!("{:x}+/{position:x}==", self.dice.of(position as u64).number())
    }

    fn read(&self, text: &str) -> Result<usize, Refusal> {
        text.split_once("+/")
            .and_then(|(_, position)| usize::from_str_radix(position.strip_suffix("==")?, 16).ok())
            .filter(|position| self.write(*position) == text)
            .ok_or_else(|| Refusal::bad("invalid.query.param.value", "[after] is not a valid cursor."))
    }
}

fn job_row<'a>(session: &'a Session, query: &Query, row: &Row) -> JobRow<'a> {
    let world = &session.organization.world;
    let grouping = query.grouping;
    let client = row.client.and_then(|client| world.clients.get(client)).map(|client| Reference {
        id: grouping.client_id.then_some(client.id.as_str()),
        name: Some(&client.name),
        self_uri: grouping.client_id.then(|| format!("/api/v2/oauth/clients/{}", client.id)),
    });
    let metrics = query.metrics;
    let counts = row.counts;
    let dice = row.dice(world);
    JobRow {
        date: varying(row.date.map(|day| day.date().to_string()), dice.of(1)),
        oauth_client: varying(client, dice.of(2)),
        user: varying(None, dice.of(3)),
        platform: varying(grouping.platform.then_some(PLATFORM), dice.of(4)),
        http_method: varying(row.method, dice.of(5)),
        template_uri: varying(row.uri, dice.of(6)),
        request_count: metrics.requests.then(|| counts.requests()),
        status200: metrics.status200.then_some(counts.status200),
        status300: metrics.status300.then_some(counts.status300),
        status400: metrics.status400.then_some(counts.status400),
        status429: metrics.status429.then_some(counts.status429),
        status500: metrics.status500.then_some(counts.status500),
    }
}

fn varying<T>(value: Option<T>, dice: Dice) -> Varying<T> {
    match value {
        Some(value) => Some(Some(value)),
        None => (dice.unit() < 0.5).then_some(None),
    }
}
