//! The alerts, and the thresholds that they are rendered with. The defaults stand in `dashboards/thresholds.yml`, and nowhere else.

use std::time::Duration;

use askama::Template;

/// The thresholds of all alerts, by section of the file.
#[derive(Debug, Clone, PartialEq, Template)]
#[template(path = "alerts.yml", syntax = "rules", escape = "none")]
pub struct Thresholds {
    /// Where the runbooks are, without a slash at the end; a URL or a path.
    pub runbook_url: String,
    /// The job of the exporter in Prometheus.
    pub exporter_job: String,
    /// How long conditions last before alerts fire.
    pub wait: Wait,
    /// The fair-use allowance.
    pub fair_use: FairUse,
    /// OAuth clients.
    pub clients: Clients,
    /// Contracts, wallets, invoices, partners.
    pub billing: Billing,
    /// Talkdesk.
    pub talkdesk: Spend,
    /// The exporter itself.
    pub exporter: Exporter,
}

/// How long conditions last before alerts fire, as Prometheus writes durations.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// Conditions of vendor figures.
    pub figures: String,
    /// Conditions of two vendor sources that are read hours apart.
    pub two_sources: String,
    /// The exporter does not answer.
    pub exporter_down: String,
    /// A collector fails.
    pub collector_failing: String,
    /// Figures are old.
    pub data_stale: String,
}

/// Thresholds of the fair-use allowance.
#[derive(Debug, Clone, PartialEq)]
pub struct FairUse {
    /// Forecast ÷ allowance.
    pub forecast_ratio: f64,
    /// Used ÷ allowance.
    pub nearly_used_ratio: f64,
    /// Days left.
    pub nearly_used_days_left: u32,
    /// Forecast price of the overage, in any currency.
    pub overage_amount: f64,
}

/// Thresholds of OAuth clients on the newest complete day.
#[derive(Debug, Clone, PartialEq)]
pub struct Clients {
    /// Requests of a day from which on shares are looked at.
    pub minimum_requests: u64,
    /// Share of 429.
    pub throttled_ratio: f64,
    /// Share of 5xx.
    pub server_errors_ratio: f64,
    /// Requests of a spike.
    pub spike_requests: u64,
    /// Requests of a spike ÷ trailing daily mean.
    pub spike_factor: f64,
    /// Share in the requests of the organization.
    pub dominant_share: f64,
    /// Forecast ÷ allowance from which on that share matters.
    pub dominant_forecast_ratio: f64,
    /// Requests of a client that nobody lists.
    pub unknown_requests: u64,
    /// Days without a request.
    pub idle_days: u32,
}

/// Thresholds of contracts, wallets, invoices and partners.
#[derive(Debug, Clone, PartialEq)]
pub struct Billing {
    /// Overage of the open period, in any currency.
    pub overage_amount: f64,
    /// Used ÷ (prepaid + fair use).
    pub commit_used_ratio: f64,
    /// Use of a partner's customer ÷ its prepaid quantity.
    pub prepay_used_ratio: f64,
    /// Balance ÷ starting balance.
    pub wallet_left_ratio: f64,
    /// Days to the end of a contract.
    pub contract_end_days: u32,
    /// Days since the oldest unpaid invoice.
    pub invoice_unpaid_days: u32,
    /// Difference of counted and billed ÷ billed.
    pub reconcile_ratio: f64,
    /// Difference of counted and billed ÷ trailing daily mean.
    pub reconcile_days: f64,
}

/// Thresholds of monthly spend.
#[derive(Debug, Clone, PartialEq)]
pub struct Spend {
    /// Forecast of the month ÷ last month.
    pub forecast_ratio: f64,
}

/// Thresholds of the exporter itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Exporter {
    /// Refresh intervals since the last success.
    pub stale_refreshes: f64,
    /// Time since the end of the newest complete day.
    pub usage_stale: Duration,
    /// Share of folded figures.
    pub folded_ratio: f64,
    /// Own requests of a day ÷ allowance of a day.
    pub self_usage_ratio: f64,
}

impl Thresholds {
    /// Whether the alerts link to a page that a browser finds, and not to a path.
    #[must_use]
    pub fn has_runbook_url(&self) -> bool {
        self.runbook_url.contains("://")
    }

    /// The alerts as a rule file of Prometheus.
    #[must_use]
    pub fn alerts(&self) -> String {
        let rules = self.render().expect("writing to a text cannot fail");
        format!("{}\n", rules.trim_end())
    }
}
