//! The jobs of the usage API: start one, wait for it, read all its pages.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::json;

use super::cursor;
use super::days::interval;
use super::execution::{self, Ended, Execution, Patience, State, is_too_large};
use super::fold::{Fold, Grouping, Party};
use crate::model::{Failure, Reason, Surprise, harmless, surprises};
use crate::rest::{Call, Client, Error, Kind, Rows};

/// Rows of a page: the most the API gives, and what to ask for when that page becomes too large for it.
pub(super) const PAGE_SIZES: [u32; 2] = [1000, 100];

/// More pages than this are more than the exporter is willing to pay for.
const PAGES_LIMIT: usize = 1000;

/// So many empty pages in a row end an answer that does not end by itself.
const EMPTY_PAGES_LIMIT: usize = 3;

/// Whose usage a job sums up.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope<'a> {
    /// That of the organization: `/api/v2/usage/aggregates/query/jobs`.
    Organization(Grouping),
    /// That of one of its clients, by the organizations that use it: `/api/v2/usage/client/{clientId}/aggregates/query/jobs`.
    Client(&'a str),
}

/// A query of whole days, at most 89 of them.
pub(super) struct JobQuery<'a> {
    pub(super) client: &'a Client,
    pub(super) scope: Scope<'a>,
    pub(super) first: Date,
    pub(super) last: Date,
    /// Remembers that this organization takes plain dates only.
    pub(super) plain_dates: &'a AtomicBool,
}

/// A job with the size of its pages.
struct Job<'a> {
    query: &'a JobQuery<'a>,
    page_size: u32,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    query_status: String,
    next_uri: Option<String>,
    error_body: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct ErrorBody {
    code: Option<String>,
}

/// One page and where the next one is.
struct Page {
    id: String,
    fold: Fold,
    /// Tells pages apart; an empty page has none.
    digest: Option<u64>,
    next: Option<String>,
}

impl<'a> Scope<'a> {
    fn path(self) -> Vec<&'a str> {
        match self {
            Self::Organization(_) => vec!["api", "v2", "usage", "aggregates", "query", "jobs"],
            Self::Client(id) => vec!["api", "v2", "usage", "client", id, "aggregates", "query", "jobs"],
        }
    }

    /// The operations that start a job and read it.
    fn operations(self) -> [&'static str; 2] {
        match self {
            Self::Organization(_) => ["postUsageAggregatesJob", "getUsageAggregatesJob"],
            Self::Client(_) => ["postClientUsageAggregatesJob", "getClientUsageAggregatesJob"],
        }
    }

    fn group_by(self) -> &'static [&'static str] {
        match self {
            Self::Organization(Grouping::Client) => &["OauthClientId", "OauthClientName"],
            Self::Organization(Grouping::Endpoint) => {
                &["OauthClientId", "OauthClientName", "HttpMethod", "TemplateUri"]
            }
            Self::Client(_) => &["OrganizationId"],
        }
    }

    fn party(self) -> Party {
        match self {
            Self::Organization(_) => Party::Client,
            Self::Client(_) => Party::Organization,
        }
    }
}

impl JobQuery<'_> {
    /// Runs the query and reads all its pages.
    pub(super) async fn read(&self, patience: Patience<'_>) -> Result<Fold, Ended> {
        let [usual, smaller] = PAGE_SIZES;
        match (Job { query: self, page_size: usual }).read(patience).await {
            Err(ReadError::TooLarge) => (Job { query: self, page_size: smaller }).read(patience).await,
            result => result,
        }
        .map_err(|error| match error {
            ReadError::TooLarge => {
                let message = format!("pages of {smaller} usage rows are too large for the vendor");
                Ended::Failed(Failure::new(Reason::Limit, message))
            }
            ReadError::Ended(ended) => ended,
        })
    }

    fn creation(&self, interval: &str) -> Call {
        let [post, _] = self.scope.operations();
        let body = json!({"interval": interval, "granularity": "Day", "groupBy": self.scope.group_by()});
        Call::post(post, &self.scope.path(), body)
    }

    async fn create(&self, call: &Call) -> Result<String, Error> {
        let created: Created = self.client.json(call).await?;
        Ok(created.id)
    }
}

#[derive(Debug)]
enum ReadError {
    /// A page is larger than the vendor's own limit for an answer.
    TooLarge,
    Ended(Ended),
}

impl From<Failure> for ReadError {
    fn from(failure: Failure) -> Self {
        Self::Ended(Ended::Failed(failure))
    }
}

