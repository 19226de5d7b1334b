//! Usage rows summed up while they arrive: by day and whose requests they tell, or by endpoint too.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::civil::Date;

use super::complete::Window;
use super::counts::StatusCounts;
use super::days::{midnight, plus};
use super::room::{Room, SUMS_LIMIT, Share};
use super::row::Row;
use super::wire;
use crate::model::{Failure, Reading, Reason, Surprise, surprises};
use crate::rest::{RowSink, RowsRefused};

/// The party of requests that the vendor does not attribute to one.
pub(super) const UNKNOWN: &str = "unknown";

/// Most bytes of text in the sums of one query.
const TEXT_LIMIT: usize = 32 * 1024 * 1024;

/// At most one row in so many may be one that cannot be understood: a sum without it is too small.
const INVALID_SHARE: u64 = 100;

/// The HTTP methods that the APIs document.
pub(super) const METHODS: [&str; 9] =
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "CONNECT", "OPTIONS", "TRACE"];

/// What to sum by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grouping {
    /// Day and client.
    Client,
    /// Day, client, HTTP method and URI template.
    Endpoint,
}

/// Whose requests a row tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Party {
    /// Those of the client with the row's id.
    Client,
    /// Those of all clients with the row's name.
    ClientName,
    /// Those of the organization with the row's id.
    Organization,
    /// Those of whoever was asked for, which the row need not repeat; its cells have no party.
    Asked,
}

/// What is summed over.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Cell {
    pub(super) day: Date,
    pub(super) party: String,
    pub(super) method: String,
    pub(super) template_uri: String,
}

/// The sums of one query.
#[derive(Debug)]
pub(super) struct Fold {
    days: RangeInclusive<Date>,
    party: Party,
    pub(super) cells: HashMap<Cell, StatusCounts>,
    /// The names that clients have, by party, each as of the newest day that tells it.
    pub(super) names: HashMap<String, (Date, String)>,
    /// Bytes of text in cells and names.
    text: usize,
    rows: u64,
    /// Rows that could not be understood.
    pub(super) invalid_rows: u64,
    /// Of the room that there is for cells.
    share: Share,
}

impl Fold {
    /// For rows of `days`; others, which an inclusive interval end can bring, are left out.
    pub(super) fn new(days: RangeInclusive<Date>, party: Party) -> Self {
        Self::within(&Room::new(SUMS_LIMIT, "sums"), days, party)
    }

    /// The same in a `room` that others share.
    pub(super) fn within(room: &Room, days: RangeInclusive<Date>, party: Party) -> Self {
        Self {
            days,
            party,
            cells: HashMap::new(),
            names: HashMap::new(),
            text: 0,
            rows: 0,
            invalid_rows: 0,
            share: room.share(),
        }
    }

    /// Adds the sums of another page or query.
    pub(super) fn merge(&mut self, more: Self) -> Result<(), Failure> {
        for (cell, counts) in more.cells {
            self.count(cell, &counts);
        }
        for (party, (day, name)) in more.names {
            self.text += keep_newest(&mut self.names, &party, day, &name);
        }
        self.rows += more.rows;
        self.invalid_rows += more.invalid_rows;
        // What was merged must not count twice.
        drop(more.share);
        self.bounded().map_err(|RowsRefused { limit, of }| {
            Failure::new(Reason::Limit, format!("the usage figures have more than {limit} {of}"))
        })
    }

    /// Whether there is any row of `day`.
    pub(super) fn has_rows(&self, day: Date) -> bool {
        self.cells.keys().any(|cell| cell.day == day)
    }

    /// The sums over `days` by party, HTTP method and URI template.
    pub(super) fn over(&self, days: &RangeInclusive<Date>) -> BTreeMap<[&str; 3], StatusCounts> {
        let mut sums: BTreeMap<[&str; 3], StatusCounts> = BTreeMap::new();
        for (cell, counts) in self.cells.iter().filter(|(cell, _)| days.contains(&cell.day)) {
            sums.entry([&cell.party, &cell.method, &cell.template_uri]).or_default().add(counts);
        }
        sums
    }

