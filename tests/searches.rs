//! Searches of a vendor that gives what it should not, or less than there is: every row is counted once, or the run fails.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use support::scripted::{self, Answer, TOKEN, ok};
use support::{Metrics, Stage};

const SEARCHED: &str = "genesyscloud_api_search_requests";

/// A row of a search: a day of November 2026, a client's name, a number for the URI. Each tells of one request.
type Row = (u8, &'static str, usize);

/// Answers with rows of one search, from a position on.
type PageOf = fn(&[Row], usize) -> Answer;

/// Plays the searches of a vendor that has these rows.
struct Searches {
    rows: Vec<Row>,
    page: PageOf,
    /// Whether a filter by name also finds longer names.
    finds_longer_names: bool,
    /// The bodies of the searches so far.
    asked: Mutex<Vec<Value>>,
}

impl Searches {
    fn new(rows: impl IntoIterator<Item = Row>, page: PageOf) -> Self {
        Self { rows: rows.into_iter().collect(), page, finds_longer_names: false, asked: Mutex::default() }
    }

    fn answer(&self, method: &str, uri: &str, body: &str) -> Answer {
        if uri.contains("oauth/token") {
            return ok(TOKEN);
        }
        if uri.contains("oauth/clients") {
            return ok(r#"{"entities":[{"id":"1","name":"listed"},{"id":"2","name":"idle"}],"pageCount":1}"#);
        }
        if method == "POST" {
            let mut asked = self.asked.lock().unwrap();
            asked.push(serde_json::from_str(body).unwrap());
            return ok(format!(r#"{{"executionId":"{}"}}"#, asked.len() - 1));
        }
        let (path, query) = uri.split_once('?').unwrap();
        let id: usize = path.split('/').rev().nth(1).unwrap().parse().unwrap();
        assert!(query.contains("pageSize=1000"));
        let from = query.split_once("after=").map_or(0, |(_, after)| after.parse().unwrap());
        let search = self.asked.lock().unwrap()[id].clone();
        (self.page)(&self.found(&search), from)
    }

    fn found(&self, search: &Value) -> Vec<Row> {
        let (first, end) = search["interval"].as_str().unwrap().split_once('/').unwrap();
        let day = |date: &str| date["2026-11-".len().."2026-11-20".len()].parse::<u8>().unwrap();
        let (first, end) = (day(first), day(end));
        let names: Vec<&str> = search["oauthClientNames"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| name.as_str().unwrap())
            .collect();
        let fits = |name: &str| {
            let matches = |asked: &&str| name == *asked || self.finds_longer_names && name.starts_with(asked);
            names.is_empty() || names.iter().any(matches)
        };
        let methods: Vec<&Value> = search["httpMethods"].as_array().into_iter().flatten().collect();
        let is_asked = |uri: &usize| methods.is_empty() || methods.contains(&&json!(method(*uri)));
        let fits = |(day, name, uri): &Row| (first..end).contains(day) && fits(name) && is_asked(uri);
        self.rows.iter().copied().filter(fits).collect()
    }

    /// Has the exporter make the searches, and returns what it shows once `ready` says so, and what it asked for.
    async fn shown(self, searches: &str, ready: impl Fn(&Metrics) -> bool) -> (Metrics, Vec<Value>) {
        let searches = format!("searches: [{searches}]");
        let vendor = Arc::new(self);
        let plays = vendor.clone();
        let stage: Stage =
            scripted::stage(&searches, move |method, uri, body| plays.answer(method, uri, body)).await;
        let metrics = stage.until("the search", ready).await;
        stage.stop().await;
        let asked = vendor.asked.lock().unwrap().clone();
        (metrics, asked)
    }
}

fn is_up(metrics: &Metrics) -> bool {
    metrics.collector("up", "searches") == 1.0
}

fn is_truncated(metrics: &Metrics) -> bool {
    metrics.failures("searches", "truncated") >= 1.0
}

/// The method of the requests for a URI.
fn method(uri: usize) -> &'static str {
    if uri.is_multiple_of(2) { "GET" } else { "POST" }
}

/// A page as the vendor gives it: `rows` from a position on, and the cursor behind it.
fn page(rows: &[Row], after: Option<usize>) -> Answer {
    let row = |(day, name, uri): &Row| {
        json!({"date": format!("2026-11-{day:02}T00:00:00Z"), "clientName": name, "httpMethod": method(*uri),
               "templateUri": format!("api/v2/{uri}"), "status200": 1})
    };
    let rows: Vec<Value> = rows.iter().map(row).collect();
    let after = after.map(|after| after.to_string());
    ok(json!({"queryStatus": "Complete", "results": rows, "cursors": {"before": null, "after": after}})
        .to_string())
}

/// Pages of 1000 rows, up to 20,000.
fn capped(rows: &[Row], from: usize) -> Answer {
    let rows = &rows[..rows.len().min(20_000)];
    let end = (from + 1000).min(rows.len());
    page(&rows[from..end], Some(end).filter(|end| *end < rows.len()))
}

fn of_day(day: u8, name: &'static str, uris: usize) -> impl Iterator<Item = Row> {
    (0..uris).map(move |uri| (day, name, uri))
}

/// Whether no two searches were the same.
fn are_distinct(asked: &[Value]) -> bool {
    asked.iter().map(Value::to_string).collect::<BTreeSet<_>>().len() == asked.len()
}

fn by_name<const N: usize>(names: [(&str, u64); N]) -> BTreeMap<String, u64> {
    names.map(|(name, requests)| (name.to_owned(), requests)).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_too_large_is_searched_by_method_and_no_client_is_lost() {
    let rows =
        of_day(19, "listed", 3).chain(of_day(20, "foreign", 15_000)).chain(of_day(20, "listed", 15_000));
    let (metrics, asked) = Searches::new(rows, capped).shown("{name: all, days: 2}", is_up).await;
    assert_eq!(metrics.sums(SEARCHED, "client_name"), by_name([("foreign", 15_000), ("listed", 15_003)]));
    // The whole, three days, nine methods on one of them.
    assert_eq!(asked.len(), 13, "{asked:?}");
    assert!(are_distinct(&asked), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_is_too_large_is_searched_by_the_clients_that_the_search_names() {
    let even = |name: &'static str| (0..15_000).map(move |uri| (20, name, 2 * uri));
    let rows = || even("foreign").chain(even("listed"));
    let named = "{name: all, days: 1, oauth_client_names: [foreign, listed]}";
    let (metrics, asked) = Searches::new(rows(), capped).shown(named, is_up).await;
    assert_eq!(metrics.sums(SEARCHED, "client_name"), by_name([("foreign", 15_000), ("listed", 15_000)]));
    assert!(are_distinct(&asked), "{asked:?}");
    // Without names there may be clients that nobody knows of.
    let (metrics, _) = Searches::new(rows(), capped).shown("{name: all, days: 1}", is_truncated).await;
    assert_eq!(metrics.of(SEARCHED, &[]).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_the_vendor_refuses_as_too_large_is_never_repeated_unchanged() {
    for code in ["max.response.size.reached", "query.error"] {
        let refusing: PageOf = match code {
            "query.error" => |rows, from| refuse_above_100(rows, from, "query.error"),
            _ => |rows, from| refuse_above_100(rows, from, "max.response.size.reached"),
        };
        let rows = of_day(19, "listed", 30).chain(of_day(20, "listed", 90)).chain(of_day(20, "idle", 80));
        let (metrics, asked) = Searches::new(rows, refusing).shown("{name: all, days: 2}", is_up).await;
        assert_eq!(metrics.sums(SEARCHED, "client_name"), by_name([("idle", 80), ("listed", 120)]), "{code}");
        assert!(asked.len() > 4 && are_distinct(&asked), "{code}: {asked:?}");
    }
}

fn refuse_above_100(rows: &[Row], from: usize, code: &str) -> Answer {
    if rows.len() <= 100 {
        return capped(rows, from);
    }
    (500, vec![], json!({"code": code, "status": 500}).to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_with_too_much_on_one_day_is_truncated() {
    for searches in ["{name: all, days: 1}", "{name: one, days: 1, oauth_client_names: [listed]}"] {
        let rows = of_day(20, "listed", 40_000);
        let (metrics, asked) = Searches::new(rows, capped).shown(searches, is_truncated).await;
        assert_eq!(metrics.of(SEARCHED, &[]).count(), 0);
        assert_eq!(metrics.collector("up", "searches"), 0.0);
        assert!(asked.len() <= 12, "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_apart_by_name_is_truncated() {
    // A filter that finds more than it should would count rows twice.
    let names = ["listed", "listed-too", "other"];
    let rows = names.into_iter().flat_map(|name| of_day(20, name, 14_000));
    let searches = Searches { finds_longer_names: true, ..Searches::new(rows, capped) };
    let all = "{name: all, days: 1, oauth_client_names: [listed, listed-too, other]}";
    let (metrics, _) = searches.shown(all, is_truncated).await;
    assert_eq!(metrics.of(SEARCHED, &[]).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_a_search_end_in_three_ways() {
    let ways: [(&str, PageOf); 3] = [
        ("an empty cursor", |rows, _| {
            let (status, headers, body) = page(rows, None);
            (status, headers, body.replace(r#""after":null"#, r#""after":"""#))
        }),
        ("the last page again and again", |rows, from| {
            let from = from.min(1000);
            page(&rows[from..(from + 1000).min(rows.len())], Some(from + 1000))
        }),
        ("three empty pages", |rows, from| {
            let page_of = &rows[from.min(rows.len())..(from + 1000).min(rows.len())];
            assert!(from < 5000, "asked on and on");
            page(page_of, Some(from + 1000))
        }),
    ];
    for (way, page) in ways {
        let rows = of_day(20, "listed", 1500);
        let (metrics, asked) = Searches::new(rows, page).shown("{name: all, days: 1}", is_up).await;
        assert_eq!(metrics.sums(SEARCHED, "client_name"), by_name([("listed", 1500)]), "{way}");
        assert_eq!(asked.len(), 1, "{way}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_forgets_its_cursors_is_asked_for_less_at_once() {
    let rows = of_day(19, "listed", 600).chain(of_day(20, "listed", 600)).chain(of_day(20, "idle", 600));
    let forgetful = |rows: &[Row], _| page(&rows[..rows.len().min(1000)], Some(1000));
    let (metrics, _) = Searches::new(rows, forgetful).shown("{name: all, days: 2}", is_up).await;
    assert_eq!(metrics.sums(SEARCHED, "client_name"), by_name([("idle", 600), ("listed", 1200)]));
}
