//! The configuration: strict YAML in, typed settings out, every fault reported at once.

mod budget;
mod document;
pub mod duration;
mod environment;
mod faults;
mod fields;
mod file;
mod genesys_cloud;
mod redacted;
mod shared;
mod talkdesk;
pub mod thresholds;
mod value;
mod variables;
pub mod web;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::Plan;
use crate::providers;
use crate::secret::Secret;

pub use environment::HOW_TO_START;
pub use faults::Faults;
pub use variables::Environment;

/// The whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Settings that hold for the whole process.
    pub global: Global,
    /// The organizations, in the order of the file; their names are unique.
    pub organizations: Vec<Organization>,
}

/// Settings that hold for the whole process.
#[derive(Debug, Clone, PartialEq)]
pub struct Global {
    /// How long one vendor request may take, its body included.
    pub request_timeout: Duration,
    /// Vendor requests in flight at once.
    pub concurrency: NonZeroUsize,
    /// Proxy for vendor requests; may hold a password. `None`: `HTTPS_PROXY` and `NO_PROXY` apply.
    pub proxy_url: Option<Secret>,
    /// PEM file with further trust anchors for vendor connections.
    pub ca_file: Option<PathBuf>,
    /// Most series that one organization may have.
    pub max_series_per_organization: usize,
}

/// One organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Organization {
    /// The label value of `organization`.
    pub name: String,
    /// Its provider and that provider's settings.
    pub provider: Provider,
}

/// The provider of an organization.
#[derive(Debug, Clone, PartialEq)]
pub enum Provider {
    /// Genesys Cloud.
    GenesysCloud(Box<providers::genesys_cloud::Settings>),
    /// Talkdesk.
    Talkdesk(Box<providers::talkdesk::Settings>),
}

impl Provider {
    /// The provider's key in the configuration and its label value.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::GenesysCloud(_) => providers::genesys_cloud::PROVIDER,
            Self::Talkdesk(_) => providers::talkdesk::PROVIDER,
        }
    }

    /// The vendor requests that the enabled collectors plan, for an organization of so many OAuth `clients` where these count.
    #[must_use]
    pub fn plan(&self, clients: u64) -> Plan {
        match self {
            Self::GenesysCloud(settings) => providers::genesys_cloud::plan(settings, clients),
            Self::Talkdesk(settings) => providers::talkdesk::plan(settings),
        }
    }

    /// The account at the provider: where it is and who asks. It holds no secret.
    #[must_use]
    pub fn account(&self) -> String {
        let (client_id, api_url, token_url) = match self {
            Self::GenesysCloud(settings) => (&settings.client_id, &settings.api_url, settings.token_url()),
            Self::Talkdesk(settings) => (&settings.client_id, &settings.api_url, settings.token_url.clone()),
        };
        format!("{client_id} at {api_url} by {token_url}")
    }
}
