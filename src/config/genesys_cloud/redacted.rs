//! The `genesys_cloud` section of the effective configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::config::duration;
use crate::config::redacted::{CollectorView, ScheduleView, patterns, secret};
use crate::config::variables::escape;
use crate::model::Schedule;
use crate::providers::genesys_cloud::{
    Allowance, AppClientUsageSettings, ClientQuerySettings, ClientSummarySettings, Customer,
    InvoicesSettings, Price, Search, Settings, TrusteeOverviewSettings, UsageApi, UsageSettings,
};

#[derive(Serialize)]
pub(in crate::config) struct GenesysCloudView {
    // A region is only a short form of its two URLs, which are what is in effect.
    api_url: String,
    login_url: String,
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_period: Option<BillingPeriodView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowance: Option<AllowanceView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overage_unit_price: Option<PriceView>,
    rate_limit: RateLimitView,
    fair_use_excluded_clients: Vec<String>,
    api_charge_pattern: String,
    collectors: CollectorsView,
}

impl GenesysCloudView {
    pub(in crate::config) fn new(settings: &Settings) -> Self {
        let (client_secret, client_secret_file) = secret(&settings.client_secret);
        Self {
            api_url: escape(settings.api_url.as_str()),
            login_url: escape(settings.login_url.as_str()),
            client_id: escape(&settings.client_id),
            client_secret,
            client_secret_file,
            billing_period: settings.anchor_day.map(|anchor_day| BillingPeriodView { anchor_day }),
            allowance: settings.allowance.as_ref().map(AllowanceView::new),
            overage_unit_price: settings.overage_unit_price.as_ref().map(PriceView::new),
            rate_limit: RateLimitView { requests_per_minute: settings.requests_per_minute.get() },
            fair_use_excluded_clients: patterns(&settings.fair_use_excluded_clients),
            api_charge_pattern: escape(settings.api_charge_pattern.as_str()),
            collectors: CollectorsView::new(settings),
        }
    }
}

