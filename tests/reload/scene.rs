//! The program in this process, on a vendor and a folder of its own.

use std::ops::Deref;
use std::sync::Arc;

use ccaas_exporter::app::Reload;
use ccaas_exporter::clock::Clock;
use ccaas_exporter::config::Config;
use ccaas_exporter::lifecycle::lifecycle;
use ccaas_exporter::simulator::{CLIENT_SECRET, Options, Simulator};
use tempfile::TempDir;

use crate::support::text::Sample;
use crate::support::{Metrics, Stage, Vendor, Ways, only, scenario};

/// A vendor and a folder with a configuration and a secret.
pub struct Ground {
    pub simulator: Simulator,
    pub vendor: Vendor,
    pub folder: TempDir,
}

impl Ground {
    pub async fn new(faults: &str) -> Self {
        let simulator = Simulator::new(Options {
            requests_per_minute: 100_000,
            talkdesk_requests_per_second: 100_000,
            scenario: scenario(faults),
            ..Options::new(Clock::system())
        });
        let vendor = Vendor::start(simulator.clone(), "127.0.0.1:0").await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), CLIENT_SECRET).unwrap();
        Self { simulator, vendor, folder }
    }

    /// An organization with the collectors that are named.
    pub fn genesys(&self, name: &str, client_id: &str, collectors: &str) -> String {
        let (url, collectors) = (self.vendor.url(), only(collectors));
        format!(
            "  - {{name: {name}, genesys_cloud: {{api_url: '{url}', login_url: '{url}', client_id: {client_id}, \
             client_secret_file: secret, rate_limit: {{requests_per_minute: 100000}}, collectors: {collectors}}}}}\n"
        )
    }

    /// Asks only `listOAuthClients`.
    pub fn acme(&self) -> String {
        self.genesys("acme", "demo", "oauth_clients: {}")
    }

    /// Asks only `getEffectiveLimits`.
    pub fn umbrella(&self, refresh: &str) -> String {
        self.genesys("umbrella", "demo-calm", &format!("limits: {{refresh: {refresh}}}"))
    }

    /// Asks only `listAccounts`.
    pub fn globex(&self) -> String {
        let url = self.vendor.url();
        format!(
            "  - {{name: globex, talkdesk: {{api_url: '{url}', token_url: '{url}/oauth/token', client_id: demo, client_secret_file: \
             secret, collectors: {{usage: {{enabled: false}}, products: {{enabled: false}}, subscriptions: {{enabled: false}}}}}}}}\n"
        )
    }

    pub fn config(&self) -> std::path::PathBuf {
        self.folder.path().join("config.yml")
    }

    pub fn write(&self, global: &str, organizations: &[String]) {
        let text = format!("global: {{{global}}}\norganizations:\n{}", organizations.concat());
        std::fs::write(self.config(), text).unwrap();
    }

    /// How often an organization's operation was asked for.
    pub fn count(&self, operation: &str) -> usize {
        self.simulator.count(operation)
    }
}

/// The program on a ground.
pub struct Scene {
    pub ground: Ground,
    pub stage: Stage,
}

impl Deref for Scene {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

impl Scene {
    pub async fn start(ground: Ground) -> Self {
        Self::start_with(ground, |_| ()).await
    }

    /// Starts with a configuration that `change` has changed, also at each reload.
    pub async fn start_with(ground: Ground, change: impl Fn(&mut Config) + Send + Sync + 'static) -> Self {
        let path = ground.config();
        let source = move || {
            let mut config = Config::load(&path, &|_| None)?;
            change(&mut config);
            Ok(config)
        };
        let config = source().unwrap();
        let (control, requests) = lifecycle();
        let reload = Reload { requests, source: Arc::new(source), control: Some(control) };
        // The stage needs a vendor of its own to stop; ours outlives it.
        let spare = Vendor::start(ground.simulator.clone(), "127.0.0.1:0").await;
        let simulator = ground.simulator.clone();
        let ways = Ways { reload: Some(reload), ..Ways::default() };
        let stage = Stage::start_with(config, Clock::system(), simulator, spare, ways).await;
        Self { ground, stage }
    }

    pub async fn reload(&self) -> (u16, String) {
        self.stage.post("/-/reload").await
    }

    pub async fn reload_well(&self) -> String {
        let (status, text) = self.reload().await;
        assert_eq!(status, 200, "{text}");
        text
    }

    pub async fn organizations(&self) -> Vec<String> {
        let groups: serde_json::Value = self.stage.get("/sd").await.json().await.unwrap();
        let name =
            |group: &serde_json::Value| group["labels"]["__param_organization"].as_str().unwrap().to_owned();
        groups.as_array().unwrap().iter().map(name).collect()
    }

    pub async fn stop(self) {
        self.stage.stop().await;
        self.ground.vendor.stop().await;
    }
}

/// Everything that the exporter tells of an organization, as text to compare.
pub fn all_of(metrics: &Metrics, organization: &str) -> Vec<String> {
    let of = |sample: &&Sample| sample.label("organization") == organization;
    metrics.samples.iter().filter(of).map(|sample| format!("{sample:?}")).collect()
}

pub fn of(metrics: &Metrics, name: &str, organization: &str) -> Option<f64> {
    metrics.value(name, &[("organization", organization)])
}
