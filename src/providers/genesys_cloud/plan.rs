//! What collecting from one organization costs: for each enabled collector how many requests a run takes, and why so many.

use super::jobs::PAGE_SIZES;
use super::settings::{SearchesSettings, Settings, UsageSettings};
use super::usage::{KEPT_DAYS, OLDEST_DAY, QUERY_DAYS};
use crate::model::{Plan, Requests, Schedule, Task};

/// OAuth clients that an organization is taken to have where nobody has counted them.
pub const ASSUMED_CLIENTS: u64 = 50;

/// How often a query is usually asked for before it is done. Most take some seconds.
const POLLS: u64 = 3;

/// A query is started, asked for until it is done, and its first page comes with the last of these answers.
const QUERY: Requests = Requests { least: 2, usual: 1 + POLLS };

/// Clients on a page of the client list, as long as nobody asks for more.
const CLIENTS_ON_A_PAGE: u64 = 25;

/// An active contract that is read: itself, its open period and the last closed one. There is usually one.
const CONTRACT: u64 = 3;

/// Which organization the credentials belong to is asked for once.
const IDENTITY: u64 = 1;

/// The requests that the enabled collectors plan, for an organization of so many OAuth `clients`.
#[must_use]
pub fn plan(settings: &Settings, clients: u64) -> Plan {
    let mut tasks = Vec::new();
    if let Some(usage) = &settings.usage {
        tasks.push(self::usage(usage, clients));
    }
    if let Some(summary) = &settings.client_summary {
        let schedule = summary.schedule;
        // How many clients there are is not certain.
        let query = Requests { least: 0, ..QUERY };
        let wanted = clients.min(summary.max_clients as u64);
        tasks.push(Task { units: wanted, unit: "client", ..task("client_summary", schedule, query) });
        // The client list is the one that oauth_clients has read, if that reads it often enough.
        if settings.oauth_clients.is_none_or(|list| list.refresh > schedule.refresh) {
            let least = u64::from(settings.oauth_clients.is_none());
            let list = task("client_summary", schedule, Requests::new(least, pages_of(clients)));
            tasks.push(Task { part: " (client list)".to_owned(), ..list });
        }
    }
    if let Some(query) = &settings.client_query {
        tasks.push(each_client(&query.clients, task("client_query", query.schedule, QUERY)));
    }
    if let Some(searches) = &settings.searches {
        tasks.extend(self::searches(searches));
    }
    if let Some(usage) = &settings.app_client_usage {
        tasks.push(each_client(&usage.clients, task("app_client_usage", usage.schedule, QUERY)));
    }
    if let Some(schedule) = settings.oauth_clients {
        tasks.push(task("oauth_clients", schedule, Requests::new(1, pages_of(clients))));
    }
    if let Some(schedule) = settings.limits {
        tasks.push(task("limits", schedule, Requests::new(1, 1)));
    }
    if let Some(schedule) = settings.billable_usage {
        tasks.push(task("billable_usage", schedule, Requests::new(1, 1 + POLLS)));
    }
    if let Some(schedule) = settings.contracts {
        let contracts = task("contracts", schedule, Requests::new(1, 1 + CONTRACT));
        tasks.push(Task { once: IDENTITY, ..contracts });
    }
    if let Some(invoices) = &settings.invoices {
        tasks.push(task("invoices", invoices.schedule, Requests::new(1, 1)));
    }
    if let Some(trustee) = &settings.trustee_overview {
        let overview = task("trustee_overview", trustee.schedule, Requests::new(1, 1));
        let units = trustee.customers.len() as u64;
        tasks.push(Task { units, unit: "customer", once: IDENTITY, ..overview });
    }
    Plan { limit: settings.limit(), tasks }
}

/// A query of the newest days, and one of the newest day's endpoints when its figures changed.
fn usage(usage: &UsageSettings, clients: u64) -> Task {
    let newest = u64::from(usage.reread_days).div_ceil(QUERY_DAYS.unsigned_abs());
    let queries = newest + u64::from(usage.endpoints > 0);
    let requests = Requests::new(newest * QUERY.least, queries * QUERY.usual);
    Task { once: look_back(usage, clients), ..task("usage", usage.schedule, requests) }
}

/// What the first run takes besides: more days at once, and older ones for when each client was last active.
fn look_back(usage: &UsageSettings, clients: u64) -> u64 {
    let further_pages = |days: i64| {
        let rows = clients.saturating_mul(days.unsigned_abs());
        rows.div_ceil(PAGE_SIZES[0].into()).saturating_sub(1)
    };
    let mut older = i64::from(usage.lookback_days).min(OLDEST_DAY) - KEPT_DAYS;
    let mut requests = further_pages(KEPT_DAYS);
    while older > 0 {
        let days = older.min(QUERY_DAYS);
        requests += QUERY.usual + further_pages(days);
        older -= days;
    }
    requests
}

/// Each search is made as often as it says, and at the start all are made in one run.
fn searches(settings: &SearchesSettings) -> impl Iterator<Item = Task> {
    settings.searches.iter().enumerate().map(|(index, search)| Task {
        part: format!("[{index}]"),
        refresh: search.refresh,
        ..task("searches", settings.schedule, QUERY)
    })
}

fn pages_of(clients: u64) -> u64 {
    clients.div_ceil(CLIENTS_ON_A_PAGE).max(1)
}

fn each_client(clients: &[String], task: Task) -> Task {
    Task { units: clients.len() as u64, unit: "client", ..task }
}

fn task(collector: &'static str, schedule: Schedule, requests: Requests) -> Task {
    let Schedule { refresh, timeout, .. } = schedule;
    Task { collector, part: String::new(), refresh, timeout, units: 1, unit: "", requests, once: 0 }
}
