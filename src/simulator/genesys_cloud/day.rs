//! Days in UTC, the grain of all figures.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

const SECONDS: i64 = 86_400;

/// A day, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(i64);

impl Day {
    pub(super) fn of(time: Timestamp) -> Self {
        Self(time.as_second().div_euclid(SECONDS))
    }

    /// So many days later, or earlier.
    #[must_use]
    pub(super) fn plus(self, days: i64) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// The first instant of the day; days outside the calendar are moved to its edge.
    pub(super) fn midnight(self) -> Timestamp {
        let edge = if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Timestamp::from_second(self.0.saturating_mul(SECONDS)).unwrap_or(edge)
    }

    pub(super) fn date(self) -> Date {
        TimeZone::UTC.to_datetime(self.midnight()).date()
    }

    pub(super) fn is_weekend(self) -> bool {
        // 1970-01-01 was a Thursday.
        (self.0 + 3).rem_euclid(7) >= 5
    }

    /// Monday of its week.
    #[must_use]
    pub(super) fn week(self) -> Self {
        Self(self.0 - (self.0 + 3).rem_euclid(7))
    }

    /// The first of its month.
    #[must_use]
    pub(super) fn month(self) -> Self {
        Self(self.0 - i64::from(self.date().day()) + 1)
    }

    pub(super) fn number(self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::Weekday;

    use super::*;

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let day = Day::of("2026-11-21T12:00:00Z".parse().unwrap());
        assert_eq!(day.date().weekday(), Weekday::Saturday);
        assert!(day.is_weekend() && day.plus(1).is_weekend() && !day.plus(2).is_weekend());
        assert_eq!(day.week().date(), jiff::civil::date(2026, 11, 16));
        assert_eq!(day.month().date(), jiff::civil::date(2026, 11, 1));
        assert_eq!(Day::of(day.midnight() - 1.second()), day.plus(-1));
    }

    #[test]
    fn days_outside_the_calendar_do_not_panic() {
        for days in [i64::MAX, i64::MIN] {
            let _ = Day(0).plus(days).date();
        }
    }
}
