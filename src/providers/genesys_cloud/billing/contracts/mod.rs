//! The `contracts` collector: contracts, and the charges and wallets of their open and last closed billing periods. From the preview
//! operations `/api/v2/billing/contracts`, `…/{contractId}` and `…/{contractId}/billingperiods/{billingPeriodId}`.

mod api_charge;
mod samples;
mod wire;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use jiff::civil::Date;

use self::api_charge::ApiCharge;
use self::wire::{BillingPeriod, Contract, Details};
use super::preview;
use super::terms::{Board, PeriodTerms};
use crate::catalogue::genesys_cloud as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, Memory, PendingJobs};
use crate::model::{CollectError, Failure, HeldText, Reading, Reason};
use crate::providers::genesys_cloud::days;
use crate::providers::genesys_cloud::identity::Identity;
use crate::providers::genesys_cloud::settings::Settings;
use crate::rest::{Call, Client, Kind};

/// Open periods that are told at the most.
const OPEN_PERIODS_LIMIT: usize = 3;

/// Active contracts that are read at the most. Each takes two to five requests, so at the default rate limit these still fit the
/// default timeout; no organization has nearly as many.
const ACTIVE_LIMIT: usize = 500;

/// The collector.
pub(in crate::providers::genesys_cloud) struct ContractsCollector {
    client: Arc<Client>,
    identity: Arc<Identity>,
    settings: Arc<Settings>,
    clock: Clock,
    board: Board,
}

/// A contract and those of its periods that are told.
struct Known {
    contract: Contract,
    periods: Vec<(BillingPeriod, Details)>,
}

impl ContractsCollector {
    pub(in crate::providers::genesys_cloud) fn new(
        client: Arc<Client>,
        identity: Arc<Identity>,
        settings: Arc<Settings>,
        clock: Clock,
        board: Board,
    ) -> Self {
        Self { client, identity, settings, clock, board }
    }

    /// A contract in full; `None` if it has gone since the list was read.
    async fn known(&self, listed: Contract, held: &mut HeldText) -> Result<Option<Known>, CollectError> {
        listed.check();
        if !listed.is_active() {
            return Ok(Some(Known { contract: listed, periods: Vec::new() }));
        }
        let path = ["api", "v2", "billing", "contracts", &listed.id.0];
        let Some(mut contract) = self.entity::<Contract>(&Call::get("getContract", &path), held).await?
        else {
            return Ok(None);
        };
        if contract.id.get().is_none() {
            return Err(preview::unusable("getContract", 1));
        }
        contract.check();
        contract.id = listed.id;
        let mut periods = Vec::new();
        for period in contract.current(days::of(self.clock.now())) {
            let id = &contract.id.0;
            let path = ["api", "v2", "billing", "contracts", id, "billingperiods", &period.id.0];
            let call = Call::get("getBillingPeriod", &path);
            if let Some(details) = self.entity::<Details>(&call, held).await? {
                if details.is_empty() {
                    return Err(preview::unusable("getBillingPeriod", 1));
                }
                details.check();
                periods.push((period, details));
            }
        }
        Ok(Some(Known { contract, periods }))
    }

    /// What a call brings, unless there is no such thing any more.
    async fn entity<T: serde::de::DeserializeOwned>(
        &self,
        call: &Call,
        held: &mut HeldText,
    ) -> Result<Option<T>, CollectError> {
        match self.client.json_and_length(call).await {
            Ok((entity, length)) => {
                held.hold(length)?;
                Ok(Some(entity))
            }
            Err(error) if error.kind == Kind::NotFound => {
                tracing::info!(why = %error, "a contract or billing period has gone since the list was read");
                Ok(None)
            }
            Err(error) => Err(preview::refused(error)),
        }
    }

    fn reading(&self, known: &[Known], api_charge: Option<&ApiCharge>) -> Reading {
        let mut reading = Reading { data_through: Some(self.clock.now()), ..Reading::default() };
        for Known { contract, periods } in known {
            samples::contract(&mut reading.samples, contract);
            let items = contract.plans.entries.iter().map(|plan| plan.items.invalid).sum::<u64>();
            reading.invalid_rows += contract.billing_periods.invalid + contract.plans.invalid + items;
            for (period, details) in periods {
                samples::period(&mut reading.samples, &contract.id.0, period, details);
                reading.invalid_rows += details.charges.invalid + details.wallets.invalid;
                reading.invalid_rows += u64::from(period.days().is_none());
            }
        }
        if let Some(billed) = api_charge.and_then(|charge| charge.billed) {
            reading.samples.push(&catalogue::BILLED_REQUESTS, [], billed);
        }
        reading
    }
}

impl Contract {
    /// The open periods that have begun (one may not be closed yet when the next begins), and the closed one that ended last.
    fn current(&self, today: Date) -> Vec<BillingPeriod> {
        let mut ids = HashSet::new();
        let periods = self.billing_periods.entries.iter().filter(|period| ids.insert(&period.id.0));
        let mut periods: Vec<BillingPeriod> = periods.cloned().collect();
        periods.sort_by_key(|period| Reverse(period.days().map(|(_, end)| end)));
        let has_begun = |period: &&BillingPeriod| period.days().is_some_and(|(start, _)| start <= today);
        let open =
            periods.iter().filter(|period| period.is_open()).filter(has_begun).take(OPEN_PERIODS_LIMIT);
        open.chain(periods.iter().find(|period| period.is_closed())).cloned().collect()
    }
}

