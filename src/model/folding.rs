//! Folding: keeping the largest groups of a family, and the sum of all others, so that sums stay right while series stay few.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::samples::{Samples, Table};
use super::sum::Sum;
use crate::catalogue::Gauge;

/// The value of the folded labels of what is folded.
pub const OTHER: &str = "other";

/// The label that does not tell groups apart: an endpoint is kept with all of its status classes, or with none.
const WITHIN_GROUP: &str = "status";

/// How much stands in folded series.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Folded {
    /// The sum of the values that stand in `other` series, credits counted as what they amount to.
    pub other: u64,
    /// The same sum of all values of families that can be folded.
    pub total: u64,
}

impl Folded {
    /// The folded share, from 0 to 1.
    #[must_use]
    pub fn ratio(self) -> f64 {
        if self.total == 0 { 0.0 } else { self.other as f64 / self.total as f64 }
    }
}

impl std::ops::Add for Folded {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self { other: self.other.saturating_add(more.other), total: self.total.saturating_add(more.total) }
    }
}

impl Samples {
    /// Keeps the `largest` groups of a family that [folds](crate::catalogue::Family::folds), and sums up the rest as [`OTHER`].
    pub fn keep_largest<const N: usize>(&mut self, gauge: &'static Gauge<N>, largest: usize) {
        let position = self.position(&gauge.family);
        self.tables[position].keep_largest(largest);
    }

    /// Folds as much as is needed, the largest families first, to have at most `room` samples; less is not always possible.
    pub fn shrink_to(&mut self, room: usize) {
        let mut order: Vec<usize> = (0..self.tables.len()).filter(|at| self.tables[*at].folds()).collect();
        order.sort_by_key(|at| Reverse(self.tables[*at].len()));
        for at in order {
            let others = self.len() - self.tables[at].len();
            if others + self.tables[at].len() > room {
                self.tables[at].shrink_to(room.saturating_sub(others));
            }
        }
    }

    /// How much is folded.
    #[must_use]
    pub fn folded(&self) -> Folded {
        let tables = self.tables.iter().filter(|table| table.folds());
        tables.map(Table::folded).fold(Folded::default(), std::ops::Add::add)
    }
}

impl Table {
    fn folds(&self) -> bool {
        !self.family().folds.is_empty()
    }

    fn is_folding(&self, label: &str) -> bool {
        self.family().folds.contains(&label)
    }

    fn is_other(&self, row: usize) -> bool {
        let mut labels = self.family().labels.iter().zip(self.labels(row));
        labels.any(|(name, value)| self.is_folding(name) && value == OTHER)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share needs no fractions")]
    fn folded(&self) -> Folded {
        let sum =
            |rows: &mut dyn Iterator<Item = usize>| rows.map(|row| self.value(row).abs()).sum::<f64>() as u64;
        Folded {
            other: sum(&mut (0..self.len()).filter(|row| self.is_other(*row))),
            total: sum(&mut (0..self.len())),
        }
    }

    /// The rows of each group, the group with the largest sum first, be it a credit. What is folded already is no group.
    fn ranked(&self) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<Vec<&str>, (f64, Vec<usize>)> = BTreeMap::new();
        for row in (0..self.len()).filter(|row| !self.is_other(*row)) {
            let labels = self.family().labels.iter().zip(self.labels(row));
            let key = labels.filter(|(name, _)| **name != WITHIN_GROUP).map(|(_, value)| value).collect();
            let (sum, rows) = groups.entry(key).or_default();
            *sum += self.value(row).abs();
            rows.push(row);
        }
        let mut ranked: Vec<(f64, Vec<usize>)> = groups.into_values().collect();
        // A stable sort: equal groups stay in the order of their names, so that the same ones are kept each time.
        ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
        ranked.into_iter().map(|(_, rows)| rows).collect()
    }

    fn keep_largest(&mut self, largest: usize) {
        let ranked = self.ranked();
        if ranked.len() > largest {
            *self = self.with_only(&ranked[..largest]);
        }
    }

    fn shrink_to(&mut self, room: usize) {
        let ranked = self.ranked();
        let fits = |groups: usize| self.with_only(&ranked[..groups]).len() <= room;
        // A group more never makes fewer series, so the most that fit can be searched for by halves.
        let (mut fitting, mut too_many) = (0, ranked.len() + 1);
        while too_many - fitting > 1 {
            let middle = usize::midpoint(fitting, too_many);
            if fits(middle) { fitting = middle } else { too_many = middle }
        }
        *self = self.with_only(&ranked[..fitting]);
    }

