//! One search at the vendor: start it, wait for it, read its pages to the end, or to more than a search can hold.

use std::collections::HashSet;

use jiff::civil::Date;
use serde_json::json;

use crate::model::{Failure, Reason};
use crate::providers::genesys_cloud::days::interval;
use crate::providers::genesys_cloud::execution::{self, Completed, Ended, Execution, Patience, State};
use crate::providers::genesys_cloud::fold::{Fold, Party};
use crate::providers::genesys_cloud::legacy::{Created, Envelope};
use crate::providers::genesys_cloud::settings::Search;
use crate::rest::{Call, Client, Error, Rows};

/// All that a search can tell; there is no total among it.
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

/// Rows of a page: the most that the vendor gives.
const PAGE_SIZE: usize = 1000;

/// The most rows of a search. The vendor does not say that there are more.
const ROWS_LIMIT: usize = 20_000;

/// So many empty pages in a row are the end.
const EMPTY_PAGES_LIMIT: usize = 3;

/// More pages than this are more than the exporter is willing to pay for; a search of full ones has twenty.
const PAGES_LIMIT: usize = 1000;

/// A search of whole days.
pub(super) struct Query<'a> {
    pub(super) client: &'a Client,
    pub(super) search: &'a Search,
    /// Only requests of clients with these names; all clients when there is none.
    pub(super) names: &'a [String],
    /// Only requests with these HTTP methods; all methods when there is none.
    pub(super) methods: &'a [String],
    pub(super) first: Date,
    pub(super) last: Date,
}

/// What a search brought.
pub(super) struct Found {
    pub(super) fold: Fold,
    /// Whether this is all. If not, the same search will never bring it.
    pub(super) is_whole: bool,
}

/// One page and where the next one is.
pub(super) struct Page {
    id: String,
    fold: Fold,
    rows: usize,
    digest: u64,
    next: Option<String>,
}

impl Query<'_> {
    /// Runs the search and reads all its pages.
    pub(super) async fn read(&self, patience: Patience<'_>) -> Result<Completed<Found>, Ended> {
        let Completed { output: mut page, unknown_states } = match execution::complete(self, patience).await {
            Err(Ended::NotStarted(error)) if is_too_large(&error) => {
                Completed { output: None, unknown_states: 0 }
            }
            result => result?,
        };
        let mut fold = self.new_fold();
        let mut digests = HashSet::new();
        let (mut rows, mut pages, mut empty_pages) = (0, 0, 0);
        let is_whole = loop {
            let Some(Page { id, fold: more, rows: new_rows, digest, next }) = page else { break false };
            if new_rows > 0 && !digests.insert(digest) {
                // The vendor may give the last page again and again; a full one would be an unlikely last one.
                break new_rows < PAGE_SIZE;
            }
            fold.merge(more)?;
            rows += new_rows;
            pages += 1;
            empty_pages = if new_rows == 0 { empty_pages + 1 } else { 0 };
            if rows >= ROWS_LIMIT {
                break false;
            }
            let Some(cursor) = next.filter(|_| empty_pages < EMPTY_PAGES_LIMIT) else { break true };
            if pages == PAGES_LIMIT {
                let message = format!("the search has more than {PAGES_LIMIT} pages");
                return Err(Failure::new(Reason::Limit, message).into());
            }
            let later = self.page(&id, Some(&cursor)).await.map_err(execution::page_failure)?;
            let State::Done(later) = later else {
                let message = "the search was done, but one of its later pages says that it is not";
                return Err(Failure::new(Reason::JobFailed, message).into());
            };
            page = later;
        };
        Ok(Completed { output: Found { fold, is_whole }, unknown_states })
    }

    /// The search's state and a page of its rows; no page when it is too large for the vendor.
    async fn page(&self, id: &str, after: Option<&str>) -> Result<State<Option<Page>>, Error> {
        let path = ["api", "v2", "usage", "simplesearch", id, "results"];
        let mut call =
            Call::get("getUsageSimpleSearchResults", &path).query("pageSize", PAGE_SIZE.to_string());
        if let Some(after) = after {
            call = call.query("after", after);
        }
        let answer = self.client.rows::<_, Envelope>(&call, "results", || self.new_fold()).await;
        let Rows { rows: fold, envelope, digest, count: rows } = match answer {
            Err(error) if is_too_large(&error) => return Ok(State::Done(None)),
            answer => answer?,
        };
        let next = envelope.after().map(str::to_owned);
        Ok(envelope.state(Some(Page { id: id.to_owned(), fold, rows, digest, next })))
    }

    fn new_fold(&self) -> Fold {
        Fold::new(self.first..=self.last, Party::ClientName)
    }
}

impl Execution for Query<'_> {
    type Output = Option<Page>;

    fn what(&self) -> &'static str {
        "the search"
    }

    fn call(&self) -> Call {
        let mut body = json!({"interval": interval(self.first, self.last), "metrics": METRICS});
        for (filter, values) in [
            ("oauthClientNames", self.names),
            ("httpMethods", self.methods),
            ("templateUris", &self.search.template_uris),
        ] {
            if !values.is_empty() {
                body[filter] = json!(values);
            }
        }
        Call::post("postUsageSimpleSearch", &["api", "v2", "usage", "simplesearch"], body)
    }

    async fn start(&self, call: &Call) -> Result<String, Error> {
        self.client.json::<Created>(call).await?.id(call)
    }

    async fn poll(&self, id: &str) -> Result<State<Option<Page>>, Error> {
        self.page(id, None).await
    }
}

/// Whether the vendor can answer only a narrower search.
fn is_too_large(error: &Error) -> bool {
    execution::is_too_large(error) || error.code.as_deref() == Some("query.error")
}
