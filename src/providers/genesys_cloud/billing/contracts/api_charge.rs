//! Which contract the organization's API requests are charged by, and on what terms.

use jiff::civil::Date;
use regex::Regex;

use super::Known;
use super::wire::{Charge, Details};
use crate::model::Sum;
use crate::providers::genesys_cloud::billing::terms::PeriodTerms;
use crate::providers::genesys_cloud::days::plus;
use crate::providers::genesys_cloud::settings::Price;
use crate::providers::genesys_cloud::wire::{Decimal, first_day};

/// The charge for API requests.
#[derive(Debug, PartialEq)]
pub(super) struct ApiCharge {
    /// The requests that the period of yesterday has been charged with so far.
    pub(super) billed: Option<f64>,
    /// The contract's periods; terms are known of those that were read.
    pub(super) periods: Vec<PeriodTerms>,
}

/// How well a contract fits the organization; the largest fits best.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It has no charge for API requests.
    NoCharge,
    /// It has one that does not say for whom it is.
    Unassigned,
    /// It has one for this organization.
    Own,
}

impl ApiCharge {
    /// Finds it among the contracts, which need not all be of this organization: an app vendor sees those of its customers.
    /// Without any such charge a sole contract still tells the billing period.
    pub(super) fn find(known: &[Known], organization_id: &str, pattern: &Regex, today: Date) -> Option<Self> {
        let finder = Finder { organization_id, pattern, yesterday: plus(today, -1) };
        let active: Vec<&Known> = known.iter().filter(|known| known.contract.is_active()).collect();
        let sole = active.len() == 1 && !active.iter().any(|known| finder.is_of_others(known));
        let best = active.into_iter().max_by_key(|known| {
            (finder.fit(known), first_day(&known.contract.date_start.0), &known.contract.id.0)
        })?;
        (sole || finder.fit(best) > Fit::NoCharge).then(|| finder.charge(best))
    }
}

struct Finder<'a> {
    organization_id: &'a str,
    pattern: &'a Regex,
    yesterday: Date,
}

impl Finder<'_> {
    /// Whether a charge for API requests of the contract says that it is for somebody else.
    fn is_of_others(&self, known: &Known) -> bool {
        let mut charges = known.periods.iter().flat_map(|(_, details)| &details.charges.entries);
        charges.any(|charge| self.is_api(charge) && charge.is_for(self.organization_id) == Some(false))
    }

    fn is_api(&self, charge: &Charge) -> bool {
        charge.names().any(|name| self.pattern.is_match(name))
    }

    fn fit(&self, known: &Known) -> Fit {
        let charges = known.periods.iter().flat_map(|(_, details)| self.charges(details));
        let fits = charges.map(|charge| match charge.is_for(self.organization_id) {
            Some(_) => Fit::Own,
            None => Fit::Unassigned,
        });
        fits.max().unwrap_or(Fit::NoCharge)
    }

    /// The charges for API requests of a period, but those of other organizations.
    fn charges<'a>(&'a self, details: &'a Details) -> impl Iterator<Item = &'a Charge> {
        details
            .charges
            .entries
            .iter()
            .filter(|charge| self.is_api(charge) && charge.is_for(self.organization_id).unwrap_or(true))
    }

    fn charge(&self, known: &Known) -> ApiCharge {
        let details_of =
            |id: &str| known.periods.iter().find(|(period, _)| period.id.is(id)).map(|(_, details)| details);
        let periods = known.contract.billing_periods.entries.iter().filter_map(|period| {
            let (start, end) = period.days()?;
            let details = details_of(&period.id.0);
            let allowance = details.and_then(|details| {
                let quantities = |charge: &Charge| [charge.fairuse_quantity, charge.prepaid_quantity];
                sum(self.charges(details).flat_map(quantities))
            });
            let price = details.and_then(|details| self.charges(details).find_map(price));
            Some(PeriodTerms { start, end, allowance, price })
        });
        // On the first day of a period nothing of it has been charged, while the sums of usage are still those of the one before.
        let current = known.periods.iter().find(|(period, _)| {
            period.days().is_some_and(|(start, end)| (start..end).contains(&self.yesterday))
        });
        let billed =
            current.and_then(|(_, details)| sum(self.charges(details).map(|charge| charge.actual_quantity)));
        ApiCharge { billed, periods: periods.collect() }
    }
}

