//! Reads the `collectors` of a `genesys_cloud` section.

use std::time::Duration;

use super::patterns;
use crate::config::fields::Fields;
use crate::config::shared::{self, DAY, HOUR, collector};
use crate::config::value::Value;
use crate::model::Schedule;
use crate::providers::genesys_cloud::{
    AppClientUsageSettings, ClientQuerySettings, ClientSummarySettings, Customer, InvoicesSettings, Search,
    SearchesSettings, TrusteeOverviewSettings, UsageApi, UsageSettings,
};

/// The HTTP methods that a search can ask for.
const METHODS: [&str; 9] = ["GET", "POST", "DELETE", "PATCH", "PUT", "HEAD", "CONNECT", "OPTIONS", "TRACE"];

/// The collectors that are enabled.
pub(super) struct Collectors {
    pub(super) usage: Option<UsageSettings>,
    pub(super) client_summary: Option<ClientSummarySettings>,
    pub(super) client_query: Option<ClientQuerySettings>,
    pub(super) searches: Option<SearchesSettings>,
    pub(super) app_client_usage: Option<AppClientUsageSettings>,
    pub(super) oauth_clients: Option<Schedule>,
    pub(super) limits: Option<Schedule>,
    pub(super) billable_usage: Option<Schedule>,
    pub(super) contracts: Option<Schedule>,
    pub(super) invoices: Option<InvoicesSettings>,
    pub(super) trustee_overview: Option<TrusteeOverviewSettings>,
}

pub(super) fn all(fields: &mut Fields) -> Collectors {
    let schedule = |refresh| move |fields: &mut Fields| shared::schedule(fields, refresh);
    let collectors = Collectors {
        usage: collector(&fields.get("usage"), true, usage),
        client_summary: collector(&fields.get("client_summary"), true, client_summary),
        client_query: collector(&fields.get("client_query"), false, client_query),
        searches: searches(&fields.get("searches")),
        app_client_usage: collector(&fields.get("app_client_usage"), false, app_client_usage),
        oauth_clients: collector(&fields.get("oauth_clients"), true, schedule(6 * HOUR)),
        limits: collector(&fields.get("limits"), true, schedule(24 * HOUR)),
        billable_usage: collector(&fields.get("billable_usage"), true, schedule(12 * HOUR)),
        contracts: collector(&fields.get("contracts"), false, schedule(12 * HOUR)),
        invoices: collector(&fields.get("invoices"), false, invoices),
        trustee_overview: collector(&fields.get("trustee_overview"), false, trustee_overview),
    };
    if let Collectors {
        usage: None,
        client_summary: None,
        client_query: None,
        searches: None,
        app_client_usage: None,
        oauth_clients: None,
        limits: None,
        billable_usage: None,
        contracts: None,
        invoices: None,
        trustee_overview: None,
    } = collectors
    {
        fields.fault("every collector is disabled; enable one, or remove the organization");
    }
    collectors
}

fn usage(fields: &mut Fields) -> UsageSettings {
    UsageSettings {
        schedule: shared::schedule(fields, 6 * HOUR),
        api: fields.get("api").parse("auto, jobs or legacy", usage_api).unwrap_or(UsageApi::Auto),
        trailing_days: fields.get("trailing_days").number(&(1..=90)).unwrap_or(7),
        reread_days: fields.get("reread_days").number(&(1..=90)).unwrap_or(7),
        settle: fields.get("settle").duration(&(Duration::ZERO..=48 * HOUR)).unwrap_or(3 * HOUR),
        endpoints: fields.get("endpoints").number(&(0..=10_000)).unwrap_or(200),
        lookback_days: lookback_days(&fields.get("lookback")).unwrap_or(365),
    }
}

fn usage_api(text: &str) -> Option<UsageApi> {
    match text {
        "auto" => Some(UsageApi::Auto),
        "jobs" => Some(UsageApi::Jobs),
        "legacy" => Some(UsageApi::Legacy),
        _ => None,
    }
}

fn lookback_days(value: &Value) -> Option<u16> {
    let lookback = value.duration(&(DAY..=365 * DAY))?;
    if lookback.subsec_nanos() > 0 || lookback.as_secs() % DAY.as_secs() > 0 {
        value.fault("expected whole days such as 90d, found a part of a day");
    }
    u16::try_from(lookback.as_secs() / DAY.as_secs()).ok()
}

