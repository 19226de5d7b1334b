//! Keeps the requests of one credential under a limit: the exporter's own, and whatever the vendor announces.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota};
use tokio::time::Instant;

/// The longest window that a vendor announces.
const VENDOR_WINDOW: Duration = Duration::from_mins(1);

/// From this used share of the vendor's window on, the rest of the window is spread over what is left of it.
const PACE_FROM: f64 = 0.8;

/// After a pause that the vendor asked for, requests start again so far apart, not all in the same moment.
const AFTER_PAUSE: Duration = Duration::from_millis(250);

/// So many requests in any window of such a length, bursts included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Requests.
    pub requests: NonZeroU32,
    /// The length of the window.
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
}

/// A token bucket with a memory of what the vendor said.
pub(super) struct Governor {
    limit: Limit,
    bucket: DefaultDirectRateLimiter,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// While this is ahead the vendor wants us to wait: when the next request may start.
    next_slot: Option<Instant>,
    /// How far apart the slots are.
    spacing: Duration,
    /// Counts what the vendor asked for, so that a claimed slot is not used after a newer wish.
    wishes: u64,
    /// When the requests of the last window were sent.
    sent: VecDeque<Instant>,
}

impl Governor {
    pub(super) fn new(limit: Limit) -> Self {
        let Limit { requests, window } = limit;
        // A bucket of B that refills at R a window lets B + R - 1 pass in some window: so the two share the limit. For small limits
        // it is one at a time, evenly spaced; for larger ones a safety margin is left.
        let burst = NonZeroU32::new(requests.get() / 10).unwrap_or(NonZeroU32::MIN);
        let refill = if burst == NonZeroU32::MIN { requests.get() } else { requests.get() - burst.get() };
        let quota =
            Quota::with_period(window / refill).expect("a window divided is not zero").allow_burst(burst);
        Self { limit, bucket: DefaultDirectRateLimiter::direct(quota), state: Mutex::default() }
    }

    /// Waits as long as the vendor wants us to, and says which of its wishes were heard. Each waiter gets a slot of its own.
    pub(super) async fn wait_for_vendor(&self) -> u64 {
        let mut claimed = None;
        loop {
            let slot = {
                let mut state = self.lock();
                match state.next_slot {
                    Some(slot) if slot > Instant::now() && claimed != Some(state.wishes) => {
                        state.next_slot = Some(slot + state.spacing);
                        claimed = Some(state.wishes);
                        slot
                    }
                    _ => return state.wishes,
                }
            };
            tokio::time::sleep_until(slot).await;
        }
    }

    /// Takes a place in the current window for a request that is sent now, or says how long there is none. Whoever has not
    /// heard of the vendor's newest wish has to [wait for it](Self::wait_for_vendor) first.
    pub(super) fn take(&self, heard: u64) -> Result<(), Duration> {
        let is_paused = |state: &State| {
            state.wishes != heard && state.next_slot.is_some_and(|slot| slot > Instant::now())
        };
        if is_paused(&self.lock()) {
            return Err(Duration::ZERO);
        }
        self.bucket.check().map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))?;
        let now = Instant::now();
        let mut state = self.lock();
        state.forget(now, self.limit.window);
        state.sent.push_back(now);
        Ok(())
    }

    /// Nobody who shares the credential sends before `pause` is over.
    pub(super) fn pause(&self, pause: Duration) {
        self.wish(pause, AFTER_PAUSE);
    }

    /// Takes note of the vendor's own window: `count` of `allowed` requests used, `reset` until it starts anew.
    pub(super) fn observe(&self, count: u32, allowed: u32, reset: Duration) {
        if allowed > 0 && f64::from(count) >= PACE_FROM * f64::from(allowed) {
            let spacing = reset.min(VENDOR_WINDOW) / allowed.saturating_sub(count).max(1);
            self.wish(spacing, spacing);
        }
    }

    fn wish(&self, pause: Duration, spacing: Duration) {
        let until = Instant::now() + pause;
        let mut state = self.lock();
        if state.next_slot.is_none_or(|slot| slot < until) {
            state.next_slot = Some(until);
            state.spacing = spacing;
            state.wishes += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("never held across a panic")
    }

    /// Requests that may still be sent in the current window.
    pub(super) fn remaining(&self) -> u32 {
        let mut state = self.lock();
        state.forget(Instant::now(), self.limit.window);
        self.limit.requests.get().saturating_sub(u32::try_from(state.sent.len()).unwrap_or(u32::MAX))
    }
}

