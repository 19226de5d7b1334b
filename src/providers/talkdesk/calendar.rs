//! Days and months in UTC, in which Talkdesk's figures are taken to be.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// A calendar month; its text is `YYYY-MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Month(Date);

impl Month {
    /// The month of a day.
    pub(super) fn of(day: Date) -> Self {
        Self(day.first_of_month())
    }

    /// A month from `YYYY-MM` and no other text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_month = text.len() == "2026-11".len();
        format!("{text}-01").parse().ok().filter(|_| is_month).map(Self)
    }

    /// The month `months` earlier, as far as the calendar goes.
    pub(super) fn back(self, months: u16) -> Self {
        Self(self.0.saturating_sub(i64::from(months).months()))
    }

    /// The first day.
    pub(super) fn first_day(self) -> Date {
        self.0
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

impl TryFrom<String> for Month {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("expected a month as YYYY-MM")
    }
}

impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

/// The day of a moment.
pub(super) fn day_of(moment: Timestamp) -> Date {
    moment.to_zoned(TimeZone::UTC).date()
}

/// 00:00 UTC of the day after another, which is when that one ends.
pub(super) fn end_of(day: Date) -> Timestamp {
    let end = day.saturating_add(1.day()).to_zoned(TimeZone::UTC);
    end.map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

/// The day of a plain date (`2026-11-19`) or of a date-time, of which only the day counts.
pub(super) fn parse_day(text: &str) -> Option<Date> {
    let (date, rest) = text.split_at_checked("2026-11-19".len())?;
    date.parse().ok().filter(|_| rest.is_empty() || rest.starts_with('T'))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_month_is_read_from_year_and_month_alone() {
        let month = Month::parse("2026-01").unwrap();
        assert_eq!((month.to_string(), month.first_day()), ("2026-01".to_owned(), date(2026, 1, 1)));
        for text in ["", "2026", "2026-1", "2026-13", "2026-00", "2026-01-01", "01.2026", "202601", "-000001"]
        {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }

    #[test]
    fn months_go_back_over_the_turn_of_the_year() {
        let month = Month::of(date(2026, 1, 31));
        assert_eq!(month.back(1).to_string(), "2025-12");
        assert_eq!(month.back(13).to_string(), "2024-12");
        assert_eq!(month.back(0), month);
    }

    #[test]
    fn a_day_is_read_from_a_date_and_from_a_date_time() {
        for text in ["2026-11-19", "2026-11-19T00:00:00.000Z", "2026-11-19T23:59:59Z"] {
            assert_eq!(parse_day(text), Some(date(2026, 11, 19)), "{text}");
        }
        for text in ["", "2026-11", "2026-11-31", "2026-11-191", "19.11.2026", "11/19/2026"] {
            assert_eq!(parse_day(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_ends_at_the_following_midnight() {
        assert_eq!(end_of(date(2026, 11, 30)).to_string(), "2026-12-01T00:00:00Z");
        assert!(end_of(Date::MAX) > Timestamp::UNIX_EPOCH);
    }

    proptest! {
        #[test]
        fn no_text_makes_a_day_or_month_panic(text: String, months: u16) {
            let _ = parse_day(&text);
            let _ = Month::parse(&text).map(|month| month.back(months));
        }
    }
}
