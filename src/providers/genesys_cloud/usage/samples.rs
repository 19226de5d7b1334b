//! The sums of the days as samples.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::history::History;
use crate::catalogue::Gauge;
use crate::catalogue::genesys_cloud as catalogue;
use crate::model::Samples;
use crate::providers::genesys_cloud::billing::terms::Terms;
use crate::providers::genesys_cloud::counts::StatusCounts;
use crate::providers::genesys_cloud::days::{midnight, plus};
use crate::providers::genesys_cloud::period::Period;
use crate::providers::genesys_cloud::settings::{Pattern, Price, Settings, UsageSettings};

/// Which requests count towards fair use.
pub(super) enum FairUse<'a> {
    /// All: the legacy API leaves out Genesys' own clients by itself.
    AllCounted,
    /// All but those of clients whose names match.
    Except(&'a [Pattern]),
}

impl FairUse<'_> {
    /// Whether the requests of a client of this name count.
    pub(super) fn counts(&self, client_name: Option<&str>) -> bool {
        match self {
            Self::AllCounted => true,
            Self::Except(patterns) => {
                !client_name.is_some_and(|name| patterns.iter().any(|pattern| pattern.is_match(name)))
            }
        }
    }

    fn of(&self, client_name: Option<&str>) -> &'static str {
        if self.counts(client_name) { "counted" } else { "excluded" }
    }
}

/// What a day's figures depend on.
pub(super) struct Context<'a> {
    /// The newest complete day.
    pub(super) day: Date,
    pub(super) period: Period,
    pub(super) terms: &'a Terms,
    pub(super) settings: &'a Settings,
    pub(super) usage: &'a UsageSettings,
    pub(super) fair_use: FairUse<'a>,
}

impl Context<'_> {
    /// The requests that the period includes, and where that comes from. The allowance of another period than the one that is
    /// summed up would say nothing.
    pub(super) fn allowance(&self) -> Option<(f64, &'static str)> {
        let by_contract = self.terms.allowance(self.day).filter(|_| self.period.source == "contract");
        let configured = self.settings.allowance.as_ref();
        by_contract
            .map(|requests| (requests, "contract"))
            .or(configured.map(|allowance| (allowance.requests() as f64, allowance.source())))
    }

    /// The price of one request beyond them.
    pub(super) fn price(&self) -> Option<&Price> {
        self.terms.price(self.day).or(self.settings.overage_unit_price.as_ref())
    }
}

/// All samples that the history gives for the newest complete day.
pub(super) fn samples(history: &History, context: &Context<'_>) -> Samples {
    let Context { day, period, usage, fair_use, .. } = context;
    let day = *day;
    let mut samples = Samples::default();
    let trailing_start = plus(day, 1 - i64::from(usage.trailing_days));
    let lookback_start = plus(day, 1 - i64::from(usage.lookback_days));

    let mut clients = |gauge: &'static Gauge<3>, sums: BTreeMap<&str, StatusCounts>| {
        for (client_id, counts) in sums {
            let fair_use = fair_use.of(history.name(client_id));
            for (status, requests) in counts.shown() {
                samples.push(gauge, [client_id, status, fair_use], requests as f64);
            }
        }
    };
    clients(&catalogue::CLIENT_LAST_DAY_REQUESTS, history.window(day, day));
    clients(&catalogue::CLIENT_PERIOD_TO_DATE_REQUESTS, history.window(period.start, day));
    clients(&catalogue::CLIENT_TRAILING_REQUESTS, history.window(trailing_start, day));

    for (client_id, active) in history.last_active(lookback_start) {
        // A request of a day that is not complete yet is not shown anywhere else either.
        samples.push(&catalogue::CLIENT_LAST_ACTIVE_TIMESTAMP, [client_id], seconds(active.min(day)));
    }
    samples.push(&catalogue::LAST_DAY_TIMESTAMP, [], seconds(day));
    samples.push(&catalogue::TRAILING_WINDOW, [], f64::from(usage.trailing_days) * 86_400.0);
    samples.push(&catalogue::PERIOD_START_TIMESTAMP, [], seconds(period.start));
    samples.push(&catalogue::PERIOD_END_TIMESTAMP, [], seconds(period.end));
    samples.push(&catalogue::PERIOD_INFO, [period.source], 1.0);
    if let Some((requests, source)) = context.allowance() {
        samples.push(&catalogue::ALLOWANCE_REQUESTS, [], requests);
        samples.push(&catalogue::ALLOWANCE_INFO, [source], 1.0);
    }
    if let Some(price) = context.price() {
        samples.push(&catalogue::OVERAGE_UNIT_PRICE, [&price.currency], price.amount);
    }
    samples
}

fn seconds(day: Date) -> f64 {
    midnight(day).as_second() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clients_whose_names_match_are_excluded_from_fair_use() {
        let patterns = [Pattern::from(regex::Regex::new("^purecloud").unwrap())];
        let fair_use = FairUse::Except(&patterns);
        assert_eq!(fair_use.of(Some("purecloud-builtin")), "excluded");
        assert_eq!(fair_use.of(Some("my-purecloud")), "counted");
        assert_eq!(fair_use.of(None), "counted");
        assert_eq!(FairUse::AllCounted.of(Some("purecloud-builtin")), "counted");
    }
}
