//! Which rate limits were nearly reached.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Session;
use super::body::Body;
use super::cast::Habit;
use super::day::Day;
use super::refusal::Refusal;
use super::world::Client;
use crate::simulator::answer::Answer;
use crate::simulator::exchange::Call;

const METRIC: &str = "oRateLimitRecorded";
const DIMENSIONS: [&str; 7] =
    ["correlationId", "entityId", "limitName", "max", "namespace", "timeUnit", "userId"];
/// The only granularity beside the whole interval: what else the vendor takes is not documented.
const DAILY: &str = "P1D";

/// `queryRateLimitAggregates`
pub(super) fn query(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let body = Body::read(call)?;
    body.only(&["interval", "granularity", "timeZone", "groupBy", "metrics"])?;
    if body.choices("metrics", &[METRIC])?.is_empty() {
        return Err(Refusal::bad("bad.request", "The property [metrics] is required."));
    }
    let groups = body.choices("groupBy", &DIMENSIONS)?;
    let daily = body.text("granularity", Some(&[DAILY]))?.is_some();
    let (start, end) = body.interval()?;
    let days = std::iter::successors(Some(Day::of(start)), |day| Some(day.plus(1)));
    let days: Vec<Day> = days.take_while(|day| day.midnight() < end && day.midnight() <= call.now).collect();
    let world = &session.organization.world;
    let max = session.vendor.access.requests_per_minute();
    // By group, then by bucket: how often a limit was nearly reached.
    let mut counts: BTreeMap<BTreeMap<&str, String>, BTreeMap<String, u64>> = BTreeMap::new();
    for client in world.clients.iter().filter(|client| client.habit == Habit::Throttled) {
        let group = group(client, max, &groups);
        for day in days.iter().filter(|day| world.volume(client, **day) > 0.0) {
            let bucket = if daily {
                format!("{}/{}", day.midnight(), day.plus(1).midnight())
            } else {
                format!("{start}/{end}")
            };
            let records = 1 + client.dice.named(METRIC).of(day.number().unsigned_abs()).number() % 40;
            *counts.entry(group.clone()).or_default().entry(bucket).or_default() += records;
        }
    }
    let results = counts.into_iter().map(|(group, buckets)| {
        let data = buckets.into_iter().map(|(interval, count)| {
            json!({ "interval": interval, "metrics": [{ "metric": METRIC, "stats": { "count": count } }] })
        });
        json!({ "group": group, "data": data.collect::<Vec<Value>>() })
    });
    Ok(Answer::json(StatusCode::OK, &json!({ "results": results.collect::<Vec<Value>>() })))
}

/// What is known of the limit that a client runs into; the rest of the dimensions is left out.
fn group<'a>(client: &Client, max: u32, asked: &'a [String]) -> BTreeMap<&'a str, String> {
    let value = |dimension: &str| match dimension {
        "entityId" => Some(client.id.clone()),
        "limitName" => Some("client.credentials.token.rate.per.minute".to_owned()),
        "max" => Some(max.to_string()),
        "namespace" => Some("platform.api".to_owned()),
        "timeUnit" => Some("minute".to_owned()),
        _ => None,
    };
    asked.iter().filter_map(|dimension| Some((dimension.as_str(), value(dimension)?))).collect()
}
