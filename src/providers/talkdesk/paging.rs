//! Reading a list from its first page to its last.
//!
//! The vendor's guide says to follow the `next` links, but those of its own examples lead to another host and forget the filter.
//! So each page is asked for on the configured host and with the first request's parameters, over which those of the link are
//! laid. Where links are missing the counters tell, and where there is neither a full page is followed by one more. A list
//! that does not come together whole is a failure: figures from a part of it would lie.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};

use super::page::{Page, parameters};
use super::row::{Row, Unreadable};
use crate::model::{CollectError, Failure, HeldText, Reason};
use crate::rest::{Call, Client};

/// More pages than this are more than any organization's figures can have.
const PAGES_LIMIT: usize = 1000;

/// More rows than this are not held together.
const ROWS_LIMIT: u64 = 500_000;

/// More bytes of text than this in its rows are not held together.
const TEXT_LIMIT: usize = 64 * 1024 * 1024;

/// The most rows a page that the API documents.
const ROWS_PER_PAGE: u64 = 250;

/// What is asked for once where that is refused: the API's default.
const FEWER_ROWS_PER_PAGE: u64 = 50;

/// No link to a page is longer; what is, is not followed.
const LINK_LIMIT: usize = 8000;

/// A list of the API.
pub(super) struct List {
    pub(super) operation: &'static str,
    pub(super) path: &'static [&'static str],
    /// What the rows stand under.
    pub(super) key: &'static str,
    /// The stablest order on offer, so that pages shift little while they are read.
    pub(super) order_by: &'static str,
}

/// Query parameters, each name once.
type Parameters = Vec<(String, String)>;

/// The way through a list's pages.
struct Pager {
    operation: &'static str,
    /// The parameters of the first request.
    base: Parameters,
    /// Those of the next one.
    request: Parameters,
    requested: HashSet<Parameters>,
    /// Digests of the pages so far.
    pages: HashSet<u64>,
    /// Digests of the ids of the rows so far.
    ids: HashSet<u64>,
    rows: u64,
    /// What the rows so far say, of which a collector may keep all.
    text: HeldText,
    invalid_rows: u64,
    /// How many rows the vendor says there are, as of the newest page that says so.
    total: Option<u64>,
    /// Whether the vendor links pages at all.
    is_linked: bool,
    /// Whether the vendor said that there is the page asked for now.
    is_promised: bool,
}

/// Where the next page is.
struct Next {
    request: Parameters,
    /// Whether the vendor said so.
    is_promised: bool,
}

/// Reads all rows of a list, each once, and returns how many `take` could not understand.
pub(super) async fn read(
    client: &Client,
    list: &List,
    filter: Option<String>,
    mut take: impl FnMut(Row) -> Result<(), Unreadable> + Send,
) -> Result<u64, CollectError> {
    let mut pager = Pager::new(list, filter);
    loop {
        let body = match client.value(&pager.call(list)).await {
            Ok(body) => body,
            Err(error) if error.status == Some(400) && pager.ask_for_fewer() => continue,
            Err(error) if pager.requested.is_empty() => return Err(error.into()),
            // A list that vanishes between its pages is there all the same.
            Err(error) => return Err(Failure::from(error).into()),
        };
        let page = Page::read(body, list.key)
            .ok_or_else(|| pager.failure(Reason::Decode, "the answer has no list of rows"))?;
        for row in &page.rows {
            pager.text.hold(text(row))?;
            if pager.is_new(row) && Row::new(row).and_then(&mut take).is_err() {
                pager.invalid_rows += 1;
            }
        }
        if !pager.turn(&page)? {
            return pager.finish();
        }
    }
}