    /// Refuses sums of which too much is missing: a few odd rows are told and left out, an answer of another shape is none.
    pub(super) fn understood(self) -> Result<Self, Failure> {
        if self.invalid_rows * INVALID_SHARE <= self.rows {
            return Ok(self);
        }
        let message = format!("{} of {} usage rows cannot be understood", self.invalid_rows, self.rows);
        Err(Failure::new(Reason::Decode, message))
    }

    fn bounded(&mut self) -> Result<(), RowsRefused> {
        if self.text > TEXT_LIMIT {
            return Err(RowsRefused { limit: TEXT_LIMIT, of: "bytes of text in their sums" });
        }
        self.share.grow_to(self.cells.len())
    }

    fn count(&mut self, cell: Cell, counts: &StatusCounts) {
        match self.cells.entry(cell) {
            Entry::Occupied(mut known) => known.get_mut().add(counts),
            Entry::Vacant(new) => {
                let Cell { party, method, template_uri, .. } = new.key();
                self.text += party.len() + method.len() + template_uri.len();
                new.insert(*counts);
            }
        }
    }

    /// Adds a row; `None` when it cannot be understood.
    fn add(&mut self, row: &[u8]) -> Option<()> {
        let row: Row = wire::row(row)?;
        let day = row.date.get().and_then(wire::day)?;
        if !self.days.contains(&day) {
            return Some(());
        }
        let [method, template_uri] =
            [&row.http_method, &row.template_uri].map(|text| text.get().unwrap_or(""));
        surprises::check(Surprise::EnumValue, "httpMethod", method, &METHODS);
        let party = match self.party {
            Party::Client => row.client_id(),
            Party::ClientName => row.client_name(),
            Party::Organization => row.organization_id.get(),
            Party::Asked => Some(""),
        };
        let party = party.unwrap_or(UNKNOWN);
        if let Some(name) = row.client_name() {
            self.text += keep_newest(&mut self.names, party, day, name);
        }
        let [party, method, template_uri] = [party, method, template_uri].map(str::to_owned);
        let cell = Cell { day, party, method, template_uri };
        self.count(cell, &row.counts());
        Some(())
    }
}

/// What there is to tell of `folds` besides figures, and the days of `window` that are complete.
pub(super) fn reading<'a>(
    folds: impl Iterator<Item = &'a Fold> + Clone,
    window: Window,
    now: Timestamp,
) -> (Reading, RangeInclusive<Date>) {
    let days = window.complete(now, folds.clone().any(|fold| fold.has_rows(window.settled)));
    let reading = Reading {
        data_through: Some(midnight(plus(*days.end(), 1))),
        invalid_rows: folds.map(|fold| fold.invalid_rows).sum(),
        ..Reading::default()
    };
    (reading, days)
}

