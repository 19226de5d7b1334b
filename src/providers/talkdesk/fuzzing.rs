//! For [`crate::fuzzing`]: what reads the answers of Talkdesk.

use serde_json::Value;

use super::row::Row;
use super::{accounts, invoices, paging, products, subscriptions, usage};
use crate::fuzzing::check_samples;

/// A row, taken for one of each list.
pub(crate) fn row(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let Ok(row) = Row::new(&value) else { return };
    let all =
        [accounts::samples(row), invoices::samples(row), subscriptions::samples(row), usage::samples(row)];
    all.iter().flatten().for_each(check_samples);
    let _ = products::is_product(row);
}

/// Pages, one a line: no request is sent twice, none without the filter or for more rows than are allowed.
pub(crate) fn pages(data: &[u8]) {
    let pages = data.split(|byte| *byte == b'\n').filter_map(|page| serde_json::from_slice(page).ok());
    let queries = paging::queries(pages);
    for (number, query) in queries.iter().enumerate() {
        assert!(!queries[..number].contains(query), "a page is asked for once");
        let value =
            |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert!(value("filter").is_some() && value("order_by").is_some());
        let rows: u64 = value("per_page").and_then(|rows| rows.parse().ok()).expect("a number of rows");
        assert!((1..=250).contains(&rows));
    }
}