impl Pager {
    fn new(list: &List, filter: Option<String>) -> Self {
        let mut base = vec![
            ("page".to_owned(), "1".to_owned()),
            ("per_page".to_owned(), ROWS_PER_PAGE.to_string()),
            ("order_by".to_owned(), list.order_by.to_owned()),
        ];
        base.extend(filter.map(|filter| ("filter".to_owned(), filter)));
        Self {
            operation: list.operation,
            request: base.clone(),
            base,
            requested: HashSet::new(),
            pages: HashSet::new(),
            ids: HashSet::new(),
            rows: 0,
            text: HeldText::up_to(TEXT_LIMIT),
            invalid_rows: 0,
            total: None,
            is_linked: false,
            is_promised: false,
        }
    }

    fn call(&self, list: &List) -> Call {
        let call = Call::get(list.operation, list.path);
        self.request.iter().fold(call, |call, (name, value)| call.query(name.clone(), value.clone()))
    }

    /// Asks for smaller pages from the start; `false` when it is too late for that or was done before.
    fn ask_for_fewer(&mut self) -> bool {
        let is_first = self.requested.is_empty() && self.rows_per_page() == ROWS_PER_PAGE;
        if is_first {
            let fewer = vec![("per_page".to_owned(), FEWER_ROWS_PER_PAGE.to_string())];
            self.base = laid_over(&self.base, fewer);
            self.request.clone_from(&self.base);
        }
        is_first
    }

    fn rows_per_page(&self) -> u64 {
        number(&self.request, "per_page").unwrap_or(ROWS_PER_PAGE)
    }

    /// Counts a row, unless it has been seen: pages shift while they are read. A row without an id is taken for new.
    fn is_new(&mut self, row: &Value) -> bool {
        let id = row.get("id").filter(|id| id.is_number() || id.as_str().is_some_and(|id| !id.is_empty()));
        let is_new = id.is_none_or(|id| self.ids.insert(digest(id)));
        self.rows += u64::from(is_new);
        is_new
    }

    /// Takes note of the page that came, and of where the next one is; `false` when there is none.
    fn turn(&mut self, page: &Page) -> Result<bool, Failure> {
        self.requested.insert(self.request.clone());
        if self.total.zip(page.total).is_some_and(|(before, now)| before != now) {
            return Err(self.failure(Reason::Truncated, "the list changed while its pages were read"));
        }
        self.total = page.total.or(self.total);
        self.is_linked |= page.is_linked;
        let next = self.next(page)?;
        if page.rows.is_empty() {
            let is_promised = self.is_promised || next.is_some_and(|next| next.is_promised);
            if is_promised && self.total.is_none_or(|total| self.rows < total) {
                return Err(self.failure(Reason::Truncated, "a page that should hold rows is empty"));
            }
            return Ok(false);
        }
        if !self.pages.insert(digest(&page.rows)) {
            return Err(self.failure(Reason::Truncated, "a page came twice"));
        }
        if self.rows > ROWS_LIMIT {
            return Err(self.failure(Reason::Limit, format!("the list has more than {ROWS_LIMIT} rows")));
        }
        let Some(Next { request, is_promised }) = next else { return Ok(false) };
        if self.requested.contains(&request) {
            return Err(self.failure(Reason::Truncated, "the pages lead back to one that was read"));
        }
        if self.requested.len() == PAGES_LIMIT {
            return Err(self.failure(Reason::Limit, format!("the list has more than {PAGES_LIMIT} pages")));
        }
        self.request = request;
        self.is_promised = is_promised;
        Ok(true)
    }

