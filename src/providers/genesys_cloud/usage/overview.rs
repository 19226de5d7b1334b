//! The figures at a glance: what counts towards fair use, against what is included.

use super::history::History;
use super::samples::Context;
use crate::model::{Allowance, FairUse};
use crate::providers::genesys_cloud::days::plus;

/// Days that are shown at the least, as far as they were read.
const SHOWN_DAYS: i64 = 35;

/// Days that are shown at the most, however long the period is.
const LONGEST_SHOWN: i64 = 93;

/// The figures of the newest complete day, by the same sums as the samples.
pub(super) fn overview(history: &History, context: &Context<'_>) -> FairUse {
    let Context { day, period, usage, fair_use, .. } = context;
    let day = *day;
    let trailing_start = plus(day, 1 - i64::from(usage.trailing_days));
    let shown_start = period.start.min(plus(day, 1 - SHOWN_DAYS)).max(plus(day, 1 - LONGEST_SHOWN));
    let oldest = shown_start.min(period.start).min(trailing_start);
    let days = history.daily(oldest, day, |name| !fair_use.counts(Some(name)));
    let since = |first| days.iter().filter(move |(day, _)| *day >= first);
    let sum = |first| {
        since(first).map(|(_, requests)| requests).fold(0, |sum: u64, more| sum.saturating_add(*more))
    };
    FairUse {
        period_start: period.start,
        period_end: period.end,
        period_source: period.source.into(),
        newest_day: day,
        to_date: sum(period.start),
        trailing_days: usage.trailing_days,
        trailing_mean: sum(trailing_start) as f64 / f64::from(usage.trailing_days),
        allowance: context
            .allowance()
            .map(|(requests, source)| Allowance { requests, source: source.into() }),
        unit_price: context.price().map(|price| (price.amount, price.currency.clone())),
        days: since(shown_start).copied().collect(),
    }
}
