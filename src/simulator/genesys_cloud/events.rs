//! Operational events: what failed or changed on the platform. They are no API calls.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Session;
use super::body::Body;
use super::day::Day;
use super::pages;
use super::refusal::Refusal;
use super::world::World;
use crate::simulator::answer::Answer;
use crate::simulator::exchange::Call;
use crate::simulator::planted::PLANTED_PHONE;

const DEFINITIONS: &str = "/api/v2/usage/events/definitions";
/// How far back events are kept; what the vendor allows is not documented.
const AGE_DAYS_MAX: i64 = 90;
const DAY_SECONDS: f64 = 86_400.0;

/// A kind of event.
struct Definition {
    id: &'static str,
    name: &'static str,
    description: &'static str,
    /// The most of them on a day.
    most: u64,
}

const KINDS: [Definition; 4] = [
    Definition {
        id: "8a1e0c52-6f0e-4a53-9d51-0f6d2f5a7c01",
        name: "Data action failed",
        description: "A data action ended with an error.",
        most: 6,
    },
    Definition {
        id: "8a1e0c52-6f0e-4a53-9d51-0f6d2f5a7c02",
        name: "Outbound call blocked",
        description: "A call was not placed because of a rule.",
        most: 3,
    },
    Definition {
        id: "8a1e0c52-6f0e-4a53-9d51-0f6d2f5a7c03",
        name: "Trunk state changed",
        description: "A trunk went out of service or came back.",
        most: 1,
    },
    Definition {
        id: "8a1e0c52-6f0e-4a53-9d51-0f6d2f5a7c04",
        name: "Flow published",
        description: "Another version of a flow is in use.",
        most: 2,
    },
];

/// An event that happened.
struct Event {
    kind: &'static Definition,
    at: Timestamp,
    /// Its number among those of its kind and day.
    number: u64,
}

/// `getEventDefinitions`
#[expect(clippy::unnecessary_wraps, reason = "the shape of every operation")]
pub(super) fn definitions(_: &Session, _: &Call) -> Result<Answer, Refusal> {
    let entities: Vec<Value> = KINDS.iter().map(described).collect();
    Ok(Answer::json(StatusCode::OK, &json!({ "entities": entities })))
}

/// `getEventDefinition`
pub(super) fn definition(_: &Session, call: &Call) -> Result<Answer, Refusal> {
    let id = call.parameter("eventDefinitionId");
    let kind = KINDS.iter().find(|kind| kind.id == id);
    let kind =
        kind.ok_or_else(|| Refusal::not_found(format!("The event definition [{id}] was not found.")))?;
    Ok(Answer::json(StatusCode::OK, &described(kind)))
}

/// `queryEvents`
pub(super) fn query(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let body = Body::read(call)?;
    body.only(&["interval", "eventDefinitionIds", "searchTerm", "sortOrder"])?;
    let wanted = body.texts("eventDefinitionIds")?;
    let term = body.text("searchTerm", None)?.unwrap_or_default().to_lowercase();
    let order = body.text("sortOrder", Some(&["ASC", "DESC"]))?;
    let world = &session.organization.world;
    let mut events = happened(world, interval(&body, call)?, call.now);
    events.retain(|event| wanted.is_empty() || wanted.iter().any(|id| id == event.kind.id));
    events.sort_by_key(|event| event.at);
    if order.as_deref() != Some("ASC") {
        events.reverse();
    }
    let entities: Vec<Value> = events.iter().map(|event| entity(world, event)).collect();
    let entities: Vec<Value> =
        entities.into_iter().filter(|entity| entity.to_string().to_lowercase().contains(&term)).collect();
    pages::list(world, call, &entities)
}

/// `queryEventAggregates`
pub(super) fn aggregates(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let body = Body::read(call)?;
    body.only(&["interval"])?;
    let (start, end) = interval(&body, call)?;
    let events = happened(&session.organization.world, (start, end), call.now);
    let counts = KINDS.iter().map(|kind| {
        json!({
            "eventDefinition": { "id": kind.id, "selfUri": format!("{DEFINITIONS}/{}", kind.id) },
            "eventCount": events.iter().filter(|event| event.kind.id == kind.id).count(),
        })
    });
    let counts: Vec<Value> = counts.collect();
    let body = json!({ "interval": format!("{start}/{end}"), "eventDefinitionAggregates": counts });
    Ok(Answer::json(StatusCode::OK, &body))
}

fn interval(body: &Body, call: &Call) -> Result<(Timestamp, Timestamp), Refusal> {
    let (start, end) = body.interval()?;
    if Day::of(start) < Day::of(call.now).plus(-AGE_DAYS_MAX) {
        let message = format!("Events are kept for {AGE_DAYS_MAX} days.");
        return Err(Refusal::bad("usage.events.too.old", message));
    }
    Ok((start, end))
}

/// The events from start to before the end of an interval, as far as they are past.
fn happened(world: &World, (start, end): (Timestamp, Timestamp), now: Timestamp) -> Vec<Event> {
    let end = end.min(now);
    let days = std::iter::successors(Some(Day::of(start)), |day| Some(day.plus(1)));
    let days = days.take_while(|day| day.midnight() < end);
    let events = days.flat_map(|day| {
        KINDS.iter().flat_map(move |kind| {
            let dice = world.dice.named(kind.id).of(day.number().unsigned_abs());
            (0..dice.number() % (kind.most + 1)).map(move |number| {
                let second = dice.of(number).between(0.0, DAY_SECONDS);
                let at = day.midnight() + std::time::Duration::from_secs_f64(second.floor());
                Event { kind, at, number }
            })
        })
    });
    events.filter(|event| event.at >= start && event.at < end).collect()
}

fn described(kind: &Definition) -> Value {
    json!({ "id": kind.id, "name": kind.name, "description": kind.description })
}

fn entity(world: &World, event: &Event) -> Value {
    let dice = world.dice.named(event.kind.id).of(event.number);
    json!({
        "eventDefinition": {
            "id": event.kind.id,
            "name": event.kind.name,
            "selfUri": format!("{DEFINITIONS}/{}", event.kind.id),
        },
        "entityId": dice.named("entity").uuid(),
        "entityName": format!("{} {}", event.kind.name, event.number + 1),
        "errorCode": null,
        "conversation": { "id": dice.named("conversation").uuid() },
        "dateCreated": event.at.to_string(),
        "phoneNumber": PLANTED_PHONE,
    })
}
