//! What is known of the days so far: the sums of each client, as many days back as something is computed from them.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::providers::genesys_cloud::counts::StatusCounts;
use crate::providers::genesys_cloud::days::plus;
use crate::providers::genesys_cloud::fold::{Cell, Fold, keep_newest};

/// More clients than this are not remembered beyond the days whose sums are here. No organization has so many; a vendor that names
/// new ones in each answer would.
const CLIENTS_LIMIT: usize = 100_000;

/// The sums of one day, by client.
type Day = BTreeMap<String, StatusCounts>;

/// The days read so far.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct History {
    /// First and last day whose sums are here; every day between them has been read too.
    covered: Option<(Date, Date)>,
    /// The oldest day ever read: the sums of old days are forgotten, but who was active on them is not.
    looked_back_to: Option<Date>,
    days: BTreeMap<Date, Day>,
    /// The newest day with a request, by client, also of days that are forgotten.
    last_active: BTreeMap<String, Date>,
    names: HashMap<String, (Date, String)>,
}

impl History {
    /// The oldest day that has been looked at for who was active.
    pub(super) fn looked_back_to(&self) -> Option<Date> {
        self.looked_back_to
    }

    /// First and last day whose sums are here.
    pub(super) fn covered(&self) -> Option<(Date, Date)> {
        self.covered
    }

    /// Whether any client has a row on `day`.
    pub(super) fn has_rows(&self, day: Date) -> bool {
        self.days.get(&day).is_some_and(|day| !day.is_empty())
    }

    /// Whether any client has a row on one of the days `first..=last`.
    pub(super) fn has_any_rows(&self, first: Date, last: Date) -> bool {
        self.days.range(first..=last).any(|(_, day)| !day.is_empty())
    }

    /// The client's name, if a row told it.
    pub(super) fn name(&self, client_id: &str) -> Option<&str> {
        self.names.get(client_id).map(|(_, name)| name.as_str())
    }

    /// Takes the days `first..=last`, which must touch those read before, as they are now at the vendor. Returns the days
    /// that had been read before with other figures.
    pub(super) fn replace(&mut self, first: Date, last: Date, fold: Fold) -> Vec<Date> {
        let mut fresh: BTreeMap<Date, Day> = BTreeMap::new();
        for (Cell { day, party: client_id, .. }, counts) in fold.cells {
            if counts.total() > 0 {
                let newest = self.last_active.entry(client_id.clone()).or_insert(day);
                *newest = (*newest).max(day);
            }
            fresh.entry(day).or_default().entry(client_id).or_default().add(&counts);
        }
        for (client_id, (day, name)) in fold.names {
            keep_newest(&mut self.names, &client_id, day, &name);
        }

        let mut restated = Vec::new();
        let mut day = first;
        while day <= last {
            let now = fresh.remove(&day).unwrap_or_default();
            let was_read = self.covered.is_some_and(|(from, to)| from <= day && day <= to);
            let before = self.days.insert(day, now);
            if was_read && before.is_some_and(|before| before != self.days[&day]) {
                restated.push(day);
            }
            day = plus(day, 1);
        }
        self.covered = Some(self.covered.map_or((first, last), |(from, to)| (from.min(first), to.max(last))));
        self.looked_back_to = Some(self.looked_back_to.map_or(first, |oldest| oldest.min(first)));
        restated
    }

    /// Forgets the sums of the days before `first`, but not who was active since `lookback`.
    pub(super) fn forget_before(&mut self, first: Date, lookback: Date) {
        self.days = self.days.split_off(&first);
        self.covered = self.covered.map(|(from, to)| (from.max(first.min(to)), to));
        let oldest = oldest_kept(self.last_active.values().copied(), lookback);
        self.last_active.retain(|_, day| *day >= oldest);
        let oldest = oldest_kept(self.names.values().map(|(day, _)| *day), lookback);
        self.names.retain(|_, (day, _)| *day >= oldest);
    }

    /// The sums of the days `first..=last`, by client.
    pub(super) fn window(&self, first: Date, last: Date) -> BTreeMap<&str, StatusCounts> {
        let mut sums: BTreeMap<&str, StatusCounts> = BTreeMap::new();
        if first > last {
            return sums;
        }
        for (client_id, counts) in self.days.range(first..=last).flat_map(|(_, day)| day) {
            sums.entry(client_id).or_default().add(counts);
        }
        sums
    }

    /// All requests of each of the days `first..=last` that were read, without the clients whose names are left out.
    pub(super) fn daily(
        &self,
        first: Date,
        last: Date,
        is_left_out: impl Fn(&str) -> bool,
    ) -> Vec<(Date, u64)> {
        let left_out = self.names.iter().filter(|(_, (_, name))| is_left_out(name));
        let left_out: HashSet<&str> = left_out.map(|(client_id, _)| client_id.as_str()).collect();
        let requests = |day: &Day| {
            let counted = day.iter().filter(|(client_id, _)| !left_out.contains(client_id.as_str()));
            counted.map(|(_, counts)| counts.total()).fold(0, u64::saturating_add)
        };
        self.days.range(first..=last).map(|(day, sums)| (*day, requests(sums))).collect()
    }

