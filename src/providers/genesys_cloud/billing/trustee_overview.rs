//! The `trustee_overview` collector: what a partner sees of its customers' billing, from
//! `/api/v2/billing/trusteebillingoverview/{trustorOrgId}`. All quantities and prices are strings there, some of them null or empty.

use std::sync::Arc;

use jiff::civil::Date;
use serde::Deserialize;

use super::terms::{Board, PeriodTerms};
use crate::catalogue::Gauge;
use crate::catalogue::genesys_cloud as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, Memory, PendingJobs};
use crate::model::{CollectError, Failure, HeldText, Reading, Reason, Samples, Surprise, surprises};
use crate::providers::genesys_cloud::days::{self, midnight, plus};
use crate::providers::genesys_cloud::identity::Identity;
use crate::providers::genesys_cloud::settings::{Price, Settings, TrusteeOverviewSettings};
use crate::providers::genesys_cloud::wire::{Decimal, Label, Lenient, end_day, first_day};
use crate::rest::{Call, Client, Error, Kind};

/// The grouping of what is included, as against what is used.
const FAIR_USE: &str = "fair-use";

/// The subscription types that the API documents.
const SUBSCRIPTION_TYPES: [&str; 8] = [
    "ININ",
    "MONTH_TO_MONTH",
    "FREE_TRIAL_MONTH_TO_MONTH",
    "PREPAY_MONTHLY_COMMITMENT",
    "PREPAY",
    "DEV_ORG_MONTH_TO_MONTH",
    "DEV_ORG_PREPAY_MONTHLY_COMMITMENT",
    "DEV_ORG_PREPAY",
];

/// The collector.
pub(in crate::providers::genesys_cloud) struct TrusteeOverviewCollector {
    client: Arc<Client>,
    identity: Arc<Identity>,
    settings: Arc<Settings>,
    trustee: TrusteeOverviewSettings,
    clock: Clock,
    board: Board,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Overview {
    currency: Label,
    subscription_type: Label,
    in_ramp_period: Option<bool>,
    minimum_monthly_amount: Decimal,
    billing_period_start_date: Label,
    billing_period_end_date: Label,
    contract_end_date: Label,
    usages: Lenient<Usage>,
}

/// One line of the overview. Its name is not unique: the same one stands for what is included and for what was used.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Usage {
    name: Label,
    part_number: Label,
    grouping: Label,
    unit_of_measure_type: Label,
    usage_quantity: Decimal,
    prepay_quantity: Decimal,
    overage_price: Decimal,
    prepay_price: Decimal,
}

impl TrusteeOverviewCollector {
    pub(in crate::providers::genesys_cloud) fn new(
        client: Arc<Client>,
        identity: Arc<Identity>,
        settings: Arc<Settings>,
        trustee: TrusteeOverviewSettings,
        clock: Clock,
        board: Board,
    ) -> Self {
        Self { client, identity, settings, trustee, clock, board }
    }

    /// The settings that decide which terms there are.
    fn found_with(&self) -> String {
        format!("{} {:?}", self.settings.api_charge_pattern.as_str(), self.trustee.customers)
    }

    /// The overview of a billing period, and its length: 0 is the open one, 1 the last closed one.
    async fn overview(&self, organization_id: &str, index: u32) -> Result<(Overview, usize), Error> {
        let path = ["api", "v2", "billing", "trusteebillingoverview", organization_id];
        let call =
            Call::get("getTrusteeBillingOverview", &path).query("billingPeriodIndex", index.to_string());
        self.client.json_and_length(&call).await
    }