fn client_summary(fields: &mut Fields) -> ClientSummarySettings {
    let schedule = shared::schedule(fields, 24 * HOUR);
    let (include, exclude) = fields
        .get("clients")
        .mapping(|fields| (patterns(&fields.get("include"), &[".*"]), patterns(&fields.get("exclude"), &[])));
    ClientSummarySettings {
        schedule,
        days: fields.get("days").number(&(1..=90)).unwrap_or(7),
        include,
        exclude,
        max_clients: fields.get("max_clients").number(&(1..=10_000)).unwrap_or(200),
    }
}

fn client_query(fields: &mut Fields) -> ClientQuerySettings {
    ClientQuerySettings {
        schedule: shared::schedule(fields, 24 * HOUR),
        clients: client_ids(fields),
        days: fields.get("days").number(&(1..=90)).unwrap_or(7),
    }
}

fn app_client_usage(fields: &mut Fields) -> AppClientUsageSettings {
    AppClientUsageSettings { schedule: shared::schedule(fields, 6 * HOUR), clients: client_ids(fields) }
}

/// The ids of the clients that a collector asks for, each once.
fn client_ids(fields: &mut Fields) -> Vec<String> {
    let clients = fields.get("clients");
    let ids = shared::texts(&clients, "the id of an OAuth client");
    let enabled = fields.get("enabled");
    if ids.is_empty() && !clients.is_set() && enabled.boolean() == Some(true) {
        clients
            .fault("missing; expected a list of the ids of OAuth clients, because the collector is enabled");
    }
    ids
}

/// Each search has a schedule of its own; the collector runs for the one that is due first.
fn searches(list: &Value) -> Option<SearchesSettings> {
    let items = list.items("a list of searches, each starting with `- name: …`")?;
    let mut names = shared::Names::default();
    let searches: Vec<Search> =
        items.iter().filter_map(|item| item.mapping(|fields| search(fields, &mut names))).collect();
    let most_often = searches.iter().map(|search| search.refresh).min()?;
    let most_seldom = searches.iter().map(|search| search.refresh).max()?;
    let schedule = Schedule {
        refresh: most_often,
        timeout: shared::default_timeout(most_often),
        max_staleness: shared::DEFAULT_MAX_STALENESS.max(2 * most_seldom),
    };
    Some(SearchesSettings { schedule, searches })
}

fn search(fields: &mut Fields, names: &mut shared::Names) -> Option<Search> {
    let name = names.read(fields, "a name for the search");
    let refresh = fields.get("refresh").duration(&shared::REFRESH).unwrap_or(24 * HOUR);
    let days = fields.get("days").number(&(1..=90)).unwrap_or(7);
    let methods = fields.get("http_methods");
    let expected = "an HTTP method such as GET, in capital letters";
    let http_methods =
        shared::list(&methods, expected, |text| METHODS.contains(&text).then(|| text.to_owned()));
    Some(Search {
        refresh,
        days,
        oauth_client_names: shared::texts(&fields.get("oauth_client_names"), "the name of an OAuth client"),
        http_methods,
        template_uris: shared::texts(&fields.get("template_uris"), "a URI template as usage figures show it"),
        name: name?,
    })
}

fn invoices(fields: &mut Fields) -> InvoicesSettings {
    InvoicesSettings {
        schedule: shared::schedule(fields, 24 * HOUR),
        months: fields.get("months").number(&(1..=36)).unwrap_or(13),
    }
}

fn trustee_overview(fields: &mut Fields) -> TrusteeOverviewSettings {
    let schedule = shared::schedule(fields, 12 * HOUR);
    let list = fields.get("customers");
    let enabled = fields.get("enabled").boolean() == Some(true);
    let items = list.items("a list of customers, each starting with `- name: …`").unwrap_or_default();
    if items.is_empty() && enabled {
        list.fault("missing; expected a list of customers, each with name and organization_id");
    }
    let mut names = shared::Names::default();
    let customer = |fields: &mut Fields| {
        let name = names.read(fields, "a name for the customer");
        let id = fields.required("organization_id", "the id of the customer's organization");
        Some(Customer { organization_id: id.text("the id of an organization")?, name: name? })
    };
    let mut customer = customer;
    let customers = items.iter().filter_map(|item| item.mapping(&mut customer)).collect();
    TrusteeOverviewSettings { schedule, customers }
}
