//! Genesys Cloud: API usage of an organization's OAuth clients.
//!
//! One file or folder for each collector; the wire formats stay private to the file of their operation.

pub mod allowance;
mod client_summary;
mod counts;
mod days;
mod execution;
mod legacy;
mod oauth_clients;
pub mod regions;
mod row;
mod settings;
mod usage;
mod wire;

use std::sync::Arc;

use self::client_summary::ClientSummaryCollector;
pub use self::execution::Pacing;
use self::oauth_clients::Directory;
pub use self::settings::{
    Allowance, ClientSummarySettings, OauthClientsSettings, Price, Settings, UsageApi, UsageSettings,
};
use self::usage::UsageCollector;
use crate::clock::Clock;
use crate::collector::Collector;
use crate::model::{CollectError, Reading, Schedule};
use crate::rest::{Client, Dialect, Endpoint, Transport};
use crate::telemetry::ApiMetrics;

/// The provider's configuration key and label value.
pub const PROVIDER: &str = "genesys_cloud";

/// How Genesys Cloud answers.
const DIALECT: Dialect = Dialect {
    correlation_header: "inin-correlation-id",
    rate_limit_headers: ["inin-ratelimit-count", "inin-ratelimit-allowed", "inin-ratelimit-reset"],
    final_codes: &["ip.not.authorized", "max.response.size.reached"],
};

/// A collector of one organization.
pub struct GenesysCloudCollector(Kind);

enum Kind {
    Usage(Box<UsageCollector>),
    ClientSummary(ClientSummaryCollector),
    OauthClients(Arc<Directory>),
}

/// The enabled collectors of one organization, which share a client, its token and its rate limit.
#[must_use]
pub fn collectors(
    settings: &Settings,
    transport: Arc<Transport>,
    metrics: ApiMetrics,
    clock: &Clock,
    pacing: Pacing,
) -> (Arc<Client>, Vec<(GenesysCloudCollector, Schedule)>) {
    let endpoint = Endpoint {
        api_url: settings.api_url.clone(),
        token_url: settings.token_url(),
        client_id: settings.client_id.clone(),
        client_secret: settings.client_secret.clone(),
        requests_per_minute: settings.requests_per_minute,
        dialect: DIALECT,
    };
    let client = Arc::new(Client::new(endpoint, transport, metrics, clock.clone()));
    let directory = Arc::new(Directory::new(client.clone(), clock.clone()));
    let settings = Arc::new(settings.clone());

    let mut collectors = Vec::new();
    if let Some(usage) = settings.usage.clone() {
        let schedule = usage.schedule;
        let collector = UsageCollector::new(client.clone(), settings.clone(), usage, clock.clone(), pacing);
        collectors.push((Kind::Usage(Box::new(collector)), schedule));
    }
    if let Some(summary) = settings.client_summary.clone() {
        let schedule = summary.schedule;
        let (client, directory, clock) = (client.clone(), directory.clone(), clock.clone());
        let collector = ClientSummaryCollector::new(client, directory, summary, clock, pacing);
        collectors.push((Kind::ClientSummary(collector), schedule));
    }
    if let Some(clients) = &settings.oauth_clients {
        collectors.push((Kind::OauthClients(directory), clients.schedule));
    }
    let collectors = collectors.into_iter().map(|(kind, schedule)| (GenesysCloudCollector(kind), schedule));
    (client, collectors.collect())
}

impl Collector for GenesysCloudCollector {
    fn name(&self) -> &'static str {
        match self.0 {
            Kind::Usage(_) => "usage",
            Kind::ClientSummary(_) => "client_summary",
            Kind::OauthClients(_) => "oauth_clients",
        }
    }

    async fn collect(&mut self) -> Result<Reading, CollectError> {
        match &mut self.0 {
            Kind::Usage(collector) => collector.collect().await,
            Kind::ClientSummary(collector) => collector.collect().await,
            Kind::OauthClients(directory) => oauth_clients::collect(directory).await,
        }
    }
}
