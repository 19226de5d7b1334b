//! Reading a list from its first page to its last.
//!
//! The vendor's guide says to follow the `next` links, but those of its own examples lead to another host and forget the filter.
//! So each page is asked for on the configured host and with the first request's parameters, over which those of the link are
//! laid. Where links are missing the counters tell, and where there is neither a full page is followed by one more. A list
//! that does not come together whole is a failure: figures from a part of it would lie.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::page::{Page, parameters};
use super::row::{Row, Unreadable};
use crate::model::{CollectError, Failure, Reason};
use crate::rest::{Call, Client};

/// More pages than this are more than any organization's figures can have.
const PAGES_LIMIT: usize = 1000;

/// More rows than this are not held together.
const ROWS_LIMIT: u64 = 500_000;

/// The most rows a page that the API documents.
const ROWS_PER_PAGE: u64 = 250;

/// What is asked for once where that is refused: the API's default.
const FEWER_ROWS_PER_PAGE: u64 = 50;

/// No link to a page is longer; what is, is not followed.
const LINK_LIMIT: usize = 8000;

/// At most one row in so many may be one that cannot be understood.
const INVALID_SHARE: u64 = 100;

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
    /// The ids of the rows so far.
    ids: HashSet<String>,
    rows: u64,
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
        let body: Value = match client.json(&pager.call(list)).await {
            Ok(body) => body,
            Err(error) if error.status == Some(400) && pager.ask_for_fewer() => continue,
            Err(error) if pager.requested.is_empty() => return Err(error.into()),
            // A list that vanishes between its pages is there all the same.
            Err(error) => return Err(Failure::from(error).into()),
        };
        let page = Page::read(body, list.key)
            .ok_or_else(|| pager.failure(Reason::Decode, "the answer has no list of rows"))?;
        for row in &page.rows {
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
        let id = match row.get("id") {
            Some(Value::String(id)) if !id.is_empty() => Some(id.clone()),
            Some(Value::Number(id)) => Some(id.to_string()),
            _ => None,
        };
        let is_new = id.is_none_or(|id| self.ids.insert(id));
        self.rows += u64::from(is_new);
        is_new
    }

    /// Takes note of the page that came, and of where the next one is; `false` when there is none.
    fn turn(&mut self, page: &Page) -> Result<bool, Failure> {
        self.requested.insert(self.request.clone());
        self.total = page.total.or(self.total);
        self.is_linked |= page.is_linked;
        let next = self.next(page)?;
        if page.rows.is_empty() {
            let is_promised = self.is_promised || next.is_some_and(|next| next.is_promised);
            if is_promised && self.total.is_none() {
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
        let is_full = page.rows.len() as u64 >= self.rows_per_page();
        let goes_on = counted.unwrap_or(is_full && !self.is_linked);
        let following = vec![("page".to_owned(), number_now.saturating_add(1).to_string())];
        let following = || Next { request: laid_over(&self.base, following), is_promised: counted.is_some() };
        Ok(goes_on.then(following))
    }

    /// How many rows could not be understood, if the list is whole and not too many.
    fn finish(self) -> Result<u64, CollectError> {
        if let Some(total) = self.total.filter(|total| self.rows < *total) {
            let message = format!("the list has {total} rows but its pages hold only {}", self.rows);
            return Err(self.failure(Reason::Truncated, message).into());
        }
        if self.invalid_rows * INVALID_SHARE > self.rows {
            let message = format!("{} of {} rows cannot be understood", self.invalid_rows, self.rows);
            return Err(self.failure(Reason::Decode, message).into());
        }
        Ok(self.invalid_rows)
    }

    fn failure(&self, reason: Reason, message: impl AsRef<str>) -> Failure {
        Failure::new(reason, format!("{}: {}", self.operation, message.as_ref()))
    }
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

fn digest(rows: &[Value]) -> u64 {
    let mut digest = DefaultHasher::new();
    rows.hash(&mut digest);
    digest.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::providers::talkdesk::row::tests::any_json;

    const LIST: List = List {
        operation: "listMonthlyUsage",
        path: &["express", "usage", "month"],
        key: "usage",
        order_by: "id:asc",
    };

    /// The requests that a vendor with these answers gets, and how reading ends.
    fn pages(bodies: impl IntoIterator<Item = Value>) -> (Vec<String>, Result<u64, Reason>) {
        let mut pager = Pager::new(&LIST, Some("(month eq '2026-11')".to_owned()));
        let mut requests = Vec::new();
        for body in bodies {
            let request = pager.request.iter().map(|(name, value)| format!("{name}={value}"));
            requests.push(request.collect::<Vec<_>>().join("&"));
            let page = Page::read(body, "usage").unwrap();
            for row in &page.rows {
                if pager.is_new(row) && Row::new(row).is_err() {
                    pager.invalid_rows += 1;
                }
            }
            match pager.turn(&page) {
                Ok(true) => {}
                Ok(false) => {
                    let ended = pager.finish().map_err(|error| match error {
                        CollectError::Failed(failure) => failure.reason,
                        CollectError::NotSupported(why) => panic!("{why}"),
                    });
                    return (requests, ended);
                }
                Err(failure) => return (requests, Err(failure.reason)),
            }
        }
        panic!("asks for more than {requests:?}");
    }

    fn ids(ids: std::ops::Range<usize>) -> Value {
        ids.map(|id| json!({"id": format!("r{id}")})).collect()
    }

    const FIRST: &str = "page=1&per_page=250&order_by=id:asc&filter=(month eq '2026-11')";
    const SECOND: &str = "page=2&per_page=250&order_by=id:asc&filter=(month eq '2026-11')";

    #[test]
    fn a_link_gives_only_its_parameters_and_the_own_ones_stay() {
        for href in [
            "/express/usage/month?page=2",
            "https://api-docs.talkdesk.org/express/usage/month?page=2",
            "https://api-docs.talkdesk.org/express/usage/month&page=2",
            "//evil.example/?page=2&per_page=100000",
        ] {
            let first = json!({"usage": ids(0..2), "_links": {"next": {"href": href}}});
            let (requests, ended) = pages([first, json!({"usage": ids(2..3), "_links": {}})]);
            assert_eq!(requests, [FIRST, SECOND], "{href}");
            assert_eq!(ended, Ok(0));
        }
    }

    #[test]
    fn a_cursor_and_a_smaller_page_of_a_link_are_taken() {
        let first = json!({"usage": ids(0..2), "next": "?cursor=a%2Bb&per_page=100"});
        let (requests, ended) = pages([first, json!({"usage": ids(2..3)})]);
        assert_eq!(requests[1], "page=1&per_page=100&order_by=id:asc&filter=(month eq '2026-11')&cursor=a+b");
        assert_eq!(ended, Ok(0));
    }

    #[test]
    fn counters_lead_on_where_links_are_missing_or_say_nothing() {
        for links in [json!(null), json!({"next": {"href": "https://api-docs.talkdesk.org/express"}})] {
            for counters in
                [json!({"total_pages": 2}), json!({"total": "3"}), json!({"total": 3, "per_page": 2})]
            {
                let page = |rows: Value, page: u64| {
                    let mut body = counters.clone();
                    body["usage"] = rows;
                    body["page"] = page.into();
                    body["_links"] = links.clone();
                    body
                };
                let (requests, ended) = pages([page(ids(0..2), 1), page(ids(2..3), 2)]);
                assert_eq!(requests, [FIRST, SECOND], "{counters}");
                assert_eq!(ended, Ok(0));
            }
        }
    }

    #[test]
    fn without_links_and_counters_a_full_page_is_followed_by_one_more() {
        let (requests, ended) = pages([json!({"usage": ids(0..250)}), json!({"usage": ids(250..260)})]);
        assert_eq!((requests.len(), ended), (2, Ok(0)));
        let (requests, ended) = pages([json!({"usage": ids(0..250)}), json!({"usage": []})]);
        assert_eq!((requests.len(), ended), (2, Ok(0)));
        assert_eq!(pages([json!({"usage": ids(0..249)})]), (vec![FIRST.to_owned()], Ok(0)));
    }

    #[test]
    fn a_full_page_is_the_last_one_of_a_vendor_that_links() {
        let linked = json!({"usage": ids(0..250), "_links": {"self": {"href": "/x"}}});
        assert_eq!(pages([linked]).0.len(), 1);
        let first = json!({"usage": ids(0..250), "next": "?cursor=b"});
        assert_eq!(pages([first, json!({"usage": ids(250..500)})]).1, Ok(0));
    }

    #[test]
    fn a_short_page_is_not_the_end_while_the_vendor_says_more() {
        let first = json!({"usage": ids(0..1), "page": 1, "total": 2, "total_pages": 2});
        assert_eq!(
            pages([first, json!({"usage": ids(1..2), "page": 2, "total": 2, "total_pages": 2})]).1,
            Ok(0)
        );
    }

    #[test]
    fn a_link_back_is_truncated() {
        for href in ["?page=1", "?", "/express/usage/month"] {
            let body = json!({"usage": ids(0..1), "next": href});
            assert_eq!(pages([body]).1, Err(Reason::Truncated), "{href}");
        }
        let ignores_page = json!({"usage": ids(0..1), "page": 1, "total_pages": 2});
        assert_eq!(pages([ignores_page.clone(), ignores_page]).1, Err(Reason::Truncated));
    }

    #[test]
    fn a_page_that_comes_again_under_a_new_address_is_truncated() {
        let page = |cursor: &str| json!({"usage": [{"no": "id"}], "next": format!("?cursor={cursor}")});
        assert_eq!(pages([page("a"), page("b")]).1, Err(Reason::Truncated));
    }

    #[test]
    fn an_empty_page_ends_the_list_only_where_that_fits_the_rest() {
        let first = json!({"usage": ids(0..2), "next": "?page=2"});
        assert_eq!(pages([first.clone(), json!({"usage": []})]).1, Err(Reason::Truncated));
        assert_eq!(pages([first, json!({"usage": [], "total": 2})]).1, Ok(0));
        assert_eq!(pages([json!({"usage": [], "next": "?page=2"})]).1, Err(Reason::Truncated));
        assert_eq!(pages([json!({"usage": [], "total": 5})]).1, Err(Reason::Truncated));
        assert_eq!(pages([json!({"usage": []})]).1, Ok(0));
    }

    #[test]
    fn rows_that_pages_share_count_once_and_rows_without_an_id_each_time() {
        let first =
            json!({"usage": [{"id": 1}, {"id": 2}, {"x": 1}], "total": 4, "page": 1, "total_pages": 2});
        let second = json!({"usage": [{"id": 2}, {"x": 1}], "total": 4, "page": 2, "total_pages": 2});
        assert_eq!(pages([first.clone(), second]).1, Ok(0));
        let short = json!({"usage": [{"id": 2}, {"id": 1}], "total": 4, "page": 2, "total_pages": 2});
        assert_eq!(pages([first, short]).1, Err(Reason::Truncated));
    }

    #[test]
    fn fewer_rows_than_the_vendor_counts_are_truncated_and_more_are_not() {
        assert_eq!(
            pages([json!({"usage": ids(0..2), "total": 3, "total_pages": 1})]).1,
            Err(Reason::Truncated)
        );
        assert_eq!(pages([json!({"usage": ids(0..2), "total": 1, "total_pages": 1})]).1, Ok(0));
    }

    #[test]
    fn one_row_in_a_hundred_may_be_odd() {
        let mut rows = ids(0..99);
        rows.as_array_mut().unwrap().push(json!("odd"));
        assert_eq!(pages([json!({"usage": rows})]).1, Ok(1));
        assert_eq!(pages([json!({"usage": ["odd", {"id": "a"}]})]).1, Err(Reason::Decode));
    }

    #[test]
    fn an_endless_list_is_refused() {
        let page = |number: usize| json!({"usage": ids(number..number + 1), "next": format!("?page={}", number + 2)});
        let (requests, ended) = pages((0..).map(page));
        assert_eq!((requests.len(), ended), (PAGES_LIMIT, Err(Reason::Limit)));
        let page = |number: usize| {
            let first = number * 50_000;
            json!({"usage": ids(first..first + 50_000), "next": format!("?page={}", number + 2)})
        };
        assert_eq!(pages((0..).map(page)).1, Err(Reason::Limit));
    }

    #[test]
    fn an_endless_link_is_refused() {
        let href = format!("?cursor={}", "x".repeat(LINK_LIMIT));
        assert_eq!(pages([json!({"usage": ids(0..1), "next": href})]).1, Err(Reason::Decode));
    }

    #[test]
    fn a_refused_page_size_is_lowered_once_and_only_at_the_start() {
        let mut pager = Pager::new(&LIST, None);
        assert!(pager.ask_for_fewer());
        assert_eq!(number(&pager.request, "per_page"), Some(50));
        assert!(!pager.ask_for_fewer());
        let mut pager = Pager::new(&LIST, None);
        let page = Page::read(json!({"usage": ids(0..1), "next": "?page=2"}), "usage").unwrap();
        assert!(pager.turn(&page).unwrap());
        assert!(!pager.ask_for_fewer());
    }

    proptest! {
        #[test]
        fn no_page_makes_paging_panic_or_lose_the_filter(bodies in prop::collection::vec(any_json(), 0..6), href: String) {
            let mut pager = Pager::new(&LIST, Some("f".to_owned()));
            let bodies = bodies.into_iter().chain([json!({"usage": [{"id": 1}], "next": href})]);
            for page in bodies.filter_map(|body| Page::read(body, "usage")) {
                for row in &page.rows {
                    pager.is_new(row);
                }
                if !pager.turn(&page).unwrap_or(false) {
                    break;
                }
                prop_assert!(pager.request.iter().any(|(name, _)| name == "filter"));
                prop_assert!(pager.rows_per_page() <= ROWS_PER_PAGE);
            }
            let _ = pager.finish();
        }
    }
}
