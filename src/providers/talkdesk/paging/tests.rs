//! The way through pages, without a vendor.

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
        for counters in [json!({"total_pages": 2}), json!({"total": "3"}), json!({"total": 3, "per_page": 2})]
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
    assert_eq!(pages([first, json!({"usage": ids(1..2), "page": 2, "total": 2, "total_pages": 2})]).1, Ok(0));
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
    let first = json!({"usage": [{"id": 1}, {"id": 2}, {"x": 1}], "total": 4, "page": 1, "total_pages": 2});
    let second = json!({"usage": [{"id": 2}, {"x": 1}], "total": 4, "page": 2, "total_pages": 2});
    assert_eq!(pages([first.clone(), second]).1, Ok(0));
    let short = json!({"usage": [{"id": 2}, {"id": 1}], "total": 4, "page": 2, "total_pages": 2});
    assert_eq!(pages([first, short]).1, Err(Reason::Truncated));
}

#[test]
fn fewer_rows_than_the_vendor_counts_are_truncated_and_more_are_not() {
    assert_eq!(pages([json!({"usage": ids(0..2), "total": 3, "total_pages": 1})]).1, Err(Reason::Truncated));
    assert_eq!(pages([json!({"usage": ids(0..2), "total": 1, "total_pages": 1})]).1, Ok(0));
}

#[test]
fn a_list_that_changes_while_it_is_read_is_truncated() {
    let first = json!({"usage": ids(0..2), "total": 4, "total_pages": 2});
    let fewer = json!({"usage": ids(2..3), "page": 2, "total": 3, "total_pages": 2});
    assert_eq!(pages([first.clone(), fewer]).1, Err(Reason::Truncated));
    let none = json!({"usage": [], "page": 2, "total": 0, "total_pages": 0});
    assert_eq!(pages([first.clone(), none]).1, Err(Reason::Truncated));
    // A row that was read twice, the second time under another id.
    let twice = json!({"usage": ids(10..13), "page": 2, "total": 4, "total_pages": 2});
    assert_eq!(pages([first, twice]).1, Err(Reason::Truncated));
}

#[test]
fn a_page_that_the_vendor_made_smaller_than_asked_for_is_full_all_the_same() {
    let page = |rows| json!({"usage": ids(rows), "per_page": 2});
    let (requests, ended) = pages([page(0..2), page(2..4), page(4..5)]);
    assert_eq!((requests.len(), ended), (3, Ok(0)));
}

#[test]
fn one_row_and_one_in_a_hundred_may_be_odd() {
    let mut rows = ids(0..99);
    rows.as_array_mut().unwrap().push(json!("odd"));
    assert_eq!(pages([json!({"usage": rows})]).1, Ok(1));
    assert_eq!(pages([json!({"usage": ["odd", {"id": "a"}]})]).1, Ok(1));
    assert_eq!(pages([json!({"usage": ["odd", "odder", {"id": "a"}]})]).1, Err(Reason::Decode));
    assert_eq!(pages([json!({"usage": ["odd"]})]).1, Err(Reason::Decode));
}

#[test]
fn an_endless_list_is_refused() {
    let page =
        |number: usize| json!({"usage": ids(number..number + 1), "next": format!("?page={}", number + 2)});
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
