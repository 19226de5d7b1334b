//! Billing periods.

use crate::simulator::genesys_cloud::day::Day;

/// A billing period of a month. Both days belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::simulator::genesys_cloud) struct Period {
    pub(super) first: Day,
    pub(super) last: Day,
    /// The day of a month on which periods begin.
    billing_day: u8,
}

impl Period {
    /// The period that a day is in, of those that begin on this day of a month, which every month has.
    pub(in crate::simulator::genesys_cloud) fn of(day: Day, billing_day: u8) -> Self {
        let before = i64::from(billing_day) - 1;
        let first = |day: Day| day.plus(-before).month().plus(before);
        // No month has more than 31 days, and so many days later the next period is not over.
        Self { first: first(day), last: first(first(day).plus(31)).plus(-1), billing_day }
    }

    /// The one of the same kind that a day is in.
    pub(super) fn with(self, day: Day) -> Self {
        Self::of(day, self.billing_day)
    }

    /// This period and those before it, the newest first.
    pub(super) fn back(self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |period| Some(period.with(period.first.plus(-1))))
    }

    /// How much of the period is over when a day begins.
    pub(super) fn passed(self, today: Day) -> f64 {
        let length = self.last.number() - self.first.number() + 1;
        let passed = today.number() - self.first.number();
        (passed as f64 / length as f64).clamp(0.0, 1.0)
    }

    pub(super) fn is_open(self, today: Day) -> bool {
        self.first <= today && today <= self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_go_from_their_day_to_the_one_before_it() {
        for (billing_day, day, first, last) in [
            (21, "2026-11-21", "2026-11-21", "2026-12-20"),
            (21, "2026-11-20", "2026-10-21", "2026-11-20"),
            (21, "2026-03-01", "2026-02-21", "2026-03-20"),
            (21, "2027-01-20", "2026-12-21", "2027-01-20"),
            (21, "2026-12-31", "2026-12-21", "2027-01-20"),
            (1, "2026-02-28", "2026-02-01", "2026-02-28"),
            (28, "2026-02-28", "2026-02-28", "2026-03-27"),
            (28, "2026-03-01", "2026-02-28", "2026-03-27"),
        ] {
            let period = Period::of(Day::of(format!("{day}T12:00:00Z").parse().unwrap()), billing_day);
            assert_eq!(
                (period.first.date().to_string(), period.last.date().to_string()),
                (first.into(), last.into())
            );
        }
    }

    #[test]
    fn periods_follow_each_other_without_a_gap() {
        let period = Period::of(Day::of("2028-03-05T00:00:00Z".parse().unwrap()), 21);
        for (later, earlier) in period.back().zip(period.back().skip(1)).take(50) {
            assert_eq!(earlier.last.plus(1), later.first);
        }
    }

    #[test]
    fn a_period_has_passed_when_the_next_begins() {
        let period = Period::of(Day::of("2026-11-05T00:00:00Z".parse().unwrap()), 21);
        assert_eq!(period.passed(period.first).to_bits(), 0.0_f64.to_bits());
        assert_eq!(period.passed(period.last.plus(1)).to_bits(), 1.0_f64.to_bits());
        assert!(period.is_open(period.last) && !period.is_open(period.last.plus(1)));
    }
}
