//! The `talkdesk` section of the effective configuration.

use serde::Serialize;

use crate::config::redacted::{CollectorView, ScheduleView, secret};
use crate::config::variables::escape;
use crate::model::Schedule;
use crate::providers::talkdesk::{MonthlySettings, Settings};

#[derive(Serialize)]
pub(in crate::config) struct TalkdeskView {
    // Account and region are only short forms of the two URLs, which are what is in effect.
    api_url: String,
    token_url: String,
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_file: Option<String>,
    rate_limit: RateLimitView,
    collectors: CollectorsView,
}

impl TalkdeskView {
    pub(in crate::config) fn new(settings: &Settings) -> Self {
        let (client_secret, client_secret_file) = secret(&settings.client_secret);
        let daily = |schedule: &Schedule| ScheduleView::new(*schedule);
        Self {
            api_url: escape(settings.api_url.as_str()),
            token_url: escape(settings.token_url.as_str()),
            client_id: escape(&settings.client_id),
            client_secret,
            client_secret_file,
            rate_limit: RateLimitView { requests_per_second: settings.requests_per_second.get() },
            collectors: CollectorsView {
                usage: CollectorView::new(settings.usage.as_ref(), MonthlyView::new),
                accounts: CollectorView::new(settings.accounts.as_ref(), daily),
                products: CollectorView::new(settings.products.as_ref(), daily),
                subscriptions: CollectorView::new(settings.subscriptions.as_ref(), daily),
                invoices: CollectorView::new(settings.invoices.as_ref(), MonthlyView::new),
            },
        }
    }
}

#[derive(Serialize)]
struct RateLimitView {
    requests_per_second: u32,
}

#[derive(Serialize)]
struct CollectorsView {
    usage: CollectorView<MonthlyView>,
    accounts: CollectorView<ScheduleView>,
    products: CollectorView<ScheduleView>,
    subscriptions: CollectorView<ScheduleView>,
    invoices: CollectorView<MonthlyView>,
}

#[derive(Serialize)]
struct MonthlyView {
    #[serde(flatten)]
    schedule: ScheduleView,
    months: u16,
}

impl MonthlyView {
    fn new(settings: &MonthlySettings) -> Self {
        Self { schedule: ScheduleView::new(settings.schedule), months: settings.months }
    }
}
