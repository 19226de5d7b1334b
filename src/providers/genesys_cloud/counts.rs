//! Requests by status class. The classes are disjoint and sum to the vendor's total.

use serde::Deserialize;

use super::wire::Count;

/// The label values of `status`, in the order of [`StatusCounts`].
pub(super) const STATUSES: [&str; 6] = ["2xx", "3xx", "4xx", "429", "5xx", "other"];

/// The classes that an active client shows even at zero, so that a rate of throttling or errors can be computed.
const ALWAYS_SHOWN: [&str; 3] = ["2xx", "429", "5xx"];

/// The counts of one usage row, of whichever API.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RowCounts {
    status200: Count,
    status300: Count,
    status400: Count,
    status429: Count,
    status500: Count,
    /// `requestCount` in the jobs API.
    #[serde(alias = "requestCount")]
    requests: Count,
}

/// Requests of each class; `None` where the vendor did not say, which is not zero.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct StatusCounts([Option<u64>; STATUSES.len()]);

impl RowCounts {
    /// Makes the classes disjoint. Genesys Cloud documents `status429` as part of `status400` for one API and is silent for the
    /// other, so the total decides: it tells whether 429 was counted in or beside.
    pub(super) fn disjoint(self) -> StatusCounts {
        let [s200, s300, s400, s429, s500] =
            [self.status200, self.status300, self.status400, self.status429, self.status500]
                .map(|count| count.0);
        let sum = [s200, s300, s400, s500].into_iter().flatten().fold(0, u64::saturating_add);
        let throttled = s429.unwrap_or(0);
        let inside = match self.requests.0 {
            Some(requests) if requests == sum => true,
            Some(requests) if requests == sum.saturating_add(throttled) => false,
            _ => s400.is_some_and(|s400| s400 >= throttled),
        };
        let s4xx = s400.map(|s400| if inside { s400.saturating_sub(throttled) } else { s400 });
        let known = [s200, s300, s4xx, s429, s500];
        let known_sum = known.into_iter().flatten().fold(0, u64::saturating_add);
        let other = self.requests.0.map(|requests| requests.saturating_sub(known_sum));
        StatusCounts([s200, s300, s4xx, s429, s500, other])
    }
}

impl StatusCounts {
    /// Adds the counts of another row; unknown and known is known.
    pub(super) fn add(&mut self, more: &Self) {
        for (sum, more) in self.0.iter_mut().zip(more.0) {
            *sum = match (*sum, more) {
                (Some(a), Some(b)) => Some(a.saturating_add(b)),
                (a, b) => a.or(b),
            };
        }
    }

    /// All requests.
    pub(super) fn total(&self) -> u64 {
        self.0.into_iter().flatten().fold(0, u64::saturating_add)
    }

    /// The classes with at least one request.
    pub(super) fn above_zero(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.known().filter(|(_, count)| *count > 0)
    }

    /// The classes that a client with rows shows.
    pub(super) fn shown(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.known().filter(|(status, count)| *count > 0 || ALWAYS_SHOWN.contains(status))
    }

    fn known(&self) -> impl Iterator<Item = (&'static str, u64)> {
        STATUSES.into_iter().zip(self.0).filter_map(|(status, count)| Some((status, count?)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(json: &str) -> Vec<(&'static str, u64)> {
        serde_json::from_str::<RowCounts>(json).unwrap().disjoint().known().collect()
    }

    #[test]
    fn throttled_requests_inside_400_are_taken_out_of_4xx() {
        assert_eq!(
            counts(r#"{"status200":6,"status300":0,"status400":2,"status500":0,"status429":1,"requests":8}"#),
            [("2xx", 6), ("3xx", 0), ("4xx", 1), ("429", 1), ("5xx", 0), ("other", 0)]
        );
    }

    #[test]
    fn throttled_requests_beside_400_leave_4xx_alone() {
        assert_eq!(
            counts(r#"{"status200":6,"status400":2,"status429":1,"requestCount":9}"#),
            [("2xx", 6), ("4xx", 2), ("429", 1), ("other", 0)]
        );
    }

    #[test]
    fn requests_without_a_class_are_other() {
        assert_eq!(
            counts(r#"{"status200":6,"status429":0,"requests":10}"#),
            [("2xx", 6), ("429", 0), ("other", 4)]
        );
        assert_eq!(counts(r#"{"requests":10}"#), [("other", 10)]);
    }

    #[test]
    fn a_class_the_vendor_did_not_send_has_no_value() {
        assert_eq!(counts(r#"{"status200":3,"status500":null}"#), [("2xx", 3)]);
    }

    #[test]
    fn an_active_client_shows_success_throttling_and_errors_even_at_zero() {
        let row: RowCounts = serde_json::from_str(
            r#"{"status200":0,"status300":0,"status400":0,"status429":0,"status500":0,"requests":0}"#,
        )
        .unwrap();
        let shown: Vec<_> = row.disjoint().shown().collect();
        assert_eq!(shown, [("2xx", 0), ("429", 0), ("5xx", 0)]);
    }

    proptest! {
        #[test]
        fn the_classes_sum_to_the_total_whichever_way_429_is_counted(
            s200 in 0..1_000_000_u64, s300 in 0..1000_u64, plain400 in 0..1000_u64, s429 in 0..1000_u64,
            s500 in 0..1000_u64, unclassified in 0..2_u64, inside: bool,
        ) {
            let s400 = if inside { plain400 + s429 } else { plain400 };
            // A total that is off by exactly the throttled requests would say the opposite.
            prop_assume!(unclassified == 0 || unclassified != s429);
            let requests = s200 + s300 + plain400 + s429 + s500 + unclassified;
            let row = RowCounts {
                status200: Count(Some(s200)), status300: Count(Some(s300)), status400: Count(Some(s400)),
                status429: Count(Some(s429)), status500: Count(Some(s500)), requests: Count(Some(requests)),
            };
            let counts = row.disjoint();
            if inside || unclassified == 0 {
                prop_assert_eq!(counts.total(), requests);
                prop_assert_eq!(counts.0[2], Some(plain400));
                prop_assert_eq!(counts.0[5], Some(unclassified));
            }
            prop_assert!(counts.total() >= requests.min(s200 + s300 + s400 + s500));
        }

        #[test]
        fn no_counts_make_it_panic(values in prop::array::uniform6(prop::option::of(any::<u64>()))) {
            let [status200, status300, status400, status429, status500, requests] = values.map(Count);
            let row = RowCounts { status200, status300, status400, status429, status500, requests };
            let mut counts = row.disjoint();
            counts.add(&counts.clone());
            let _ = counts.total();
        }
    }
}
