//! Genesys Cloud: API usage of an organization's OAuth clients.

pub mod allowance;
pub mod regions;
mod settings;

pub use settings::{
    Allowance, ClientSummarySettings, OauthClientsSettings, Price, Settings, UsageApi, UsageSettings,
};
