//! Rows of the newer usage operations.

use serde::Serialize;

use super::query::{Query, Row, Tenants};
use super::world::World;
use crate::simulator::dice::Dice;

/// What the vendor calls the platform is not documented; all requests here have this one.
pub(super) const PLATFORM: &str = "public-api";

/// A dimension that was not asked for is null in one row and absent in the next.
type Varying<T> = Option<Option<T>>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Varying<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth_client: Varying<Reference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Varying<Reference<'a>>,
    /// Only the owner of a client is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_id: Varying<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Varying<&'static str>,
    /// Never null: one of the vendor's own clients would fail on an enumerated field without a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    http_method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template_uri: Varying<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status200: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status300: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status400: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status429: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status500: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_uri: Option<String>,
}

pub(super) fn job_row<'a>(world: &'a World, query: &Query, row: &Row) -> JobRow<'a> {
    // The two kinds of jobs do not have the same fields, and a field that does not exist is never null.
    let of_owner = matches!(query.filter.tenants, Tenants::Everywhere(_));
    let grouping = query.grouping;
    let client = row.client.and_then(|client| world.clients.get(client)).map(|client| Reference {
        id: grouping.client_id.then_some(client.id.as_str()),
        name: Some(&client.name),
        self_uri: grouping.client_id.then(|| format!("/api/v2/oauth/clients/{}", client.id)),
    });
    let tenant = row.tenant.and_then(|tenant| world.tenants.get(tenant)).map(|tenant| tenant.id.as_str());
    let metrics = query.metrics;
    let counts = row.counts;
    let dice = row.dice(world);
    JobRow {
        date: varying(row.date.map(|day| day.date().to_string()), dice.of(1)),
        oauth_client: if of_owner { None } else { varying(client, dice.of(2)) },
        user: if of_owner { None } else { varying(None, dice.of(3)) },
        organization_id: if of_owner { varying(tenant, dice.of(3)) } else { None },
        platform: varying(grouping.platform.then_some(PLATFORM), dice.of(4)),
        http_method: row.method,
        template_uri: varying(row.uri, dice.of(6)),
        request_count: metrics.requests.then(|| counts.requests()),
        status200: metrics.status200.then_some(counts.status200),
        status300: metrics.status300.then_some(counts.status300),
        status400: metrics.status400.then_some(counts.status400),
        status429: metrics.status429.then_some(counts.status429),
        status500: metrics.status500.then_some(counts.status500),
    }
}

fn varying<T>(value: Option<T>, dice: Dice) -> Varying<T> {
    match value {
        Some(value) => Some(Some(value)),
        None => (dice.unit() < 0.5).then_some(None),
    }
}