    /// The terms of the organization's own periods: of the open one and, while the newest day is not in that, of the one before.
    async fn own_terms(
        &self,
        organization_id: &str,
        open: &Overview,
    ) -> Result<Vec<PeriodTerms>, CollectError> {
        let mut periods: Vec<PeriodTerms> = self.terms(open).into_iter().collect();
        // The newest complete day is yesterday, or the day before as long as yesterday is not complete.
        let newest = plus(days::of(self.clock.now()), -2);
        if PeriodTerms::containing(&periods, newest).is_none() {
            match self.overview(organization_id, 1).await {
                Ok((closed, _)) => periods.extend(self.terms(&closed)),
                // There is no earlier period.
                Err(error) if error.kind == Kind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(periods)
    }

    fn terms(&self, overview: &Overview) -> Option<PeriodTerms> {
        let (start, end) = overview.days()?;
        let pattern = &self.settings.api_charge_pattern;
        let mut charges = overview.usages.entries.iter().filter(|usage| !usage.grouping.is(FAIR_USE));
        let price = charges.find_map(|usage| {
            let amount = usage.overage_price.0.filter(|_| pattern.is_match(&usage.name.0))?;
            Some(Price { amount, currency: overview.currency.get()?.to_owned() })
        });
        Some(PeriodTerms { start, end, allowance: None, price })
    }
}

impl Overview {
    fn days(&self) -> Option<(Date, Date)> {
        first_day(&self.billing_period_start_date.0).zip(end_day(&self.billing_period_end_date.0))
    }

    fn push(&self, samples: &mut Samples, customer: &str) {
        let ramp = self.in_ramp_period.map_or("", |ramp| if ramp { "true" } else { "false" });
        let info = [customer, &self.subscription_type.0, ramp];
        samples.push(&catalogue::TRUSTEE_SUBSCRIPTION_INFO, info, 1.0);
        if let Some(end) = end_day(&self.contract_end_date.0) {
            let seconds = midnight(end).as_second() as f64;
            samples.push(&catalogue::TRUSTEE_CONTRACT_END_TIMESTAMP, [customer], seconds);
        }
        let currency = self.currency.get();
        if let (Decimal(Some(amount)), Some(currency)) = (self.minimum_monthly_amount, currency) {
            samples.push(&catalogue::TRUSTEE_MINIMUM_MONTHLY_AMOUNT, [customer, currency], amount);
        }
        for usage in &self.usages.entries {
            usage.push(samples, customer, currency);
        }
    }
}

impl Usage {
    fn push(&self, samples: &mut Samples, customer: &str, currency: Option<&str>) {
        let [part, product, grouping, unit] =
            [&self.part_number, &self.name, &self.grouping, &self.unit_of_measure_type]
                .map(|label| label.0.as_str());
        let mut quantity = |gauge: &'static Gauge<5>, quantity: Decimal| {
            if let Decimal(Some(quantity)) = quantity {
                samples.push(gauge, [customer, part, product, grouping, unit], quantity);
            }
        };
        quantity(&catalogue::TRUSTEE_USAGE_QUANTITY, self.usage_quantity);
        quantity(&catalogue::TRUSTEE_PREPAID_QUANTITY, self.prepay_quantity);
        let mut price = |gauge: &'static Gauge<6>, price: Decimal| {
            if let (Decimal(Some(price)), Some(currency)) = (price, currency) {
                samples.push(gauge, [customer, part, product, grouping, unit, currency], price);
            }
        };
        price(&catalogue::TRUSTEE_OVERAGE_UNIT_PRICE, self.overage_price);
        price(&catalogue::TRUSTEE_PREPAY_UNIT_PRICE, self.prepay_price);
    }
}