/// The sum of what is there; nothing where nothing is.
fn sum(quantities: impl Iterator<Item = Decimal>) -> Option<f64> {
    let mut known = quantities.filter_map(|quantity| quantity.0).peekable();
    known.peek()?;
    Some(known.sum::<Sum>().value())
}

fn price(charge: &Charge) -> Option<Price> {
    let currency = charge.overage_currency.get()?.to_owned();
    Some(Price { amount: charge.overage_rate.0?, currency })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    fn pattern() -> Regex {
        Regex::new(r"(?i)\bapi\b.*request").unwrap()
    }

    /// A contract that started on a day of November, with one open period and these charges.
    fn known(id: &str, day: u8, charges: &serde_json::Value) -> Known {
        let period = json!({"id": "p", "dateStart": "2026-10-21", "dateEnd": "2026-11-20", "status": "Open"});
        let contract = json!({"id": id, "status": "Active", "dateStart": format!("2026-11-{day:02}"), "billingPeriods": [period]});
        Known {
            contract: serde_json::from_value(contract).unwrap(),
            periods: vec![(
                serde_json::from_value(period).unwrap(),
                serde_json::from_value(json!({"charges": charges})).unwrap(),
            )],
        }
    }

    fn api(organization: Option<&str>, fair_use: u64) -> serde_json::Value {
        let organizations: Vec<_> = organization.iter().map(|id| json!({"id": id})).collect();
        json!({"name": "Genesys Cloud API Requests", "organizations": organizations, "fairuseQuantity": fair_use,
            "actualQuantity": 7.0, "overageRate": 0.0005, "overageCurrency": "USD"})
    }

    fn find(known: &[Known]) -> Option<ApiCharge> {
        ApiCharge::find(known, "own", &pattern(), date(2026, 11, 21))
    }

    fn allowance(known: &[Known]) -> Option<f64> {
        find(known)?.periods[0].allowance
    }

    #[test]
    fn the_period_ends_after_its_last_day_and_has_the_terms_of_the_charge() {
        let charge = find(&[known("a", 1, &json!([api(None, 100)]))]).unwrap();
        assert_eq!(charge.billed, Some(7.0));
        let price = Some(Price { amount: 0.0005, currency: "USD".into() });
        let period =
            PeriodTerms { start: date(2026, 10, 21), end: date(2026, 11, 21), allowance: Some(100.0), price };
        assert_eq!(charge.periods, [period]);
    }

    #[test]
    fn the_charge_for_this_organization_counts_before_all_others() {
        let own = known("own", 1, &json!([api(Some("own"), 1)]));
        let unassigned = known("unassigned", 3, &json!([api(None, 2)]));
        let foreign = known("foreign", 4, &json!([api(Some("foreign"), 4)]));
        assert_eq!(allowance(&[foreign, own, unassigned]), Some(1.0));
        let unassigned = known("unassigned", 3, &json!([api(None, 2)]));
        let foreign = known("foreign", 4, &json!([api(Some("foreign"), 4)]));
        assert_eq!(allowance(&[unassigned, foreign]), Some(2.0));
    }

    #[test]
    fn of_two_that_fit_alike_the_newer_contract_counts() {
        let contracts = [known("old", 1, &json!([api(None, 1)])), known("new", 2, &json!([api(None, 2)]))];
        assert_eq!(allowance(&contracts), Some(2.0));
    }

    #[test]
    fn charges_of_one_organization_add_up_and_absent_quantities_are_not_zero() {
        let charges =
            json!([api(Some("own"), 5), {"product": {"name": "API overage requests"}, "prepaidQuantity": 2}]);
        assert_eq!(allowance(&[known("a", 1, &charges)]), Some(7.0));
        assert_eq!(allowance(&[known("a", 1, &json!([{"name": "API requests"}]))]), None);
    }

    #[test]
    fn a_sole_contract_without_such_a_charge_tells_only_the_period() {
        let charge = find(&[known("a", 1, &json!([{"name": "Cloud CX 2"}]))]).unwrap();
        assert_eq!((charge.billed, charge.periods[0].allowance), (None, None));
        let foreign = [known("a", 1, &json!([api(Some("somebody else"), 1)]))];
        assert_eq!(find(&foreign), None);
        let two = [known("a", 1, &json!([])), known("b", 2, &json!([]))];
        assert_eq!(find(&two), None);
    }
}
