//! Keeps the requests of one credential under a limit: the exporter's own, and whatever the vendor announces.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota};
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_mins(1);

/// From this used share of the vendor's window on, the rest of the window is spread over what is left of it.
const PACE_FROM: f64 = 0.8;

/// A token bucket with a memory of what the vendor said.
pub(super) struct Governor {
    limit: u32,
    bucket: DefaultDirectRateLimiter,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// No request before this time: the vendor asked for a pause.
    not_before: Option<Instant>,
    /// When the requests of the last minute were allowed.
    allowed: VecDeque<Instant>,
}

impl Governor {
    /// At most `limit` requests in any 60 seconds, bursts included.
    pub(super) fn new(limit: NonZeroU32) -> Self {
        // A bucket of B that refills at R a minute lets B + R pass in some minute: so the two share the limit.
        let burst = NonZeroU32::new(limit.get() / 10).unwrap_or(NonZeroU32::MIN);
        let refill = (limit.get() - burst.get()).max(1);
        let quota =
            Quota::with_period(MINUTE / refill).expect("a minute divided is not zero").allow_burst(burst);
        Self { limit: limit.get(), bucket: DefaultDirectRateLimiter::direct(quota), state: Mutex::default() }
    }

    /// Waits until one more request may be sent, and says how long that took.
    pub(super) async fn wait(&self) -> Duration {
        let start = Instant::now();
        loop {
            let pause = self.state.lock().expect("never held across a panic").not_before;
            if let Some(until) = pause.filter(|until| *until > Instant::now()) {
                tokio::time::sleep_until(until).await;
                continue;
            }
            match self.bucket.check() {
                Ok(()) => break,
                Err(not_until) => {
                    tokio::time::sleep(not_until.wait_time_from(DefaultClock::default().now())).await;
                }
            }
        }
        let now = Instant::now();
        let mut state = self.state.lock().expect("never held across a panic");
        state.forget(now);
        state.allowed.push_back(now);
        now - start
    }

    /// Nobody who shares the credential sends before `pause` is over.
    pub(super) fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut state = self.state.lock().expect("never held across a panic");
        state.not_before = Some(state.not_before.map_or(until, |before| before.max(until)));
    }

    /// Takes note of the vendor's own window: `count` of `allowed` requests used, `reset` until it starts anew.
    pub(super) fn observe(&self, count: u32, allowed: u32, reset: Duration) {
        if allowed > 0 && f64::from(count) >= PACE_FROM * f64::from(allowed) {
            self.pause(reset.min(MINUTE) / allowed.saturating_sub(count).max(1));
        }
    }

    /// Requests that may still be sent in the current 60 seconds.
    pub(super) fn remaining(&self) -> u32 {
        let mut state = self.state.lock().expect("never held across a panic");
        state.forget(Instant::now());
        self.limit.saturating_sub(u32::try_from(state.allowed.len()).unwrap_or(u32::MAX))
    }
}

impl State {
    /// Forgets the requests that are older than a minute.
    fn forget(&mut self, now: Instant) {
        while self.allowed.front().is_some_and(|at| now - *at >= MINUTE) {
            self.allowed.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn governor(limit: u32) -> Governor {
        Governor::new(NonZeroU32::new(limit).unwrap())
    }

    #[test]
    fn burst_and_refill_together_stay_within_the_limit() {
        for limit in [1, 2, 9, 10, 60, 200, 300] {
            let governor = governor(limit);
            let burst = (0..=limit).take_while(|_| governor.bucket.check().is_ok()).count();
            let refill = (limit - (limit / 10).max(1)).max(1) as usize;
            assert!(
                limit == 1 || burst + refill <= limit as usize,
                "limit {limit}: burst {burst}, refill {refill}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_vendor_pause_holds_everyone() {
        let governor = governor(100);
        governor.pause(Duration::from_secs(7));
        assert!(governor.wait().await >= Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_of_a_nearly_used_vendor_window_is_spread_out() {
        let governor = governor(100);
        governor.observe(100, 300, MINUTE);
        assert_eq!(governor.wait().await, Duration::ZERO);
        governor.observe(290, 300, Duration::from_secs(50));
        assert!(governor.wait().await >= Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_comes_back_after_a_minute() {
        let governor = governor(100);
        governor.wait().await;
        assert_eq!(governor.remaining(), 99);
        tokio::time::advance(MINUTE).await;
        assert_eq!(governor.remaining(), 100);
    }
}
