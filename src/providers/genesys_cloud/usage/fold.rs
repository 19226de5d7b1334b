//! Usage rows summed up while they arrive: by day and client, or by endpoint too.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use jiff::civil::Date;

use crate::providers::genesys_cloud::counts::{RowCounts, StatusCounts};
use crate::rest::{RowSink, RowsRefused};

/// The client of requests that the vendor does not attribute to one.
pub(super) const UNKNOWN_CLIENT: &str = "unknown";

/// Most sums that one query may lead to; a row beyond ends the run, because a sum that leaves rows out would lie.
const CELLS_LIMIT: usize = 1_000_000;

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

/// A row of either API, in common words. Text that is absent is empty.
#[derive(Debug)]
pub(super) struct UsageRow<'a> {
    pub(super) day: Date,
    pub(super) client_id: &'a str,
    pub(super) client_name: &'a str,
    pub(super) method: &'a str,
    pub(super) template_uri: &'a str,
    pub(super) counts: RowCounts,
}

/// What is summed over.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Cell {
    pub(super) day: Date,
    pub(super) client_id: String,
    pub(super) method: String,
    pub(super) template_uri: String,
}

/// Reads one row of an API and hands it on; `false` when it cannot be understood.
pub(super) type ReadRow = fn(&[u8], &mut dyn FnMut(&UsageRow<'_>)) -> bool;

/// The sums of one query.
#[derive(Debug)]
pub(super) struct Fold {
    days: RangeInclusive<Date>,
    read_row: ReadRow,
    pub(super) cells: HashMap<Cell, StatusCounts>,
    /// The clients' names, as far as the rows tell them.
    pub(super) names: HashMap<String, String>,
    /// Rows that could not be understood.
    pub(super) invalid_rows: u64,
    /// HTTP methods that the APIs do not document.
    pub(super) unknown_methods: u64,
}

impl Fold {
    /// For rows of `days`; others, which an inclusive interval end can bring, are left out.
    pub(super) fn new(days: RangeInclusive<Date>, read_row: ReadRow) -> Self {
        Self {
            days,
            read_row,
            cells: HashMap::new(),
            names: HashMap::new(),
            invalid_rows: 0,
            unknown_methods: 0,
        }
    }

    /// Adds the sums of another page or query.
    pub(super) fn merge(&mut self, more: Self) -> Result<(), RowsRefused> {
        for (cell, counts) in more.cells {
            self.cells.entry(cell).or_default().add(&counts);
        }
        self.names.extend(more.names);
        self.invalid_rows += more.invalid_rows;
        self.unknown_methods += more.unknown_methods;
        self.bounded()
    }

    fn bounded(&self) -> Result<(), RowsRefused> {
        if self.cells.len() > CELLS_LIMIT { Err(RowsRefused { limit: CELLS_LIMIT }) } else { Ok(()) }
    }

    fn add(&mut self, row: &UsageRow<'_>) {
        if !self.days.contains(&row.day) {
            return;
        }
        if !row.method.is_empty() && !METHODS.contains(&row.method) {
            self.unknown_methods += 1;
        }
        let client_id = if row.client_id.is_empty() { UNKNOWN_CLIENT } else { row.client_id };
        if !row.client_name.is_empty() && !self.names.contains_key(client_id) {
            self.names.insert(client_id.to_owned(), row.client_name.to_owned());
        }
        let cell = Cell {
            day: row.day,
            client_id: client_id.to_owned(),
            method: row.method.to_owned(),
            template_uri: row.template_uri.to_owned(),
        };
        self.cells.entry(cell).or_default().add(&row.counts.disjoint());
    }
}

impl RowSink for Fold {
    fn row(&mut self, row: &[u8]) -> Result<(), RowsRefused> {
        let read_row = self.read_row;
        if !read_row(row, &mut |row| self.add(row)) {
            self.invalid_rows += 1;
        }
        self.bounded()
    }
}
