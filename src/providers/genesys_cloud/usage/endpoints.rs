//! The detail of one day: its largest endpoints, and all others folded so that every sum stays right.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::fold::Cell;
use crate::catalogue::genesys_cloud::ENDPOINT_LAST_DAY_REQUESTS;
use crate::model::{Folded, Samples};
use crate::providers::genesys_cloud::counts::StatusCounts;

/// The method and the URI template of what is folded.
const OTHER: &str = "other";

/// The endpoints of one day, ranked and folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoints {
    /// Client, method, URI template.
    kept: Vec<(String, String, String, StatusCounts)>,
    /// The rest, by client.
    other: BTreeMap<String, StatusCounts>,
}

impl Endpoints {
    /// Keeps the `largest` endpoints of `cells`, which are of one day, by their requests.
    pub(super) fn rank(cells: HashMap<Cell, StatusCounts>, largest: usize) -> Self {
        let mut ranked: Vec<(Cell, StatusCounts)> = cells.into_iter().collect();
        // Equal endpoints are ranked by name, so that the same ones are kept each time.
        ranked.sort_unstable_by(|a, b| (Reverse(a.1.total()), &a.0).cmp(&(Reverse(b.1.total()), &b.0)));
        let rest = ranked.split_off(largest.min(ranked.len()));
        let mut other: BTreeMap<String, StatusCounts> = BTreeMap::new();
        for (cell, counts) in rest {
            other.entry(cell.client_id).or_default().add(&counts);
        }
        let kept = ranked
            .into_iter()
            .map(|(cell, counts)| (cell.client_id, cell.method, cell.template_uri, counts))
            .collect();
        Self { kept, other }
    }

    /// Adds the samples; zeros are left out.
    pub(super) fn push(&self, samples: &mut Samples) {
        let folded = self.other.iter().map(|(client_id, counts)| (client_id.as_str(), OTHER, OTHER, counts));
        let kept = self.kept.iter().map(|(client_id, method, uri, counts)| {
            (client_id.as_str(), method.as_str(), uri.as_str(), counts)
        });
        for (client_id, method, template_uri, counts) in kept.chain(folded) {
            for (status, requests) in counts.above_zero() {
                samples.push(
                    &ENDPOINT_LAST_DAY_REQUESTS,
                    [client_id, method, template_uri, status],
                    requests as f64,
                );
            }
        }
    }

    /// How much is folded.
    pub(super) fn folded(&self) -> Folded {
        let other = self.other.values().map(StatusCounts::total).sum();
        Folded { other, total: other + self.kept.iter().map(|(.., counts)| counts.total()).sum::<u64>() }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::providers::genesys_cloud::row::Row;

    fn cells(rows: &[(u8, u8, u64, u64)]) -> HashMap<Cell, StatusCounts> {
        let mut cells: HashMap<Cell, StatusCounts> = HashMap::new();
        for (client, endpoint, good, throttled) in rows {
            let cell = Cell {
                day: date(2026, 11, 19),
                client_id: format!("client-{client}"),
                method: "GET".into(),
                template_uri: format!("api/v2/{endpoint}"),
            };
            let total = good + throttled;
            let json = format!(
                r#"{{"status200":{good},"status400":{throttled},"status429":{throttled},"requests":{total}}}"#
            );
            let row: Row = serde_json::from_str(&json).unwrap();
            cells.entry(cell).or_default().add(&row.counts());
        }
        cells
    }

    /// Sums of the samples by (client, status), read from their labels.
    fn sums(endpoints: &Endpoints) -> BTreeMap<(String, String), f64> {
        let mut samples = Samples::default();
        endpoints.push(&mut samples);
        let mut sums = BTreeMap::new();
        for table in samples.tables() {
            for row in 0..table.len() {
                let labels: Vec<&str> = table.labels(row).collect();
                *sums.entry((labels[0].to_owned(), labels[3].to_owned())).or_default() += table.value(row);
            }
        }
        sums
    }

    #[test]
    fn the_largest_are_kept_and_the_rest_is_other() {
        let endpoints = Endpoints::rank(cells(&[(1, 1, 5, 0), (1, 2, 9, 0), (2, 1, 7, 1)]), 2);
        let kept: Vec<_> =
            endpoints.kept.iter().map(|(client, _, uri, _)| (client.as_str(), uri.as_str())).collect();
        assert_eq!(kept, [("client-1", "api/v2/2"), ("client-2", "api/v2/1")]);
        assert_eq!(endpoints.folded(), Folded { other: 5, total: 22 });
    }

    proptest! {
        #[test]
        fn folding_changes_no_sum_of_a_client_and_status(
            rows in prop::collection::vec((0_u8..4, 0_u8..20, 0_u64..1000, 0_u64..50), 0..60), largest in 0_usize..40,
        ) {
            let all = Endpoints::rank(cells(&rows), usize::MAX);
            let some = Endpoints::rank(cells(&rows), largest);
            prop_assert_eq!(sums(&all), sums(&some));
            prop_assert!(some.kept.len() <= largest);
            prop_assert_eq!(all.folded().other, 0);
            prop_assert_eq!(all.folded().total, some.folded().total);
        }
    }
}
