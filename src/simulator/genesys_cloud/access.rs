//! How often a client may ask, and which organization it belongs to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::time::Instant;

use super::Organization;
use super::refusal::Refusal;
use crate::simulator::exchange::Call;
use crate::simulator::login::{Login, Unproven};
use crate::simulator::{Options, locked};

/// The window of the rate limit.
const WINDOW: Duration = Duration::from_mins(1);

pub(super) struct Access {
    login: Arc<Login>,
    requests_per_minute: u32,
    /// By position of the organization: each has one client. Real time even when the vendor's clock stands still.
    windows: Mutex<HashMap<usize, (Instant, u32)>>,
}

/// How much of the rate limit is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) count: u32,
    pub(super) allowed: u32,
    /// Seconds until the next window.
    pub(super) reset: u64,
}

/// Whether a request may go on, and the rate limit of its client if that is known.
pub(super) struct Admission {
    /// The position of the organization.
    pub(super) caller: Result<usize, Refusal>,
    pub(super) window: Option<Window>,
}

impl Access {
    pub(super) fn new(options: &Options, login: Arc<Login>) -> Self {
        Self { login, requests_per_minute: options.requests_per_minute, windows: Mutex::default() }
    }

    pub(super) fn requests_per_minute(&self) -> u32 {
        self.requests_per_minute
    }

    /// Checks the token, then the rate limit.
    pub(super) fn admit(&self, organizations: &[Organization], call: &Call) -> Admission {
        let organization = match self.caller(organizations, call) {
            Ok(organization) => organization,
            Err(refusal) => return Admission { caller: Err(refusal), window: None },
        };
        let window = self.count(organization);
        let caller = if window.count > window.allowed {
            Err(Refusal::too_many(window.reset))
        } else {
            Ok(organization)
        };
        Admission { caller, window: Some(window) }
    }

    fn caller(&self, organizations: &[Organization], call: &Call) -> Result<usize, Refusal> {
        let refusal = |code, message| Refusal::new(StatusCode::UNAUTHORIZED, code, message);
        let bad = || refusal("bad.credentials", "Invalid login credentials.");
        let grant = self.login.grant(call).map_err(|unproven| match unproven {
            Unproven::Missing => {
                refusal("authentication.required", "No authentication bearer token specified.")
            }
            Unproven::Bad => bad(),
        })?;
        organizations
            .iter()
            .position(|organization| organization.client_id == grant.client_id)
            .ok_or_else(bad)
    }

    /// Counts a request against the limit of its client.
    fn count(&self, organization: usize) -> Window {
        let now = Instant::now();
        let mut windows = locked(&self.windows);
        let (start, count) = windows.entry(organization).or_insert((now, 0));
        if now.duration_since(*start) >= WINDOW {
            (*start, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        let left = WINDOW.saturating_sub(now.duration_since(*start));
        // Rounded up: whoever waits this long is in the next window.
        let reset = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        Window { count: *count, allowed: self.requests_per_minute, reset }
    }
}
