//! Genesys Cloud: API usage of an organization's OAuth clients, and its limits.
//!
//! One file or folder for each collector; the wire formats stay private to the file of their operation.

pub mod allowance;
mod app_client_usage;
mod billing;
mod client_query;
mod client_summary;
mod complete;
mod counts;
mod cursor;
mod days;
mod documented;
mod each_client;
mod execution;
mod fold;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod identity;
mod jobs;
mod legacy;
mod limits;
mod oauth_clients;
mod period;
mod plan;
pub mod regions;
mod room;
mod row;
mod searches;
mod settings;
mod usage;
mod wire;

use std::sync::Arc;

use self::app_client_usage::AppClientUsageCollector;
use self::billing::billable_usage::BillableUsageCollector;
use self::billing::contracts::ContractsCollector;
use self::billing::invoices::InvoicesCollector;
use self::billing::terms::Board;
use self::billing::trustee_overview::TrusteeOverviewCollector;
use self::client_query::ClientQueryCollector;
use self::client_summary::ClientSummaryCollector;
pub use self::execution::Pacing;
use self::identity::Identity;
use self::limits::LimitsCollector;
use self::oauth_clients::{Directory, OauthClientsCollector};
pub use self::plan::{ASSUMED_CLIENTS, plan};
use self::searches::SearchesCollector;
pub use self::settings::{
    Allowance, AppClientUsageSettings, ClientQuerySettings, ClientSummarySettings, Customer,
    InvoicesSettings, Pattern, Price, Search, SearchesSettings, Settings, TrusteeOverviewSettings, UsageApi,
    UsageSettings,
};
use self::usage::UsageCollector;
use crate::clock::Clock;
use crate::collector::Launch;
use crate::rest::{Client, Dialect, Endpoint, Transport};
use crate::telemetry::ApiMetrics;

/// The provider's configuration key and label value.
pub const PROVIDER: &str = "genesys_cloud";

/// How Genesys Cloud answers.
const DIALECT: Dialect = Dialect {
    correlation_header: Some("inin-correlation-id"),
    rate_limit_headers: Some(["inin-ratelimit-count", "inin-ratelimit-allowed", "inin-ratelimit-reset"]),
    final_codes: &["ip.not.authorized", "max.response.size.reached", "query.error"],
    refused_advice: "check client_id, client_secret and region",
    documentation: documented::DOCUMENTATION,
};

/// Launches the enabled collectors of one organization, which share the returned client, its token and its rate limit.
pub fn launch(
    settings: &Settings,
    transport: Arc<Transport>,
    metrics: ApiMetrics,
    clock: &Clock,
    pacing: Pacing,
    launcher: &mut impl Launch,
) -> Arc<Client> {
    let endpoint = Endpoint {
        api_url: settings.api_url.clone(),
        token_url: settings.token_url(),
        client_id: settings.client_id.clone(),
        client_secret: settings.client_secret.clone(),
        // Scopes do not restrict clients of this grant at Genesys Cloud: their roles do.
        scopes: Vec::new(),
        limit: settings.limit(),
        dialect: DIALECT,
    };
    let client = Arc::new(Client::new(endpoint, transport, metrics, clock.clone()));
    let directory = Arc::new(Directory::new(client.clone(), clock.clone()));
    let identity = Arc::new(Identity::new(client.clone()));
    let board = Board::new();
    let settings = Arc::new(settings.clone());

    if let Some(usage) = settings.usage.clone() {
        let schedule = usage.schedule;
        let collector = UsageCollector::new(
            client.clone(),
            settings.clone(),
            usage,
            clock.clone(),
            pacing,
            board.reader(),
        );
        launcher.launch(collector, schedule);
    }
    if let Some(summary) = settings.client_summary.clone() {
        let schedule = summary.schedule;
        let (client, directory, clock) = (client.clone(), directory.clone(), clock.clone());
        launcher.launch(ClientSummaryCollector::new(client, directory, summary, clock, pacing), schedule);
    }
    if let Some(query) = settings.client_query.clone() {
        let schedule = query.schedule;
        launcher.launch(ClientQueryCollector::new(client.clone(), query, clock.clone(), pacing), schedule);
    }
    if let Some(searches) = settings.searches.clone() {
        let schedule = searches.schedule;
        let (client, clock) = (client.clone(), clock.clone());
        launcher.launch(SearchesCollector::new(client, searches, clock, pacing), schedule);
    }
    if let Some(usage) = settings.app_client_usage.clone() {
        let schedule = usage.schedule;
        launcher.launch(AppClientUsageCollector::new(client.clone(), usage, clock.clone(), pacing), schedule);
    }
    if let Some(schedule) = settings.oauth_clients {
        launcher.launch(OauthClientsCollector::new(directory), schedule);
    }
    if let Some(schedule) = settings.limits {
        launcher.launch(LimitsCollector::new(client.clone(), clock.clone()), schedule);
    }
    if let Some(schedule) = settings.billable_usage {
        let (client, settings, clock) = (client.clone(), settings.clone(), clock.clone());
        let collector =
            BillableUsageCollector::new(client, settings, schedule.timeout, clock, pacing, board.reader());
        launcher.launch(collector, schedule);
    }
    if let Some(schedule) = settings.contracts {
        let (client, identity, settings) = (client.clone(), identity.clone(), settings.clone());
        launcher.launch(
            ContractsCollector::new(client, identity, settings, clock.clone(), board.clone()),
            schedule,
        );
    }
    if let Some(invoices) = settings.invoices.clone() {
        let schedule = invoices.schedule;
        launcher.launch(InvoicesCollector::new(client.clone(), invoices, clock.clone()), schedule);
    }
    if let Some(trustee) = settings.trustee_overview.clone() {
        let schedule = trustee.schedule;
        let (client, settings, clock) = (client.clone(), settings.clone(), clock.clone());
        launcher.launch(
            TrusteeOverviewCollector::new(client, identity, settings, trustee, clock, board),
            schedule,
        );
    }
    client
}
