//! The `limits` collector: how many requests a minute the vendor allows, by
//! `/api/v2/organizations/limits/namespaces/platform.api`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::wire::Count;
use crate::catalogue::genesys_cloud as catalogue;
use crate::clock::Clock;
use crate::collector::Collector;
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
    entities: Vec<Value>,
}

#[derive(Deserialize)]
struct Entity {
    key: String,
    #[serde(default)]
    value: Count,
}

/// The limits of an answer.
#[derive(Debug, Default, PartialEq, Eq)]
struct Limits {
    /// Requests by key. One key has one limit, however often it stands there.
    by_minute: BTreeMap<String, u64>,
    invalid_entries: u64,
}

impl Answer {
    fn limits(self) -> Result<Limits, Failure> {
        let mut limits = Limits::default();
        let entries = self.entities.len() as u64;
        for entity in self.entities {
            match serde_json::from_value(entity) {
                Ok(Entity { key, value: Count(Some(value)) }) if key.ends_with(BY_MINUTE) => {
                    limits.by_minute.insert(key, value);
                }
                Ok(Entity { key, .. }) if !key.is_empty() => {}
                _ => limits.invalid_entries += 1,
            }
        }
        if entries > 0 && limits.invalid_entries == entries {
            let message = format!("none of the {entries} limits can be understood");
            return Err(Failure::new(Reason::Decode, message));
        }
        Ok(limits)
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

    async fn collect(&mut self) -> Result<Reading, CollectError> {
        let path = ["api", "v2", "organizations", "limits", "namespaces", NAMESPACE];
        let answer: Answer = self.client.json(&Call::get("getEffectiveLimits", &path)).await?;
        let Limits { by_minute, invalid_entries } = answer.limits()?;
        let mut reading = Reading {
            data_through: Some(self.clock.now()),
            invalid_rows: invalid_entries,
            ..Reading::default()
        };
        for (key, requests) in &by_minute {
            reading.samples.push(&catalogue::RATE_LIMIT_REQUESTS_PER_MINUTE, [key], *requests as f64);
        }
        Ok(reading)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn limits(entities: &Value) -> Result<Limits, Failure> {
        serde_json::from_value::<Answer>(json!({"entities": entities})).unwrap().limits()
    }

    #[test]
    fn only_limits_by_minute_are_taken_under_their_full_key() {
        let limits = limits(&json!([
            {"key": "client.credentials.token.rate.per.minute", "namespace": "platform.api", "value": 300},
            {"key": "token.rate.per.minute", "value": "180"},
            {"key": "org.app.user.rate.per.minute", "value": null},
            {"key": "request.bytes.max", "value": 512_000},
        ]));
        let expected = [("client.credentials.token.rate.per.minute", 300), ("token.rate.per.minute", 180)];
        let by_minute = expected.map(|(key, value)| (key.to_owned(), value)).into();
        assert_eq!(limits, Ok(Limits { by_minute, invalid_entries: 0 }));
    }

    #[test]
    fn entries_that_cannot_be_understood_are_counted_and_not_believed_to_be_all() {
        let odd = [
            json!(null),
            json!({"value": 1}),
            json!({"key": ""}),
            json!({"key": "x.rate.per.minute", "value": -1}),
        ];
        let with_good = [&odd[..], &[json!({"key": "x.rate.per.minute", "value": 5})]].concat();
        assert_eq!(limits(&with_good.into()).unwrap().invalid_entries, 4);
        assert_eq!(limits(&odd.to_vec().into()).unwrap_err().reason, Reason::Decode);
        assert_eq!(limits(&json!([])), Ok(Limits::default()));
    }

    #[test]
    fn an_answer_without_entities_is_not_an_empty_list() {
        assert!(serde_json::from_value::<Answer>(json!({"message": "down for maintenance"})).is_err());
    }

    proptest! {
        #[test]
        fn every_entry_is_a_limit_or_nothing_or_invalid(
            entities in prop::collection::vec(prop_oneof![
                ("[a-c]", any::<u32>()).prop_map(|(key, value)| json!({"key": format!("{key}.rate.per.minute"), "value": value})),
                any::<String>().prop_map(|key| json!({"key": key, "value": key})),
                any::<i64>().prop_map(Value::from),
            ], 0..20),
        ) {
            let count = entities.len() as u64;
            match limits(&entities.into()) {
                Ok(limits) => prop_assert!(limits.by_minute.len() as u64 + limits.invalid_entries <= count),
                Err(failure) => prop_assert_eq!(failure.reason, Reason::Decode),
            }
        }
    }
}
