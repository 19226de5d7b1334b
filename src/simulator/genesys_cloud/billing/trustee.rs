//! A partner's view of what its customers are billed.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::hundredths;
use super::periods::Period;
use crate::simulator::answer::Answer;
use crate::simulator::exchange::Call;
use crate::simulator::genesys_cloud::Session;
use crate::simulator::genesys_cloud::day::Day;
use crate::simulator::genesys_cloud::organization::Organization;
use crate::simulator::genesys_cloud::refusal::Refusal;
use crate::simulator::planted::{PLANTED_EMAIL, PLANTED_PERSON};

/// How many periods before the open one can be read.
const INDEX_MAX: usize = 3;

/// An organization that trusts the partner.
pub(in super::super) struct Customer {
    name: &'static str,
    currency: &'static str,
    subscription: &'static str,
    minimum: &'static str,
    /// What it uses, as a part of what it paid for.
    intensity: f64,
    in_ramp: bool,
}

pub(in super::super) const CUSTOMERS: [Customer; 2] = [
    Customer {
        name: "Initech Support",
        currency: "USD",
        subscription: "PREPAY_MONTHLY_COMMITMENT",
        minimum: "12500.00",
        intensity: 1.12,
        in_ramp: false,
    },
    Customer {
        name: "Hooli Service Desk",
        currency: "EUR",
        subscription: "PREPAY",
        minimum: "",
        intensity: 0.8,
        in_ramp: true,
    },
];

/// The partner itself: its own overview can be read like those of its customers.
const PARTNER: Customer = Customer {
    name: "Demo Cloud Partner",
    currency: "USD",
    subscription: "MONTH_TO_MONTH",
    minimum: "0",
    intensity: 0.1,
    in_ramp: false,
};

/// A row of the overview. The same name may stand in several, with another part number or grouping.
struct Row {
    name: &'static str,
    part_number: &'static str,
    grouping: &'static str,
    unit: &'static str,
    used: Used,
    prepaid: Option<&'static str>,
    overage_price: Option<&'static str>,
    prepay_price: Option<&'static str>,
}

enum Used {
    /// Nothing is said.
    Unknown,
    /// All the time as much as this, times the customer's intensity.
    Steadily(f64),
    /// As much as this in a whole period, times the customer's intensity.
    Metered(f64),
}

const LICENSE: &str = "billable-app-usage-license";
const USAGE: &str = "billable-app-usage";

const ROWS: [Row; 9] = [
    Row {
        name: "Genesys Cloud CX 2",
        part_number: "GC-170-NV-ECX2",
        grouping: LICENSE,
        unit: "seat",
        used: Used::Steadily(100.0),
        prepaid: Some("100"),
        overage_price: Some("155.00"),
        prepay_price: Some("140"),
    },
    Row {
        name: "Genesys Cloud Collaborate",
        part_number: "GC-170-NV-COLL",
        grouping: LICENSE,
        unit: "seat",
        used: Used::Unknown,
        prepaid: Some("0"),
        overage_price: Some(""),
        prepay_price: None,
    },
    // The allowance, and below it what is used of it.
    Row {
        name: "Genesys Cloud API Requests",
        part_number: "GC-170-NV-API",
        grouping: "fair-use",
        unit: "request",
        used: Used::Unknown,
        prepaid: Some("7500000"),
        overage_price: None,
        prepay_price: Some(""),
    },
    Row {
        name: "Genesys Cloud API Requests",
        part_number: "GC-170-NV-API",
        grouping: USAGE,
        unit: "request",
        used: Used::Metered(7_500_000.0),
        prepaid: Some("7500000"),
        overage_price: Some("0.0005"),
        prepay_price: None,
    },
    Row {
        name: "Genesys Cloud Data Storage",
        part_number: "GC-170-NV-STO",
        grouping: USAGE,
        unit: "gb",
        used: Used::Metered(1_500.25),
        prepaid: Some("1500.5"),
        overage_price: Some("0.12"),
        prepay_price: Some("0.08"),
    },
    // One name, two part numbers.
    Row {
        name: "Genesys Cloud BYOC Cloud",
        part_number: "GC-170-NV-BYOCC",
        grouping: USAGE,
        unit: "minute",
        used: Used::Metered(24_000.0),
        prepaid: Some("24000"),
        overage_price: Some("0.004"),
        prepay_price: Some("0.003"),
    },
    Row {
        name: "Genesys Cloud BYOC Cloud",
        part_number: "GC-170-NV-BYOCP",
        grouping: USAGE,
        unit: "minute",
        used: Used::Steadily(0.0),
        prepaid: None,
        overage_price: Some("23.74"),
        prepay_price: Some(""),
    },
    Row {
        name: "Genesys Cloud Voice",
        part_number: "GC-170-NV-VOICE",
        grouping: "rollup",
        unit: "each",
        used: Used::Unknown,
        prepaid: Some(""),
        overage_price: None,
        prepay_price: None,
    },
    Row {
        name: "Genesys Cloud Voice",
        part_number: "GC-170-NV-VOICE",
        grouping: "rollup-usage",
        unit: "minute",
        used: Used::Metered(8_000.0),
        prepaid: Some("8000"),
        overage_price: Some("0.014"),
        prepay_price: Some(""),
    },
];