    /// The page after this one: where its link leads, else by its counters, else by its being full.
    fn next(&self, page: &Page) -> Result<Option<Next>, Failure> {
        let number_now = page.page.or_else(|| number(&self.request, "page")).unwrap_or(1);
        let counted = match (page.total_pages, page.total) {
            (Some(pages), _) => Some(number_now < pages),
            (None, Some(total)) => Some(self.rows < total),
            (None, None) => None,
        };
        if let Some(href) = &page.next {
            if href.len() > LINK_LIMIT {
                return Err(self.failure(Reason::Decode, "the link to the next page is too long"));
            }
            let parameters = parameters(href);
            // Counters stand in for a link that says nothing.
            if !parameters.is_empty() || counted.is_none() {
                return Ok(Some(Next { request: laid_over(&self.base, parameters), is_promised: true }));
            }
        }
        // The vendor may give fewer rows a page than it was asked for, and say so.
        let is_full = page.rows.len() as u64 >= page.per_page.unwrap_or(u64::MAX).min(self.rows_per_page());
        let goes_on = counted.unwrap_or(is_full && !self.is_linked);
        let following = vec![("page".to_owned(), number_now.saturating_add(1).to_string())];
        let following = || Next { request: laid_over(&self.base, following), is_promised: counted.is_some() };
        Ok(goes_on.then(following))
    }

    /// How many rows could not be understood, if the list is whole and not too many.
    fn finish(self) -> Result<u64, CollectError> {
        // One page shows all of its moment; rows beyond the count of several have been read twice, under another id or none.
        let is_whole = |total: u64| self.rows == total || (self.rows > total && self.requested.len() == 1);
        if let Some(total) = self.total.filter(|total| !is_whole(*total)) {
            let message = format!("the list has {total} rows but its pages hold {}", self.rows);
            return Err(self.failure(Reason::Truncated, message).into());
        }
        if is_unbelievable(self.invalid_rows, self.rows) {
            let message = format!("{} of {} rows cannot be understood", self.invalid_rows, self.rows);
            return Err(self.failure(Reason::Decode, message).into());
        }
        Ok(self.invalid_rows)
    }

    fn failure(&self, reason: Reason, message: impl AsRef<str>) -> Failure {
        Failure::new(reason, format!("{}: {}", self.operation, message.as_ref()))
    }
}

/// Whether too many of a list's rows cannot be understood to believe the others: more than one and one in a hundred, or all.
fn is_unbelievable(invalid_rows: u64, rows: u64) -> bool {
    invalid_rows > 1 + rows / 100 || (invalid_rows > 0 && invalid_rows == rows)
}

/// `base` with what `parameters` say instead or besides; never more rows a page than the API documents.
fn laid_over(base: &Parameters, parameters: Parameters) -> Parameters {
    let mut request = base.clone();
    for (name, value) in parameters {
        let is_allowed = |rows: u64| (1..=ROWS_PER_PAGE).contains(&rows);
        if name == "per_page" && !value.parse().is_ok_and(is_allowed) {
            continue;
        }
        match request.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => request.push((name, value)),
        }
    }
    request
}

/// The whole number that a parameter is.
fn number(request: &Parameters, name: &str) -> Option<u64> {
    request.iter().find(|(known, _)| known == name)?.1.parse().ok()
}

/// The bytes of text in a row.
fn text(row: &Value) -> usize {
    let values = row.as_object().into_iter().flat_map(Map::values);
    values.filter_map(Value::as_str).map(str::len).sum()
}

fn digest(value: &(impl Hash + ?Sized)) -> u64 {
    let mut digest = DefaultHasher::new();
    value.hash(&mut digest);
    digest.finish()
}

#[cfg(any(test, fuzzing))]
/// For [`crate::fuzzing`]: reads the pages as if they came one after the other, and returns the queries that would be sent.
pub(super) fn queries(answers: impl Iterator<Item = Value>) -> Vec<Vec<(String, String)>> {
    const LIST: List = List { operation: "fuzzed", path: &["express"], key: "rows", order_by: "id:asc" };
    let mut pager = Pager::new(&LIST, Some("filter".to_owned()));
    let mut queries = vec![pager.request.clone()];
    for answer in answers {
        let Some(page) = Page::read(answer, LIST.key) else { break };
        page.rows.iter().for_each(|row| {
            pager.is_new(row);
        });
        if !pager.turn(&page).unwrap_or(false) {
            let _ = pager.finish();
            break;
        }
        queries.push(pager.request.clone());
    }
    queries
}
