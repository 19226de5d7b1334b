//! Which days are complete, and windows that end with the newest of them. All days are UTC.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use super::days::{self, midnight, plus};

/// A day without any rows counts as complete this long after its end: perhaps nobody asked for anything.
const EMPTY_DAY_COMPLETE_AFTER: Duration = Duration::from_hours(12);

/// How long after its end a day counts as complete, where the configuration does not say.
const SETTLE: Duration = Duration::from_hours(3);

/// So many whole days that end with the newest complete one. Which that is shows only in the answer, so one day more is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    days: i64,
    /// The newest day that may be complete.
    pub(super) settled: Date,
}

/// The newest day that ended at least `settle` ago.
pub(super) fn newest_settled(now: Timestamp, settle: Duration) -> Date {
    let settled = now.saturating_sub(settle).unwrap_or(Timestamp::MIN);
    plus(days::of(settled), -1)
}

/// The newest complete day: `settled`, or the day before while `settled` has no rows and these may still come.
pub(super) fn newest_complete(now: Timestamp, settled: Date, has_rows: bool) -> Date {
    let counts_when_empty = midnight(plus(settled, 1)).saturating_add(EMPTY_DAY_COMPLETE_AFTER);
    if has_rows || counts_when_empty.is_ok_and(|at| now >= at) { settled } else { plus(settled, -1) }
}

impl Window {
    /// The window of `days` days as of `now`.
    pub(super) fn new(days: u16, now: Timestamp) -> Self {
        Self { days: days.into(), settled: newest_settled(now, SETTLE) }
    }

    /// The days to ask for.
    pub(super) fn asked(&self) -> RangeInclusive<Date> {
        plus(self.settled, -self.days)..=self.settled
    }

    /// Whether an answer shows the settled day as complete: one without rows of it may only have come too early.
    pub(super) fn is_final(&self, now: Timestamp, has_rows: bool) -> bool {
        newest_complete(now, self.settled, has_rows) == self.settled
    }

    /// The days that count, given whether the answer has rows of the settled one.
    pub(super) fn complete(&self, now: Timestamp, has_rows: bool) -> RangeInclusive<Date> {
        let newest = newest_complete(now, self.settled, has_rows);
        plus(newest, 1 - self.days)..=newest
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_settled_three_hours_after_its_end() {
        assert_eq!(newest_settled(at("2026-11-21T02:59:59Z"), SETTLE), date(2026, 11, 19));
        assert_eq!(newest_settled(at("2026-11-21T03:00:00Z"), SETTLE), date(2026, 11, 20));
    }

    #[test]
    fn a_settled_day_without_rows_is_complete_only_after_twelve_hours() {
        let settled = date(2026, 11, 20);
        assert_eq!(newest_complete(at("2026-11-21T04:00:00Z"), settled, true), settled);
        assert_eq!(newest_complete(at("2026-11-21T04:00:00Z"), settled, false), date(2026, 11, 19));
        assert_eq!(newest_complete(at("2026-11-21T12:00:00Z"), settled, false), settled);
    }

    #[test]
    fn a_window_ends_with_the_newest_complete_day_and_stays_within_what_was_asked_for() {
        let november = |day| date(2026, 11, day);
        let now = at("2026-11-21T04:00:00Z");
        let window = Window::new(7, now);
        assert_eq!(window.asked(), november(13)..=november(20));
        assert_eq!(window.complete(now, true), november(14)..=november(20));
        assert_eq!(window.complete(now, false), november(13)..=november(19));
    }
}
