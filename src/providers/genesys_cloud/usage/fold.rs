//! Usage rows summed up while they arrive: by day and client, or by endpoint too.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use jiff::civil::Date;

use crate::model::{Failure, Reason};
use crate::providers::genesys_cloud::counts::StatusCounts;
use crate::providers::genesys_cloud::row::Row;
use crate::providers::genesys_cloud::wire;
use crate::rest::{RowSink, RowsRefused};

/// The client of requests that the vendor does not attribute to one.
pub(super) const UNKNOWN_CLIENT: &str = "unknown";

/// Most sums that one query may lead to; a row beyond ends the run, because a sum that leaves rows out would lie.
const CELLS_LIMIT: usize = 300_000;

/// At most one row in so many may be one that cannot be understood.
const INVALID_SHARE: u64 = 100;

/// The HTTP methods that the APIs document.
const METHODS: [&str; 9] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "CONNECT", "OPTIONS", "TRACE"];

/// What to sum by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grouping {
    /// Day and client.
    Client,
    /// Day, client, HTTP method and URI template.
    Endpoint,
}

/// What is summed over.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Cell {
    pub(super) day: Date,
    pub(super) client_id: String,
    pub(super) method: String,
    pub(super) template_uri: String,
}

/// The sums of one query.
#[derive(Debug)]
pub(super) struct Fold {
    days: RangeInclusive<Date>,
    pub(super) cells: HashMap<Cell, StatusCounts>,
    /// The clients' names, each as of the newest day that tells it.
    pub(super) names: HashMap<String, (Date, String)>,
    rows: u64,
    /// Rows that could not be understood.
    pub(super) invalid_rows: u64,
    /// HTTP methods that the APIs do not document.
    pub(super) unknown_methods: u64,
}

impl Fold {
    /// For rows of `days`; others, which an inclusive interval end can bring, are left out.
    pub(super) fn new(days: RangeInclusive<Date>) -> Self {
        Self {
            days,
            cells: HashMap::new(),
            names: HashMap::new(),
            rows: 0,
            invalid_rows: 0,
            unknown_methods: 0,
        }
    }

    /// Adds the sums of another page or query.
    pub(super) fn merge(&mut self, more: Self) -> Result<(), RowsRefused> {
        for (cell, counts) in more.cells {
            self.cells.entry(cell).or_default().add(&counts);
        }
        for (client_id, (day, name)) in more.names {
            keep_newest(&mut self.names, &client_id, day, &name);
        }
        self.rows += more.rows;
        self.invalid_rows += more.invalid_rows;
        self.unknown_methods += more.unknown_methods;
        self.bounded()
    }

    /// Refuses sums of which too much is missing: a few odd rows are told and left out, an answer of another shape is none.
    pub(super) fn understood(&self) -> Result<(), Failure> {
        if self.invalid_rows * INVALID_SHARE <= self.rows {
            return Ok(());
        }
        let message = format!("{} of {} usage rows cannot be understood", self.invalid_rows, self.rows);
        Err(Failure::new(Reason::Decode, message))
    }

    fn bounded(&self) -> Result<(), RowsRefused> {
        if self.cells.len() > CELLS_LIMIT { Err(RowsRefused { limit: CELLS_LIMIT }) } else { Ok(()) }
    }

    /// Adds a row; `None` when it cannot be understood.
    fn add(&mut self, row: &[u8]) -> Option<()> {
        let row: Row = serde_json::from_slice(row).ok()?;
        let day = row.date.get().and_then(wire::day)?;
        if !self.days.contains(&day) {
            return Some(());
        }
        let [method, template_uri] =
            [&row.http_method, &row.template_uri].map(|text| text.get().unwrap_or(""));
        if !method.is_empty() && !METHODS.contains(&method) {
            self.unknown_methods += 1;
        }
        let client_id = row.client_id().unwrap_or(UNKNOWN_CLIENT);
        if let Some(name) = row.client_name() {
            keep_newest(&mut self.names, client_id, day, name);
        }
        let [client_id, method, template_uri] = [client_id, method, template_uri].map(str::to_owned);
        let cell = Cell { day, client_id, method, template_uri };
        self.cells.entry(cell).or_default().add(&row.counts());
        Some(())
    }
}

/// Keeps the name of the newest day; of two on one day always the same one.
pub(super) fn keep_newest(
    names: &mut HashMap<String, (Date, String)>,
    client_id: &str,
    day: Date,
    name: &str,
) {
    match names.get_mut(client_id) {
        Some(known) if (known.0, known.1.as_str()) >= (day, name) => {}
        Some(known) => *known = (day, name.to_owned()),
        None => {
            names.insert(client_id.to_owned(), (day, name.to_owned()));
        }
    }
}

impl RowSink for Fold {
    fn row(&mut self, row: &[u8]) -> Result<(), RowsRefused> {
        self.rows += 1;
        if self.add(row).is_none() {
            self.invalid_rows += 1;
        }
        self.bounded()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn fold(rows: &[&str]) -> Fold {
        let mut fold = Fold::new(date(2026, 11, 19)..=date(2026, 11, 20));
        for row in rows {
            fold.row(row.as_bytes()).unwrap();
        }
        fold
    }

    #[test]
    fn rows_of_one_cell_add_up_and_other_days_are_left_out() {
        let fold = fold(&[
            r#"{"date":"2026-11-20","clientId":"a","requests":3}"#,
            r#"{"date":"2026-11-20T00:00:00Z","clientId":"a","requests":4,"httpMethod":null}"#,
            r#"{"date":"2026-11-21","clientId":"a","requests":100}"#,
        ]);
        assert_eq!(fold.cells.len(), 1);
        assert_eq!(fold.cells.values().next().unwrap().total(), 7);
        assert_eq!(fold.invalid_rows, 0);
    }

    #[test]
    fn requests_of_no_client_are_kept_as_unknown() {
        let fold = fold(&[r#"{"date":"2026-11-20","oauthClient":null,"requestCount":3}"#]);
        assert_eq!(fold.cells.keys().next().unwrap().client_id, UNKNOWN_CLIENT);
    }

    #[test]
    fn a_row_that_cannot_be_understood_is_counted_and_left_out() {
        let rows = [r#"{"requestCount":3}"#, r#"{"date":"2026-11-19","requestCount":-3}"#, "7", "null", "{"];
        let fold = fold(&rows);
        assert_eq!((fold.invalid_rows, fold.cells.len()), (5, 0));
        assert_eq!(fold.understood().unwrap_err().reason, Reason::Decode);
    }

    #[test]
    fn one_odd_row_in_a_hundred_does_not_spoil_the_rest() {
        let good = r#"{"date":"2026-11-20","clientId":"a","requests":3}"#;
        let rows: Vec<&str> = std::iter::repeat_n(good, 99).chain(["null"]).collect();
        assert_eq!(fold(&rows).understood(), Ok(()));
        assert!(fold(&rows[1..]).understood().is_err());
        assert_eq!(fold(&[]).understood(), Ok(()));
    }

    #[test]
    fn the_newest_name_counts() {
        let fold = fold(&[
            r#"{"date":"2026-11-20","clientId":"a","clientName":"new","requests":1}"#,
            r#"{"date":"2026-11-19","clientId":"a","clientName":"old","requests":1}"#,
        ]);
        assert_eq!(fold.names["a"].1, "new");
    }

    #[test]
    fn an_undocumented_method_is_noticed_and_kept() {
        let fold = fold(&[r#"{"date":"2026-11-20","httpMethod":"BREW","requests":1}"#]);
        assert_eq!((fold.unknown_methods, fold.cells.len()), (1, 1));
    }
}