impl State {
    /// Forgets the requests that are older than the window.
    fn forget(&mut self, now: Instant, window: Duration) {
        while self.sent.front().is_some_and(|at| now - *at >= window) {
            self.sent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn governor(limit: u32) -> Governor {
        Governor::new(Limit::per_minute(NonZeroU32::new(limit).unwrap()))
    }

    #[test]
    fn burst_and_refill_together_stay_within_the_limit() {
        for limit in [2, 9, 10, 60, 200, 300] {
            let governor = governor(limit);
            let burst = (0..=limit).take_while(|_| governor.take(0).is_ok()).count();
            let refill = if limit < 20 { limit } else { limit - limit / 10 } as usize;
            // The first of the refill comes only after the burst, at the other end of its interval.
            assert!(burst + refill - 1 <= limit as usize, "limit {limit}: burst {burst}, refill {refill}");
        }
    }

    /// When each of `waiters` may go on, in seconds from now.
    async fn slots(governor: &Governor, waiters: usize) -> Vec<f64> {
        let start = Instant::now();
        let wait = async || {
            governor.wait_for_vendor().await;
            start.elapsed().as_secs_f64()
        };
        let mut slots = futures_util::future::join_all((0..waiters).map(|_| wait())).await;
        slots.sort_by(f64::total_cmp);
        slots
    }

    #[tokio::test(start_paused = true)]
    async fn a_vendor_pause_holds_everyone_and_not_all_come_back_at_once() {
        let governor = governor(100);
        governor.pause(Duration::from_secs(7));
        let slots = slots(&governor, 3).await;
        assert!(slots[0] >= 7.0 && slots[1] >= slots[0] + 0.2 && slots[2] >= slots[1] + 0.2, "{slots:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_of_a_nearly_used_vendor_window_is_spread_out() {
        let governor = governor(100);
        governor.observe(100, 300, MINUTE);
        assert!(slots(&governor, 3).await[2] < 0.1, "a third of a window is no reason to wait");
        governor.observe(290, 300, Duration::from_secs(50));
        let slots = slots(&governor, 3).await;
        assert!(slots[0] >= 5.0 && slots[1] >= 10.0 && slots[2] >= 15.0, "{slots:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_longer_pause_holds_those_who_wait_already() {
        let governor = governor(100);
        governor.pause(Duration::from_secs(2));
        let start = Instant::now();
        let (_, ()) = tokio::join!(governor.wait_for_vendor(), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            governor.pause(Duration::from_secs(30));
        });
        assert!(start.elapsed() >= Duration::from_secs(31));
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_comes_back_after_a_minute() {
        let governor = governor(100);
        governor.take(0).unwrap();
        assert_eq!(governor.remaining(), 99);
        tokio::time::advance(MINUTE).await;
        assert_eq!(governor.remaining(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_that_began_while_a_request_waited_elsewhere_holds_it_too() {
        let governor = governor(300);
        let heard = governor.wait_for_vendor().await;
        governor.pause(Duration::from_secs(20));
        assert_eq!(governor.take(heard), Err(Duration::ZERO));
        let start = Instant::now();
        let heard = governor.wait_for_vendor().await;
        assert!(start.elapsed() >= Duration::from_secs(20));
        assert_eq!(governor.take(heard), Ok(()));
    }
}