    /// A table of these groups, with the sum of all other rows as [`OTHER`].
    fn with_only(&self, groups: &[Vec<usize>]) -> Self {
        let mut table = Self::new(self.family());
        let mut is_kept = vec![false; self.len()];
        for row in groups.iter().flatten().copied() {
            is_kept[row] = true;
            table.push(self.labels(row), self.value(row));
        }
        let mut rest: BTreeMap<Vec<&str>, Sum> = BTreeMap::new();
        for row in (0..self.len()).filter(|row| !is_kept[*row]) {
            let labels = self.family().labels.iter().zip(self.labels(row));
            let labels = labels.map(|(name, value)| if self.is_folding(name) { OTHER } else { value });
            rest.entry(labels.collect()).or_default().add(self.value(row));
        }
        for (labels, sum) in rest {
            table.push(labels, sum.value());
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::genesys_cloud::{
        CLIENT_LAST_DAY_REQUESTS, ENDPOINT_LAST_DAY_REQUESTS as ENDPOINTS,
    };
    use crate::catalogue::talkdesk::USAGE_AMOUNT;

    /// Client, endpoint, good, throttled.
    fn samples(rows: &[(u8, u8, u16, u8)]) -> Samples {
        let mut samples = Samples::default();
        let mut sums: BTreeMap<(u8, u8, &str), u64> = BTreeMap::new();
        for (client, endpoint, good, throttled) in rows {
            *sums.entry((*client, *endpoint, "2xx")).or_default() += u64::from(*good);
            *sums.entry((*client, *endpoint, "429")).or_default() += u64::from(*throttled);
        }
        for ((client, endpoint, status), value) in sums {
            let labels = [&format!("client-{client}"), "GET", &format!("api/v2/{endpoint}"), status];
            samples.push(&ENDPOINTS, labels, value as f64);
        }
        samples
    }

    fn sums(samples: &Samples) -> BTreeMap<(String, String), f64> {
        let mut sums = BTreeMap::new();
        for table in samples.tables() {
            for row in 0..table.len() {
                let labels: Vec<&str> = table.labels(row).collect();
                *sums.entry((labels[0].to_owned(), labels[3].to_owned())).or_default() += table.value(row);
            }
        }
        sums
    }

    fn kept(samples: &Samples) -> Vec<(String, String)> {
        let table = &samples.tables()[0];
        let labels = (0..table.len()).map(|row| table.labels(row).collect::<Vec<_>>());
        labels.map(|labels| (labels[0].to_owned(), labels[2].to_owned())).collect()
    }

    #[test]
    fn the_largest_are_kept_and_the_rest_is_other() {
        let mut samples = samples(&[(1, 1, 5, 0), (1, 2, 9, 0), (2, 1, 7, 1)]);
        samples.keep_largest(&ENDPOINTS, 2);
        let kept = kept(&samples);
        assert!(kept.contains(&("client-1".into(), "api/v2/2".into())), "{kept:?}");
        assert!(kept.contains(&("client-2".into(), "api/v2/1".into())), "{kept:?}");
        assert!(!kept.contains(&("client-1".into(), "api/v2/1".into())), "{kept:?}");
        assert_eq!(samples.folded(), Folded { other: 5, total: 22 });
    }

    #[test]
    fn a_large_credit_is_kept_and_the_folded_share_stays_a_share() {
        let mut samples = Samples::default();
        for (product, amount) in [("credit", -100.0), ("calls", 60.0), ("numbers", 40.0)] {
            samples.push(&USAGE_AMOUNT, ["acc", product, "CALL", "USD", "", "2026-11"], amount);
        }
        samples.keep_largest(&USAGE_AMOUNT, 1);
        let table = &samples.tables()[0];
        assert_eq!(table.labels(0).nth(1), Some("credit"));
        assert_eq!(samples.folded(), Folded { other: 100, total: 200 });
    }

    #[test]
    fn nothing_folded_of_nothing_is_zero() {
        assert!(Samples::default().folded().ratio().abs() < f64::EPSILON);
    }

    #[test]
    fn what_does_not_fold_is_left_alone() {
        let mut samples = samples(&[(1, 1, 5, 0), (1, 2, 9, 0)]);
        samples.push(&CLIENT_LAST_DAY_REQUESTS, ["client-1", "2xx", "counted"], 14.0);
        samples.shrink_to(0);
        // One sample that cannot be folded, and the sums by status of the one client.
        assert_eq!(samples.len(), 3);
    }

    proptest! {
        #[test]
        fn folding_changes_no_sum_of_a_client_and_status(
            rows in prop::collection::vec((0_u8..4, 0_u8..20, 0_u16..1000, 0_u8..50), 0..60), largest in 0_usize..40,
        ) {
            let all = samples(&rows);
            let mut some = all.clone();
            some.keep_largest(&ENDPOINTS, largest);
            prop_assert_eq!(sums(&all), sums(&some));
            prop_assert_eq!(all.folded().total, some.folded().total);
            prop_assert_eq!(all.folded().other, 0);
        }

        #[test]
        fn shrinking_finds_the_room_that_there_is(
            rows in prop::collection::vec((0_u8..4, 0_u8..20, 0_u16..1000, 0_u8..50), 0..60), room in 0_usize..200,
        ) {
            let all = samples(&rows);
            let mut some = all.clone();
            some.shrink_to(room);
            let mut least = all.clone();
            least.keep_largest(&ENDPOINTS, 0);
            prop_assert_eq!(sums(&all), sums(&some));
            prop_assert!(some.len() <= room.max(least.len()));
            prop_assert!(all.len() > room || some.len() == all.len());
        }
    }
}
