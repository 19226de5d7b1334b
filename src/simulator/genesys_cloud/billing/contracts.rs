//! Contracts and their billing periods: a preview of the vendor, which promises nothing about it.

use axum::http::StatusCode;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::charges::{charges, wallets};
use super::periods::Period;
use super::{Deal, hundredths};
use crate::simulator::answer::Answer;
use crate::simulator::dice::Dice;
use crate::simulator::exchange::Call;
use crate::simulator::genesys_cloud::day::Day;
use crate::simulator::genesys_cloud::organization::Organization;
use crate::simulator::genesys_cloud::refusal::Refusal;
use crate::simulator::genesys_cloud::{Session, pages};
use crate::simulator::planted::{PLANTED_EMAIL, PLANTED_PERSON};

/// How long the contract before the present one was.
const EARLIER_MONTHS: usize = 12;

struct Contract {
    dice: Dice,
    first: Day,
    /// The period that it ends with.
    last: Period,
}

/// `listContracts`
pub(in super::super) fn list(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let organization = session.organization;
    let deal = deal(organization)?;
    let today = Day::of(call.now);
    let (from, to) = (date(call, "dateStart")?, date(call, "dateEnd")?);
    let status = choice(call, "status", &["Active", "Inactive"])?;
    let number = call.query("externalNumber");
    let mut contracts = contracts(organization, deal);
    contracts.retain(|contract| {
        from.is_none_or(|from| contract.last.last.date() >= from)
            && to.is_none_or(|to| contract.first.date() <= to)
            && status.as_ref().is_none_or(|status| status == contract.status(today))
            && number.as_ref().is_none_or(|number| *number == contract.number())
    });
    let entities: Vec<Value> =
        contracts.iter().map(|contract| entity(organization, deal, contract, today)).collect();
    pages::list(&organization.world, call, &entities)
}

/// `getContract`
pub(in super::super) fn contract(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let organization = session.organization;
    let (deal, contract) = find(organization, call)?;
    let body = entity(organization, deal, &contract, Day::of(call.now));
    Ok(Answer::json(StatusCode::OK, &body))
}

/// `getBillingPeriod`
pub(in super::super) fn billing_period(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let organization = session.organization;
    let (deal, contract) = find(organization, call)?;
    let today = Day::of(call.now);
    let id = call.parameter("billingPeriodId");
    let mut periods = contract.periods(today);
    let period = periods.find(|period| contract.period_id(*period) == id);
    let period =
        period.ok_or_else(|| Refusal::not_found(format!("The billing period [{id}] was not found.")))?;
    let mut body = contract.period(period, today);
    body["charges"] = charges(organization, deal, period, call.now).into();
    body["wallets"] = wallets(organization, deal, period).into();
    Ok(Answer::json(StatusCode::OK, &body))
}

/// What the organization bought; the partner bought nothing directly.
pub(super) fn deal(organization: &Organization) -> Result<&Deal, Refusal> {
    organization.profile.deal.as_ref().ok_or_else(|| Refusal::not_found("No contract was found."))
}

/// The date in a parameter of the query.
pub(super) fn date(call: &Call, parameter: &str) -> Result<Option<Date>, Refusal> {
    let Some(text) = call.query(parameter) else { return Ok(None) };
    let date = text.parse().ok().filter(|date: &Date| date.to_string() == text);
    date.map(Some).ok_or_else(|| {
        Refusal::bad("invalid.date", format!("[{text}] is not a valid value of [{parameter}]."))
    })
}

/// One of the texts that a parameter of the query may be.
pub(super) fn choice(call: &Call, parameter: &str, allowed: &[&str]) -> Result<Option<String>, Refusal> {
    match call.query(parameter) {
        Some(text) if !allowed.contains(&text.as_str()) => {
            let message = format!("[{text}] is not a valid value of [{parameter}].");
            Err(Refusal::bad("invalid.query.param.value", message))
        }
        text => Ok(text),
    }
}

/// The present contract and the one before it.
fn contracts(organization: &Organization, deal: &Deal) -> Vec<Contract> {
    let dice = organization.world.dice.named("contract");
    let ending = |dice: Dice, last: Period, months: usize| {
        let first = last.back().take(months).last().unwrap_or(last).first;
        Contract { dice, first, last }
    };
    let end = organization.world.period(organization.world.start.plus(deal.days_left));
    let present = ending(dice.of(2), end, deal.months);
    let earlier = ending(dice.of(1), end.with(present.first.plus(-1)), EARLIER_MONTHS);
    vec![present, earlier]
}

