//! What the configuration says about one Genesys Cloud organization.

use std::num::NonZeroU32;
use std::ops::Deref;
use std::time::Duration;

use regex::Regex;
use url::Url;

use crate::model::{Limit, Schedule};
use crate::secret::Secret;

/// One organization: where it lives, who asks, and what is collected.
#[derive(Debug, Clone, PartialEq)]
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
    /// Finds the charge for API requests in contracts and overviews, by its name or its product's.
    pub api_charge_pattern: Pattern,
    /// Most requests that the exporter sends to this organization in any 60 seconds.
    pub requests_per_minute: NonZeroU32,
    /// Clients whose names match do not count towards fair use (jobs API only).
    pub fair_use_excluded_clients: Vec<Pattern>,
    /// Newest UTC day's `usage`; `None` when disabled. The same holds for the other collectors.
    pub usage: Option<UsageSettings>,
    /// Summaries of each client.
    pub client_summary: Option<ClientSummarySettings>,
    /// The endpoints of watched clients.
    pub client_query: Option<ClientQuerySettings>,
    /// Named searches.
    pub searches: Option<SearchesSettings>,
    /// The organizations that use an app vendor's clients.
    pub app_client_usage: Option<AppClientUsageSettings>,
    /// The client list.
    pub oauth_clients: Option<Schedule>,
    /// The rate limits.
    pub limits: Option<Schedule>,
    /// The billable usage report.
    pub billable_usage: Option<Schedule>,
    /// Contracts and their billing periods.
    pub contracts: Option<Schedule>,
    /// Invoices.
    pub invoices: Option<InvoicesSettings>,
    /// A partner's view of its customers.
    pub trustee_overview: Option<TrusteeOverviewSettings>,
}

impl Settings {
    /// What the requests of all collectors together must keep to.
    pub(super) fn limit(&self) -> Limit {
        Limit::per_minute(self.requests_per_minute)
    }

    /// The URL of the token endpoint.
    #[must_use]
    pub fn token_url(&self) -> Url {
        let mut url = self.login_url.clone();
        let mut segments = url.path_segments_mut().expect("the configuration takes only http and https URLs");
        segments.pop_if_empty().extend(["oauth", "token"]);
        drop(segments);
        url
    }
}

/// A regular expression; two are equal when they are written alike.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl From<Regex> for Pattern {
    fn from(regex: Regex) -> Self {
        Self(regex)
    }
}

impl Deref for Pattern {
    type Target = Regex;

    fn deref(&self) -> &Regex {
        &self.0
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
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
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
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
#[derive(Debug, Clone, PartialEq)]
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
    pub settle: Duration,
    /// Endpoints (client, method, URI) kept apart; the rest is folded into `other`.
    pub endpoints: usize,
    /// Days back that the first read covers, for `last_active`.
    pub lookback_days: u16,
}

/// The `client_summary` collector.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientSummarySettings {
    /// When it runs.
    pub schedule: Schedule,
    /// Days that a summary covers.
    pub days: u16,
    /// Name patterns; a client is asked for when one matches.
    pub include: Vec<Pattern>,
    /// Name patterns; a client is left out when one matches.
    pub exclude: Vec<Pattern>,
    /// Most clients asked for in one run.
    pub max_clients: usize,
}

/// The `client_query` collector.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientQuerySettings {
    /// When it runs.
    pub schedule: Schedule,
    /// The ids of the watched clients.
    pub clients: Vec<String>,
    /// Whole days that are summed up, the newest complete one last.
    pub days: u16,
}

/// The `searches` collector.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchesSettings {
    /// When it runs: as often as the search that is refreshed most often.
    pub schedule: Schedule,
    /// The searches; their names are unique.
    pub searches: Vec<Search>,
}

/// A named search. An empty list does not restrict it.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// The label value of `search`.
    pub name: String,
    /// How often it is made.
    pub refresh: Duration,
    /// Whole days that are summed up, the newest complete one last.
    pub days: u16,
    /// Only requests of clients with these names.
    pub oauth_client_names: Vec<String>,
    /// Only requests with these HTTP methods.
    pub http_methods: Vec<String>,
    /// Only requests for these URI templates.
    pub template_uris: Vec<String>,
}

/// The `app_client_usage` collector.
#[derive(Debug, Clone, PartialEq)]
pub struct AppClientUsageSettings {
    /// When it runs.
    pub schedule: Schedule,
    /// The ids of the app's clients.
    pub clients: Vec<String>,
}

/// The `invoices` collector.
#[derive(Debug, Clone, PartialEq)]
pub struct InvoicesSettings {
    /// When it runs.
    pub schedule: Schedule,
    /// Months that are read, the current one included.
    pub months: u16,
}

/// The `trustee_overview` collector.
#[derive(Debug, Clone, PartialEq)]
pub struct TrusteeOverviewSettings {
    /// When it runs.
    pub schedule: Schedule,
    /// The customers; names and organization ids are unique.
    pub customers: Vec<Customer>,
}

/// A customer of a partner.
#[derive(Debug, Clone, PartialEq)]
pub struct Customer {
    /// The label value of `customer`.
    pub name: String,
    /// The id of the customer's organization.
    pub organization_id: String,
}
