//! A limit of requests in a window of time.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

pub(super) const DAY: Duration = Duration::from_hours(24);

/// So many requests in any window of such a length, bursts included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Requests.
    pub requests: NonZeroU32,
    /// The length of the window: a minute or a second.
    pub window: Duration,
}

impl Limit {
    /// `requests` in any 60 seconds.
    #[must_use]
    pub fn per_minute(requests: NonZeroU32) -> Self {
        Self { requests, window: Duration::from_mins(1) }
    }

    /// `requests` in any second.
    #[must_use]
    pub fn per_second(requests: NonZeroU32) -> Self {
        Self { requests, window: Duration::from_secs(1) }
    }

    /// How many requests may go at once after a rest.
    ///
    /// A bucket of B that refills at R a window lets B + R - 1 pass in some window: so the two share the limit. For small limits it
    /// is one at a time, evenly spaced; for larger ones a safety margin is left.
    #[must_use]
    pub fn burst(self) -> NonZeroU32 {
        NonZeroU32::new(self.requests.get() / 10).unwrap_or(NonZeroU32::MIN)
    }

    /// How many requests go in a window without a rest.
    #[must_use]
    pub fn refill(self) -> u32 {
        let burst = self.burst();
        if burst == NonZeroU32::MIN { self.requests.get() } else { self.requests.get() - burst.get() }
    }

    /// The most requests that can be sent within `time`, after a rest.
    #[must_use]
    pub fn most_within(self, time: Duration) -> u64 {
        let refilled = f64::from(self.refill()) * time.div_duration_f64(self.window);
        u64::from(self.burst().get()) + whole(refilled)
    }

    /// What the limit comes to in a day.
    #[must_use]
    pub fn a_day(self) -> u64 {
        whole(f64::from(self.requests.get()) * DAY.div_duration_f64(self.window))
    }

    /// Its key in the configuration.
    #[must_use]
    pub fn key(self) -> &'static str {
        if self.window > Duration::from_secs(1) { "requests_per_minute" } else { "requests_per_second" }
    }
}

impl fmt::Display for Limit {
    /// As the configuration has it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.key(), self.requests)
    }
}

/// The whole part of a number that is not negative.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
pub(super) fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_and_refill_together_stay_within_the_limit() {
        for requests in [1, 2, 9, 10, 19, 20, 60, 200, 300, 100_000] {
            let limit = Limit::per_minute(NonZeroU32::new(requests).unwrap());
            // The first of the refill comes only after the burst, at the other end of its interval.
            assert!(limit.burst().get() + limit.refill() - 1 <= requests, "{requests}");
            assert_eq!(limit.most_within(limit.window), u64::from(limit.burst().get() + limit.refill()));
        }
    }
}
