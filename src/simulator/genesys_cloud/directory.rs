//! Who and what there is: clients, organization, token, limits.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Session;
use super::cast::Habit;
use super::day::Day;
use super::refusal::Refusal;
use super::world::{Client, World};
use crate::simulator::answer::Answer;
use crate::simulator::exchange::Call;
use crate::simulator::faults::Fault;
use crate::simulator::planted::{PLANTED_EMAIL, PLANTED_SECRET};

const PATH: &str = "/api/v2/oauth/clients";
const PAGE_SIZE: usize = 25;
/// Grant types as the vendor writes them, in about their usual mix.
const GRANTS: [&str; 5] = ["CLIENT-CREDENTIALS", "CLIENT-CREDENTIALS", "CLIENT-CREDENTIALS", "CODE", "TOKEN"];

/// `listOAuthClients`
pub(super) fn clients(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let world = &session.organization.world;
    let listed: Vec<&Client> = world.clients.iter().filter(|client| client.is_listed()).collect();
    let mut pages = listed.len().div_ceil(PAGE_SIZE).max(1);
    let mut number: usize = match call.query("pageNumber") {
        None => 1,
        Some(text) => text.parse().ok().filter(|number| *number >= 1).ok_or_else(|| {
            Refusal::bad(
                "invalid.query.param.value",
                format!("[{text}] is not a valid value of [pageNumber]."),
            )
        })?,
    };
    if matches!(call.fault, Some(Fault::RepeatPage)) {
        // Always the first page, and always the promise of another.
        (number, pages) = (1, pages.max(2));
    }
    let skipped = (number - 1).saturating_mul(PAGE_SIZE);
    let entities: Vec<Value> = listed
        .iter()
        .skip(skipped)
        .take(PAGE_SIZE)
        .map(|client| entity(world, client, Day::of(call.now)))
        .collect();
    let page = |number: usize| format!("{PATH}?pageSize={PAGE_SIZE}&pageNumber={number}");
    let mut body = json!({
        "entities": entities,
        "pageSize": PAGE_SIZE,
        "pageNumber": number,
        "pageCount": pages,
        "total": listed.len(),
        "firstUri": page(1),
        "lastUri": page(pages),
        "selfUri": page(number),
    });
    if number < pages {
        body["nextUri"] = page(number + 1).into();
    }
    if number > 1 {
        body["previousUri"] = page(number - 1).into();
    }
    Ok(Answer::json(StatusCode::OK, &body))
}

fn entity(world: &World, client: &Client, today: Day) -> Value {
    let grant = client.dice.named("grant").choose(&GRANTS, GRANTS[0]);
    let state = match (client.habit, client.deletion) {
        (Habit::Disabled, _) => "disabled",
        (_, Some(day)) if today <= day => "inactive",
        _ => "active",
    };
    let created = format!("{}T08:30:00.000Z", client.created.date());
    let mut body = json!({
        "id": client.id,
        "name": client.name,
        "description": format!("Integration {}, in the care of {PLANTED_EMAIL}", client.name),
        "accessTokenValiditySeconds": 86_400,
        "authorizedGrantType": grant,
        "scope": [],
        "roleDivisions": [{
            "roleId": world.dice.named("role").uuid(),
            "divisionId": world.dice.named("division").uuid(),
        }],
        "state": state,
        "secret": PLANTED_SECRET,
        "dateCreated": created,
        "dateModified": created,
        "selfUri": format!("{PATH}/{}", client.id),
    });
    if let Some(day) = client.deletion {
        body["dateToDelete"] = format!("{}T00:00:00.000Z", day.date()).into();
    }
    body
}

/// `getOrganization`
#[expect(clippy::unnecessary_wraps, reason = "the shape of every operation")]
pub(super) fn organization(session: &Session, _: &Call) -> Result<Answer, Refusal> {
    let organization = session.organization;
    let body = json!({
        "id": organization.id(),
        "name": organization.profile.name,
        "thirdPartyOrgName": organization.profile.short_name,
        "domain": organization.profile.domain,
        "version": 7,
        "state": "active",
        "productPlatform": "PureCloud",
        "defaultLanguage": "en-us",
        "defaultCountryCode": "DE",
        "features": { "realtimeCIC": true, "purecloudVoice": true, "hipaa": false },
        "selfUri": "/api/v2/organizations/me",
    });
    Ok(Answer::json(StatusCode::OK, &body))
}

/// `getTokenInfo`
#[expect(clippy::unnecessary_wraps, reason = "the shape of every operation")]
pub(super) fn token(session: &Session, _: &Call) -> Result<Answer, Refusal> {
    let organization = session.organization;
    let reference = json!({ "id": organization.id(), "name": organization.profile.name });
    let body = json!({
        "organization": reference,
        "homeOrganization": reference,
        "authorizedScope": [],
        "OAuthClient": {
            "id": organization.client_id,
            "name": "ccaas-exporter",
            "authorizedGrantType": "CLIENT-CREDENTIALS",
            "state": "active",
        },
    });
    Ok(Answer::json(StatusCode::OK, &body))
}

/// `getEffectiveLimits`
pub(super) fn limits(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let namespace = call.parameter("namespaceName");
    let per_minute = u64::from(session.vendor.access.requests_per_minute());
    let keys: &[(&str, u64)] = match namespace {
        "platform.api" => &[
            ("client.credentials.token.rate.per.minute", per_minute),
            ("token.rate.per.minute", per_minute),
            ("org.app.user.rate.per.minute", 3000),
            ("request.bytes.max", 512_000),
        ],
        "usage" => &[("query.concurrent.max", 10), ("query.interval.days.max", 90)],
        "auth.api" => &[("client.max", 500), ("client.role.max", 25), ("token.request.rate.per.minute", 60)],
        _ => return Err(Refusal::not_found(format!("The namespace [{namespace}] was not found."))),
    };
    let entities: Vec<Value> = keys
        .iter()
        .map(|(key, value)| json!({ "key": key, "namespace": namespace, "value": value }))
        .collect();
    Ok(Answer::json(StatusCode::OK, &json!({ "entities": entities })))
}
