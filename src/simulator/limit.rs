//! How often a client may ask.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::locked;

/// A number of requests that each client may make in a window of time.
pub(super) struct Limit {
    length: Duration,
    allowed: u32,
    /// By client. Real time even when the vendor's clock stands still.
    windows: Mutex<HashMap<&'static str, (Instant, u32)>>,
}

/// How much of the limit is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) count: u32,
    pub(super) allowed: u32,
    /// Seconds until the next window.
    pub(super) reset: u64,
}

impl Window {
    pub(super) fn is_exceeded(&self) -> bool {
        self.count > self.allowed
    }
}

impl Limit {
    pub(super) fn new(allowed: u32, length: Duration) -> Self {
        Self { length, allowed, windows: Mutex::default() }
    }

    pub(super) fn allowed(&self) -> u32 {
        self.allowed
    }

    /// Counts a request of a client.
    pub(super) fn count(&self, client_id: &'static str) -> Window {
        let now = Instant::now();
        let mut windows = locked(&self.windows);
        let (start, count) = windows.entry(client_id).or_insert((now, 0));
        if now.duration_since(*start) >= self.length {
            (*start, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        let left = self.length.saturating_sub(now.duration_since(*start));
        // Rounded up: whoever waits this long is in the next window.
        let reset = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        Window { count: *count, allowed: self.allowed, reset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_client_has_a_window_of_its_own() {
        let limit = Limit::new(2, Duration::from_secs(1));
        for is_exceeded in [false, false, true] {
            let window = limit.count("one");
            assert_eq!((window.is_exceeded(), window.reset), (is_exceeded, 1));
        }
        tokio::time::advance(Duration::from_millis(999)).await;
        assert!(limit.count("one").is_exceeded() && !limit.count("other").is_exceeded());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!limit.count("one").is_exceeded());
    }
}
