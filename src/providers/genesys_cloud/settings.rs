//! What the configuration says about one Genesys Cloud organization.

use std::num::NonZeroU32;

use regex::Regex;
use url::Url;

use crate::model::Schedule;
use crate::secret::Secret;

/// One organization: where it lives, who asks, and what is collected.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Base URL of the Platform API, such as `https://api.mypurecloud.com/`.
    pub api_url: Url,
    /// Base URL of the login host; `oauth/token` is appended to it.
    pub login_url: Url,
    /// OAuth client (client credentials grant).
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// First day of the billing period, 1 to 31; `None` for calendar months. A month without that day starts on its last.
    pub anchor_day: Option<i8>,
    /// Fair-use requests of a billing period.
    pub allowance: Option<Allowance>,
    /// Price of one request beyond the allowance.
    pub overage_unit_price: Option<Price>,
    /// Most requests that the exporter sends to this organization in any 60 seconds.
    pub requests_per_minute: NonZeroU32,
    /// Clients whose names match do not count towards fair use (jobs API only).
    pub fair_use_excluded_clients: Vec<Regex>,
    /// Newest UTC day's `usage`; `None` when disabled. The same holds for the other collectors.
    pub usage: Option<UsageSettings>,
    /// Summaries of each client.
    pub client_summary: Option<ClientSummarySettings>,
    /// The client list.
    pub oauth_clients: Option<OauthClientsSettings>,
}

impl Settings {
    /// The URL of the token endpoint.
    pub(super) fn token_url(&self) -> Url {
        let mut url = self.login_url.clone();
        let mut segments = url.path_segments_mut().expect("the configuration takes only http and https URLs");
        segments.pop_if_empty().extend(["oauth", "token"]);
        drop(segments);
        url
    }
}

/// Fair-use requests of a billing period, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowance {
    /// A plain number.
    Requests(u64),
    /// Licences held, by licence key of [`super::allowance::LICENSES`].
    Licenses(Vec<(&'static str, u64)>),
}

/// An amount of money for one unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    /// The amount, in whole units of the currency.
    pub amount: f64,
    /// ISO 4217 code.
    pub currency: String,
}

/// Which usage API is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageApi {
    /// The jobs API, and the legacy one where that is refused or missing.
    Auto,
    /// `/api/v2/usage/aggregates/query/jobs`.
    Jobs,
    /// `/api/v2/usage/query`.
    Legacy,
}

/// The `usage` collector.
#[derive(Debug, Clone)]
pub struct UsageSettings {
    /// When it runs.
    pub schedule: Schedule,
    /// Which API it asks.
    pub api: UsageApi,
    /// Days of the trailing window.
    pub trailing_days: u16,
    /// Newest days that are read again on each refresh.
    pub reread_days: u16,
    /// How long after its end a day counts as complete.
    pub settle: std::time::Duration,
    /// Endpoints (client, method, URI) kept apart; the rest is folded into `other`.
    pub endpoints: usize,
    /// Days back that the first read covers, for `last_active`.
    pub lookback_days: u16,
}

/// The `client_summary` collector.
#[derive(Debug, Clone)]
pub struct ClientSummarySettings {
    /// When it runs.
    pub schedule: Schedule,
    /// Days that a summary covers.
    pub days: u16,
    /// Name patterns; a client is asked for when one matches.
    pub include: Vec<Regex>,
    /// Name patterns; a client is left out when one matches.
    pub exclude: Vec<Regex>,
    /// Most clients asked for in one run.
    pub max_clients: usize,
}

/// The `oauth_clients` collector.
#[derive(Debug, Clone)]
pub struct OauthClientsSettings {
    /// When it runs.
    pub schedule: Schedule,
}