/// Refuses more contracts than can be read, before any of them is asked for.
fn within_limit(listed: &[Contract]) -> Result<(), Failure> {
    let active = listed.iter().filter(|contract| contract.is_active()).count();
    if active <= ACTIVE_LIMIT {
        return Ok(());
    }
    let message =
        format!("listContracts: {active} contracts are active, more than the {ACTIVE_LIMIT} that are read");
    Err(Failure::new(Reason::Limit, message))
}

impl Collector for ContractsCollector {
    fn name(&self) -> &'static str {
        "contracts"
    }

    async fn collect(&mut self, _: &PendingJobs) -> Result<Reading, CollectError> {
        let call = Call::get("listContracts", &["api", "v2", "billing", "contracts"]);
        let (listed, invalid) = preview::list::<Contract>(&self.client, call).await?;
        let (listed, nameless): (Vec<_>, Vec<_>) =
            listed.into_iter().partition(|contract| contract.id.get().is_some());
        if listed.is_empty() && !nameless.is_empty() {
            return Err(preview::unusable("listContracts", nameless.len() as u64));
        }
        within_limit(&listed)?;
        let (mut known, mut held) = (Vec::new(), HeldText::default());
        for contract in listed {
            known.extend(self.known(contract, &mut held).await?);
        }
        let organization_id = self.identity.id().await?;
        let pattern = &self.settings.api_charge_pattern;
        let today = days::of(self.clock.now());
        let api_charge = ApiCharge::find(&known, organization_id, pattern, today);
        let mut reading = self.reading(&known, api_charge.as_ref());
        reading.invalid_rows += invalid + nameless.len() as u64;
        let periods = api_charge.map(|charge| charge.periods).unwrap_or_default();
        self.board.update(|terms| terms.contract = periods);
        Ok(reading)
    }

    /// What usage needs before this collector runs again, found with this pattern.
    fn memory(&self) -> Memory {
        Memory::of(&(self.settings.api_charge_pattern.as_str(), self.board.terms().contract))
    }

    fn recall(&mut self, memory: &Memory) -> Result<(), serde_json::Error> {
        let known: Option<(String, Vec<PeriodTerms>)> = memory.read()?;
        if let Some((_, periods)) =
            known.filter(|(pattern, _)| pattern == self.settings.api_charge_pattern.as_str())
        {
            self.board.update(|terms| terms.contract = periods);
        }
        Ok(())
    }
}

#[cfg(any(test, fuzzing))]
/// For [`crate::fuzzing`]: the samples of a contract whose every period has these details, and its periods.
pub(in crate::providers::genesys_cloud) fn figures(
    contract: &[u8],
    details: &[u8],
) -> Option<(crate::model::Samples, Vec<PeriodTerms>)> {
    let contract: Contract = serde_json::from_slice(contract).ok()?;
    let today = jiff::civil::date(2026, 11, 21);
    let periods = contract.current(today).into_iter();
    let periods =
        periods.filter_map(|period| Some((period, serde_json::from_slice(details).ok()?))).collect();
    let mut reading = Reading::default();
    let known = [Known { contract, periods }];
    let pattern = regex::Regex::new("(?i)api").expect("a pattern");
    let charge = ApiCharge::find(&known, "organization", &pattern, today);
    for Known { contract, periods } in &known {
        samples::contract(&mut reading.samples, contract);
        for (period, details) in periods {
            samples::period(&mut reading.samples, &contract.id.0, period, details);
        }
    }
    if let Some(billed) = charge.as_ref().and_then(|charge| charge.billed) {
        reading.samples.push(&catalogue::BILLED_REQUESTS, [], billed);
    }
    Some((reading.samples, charge.map(|charge| charge.periods).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    #[test]
    fn more_active_contracts_than_can_be_read_are_refused_and_ended_ones_do_not_count() {
        let contracts = |count: usize, status: &str| -> Vec<Contract> {
            let contract = json!({"id": "c", "status": status});
            serde_json::from_value(json!(vec![contract; count])).unwrap()
        };
        let mut most = contracts(ACTIVE_LIMIT, "Active");
        most.extend(contracts(1000, "Inactive"));
        assert_eq!(within_limit(&most), Ok(()));
        let failure = within_limit(&contracts(ACTIVE_LIMIT + 1, "Active")).unwrap_err();
        assert_eq!(failure.reason, Reason::Limit);
        assert!(failure.message.contains("501 contracts are active, more than the 500"), "{failure}");
    }

    #[test]
    fn every_open_period_that_has_begun_is_told_and_the_last_closed_one() {
        let period = |id: &str, month: u8, status: &str| json!({"id": id, "dateStart": format!("2026-{month:02}-01"), "dateEnd": format!("2026-{month:02}-28"), "status": status});
        let contract: Contract = serde_json::from_value(json!({"id": "c", "billingPeriods": [
            period("older", 8, "Closed"), period("old", 9, "Closed"), period("late", 10, "Open"),
            period("now", 11, "Open"), period("future", 12, "Open"), period("late", 10, "Open"),
        ]}))
        .unwrap();
        let ids: Vec<String> =
            contract.current(date(2026, 11, 21)).into_iter().map(|period| period.id.0).collect();
        assert_eq!(ids, ["now", "late", "old"]);
    }
}