/// Keeps the name of the newest day; of two on one day always the same one. Returns how many bytes of text that adds.
pub(super) fn keep_newest(
    names: &mut HashMap<String, (Date, String)>,
    party: &str,
    day: Date,
    name: &str,
) -> usize {
    match names.get_mut(party) {
        Some(known) if (known.0, known.1.as_str()) >= (day, name) => 0,
        Some(known) => {
            let before = std::mem::replace(known, (day, name.to_owned()));
            name.len().saturating_sub(before.1.len())
        }
        None => {
            names.insert(party.to_owned(), (day, name.to_owned()));
            party.len() + name.len()
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
        fold_by(Party::Client, rows)
    }

    fn fold_by(party: Party, rows: &[&str]) -> Fold {
        let mut fold = Fold::new(date(2026, 11, 19)..=date(2026, 11, 20), party);
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
        assert_eq!(fold.cells.keys().next().unwrap().party, UNKNOWN);
    }

    #[test]
    fn rows_are_summed_over_days_by_whose_requests_they_tell() {
        let rows = [
            r#"{"date":"2026-11-19","clientId":"a","clientName":"n","organizationId":"o","requests":1}"#,
            r#"{"date":"2026-11-20","clientId":"b","clientName":"n","organizationId":"p","requests":2}"#,
        ];
        let sums = |party, days| {
            let fold = fold_by(party, &rows);
            let sums = fold.over(&days);
            sums.iter().map(|([party, ..], counts)| ((*party).to_owned(), counts.total())).collect::<Vec<_>>()
        };
        let [first, last] = [date(2026, 11, 19), date(2026, 11, 20)];
        assert_eq!(sums(Party::ClientName, first..=last), [("n".to_owned(), 3)]);
        assert_eq!(sums(Party::Asked, first..=last), [(String::new(), 3)]);
        assert_eq!(sums(Party::Organization, first..=last), [("o".to_owned(), 1), ("p".to_owned(), 2)]);
        assert_eq!(sums(Party::Client, last..=last), [("b".to_owned(), 2)]);
        assert!(fold(&rows[..1]).has_rows(first) && !fold(&rows[..1]).has_rows(last));
    }

    #[test]
    fn a_row_that_cannot_be_understood_is_counted_and_left_out() {
        let rows = [
            r#"{"requestCount":3}"#,
            r#"{"date":"2026-11-19","requestCount":-3}"#,
            "7",
            "null",
            "{",
            r#"["2026-11-19"]"#,
        ];
        let fold = fold(&rows);
        assert_eq!((fold.invalid_rows, fold.cells.len()), (6, 0));
        assert_eq!(fold.understood().unwrap_err().reason, Reason::Decode);
    }

    #[test]
    fn one_odd_row_in_a_hundred_does_not_spoil_the_rest() {
        let good = r#"{"date":"2026-11-20","clientId":"a","requests":3}"#;
        let rows: Vec<&str> = std::iter::repeat_n(good, 99).chain(["null"]).collect();
        assert!(fold(&rows).understood().is_ok());
        assert!(fold(&rows[1..]).understood().is_err());
        assert!(fold(&[]).understood().is_ok());
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
    fn folds_of_one_room_are_bounded_together_and_merging_needs_no_more() {
        let room = Room::new(3, "sums");
        let day = date(2026, 11, 20);
        let fold = |uris: &[&str]| {
            let mut fold = Fold::within(&room, day..=day, Party::Asked);
            let row = |uri| format!(r#"{{"date":"2026-11-20","templateUri":"{uri}","requests":1}}"#);
            uris.iter().try_for_each(|uri| fold.row(row(uri).as_bytes())).map(|()| fold)
        };
        let mut one = fold(&["a", "b", "a"]).unwrap();
        let refused = fold(&["a", "c"]).unwrap_err();
        assert_eq!((refused.limit, refused.of), (3, "sums"));
        one.merge(fold(&["c"]).unwrap()).unwrap();
        assert_eq!(one.cells.len(), 3);
        assert!(fold(&["d"]).is_err(), "the room is full");
        drop(one);
        assert!(fold(&["d", "e", "f"]).is_ok());
    }

    #[test]
    fn an_undocumented_method_is_noticed_and_kept() {
        let row = r#"{"date":"2026-11-20","httpMethod":"BREW","requests":1}"#;
        let (fold, surprises) = surprises::noticing(|| fold(&[row]));
        assert_eq!((surprises.count(Surprise::EnumValue), fold.cells.len()), (1, 1));
    }

    #[test]
    fn long_texts_are_kept_whole_and_too_many_of_them_refused() {
        let row = |n: usize| {
            format!(r#"{{"date":"2026-11-20","clientId":"{n}{}","requests":1}}"#, "x".repeat(1 << 20))
        };
        let mut kept = Fold::new(date(2026, 11, 20)..=date(2026, 11, 20), Party::Client);
        for n in 0..20 {
            kept.row(row(n).as_bytes()).unwrap();
            kept.row(row(n).as_bytes()).unwrap();
        }
        assert!(kept.cells.keys().all(|cell| cell.party.len() > 1 << 20), "cut only after ranking");
        let refused = (20..40).find_map(|n| kept.row(row(n).as_bytes()).err());
        assert_eq!(refused, Some(RowsRefused { limit: TEXT_LIMIT, of: "bytes of text in their sums" }));

        let mut more = Fold::new(date(2026, 11, 20)..=date(2026, 11, 20), Party::Client);
        more.row(row(0).as_bytes()).unwrap();
        let mut few = Fold::new(date(2026, 11, 20)..=date(2026, 11, 20), Party::Client);
        few.row(row(0).as_bytes()).unwrap();
        few.merge(more).unwrap();
        assert!(few.text < 2 << 20, "what is known already adds no text");
        assert_eq!(few.merge(kept).unwrap_err().reason, Reason::Limit);
    }
}
