//! Calendar months in UTC, the grain of usage.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A month, counted from that of the year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(i32);

impl Month {
    pub(super) fn of(day: Date) -> Self {
        Self(i32::from(day.year()) * 12 + i32::from(day.month()) - 1)
    }

    /// So many months later, or earlier.
    #[must_use]
    pub(super) fn plus(self, months: i32) -> Self {
        Self(self.0.saturating_add(months))
    }

    /// The first day; a month outside the calendar is moved to its end.
    pub(super) fn first(self) -> Date {
        let year = i16::try_from(self.0.div_euclid(12));
        let month = i8::try_from(self.0.rem_euclid(12) + 1);
        year.ok()
            .zip(month.ok())
            .and_then(|(year, month)| Date::new(year, month, 1).ok())
            .unwrap_or(Date::MAX)
    }

    /// How many months later than `other` it is.
    pub(super) fn since(self, other: Self) -> i32 {
        self.0.saturating_sub(other.0)
    }

    /// For draws and numbers.
    pub(super) fn number(self) -> u64 {
        u64::from(self.0.unsigned_abs())
    }

    /// How much of its work is done by `now`, in working days: a day of the weekend is 0.3 of one.
    pub(super) fn worked(self, now: Timestamp) -> f64 {
        let (first, today) = (self.first(), today(now));
        let passed = now.as_second().rem_euclid(86_400) as f64 / 86_400.0;
        let days = first.series(jiff::Span::new().days(1)).take_while(|day| *day <= first.last_of_month());
        days.map(|day| {
            let work = if day.weekday().to_monday_zero_offset() >= 5 { 0.3 } else { 1.0 };
            match day.cmp(&today) {
                std::cmp::Ordering::Less => work,
                std::cmp::Ordering::Equal => work * passed,
                std::cmp::Ordering::Greater => 0.0,
            }
        })
        .sum()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}", self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }
}

pub(super) fn today(now: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(now).date()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn months_follow_each_other_over_the_turn_of_the_year() {
        let month = Month::of(date(2026, 11, 21));
        assert_eq!((month.to_string(), month.plus(2).to_string()), ("2026-11".into(), "2027-01".into()));
        assert_eq!(month.plus(-23).first(), date(2024, 12, 1));
        assert_eq!(month.plus(-14).since(month), -14);
    }

    #[test]
    fn work_grows_with_the_days_and_ends_with_the_month() {
        let month = Month::of(date(2026, 11, 1));
        let worked = |now: &str| month.worked(now.parse().unwrap());
        assert!(worked("2026-10-31T23:59:59Z") < 1e-9);
        // The 1st is a Sunday.
        assert!((worked("2026-11-02T00:00:00Z") - 0.3).abs() < 1e-9);
        assert!((worked("2026-11-02T12:00:00Z") - 0.8).abs() < 1e-9);
        let whole = 21.0 + 9.0 * 0.3;
        for now in ["2026-12-01T00:00:00Z", "2027-05-01T00:00:00Z"] {
            assert!((worked(now) - whole).abs() < 1e-9);
        }
    }

    #[test]
    fn months_outside_the_calendar_do_not_panic() {
        for months in [i32::MAX, i32::MIN] {
            let month = Month(0).plus(months);
            let _ =
                (month.first(), month.since(Month(0).plus(i32::MIN)), month.worked(Timestamp::UNIX_EPOCH));
        }
    }
}
