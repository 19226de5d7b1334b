//! The `limits` collector: how many requests a minute the vendor allows, by
//! `/api/v2/organizations/limits/namespaces/platform.api`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::wire::{Count, Lenient};
use crate::catalogue::genesys_cloud as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, PendingJobs};
use crate::model::{CollectError, Failure, Reading, Reason};
use crate::rest::{Call, Client};

/// Where the limits of the API stand.
const NAMESPACE: &str = "platform.api";

/// How the keys of limits by minute end; others count bytes or something else.
const BY_MINUTE: &str = ".rate.per.minute";

/// The collector.
pub(super) struct LimitsCollector {
    client: Arc<Client>,
    clock: Clock,
}

#[derive(Deserialize)]
struct Answer {
    // With a function of its own the list must be there: another answer is not an empty one.
    #[serde(deserialize_with = "Lenient::deserialize")]
    entities: Lenient<Entity>,
}

#[derive(Deserialize)]
struct Entity {
    key: String,
    #[serde(default)]
    value: Count,
}

impl Answer {
    /// The limits by minute; of a key that stands there twice the last one.
    fn by_minute(&self) -> Result<BTreeMap<&str, u64>, Failure> {
        let Lenient { entries, invalid } = &self.entities;
        if entries.is_empty() && *invalid > 0 {
            let message = format!("none of the {invalid} limits can be understood");
            return Err(Failure::new(Reason::Decode, message));
        }
        let by_minute = entries.iter().filter(|limit| limit.key.ends_with(BY_MINUTE));
        Ok(by_minute.filter_map(|limit| Some((limit.key.as_str(), limit.value.0?))).collect())
    }
}

impl LimitsCollector {
    pub(super) fn new(client: Arc<Client>, clock: Clock) -> Self {
        Self { client, clock }
    }
}

impl Collector for LimitsCollector {
    fn name(&self) -> &'static str {
        "limits"
    }

    async fn collect(&mut self, _: &PendingJobs) -> Result<Reading, CollectError> {
        let path = ["api", "v2", "organizations", "limits", "namespaces", NAMESPACE];
        let answer: Answer = self.client.json(&Call::get("getEffectiveLimits", &path)).await?;
        let mut reading = Reading {
            data_through: Some(self.clock.now()),
            invalid_rows: answer.entities.invalid,
            ..Reading::default()
        };
        for (key, requests) in answer.by_minute()? {
            reading.samples.push(&catalogue::RATE_LIMIT_REQUESTS_PER_MINUTE, [key], requests as f64);
        }
        Ok(reading)
    }
}

#[cfg(any(test, fuzzing))]
/// For [`crate::fuzzing`]: the figures of an answer.
pub(super) fn figures(body: &[u8]) -> Option<Vec<f64>> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    Some(answer.by_minute().ok()?.into_values().map(|limit| limit as f64).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn answer(entities: &Value) -> Answer {
        serde_json::from_value(json!({"entities": entities})).unwrap()
    }

    #[test]
    fn only_limits_by_minute_are_taken_under_their_full_key() {
        let answer = answer(&json!([
            {"key": "client.credentials.token.rate.per.minute", "namespace": "platform.api", "value": 300},
            {"key": "token.rate.per.minute", "value": "180"},
            {"key": "org.app.user.rate.per.minute", "value": null},
            {"key": "request.bytes.max", "value": 512_000},
        ]));
        let by_minute: Vec<_> = answer.by_minute().unwrap().into_iter().collect();
        assert_eq!(
            by_minute,
            [("client.credentials.token.rate.per.minute", 300), ("token.rate.per.minute", 180)]
        );
        assert_eq!(answer.entities.invalid, 0);
    }

    #[test]
    fn entries_that_cannot_be_understood_are_counted_and_not_believed_to_be_all() {
        let odd = [json!(null), json!({"value": 1}), json!({"key": "x.rate.per.minute", "value": -1})];
        let with_good = [&odd[..], &[json!({"key": "x.rate.per.minute", "value": 5})]].concat();
        let with_good = answer(&with_good.into());
        assert_eq!((with_good.entities.invalid, with_good.by_minute().unwrap()["x.rate.per.minute"]), (3, 5));
        assert_eq!(answer(&odd.to_vec().into()).by_minute().unwrap_err().reason, Reason::Decode);
        assert!(answer(&json!([])).by_minute().unwrap().is_empty());
    }

    #[test]
    fn an_answer_without_entities_is_not_an_empty_list() {
        assert!(serde_json::from_value::<Answer>(json!({"message": "down for maintenance"})).is_err());
    }

    proptest! {
        #[test]
        fn every_entry_is_a_limit_or_another_one_or_invalid(
            entities in prop::collection::vec(prop_oneof![
                ("[a-c]", any::<u32>()).prop_map(|(key, value)| json!({"key": format!("{key}.rate.per.minute"), "value": value})),
                any::<String>().prop_map(|key| json!({"key": key, "value": key})),
                any::<i64>().prop_map(Value::from),
            ], 0..20),
        ) {
            let count = entities.len();
            let answer = answer(&entities.into());
            match answer.by_minute() {
                Ok(limits) => prop_assert!(limits.len() <= answer.entities.entries.len()),
                Err(failure) => prop_assert_eq!(failure.reason, Reason::Decode),
            }
            prop_assert_eq!(answer.entities.entries.len() as u64 + answer.entities.invalid, count as u64);
        }
    }
}
