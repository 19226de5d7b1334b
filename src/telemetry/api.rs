//! What the exporter's own requests to a vendor cost.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use prometheus::{
    Counter, CounterVec, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts,
    Registry,
};

use super::{add, remove};
use crate::model::requests;

const LABELS: [&str; 2] = ["provider", "organization"];

/// The families that have a series for each organization's vendor.
pub(super) struct Families {
    requests: IntCounterVec,
    request_duration: HistogramVec,
    budget_remaining: GaugeVec,
    throttled: CounterVec,
    token_expiry: GaugeVec,
}

/// The metrics of the requests to one organization's vendor.
#[derive(Clone)]
pub struct ApiMetrics {
    labels: [String; 2],
    requests: IntCounterVec,
    request_duration: Histogram,
    budget_remaining: Gauge,
    throttled: Counter,
    token_expiry: Gauge,
}

impl Families {
    pub(super) fn register(registry: &Registry) -> Self {
        Self {
            requests: add(
                registry,
                IntCounterVec::new(
                    Opts::new(
                        "ccaas_exporter_api_requests_total",
                        "Requests that the exporter sent to the vendor, each try counted, \
                         by operation and HTTP status (or timeout, network, cancelled).",
                    ),
                    &["provider", "organization", "operation", "code"],
                ),
            ),
            request_duration: add(
                registry,
                HistogramVec::new(
                    HistogramOpts::new(
                        "ccaas_exporter_api_request_duration_seconds",
                        "Time from sending a request to the vendor to the end of its body, in seconds.",
                    )
                    .buckets(vec![0.05, 0.1, 0.25, 0.5, 1.5, 4.5, 12.5, 30.5]),
                    &LABELS,
                ),
            ),
            budget_remaining: add(
                registry,
                GaugeVec::new(
                    Opts::new(
                        "ccaas_exporter_api_budget_remaining_requests",
                        "Requests that the exporter may still send to the vendor in the \
                         current window of its own limit (rate_limit: a minute, or a second).",
                    ),
                    &LABELS,
                ),
            ),
            throttled: add(
                registry,
                CounterVec::new(
                    Opts::new(
                        "ccaas_exporter_api_throttled_seconds_total",
                        "Time in which a rate limit held up requests to the vendor, the exporter's own or the \
                         vendor's, in seconds; a second counts once however many requests wait.",
                    ),
                    &LABELS,
                ),
            ),
            token_expiry: add(
                registry,
                GaugeVec::new(
                    Opts::new(
                        "ccaas_exporter_oauth_token_expiry_timestamp_seconds",
                        "When the current access token expires, in seconds since the epoch; 0 while there is none.",
                    ),
                    &LABELS,
                ),
            ),
        }
    }

    pub(super) fn of(&self, provider: &str, organization: &str) -> ApiMetrics {
        let labels = [provider, organization];
        ApiMetrics {
            labels: labels.map(str::to_owned),
            requests: self.requests.clone(),
            request_duration: self.request_duration.with_label_values(&labels),
            budget_remaining: self.budget_remaining.with_label_values(&labels),
            throttled: self.throttled.with_label_values(&labels),
            token_expiry: self.token_expiry.with_label_values(&labels),
        }
    }

    pub(super) fn remove(&self, organizations: &HashSet<String>) {
        remove(&self.requests, organizations);
        remove(&self.request_duration, organizations);
        remove(&self.budget_remaining, organizations);
        remove(&self.throttled, organizations);
        remove(&self.token_expiry, organizations);
    }
}

impl ApiMetrics {
    /// The provider and the organization.
    #[must_use]
    pub fn whose(&self) -> (&str, &str) {
        (&self.labels[0], &self.labels[1])
    }

    /// A request of `operation` ended with `code`: an HTTP status, `timeout` or `network`. The run that sent it counts it too.
    pub fn request(&self, operation: &str, code: &str, duration: Duration) {
        let [provider, organization] = &self.labels;
        self.requests.with_label_values(&[provider, organization, operation, code]).inc();
        self.request_duration.observe(duration.as_secs_f64());
        requests::sent();
    }

    /// A rate limit held up requests for this long.
    pub fn throttled(&self, waited: Duration) {
        self.throttled.inc_by(waited.as_secs_f64());
    }

    /// Requests left in the current 60 seconds.
    pub fn set_budget_remaining(&self, requests: u32) {
        self.budget_remaining.set(f64::from(requests));
    }

    /// When the current token expires.
    pub fn set_token_expiry(&self, at: Timestamp) {
        self.token_expiry.set(at.as_second() as f64);
    }
}