/// The contract of the path. It is named by its id, not by its number.
fn find<'a>(organization: &'a Organization, call: &Call) -> Result<(&'a Deal, Contract), Refusal> {
    let deal = deal(organization)?;
    let id = call.parameter("contractId");
    let contract = contracts(organization, deal).into_iter().find(|contract| contract.dice.uuid() == id);
    let contract =
        contract.ok_or_else(|| Refusal::not_found(format!("The contract [{id}] was not found.")))?;
    Ok((deal, contract))
}

impl Contract {
    fn number(&self) -> String {
        format!("C-{:08}", self.dice.named("number").number() % 100_000_000)
    }

    fn status(&self, today: Day) -> &'static str {
        if self.first <= today && today <= self.last.last { "Active" } else { "Inactive" }
    }

    /// Those that have begun, the newest first.
    fn periods(&self, today: Day) -> impl Iterator<Item = Period> {
        let first = self.first;
        self.last.with(self.last.last.min(today)).back().take_while(move |period| period.first >= first)
    }

    fn period_id(&self, period: Period) -> String {
        self.dice.named("period").of(period.first.number().unsigned_abs()).uuid()
    }

    fn period(&self, period: Period, today: Day) -> Value {
        json!({
            "id": self.period_id(period),
            "dateStart": period.first.date().to_string(),
            "dateEnd": period.last.date().to_string(),
            "status": if period.is_open(today) { "Open" } else { "Closed" },
        })
    }
}

fn entity(organization: &Organization, deal: &Deal, contract: &Contract, today: Day) -> Value {
    let customer = customer(organization);
    let periods: Vec<Value> = contract.periods(today).map(|period| contract.period(period, today)).collect();
    // The prices of the first quarter are lower.
    let ramp_end = contract.last.with(contract.first.plus(80)).last;
    json!({
        "id": contract.dice.uuid(),
        "externalNumber": contract.number(),
        "status": contract.status(today),
        "commercialModel": "AnnualPrepay",
        "purchaseOrderNumbers": [format!("PO-{}", contract.dice.named("order").number() % 100_000)],
        "billToCustomer": customer,
        "soldToCustomer": customer,
        "endCustomer": customer,
        "dateStart": contract.first.date().to_string(),
        "dateEnd": contract.last.last.date().to_string(),
        "dateRampStart": contract.first.date().to_string(),
        "dateRampEnd": ramp_end.date().to_string(),
        "billingPeriods": periods,
        "plans": [plan(organization, deal, contract)],
    })
}

/// The organization as the vendor's sales department knows it: with the person to write to.
pub(super) fn customer(organization: &Organization) -> Value {
    let dice = organization.world.dice.named("sales");
    json!({
        "id": dice.uuid(),
        "number": format!("{:07}", dice.number() % 10_000_000),
        "name": format!("{}, attn. {PLANTED_PERSON}", organization.profile.name),
    })
}

/// What was ordered. Some units stand in no list of the vendor's.
fn plan(organization: &Organization, deal: &Deal, contract: &Contract) -> Value {
    let seats = f64::from(deal.prepaid_seats);
    let item = |index: u64, name: &str, unit: &str, quantity: f64, price: f64, overage: Option<f64>| {
        json!({
            "itemNumber": format!("{:06}", index * 10),
            "name": name,
            "type": "Recurring",
            "function": "Subscription",
            "description": format!("{name}, ordered by {PLANTED_PERSON} <{PLANTED_EMAIL}>"),
            "dateChargedThrough": contract.last.last.date().to_string(),
            "currencyIsoCode": deal.currency,
            "discountAmount": hundredths(quantity * price * 0.1),
            "dateEffectiveStart": contract.first.date().to_string(),
            "dateEffectiveEnd": contract.last.last.date().to_string(),
            "overagePrice": overage,
            "price": price,
            "quantity": quantity,
            "unitOfMeasure": unit,
        })
    };
    json!({
        "id": contract.dice.named("plan").uuid(),
        "name": "Genesys Cloud CX 2",
        "organizations": [{ "id": organization.id(), "name": organization.profile.name }],
        "product": product("GC-170-NV-ECX2", "Genesys Cloud CX 2", "User"),
        "items": [
            item(1, "Genesys Cloud CX 2 named user", "User", seats, 140.0, Some(170.0)),
            item(2, "API requests, prepaid", "Unit", deal.prepaid_requests as f64, 0.0004, Some(deal.request_rate)),
            item(3, "Data storage", "GB", 500.0, 0.08, Some(0.12)),
            item(4, "Bot dialogues", "Dialogue", 10_000.0, 0.015, Some(0.02)),
            item(5, "Premier support", "EA", 1.0, 450.0, None),
        ],
    })
}

pub(super) fn product(sku: &str, name: &str, unit: &str) -> Value {
    json!({ "id": format!("prod-{}", sku.to_lowercase()), "sku": sku, "name": name, "unitOfMeasure": unit })
}