#[derive(Serialize)]
struct BillingPeriodView {
    anchor_day: i8,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum AllowanceView {
    Licenses(BTreeMap<&'static str, u64>),
    Requests(u64),
}

impl AllowanceView {
    fn new(allowance: &Allowance) -> Self {
        match allowance {
            Allowance::Licenses(held) => Self::Licenses(held.iter().copied().collect()),
            Allowance::Requests(requests) => Self::Requests(*requests),
        }
    }
}

#[derive(Serialize)]
struct PriceView {
    amount: f64,
    currency: String,
}

impl PriceView {
    fn new(price: &Price) -> Self {
        Self { amount: price.amount, currency: price.currency.clone() }
    }
}

#[derive(Serialize)]
struct RateLimitView {
    requests_per_minute: u32,
}

#[derive(Serialize)]
struct CollectorsView {
    usage: CollectorView<UsageView>,
    client_summary: CollectorView<ClientSummaryView>,
    client_query: CollectorView<ClientQueryView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    searches: Vec<SearchView>,
    app_client_usage: CollectorView<AppClientUsageView>,
    oauth_clients: CollectorView<ScheduleView>,
    limits: CollectorView<ScheduleView>,
    billable_usage: CollectorView<ScheduleView>,
    contracts: CollectorView<ScheduleView>,
    invoices: CollectorView<InvoicesView>,
    trustee_overview: CollectorView<TrusteeOverviewView>,
}

impl CollectorsView {
    fn new(settings: &Settings) -> Self {
        let schedule = |schedule: Option<Schedule>| {
            CollectorView::new(schedule.as_ref(), |schedule| ScheduleView::new(*schedule))
        };
        let searches = settings.searches.as_ref().map(|settings| settings.searches.as_slice());
        Self {
            usage: CollectorView::new(settings.usage.as_ref(), UsageView::new),
            client_summary: CollectorView::new(settings.client_summary.as_ref(), ClientSummaryView::new),
            client_query: CollectorView::new(settings.client_query.as_ref(), ClientQueryView::new),
            searches: searches.unwrap_or_default().iter().map(SearchView::new).collect(),
            app_client_usage: CollectorView::new(settings.app_client_usage.as_ref(), AppClientUsageView::new),
            oauth_clients: schedule(settings.oauth_clients),
            limits: schedule(settings.limits),
            billable_usage: schedule(settings.billable_usage),
            contracts: schedule(settings.contracts),
            invoices: CollectorView::new(settings.invoices.as_ref(), InvoicesView::new),
            trustee_overview: CollectorView::new(
                settings.trustee_overview.as_ref(),
                TrusteeOverviewView::new,
            ),
        }
    }
}

#[derive(Serialize)]
struct UsageView {
    #[serde(flatten)]
    schedule: ScheduleView,
    api: &'static str,
    trailing_days: u16,
    reread_days: u16,
    settle: String,
    endpoints: usize,
    lookback: String,
}

impl UsageView {
    fn new(settings: &UsageSettings) -> Self {
        Self {
            schedule: ScheduleView::new(settings.schedule),
            api: match settings.api {
                UsageApi::Auto => "auto",
                UsageApi::Jobs => "jobs",
                UsageApi::Legacy => "legacy",
            },
            trailing_days: settings.trailing_days,
            reread_days: settings.reread_days,
            settle: duration::format(settings.settle),
            endpoints: settings.endpoints,
            lookback: duration::format(Duration::from_secs(u64::from(settings.lookback_days) * 86_400)),
        }
    }
}

#[derive(Serialize)]
struct ClientSummaryView {
    #[serde(flatten)]
    schedule: ScheduleView,
    days: u16,
    clients: ClientsView,
    max_clients: usize,
}

#[derive(Serialize)]
struct ClientsView {
    include: Vec<String>,
    exclude: Vec<String>,
}

impl ClientSummaryView {
    fn new(settings: &ClientSummarySettings) -> Self {
        let clients =
            ClientsView { include: patterns(&settings.include), exclude: patterns(&settings.exclude) };
        Self {
            schedule: ScheduleView::new(settings.schedule),
            days: settings.days,
            clients,
            max_clients: settings.max_clients,
        }
    }
}

#[derive(Serialize)]
struct ClientQueryView {
    #[serde(flatten)]
    schedule: ScheduleView,
    clients: Vec<String>,
    days: u16,
}

impl ClientQueryView {
    fn new(settings: &ClientQuerySettings) -> Self {
        let schedule = ScheduleView::new(settings.schedule);
        Self { schedule, clients: texts(&settings.clients), days: settings.days }
    }
}

#[derive(Serialize)]
struct SearchView {
    name: String,
    refresh: String,
    days: u16,
    oauth_client_names: Vec<String>,
    http_methods: Vec<String>,
    template_uris: Vec<String>,
}

impl SearchView {
    fn new(search: &Search) -> Self {
        Self {
            name: escape(&search.name),
            refresh: duration::format(search.refresh),
            days: search.days,
            oauth_client_names: texts(&search.oauth_client_names),
            http_methods: texts(&search.http_methods),
            template_uris: texts(&search.template_uris),
        }
    }
}

#[derive(Serialize)]
struct AppClientUsageView {
    #[serde(flatten)]
    schedule: ScheduleView,
    clients: Vec<String>,
}

impl AppClientUsageView {
    fn new(settings: &AppClientUsageSettings) -> Self {
        Self { schedule: ScheduleView::new(settings.schedule), clients: texts(&settings.clients) }
    }
}

#[derive(Serialize)]
struct InvoicesView {
    #[serde(flatten)]
    schedule: ScheduleView,
    months: u16,
}

impl InvoicesView {
    fn new(settings: &InvoicesSettings) -> Self {
        Self { schedule: ScheduleView::new(settings.schedule), months: settings.months }
    }
}

#[derive(Serialize)]
struct TrusteeOverviewView {
    #[serde(flatten)]
    schedule: ScheduleView,
    customers: Vec<CustomerView>,
}

#[derive(Serialize)]
struct CustomerView {
    name: String,
    organization_id: String,
}

impl TrusteeOverviewView {
    fn new(settings: &TrusteeOverviewSettings) -> Self {
        let customer = |customer: &Customer| CustomerView {
            name: escape(&customer.name),
            organization_id: escape(&customer.organization_id),
        };
        let customers = settings.customers.iter().map(customer).collect();
        Self { schedule: ScheduleView::new(settings.schedule), customers }
    }
}

fn texts(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| escape(text)).collect()
}
