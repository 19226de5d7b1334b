//! When a collector runs next. Pure arithmetic, so that it can be tested without waiting.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{CollectorId, Reason};

/// At the start, so much time is spent for each collector, so that many do not call all at once. That is for the process: at the vendors
/// each OAuth client has a limit of its own.
const STAGGER: Duration = Duration::from_millis(250);

/// All first runs begin within so much time, however many there are: people wait for figures.
const LONGEST_SPREAD: Duration = Duration::from_mins(10);

/// The wait after a first failure; it doubles with each further one.
const FIRST_BACKOFF: Duration = Duration::from_secs(30);

/// The wait after a first failure that time alone seldom mends: permissions, credentials, answers that make no sense.
const FIRST_BACKOFF_LASTING: Duration = Duration::from_mins(5);

/// No backoff is longer, however rarely the collector runs.
const LONGEST_BACKOFF: Duration = Duration::from_hours(1);

/// After a restart, what was refused or not reached may have been mended, and whoever mended it would like to see that soon.
pub(super) const LONGEST_WAIT_AFTER_REFUSAL: Duration = Duration::from_mins(1);

/// Where in its interval a collector stands, from 0 to 1: the same after every restart.
fn phase(id: &CollectorId) -> f64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish() as f64 / u64::MAX as f64
}

/// The wait before the first run, when `collectors` start together.
pub(super) fn first_wait(id: &CollectorId, refresh: Duration, collectors: usize) -> Duration {
    let spread = STAGGER.saturating_mul(u32::try_from(collectors).unwrap_or(u32::MAX));
    let spread = spread.min(LONGEST_SPREAD).min(refresh);
    spread.mul_f64(phase(id))
}

/// The wait after a good run that ended at `now`: to the collector's own place in the interval. The places of all collectors
/// spread their runs evenly. A place that is nearer than a quarter of the interval is passed over.
pub(super) fn regular_wait(id: &CollectorId, refresh: Duration, now: Timestamp) -> Duration {
    let refresh_seconds = refresh.as_secs_f64();
    let now_seconds = now.as_millisecond() as f64 / 1000.0;
    let since_place = (now_seconds - phase(id) * refresh_seconds).rem_euclid(refresh_seconds);
    let to_place = refresh_seconds - since_place;
    let wait = if to_place < refresh_seconds / 4.0 { to_place + refresh_seconds } else { to_place };
    Duration::from_secs_f64(wait)
}

/// No planned wait is longer.
pub(super) fn longest_wait(refresh: Duration) -> Duration {
    refresh.mul_f64(1.25).max(LONGEST_BACKOFF)
}

/// The wait after the `failures`th failure in a row: doubling, jittered, never longer than the interval unless the vendor
/// asked for more.
pub(super) fn backoff(
    reason: Reason,
    failures: u32,
    refresh: Duration,
    retry_after: Option<Duration>,
) -> Duration {
    let first = match reason {
        Reason::Auth
        | Reason::Forbidden
        | Reason::Decode
        | Reason::JobFailed
        | Reason::Truncated
        | Reason::Limit => FIRST_BACKOFF_LASTING,
        _ => FIRST_BACKOFF,
    };
    let doubled = first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    let longest = doubled.min(LONGEST_BACKOFF).min(refresh);
    let jittered = longest.mul_f64(0.5 + fastrand::f64() / 2.0);
    retry_after.map_or(jittered, |asked| jittered.max(asked.saturating_add(jittered / 10)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn id(organization: impl std::fmt::Display) -> CollectorId {
        CollectorId { organization: format!("{organization}"), provider: "genesys_cloud", collector: "usage" }
    }

    #[test]
    fn one_organization_starts_within_a_second_and_a_thousand_spread_out() {
        assert!(first_wait(&id("acme"), 6 * HOUR, 3) < Duration::from_secs(1));
        let mut waits: Vec<Duration> = (0..1000).map(|n| first_wait(&id(n), 6 * HOUR, 1000)).collect();
        waits.sort_unstable();
        assert!(waits[999] <= Duration::from_secs(250));
        assert!(
            waits[500] > Duration::from_secs(90) && waits[500] < Duration::from_secs(160),
            "{:?}",
            waits[500]
        );
    }

    #[test]
    fn ten_thousand_collectors_start_evenly_within_ten_minutes_and_each_time_in_the_same_order() {
        let wait = |n: u32| first_wait(&id(n), 6 * HOUR, 10_000);
        let mut minutes = [0; 10];
        for n in 0..10_000 {
            assert_eq!(wait(n), wait(n));
            minutes[usize::try_from(wait(n).as_secs() / 60).unwrap().min(9)] += 1;
            assert!(wait(n) <= Duration::from_mins(10));
        }
        assert!(minutes.iter().all(|runs| (800..1200).contains(runs)), "{minutes:?}");
        assert!(first_wait(&id(1), Duration::from_mins(1), 10_000) <= Duration::from_mins(1));
    }

    #[test]
    fn failures_double_the_wait_up_to_the_interval() {
        for (failures, longest) in [(1, 30), (2, 60), (3, 120), (50, 3600)] {
            let wait = backoff(Reason::Server, failures, 6 * HOUR, None);
            assert!(wait <= Duration::from_secs(longest) && wait >= Duration::from_secs(longest) / 2);
        }
        assert!(backoff(Reason::Server, 50, Duration::from_secs(10), None) <= Duration::from_secs(10));
    }

    #[test]
    fn a_vendor_that_asks_for_hours_gets_them() {
        assert!(backoff(Reason::RateLimited, 1, HOUR, Some(4 * HOUR)) > 4 * HOUR);
    }

    proptest! {
        #[test]
        fn the_next_regular_run_is_a_quarter_to_one_and_a_quarter_intervals_away(
            name: String, refresh in 10_u64..1_000_000, now in 0_i64..4_000_000_000,
        ) {
            let refresh = Duration::from_secs(refresh);
            let wait = regular_wait(&id(name), refresh, Timestamp::from_second(now).unwrap());
            prop_assert!(wait >= refresh.mul_f64(0.249) && wait <= refresh.mul_f64(1.251), "{:?}", wait);
        }
    }
}
