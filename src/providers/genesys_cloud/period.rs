//! The billing period around a day, and the days to read for it. All days are UTC.

use jiff::ToSpan;
use jiff::civil::Date;

use super::billing::terms::{PeriodTerms, Terms};
use super::days::plus;

/// A billing period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    /// The first day.
    pub(super) start: Date,
    /// The day after the last one.
    pub(super) end: Date,
    /// Where the period comes from: the `source` label.
    pub(super) source: &'static str,
}

/// The first day to read: `needed` at the start, then the newest `reread` days of those that were `covered` (first and last).
/// After an outage these are old, and may have been read when they were not final yet.
pub(super) fn first_to_read(covered: Option<(Date, Date)>, needed: Date, settled: Date, reread: i64) -> Date {
    match covered {
        Some((from, to)) if from <= needed => plus(settled.min(to), 1 - reread),
        _ => needed,
    }
}

impl Period {
    /// The period that contains `day`: by contract, else by an overview of a trustee, else by [`Self::configured`].
    pub(super) fn of(day: Date, terms: &Terms, anchor_day: Option<i8>) -> Self {
        for (periods, source) in [(&terms.contract, "contract"), (&terms.trustee, "trustee")] {
            if let Some(PeriodTerms { start, end, .. }) = PeriodTerms::containing(periods, day) {
                return Self { start: *start, end: *end, source };
            }
        }
        Self::configured(day, anchor_day)
    }

    /// The period that contains `day`: from one anchor day to the next, or the calendar month.
    pub(super) fn configured(day: Date, anchor_day: Option<i8>) -> Self {
        let anchor = anchor_day.unwrap_or(1);
        let start_in_month = |first: Date| {
            let last = first.days_in_month();
            plus(first, i64::from(anchor.clamp(1, last)) - 1)
        };
        let first = day.first_of_month();
        let start = start_in_month(first);
        let (start, end) = if start <= day {
            (start, start_in_month(first.saturating_add(1.month())))
        } else {
            (start_in_month(first.saturating_sub(1.month())), start)
        };
        let source = if anchor_day.is_some() { "anchor_day" } else { "calendar_month" };
        Self { start, end, source }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_read_before_an_outage_are_read_again_after_it() {
        let november = |day| date(2026, 11, day);
        let covered = Some((november(1), november(10)));
        assert_eq!(first_to_read(None, november(1), november(10), 7), november(1));
        assert_eq!(first_to_read(covered, november(2), november(10), 7), november(4));
        assert_eq!(first_to_read(covered, november(2), november(11), 7), november(4));
        assert_eq!(first_to_read(covered, november(2), november(25), 7), november(4));
    }

    #[test]
    fn a_period_runs_from_anchor_day_to_anchor_day() {
        let period = |day, anchor| {
            let period = Period::configured(day, anchor);
            (period.start, period.end)
        };
        assert_eq!(period(date(2026, 11, 20), Some(21)), (date(2026, 10, 21), date(2026, 11, 21)));
        assert_eq!(period(date(2026, 11, 21), Some(21)), (date(2026, 11, 21), date(2026, 12, 21)));
        assert_eq!(period(date(2026, 11, 20), None), (date(2026, 11, 1), date(2026, 12, 1)));
        assert_eq!(period(date(2026, 3, 1), Some(31)), (date(2026, 2, 28), date(2026, 3, 31)));
    }

    #[test]
    fn a_contract_counts_before_an_overview_and_that_before_the_configuration() {
        let terms = |first, last| PeriodTerms {
            start: date(2026, 11, first),
            end: date(2026, 11, last),
            allowance: None,
            price: None,
        };
        let terms = Terms { contract: vec![terms(3, 10)], trustee: vec![terms(5, 15)] };
        for (day, source) in [(9, "contract"), (10, "trustee"), (15, "anchor_day"), (2, "anchor_day")] {
            assert_eq!(Period::of(date(2026, 11, day), &terms, Some(1)).source, source, "{day}");
        }
    }

    proptest! {
        #[test]
        fn periods_tile_the_calendar(days in 0_i64..20_000, anchor in prop::option::of(1_i8..=31)) {
            let day = plus(date(2000, 1, 1), days);
            let period = Period::configured(day, anchor);
            prop_assert!(period.start <= day && day < period.end);
            prop_assert_eq!(Period::configured(period.start, anchor), period);
            prop_assert_eq!(Period::configured(period.end, anchor).start, period.end);
        }
    }
}
