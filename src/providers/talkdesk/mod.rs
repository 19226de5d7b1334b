//! Talkdesk: usage, contracts and invoices of an organization's accounts, from the Billing Insights API.
//!
//! One file or folder for each collector. All five lists have the same envelope and the same uncertainties, which [`paging`],
//! [`page`] and [`row`] are for.

mod accounts;
mod calendar;
mod documented;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod invoices;
mod page;
mod paging;
mod pairs;
mod plan;
mod products;
pub mod regions;
mod row;
mod seen;
mod settings;
mod subscriptions;
mod usage;

use std::sync::Arc;

use self::accounts::AccountsCollector;
use self::invoices::InvoicesCollector;
pub use self::plan::plan;
use self::products::ProductsCollector;
use self::seen::Seen;
pub use self::settings::{MonthlySettings, Settings};
use self::subscriptions::SubscriptionsCollector;
use self::usage::UsageCollector;
use crate::clock::Clock;
use crate::collector::Launch;
use crate::rest::{Client, Dialect, Endpoint, Transport};
use crate::telemetry::ApiMetrics;

/// The provider's configuration key and label value.
pub const PROVIDER: &str = "talkdesk";

/// How Talkdesk answers.
const DIALECT: Dialect = Dialect {
    correlation_header: None,
    rate_limit_headers: None,
    final_codes: &[],
    refused_advice: "check client_id, client_secret and account, and that the client has the scopes of the enabled collectors; \
                     a scope that was granted minutes ago is refused in the same way",
    documentation: documented::DOCUMENTATION,
};

/// Launches the enabled collectors of one organization, which share the returned client, its token and its rate limit.
pub fn launch(
    settings: &Settings,
    transport: Arc<Transport>,
    metrics: ApiMetrics,
    clock: &Clock,
    launcher: &mut impl Launch,
) -> Arc<Client> {
    let endpoint = Endpoint {
        api_url: settings.api_url.clone(),
        token_url: settings.token_url.clone(),
        client_id: settings.client_id.clone(),
        client_secret: settings.client_secret.clone(),
        scopes: scopes(settings),
        limit: settings.limit(),
        dialect: DIALECT,
    };
    let client = Arc::new(Client::new(endpoint, transport, metrics, clock.clone()));
    let seen = Arc::new(Seen::default());

    if let Some(usage) = settings.usage {
        let collector = UsageCollector::new(client.clone(), clock.clone(), usage, seen.clone());
        launcher.launch(collector, usage.schedule);
    }
    if let Some(schedule) = settings.accounts {
        launcher.launch(AccountsCollector::new(client.clone(), clock.clone()), schedule);
    }
    if let Some(schedule) = settings.products {
        launcher.launch(ProductsCollector::new(client.clone(), clock.clone(), seen.watch()), schedule);
    }
    if let Some(schedule) = settings.subscriptions {
        launcher.launch(SubscriptionsCollector::new(client.clone(), clock.clone(), seen), schedule);
    }
    if let Some(invoices) = settings.invoices {
        let collector = InvoicesCollector::new(client.clone(), clock.clone(), invoices);
        launcher.launch(collector, invoices.schedule);
    }
    client
}

/// The scopes of the enabled collectors and no others: one that is not granted may make the login host refuse them all.
fn scopes(settings: &Settings) -> Vec<&'static str> {
    let scopes = [
        (settings.usage.is_some(), "express-accounts-usage:read"),
        (settings.accounts.is_some(), "express-accounts:read"),
        (settings.products.is_some(), "express-products:read"),
        (settings.subscriptions.is_some(), "express-accounts-subscriptions:read"),
        (settings.invoices.is_some(), "express-accounts-invoices:read"),
    ];
    scopes.into_iter().filter(|(is_enabled, _)| *is_enabled).map(|(_, scope)| scope).collect()
}
