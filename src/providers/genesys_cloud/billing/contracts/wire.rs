//! Contracts as the vendor sends them. Quantities are JSON numbers here, integers until July 2026; all is optional.

use serde::Deserialize;

use crate::model::{Surprise, surprises};
use crate::providers::genesys_cloud::wire::{Decimal, Label, Lenient, end_day, first_day};
use jiff::civil::Date;

/// The units that the vendor documents; it adds to them without notice.
const UNITS: [&str; 36] = [
    "Call",
    "Character",
    "Conversation",
    "Course",
    "Day",
    "EA",
    "Each",
    "Employee",
    "Engagement",
    "Evaluation",
    "Event",
    "Exam",
    "GB",
    "Guide",
    "Hour",
    "Ingestion",
    "Instance",
    "Interaction",
    "Invocation",
    "Message",
    "MillionCharacters",
    "Minute",
    "Person",
    "PhoneNumber",
    "Port",
    "RateTable",
    "Segment",
    "Session",
    "Stream",
    "Summary",
    "Token",
    "Transaction",
    "Translation",
    "Turn",
    "Unit",
    "User",
];

/// A contract.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Contract {
    pub(super) id: Label,
    pub(super) status: Label,
    pub(super) commercial_model: Label,
    pub(super) date_start: Label,
    pub(super) date_end: Label,
    pub(super) date_ramp_end: Label,
    pub(super) billing_periods: Lenient<BillingPeriod>,
    pub(super) plans: Lenient<Plan>,
}

/// A billing period, without charges in the list of a contract's periods.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct BillingPeriod {
    pub(super) id: Label,
    pub(super) date_start: Label,
    date_end: Label,
    status: Label,
}

/// The charges and wallets of a billing period.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Details {
    id: Label,
    pub(super) charges: Lenient<Charge>,
    pub(super) wallets: Lenient<Wallet>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Charge {
    name: Label,
    product: Option<Product>,
    organizations: Lenient<Reference>,
    pub(super) prepaid_quantity: Decimal,
    pub(super) fairuse_quantity: Decimal,
    pub(super) actual_quantity: Decimal,
    pub(super) overage_quantity: Decimal,
    pub(super) overage_rate: Decimal,
    pub(super) overage_charge: Decimal,
    pub(super) overage_currency: Label,
    pub(super) converted_token_count: Decimal,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Wallet {
    pub(super) name: Label,
    product: Option<Product>,
    unit_of_measure: Label,
    pub(super) starting_balance: Decimal,
    pub(super) ending_balance: Decimal,
    pub(super) balance_consumption: Decimal,
    pub(super) balance_overage_charge: Decimal,
    pub(super) balance_overage_currency: Label,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Plan {
    pub(super) product: Option<Product>,
    pub(super) items: Lenient<PlanItem>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PlanItem {
    pub(super) name: Label,
    pub(super) currency_iso_code: Label,
    pub(super) price: Decimal,
    pub(super) quantity: Decimal,
    unit_of_measure: Label,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Product {
    pub(super) sku: Label,
    name: Label,
    unit_of_measure: Label,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reference {
    id: Label,
}

impl Contract {
    /// Whether it may still be charged for; without a status it may.
    pub(super) fn is_active(&self) -> bool {
        !self.status.is("Inactive")
    }

    /// Notices values that are not documented.
    pub(super) fn check(&self) {
        let check = |status: &Label, documented| {
            surprises::check(Surprise::EnumValue, "status", &status.0, documented);
        };
        check(&self.status, &["Active", "Inactive"]);
        for period in &self.billing_periods.entries {
            check(&period.status, &["Open", "Closed"]);
        }
        for plan in &self.plans.entries {
            let product = plan.product.as_ref();
            check_units(plan.items.entries.iter().map(|item| item.unit(product)));
        }
    }
}

impl BillingPeriod {
    pub(super) fn is_open(&self) -> bool {
        self.status.is("Open")
    }

    pub(super) fn is_closed(&self) -> bool {
        self.status.is("Closed")
    }

    /// The first day, and the day after the last one.
    pub(super) fn days(&self) -> Option<(Date, Date)> {
        first_day(&self.date_start.0).zip(end_day(&self.date_end.0))
    }
}

impl Details {
    /// Whether it tells nothing at all, not even which period it is.
    pub(super) fn is_empty(&self) -> bool {
        self.id.get().is_none() && self.charges.entries.is_empty() && self.wallets.entries.is_empty()
    }

    /// Notices units that are not documented.
    pub(super) fn check(&self) {
        check_units(self.charges.entries.iter().map(Charge::unit));
        check_units(self.wallets.entries.iter().map(Wallet::unit));
    }
}

impl Charge {
    pub(super) fn name(&self) -> &str {
        let of_product = || self.product.as_ref().and_then(|product| product.name.get());
        self.name.get().or_else(of_product).unwrap_or_default()
    }

    /// The names by which a charge can be found.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.name.get().into_iter().chain(self.product.as_ref().and_then(|product| product.name.get()))
    }

    pub(super) fn sku(&self) -> &str {
        sku(self.product.as_ref())
    }

    pub(super) fn unit(&self) -> &str {
        self.product.as_ref().map_or("", |product| &product.unit_of_measure.0)
    }

    /// Whether it is for this organization; `None` where the charge does not say for whom it is.
    pub(super) fn is_for(&self, organization_id: &str) -> Option<bool> {
        let organizations = &self.organizations.entries;
        (!organizations.is_empty())
            .then(|| organizations.iter().any(|organization| organization.id.is(organization_id)))
    }
}

impl Wallet {
    pub(super) fn unit(&self) -> &str {
        unit(&self.unit_of_measure, self.product.as_ref())
    }
}

impl PlanItem {
    pub(super) fn unit<'a>(&'a self, product: Option<&'a Product>) -> &'a str {
        unit(&self.unit_of_measure, product)
    }
}

pub(super) fn sku(product: Option<&Product>) -> &str {
    product.map_or("", |product| &product.sku.0)
}

/// The unit of a thing, else that of its product.
fn unit<'a>(own: &'a Label, product: Option<&'a Product>) -> &'a str {
    own.get().or_else(|| product?.unit_of_measure.get()).unwrap_or_default()
}

fn check_units<'a>(units: impl Iterator<Item = &'a str>) {
    for unit in units {
        surprises::check(Surprise::Unit, "unitOfMeasure", unit, &UNITS);
    }
}
