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

/// The day `days` after (before, when negative) another, as far as the calendar goes.
pub(super) fn plus(day: Date, days: i64) -> Date {
    day.saturating_add(days.days())
}
