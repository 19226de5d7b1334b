//! UTC days, in which Genesys Cloud counts.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// The day of a moment.
pub(super) fn of(moment: Timestamp) -> Date {
    moment.to_zoned(TimeZone::UTC).date()
}

/// 00:00 UTC of a day.
pub(super) fn midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

/// An ISO 8601 interval of the whole days `first..=last`, its end the midnight after them. Whether the vendor counts the end's day
/// in differs between its APIs and is not always said, so rows of that day are to be left out.
pub(super) fn interval(first: Date, last: Date) -> String {
    format!("{first}T00:00:00Z/{}T00:00:00Z", plus(last, 1))
}

/// The day `days` after (before, when negative) another, as far as the calendar goes.
pub(super) fn plus(day: Date, days: i64) -> Date {
    day.saturating_add(days.days())
}
