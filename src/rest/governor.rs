//! Keeps the requests of one credential under a limit: the exporter's own, and whatever the vendor announces. Those that wait go
//! in the order in which they came, whichever collector they belong to.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use crate::model::Limit;

/// A longer wait than this ends the run instead: some limits are daily and ask for hours.
pub(super) const LONGEST_WAIT: Duration = Duration::from_mins(3);

/// What a first 429 without `Retry-After` is taken to ask for; each further one in a row for twice as much.
const FIRST_WAIT: Duration = Duration::from_secs(3);

/// Such a wait is shorter by a random part of itself, this at the most, so that not all who were refused together come back together.
const JITTER: f64 = 0.25;

/// The longest window that a vendor announces.
const VENDOR_WINDOW: Duration = Duration::from_mins(1);

/// From this used share of the vendor's window on, the rest of the window is spread over what is left of it.
const PACE_FROM: f64 = 0.8;

/// After a pause that the vendor asked for, requests start again so far apart, not all in the same moment: for so long.
const AFTER_PAUSE: Duration = Duration::from_millis(250);
const RESTART: Duration = Duration::from_secs(5);

/// A token bucket with a queue before it and a memory of what the vendor said.
pub(super) struct Governor {
    limit: Limit,
    bucket: RateLimiter<NotKeyed, InMemoryState, Uptime, NoOpMiddleware<Duration>>,
    /// Held by the request that goes next. It is handed on in the order of asking, and one that gives up leaves no gap.
    queue: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The vendor wants us to wait until then.
    paused_until: Option<Instant>,
    /// How far apart requests are after that, and until when.
    spacing: Duration,
    spaced_until: Option<Instant>,
    /// When the bucket has something again, as far as that is known.
    refilled_at: Option<Instant>,
    /// How often in a row the vendor refused without saying for how long, and when it did so last.
    refusals: u32,
    refused_at: Option<Instant>,
    /// When the requests of the last window were sent.
    sent: VecDeque<Instant>,
}

/// The time since a governor was made, of the clock that its waits are of.
struct Uptime(Instant);

impl Clock for Uptime {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The right to send the next request, once the limits allow it.
pub(super) struct Turn<'a> {
    governor: &'a Governor,
    _queue: tokio::sync::MutexGuard<'a, ()>,
    /// Whether the vendor made this request wait.
    was_paused: bool,
}

impl Governor {
    pub(super) fn new(limit: Limit) -> Self {
        let quota = Quota::with_period(limit.window / limit.refill())
            .expect("a window divided is not zero")
            .allow_burst(limit.burst());
        Self {
            limit,
            bucket: RateLimiter::direct_with_clock(quota, Uptime(Instant::now())),
            queue: tokio::sync::Mutex::default(),
            state: Mutex::default(),
        }
    }

    /// Waits until all who asked before have sent their requests, or given up.
    pub(super) async fn turn(&self) -> Turn<'_> {
        Turn { governor: self, _queue: self.queue.lock().await, was_paused: false }
    }

    /// Nobody who shares the credential sends before `pause` is over.
    pub(super) fn pause(&self, pause: Duration) {
        self.wish(pause, AFTER_PAUSE, pause + RESTART);
    }

    /// How long to wait after a refusal that says nothing about that, of a request `sent` then: longer with each one in a row.
    /// Requests that were under way together are refused together, which counts once.
    pub(super) fn wait_after_refusal(&self, sent: Instant) -> Duration {
        let mut state = self.lock();
        if state.refused_at.is_none_or(|at| sent > at) {
            state.refusals = state.refusals.saturating_add(1);
            state.refused_at = Some(Instant::now());
        }
        let doublings = state.refusals.saturating_sub(1);
        let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_WAIT);
        wait.mul_f64(1.0 - JITTER * fastrand::f64())
    }

    /// The vendor took a request that was `sent` then: it refuses no more, unless it did so since.
    pub(super) fn accepted(&self, sent: Instant) {
        let mut state = self.lock();
        if state.refused_at.is_some_and(|at| sent > at) {
            (state.refusals, state.refused_at) = (0, None);
        }
    }

    /// Takes note of the vendor's own window: `count` of `allowed` requests used, `reset` until it starts anew.
    pub(super) fn observe(&self, count: u32, allowed: u32, reset: Duration) {
        if allowed > 0 && f64::from(count) >= PACE_FROM * f64::from(allowed) {
            let left = reset.min(VENDOR_WINDOW);
            let spacing = left / allowed.saturating_sub(count).max(1);
            self.wish(spacing, spacing, left);
        }
    }

    /// The vendor wants a pause, and requests so far apart for some time from now.
    fn wish(&self, pause: Duration, spacing: Duration, spaced: Duration) {
        let now = Instant::now();
        let until = now + pause;
        let mut state = self.lock();
        if state.paused_until.is_none_or(|before| before < until) {
            state.paused_until = Some(until);
            state.spacing = spacing;
            state.spaced_until = Some(now + spaced);
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

impl Turn<'_> {
    /// Until when a limit holds this request back; `None` when none does, as far as that is known.
    pub(super) fn held_until(&mut self) -> Option<Instant> {
        let (state, now) = (self.governor.lock(), Instant::now());
        self.was_paused |= state.is_paused(now);
        state.paused_until.max(state.refilled_at).filter(|until| *until > now)
    }

    /// Takes a place in the current window for a request that is sent now; `false` when a limit holds it back after all.
    pub(super) fn take(&mut self) -> bool {
        let Governor { bucket, limit, .. } = self.governor;
        let (mut state, now) = (self.governor.lock(), Instant::now());
        if state.is_paused(now) {
            return false;
        }
        if let Err(not_until) = bucket.check() {
            state.refilled_at = Some(now + not_until.wait_time_from(bucket.clock().now()));
            return false;
        }
        if self.was_paused && state.spaced_until.is_some_and(|until| now < until) {
            state.paused_until = Some(now + state.spacing);
        }
        state.forget(now, limit.window);
        state.sent.push_back(now);
        true
    }
}

impl State {
    fn is_paused(&self, now: Instant) -> bool {
        self.paused_until.is_some_and(|until| until > now)
    }

    /// Forgets the requests that are older than the window.
    fn forget(&mut self, now: Instant, window: Duration) {
        while self.sent.front().is_some_and(|at| now - *at >= window) {
            self.sent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
