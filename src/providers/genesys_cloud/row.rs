//! A usage row, as either API sends it.
//!
//! The legacy API has `clientId`, `clientName` and `requests` where the jobs API has `oauthClient` and `requestCount`; all else
//! has the same name. Every field may be missing, null or empty.

use serde::Deserialize;

use super::counts::StatusCounts;
use super::wire::{Count, Text};

/// One row of a usage answer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Row<'a> {
    #[serde(borrow)]
    pub(super) date: Text<'a>,
    #[serde(borrow)]
    pub(super) http_method: Text<'a>,
    #[serde(borrow)]
    pub(super) template_uri: Text<'a>,
    #[serde(borrow)]
    pub(super) organization_id: Text<'a>,
    #[serde(borrow)]
    client_id: Text<'a>,
    #[serde(borrow)]
    client_name: Text<'a>,
    #[serde(borrow)]
    oauth_client: Option<Reference<'a>>,
    status200: Count,
    status300: Count,
    status400: Count,
    status429: Count,
    status500: Count,
    requests: Count,
    request_count: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reference<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
}

impl Row<'_> {
    /// The client's id, if the row has one.
    pub(super) fn client_id(&self) -> Option<&str> {
        self.client_id.get().or_else(|| self.oauth_client.as_ref()?.id.get())
    }

    /// The client's name, if the row has one.
    pub(super) fn client_name(&self) -> Option<&str> {
        self.client_name.get().or_else(|| self.oauth_client.as_ref()?.name.get())
    }

    /// The requests by disjoint classes. Genesys Cloud documents `status429` as part of `status400` for one API and is silent
    /// for the other, so the total decides: it tells whether 429 was counted in or beside.
    pub(super) fn counts(&self) -> StatusCounts {
        let [s200, s300, s400, s429, s500] =
            [self.status200, self.status300, self.status400, self.status429, self.status500]
                .map(|count| count.0);
        let sum = [s200, s300, s400, s500].into_iter().flatten().fold(0, u64::saturating_add);
        let throttled = s429.unwrap_or(0);
        let total = self.requests.0.or(self.request_count.0);
        let inside = match total {
            Some(requests) if requests == sum => true,
            Some(requests) if requests == sum.saturating_add(throttled) => false,
            _ => s400.is_some_and(|s400| s400 >= throttled),
        };
        let s4xx = s400.map(|s400| if inside { s400.saturating_sub(throttled) } else { s400 });
        let known = [s200, s300, s4xx, s429, s500];
        let known_sum = known.into_iter().flatten().fold(0, u64::saturating_add);
        let other = total.map(|requests| requests.saturating_sub(known_sum));
        StatusCounts([s200, s300, s4xx, s429, s500, other])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(json: &str) -> Vec<(&'static str, u64)> {
        serde_json::from_str::<Row>(json).unwrap().counts().known().collect()
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
        let row: Row = serde_json::from_str(
            r#"{"status200":0,"status300":0,"status400":0,"status429":0,"status500":0,"requests":0}"#,
        )
        .unwrap();
        let shown: Vec<_> = row.counts().shown().collect();
        assert_eq!(shown, [("2xx", 0), ("429", 0), ("5xx", 0)]);
    }

    #[test]
    fn both_apis_rows_are_understood() {
        let legacy = r#"{"clientId":"id-1","clientName":"nightly-sync","organizationId":"","userId":"",
            "templateUri":"api/v2/routing/queues","httpMethod":"","status200":6,"status300":0,"status400":2,
            "status500":0,"status429":1,"requests":8,"date":"2026-11-19T00:00:00Z"}"#;
        let jobs = r#"{"oauthClient":{"id":"id-1","name":"nightly-sync","selfUri":"/x"},"user":null,"platform":"x",
            "templateUri":"api/v2/routing/queues","status200":6,"status300":0,"status400":2,
            "status500":0,"status429":1,"requestCount":8,"date":"2026-11-19"}"#;
        for json in [legacy, jobs] {
            let row: Row = serde_json::from_str(json).unwrap();
            assert_eq!((row.client_id(), row.client_name()), (Some("id-1"), Some("nightly-sync")));
            assert_eq!(
                (row.http_method.get(), row.template_uri.get()),
                (None, Some("api/v2/routing/queues"))
            );
            assert_eq!(row.counts().total(), 8);
        }
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
            let row = Row {
                status200: Count(Some(s200)), status300: Count(Some(s300)), status400: Count(Some(s400)),
                status429: Count(Some(s429)), status500: Count(Some(s500)), requests: Count(Some(requests)), ..Row::default()
            };
            let counts = row.counts();
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
            let row = Row { status200, status300, status400, status429, status500, requests, ..Row::default() };
            let mut counts = row.counts();
            counts.add(&counts.clone());
            let _ = counts.total();
        }
    }
}
