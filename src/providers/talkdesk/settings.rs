//! What the configuration says about one Talkdesk organization.

use std::num::NonZeroU32;

use url::Url;

use crate::model::{Limit, Schedule};
use crate::secret::Secret;

/// One organization: where it lives, who asks, and what is collected.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Base URL of the API, such as `https://api.talkdeskapp.com/`.
    pub api_url: Url,
    /// URL of the token endpoint, such as `https://acme.talkdeskid.com/oauth/token`.
    pub token_url: Url,
    /// OAuth client (client credentials grant).
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Most requests that the exporter sends to this organization in any second.
    pub requests_per_second: NonZeroU32,
    /// When the `usage` of how many months is read; `None` when disabled. The same holds for the other collectors.
    pub usage: Option<MonthlySettings>,
    /// When the accounts are read.
    pub accounts: Option<Schedule>,
    /// When the product catalogue is read.
    pub products: Option<Schedule>,
    /// When the contract lines are read.
    pub subscriptions: Option<Schedule>,
    /// When the invoice lines of how many months are read.
    pub invoices: Option<MonthlySettings>,
}

impl Settings {
    /// What the requests of all collectors together must keep to.
    pub(super) fn limit(&self) -> Limit {
        Limit::per_second(self.requests_per_second)
    }
}

/// A collector of figures by month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthlySettings {
    /// When it runs.
    pub schedule: Schedule,
    /// How many months it covers, the current one included.
    pub months: u16,
}
