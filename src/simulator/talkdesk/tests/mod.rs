//! The habits of the vendor, over HTTP.

mod access;
mod billing;
mod pages;
mod requests;
mod usage;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::simulator::testing::Bench;

const ACCOUNTS: &str = "/express/accounts";
const PRODUCTS: &str = "/express/products";
const SUBSCRIPTIONS: &str = "/express/subscriptions";
const INVOICES: &str = "/express/invoices";
const USAGE: &str = "/express/usage/month";
const ALL: [&str; 5] = [ACCOUNTS, PRODUCTS, SUBSCRIPTIONS, INVOICES, USAGE];
/// The running month and the one before.
const TWO_MONTHS: &str = "(month eq '2026-10' or month eq '2026-11')";

/// Every row that meets a filter, by pages of the largest size.
async fn rows(bench: &Bench, path: &str, filter: &str) -> Vec<Value> {
    let filter =
        if filter.is_empty() { String::new() } else { format!("&filter={filter}").replace(' ', "%20") };
    let mut rows = Vec::new();
    for number in 1.. {
        let (status, page) = bench.get(&format!("{path}?per_page=250&page={number}{filter}")).await;
        assert!(status.is_success(), "{page}");
        rows.extend(shown(&page));
        if page["page"] == page["total_pages"] {
            break;
        }
    }
    rows
}

/// The rows of a page.
fn shown(page: &Value) -> Vec<Value> {
    let lists = page["_embedded"].as_object().unwrap();
    assert_eq!(lists.len(), 1);
    lists.values().flat_map(|rows| rows.as_array().unwrap().clone()).collect()
}

/// The texts of a field.
fn texts(rows: &[Value], field: &str) -> BTreeSet<String> {
    rows.iter().filter_map(|row| row[field].as_str().map(str::to_owned)).collect()
}

/// The sum of a field; a row without the figure adds nothing.
fn total(rows: &[Value], field: &str) -> f64 {
    rows.iter().filter_map(|row| row[field].as_f64()).sum()
}

/// The id of an account.
async fn account(bench: &Bench, name: &str) -> String {
    let accounts = rows(bench, ACCOUNTS, "").await;
    let account = accounts.iter().find(|account| account["name"] == name).unwrap();
    account["id"].as_str().unwrap().to_owned()
}
