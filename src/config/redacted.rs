//! The effective configuration as YAML, in the layout of the file, without secrets.

use std::ops::Deref;
use std::path::Path;

use regex::Regex;
use serde::Serialize;

use super::genesys_cloud::GenesysCloudView;
use super::talkdesk::TalkdeskView;
use super::variables::escape;
use super::{Config, Global, Organization, Provider, duration};
use crate::model::Schedule;
use crate::secret::{REDACTED, Secret};

impl Config {
    /// The effective configuration, defaults included. It loads again once each `<secret>` is put back.
    #[must_use]
    pub fn redacted_yaml(&self) -> String {
        yaml(&ConfigView::new(self))
    }
}

impl Organization {
    /// The effective configuration of this organization alone, without its secrets.
    #[must_use]
    pub fn redacted_yaml(&self) -> String {
        yaml(&OrganizationView::new(self))
    }
}

fn yaml(view: &impl Serialize) -> String {
    // Block scalars would be harder to read for values of one line.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(view, options)
        .unwrap_or_else(|error| format!("# The configuration cannot be shown: {error}\n"))
}

#[derive(Serialize)]
struct ConfigView {
    global: GlobalView,
    organizations: Vec<OrganizationView>,
}

impl ConfigView {
    fn new(config: &Config) -> Self {
        Self {
            global: GlobalView::new(&config.global),
            organizations: config.organizations.iter().map(OrganizationView::new).collect(),
        }
    }
}

#[derive(Serialize)]
struct GlobalView {
    request_timeout: String,
    concurrency: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_url: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_url_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<String>,
    max_series_per_organization: usize,
}

impl GlobalView {
    fn new(global: &Global) -> Self {
        let (proxy_url, proxy_url_file) = global.proxy_url.as_ref().map_or((None, None), secret);
        Self {
            request_timeout: duration::format(global.request_timeout),
            concurrency: global.concurrency.get(),
            proxy_url,
            proxy_url_file,
            ca_file: global.ca_file.as_deref().map(path),
            max_series_per_organization: global.max_series_per_organization,
        }
    }
}

#[derive(Serialize)]
struct OrganizationView {
    name: String,
    #[serde(flatten)]
    provider: ProviderView,
}

/// The section of the provider, under its key.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ProviderView {
    GenesysCloud(Box<GenesysCloudView>),
    Talkdesk(Box<TalkdeskView>),
}

impl OrganizationView {
    fn new(organization: &Organization) -> Self {
        let provider = match &organization.provider {
            Provider::GenesysCloud(settings) => {
                ProviderView::GenesysCloud(Box::new(GenesysCloudView::new(settings)))
            }
            Provider::Talkdesk(settings) => ProviderView::Talkdesk(Box::new(TalkdeskView::new(settings))),
        };
        Self { name: escape(&organization.name), provider }
    }
}

/// A collector with its keys; a disabled one says only that.
#[derive(Serialize)]
pub(super) struct CollectorView<T> {
    enabled: bool,
    #[serde(flatten)]
    settings: Option<T>,
}

impl<T> CollectorView<T> {
    pub(super) fn new<S>(settings: Option<&S>, view: impl FnOnce(&S) -> T) -> Self {
        Self { enabled: settings.is_some(), settings: settings.map(view) }
    }
}

#[derive(Serialize)]
pub(super) struct ScheduleView {
    refresh: String,
    timeout: String,
    max_staleness: String,
}

impl ScheduleView {
    pub(super) fn new(schedule: Schedule) -> Self {
        Self {
            refresh: duration::format(schedule.refresh),
            timeout: duration::format(schedule.timeout),
            max_staleness: duration::format(schedule.max_staleness),
        }
    }
}

/// The values of a secret's two keys, the one for the secret itself and the one for its file.
pub(super) fn secret(secret: &Secret) -> (Option<&'static str>, Option<String>) {
    match secret {
        Secret::Inline(_) => (Some(REDACTED), None),
        Secret::File(file) => (None, Some(path(file))),
    }
}

fn path(path: &Path) -> String {
    escape(&path.display().to_string())
}

pub(super) fn patterns(patterns: &[impl Deref<Target = Regex>]) -> Vec<String> {
    patterns.iter().map(|pattern| escape(pattern.as_str())).collect()
}