    /// The newest day with a request, by client, not before `first`.
    pub(super) fn last_active(&self, first: Date) -> impl Iterator<Item = (&str, Date)> {
        self.last_active
            .iter()
            .filter(move |(_, day)| **day >= first)
            .map(|(client_id, day)| (client_id.as_str(), *day))
    }
}

/// The day from which on what is known of clients is kept: `lookback`, or a later one when there would be more than the limit.
fn oldest_kept(days: impl Iterator<Item = Date>, lookback: Date) -> Date {
    let mut days: Vec<Date> = days.filter(|day| *day >= lookback).collect();
    if days.len() <= CLIENTS_LIMIT {
        return lookback;
    }
    let (_, first_too_many, _) = days.select_nth_unstable_by(CLIENTS_LIMIT, |one, other| other.cmp(one));
    plus(*first_too_many, 1)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::providers::genesys_cloud::fold::Party;
    use crate::providers::genesys_cloud::row::Row;

    fn fold(cells: &[(Date, &str, u64)]) -> Fold {
        let mut fold = Fold::new(date(2026, 1, 1)..=date(2026, 12, 31), Party::Client);
        for (day, client_id, requests) in cells {
            let cell = Cell {
                day: *day,
                party: (*client_id).to_owned(),
                method: String::new(),
                template_uri: String::new(),
            };
            let row = format!(r#"{{"status200":{requests},"requests":{requests}}}"#);
            let row: Row = serde_json::from_str(&row).unwrap();
            fold.cells.insert(cell, row.counts());
        }
        fold
    }

    fn day(day: i8) -> Date {
        date(2026, 11, day)
    }

    #[test]
    fn ever_new_clients_are_not_remembered_for_ever() {
        let days =
            |old: usize| std::iter::repeat_n(day(1), old).chain(std::iter::repeat_n(day(9), CLIENTS_LIMIT));
        assert_eq!(oldest_kept(days(0), day(1)), day(1));
        assert_eq!(oldest_kept(days(1), day(1)), day(2), "the oldest give way");
        assert_eq!(oldest_kept(days(1), day(2)), day(2), "those before the look-back do not count");
    }

    #[test]
    fn a_window_sums_the_days_of_each_client() {
        let mut history = History::default();
        history.replace(day(1), day(3), fold(&[(day(1), "a", 1), (day(2), "a", 2), (day(3), "b", 4)]));
        let sums = history.window(day(2), day(3));
        assert_eq!(
            sums.iter().map(|(client, sum)| (*client, sum.total())).collect::<Vec<_>>(),
            [("a", 2), ("b", 4)]
        );
    }

    #[test]
    fn the_requests_of_a_day_are_those_of_the_clients_that_count() {
        let mut history = History::default();
        history.replace(day(1), day(3), fold(&[(day(1), "a", 1), (day(1), "b", 2), (day(3), "b", 4)]));
        history.names.insert("b".to_owned(), (day(1), "purecloud-b".to_owned()));
        let daily = |is_left_out: fn(&str) -> bool| history.daily(day(1), day(9), is_left_out);
        assert_eq!(
            daily(|_| false),
            [(day(1), 3), (day(2), 0), (day(3), 4)],
            "a day that was read may be empty"
        );
        assert_eq!(
            daily(|name| name.starts_with("purecloud")),
            [(day(1), 1), (day(2), 0), (day(3), 0)],
            "who has no name counts"
        );
    }

    #[test]
    fn a_changed_day_is_restated_once_and_a_new_day_is_not() {
        let mut history = History::default();
        assert_eq!(history.replace(day(1), day(2), fold(&[(day(1), "a", 1), (day(2), "a", 2)])), []);
        assert_eq!(history.replace(day(1), day(2), fold(&[(day(1), "a", 1), (day(2), "a", 2)])), []);
        assert_eq!(history.replace(day(2), day(3), fold(&[(day(2), "a", 3), (day(3), "a", 9)])), [day(2)]);
        assert_eq!(history.window(day(1), day(3))["a"].total(), 13, "the new figure replaces the old one");
        assert_eq!(
            history.replace(day(3), day(3), fold(&[])),
            [day(3)],
            "rows that vanish are a restatement too"
        );
    }

    #[test]
    fn who_was_active_is_remembered_when_the_day_is_forgotten() {
        let mut history = History::default();
        history.replace(day(1), day(2), fold(&[(day(1), "a", 1), (day(2), "idle", 0)]));
        history.forget_before(day(2), day(1));
        assert_eq!(history.last_active(day(1)).collect::<Vec<_>>(), [("a", day(1))]);
        assert_eq!(history.last_active(day(2)).count(), 0);
        assert!(history.window(day(1), day(1)).is_empty());
    }

    #[test]
    fn forgotten_days_are_not_covered_any_more_but_have_been_looked_at() {
        let mut history = History::default();
        let day = |day| date(2026, 11, day);
        history.replace(day(1), day(20), Fold::new(day(1)..=day(20), Party::Client));
        history.forget_before(day(15), day(1));
        assert_eq!(history.covered(), Some((day(15), day(20))));
        assert_eq!(history.looked_back_to(), Some(day(1)));
    }
}