impl From<Ended> for ReadError {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

impl Job<'_> {
    async fn read(&self, patience: Patience<'_>) -> Result<Fold, ReadError> {
        let first = execution::complete(self, patience).await??;
        let mut fold = first.fold;
        let mut next = first.next;
        let mut cursors = HashSet::new();
        let mut digests: HashSet<u64> = first.digest.into_iter().collect();
        let mut empty_pages = usize::from(first.digest.is_none());
        while let Some(cursor) = next {
            if cursors.len() == PAGES_LIMIT {
                let message = format!("the usage job has more than {PAGES_LIMIT} pages");
                return Err(Failure::new(Reason::Limit, message).into());
            }
            let (envelope, page) = self.page(&first.id, Some(&cursor)).await.map_err(|error| {
                if is_too_large(&error) { ReadError::TooLarge } else { execution::page_failure(error).into() }
            })?;
            if !envelope.is_state("succeeded") {
                let message = "the usage job was done, but one of its later pages says that it is not";
                return Err(Failure::new(Reason::JobFailed, message).into());
            }
            empty_pages = if page.digest.is_none() { empty_pages + 1 } else { 0 };
            let repeats = page.digest.is_some_and(|digest| !digests.insert(digest));
            if !cursors.insert(cursor) || repeats || empty_pages > EMPTY_PAGES_LIMIT {
                let message = "the pages of the usage job repeat or never end, so they cannot be complete";
                return Err(Failure::new(Reason::Truncated, message).into());
            }
            fold.merge(page.fold)?;
            next = page.next;
        }
        Ok(fold)
    }

    /// The job's state and a page of its rows.
    async fn page(&self, id: &str, after: Option<&str>) -> Result<(Envelope, Page), Error> {
        let JobQuery { client, scope, first, last, .. } = *self.query;
        let mut path = scope.path();
        path.push(id);
        let [_, get] = scope.operations();
        let mut call = Call::get(get, &path).query("pageSize", self.page_size.to_string());
        if let Some(after) = after {
            call = call.query("after", after);
        }
        let new_fold = || Fold::new(first..=last, scope.party());
        let Rows { rows, envelope, digest, count } =
            client.rows::<_, Envelope>(&call, "entities", new_fold).await?;
        let next = envelope.next_uri.as_deref().filter(|uri| !uri.is_empty());
        let next = next.map(|uri| cursor::after(&call, uri)).transpose()?;
        let page = Page { id: id.to_owned(), fold: rows, digest: (count > 0).then_some(digest), next };
        Ok((envelope, page))
    }
}

impl Execution for Job<'_> {
    type Output = Result<Page, ReadError>;

    fn what(&self) -> &'static str {
        "the usage job"
    }

    /// With plain dates, which are asked for second.
    fn call(&self) -> Call {
        self.query.creation(&format!("{}/{}", self.query.first, self.query.last))
    }

    async fn start(&self, call: &Call) -> Result<String, Error> {
        let query = self.query;
        if !query.plain_dates.load(Ordering::Relaxed) {
            match query.create(&query.creation(&interval(query.first, query.last))).await {
                // The documentation shows date-times and dates, and does not say which of them a zone may follow.
                Err(error) if error.kind == Kind::Rejected => {}
                result => return result,
            }
        }
        let id = query.create(call).await?;
        query.plain_dates.store(true, Ordering::Relaxed);
        Ok(id)
    }

    async fn poll(&self, id: &str) -> Result<State<Self::Output>, Error> {
        let (envelope, page) = match self.page(id, None).await {
            Ok(answer) => answer,
            Err(error) if is_too_large(&error) => return Ok(State::Done(Err(ReadError::TooLarge))),
            Err(error) => return Err(error),
        };
        let state = envelope.query_status.to_ascii_lowercase();
        Ok(match state.as_str() {
            "succeeded" => State::Done(Ok(page)),
            "queued" | "running" => State::Pending,
            "failed" | "cancelled" => {
                let code = envelope.error_body.and_then(|body| body.code);
                State::Failed(match code.as_deref().and_then(harmless) {
                    Some(code) => format!("{state} with code {code}"),
                    None => state,
                })
            }
            _ => {
                surprises::note(Surprise::EnumValue, "queryStatus", &state);
                State::Pending
            }
        })
    }
}

impl Envelope {
    fn is_state(&self, state: &str) -> bool {
        self.query_status.eq_ignore_ascii_case(state)
    }
}

#[cfg(any(test, fuzzing))]
/// For [`crate::fuzzing`]: the cursor that an answer without its rows leads to.
pub(super) fn next(envelope: &[u8]) -> Option<String> {
    let envelope: Envelope = serde_json::from_slice(envelope).ok()?;
    cursor::after(&Call::get("fuzzed", &[]), envelope.next_uri.as_deref()?).ok()
}
