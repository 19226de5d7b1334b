//! How often a client may ask, and which organization it belongs to.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;

use super::Organization;
use super::refusal::Refusal;
use crate::simulator::Options;
use crate::simulator::exchange::Call;
use crate::simulator::limit::{Limit, Window};
use crate::simulator::login::{Login, Unproven};

/// The window of the rate limit.
const WINDOW: Duration = Duration::from_mins(1);

pub(super) struct Access {
    login: Arc<Login>,
    limit: Limit,
}

/// Whether a request may go on, and the rate limit of its client if that is known.
pub(super) struct Admission {
    /// The position of the organization.
    pub(super) caller: Result<usize, Refusal>,
    pub(super) window: Option<Window>,
}

impl Access {
    pub(super) fn new(options: &Options, login: Arc<Login>) -> Self {
        Self { login, limit: Limit::new(options.requests_per_minute, WINDOW) }
    }

    pub(super) fn requests_per_minute(&self) -> u32 {
        self.limit.allowed()
    }

    /// Checks the token, then the rate limit.
    pub(super) fn admit(&self, organizations: &[Organization], call: &Call) -> Admission {
        let organization = match self.caller(organizations, call) {
            Ok(organization) => organization,
            Err(refusal) => return Admission { caller: Err(refusal), window: None },
        };
        let window = self.limit.count(organizations[organization].client_id);
        let caller =
            if window.is_exceeded() { Err(Refusal::too_many(window.reset)) } else { Ok(organization) };
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
}