/// `getTrusteeBillingOverview`
pub(in super::super) fn overview(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let organization = session.organization;
    if organization.profile.customers.is_empty() {
        let message = "Unable to perform the requested action. You are missing the permission \
                       affiliateOrganization:clientBilling:view.";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "missing.permissions", message));
    }
    let id = call.parameter("trustorOrgId");
    let customers = customer_ids(organization).zip(organization.profile.customers);
    let (_, customer) = customers
        .chain([(organization.id().to_owned(), &PARTNER)])
        .find(|(known, _)| known == id)
        .ok_or_else(|| Refusal::not_found(format!("The organization [{id}] was not found.")))?;
    let index = match call.query("billingPeriodIndex") {
        None => 0,
        Some(text) => text.parse::<u32>().map_err(|_| {
            let message = format!("[{text}] is not a valid value of [billingPeriodIndex].");
            Refusal::bad("invalid.query.param.value", message)
        })?,
    };
    let today = Day::of(call.now);
    let period = usize::try_from(index).ok().filter(|index| *index <= INDEX_MAX);
    let period = period.and_then(|index| organization.world.period(today).back().nth(index));
    let period =
        period.ok_or_else(|| Refusal::not_found(format!("The billing period [{index}] was not found.")))?;
    Ok(Answer::json(StatusCode::OK, &body(customer, id, organization.world.start, period, today)))
}

/// The ids of those whose billing an organization may see.
pub(in super::super) fn customer_ids(organization: &Organization) -> impl Iterator<Item = String> {
    let dice = organization.world.dice.named("customer");
    (0..organization.profile.customers.len() as u64).map(move |index| dice.of(index).uuid())
}

fn body(customer: &Customer, id: &str, start: Day, period: Period, today: Day) -> Value {
    let usages: Vec<Value> = ROWS.iter().map(|row| usage(row, customer, period.passed(today))).collect();
    // Both forms of a date-time occur in one answer.
    let short = |day: Day| format!("{}T00:00:00Z", day.date());
    let long = |day: Day| format!("{}T23:59:59.999Z", day.date());
    let (effective, end) = (period.with(start.plus(-200)).first, period.with(start.plus(150)).last);
    json!({
        "organization": { "id": id, "name": customer.name },
        "currency": customer.currency,
        "enabledProducts": ["GENESYS_CLOUD_CX_2", "COLLABORATE"],
        "subscriptionType": customer.subscription,
        "rampPeriodStartDate": customer.in_ramp.then(|| short(effective)),
        "rampPeriodEndDate": customer.in_ramp.then(|| long(end)),
        "billingPeriodStartDate": short(period.first),
        "billingPeriodEndDate": long(period.last),
        "usages": usages,
        "contractAmendmentDate": null,
        "contractEffectiveDate": short(effective),
        "contractEndDate": long(end),
        "minimumMonthlyAmount": customer.minimum,
        "inRampPeriod": customer.in_ramp,
        "selfUri": format!("/api/v2/billing/trusteebillingoverview/{id}"),
    })
}

fn usage(row: &Row, customer: &Customer, passed: f64) -> Value {
    let used = match row.used {
        Used::Unknown => None,
        Used::Steadily(quantity) => Some(hundredths(quantity * customer.intensity)),
        Used::Metered(quantity) => Some(hundredths(quantity * customer.intensity * passed)),
    };
    json!({
        "name": row.name,
        "partNumber": row.part_number,
        "grouping": row.grouping,
        "unitOfMeasureType": row.unit,
        "usageQuantity": used.map(|used| format!("{used}")),
        "prepayQuantity": row.prepaid,
        "overagePrice": row.overage_price,
        "prepayPrice": row.prepay_price,
        "bundleQuantity": "0",
        "usageNotes": format!("Confirmed by {PLANTED_PERSON} <{PLANTED_EMAIL}>"),
        "isCancellable": false,
        "isThirdParty": false,
    })
}
