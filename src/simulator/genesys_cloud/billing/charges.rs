//! What a billing period costs beyond the plan: charges by what was used, and wallets of things bought in advance.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::contracts::product;
use super::periods::Period;
use super::{Deal, hundredths};
use crate::simulator::genesys_cloud::day::Day;
use crate::simulator::genesys_cloud::organization::Organization;
use crate::simulator::genesys_cloud::query::{Filter, Granularity, Grouping, Metrics, Query};
use crate::simulator::locked;

/// What is paid for by the unit.
#[derive(Clone, Copy)]
struct Charge {
    name: &'static str,
    sku: &'static str,
    product: &'static str,
    unit: &'static str,
    prepaid: Option<f64>,
    fair_use: Option<f64>,
    used: f64,
    /// Price beyond what is included.
    rate: f64,
    /// AI tokens that one unit costs.
    tokens: Option<f64>,
    /// Whether another organization of the contract used it.
    sandbox: bool,
}

const VOICE: Charge = Charge {
    name: "Voice Minutes",
    sku: "GC-170-NV-VOICE",
    product: "Genesys Cloud Voice",
    unit: "Minute",
    prepaid: None,
    fair_use: None,
    used: 41_000.0,
    rate: 0.014,
    tokens: None,
    sandbox: false,
};

/// What is measured, with its usual use in a whole period.
const METERED: [Charge; 5] = [
    VOICE,
    Charge { used: 1_350.5, sandbox: true, ..VOICE },
    Charge {
        name: "Data Storage",
        sku: "GC-170-NV-STO",
        product: "Genesys Cloud Data Storage",
        unit: "GB",
        prepaid: Some(500.0),
        fair_use: Some(1_500.0),
        used: 2_050.25,
        rate: 0.12,
        tokens: None,
        sandbox: false,
    },
    Charge {
        name: "Agent Copilot",
        sku: "GC-170-NV-AICP",
        product: "Genesys Cloud AI Experience",
        unit: "Interaction",
        prepaid: Some(0.0),
        fair_use: None,
        used: 9_000.0,
        rate: 0.05,
        tokens: Some(0.5),
        sandbox: false,
    },
    // This unit stands in no list of the vendor's.
    Charge {
        name: "Bot Dialogues",
        sku: "GC-170-NV-BOT",
        product: "Genesys Cloud Bots",
        unit: "Dialogue",
        prepaid: Some(10_000.0),
        fair_use: Some(0.0),
        used: 11_500.0,
        rate: 0.02,
        tokens: None,
        sandbox: false,
    },
];

/// The charges of a period, as known at a time.
pub(super) fn charges(
    organization: &Organization,
    deal: &Deal,
    period: Period,
    now: Timestamp,
) -> Vec<Value> {
    let dice = organization.world.dice.named("charge").of(period.first.number().unsigned_abs());
    let requests = Charge {
        name: "API Requests",
        sku: "GC-170-NV-API",
        product: "Genesys Cloud API Requests",
        unit: "Unit",
        prepaid: Some(deal.prepaid_requests as f64),
        fair_use: Some(deal.fair_use_requests as f64),
        used: requests(organization, period, now) as f64,
        rate: deal.request_rate,
        tokens: None,
        sandbox: false,
    };
    let users = Charge {
        name: "CX 2 Users",
        sku: "GC-170-NV-ECX2",
        product: "Genesys Cloud CX 2",
        unit: "User",
        prepaid: Some(deal.prepaid_seats.into()),
        fair_use: None,
        used: organization.profile.seats.into(),
        rate: 170.0,
        tokens: None,
        sandbox: false,
    };
    let metered = METERED.iter().zip(0..).map(|(charge, index)| {
        let chance = dice.of(index).between(0.95, 1.05);
        Charge {
            used: hundredths(charge.used * deal.intensity * chance * period.passed(Day::of(now))),
            ..*charge
        }
    });
    let charges = [requests, users].into_iter().chain(metered).zip(0..);
    charges
        .map(|(charge, index)| entity(organization, deal, &charge, &dice.named("id").of(index).uuid()))
        .collect()
}

fn entity(organization: &Organization, deal: &Deal, charge: &Charge, id: &str) -> Value {
    let over = charge.used - charge.prepaid.unwrap_or_default() - charge.fair_use.unwrap_or_default();
    let over = hundredths(over.max(0.0));
    let user = if charge.sandbox {
        json!({ "id": organization.world.dice.named("sandbox").uuid(), "name": "Sandbox" })
    } else {
        json!({ "id": organization.id(), "name": organization.profile.name })
    };
    json!({
        "id": id,
        "name": charge.name,
        "product": product(charge.sku, charge.product, charge.unit),
        "organizations": [user],
        "prepaidQuantity": charge.prepaid.map(number),
        "fairuseQuantity": charge.fair_use.map(number),
        "actualQuantity": number(charge.used),
        "overageQuantity": number(over),
        "overageRate": charge.rate,
        "overageCharge": number(hundredths(over * charge.rate)),
        "overageCurrency": deal.currency,
        "convertedTokenCount": charge.tokens.map(|tokens| number(hundredths(charge.used * tokens))),
        "tokenConversionRate": charge.tokens,
    })
}

/// A whole number without a fraction, as the vendor's older answers had all of them.
#[expect(clippy::cast_possible_truncation, reason = "only numbers without a fraction are cast")]
fn number(amount: f64) -> Value {
    if amount.fract() == 0.0 { json!(amount as i64) } else { json!(amount) }
}

/// The requests of the organization's own clients from the start of the period to yesterday.
fn requests(organization: &Organization, period: Period, now: Timestamp) -> u64 {
    let query = Query {
        first: period.first,
        last: period.last.min(Day::of(now).plus(-1)),
        granularity: Granularity::Total,
        grouping: Grouping::default(),
        metrics: Metrics::ALL,
        filter: Filter::default(),
    };
    let restated = locked(&organization.restated).clone();
    organization.world.rows(&query, now, &restated).iter().map(|row| row.counts.requests()).sum()
}

/// The wallets of a period; both are filled anew for each.
pub(super) fn wallets(organization: &Organization, deal: &Deal, period: Period) -> Vec<Value> {
    let dice = organization.world.dice.named("wallet").of(period.first.number().unsigned_abs());
    let wallet = |index: u64, name: &str, unit: &str, flows: [f64; 4]| {
        let [starting, increase, decrease, consumption] = flows.map(hundredths);
        json!({
            "id": dice.of(index).uuid(),
            "name": name,
            "organizations": [{ "id": organization.id(), "name": organization.profile.name }],
            "product": product("GC-170-NV-TOK", name, unit),
            "startingBalance": starting,
            "endingBalance": hundredths(starting + increase - decrease - consumption),
            "balanceIncrease": increase,
            "balanceDecrease": decrease,
            "balanceConsumption": consumption,
            "balanceOverage": 0,
            "balanceOverageRate": null,
            "balanceOverageCharge": 0,
            "balanceOverageCurrency": deal.currency,
            "unitOfMeasure": unit,
        })
    };
    let tokens = 50_000.0;
    vec![
        wallet(0, "AI Experience Tokens", "Token", [tokens, 0.0, 0.0, tokens * (1.0 - deal.tokens_left)]),
        wallet(1, "Prepaid Messages", "Message", [20_000.0, 5_000.0, 250.0, 6_400.5]),
    ]
}