impl Collector for TrusteeOverviewCollector {
    fn name(&self) -> &'static str {
        "trustee_overview"
    }

    /// A customer that the vendor does not know (any more) is left out; the others are told.
    async fn collect(&mut self, _: &PendingJobs) -> Result<Reading, CollectError> {
        let mut reading = Reading { data_through: Some(self.clock.now()), ..Reading::default() };
        let own_id = self.identity.id().await?;
        let mut own_terms = Vec::new();
        let (mut shown, mut refused) = (0, None);
        let mut held = HeldText::default();
        for customer in &self.trustee.customers {
            let (overview, length) = match self.overview(&customer.organization_id, 0).await {
                Ok(overview) => overview,
                Err(error) if error.kind == Kind::NotFound => {
                    tracing::warn!(customer = customer.name, why = %error, "a customer's overview is not available");
                    refused = Some(error);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            held.hold(length)?;
            let has_no_head = overview.currency.get().is_none() && overview.subscription_type.get().is_none();
            if has_no_head || (overview.usages.entries.is_empty() && overview.usages.invalid > 0) {
                let message = format!("the overview of customer {} cannot be understood", customer.name);
                return Err(Failure::new(Reason::Decode, message).into());
            }
            shown += 1;
            overview.push(&mut reading.samples, &customer.name);
            reading.invalid_rows += overview.usages.invalid;
            let subscription_type = &overview.subscription_type.0;
            surprises::check(Surprise::EnumValue, "subscriptionType", subscription_type, &SUBSCRIPTION_TYPES);
            if customer.organization_id.eq_ignore_ascii_case(own_id) {
                own_terms = self.own_terms(own_id, &overview).await?;
            }
        }
        if let Some(error) = refused.filter(|_| shown == 0) {
            return Err(error.into());
        }
        self.board.update(|terms| terms.trustee = own_terms);
        Ok(reading)
    }

    /// What usage needs before this collector runs again, found with these settings.
    fn memory(&self) -> Memory {
        Memory::of(&(self.found_with(), self.board.terms().trustee))
    }

    fn recall(&mut self, memory: &Memory) -> Result<(), serde_json::Error> {
        let known: Option<(String, Vec<PeriodTerms>)> = memory.read()?;
        if let Some((_, periods)) = known.filter(|(found_with, _)| *found_with == self.found_with()) {
            self.board.update(|terms| terms.trustee = periods);
        }
        Ok(())
    }
}

#[cfg(any(test, fuzzing))]
/// For [`crate::fuzzing`]: the samples of an answer, and the days of its period.
pub(in crate::providers::genesys_cloud) fn samples(body: &[u8]) -> Option<(Samples, Option<(Date, Date)>)> {
    let overview: Overview = serde_json::from_slice(body).ok()?;
    let mut samples = Samples::default();
    overview.push(&mut samples, "customer");
    Some((samples, overview.days()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn overview() -> Overview {
        serde_json::from_str(
            r#"{"currency":"USD","subscriptionType":"PREPAY","inRampPeriod":false,"minimumMonthlyAmount":"",
                "billingPeriodStartDate":"2026-10-21T00:00:00.000Z","billingPeriodEndDate":"2026-11-20T23:59:59Z",
                "contractEndDate":"2027-08-31T23:59:59.999Z","organization":{"name":"Initech"},
                "usages":[
                 {"name":"API requests","partNumber":"P-1","grouping":"fair-use","unitOfMeasureType":"each","usageQuantity":"0",
                  "prepayQuantity":"1000","overagePrice":null,"usageNotes":"jane@example.com"},
                 {"name":"API requests","partNumber":"P-1","grouping":"rollup-usage","unitOfMeasureType":"each",
                  "usageQuantity":"1500.5","prepayQuantity":"","overagePrice":"0.0005"}]}"#,
        )
        .unwrap()
    }

    #[test]
    fn what_is_included_and_what_was_used_stay_apart() {
        let mut samples = Samples::default();
        overview().push(&mut samples, "initech");
        let rows = |name: &str| -> Vec<(String, f64)> {
            let table = samples.tables().iter().find(|table| table.family().name == name).unwrap();
            (0..table.len())
                .map(|row| (table.labels(row).collect::<Vec<_>>().join("|"), table.value(row)))
                .collect()
        };
        assert_eq!(
            rows("genesyscloud_trustee_usage_quantity"),
            [
                ("initech|P-1|API requests|fair-use|each".into(), 0.0),
                ("initech|P-1|API requests|rollup-usage|each".into(), 1500.5)
            ]
        );
        // Null and empty are absent.
        assert_eq!(rows("genesyscloud_trustee_prepaid_quantity").len(), 1);
        let price = "initech|P-1|API requests|rollup-usage|each|USD".to_owned();
        assert_eq!(rows("genesyscloud_trustee_overage_unit_price_amount"), [(price, 0.0005)]);
        assert!(!samples.tables().iter().any(|table| table.family().name.contains("minimum")));
        let end = ("initech".to_owned(), midnight(date(2027, 9, 1)).as_second() as f64);
        assert_eq!(rows("genesyscloud_trustee_contract_end_timestamp_seconds"), [end]);
    }

    #[test]
    fn a_period_ends_with_its_last_day_whatever_the_form_of_its_date() {
        assert_eq!(overview().days(), Some((date(2026, 10, 21), date(2026, 11, 21))));
    }
}
